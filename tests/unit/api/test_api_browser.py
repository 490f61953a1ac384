"""The browser helper: small, harmless, and served so that caches may keep it."""

import gzip
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from customering.api.browser import PATH
from shop_doors import Doors, running
from town import OpenShop

SOURCE = files("customering.api").joinpath("static/customering.js").read_text("utf-8")


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    def run(act: Any) -> Any:
        engine = open_shop()
        return running(engine, engine.home.folder, act)

    return run


def test_it_is_under_five_kilobytes_packed_and_uses_nothing_unsafe() -> None:
    assert len(gzip.compress(SOURCE.encode(), 9)) < 5_000
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", SOURCE, flags=re.DOTALL)
    for unsafe in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval",
        "Function(",
    ):
        assert unsafe not in code
    assert "?." not in code  # ES2018: neither optional chaining
    assert "??" not in code  # nor this


def test_it_is_served_with_an_etag_packed_where_it_may_be(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        plain = await doors.get(PATH)
        assert plain.status == 200
        assert plain.body.decode() == SOURCE
        assert plain.headers["content-type"].startswith("text/javascript")
        assert plain.headers["access-control-allow-origin"] == "*"
        packed = await doors.get(PATH, headers={"accept-encoding": "br, gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        tag = plain.headers["etag"]
        again = await doors.get(PATH, headers={"if-none-match": f'W/"x", {tag}'})
        assert (again.status, again.body) == (304, b"")
        head = await doors.call("HEAD", PATH)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == plain.headers["content-length"]
        assert (await doors.post(PATH, {})).status == 405

    shop(act)


NODE = shutil.which("node")

PAGE = Path(__file__).with_name("browser_page.js").read_text("utf-8")

CHECKS = Path(__file__).with_name("browser_checks.js").read_text("utf-8")


@pytest.mark.skipif(NODE is None, reason="needs node to run a script")
@pytest.mark.parametrize(
    ("token", "is_slow"),
    [("", False), ("eyJ.a.b", False), ("", True)],
    ids=["key", "token", "slow"],
)
def test_it_fills_slots_and_reports(token: str, is_slow: bool) -> None:
    own = ", token: async () => TOKEN" if token else ""
    given = f'const TOKEN = "{token}", SLOW = {str(is_slow).lower()};'
    settings = f"global.customering = {{ timeoutMs: 30{own} }};"
    script = "\n".join([given, PAGE, settings, SOURCE, CHECKS])
    done = subprocess.run(
        [str(NODE), "-e", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
