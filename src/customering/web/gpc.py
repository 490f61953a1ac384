"""Global Privacy Control: the header, and what becomes of it at the doors of browsers.

The header field is ``Sec-GPC: 1`` and nothing else: any other value is ignored, and of several
fields one that says ``1`` is enough (W3C Global Privacy Control, section 3). It asks not to sell or
share what is known of whoever sits there. It is kept as one event, not one a hit, for the browser's
``anonymous_id``; with the sign-in it becomes the person's, as everything of that browser does. An
opt-out in an IAB GPP or US Privacy string that a page forwards on an event is taken like it.

What a person says of the signal themselves stands: it is not raised again after that.
"""

from collections.abc import Iterable, Sequence

from customering.app.live import Live
from customering.consent.banners import opts_out
from customering.consent.voices import voice_key
from customering.events.model import SIGNAL_UPDATED, Event
from customering.kernel.ids import Identifier, kind_of, stable_id

_NAME, _VALUE = b"sec-gpc", b"1"
_BROWSER = "anonymous_id"


def says_gpc(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request carries the signal.

    Parameters
    ----------
    headers
        As ASGI has them: names in lower case, in any number.
    """
    return (_NAME, _VALUE) in headers


class Signals:
    """Keeps the signals of browsers.

    Parameters
    ----------
    live
        The running home.
    """

    def __init__(self, live: Live) -> None:
        self._live = live

    async def heed(self, names: Sequence[Identifier]) -> None:
        """Keep a signal that came with a request about one browser or person; at once, and once.

        Raises
        ------
        Overloaded, Unavailable
            When it cannot be kept now.
        """
        event = self._event("gpc", _who(names))
        if event is not None:
            await self._live.append([event])

    async def heed_events(self, events: Sequence[Event], *, has_gpc: bool) -> None:
        """Keep the signals that came with events, before they are taken.

        Parameters
        ----------
        has_gpc
            Whether the request carried the header, which then is about all of them.

        Raises
        ------
        Overloaded, Unavailable
            When one cannot be kept now.
        """
        found: dict[tuple[str, Identifier], Event] = {}
        for event in events:
            context = event.context
            has_stamp = "consent" in context or "gpp" in context or "us_privacy" in context
            has_gpp = has_stamp and opts_out(context)
            if not has_gpc and not has_gpp:
                continue
            who = _who(event.identifiers)
            for name in ("gpc",) * has_gpc + ("gpp",) * has_gpp:
                if (name, who) not in found:
                    kept = self._event(name, who)
                    if kept is not None:
                        found[name, who] = kept
        if found:
            await self._live.append(list(found.values()))

    def _event(self, name: str, who: Identifier) -> Event | None:
        """Make the event of a signal; None when the person's record has a word about it already."""
        key = voice_key("signal", name)
        if key in self._live.engine.folding.record_of(who):
            return None
        return self._live.engine.own_event(
            SIGNAL_UPDATED,
            (who,),
            {"purposes": {key: "deny"}, "signal": name},
            event_id=stable_id("evt", SIGNAL_UPDATED, name, who),
            occurred_at=self._live.present,
        )


def _who(names: Sequence[Identifier]) -> Identifier:
    """Give whom a signal is filed under: the browser, where it is named."""
    return next((name for name in names if kind_of(name) == _BROWSER), names[0])
