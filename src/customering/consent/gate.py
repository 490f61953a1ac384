"""The one gate: whether something may be done with a person's facts, now, and in which words.

Permission is the minimum of everything that has a say: the purpose exists, it covers the category
and the channel, the person did not restrict us to storing, their status does not forbid it, they
did not object, no agreement prohibits it, no signal of their browser refuses it, nothing at or
above it was refused, and the person agreed, or an agreement allows it, or the operator stated a
default, or the service or the law needs it. Whatever cannot be read refuses.

There are two forms. `permit` gives the reason in words. `CompiledPolicy.mask` gives all permitted
purposes as bits, for the fold and for columns of people; `tests/laws` hold them equal.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from customering.consent.model import (
    ConsentRecord,
    ConsentSettings,
    Permit,
    Purpose,
    Reason,
    Refusal,
    SetStatus,
    StatusRule,
)
from customering.consent.purposes import PurposeBook
from customering.consent.voices import CompiledVoices, restriction, standing
from customering.kernel.clock import day_of, format_day
from customering.kernel.errors import InvalidDefinition, InvalidSettings
from customering.kernel.ids import stable_id
from customering.kernel.records import to_json

Masks: TypeAlias = NDArray[np.uint64]

_MOST_PURPOSES = 64


class CompiledPolicy:
    """Purposes, rules of statuses and stated defaults, made ready for asking often.

    Parameters
    ----------
    book
        The purposes and the rules of statuses; at most 64 purposes.
    settings
        The defaults that the operator states.

    Raises
    ------
    InvalidSettings
        When a default is stated for a purpose that does not exist.
    InvalidDefinition
        When there are more than 64 purposes, or a status forbids what does not exist.

    Notes
    -----
    A mask is an integer with one bit for each purpose, in the order of the book; it has a meaning
    only under the `version` that made it.
    """

    def __init__(self, book: PurposeBook, settings: ConsentSettings) -> None:
        if len(book.purposes) > _MOST_PURPOSES:
            raise InvalidDefinition(
                f"There are {len(book.purposes)} purposes; a mask holds {_MOST_PURPOSES}.",
                hint="Join purposes that are always asked together.",
            )
        self.purposes = {purpose.key: purpose for purpose in book.purposes}
        self.rules = {rule.status: rule for rule in book.rules}
        self.defaults = settings.defaults
        self.version = stable_id("consent", to_json(book).decode(), to_json(settings).decode())
        self._bits = {key: 1 << place for place, key in enumerate(self.purposes)}
        self.every = (1 << len(self._bits)) - 1
        self._below = _bits_below(self._bits)
        self._essential = sum(
            self._bits[purpose.key] for purpose in book.purposes if purpose.is_essential
        )
        self._forbidden = {status: self._forbids(rule) for status, rule in self.rules.items()}
        self.voices = CompiledVoices(self.purposes, self._bits, self._below)
        self._stated = self._stated_defaults(settings)
        self.default_mask = self._stated | self._essential

    @property
    def keys(self) -> frozenset[str]:
        """Every key that a person may choose about: the purposes and everything above them."""
        return frozenset(self._below)

    @property
    def fingerprint(self) -> str:
        """A name for all that masks depend on; masks that are kept are stale when it changes."""
        return stable_id("gate", self.voices.fingerprint, str(self._stated), str(self._essential))

    def mask(self, record: ConsentRecord | None) -> int:
        """Give the purposes that a record permits, as bits; the default mask without a record.

        The status is left out, because it changes with time: see `restrict`.
        """
        if not record:
            return self.default_mask
        return self._mask(record, self._stated)

    def ruled_out(self, record: ConsentRecord | None) -> int:
        """Give the purposes that something in a record refuses, as bits; silence refuses nothing.

        The status is left out here too: what it forbids is in `restrict`.
        """
        return self.every & ~self._mask(record, self.every) if record else 0

    def _mask(self, record: ConsentRecord, stated: int) -> int:
        """Give what a record permits where `stated` holds until somebody chooses."""
        allowed = denied = 0
        voices: dict[str, tuple[int, str]] | None = None
        try:
            for key, (at_ms, answer) in record.items():
                if key not in self._below:
                    if ":" in key:
                        voices = voices or {}
                        voices[key] = at_ms, answer
                elif answer == "allow" and isinstance(at_ms, int):
                    allowed |= self._bits.get(key, 0)
                else:
                    denied |= self._below[key]
            if voices is None:
                return ((stated | allowed) & ~denied) | self._essential
            heard = self.voices.hear(voices, record, allowed)
        except (TypeError, ValueError, AttributeError):
            return self._mask_of_unreadable(record)
        chosen = (stated | allowed | heard.granted) & ~denied & ~heard.refused
        return (chosen | self._essential) & ~heard.barred

    def restrict(self, mask: int, status: SetStatus | None, now_ms: int) -> int:
        """Take away what a status forbids; nothing is ever added.

        A status without a rule forbids everything that is not essential.
        """
        if status is None or (status.until_ms is not None and now_ms >= status.until_ms):
            return mask
        return mask & ~self._forbidden.get(status.status, ~self._essential)

    def allows(self, mask: int, purpose: str) -> bool:
        """Tell whether a mask has a purpose; false when the purpose does not exist."""
        return bool(mask & self._bits.get(purpose, 0))

    def allows_each(self, masks: Masks, purpose: str) -> NDArray[np.bool_]:
        """Tell for a column of masks, shape (people,), which of them have a purpose."""
        permitted: NDArray[np.bool_] = (masks & np.uint64(self._bits.get(purpose, 0))) != 0
        return permitted

    def bit(self, purpose: str) -> int:
        """Give the bit of a purpose in a mask; 0 when it does not exist."""
        return self._bits.get(purpose, 0)

    def is_essential(self, purpose: str) -> bool:
        """Tell whether the service or the law needs a purpose; false when it does not exist."""
        return self.allows(self._essential, purpose)

    def is_profiling(self, purpose: str) -> bool:
        """Tell whether a purpose judges the single person; false when it does not exist."""
        return purpose in self.purposes and self.purposes[purpose].is_profiling

    def forbidden_by_status(
        self, status: SetStatus | None, purpose: str, now_ms: int
    ) -> Refusal | None:
        """Give the refusal that a person's status means for a purpose, or None."""
        bit = self._bits.get(purpose, 0)
        if status is None or self.restrict(bit, status, now_ms) == bit:
            return None
        rule = self.rules.get(status.status)
        if rule is None:
            return _refuse(purpose, "unknown_status", "We do not know what your status permits.")
        ends = (
            status.until_ms is not None and f" This ends on {format_day(day_of(status.until_ms))}."
        )
        return _refuse(purpose, "status", rule.words + (ends or ""))

    def _mask_of_unreadable(self, record: ConsentRecord) -> int:
        """Ask purpose by purpose, so that one unreadable choice refuses only what it covers."""
        return sum(
            bit
            for key, bit in self._bits.items()
            if isinstance(permit(record, key, "", "", 0, policy=self), Permit)
        )

    def _forbids(self, rule: StatusRule) -> int:
        """Give the bits that a status takes away; what is essential is never among them."""
        bits = 0
        for key in rule.forbids:
            if key != "*" and key not in self._below:
                raise InvalidDefinition(
                    f"The status {rule.status!r} forbids {key!r}, which is no purpose.",
                    hint="Use a key of the list of purposes, a key above one, or *.",
                    status=rule.status,
                    key=key,
                )
            bits |= ~0 if key == "*" else self._below[key]
        return bits & ~self._essential

    def _stated_defaults(self, settings: ConsentSettings) -> int:
        """Give the bits that the operator's defaults permit; a default refusal goes downwards."""
        allowed = denied = 0
        for key, default in settings.defaults.items():
            if key not in self._below or (default.answer == "allow" and key not in self._bits):
                raise InvalidSettings(
                    f"There is no purpose {key!r} to allow or refuse by default.",
                    hint="Use a key of the list of purposes; only a refusal may name a key above.",
                    path=f"consent.defaults.{key}",
                )
            if default.answer == "allow":
                allowed |= self._bits[key]
            else:
                denied |= self._below[key]
        return allowed & ~denied


def permit(
    record: ConsentRecord | None,
    purpose: str,
    category: str,
    channel: str,
    now_ms: int,
    *,
    policy: CompiledPolicy,
    status: SetStatus | None = None,
) -> Permit | Refusal:
    """Decide whether something may be done now; every doubt refuses.

    Parameters
    ----------
    record
        The person's choices, merged over their anchors; None when there are none.
    purpose
        Key of the purpose.
    category
        Kind of facts that is used, such as ``purchases``; empty when none is.
    channel
        Channel by which the person is reached; empty when nothing is sent.
    now_ms
        The present, milliseconds since 1970; a status may have ended by then.
    policy
        What holds in this deployment.
    status
        The person's status; None restricts nothing.

    Returns
    -------
    Permit or Refusal
        With a reason code and words that the person can read.
    """
    try:
        return _minimum(record, purpose, category, channel, now_ms, policy, status)
    except Exception as fault:  # whatever goes wrong in the gate, the answer is no
        return _refuse(str(purpose), "fault", f"It could not be checked ({type(fault).__name__}).")


def masks_of(records: Iterable[ConsentRecord | None], policy: CompiledPolicy) -> Masks:
    """Give the masks of many people as a column, shape (people,)."""
    return np.fromiter((policy.mask(record) for record in records), dtype=np.uint64)


def lineage(key: str) -> tuple[str, ...]:
    """Give a dotted key and everything above it, nearest first.

    Examples
    --------
    >>> lineage("marketing.email")
    ('marketing.email', 'marketing')
    """
    parts = key.split(".")
    return tuple(".".join(parts[:length]) for length in range(len(parts), 0, -1))


def _minimum(
    record: ConsentRecord | None,
    purpose: str,
    category: str,
    channel: str,
    now_ms: int,
    policy: CompiledPolicy,
    status: SetStatus | None,
) -> Permit | Refusal:
    """Ask everything that has a say, the most general first; the first refusal stands."""
    known = policy.purposes.get(purpose)
    if known is None:
        return _refuse(purpose, "unknown_purpose", f"There is no purpose {purpose!r}.")
    if category and not set(lineage(category)) & set(known.categories):
        words = f"{known.title!r} does not cover facts of the kind {category!r}."
        return _refuse(purpose, "category", words)
    if channel and channel not in known.channels:
        return _refuse(purpose, "channel", f"{known.title!r} does not cover the channel {channel}.")
    return (
        restriction(record or {}, known)
        or policy.forbidden_by_status(status, purpose, now_ms)
        or _necessity(known)
        or policy.voices.refusal(record or {}, known)
        or _choice(record or {}, known, policy)
    )


def _necessity(purpose: Purpose) -> Permit | None:
    """Permit what is no matter of choice."""
    if purpose.basis == "contract":
        return Permit(purpose=purpose.key, reason="contract", words="The service needs it.")
    if purpose.basis == "legal_obligation":
        return Permit(purpose=purpose.key, reason="legal_obligation", words="The law demands it.")
    return None


def _choice(record: ConsentRecord, purpose: Purpose, policy: CompiledPolicy) -> Permit | Refusal:
    """Ask what the person chose, and what holds until they have chosen."""
    bit = policy.bit(purpose.key)
    choices = [(key, *_readable(record[key])) for key in lineage(purpose.key) if key in record]
    for key, at_ms, answer in choices:
        if answer != "allow":
            words = f"You refused {_title(key, policy)!r} on {format_day(day_of(at_ms))}."
            return _refuse(purpose.key, "denied", words)
    if choices and choices[0][0] == purpose.key:
        words = f"You agreed to {purpose.title!r} on {format_day(day_of(choices[0][1]))}."
        return Permit(purpose=purpose.key, reason="agreed", words=words)
    for name, at_ms in standing(record, "agreement").items():
        if name in policy.voices.agreements and policy.voices.agreements[name].allows & bit:
            words = f"You agreed to it in our agreement {name} of {format_day(day_of(at_ms))}."
            return Permit(purpose=purpose.key, reason="agreement", words=words)
    if policy.allows(policy.default_mask, purpose.key):
        words = f"It holds until you choose: {policy.defaults[purpose.key].ground}"
        return Permit(purpose=purpose.key, reason="default", words=words)
    return _refuse(purpose.key, "never_asked", f"You have not agreed to {purpose.title!r}.")


def _readable(choice: tuple[int, str]) -> tuple[int, str]:
    """Unpack a choice, which raises when it is not a pair."""
    at_ms, answer = choice
    return at_ms, answer


def _title(key: str, policy: CompiledPolicy) -> str:
    """Give the title of a purpose, or the key of what stands above several."""
    known = policy.purposes.get(key)
    return key if known is None else known.title


def _bits_below(bits: dict[str, int]) -> dict[str, int]:
    """Give for every key, and everything above it, the bits of all purposes it covers."""
    below: dict[str, int] = {}
    for key, bit in bits.items():
        for above in lineage(key):
            below[above] = below.get(above, 0) | bit
    return below


def _refuse(purpose: str, reason: Reason, words: str) -> Refusal:
    """Give a refusal."""
    return Refusal(purpose=purpose, reason=reason, words=words)
