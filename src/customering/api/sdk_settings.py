"""What SDKs ask before they send: where to send, and that there is nobody else to send to.

Segment's SDKs for browsers and phones read ``/v1/projects/{writeKey}/settings``. When what they
read does not name ``Segment.io`` with an address, the one in browsers ignores the address of the
page and sends to Segment; so both are always there. RudderStack's read ``/sourceConfig/``.
"""

from typing import Any

from customering.api.reading import Page, reading_door
from customering.api.segment_answers import JSON, refusal
from customering.app.key_model import Key
from customering.kernel.records import to_json
from customering.web.addresses import Proxies
from customering.web.answers import Handler, Scope
from customering.web.entrance import Entrance
from customering.web.keys import UNKNOWN_KEY, credentials
from customering.web.public_address import PublicAddress, public_address

_PROJECTS = ("/v1/projects/", "/projects/")
_END = "/settings"
_CACHED = ((b"cache-control", b"public, max-age=300"),)


class SdkSettings:
    """Tells SDKs where to send.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._public_url = entrance.live.settings.public_url
        self._proxies = Proxies(entrance.live.settings.trusted_proxies)

    def doors(self) -> dict[str, tuple[str, Handler]]:
        """Give each path, or the beginning of one, with the name of its door and its handler."""
        segment = ("sdk_settings", reading_door(self._segment))
        rudder = ("sdk_settings", reading_door(self._rudder))
        return dict.fromkeys(_PROJECTS, segment) | {"/sourceConfig": rudder}

    def _segment(self, scope: Scope, headers: dict[bytes, bytes]) -> Page:
        path = str(scope["path"])
        for start in _PROJECTS:
            path = path.removeprefix(start)
        text, slash, rest = path.rstrip("/").rpartition(_END)
        key = self._public_key(text) if slash and not rest else None
        if key is None:
            return _unknown()
        address = public_address(scope, headers, self._public_url, self._proxies)
        return Page(200, to_json(segment_settings(text, address)), JSON, _CACHED)

    def _rudder(self, scope: Scope, headers: dict[bytes, bytes]) -> Page:
        query = scope["query_string"]
        text = credentials(scope["headers"], query)
        key = None if text is None else self._public_key(text)
        if key is None or text is None:
            return _unknown()
        return Page(200, to_json(rudder_settings(text, key)), JSON, _CACHED)

    def _public_key(self, text: str) -> Key | None:
        """Find a key that may stand in a page or an app; a secret one has no settings."""
        key = self._entrance.keys.find(text, self._entrance.live.engine.clock())
        return key if key is not None and key.kind == "write" else None


def _unknown() -> Page:
    return Page(UNKNOWN_KEY.status, refusal(UNKNOWN_KEY.code, UNKNOWN_KEY.message))


def segment_settings(write_key: str, address: PublicAddress) -> dict[str, Any]:
    """Give the settings that make Segment's SDKs send here and nowhere else, loading nothing more.

    Parameters
    ----------
    address
        How the SDK reaches this server.
    """
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{address.host}/v1",
                "protocol": address.protocol,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudder_settings(write_key: str, key: Key) -> dict[str, Any]:
    """Give the settings with which RudderStack's SDKs send to the data plane they were told.

    Nothing is reported to anybody else, and there are no destinations for the browser to load.
    """
    nothing = {"enabled": False}
    return {
        "source": {
            "id": key.key_id,
            "name": key.source,
            "writeKey": write_key,
            "workspaceId": "customering",
            "enabled": True,
            "config": {"statsCollection": {"errors": nothing, "metrics": nothing}},
            "destinations": [],
            "connections": [],
        }
    }
