"""The agreements of a home: answers to proffers, records that both sides keep, and their effect."""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256
from threading import Lock
from typing import Any, NamedTuple

from customering.app.home_key import holding
from customering.app.receipts import Receipts
from customering.app.wishes import Wish
from customering.consent.agreements import ROSTER, effect_of
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings
from customering.consent.myterms import (
    Acceptance,
    AgreementRef,
    Answer,
    Proffer,
    answer_to,
    check_acceptance,
    check_proffer,
    fault_of_record,
    proffer_id,
    record_of,
)
from customering.consent.voices import voice_key
from customering.events.model import AGREEMENT_UPDATED
from customering.kernel.errors import Absent
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json
from customering.stores.consent_chain import KeptAgreement

_PENDING_MOST = 10_000


class AgreementLine(Record, frozen=True, kw_only=True):
    """One agreement of a person, for a list.

    Parameters
    ----------
    record_id
        Names its record.
    agreement, title
        Which one it is.
    accepted_at
        When it was accepted. ISO 8601.
    """

    record_id: str
    agreement: str
    title: str
    accepted_at: str


class Concluded(NamedTuple):
    """An agreement that was reached.

    Parameters
    ----------
    record
        The record, in the bytes that both sides keep.
    wish
        What is to be appended to the log, so that it takes effect.
    event_id
        The id of that event: a proffer that is repeated takes effect once.
    """

    record: bytes
    wish: Wish
    event_id: str


class _Pending(NamedTuple):
    """An alternative that was offered, and to whom."""

    proffer: Proffer
    offered: AgreementRef
    name: Identifier


class Agreements:
    """Answers proffers in the name of a home; any thread may use it.

    Parameters
    ----------
    receipts
        Signs, and keeps the records.
    policy, settings
        The purposes that agreements are compiled to, and which are accepted.
    """

    def __init__(
        self, receipts: Receipts, policy: CompiledPolicy, settings: ConsentSettings
    ) -> None:
        self._receipts = receipts
        self._policy = policy
        self._settings = settings
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._changing = Lock()

    def answer(
        self, proffer: Proffer, name: Identifier, now_ms: int
    ) -> tuple[Answer, Concluded | None]:
        """Answer a proffer.

        Parameters
        ----------
        name
            Whom it is for: what is agreed holds for the person behind this identifier.
        now_ms
            The present, milliseconds since 1970.

        Returns
        -------
        tuple of Answer and Concluded or None
            What was concluded when it was accepted.

        Raises
        ------
        Invalid
            When it is not the first party's own, or its time is over.
        """
        check_proffer(proffer, now_ms, holding)
        answer = answer_to(proffer.agreements, self._settings.agreements)
        if answer.decision == "alternative" and answer.agreement is not None:
            with self._changing:
                self._pending[proffer_id(proffer)] = _Pending(proffer, answer.agreement, name)
                if len(self._pending) > _PENDING_MOST:
                    self._pending.popitem(last=False)
        if answer.decision != "accept" or answer.agreement is None:
            return answer, None
        return answer, self._conclude(proffer, answer.agreement, None, name, now_ms)

    def accept(
        self, proffered: str, acceptance: Acceptance, name: Identifier, now_ms: int
    ) -> Concluded:
        """Take the first party's acceptance of the one alternative.

        Raises
        ------
        Absent
            When nothing was offered to this person on such a proffer; they may proffer again.
        Invalid
            When the acceptance is not theirs, or of something else.
        """
        with self._changing:
            pending = self._pending.get(proffered)
        if pending is None or pending.name != name:
            raise Absent("nothing was offered on this proffer", hint="proffer again")
        proffer, offered, _ = pending
        check_acceptance(acceptance, proffer, offered, now_ms, holding)
        return self._conclude(proffer, offered, acceptance, name, now_ms)

    def _conclude(
        self,
        proffer: Proffer,
        agreement: AgreementRef,
        acceptance: Acceptance | None,
        name: Identifier,
        now_ms: int,
    ) -> Concluded:
        """Make the record and keep it; the same proffer gives the record that is kept already."""
        made = record_of(
            proffer,
            agreement,
            acceptance,
            second_party=self.second_party(),
            effect=effect_of(ROSTER[agreement.id], self._policy.purposes.values()),
            jurisdiction=self._settings.controller.jurisdiction,
            accepted_ms=now_ms,
            sign=self._receipts.key.sign_text,
        )
        record_id = str(from_json(made, dict[str, Any])["record_id"])
        subject = self._receipts.subject_of(name)
        self._receipts.chain.keep_agreement(KeptAgreement(record_id, subject, made))
        kept = self._receipts.chain.agreement(record_id)
        assert kept is not None, "a record that was just kept is there"
        properties = {
            "purposes": {voice_key("agreement", agreement.id): "deny"},
            "agreement": agreement.id,
            "record_id": record_id,
            "record_sha256": sha256(kept.document).hexdigest(),
        }
        return Concluded(
            kept.document, Wish(AGREEMENT_UPDATED, (name,), properties), f"evt_{record_id}"
        )

    def second_party(self) -> dict[str, Any]:
        """Give who we are, with the key we sign with."""
        us = self._settings.controller
        keys = self._receipts.key.jwks()["keys"]
        return {"name": us.name, "url": us.url, "email": us.email, "jwk": dict(keys[-1])}

    # Reading

    def of(self, names: Iterable[Identifier]) -> list[AgreementLine]:
        """Give the agreements of a person, the latest first; ended ones are in it too."""
        found = self._receipts.chain.agreements_of(self._receipts.subjects_of(names))
        lines = []
        for kept in found:
            record = from_json(kept.document, dict[str, Any])
            agreement = record["agreement"]["id"]
            lines.append(
                AgreementLine(
                    record_id=kept.record_id,
                    agreement=agreement,
                    title=ROSTER[agreement].title,
                    accepted_at=record["accepted_at"],
                )
            )
        return sorted(lines, key=lambda line: line.accepted_at, reverse=True)

    def record(self, record_id: str, names: Iterable[Identifier] | None = None) -> bytes:
        """Give the record of an agreement, in the bytes that both sides keep.

        Parameters
        ----------
        names
            Only when it is an agreement with this person; None for whoever may read all.

        Raises
        ------
        Absent
            When there is none.
        """
        kept = self._receipts.chain.agreement(record_id)
        is_theirs = names is None or (
            kept is not None and kept.subject in self._receipts.subjects_of(names)
        )
        if kept is None or not is_theirs:
            raise Absent("there is no agreement of this id", hint="check the id")
        return kept.document

    def fault_of(self, document: bytes) -> str | None:
        """Say what is wrong with the record of an agreement; None when both parties signed it."""
        return fault_of_record(document, self._receipts.key.holds, holding)
