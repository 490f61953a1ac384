"""What every page of the portal needs first: who is there, in which language, what they sent."""

import hmac
import secrets
from asyncio import to_thread
from collections.abc import Sequence
from typing import Any, cast

from litestar import Response

from customering.app.consenting import restriction
from customering.app.grants import Grants
from customering.app.mailing import Mailer
from customering.app.passkeys import Passkeys
from customering.app.portal_transfers import Transfers
from customering.app.rights_desk import PERSON, RightsDesk
from customering.app.sessions import Sessions
from customering.app.wishes import Wish
from customering.consent.voices import RESTRICTION_KEY
from customering.events.model import Event
from customering.kernel.errors import NoSuchPerson, Unavailable
from customering.kernel.ids import Identifier, stable_id
from customering.portal.exchanges import Exchanges
from customering.portal.forms import Form, read_form
from customering.portal.granting import bearer_of, session_of
from customering.portal.guest import (
    Forged,
    Guest,
    NotFresh,
    NotSignedIn,
    Visit,
    check_origin,
    cookie_names,
    device_cookie,
    name_of,
)
from customering.portal.kept import put_into_takeout
from customering.portal.limiting import Attempts
from customering.portal.pages import Pages, as_json, go_to
from customering.portal.uploads import read_upload
from customering.portal.words import catalogues, language_of
from customering.web.addresses import Proxies, address_of
from customering.web.answers import Receive, Scope
from customering.web.bodies import BodyReader
from customering.web.entrance import Entrance
from customering.web.gpc import Signals
from customering.web.problems import AnyRequest
from customering.web.public_address import public_address

_BODY_BYTES_MAX = 65_536
_ARRIVING_BYTES_MAX = 16_000_000
_CHANGES_PER_MINUTE = 60
_CLICKS_PER_MINUTE = 600
_EXPORTS_PER_HOUR = 10
_UPLOADS_PER_HOUR = 20


class Desk:
    """What the pages share.

    Parameters
    ----------
    entrance
        What all doors share.
    rights
        Where people's rights are exercised; one for a running home.
    """

    def __init__(self, entrance: Entrance, rights: RightsDesk) -> None:
        self.entrance = entrance
        self.rights = rights
        self.live = entrance.live
        self.engine = entrance.live.engine
        self.settings = self.engine.settings.portal
        home = self.engine.home
        self.sessions = Sessions(home.control_url, self.settings, self.engine.clock)
        self.grants = Grants(home.control_url, self.engine.clock)
        self.passkeys = Passkeys(
            home.control_url, self.engine.clock, self.sessions.secret("passkeys")
        )
        self.transfers = Transfers(home.control_url, self.engine.clock)
        self.mailer = Mailer(
            self.engine.settings.mail,
            home.folder,
            self.engine.clock,
            sender_name=self.settings.shop_name,
        )
        put_into_takeout(rights, self.passkeys, self.grants, self.transfers)
        self.pages = Pages(self.settings)
        self.signals = Signals(self.live)
        self.exchanges = Exchanges(self.live)
        self.currency = self.engine.settings.events.default_currency
        self.mails_to = Attempts(self.settings.mails_per_address, 600)
        self.mails_from = Attempts(self.settings.mails_per_source, 3_600)
        self.entries = Attempts(30, 600)
        self.changes = Attempts(_CHANGES_PER_MINUTE, 60)
        self.clicks = Attempts(_CLICKS_PER_MINUTE, 60)
        self.exports = Attempts(_EXPORTS_PER_HOUR, 3_600)
        self.uploads = Attempts(_UPLOADS_PER_HOUR, 3_600)
        self.unsubscribe_secret = self.sessions.secret("unsubscribe")
        self._proxies = Proxies(self.live.settings.trusted_proxies)
        self._bodies = BodyReader(self.live.settings.body_seconds_max, _ARRIVING_BYTES_MAX)

    # Who is there

    def guest(self, request: AnyRequest) -> Guest:
        """Tell what browser this is."""
        public = public_address(
            cast("Scope", request.scope),
            dict(request.scope["headers"]),
            self.live.settings.public_url,
            self._proxies,
        )
        names = cookie_names(is_secure=public.protocol == "https")
        device = request.cookies.get(names.device, "")
        is_new = not 40 <= len(device) <= 64
        language = language_of(
            request.cookies.get(names.language, ""), request.headers.get("accept-language", "")
        )
        accepted = request.headers.get("accept", "")
        is_program = str(request.scope["path"]).endswith(".json") or (
            "application/json" in accepted and "text/html" not in accepted
        )
        return Guest(
            words=catalogues()[language],
            device=self.sessions.new_token() if is_new else device,
            is_new=is_new,
            token=request.cookies.get(names.session, "")[:64],
            public=public,
            is_program=is_program,
        )

    async def visit(self, request: AnyRequest) -> Visit:
        """Tell who is signed in, or for whom a program acts.

        Raises
        ------
        NotSignedIn
            When nobody is.
        Refused
            When a program may not do this.
        """
        guest = self.guest(request)
        bearer = bearer_of(request.headers.get("authorization", ""))
        if bearer:
            guest = guest._replace(is_program=True, is_granted=True)
            method, path = str(request.method), str(request.scope["path"])
            session = await to_thread(session_of, self.grants, bearer, method, path)
        else:
            session = await to_thread(self.sessions.find, guest.token, guest.device)
        if session is None:
            raise NotSignedIn
        try:
            person = self.live.person(session.person)
        except NoSuchPerson:
            if not guest.is_granted:
                await to_thread(self.sessions.end, guest.token)
            raise NotSignedIn from None
        return Visit(guest, session, person)

    def is_known(self, name: Identifier) -> bool:
        """Tell whether anything is known of somebody."""
        folding = self.engine.folding
        names = folding.graph.identifiers_of(name)
        return len(names) > 1 or bool(folding.states_of(names))

    def address_of(self, request: AnyRequest) -> str:
        """Give the network address a request comes from."""
        return address_of(request.scope, self._proxies)

    # What they send

    async def form(self, request: AnyRequest, guest: Guest) -> Form:
        """Read a form that came from one of our pages in this browser.

        Raises
        ------
        Forged
            When it did not.
        Invalid
            When it cannot be read.
        """
        check_origin(dict(request.scope["headers"]), guest.public)
        form = await self.open_form(request)
        self._check_form(request, guest, form)
        return form

    async def upload(
        self, request: AnyRequest, file_name: str, bytes_max: int
    ) -> tuple[Visit, bytes]:
        """Read a file that came by a form of ours; nobody's who is not signed in is read at all.

        Raises
        ------
        NotSignedIn, Forged
            When that is not so.
        Invalid
            When it cannot be read.
        """
        visit = await self.visit(request)
        headers = dict(request.scope["headers"])
        check_origin(headers, visit.guest.public)
        self.changes.check(visit.session.session_id)
        receive = cast("Receive", request.receive)
        body = await self._bodies.read(receive, headers, bytes_max + _BODY_BYTES_MAX)
        if body is None:
            raise Unavailable("the sender went away")
        sent = read_upload(body, request.headers.get("content-type", ""), file_name)
        self._check_form(request, visit.guest, sent.form)
        return visit, sent.file

    def _check_form(self, request: AnyRequest, guest: Guest, form: Form) -> None:
        """Refuse a form that is none of ours in this browser."""
        if guest.is_granted:  # a browser sends no such header by itself
            return
        headers = dict(request.scope["headers"])
        token = headers.get(b"x-csrf-token", b"").decode("latin-1") or form.text("csrf")
        if guest.is_new or not hmac.compare_digest(token.encode(), guest.csrf.encode()):
            raise Forged

    async def open_form(self, request: AnyRequest) -> Form:
        """Read a form wherever it came from."""
        headers = dict(request.scope["headers"])
        receive = cast("Receive", request.receive)
        body = await self._bodies.read(receive, headers, _BODY_BYTES_MAX)
        if body is None:
            raise Unavailable("the sender went away")
        return read_form(body, request.headers.get("content-type", ""))

    async def act(self, request: AnyRequest, *, fresh: bool = False) -> tuple[Visit, Form]:
        """Tell who is signed in and what they sent, for something that changes anything.

        Parameters
        ----------
        fresh
            Whether they must have proved who they are some minutes ago.

        Raises
        ------
        NotSignedIn, Forged, NotFresh
            When that is not so.
        Overloaded
            When they change things too often.
        """
        visit = await self.visit(request)
        form = await self.form(request, visit.guest)
        self.changes.check(visit.session.session_id)
        if fresh and not self.sessions.is_fresh(visit.session):
            raise NotFresh
        return visit, form

    # What they are answered

    def page(
        self, visit: Visit, name: str, view: object, *, said: str = "", status: int = 200
    ) -> Response[bytes]:
        """Answer with a page, or with the same as JSON."""
        guest = visit.guest
        if guest.is_program:
            return as_json(view, status=status, headers={"x-csrf-token": guest.csrf})
        return self.pages.page(
            name,
            guest.words,
            view,
            csrf=guest.csrf,
            signed_in_as=name_of(visit.person),
            said=said,
            status=status,
            is_secure=guest.is_secure,
        )

    def open_page(
        self, guest: Guest, name: str, view: object, *, said: str = "", status: int = 200
    ) -> Response[bytes]:
        """Answer somebody who is not signed in."""
        cookies = [device_cookie(guest)] if guest.is_new else []
        if guest.is_program:
            headers = {"x-csrf-token": guest.csrf}
            return as_json(view, status=status, headers=headers, cookies=cookies)
        return self.pages.page(
            name,
            guest.words,
            view,
            csrf=guest.csrf,
            said=said,
            status=status,
            is_secure=guest.is_secure,
            cookies=cookies,
        )

    def done(self, visit: Visit, place: str, said: str) -> Response[bytes]:
        """Answer a change: back to the page it was made on, or a word for a program."""
        if visit.guest.is_program:
            return as_json({"done": said, "words": visit.words(f"told.{said}")})
        return go_to(f"{place}?told={said}")

    # What becomes of it

    async def say(self, *wishes: Wish) -> None:
        """Append what a person wishes, all or nothing; it works on the next decision already."""
        await self.live.append(
            [self._event(one.name, one.identifiers, one.properties) for one in wishes]
        )

    async def ask_human(self, visit: Visit, words: str, about: dict[str, str]) -> None:
        """Keep that a person asks a human to look at something; its clock runs from now."""
        await self.rights.open_request(
            visit.session.person, "human_review", actor=PERSON, words=words, details=about
        )

    def is_frozen(self, visit: Visit) -> bool:
        """Tell whether a person wants us to store their facts and do no more."""
        return visit.person.consent.get(RESTRICTION_KEY, (0, "allow"))[1] == "deny"

    async def unfreeze(self, visit: Visit) -> None:
        """Use a person's facts again as far as they permit."""
        await self.say(restriction(visit.person, is_on=False))

    async def note(
        self, name: str, identifiers: Sequence[Identifier], properties: dict[str, Any]
    ) -> Event:
        """Append an event of the system's own about a person."""
        event = self._event(name, identifiers, properties)
        await self.live.append([event])
        return event

    def _event(
        self, name: str, identifiers: Sequence[Identifier], properties: dict[str, Any]
    ) -> Event:
        return self.engine.own_event(
            name,
            identifiers,
            properties,
            event_id=stable_id("evt", name, *identifiers, secrets.token_hex(16)),
            occurred_at=self.live.present,
        )
