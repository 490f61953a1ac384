"""Removes what may not or cannot be done for a person, with the first rule that says so.

Every rule is asked about all candidates at once. What depends on the person is asked once for each
distinct question: a condition, a permission, the rest after a contact.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.consent.model import Permit, Refusal
from customering.decision.contact import contract_loss, dismissed_days, last_contacts
from customering.decision.eligibility import supply_loss
from customering.decision.explore import is_held_out
from customering.decision.losses import CODE_OF, NOT_ESSENTIAL, Codes
from customering.decision.model import CONTEXT, Loss
from customering.decision.policy import Case
from customering.decision.stance import Stance, permission, refused
from customering.decision.table import Asked, Rules, Table, Where
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR

_ANSWERS_MOST = 256  # combinations of answers that a table keeps: a byte a candidate each


class Sifted(NamedTuple):
    """What became of the candidates so far, and what words need beyond the code.

    Parameters
    ----------
    codes
        0 for each that remains; shape (candidates,). Not to be changed: others may have the same.
    refusals
        The words of each permission that was refused.
    rested
        By place of each candidate that still rests: the instant of the last contact with it or its
        group, or the beginning of the day on which the person said no to it.
    readable
        What conditions may read of the person and the circumstances; None when nothing may be read.
    """

    codes: Codes
    refusals: dict[Asked, str]
    rested: dict[int, int]
    readable: Mapping[str, Any] | None


def sift(case: Case, stance: Stance) -> Sifted:
    """Ask every rule about every candidate; the first that objects is the reason."""
    if stance.blocked is not None:
        codes = np.full(len(case.offer), CODE_OF[stance.blocked.code], np.uint8)
        return Sifted(codes, {}, {}, None)
    asked, tables = _Questions(case, stance), case.offer.tables
    parts, has_held_out = [], False
    for table in tables:
        parts.append(asked.codes(table))
        has_held_out |= bool(table.rules.held_out)
    codes = parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros(0, np.uint8)])
    rested: dict[int, int] = {}
    if has_held_out or asked.has_past:
        codes = codes.copy()
        begin = 0
        for table in tables:
            rested |= asked.past(table, begin, codes)
            asked.hold_out(table, begin, codes)
            begin += len(table)
    return Sifted(codes, asked.refusals, rested, asked.readable if stance.may_use_facts else None)


class _Questions:
    """The rules, for one person; what repeats is asked once."""

    def __init__(self, case: Case, stance: Stance) -> None:
        self._case = case
        self._stance = stance
        self._answers: dict[Asked, int] = {}
        self._values: Mapping[str, Any] | None = None
        self.last = last_contacts(case.person.contacts)
        self.refusals: dict[Asked, str] = {}

    def codes(self, table: Table) -> Codes:
        """Give the codes of a table by every rule that needs no past; not to be changed.

        They are the same for all of whom every question has the same answer, at whatever instant:
        only what is between its dates, or was taken by others, changes meanwhile.
        """
        case, rules = self._case, table.rules
        request, now_ms = case.request, case.now_ms
        where = table.where(request.placement, request.channel, is_common=self._stance.is_common)
        holding: Sequence[bool] = ()
        if rules.conditions:
            values = self.readable
            holding = [condition.holds(values, now_ms) for condition in rules.conditions]
        answers = [self._permission_code(asked) for asked in rules.asked]
        is_lasting = rules.begun <= now_ms < rules.ends and (
            not rules.limited or rules.limited.keys().isdisjoint(request.taken)
        )
        if not is_lasting:
            return self._worked_out(table, where, holding, answers)
        if rules.unsupplied is None and all(holding) and not any(answers):
            return table.fixed(where)
        key = where, *holding, *answers
        found = table.sifted.get(key)
        if found is None:
            if len(table.sifted) >= _ANSWERS_MOST:
                table.sifted.clear()
            found = table.sifted[key] = self._worked_out(table, where, holding, answers)
            found.setflags(write=False)
        return found

    def _worked_out(
        self, table: Table, where: Where, holding: Sequence[bool], answers: Sequence[int]
    ) -> Codes:
        """Ask every candidate of a table, by which conditions hold and what permission answers."""
        rules, now_ms = table.rules, self._case.now_ms
        codes = table.fixed(where).copy()
        if not rules.begun <= now_ms < rules.ends:
            assert rules.valid_from is not None, "a table with dates has both columns"
            assert rules.valid_until is not None, "a table with dates has both columns"
            _lose(codes, now_ms < rules.valid_from, CODE_OF["not_yet"])
            _lose(codes, now_ms >= rules.valid_until, CODE_OF["over"])
        if rules.limited:
            unsupplied = self._unsupplied(table)
            if unsupplied is not None:
                np.copyto(codes, unsupplied, where=codes == 0)
        if not all(holding):
            _lose_unmet(rules, holding, codes)
        if any(answers):
            refused_here = np.array(answers, dtype=np.uint8)[rules.asked_of]
            np.copyto(codes, refused_here, where=codes == 0)
        return codes

    def _unsupplied(self, table: Table) -> Codes | None:
        taken, rules = self._case.request.taken, table.rules
        some = [action_id for action_id in taken if action_id in rules.limited]
        if not some:
            return rules.unsupplied
        codes = np.zeros(len(table), np.uint8) if rules.unsupplied is None else rules.unsupplied
        codes = codes.copy()
        for action_id in some:
            row = rules.limited[action_id]
            loss = supply_loss(table.actions[row], taken[action_id])
            codes[row] = 0 if loss is None else CODE_OF[loss]
        return codes

    @property
    def readable(self) -> Mapping[str, Any]:
        """What conditions may read: nothing where the person does not permit facts to be used.

        The circumstances may tell of the person too, such as what lies in the cart.
        """
        if self._values is None:
            case = self._case
            values = case.person.traits if self._stance.may_use_facts else {}
            if case.request.context and self._stance.may_use_facts:
                values = _With(values, CONTEXT, case.request.context)
            self._values = values
        return self._values

    @property
    def has_past(self) -> bool:
        """Whether anything the person said, did or had can stand against single candidates."""
        person = self._case.person
        return bool(person.outranked or self.last or person.dismissed)

    def past(self, table: Table, begin: int, codes: Codes) -> dict[int, int]:
        """Ask what the person said, did or had; give when what still rests was, by place."""
        self._outrank(table, begin, codes)
        rested = self._dismissed(table, begin, codes)
        rested |= self._resting(table, begin, codes)
        rested |= self._spaced(table, begin, codes)
        return rested

    def _outrank(self, table: Table, begin: int, codes: Codes) -> None:
        """Let reminders yield to what the person says they look for."""
        for action_id in self._case.person.outranked:
            row = table.places.get(action_id)
            if row is not None and not codes[begin + row]:
                codes[begin + row] = CODE_OF["outranked"]

    def _dismissed(self, table: Table, begin: int, codes: Codes) -> dict[int, int]:
        """Let those rest that the person said no to; give when that was, by place.

        Only the day is known: the rest is counted from its end, so that it is never too short.
        """
        rested: dict[int, int] = {}
        for action_id, day in self._case.person.dismissed.items():
            row = table.places.get(action_id)
            if row is None or codes[begin + row]:
                continue
            days = 1 + dismissed_days(table.columns.cooldown_days[row])
            if self._case.now_ms < (day + days) * MS_PER_DAY:
                codes[begin + row] = CODE_OF["dismissed"]
                rested[begin + row] = day * MS_PER_DAY
        return rested

    def _resting(self, table: Table, begin: int, codes: Codes) -> dict[int, int]:
        """Let those rest that the person had lately; give when that was, by place."""
        rested: dict[int, int] = {}
        for action_id, last_at in self.last.items():
            row = table.places.get(action_id)
            if row is None or codes[begin + row]:
                continue
            if self._case.now_ms - last_at < table.columns.cooldown_days[row] * MS_PER_DAY:
                codes[begin + row] = CODE_OF["cooldown"]
                rested[begin + row] = last_at
        return rested

    def _spaced(self, table: Table, begin: int, codes: Codes) -> dict[int, int]:
        """Let those wait of whose group the person had something lately; give when that was."""
        rested: dict[int, int] = {}
        if not table.rules.spaced or not self.last:
            return rested
        latest = self._last_of_groups()
        for row, group in table.rules.spaced.items():
            if codes[begin + row] or group not in latest:
                continue
            if self._case.now_ms - latest[group] < table.columns.spacing_hours[row] * MS_PER_HOUR:
                codes[begin + row] = CODE_OF["spacing"]
                rested[begin + row] = latest[group]
        return rested

    def _last_of_groups(self) -> dict[str, int]:
        """Give the instant of the last contact with anything of each group that is known here."""
        latest: dict[str, int] = {}
        for table in self._case.offer.tables:
            for action_id, at_ms in self.last.items():
                row = table.places.get(action_id)
                if row is not None:
                    group = table.columns.group[row]
                    latest[group] = max(at_ms, latest.get(group, at_ms))
        return latest

    def hold_out(self, table: Table, begin: int, codes: Codes) -> None:
        """Hold back what the person never gets, so that its effect can be told.

        It is asked last: who is held out would otherwise have had it come into question.
        """
        seed, person_id = self._case.policy.settings.seed, self._case.person.person_id
        for row, share in table.rules.held_out.items():
            place = begin + row
            if not codes[place] and is_held_out(
                seed, table.columns.action_id[row], person_id, share
            ):
                codes[place] = CODE_OF["holdout"]

    def _permission_code(self, asked: Asked) -> int:
        """Ask the gate and the status about actions of one purpose, channel and kind, once."""
        if asked not in self._answers:
            loss = self._ask(*asked)
            self._answers[asked] = 0 if loss is None else CODE_OF[loss.code]
            if loss is not None:
                self.refusals[asked] = loss.words
        return self._answers[asked]

    def _ask(self, purpose: str, channel: str, kind: Any) -> Loss | None:
        """Ask the gate, then what kinds of contact are fine; what is essential needs only the gate.

        Where nothing known of the person is used, what is shown profiles nobody, so a profiling
        purpose needs no agreement there; but a person who told us how we stand is not courted.
        """
        case, consent = self._case, self._case.policy.consent
        answer: Permit | Refusal | None
        if not self._stance.may_use_facts and consent.is_profiling(purpose):
            answer = consent.forbidden_by_status(case.person.status, purpose, case.now_ms)
        else:
            answer = permission(case, purpose, channel)
        if isinstance(answer, Refusal):
            return refused(answer)
        if self._stance.is_essential:
            essential = consent.is_essential(purpose)
            return None if essential else Loss("not_essential", NOT_ESSENTIAL)
        return contract_loss(kind, case.person.contract, is_contact=case.request.is_contact)


class _With(dict[str, Any]):
    """A mapping with one name laid over it, without copying the mapping."""

    def __init__(self, below: Mapping[str, Any], name: str, value: Any) -> None:
        super().__init__({name: value})
        self._below = below

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else self._below.get(name, default)


def _lose_unmet(rules: Rules, holding: Sequence[bool], codes: Codes) -> None:
    """Remove what the person may not have, what does not apply to them, and what suits them not."""
    # The first entry stands for having no condition.
    unmet = ~np.array([True, *holding], dtype=np.bool_)
    for conditions, rule in (
        (rules.condition_of, CODE_OF["not_eligible"]),
        (rules.applies, CODE_OF["not_applicable"]),
        (rules.suits, CODE_OF["not_suitable"]),
    ):
        if conditions is not None:
            _lose(codes, unmet[conditions], rule)


def _lose(codes: Codes, objects: NDArray[np.bool_], code: int) -> None:
    """Give a code to those that a rule objects to and that no earlier rule removed."""
    codes[objects & (codes == 0)] = code
