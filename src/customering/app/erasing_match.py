"""Where a person is named: in an event of theirs, in an event of somebody else, in any text.

An event filed under one of their identifiers is theirs and goes. An event of somebody else stays
and loses the mention: an identifier it carries beside its own, or a text that holds theirs.
Numbers and words that may mean something else are only a mention where the name of the field says
so: ``friend_user_id: 42`` is one, ``quantity: 42`` is none.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from customering.events.model import Event
from customering.identity.anchors import RULINGS, anchor_of
from customering.identity.model import own_id
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.kernel.records import to_json

MARK = "[erased]"
"""What stands where somebody else's event named them."""

_TELLING_LENGTH_MIN = 8
_RARE_LENGTH_MIN = 6  # a shorter value stands in many lines that mean something else
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_GOES_ON = (b"_", b"-")


def is_telling(value: str) -> bool:
    """Tell whether a value can mean nothing but the person, wherever it stands.

    An address, a telephone number with its country, or letters mixed with digits, of eight
    characters and more. A plain number may be a product, and a plain word a word.
    """
    if len(value) < _TELLING_LENGTH_MIN:
        return False
    has_letter = any(one.isalpha() for one in value)
    return "@" in value or value[0] == "+" or (has_letter and any(map(str.isdigit, value)))


class Naming:
    """Finds one person by their identifiers.

    Parameters
    ----------
    names
        Everything that names them; at least one.
    rules
        The rules of identity, which say whose an event is.

    Examples
    --------
    >>> naming = Naming([Identifier("email:ada@example.org")], IdentityRules())
    >>> naming.mended({"note": "met ada@example.org", "n": 1})
    {'note': 'met [erased]', 'n': 1}
    """

    def __init__(self, names: Collection[Identifier], rules: IdentityRules) -> None:
        self.names = frozenset(names)
        self._rules = rules
        self._by_kind: dict[str, set[str]] = {}
        telling = {*self.names, *(own_id(name) for name in self.names)}
        for name in self.names:
            value = value_of(name)
            self._by_kind.setdefault(kind_of(name), set()).add(value)
            if is_telling(value):
                telling |= {value, quote(value, safe="")}
        # The longest first: an address is found before the name that it begins with.
        listed = "|".join(re.escape(one) for one in sorted(telling, key=len, reverse=True))
        # Not a part of a longer address or id, which is somebody else's.
        self._text = re.compile(
            rf"(?<![a-z0-9._%+\-])(?:{listed})(?![.]?[a-z0-9_\-])", re.IGNORECASE
        )
        self.telling = frozenset(telling)
        # Every mention holds one of these, so what holds none need not be read.
        self._needles = needles_of(self.names)

    def lines_in(self, data: bytes) -> set[int]:
        """Give quickly which lines of JSON may name them; sometimes one that does not."""
        return lines_holding(data, self._needles)

    def judged(self, event: Event) -> Event | None:
        """Give what of an event stays: the same event, a mended one, or None when it is theirs."""
        identifiers = event.identifiers
        if not self.names.isdisjoint(identifiers):
            anchor = anchor_of(identifiers, self._rules)
            if anchor is None or anchor in self.names or event.name in RULINGS:
                return None
            identifiers = tuple(name for name in identifiers if name not in self.names)
        properties, context = self.mended(event.properties), self.mended(event.context)
        same = (event.identifiers, event.properties, event.context)
        if (identifiers, properties, context) == same:
            return event
        return replace(event, identifiers=identifiers, properties=properties, context=context)

    def mended(self, value: Any, key: str = "") -> Any:
        """Give plain data with every mention replaced by a mark."""
        if isinstance(value, dict):
            return {
                self._text.sub(MARK, name) if isinstance(name, str) else name: self.mended(
                    held, name
                )
                for name, held in value.items()
            }
        if isinstance(value, list):
            return [self.mended(held, key) for held in value]
        if isinstance(value, bool) or not isinstance(value, str | int):
            return value
        if key and str(value).strip() in self._values_under(key):
            return MARK
        return self._text.sub(MARK, value) if isinstance(value, str) else value

    def is_named_in(self, value: Any) -> bool:
        """Tell whether plain data, or the bytes or text of it, name them."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                return self._text.search(value) is not None
        return bool(self.mended(value) != value)

    def _values_under(self, key: str) -> set[str]:
        """Give the values that name them in a field of this name."""
        words = _SEPARATORS.sub("_", _WORD_END.sub("_", key).lower())
        found: set[str] = set()
        for kind, values in self._by_kind.items():
            if words == kind or words.endswith(f"_{kind}") or words == kind.replace("_", ""):
                found |= values
        return found


def lines_holding(data: bytes, needles: Collection[bytes]) -> set[int]:
    r"""Give the numbers of the lines in which a needle stands, and does not go on as another word.

    Examples
    --------
    >>> sorted(lines_holding(b'"user_id:u22"\n"user_id:U2"\n"user_id:u23"', {b"user_id:u2"}))
    [1]
    """
    lower = data.lower()
    found: set[int] = set()
    for needle in needles:
        length, at = len(needle), lower.find(needle)
        while at >= 0:
            after = lower[at + length : at + length + 1]
            if not (after.isalnum() or after in _GOES_ON):
                found.add(lower.count(b"\n", 0, at))
            at = lower.find(needle, at + 1)
    return found


def needles_of(names: Collection[Identifier]) -> set[bytes]:
    """Give byte strings of which JSON that names one of some people holds one, in lower case."""
    return _shortest({one for name in names for one in _needles_of(name)})


def _needles_of(name: Identifier) -> Iterator[bytes]:
    """Give what JSON that names a person holds, whichever way it does."""
    kind, value = kind_of(name), value_of(name)
    if len(value) >= _RARE_LENGTH_MIN or not value.isascii():
        yield _needle(value)
        yield _needle(quote(value, safe=""))
        return
    yield _needle(name)
    for key in {kind, kind.replace("_", "")}:
        yield from (f'{key}":"'.encode() + _needle(value), f'{key}":'.encode() + _needle(value))


def _needle(text: str) -> bytes:
    """Give a text as it stands inside JSON, in lower case."""
    return to_json(text)[1:-1].lower()


def _shortest(needles: set[bytes]) -> set[bytes]:
    """Leave out what holds another one: it is found by that."""
    return {one for one in needles if not any(other != one and other in one for other in needles)}
