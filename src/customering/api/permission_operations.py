"""The operations about permission, for the OpenAPI document: states, receipts, signals, MyTerms."""

from typing import Any

from customering.api.gpc import GPC_SINCE, ConsentLog, GpcSupport, PurposeList
from customering.api.myterms import ProfferAnswer, Terms
from customering.api.operation import Body, Operation, Parameter
from customering.api.parameters import PERSON_ERRORS, TEXT, WHO, query
from customering.api.permission_delivery import DeliveryAnswer
from customering.api.permissions import ConsentState, ReceiptList
from customering.consent.myterms import AGREEMENT_IRI, Acceptance, Proffer

_READ_PEOPLE = (("secret_key", "people"), ("subject_token", "people"))
_SPEAKS = (("secret_key", "people"), ("subject_token", "people"), ("write_key", ""))
_AT, _HASH = "2026-11-22T09:00:00.000Z", "9c" * 32
_KID, _SIGNATURE = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "Zm9v" * 21 + "Zg"
_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
_CHAPTER = "Permission"

_EXCHANGE: dict[str, Any] = {
    "gives": "Offers on what you really buy.",
    "returns": "discount",
    "low_minor": 0,
    "high_minor": 0,
    "currency": "",
    "method": "",
    "window": "",
    "terms_url": "",
    "when_withdrawn": "You get the offers everybody gets.",
    "offers": 3,
    "used": 2,
    "saved_minor": 4_120,
    "words": "In the last 90 days: 3 for you, 2 of them used, 41.20 EUR saved.",
}
_STATE: dict[str, Any] = {
    "person_id": "per_3q2f6xw4ah7m2ndk",
    "as_of": _AT,
    "purposes": [
        {
            "key": "personalize.offers",
            "title": "Products and offers chosen for you",
            "text": "We choose products and offers by what you bought and told us.",
            "basis": "consent",
            "categories": ["purchases", "visits", "declared"],
            "retention": "P2Y",
            "recipients": [],
            "is_profiling": True,
            "is_third_party": False,
            "is_ai_training": False,
            "can_choose": True,
            "permitted": True,
            "reason": "agreed",
            "words": "You agreed to 'Products and offers chosen for you' on 2026-08-01.",
            "answer": "allow",
            "since": "2026-08-01T10:00:00.000Z",
            "exchange": _EXCHANGE,
        }
    ],
    "signals": {"gpc": "2026-08-02T10:00:00.000Z"},
    "objections": {},
    "agreements": {"SD-BASE": _AT},
    "restricted_since": None,
    "conflicts": [
        {
            "purpose": "ads.audiences",
            "voice": "signal",
            "wins": "choice",
            "words": "You allowed 'Advertising elsewhere' on 2026-08-03. It holds, because it came"
            " after your browser asked us on 2026-08-02 not to sell or share your facts.",
        }
    ],
    "not_recorded": [
        {
            "category": "visits",
            "title": "Which pages and products you look at",
            "words": "You refused 'A shop arranged for you' on 2026-08-01.",
        }
    ],
    "segment": {"categoryPreferences": {"marketing.email": False}},
}
_DELIVERY: dict[str, Any] = {
    "decision_id": "dec_3q2f6xw4ah7m2ndk",
    "as_of": _AT,
    "deliveries": [
        {
            "action_id": "spring_mail",
            "permitted": False,
            "reason": "denied",
            "words": "You refused 'E-mail' on 2026-11-22.",
        }
    ],
}
_RECEIPTS: dict[str, Any] = {
    "receipts": [
        {
            "number": 17,
            "receipt_id": "rcp_3q2f6xw4ah7m2ndk",
            "said_at": "2026-08-01T10:00:00.000Z",
            "event": "Consent Updated",
            "said": {"personalize.offers": "allow"},
        }
    ]
}
_HEAD: dict[str, Any] = {
    "size": 17,
    "hash": _HASH,
    "root": _HASH,
    "at": _AT,
    "kid": _KID,
    "signature": _SIGNATURE,
}
_REF = {"id": "SD-BASE", "version": "1.0", "url": f"{AGREEMENT_IRI}SD-BASE", "sha256": _HASH}
_PROFFER: dict[str, Any] = {
    "agreements": [_REF],
    "first_party": {"id": "did:key:z6MkhaXgBZD", "jwk": _JWK},
    "agent": {"name": "a browser extension", "version": "1.2"},
    "nonce": "7a2f0c9e8f41",
    "proffered_at": _AT,
    "expires_at": "2026-11-22T10:00:00.000Z",
    "signature": _SIGNATURE,
}
_PURPOSE: dict[str, Any] = {
    "key": "marketing.email",
    "title": "E-mail",
    "text": "We may write to you by e-mail about products and offers.",
    "basis": "consent",
    "categories": ["contact.email"],
    "channels": ["email"],
    "dpv_iri": "https://w3id.org/dpv#DirectMarketing",
    "fides_data_use": "marketing.communications.email",
    "retention": "P2Y",
    "value": {"returns": "content", "when_withdrawn": "We write about your orders only."},
}
_SPEAKER = query("who", "For whom it is; may be left out with a subject token.")


def _path(name: str, words: str, example: str) -> Parameter:
    return Parameter(
        name=name,
        place="path",
        words=words,
        schema={"type": "string", "minLength": 1, "maxLength": 64},
        example=example,
    )


OF_PEOPLE = (
    Operation(
        method="get",
        path="/v1/people/{who}/consent",
        name="readConsent",
        chapter=_CHAPTER,
        summary="Read what a person permits, and why",
        words="Every purpose with the answer that holds now, in the words the person reads, what"
        " they get for it and what really came back; what stands beside their choices, and where"
        " they told us two things that cannot both hold.",
        access=_READ_PEOPLE,
        parameters=(WHO,),
        answers={200: Body(kind=ConsentState, example=_STATE)},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/receipts",
        name="listReceipts",
        chapter=_CHAPTER,
        summary="List what a person ever said about permission",
        words="Each has a receipt. What was said a moment ago may follow a moment later.",
        access=_READ_PEOPLE,
        parameters=(WHO,),
        answers={200: Body(kind=ReceiptList, example=_RECEIPTS)},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/receipts/{number}",
        name="readReceipt",
        chapter=_CHAPTER,
        summary="Give a signed receipt",
        words="It holds consent records of ISO/IEC TS 27560 in JSON-LD, the row of the ledger, and"
        " the path that proves the row is in it; `customering consent verify-receipt` checks it"
        " with the public key alone.",
        access=_READ_PEOPLE,
        parameters=(
            WHO,
            _path("number", "As the list has it.", "17"),
            query("form", "`receipt`, or `kantara` for a Kantara receipt.", TEXT),
        ),
        answers={200: Body(kind={}, example={"type": "customering consent receipt"})},
        errors=PERSON_ERRORS,
    ),
)

DELIVERY = (
    Operation(
        method="get",
        path="/v1/decisions/{decision_id}/permission",
        name="askBeforeSending",
        chapter=_CHAPTER,
        summary="Ask again, at the moment of sending",
        words="Whoever carries out a decision asks this last of all: the person may have refused"
        " since, the decision may be too old, the action gone. What is not permitted is not sent.",
        access=(("secret_key", "people or decide"), ("subject_token", "decide")),
        parameters=(_path("decision_id", "As `/v1/decide` gave it.", "dec_3q2f6xw4ah7m2ndk"),),
        answers={200: Body(kind=DeliveryAnswer, example=_DELIVERY)},
        errors=PERSON_ERRORS,
    ),
)

FOR_EVERYBODY = (
    Operation(
        method="get",
        path="/v1/consent/purposes",
        name="listPurposes",
        chapter=_CHAPTER,
        summary="List the purposes there are",
        answers={200: Body(kind=PurposeList, example={"purposes": [_PURPOSE]})},
        errors=(400,),
    ),
    Operation(
        method="get",
        path="/v1/consent/klaro.json",
        name="readKlaroConfig",
        chapter=_CHAPTER,
        summary="Give the configuration of a Klaro banner for the purposes",
        answers={200: Body(kind={}, example={"version": 1, "services": []})},
        errors=(400,),
    ),
    Operation(
        method="get",
        path="/.well-known/gpc.json",
        name="readGpcSupport",
        chapter=_CHAPTER,
        summary="Say that Global Privacy Control is heeded",
        answers={200: Body(kind=GpcSupport, example={"gpc": True, "lastUpdate": GPC_SINCE})},
        errors=(),
    ),
    Operation(
        method="get",
        path="/.well-known/consent-log.json",
        name="readConsentLog",
        chapter=_CHAPTER,
        summary="Publish the public keys and the signed heads of the consent ledger",
        words="Whoever keeps it can show later that the ledger was changed, whatever was changed.",
        answers={
            200: Body(
                kind=ConsentLog,
                example={
                    "keys": [{**_JWK, "kid": _KID}],
                    "tree": "RFC 6962, SHA-256, over the hashes of the rows",
                    "head": _HEAD,
                    "checkpoints": [_HEAD],
                },
            )
        },
        errors=(503,),
    ),
)

MYTERMS = (
    Operation(
        method="get",
        path="/.well-known/myterms.json",
        name="readTerms",
        chapter=_CHAPTER,
        summary="Say which MyTerms agreements (IEEE 7012) are accepted",
        answers={
            200: Body(
                kind=Terms,
                example={
                    "effective_date": "Sun, 22 Nov 2026 00:00:00 GMT",
                    "agreements": [
                        {
                            "id": "SD-BASE",
                            "url": f"{AGREEMENT_IRI}SD-BASE",
                            "title": "Service delivery only",
                        }
                    ],
                    "tos_url": "",
                    "tos": "",
                    "proffers": "/v1/myterms/proffers",
                    "second_party": {"name": "", "url": "", "email": "", "jwk": _JWK},
                },
            )
        },
        errors=(503,),
    ),
    Operation(
        method="post",
        path="/v1/myterms/proffers",
        name="profferAgreement",
        chapter=_CHAPTER,
        summary="Proffer an agreement for a person",
        words="It is accepted, one alternative is offered, or it is refused. What is accepted holds"
        " with the next decision, and the record has the same bytes on both sides.",
        access=_SPEAKS,
        parameters=(_SPEAKER,),
        body=Body(kind=Proffer, example=_PROFFER),
        answers={
            200: Body(
                kind=ProfferAnswer,
                example={
                    "decision": "alternative",
                    "proffer_id": "prf_3q2f6xw4ah7m2ndk",
                    "alternative": _REF,
                },
            )
        },
        errors=(400, 401, 403, 429, 503),
    ),
    Operation(
        method="post",
        path="/v1/myterms/proffers/{proffered}/accept",
        name="acceptAlternative",
        chapter=_CHAPTER,
        summary="Accept the one alternative",
        access=_SPEAKS,
        parameters=(
            _path("proffered", "`proffer_id` of the answer.", "prf_3q2f6xw4ah7m2ndk"),
            _SPEAKER,
        ),
        body=Body(
            kind=Acceptance,
            example={"agreement": _REF, "accepted_at": _AT, "signature": _SIGNATURE},
        ),
        answers={
            200: Body(
                kind=ProfferAnswer,
                example={
                    "decision": "accept",
                    "proffer_id": "prf_3q2f6xw4ah7m2ndk",
                    "agreement": _REF,
                },
            )
        },
        errors=(400, 401, 403, 404, 429, 503),
    ),
    Operation(
        method="get",
        path="/v1/myterms/records/{record_id}",
        name="readAgreement",
        chapter=_CHAPTER,
        summary="Give the record of an agreement, in the bytes that both sides keep",
        access=_SPEAKS,
        parameters=(
            _path("record_id", "As the record has it.", "agr_3q2f6xw4ah7m2ndk"),
            _SPEAKER,
        ),
        answers={200: Body(kind={}, example={"type": "AgreementInteractionRecord"})},
        errors=PERSON_ERRORS,
    ),
)

PERMISSION = (*OF_PEOPLE, *DELIVERY, *FOR_EVERYBODY, *MYTERMS)
