"""MyTerms (IEEE 7012): a person proffers an agreement, we accept, offer one alternative, or refuse.

The person is the first party and proposes; nothing else is negotiated. Both sides keep the same
bytes: the canonical JSON of a record that holds the first party's signed words and is signed by us.
Where an agreement and something else the person told us disagree, the prohibition holds
(``ResolvePreferringProhibition``). States are those of the W3C DPV extension ``p7012``.

The standard leaves the transport open; this is our own. See `docs/how-to/myterms.md`.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from customering.consent.agreements import ROSTER, canonical_id
from customering.consent.chain import Holds, canonical
from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import stable_id
from customering.kernel.records import from_json

AGREEMENT_IRI = "https://w3id.org/dpv/standards/p7012#"
LEEWAY_MS = 60_000
"""How far the clock of the person's agent may be from ours."""
HOURS_MAX = 24
"""How long a proffer may stand."""

HoldsJwk = Callable[[Mapping[str, Any]], Holds]
"""Gives what checks signatures by a public key."""

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class AgreementRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which agreement, in which version.

    Parameters
    ----------
    id
        As the roster has it; ids of the earlier draft (``SD-BY-*``) are read too.
    version, url, sha256
        Which text of it: its version, where it is, and the SHA-256 of it in hex.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{1,40}$")]
    version: Annotated[str, msgspec.Meta(max_length=100)] = ""
    url: Annotated[str, msgspec.Meta(max_length=500)] = ""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")] = ""


class FirstParty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person, as their agent names them.

    Parameters
    ----------
    id
        A name of their own choice, such as a DID.
    jwk
        The Ed25519 public key they sign with.
    """

    id: _Text
    jwk: dict[str, str]


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The program that acts for a party."""

    name: _Text
    version: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Proffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person proposes.

    Parameters
    ----------
    agreements
        Those they would sign, the preferred one first.
    first_party, agent
        Who they are, and the program that speaks for them.
    nonce
        Tells this proffer from every other of theirs.
    proffered_at, expires_at
        ISO 8601; it stands for a day at most.
    signature
        Ed25519 in base64url over the canonical JSON (RFC 8785) of all of it but this.
    """

    agreements: Annotated[list[AgreementRef], msgspec.Meta(min_length=1, max_length=20)]
    first_party: FirstParty
    agent: Agent
    nonce: Annotated[str, msgspec.Meta(min_length=8, max_length=200)]
    proffered_at: Annotated[str, msgspec.Meta(max_length=40)]
    expires_at: Annotated[str, msgspec.Meta(max_length=40)]
    signature: Annotated[str, msgspec.Meta(max_length=200)]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a person accepts the one alternative.

    Parameters
    ----------
    agreement
        The alternative, as it was offered.
    accepted_at
        ISO 8601.
    signature
        Over the canonical JSON of ``{accepted_at, agreement, proffer_id}``.
    """

    agreement: AgreementRef
    accepted_at: Annotated[str, msgspec.Meta(max_length=40)]
    signature: Annotated[str, msgspec.Meta(max_length=200)]


class Answer(NamedTuple):
    """What we say to a proffer.

    Parameters
    ----------
    decision
        Accepted, one alternative offered, or refused.
    agreement
        The one that is accepted or offered; None when refused.
    reason
        Why it was refused, in a sentence.
    """

    decision: Literal["accept", "alternative", "refuse"]
    agreement: AgreementRef | None
    reason: str = ""


def proffer_id(proffer: Proffer) -> str:
    """Give the id of a proffer: that of its words, so that a repeated one is the same."""
    return stable_id("prf", sha256(canonical(unsigned(proffer))).hexdigest())


def unsigned(document: Proffer) -> dict[str, Any]:
    """Give a proffer as it is signed."""
    plain: dict[str, Any] = msgspec.to_builtins(document)
    del plain["signature"]
    return plain


def check_proffer(proffer: Proffer, now_ms: int, holds_jwk: HoldsJwk) -> None:
    """Check that a proffer is the first party's own, and stands now.

    Raises
    ------
    Invalid
        When its signature does not fit, or its time has not come or is over.
    """
    key = proffer.first_party.jwk
    _check_signature(canonical(unsigned(proffer)), proffer.signature, key, holds_jwk)
    begins = _instant(proffer.proffered_at, "proffered_at")
    ends = _instant(proffer.expires_at, "expires_at")
    if begins > now_ms + LEEWAY_MS:
        raise Invalid("proffered_at is still to come", hint="check the clock of the agent")
    if ends <= now_ms:
        raise Invalid("the proffer has expired", hint="proffer again")
    if ends - begins > HOURS_MAX * 3_600_000:
        raise Invalid(
            f"the proffer would stand longer than {HOURS_MAX} hours",
            hint="let it expire earlier, and proffer again when needed",
        )


def answer_to(proffered: Sequence[AgreementRef], accepted: Sequence[str]) -> Answer:
    """Decide on a proffer: the first acceptable one, else one alternative of its kind.

    Parameters
    ----------
    proffered
        What the person would sign, the preferred one first.
    accepted
        Ids that we accept, the one to offer as an alternative first.
    """
    for one in proffered:
        name = canonical_id(one.id)
        if name in accepted and name in ROSTER:
            return Answer("accept", msgspec.structs.replace(one, id=name))
    families = {canonical_id(one.id).split("-")[0] for one in proffered}
    for name in accepted:
        if name in ROSTER and name.split("-")[0] in families:
            return Answer("alternative", AgreementRef(id=name, url=f"{AGREEMENT_IRI}{name}"))
    return Answer("refuse", None, "We accept none of these agreements.")


def check_acceptance(
    acceptance: Acceptance,
    proffered: Proffer,
    offered: AgreementRef,
    now_ms: int,
    holds_jwk: HoldsJwk,
) -> None:
    """Check that an acceptance is the first party's own, of what was offered, and in time.

    Raises
    ------
    Invalid
        When it is not.
    """
    if acceptance.agreement != offered:
        raise Invalid("another agreement was offered", hint="accept it word for word")
    words = {
        "accepted_at": acceptance.accepted_at,
        "agreement": msgspec.to_builtins(acceptance.agreement),
        "proffer_id": proffer_id(proffered),
    }
    _check_signature(canonical(words), acceptance.signature, proffered.first_party.jwk, holds_jwk)
    if _instant(proffered.expires_at, "expires_at") <= now_ms:
        raise Invalid("the proffer has expired", hint="proffer again")


def record_of(
    proffer: Proffer,
    agreement: AgreementRef,
    acceptance: Acceptance | None,
    *,
    second_party: Mapping[str, Any],
    effect: Mapping[str, str],
    jurisdiction: str,
    accepted_ms: int,
    sign: Callable[[bytes], tuple[str, str]],
) -> bytes:
    """Give the record of an agreement that both sides keep, in the same canonical bytes.

    Parameters
    ----------
    acceptance
        By which the first party took the alternative; None when we took what they proffered.
    second_party
        Who we are.
    effect
        What it means for each purpose: ``allow`` or ``deny``.
    jurisdiction
        Whose law holds.
    accepted_ms
        When it was accepted. Milliseconds since 1970.
    sign
        Signs in our name, in base64url.
    """
    at, own = format_instant(accepted_ms), proffer_id(proffer)
    steps: list[dict[str, Any]] = [
        {"state": "AgreementNegotiationRequested", "proffer": msgspec.to_builtins(proffer)}
    ]
    first = {"party": "first", "alg": "Ed25519", "over": "proffer", "sig": proffer.signature}
    if acceptance is not None:
        steps.append({"state": "AgreementNegotiationCounterOfferMade", "agreement": agreement.id})
        steps.append({"state": "AgreementAccepted", "acceptance": msgspec.to_builtins(acceptance)})
        first |= {"over": "acceptance", "sig": acceptance.signature}
    body: dict[str, Any] = {
        "type": "AgreementInteractionRecord",
        "record_id": stable_id("agr", own, agreement.id),
        "proffer_id": own,
        "agreement": msgspec.to_builtins(agreement),
        "obligations": list(ROSTER[agreement.id].obliges),
        "permissions": dict(effect),
        "conflicts": "ResolvePreferringProhibition",
        "first_party": msgspec.to_builtins(proffer.first_party),
        "second_party": dict(second_party),
        "agents": [
            {"party": "first", **msgspec.to_builtins(proffer.agent)},
            {"party": "second", "name": "customering", "version": ""},
        ],
        "status": "AgreementAccepted",
        "negotiation": steps,
        "accepted_at": at,
        "place": {"jurisdiction": jurisdiction},
    }
    kid, signature = sign(canonical(body))
    ours = {"party": "second", "alg": "Ed25519", "kid": kid, "over": "record", "sig": signature}
    return canonical({**body, "signatures": [first, ours]})


def fault_of_record(document: bytes, ours: Holds, holds_jwk: HoldsJwk) -> str | None:
    """Say what is wrong with the record of an agreement; None when both parties signed it.

    Parameters
    ----------
    ours
        Checks the signatures of the second party.
    holds_jwk
        Gives what checks those of the first.
    """
    try:
        record = from_json(document, dict[str, Any])
        if canonical(record) != document:
            return "its bytes are not canonical"
        first, second = record.pop("signatures")
        if not ours(second["kid"], canonical(record), _bytes(second["sig"])):
            return "the signature of the second party does not fit"
        steps, jwk = record["negotiation"], record["first_party"]["jwk"]
        words = {**steps[0]["proffer"]}
        if first["over"] == "acceptance":
            words = {**steps[-1]["acceptance"], "proffer_id": record["proffer_id"]}
        if words.pop("signature") != first["sig"]:
            return "the signature of the first party is another one"
        _check_signature(canonical(words), first["sig"], jwk, holds_jwk)
    except Invalid:
        return "the signature of the first party does not fit"
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, IndexError):
        return "it is not the record of an agreement"
    return None


def _check_signature(
    words: bytes, signature: str, jwk: Mapping[str, Any], holds_jwk: HoldsJwk
) -> None:
    holds = holds_jwk(jwk)
    if not holds(str(jwk.get("kid", "")), words, _bytes(signature)):
        raise Invalid(
            "the signature does not fit",
            hint="sign the canonical JSON (RFC 8785) without `signature` with the key in"
            " `first_party.jwk`, which carries its `kid`",
        )


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _instant(text: str, name: str) -> int:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f"{name} is no instant - at `$.{name}`", hint="write it as 2027-02-01T00:00:00Z"
        ) from error
