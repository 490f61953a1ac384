"""Fixtures of the conformance tests: the SDKs as published, and the real server on a real home."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk_driving import SDKS, Sdk, installed
from sdk_installing import NotInstalled, browser, node_sdks
from sdk_serving import Served, Shop, make_shop

pytest.register_assert_rewrite("sdk_proving")

# Programs that import what is not installed here; no tests of ours.
collect_ignore = ["python", "node"]

REQUIRED = "CUSTOMERING_CONFORMANCE"


def missing(error: NotInstalled) -> None:
    """Skip a test that cannot be run here; fail it where the whole suite is required."""
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"{REQUIRED}=required, and {error}", pytrace=False)
    pytest.skip(str(error))


@pytest.fixture(params=sorted(SDKS))
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """Give each SDK in turn."""
    try:
        return installed(request.param)
    except NotInstalled as error:
        missing(error)
        raise


@pytest.fixture
def every_sdk() -> list[Sdk]:
    """Give all SDKs."""
    try:
        return [installed(name) for name in SDKS]
    except NotInstalled as error:
        missing(error)
        raise


@pytest.fixture
def needs_browser() -> None:
    """Ask for a browser, and what drives it."""
    try:
        browser()
        node_sdks()
    except NotInstalled as error:
        missing(error)


@pytest.fixture(scope="session")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Make one home and its keys; tests serve copies of it."""
    return make_shop(tmp_path_factory.mktemp("made") / "home")


@pytest.fixture(scope="session")
def shop(made_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a home that many tests share, each with people of its own."""
    return copied(made_shop, tmp_path_factory.mktemp("shared") / "home")


@pytest.fixture(scope="session")
def served(shop: Shop) -> Iterator[Served]:
    """Serve that home."""
    with Served(shop.home) as server:
        yield server


@pytest.fixture(scope="session")
def strict_shop(made_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a home for a server that lets nobody send much."""
    return copied(made_shop, tmp_path_factory.mktemp("strict") / "home")


@pytest.fixture(scope="session")
def strict(strict_shop: Shop) -> Iterator[Served]:
    """Serve it: 100 events a second, counted second by second."""
    limits = ("serve.limits.events_per_key=100", "serve.limits.burst_seconds=1")
    with Served(strict_shop.home, *limits) as server:
        yield server


@pytest.fixture
def own_shop(made_shop: Shop, tmp_path: Path) -> Shop:
    """Give a home of one test's own."""
    return copied(made_shop, tmp_path / "home")


def copied(shop: Shop, home: Path) -> Shop:
    """Give a copy of a home that nobody serves."""
    shutil.copytree(shop.home, home)
    return shop._replace(home=home)
