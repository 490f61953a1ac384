"""Voices beside a person's choices: signals, objections, a restriction, agreements.

They stand in the same record as the choices, under keys with a colon, so that they are kept, merged
and undone by the same laws: ``signal:gpc``, ``objection:marketing``, ``restriction:all``,
``agreement:SD-BASE``. **A voice stands while its answer is deny; allow takes it back.** So of two
at the same instant, and of one that cannot be read, the stricter holds.

No voice ever raises permission, but for an agreement that the person proffered: what it allows
counts like an agreement to each purpose, as long as nothing else refuses.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from customering.consent.agreements import ROSTER, effect_of, is_third_party
from customering.consent.model import ConsentRecord, Purpose, Reason, Refusal
from customering.kernel.clock import day_of, format_day
from customering.kernel.errors import InvalidDefinition
from customering.kernel.ids import stable_id

VoiceKind = Literal["signal", "objection", "restriction", "agreement"]

RESTRICTION_KEY = "restriction:all"
EVERYTHING = "*"
SIGNALS = ("gpc", "gpp")
"""Signals we take: Global Privacy Control, and an opt-out in an IAB GPP string."""


def voice_key(kind: VoiceKind, name: str) -> str:
    """Give the key of a voice in a record."""
    return f"{kind}:{name}"


def choices_of(record: ConsentRecord) -> ConsentRecord:
    """Give what the person chose themselves, purpose by purpose, without the voices beside it."""
    return {key: said for key, said in record.items() if ":" not in key}


def standing(record: ConsentRecord, kind: VoiceKind) -> dict[str, int]:
    """Give the voices of one kind that stand: name to the instant since when, in ms."""
    found: dict[str, int] = {}
    for key, (at_ms, answer) in record.items():
        of_kind, colon, name = key.partition(":")
        if colon and of_kind == kind and answer != "allow":
            found[name] = at_ms
    return found


class Effect(NamedTuple):
    """What an agreement does, as bits: purposes it allows and purposes it forbids."""

    allows: int
    forbids: int


class Heard(NamedTuple):
    """What all voices of a record say together, as bits.

    Parameters
    ----------
    granted
        Purposes that agreements allow.
    refused
        Purposes that something refuses; nothing essential among them.
    barred
        Purposes that a restriction bars, the essential ones but for the law included.
    """

    granted: int
    refused: int
    barred: int


class CompiledVoices:
    """What each voice means for the purposes of one deployment, ready for asking often.

    Parameters
    ----------
    purposes
        The purposes by key.
    bits, below
        The bit of each purpose; and for each key, and everything above it, the bits it covers.

    Raises
    ------
    InvalidDefinition
        When a purpose serves one that does not exist.
    """

    def __init__(
        self, purposes: Mapping[str, Purpose], bits: Mapping[str, int], below: Mapping[str, int]
    ) -> None:
        every = purposes.values()
        self._bits = bits
        self.choosable = sum(bits[one.key] for one in every if not one.is_essential)
        self.barred = sum(bits[one.key] for one in every if one.basis != "legal_obligation")
        self.signalled = {
            one.key: bits[one.key] for one in every if is_third_party(one) and not one.is_essential
        }
        self._all_signalled = sum(self.signalled.values())
        self.objected = {key: self._objected(key, purposes, below) for key in below}
        self.objected[EVERYTHING] = self.choosable
        self.agreements = {name: self._effect(name, purposes) for name in ROSTER}
        # Everything but signals, whose effect depends on the choices too.
        self._heard = {
            RESTRICTION_KEY: Heard(0, 0, self.barred),
            **{f"objection:{key}": Heard(0, bits, 0) for key, bits in self.objected.items()},
            **{
                f"agreement:{name}": Heard(effect.allows, effect.forbids, 0)
                for name, effect in self.agreements.items()
            },
        }

    def _objected(self, key: str, purposes: Mapping[str, Purpose], below: Mapping[str, int]) -> int:
        """Give the bits of a key and of what serves it, such as profiling for marketing."""
        covered = below[key]
        for purpose in purposes.values():
            for served in purpose.serves:
                if served not in below:
                    raise InvalidDefinition(
                        f"The purpose {purpose.key!r} serves {served!r}, which is no purpose.",
                        hint="Use a key of the list of purposes, or a key above one.",
                        key=purpose.key,
                    )
                if served == key or served.startswith(f"{key}."):
                    covered |= self._bits[purpose.key]
        return covered & self.choosable

    def _effect(self, name: str, purposes: Mapping[str, Purpose]) -> Effect:
        said = effect_of(ROSTER[name], purposes.values())
        return Effect(
            sum(self._bits[key] for key, answer in said.items() if answer == "allow"),
            sum(self._bits[key] for key, answer in said.items() if answer == "deny"),
        )

    @property
    def fingerprint(self) -> str:
        """A name for all that the masks depend on here: it changes when a mask might."""
        return stable_id(
            "voices",
            *(f"{key}={bit}" for key, bit in sorted(self._bits.items())),
            *(f"{key}={bit}" for key, bit in sorted(self.objected.items())),
            *(f"{key}={effect}" for key, effect in sorted(self.agreements.items())),
            f"{self.barred} {self._all_signalled} {self.choosable}",
        )

    def hear(
        self, voices: Mapping[str, tuple[int, str]], record: ConsentRecord, allowed: int
    ) -> Heard:
        """Give what all voices of a record say together.

        Parameters
        ----------
        voices
            Those entries of the record whose keys have a colon.
        record
            All of it: a choice may outdo a signal.
        allowed
            What its choices allow, as bits.

        Raises
        ------
        TypeError, ValueError
            When the record cannot be read.
        """
        granted = refused = barred = 0
        for key, (at_ms, answer) in voices.items():
            if answer == "allow":
                continue
            if not isinstance(at_ms, int):
                raise TypeError("the instant of a voice is no number")
            heard = self._heard.get(key)
            if heard is not None:
                granted |= heard[0]
                refused |= heard[1]
                barred |= heard[2]
            elif key.startswith("signal:"):
                against = self._all_signalled
                if allowed & against:
                    against &= ~self._outdone(record, at_ms)
                refused |= against
            elif not key.startswith("objection:"):
                # Somebody said something that this version cannot read.
                refused = self.choosable
        return Heard(granted, refused, barred)

    def refusal(self, record: ConsentRecord, purpose: Purpose) -> Refusal | None:
        """Give the first voice that refuses a purpose that is not essential, in words.

        Raises
        ------
        TypeError, ValueError
            When the record cannot be read.
        """
        bit = self._bits[purpose.key]
        for key, (at_ms, answer) in record.items():
            kind, colon, name = key.partition(":")
            if not colon or answer == "allow" or key == RESTRICTION_KEY:
                continue
            day = format_day(day_of(at_ms))
            found: tuple[Reason, str] | None = None
            if kind == "objection":
                if self.objected.get(name, 0) & bit:
                    found = "objection", f"You objected to it on {day}."
            elif kind == "signal":
                if bit & self._all_signalled & ~self._outdone(record, at_ms):
                    words = f"Your browser asked us on {day} not to sell or share your facts."
                    found = "signal", words
            elif kind != "agreement" or name not in self.agreements:
                found = "unknown_voice", "You told us something that we cannot read."
            elif self.agreements[name].forbids & bit:
                found = "prohibited", f"Our agreement {name} of {day} rules it out."
            if found is not None:
                return Refusal(purpose=purpose.key, reason=found[0], words=found[1])
        return None

    def _outdone(self, record: ConsentRecord, at_ms: int) -> int:
        """Give the purposes that a person agreed to after a signal that refuses them."""
        return sum(
            bit
            for key, bit in self.signalled.items()
            if key in record and outdoes_signal(record[key], at_ms)
        )


def restriction(record: ConsentRecord, purpose: Purpose) -> Refusal | None:
    """Refuse a purpose when we may only store; what the law demands goes on.

    Raises
    ------
    TypeError, ValueError
        When the record cannot be read.
    """
    if purpose.basis == "legal_obligation" or RESTRICTION_KEY not in record:
        return None
    at_ms, answer = record[RESTRICTION_KEY]
    if answer == "allow":
        return None
    words = f"You asked us on {format_day(day_of(at_ms))} to store your facts and do no more."
    return Refusal(purpose=purpose.key, reason="restriction", words=words)


def outdoes_signal(choice: tuple[int, str], signal_at_ms: int) -> bool:
    """Tell whether a choice for one purpose stands against a signal: agreed to, and later."""
    at_ms, answer = choice
    return answer == "allow" and at_ms > signal_at_ms
