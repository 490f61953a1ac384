"""What SDKs ask first: the answer sends them here and to nobody else, whatever they asked by."""

from typing import Any

import pytest

from sdk_doors import RunSdks, SdkDoors, assert_error, sdk_runner
from town import OpenShop


@pytest.fixture
def sdks(open_shop: OpenShop) -> RunSdks:
    return sdk_runner(open_shop)


async def told(doors: SdkDoors, **how: Any) -> Any:
    answer = await doors.get(f"/v1/projects/{doors.write}/settings", **how)
    assert answer.status == 200
    return answer.json["integrations"]["Segment.io"]


def test_the_settings_are_those_that_load_nothing_more(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for start in ("/v1/projects/", "/projects/"):
            for end in ("/settings", "/settings/"):
                answer = await doors.get(start + doors.write + end)
                assert answer.status == 200
                assert answer.json == {
                    "integrations": {
                        "Segment.io": {
                            "apiKey": doors.write,
                            "apiHost": "data.example/v1",
                            "protocol": "http",
                            "unbundledIntegrations": [],
                            "addBundledMetadata": True,
                            "maybeBundledConfigIds": {},
                            "versionSettings": {
                                "version": "4.4.7",
                                "componentTypes": ["browser"],
                            },
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
                assert answer.headers["cache-control"] == "public, max-age=300"
                assert answer.headers["access-control-allow-origin"] == "*"

    sdks(act)


def test_the_public_url_settles_where_to_send(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        where = await told(doors, headers=[(b"x-forwarded-proto", b"http")])
        assert (where["protocol"], where["apiHost"]) == ("https", "cdp.shop.example/v1")

    sdks(act, 'serve.public_url="https://cdp.shop.example"')


def test_only_a_proxy_of_ours_may_say_how_it_was_asked(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        headers = [
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-host", b"evil.example, cdp.shop.example"),
        ]
        near = await told(doors, headers=headers, client=("10.0.0.2", 1))
        assert (near["protocol"], near["apiHost"]) == ("https", "cdp.shop.example/v1")
        far = await told(doors, headers=headers)
        assert (far["protocol"], far["apiHost"]) == ("http", "data.example/v1")

    sdks(act, 'serve.trusted_proxies=["10.0.0.0/8"]')


def test_a_host_that_is_none_is_not_repeated(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for host in (b"", b"a b", b'x"><script>', b"evil.example/path", b"\xff", b"a" * 300):
            where = await told(doors, headers=[(b"host", host)])
            assert where["apiHost"] == "localhost/v1"
        for host in ("127.0.0.1:8000", "[::1]:8000", "data.example:443"):
            where = await told(doors, headers=[(b"host", host.encode())])
            assert where["apiHost"] == f"{host}/v1"

    sdks(act)


def test_who_has_no_public_key_is_told_nothing(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for text in ("nobody", doors.server, doors.secret, "", "a/b"):
            assert_error(await doors.get(f"/v1/projects/{text}/settings"), 401, "unauthorized")
            assert_error(await doors.get("/sourceConfig/", key=text), 401)
        assert_error(await doors.get(f"/v1/projects/{doors.write}/other"), 401)
        answer = await doors.post(f"/v1/projects/{doors.write}/settings", {})
        assert_error(answer, 405)

    sdks(act)


def test_rudderstacks_sdks_get_a_source_without_destinations(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        ways: list[dict[str, Any]] = [
            {"key": doors.write},
            {"query": b"p=npm&v=3.34.1&writeKey=" + doors.write.encode()},
        ]
        for how in ways:
            source = (await doors.get("/sourceConfig/", **how)).json["source"]
            assert source["enabled"] is True
            assert source["writeKey"] == doors.write
            assert source["destinations"] == []
            stats = source["config"]["statsCollection"]
            assert stats == {"errors": {"enabled": False}, "metrics": {"enabled": False}}

    sdks(act)
