"""Examples of the OpenAPI document: what a shop with one buyer of bread sent and was answered."""

from typing import Any

_AS_OF = "2026-06-01T00:00:00.002Z"
_PERSON_ID = "per_szpsfuue6nteoryl"
ORDERED_AT = "2026-03-01T12:00:00.000Z"
DECISION_ID = "dec_ayz7hf5hwqkq4u3s"

ORDER: dict[str, Any] = {
    "order_id": "1001",
    "revenue_minor": 1000,
    "currency": "EUR",
    "products": [{"product_id": "bread", "name": "Rye bread", "quantity": 2, "price_minor": 500}],
}

_STANDING: dict[str, Any] = {
    "name": "drifting",
    "set_by": "facts",
    "words": "We have not seen you for 92 days, longer than is usual for you.",
    "operator_words": "Late by their own rhythm: silent 1.0 times as long as is usual for them.",
    "facts": [
        "Bought on 1 day since 2026-03-01.",
        "Last bought 92 days ago, on 2026-03-01.",
        "A silence of up to 90 days is usual for this person.",
    ],
    "since": "2026-05-31T00:00:00.000Z",
    "would_change": ["A purchase makes them returning."],
    "contract": {
        "kinds": ["order", "answer", "show", "offer", "message", "question", "consultation"],
        "unasked_messages_per_30_days": 2,
        "words": "Every kind of contact is fine, less often; a question is better than an offer.",
    },
}

PERSON: dict[str, Any] = {
    "person_id": _PERSON_ID,
    "identifiers": ["user_id:ada", "anonymous_id:a1"],
    "as_of": _AS_OF,
    "status": _STANDING,
    "traits": {
        "orders_total": {
            "value": 1,
            "provenance": "observed",
            "as_of": _AS_OF,
            "words": "how many times you bought from us",
            "purpose": "profile.value_scoring",
            "unit": "orders",
        },
        "spend_total_minor": {
            "value": 1000,
            "provenance": "observed",
            "as_of": _AS_OF,
            "words": "what you spent with us in all",
            "purpose": "profile.value_scoring",
            "unit": "minor units",
        },
    },
    "refused_purposes": ["profile.taste"],
    "audiences": ["buyers"],
}

TIMELINE: dict[str, Any] = {
    "events": [
        {
            "event_id": "1001-order",
            "kind": "track",
            "name": "Order Completed",
            "identifiers": ["user_id:ada"],
            "occurred_at": ORDERED_AT,
            "recorded_at": "2026-03-01T12:00:00.412Z",
            "properties": ORDER,
            "context": {},
            "source": "till",
        }
    ],
    "next": "WzE3NzIzNjY0MDAwMDAsIjEwMDEtb3JkZXIiXQ",
}

CONSENT: dict[str, Any] = {"purposes": {"personalize.web": "allow", "marketing": "deny"}}
CONSENT_ANSWER: dict[str, Any] = {
    "person_id": _PERSON_ID,
    "chosen": {
        "marketing": {"answer": "deny", "since": _AS_OF},
        "personalize.web": {"answer": "allow", "since": _AS_OF},
    },
    "refused_purposes": ["profile.taste"],
}
STATUS: dict[str, Any] = {"status": "on_a_break", "until": "2026-09-01T00:00:00Z"}
STATUS_ANSWER: dict[str, Any] = {
    "person_id": _PERSON_ID,
    "status": {
        **_STANDING,
        "name": "on_a_break",
        "set_by": "person",
        "words": "You asked for a break. We keep quiet.",
        "operator_words": "Asked for a break.",
        "would_change": ["The person's own word."],
        "since": _AS_OF,
        "contract": {
            "kinds": ["order", "answer"],
            "unasked_messages_per_30_days": 0,
            "words": "Only what they order and ask for.",
        },
    },
}

TRACK: dict[str, Any] = {
    "userId": "ada",
    "messageId": "1001-order",
    "event": "Order Completed",
    "properties": ORDER,
    "timestamp": ORDERED_AT,
}
IDENTIFY: dict[str, Any] = {
    "userId": "ada",
    "anonymousId": "a1",
    "traits": {"email": "ada@example.org", "favourite_shop": "Main Street"},
}
PAGE: dict[str, Any] = {
    "anonymousId": "a1",
    "name": "Bread",
    "properties": {"url": "https://shop.example/bread"},
}
SCREEN: dict[str, Any] = {"anonymousId": "a1", "name": "Basket", "properties": {"items": 2}}
GROUP: dict[str, Any] = {"userId": "ada", "groupId": "household-7", "traits": {"size": 3}}
ALIAS: dict[str, Any] = {"previousId": "a1", "userId": "ada"}
BATCH: dict[str, Any] = {
    "batch": [{"type": "track", **TRACK}, {"type": "page", **PAGE}],
    "sentAt": "2026-03-01T12:00:01.000Z",
}

SDK_SETTINGS: dict[str, Any] = {
    "integrations": {
        "Segment.io": {"apiKey": "cw_...", "apiHost": "data.example.org/v1", "protocol": "https"}
    }
}

DECIDE: dict[str, Any] = {
    "identifiers": {"user_id": "ada"},
    "placement": "home",
    "context": {"page": "/bread"},
    "n": 1,
}
DECIDE_ANSWER: dict[str, Any] = {
    "decision_id": DECISION_ID,
    "person_id": _PERSON_ID,
    "placement": "home",
    "decided_at": _AS_OF,
    "expires_at": "2026-06-01T00:30:00.002Z",
    "propensity": 0.95,
    "actions": [
        {
            "action_id": "club",
            "kind": "make_offer",
            "title": "Join the club",
            "content": {"subject": "A club for you"},
            "reasons": ["You bought from us before."],
            "rank": 1,
            "probability": 0.95,
        }
    ],
    "reasons": ["We show what you may like, as you permit."],
}
DECISION: dict[str, Any] = {
    "decision_id": DECISION_ID,
    "person_id": _PERSON_ID,
    "placement": "home",
    "purpose": "personalize.web",
    "channel": "",
    "decided_at": _AS_OF,
    "expires_at": "2026-06-01T00:30:00.002Z",
    "choice": "best",
    "propensity": 0.95,
    "context": {"page": "/bread"},
    "reasons": ["We show what you may like, as you permit."],
    "chosen": ["club"],
    "candidates": [
        {
            "action_id": "club",
            "kind": "make_offer",
            "title": "Join the club",
            "found_by": "always on offer",
            "rank": 1,
            "lost": None,
            "words": "You bought from us before.",
            "weighing": {
                "propensity": 0.1,
                "value_minor": 100,
                "lever": 1.0,
                "context_weight": 1.0,
                "effect": 1.0,
                "score": 10.0,
                "probability": 0.95,
            },
        }
    ],
    "outcomes": [
        {
            "outcome": "clicked",
            "action_id": "club",
            "occurred_at": "2026-06-01T00:01:10.000Z",
            "how": "named",
            "words": "They opened it.",
            "event_id": "out_2nbyxlpb5qj5u4oh",
        }
    ],
    "policy_version": "pol_ob3uq2m7lqkbb6ke",
    "seed": 7_213,
}
OUTCOME: dict[str, Any] = {"decision_id": DECISION_ID, "outcome": "clicked", "action_id": "club"}
OUTCOME_TAKEN: dict[str, Any] = {"event_id": "out_2nbyxlpb5qj5u4oh"}
OUTCOME_SUMMARY: dict[str, Any] = {
    "since": "2026-05-03",
    "counts": [{"placement": "home", "action_id": "club", "shown": 120, "clicked": 9, "bought": 2}],
}
LIVE: dict[str, Any] = {"identifiers": {"user_id": "ada"}, "placement": "home"}
STREAM = (
    'id: 41\nevent: profile\ndata: {"events":[{"event_id":"1001-order","name":"Order Completed"}]}'
    "\n\n"
)


SHOPIFY_ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "created_at": "2026-03-01T13:00:00+01:00",
    "email": "ada@example.org",
    "currency": "EUR",
    "total_price": "10.00",
    "line_items": [{"product_id": 632910392, "title": "Rye bread", "quantity": 2, "price": "5.00"}],
}
CSV = "visit,day,mail\n17,2026-03-01,ada@example.org\n"
IMPORT_REPORT: dict[str, Any] = {
    "rows": 3,
    "events": 3,
    "appended": 1,
    "duplicates": 1,
    "quarantined": 1,
    "not_kept": 0,
    "seconds": 0.04,
}

READY: dict[str, Any] = {
    "ready": True,
    "reasons": [],
    "events_waiting": 0,
    "checkpoint_lag_events": 120,
}
NOT_READY: dict[str, Any] = {
    "ready": False,
    "reasons": ["too many events wait to be written"],
    "events_waiting": 20_000,
    "checkpoint_lag_events": 20_120,
}
METRICS = (
    "# HELP customering_log_events Events in the log.\n"
    "# TYPE customering_log_events gauge\n"
    "customering_log_events 165343.0\n"
)
RUNNING: dict[str, Any] = {
    "version": "0.1.0",
    "since": "2026-06-01T00:00:00.000Z",
    "events": 165_343,
    "profiles": 2_500,
    "decisions": 1_204,
    "events_waiting": 0,
    "quarantined": 3,
    "refused": {"unauthorized": 2},
}

PROBLEMS: dict[int, dict[str, Any]] = {
    400: {
        "type": "urn:customering:problem:invalid",
        "title": "Bad Request",
        "status": 400,
        "detail": "Object contains unknown field `purpose` - at `$`",
        "code": "invalid",
        "hint": "GET /openapi.json says what to send",
    },
    401: {
        "type": "urn:customering:problem:unauthorized",
        "title": "Unauthorized",
        "status": 401,
        "detail": "the request carries no valid key",
        "code": "unauthorized",
        "hint": "docs/how-to/keys.md says which key may do what",
    },
    403: {
        "type": "urn:customering:problem:forbidden",
        "title": "Forbidden",
        "status": 403,
        "detail": "this key may not do this",
        "code": "forbidden",
        "hint": "docs/how-to/keys.md says which key may do what",
    },
    404: {
        "type": "urn:customering:problem:no_such_person",
        "title": "Not Found",
        "status": 404,
        "detail": "nothing is known under this identifier",
        "code": "no_such_person",
        "hint": "check the type and the spelling",
    },
    409: {
        "type": "urn:customering:problem:conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "this idempotency key was used for another request",
        "code": "conflict",
        "hint": "use a new idempotency key for a new request",
    },
    429: {
        "type": "urn:customering:problem:overloaded",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "too many requests",
        "code": "overloaded",
        "hint": "send fewer, or raise serve.limits",
    },
    503: {
        "type": "urn:customering:problem:unavailable",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the log cannot be written now",
        "code": "unavailable",
        "hint": "check the disk's free space and the file's permissions",
    },
}
"""Refusals by status."""
