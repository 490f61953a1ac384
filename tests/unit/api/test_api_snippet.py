"""The browser SDK served from here: unchanged, cached, packed, and nothing else beside it."""

import gzip
import re
from hashlib import sha256
from importlib.resources import files

import pytest

from customering.api import snippet
from sdk_doors import Answer, RunSdks, SdkDoors, assert_error, sdk_runner
from town import OpenShop

FOLDER = files("customering.api") / "static" / "analytics-next"
CHUNK = "/analytics-next/bundles/queryString.bundle.34b193ada8fe288d1bd1.js"


@pytest.fixture
def sdks(open_shop: OpenShop) -> RunSdks:
    return sdk_runner(open_shop)


def test_the_files_are_those_of_the_package() -> None:
    table = dict(re.findall(r"`(\S+\.js)` \|.*\| `([0-9a-f]{64})`", _readme()))
    assert set(table) == {file.name for file in FOLDER.iterdir() if file.name.endswith(".js")}
    for name, digest in table.items():
        assert sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    assert "MIT" in (FOLDER / "LICENSE").read_text()


def test_every_chunk_served_is_one_the_script_asks_for() -> None:
    script = (FOLDER / "standalone.js").read_text()
    for name in snippet._CHUNKS:
        start, _, digest = name.removesuffix(".js").partition(".bundle.")
        assert f'"{start}"' in script
        assert f'"{digest}"' in script


def test_a_page_gets_the_script_packed_or_plain_and_not_twice(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        path = f"/analytics.js/v1/{doors.write}/analytics.min.js"
        plain = await doors.get(path)
        packed = await doors.get(path, headers=[(b"accept-encoding", b"br, gzip")])
        script = (FOLDER / "standalone.js").read_bytes()
        assert plain.body == gzip.decompress(packed.body) == script
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        for answer in (plain, packed):
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/javascript")
            assert "Accept-Encoding" in answer.headers["vary"]
            assert "max-age" in answer.headers["cache-control"]
        tag = plain.headers["etag"].encode()
        for known in (tag, b"W/" + tag, b'"x", ' + tag):
            again = await doors.get(path, headers=[(b"if-none-match", known)])
            assert (again.status, again.body) == (304, b"")
        assert (await doors.get(path, headers=[(b"if-none-match", b'"x"')])).status == 200

    sdks(act)


def test_chunks_come_from_a_fixed_table(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        answer = await doors.get(CHUNK)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        for name in ("../../collect.py", "..", "", "README.md", "standalone.js", "%2e%2e/x"):
            assert_error(await doors.get(f"/analytics-next/bundles/{name}"), 404)

    sdks(act)


def test_only_a_public_key_gets_the_script(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        answers: list[Answer] = [
            await doors.get(f"/analytics.js/v1/{text}/analytics.min.js")
            for text in ("nobody", doors.server, "", f"{doors.write}/x")
        ]
        answers.append(await doors.get(f"/analytics.js/v1/{doors.write}/other.js"))
        for answer in answers:
            assert_error(answer, 401)

    sdks(act)


def _readme() -> str:
    return (FOLDER / "README.md").read_text()
