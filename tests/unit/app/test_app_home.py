"""The home folder: made once, found by flag, variable or where one stands."""

from pathlib import Path

import pytest

from customering.app.engine import Engine
from customering.app.home import HOME_VARIABLE, find, init
from customering.app.settings import CustomeringSettings
from customering.kernel.errors import Conflict, InvalidFile, NoHome


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init(tmp_path / "home")
    return tmp_path / "home"


def test_a_new_home_has_the_files_that_people_write(tmp_path: Path) -> None:
    written = init(tmp_path / "deep" / "home")
    for name in written:
        assert (tmp_path / "deep" / "home" / name).read_text().startswith("#")
    found = find(tmp_path / "deep" / "home", environment={})
    assert found.loaded.settings == CustomeringSettings()
    assert found.folder.is_absolute()


def test_what_it_ships_can_be_read(home: Path) -> None:
    with Engine(find(home, environment={}), clock=lambda: 0) as engine:
        assert engine.traits.traits
        assert engine.audiences.audiences
        assert engine.actions == ()
        assert engine.plan


def test_nobody_may_make_a_home_twice(home: Path) -> None:
    (home / "customering.toml").write_text("# mine\n")
    with pytest.raises(Conflict):
        init(home)
    assert (home / "customering.toml").read_text() == "# mine\n"


def test_what_was_written_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "traits.toml").write_text("# mine\n")
    init(tmp_path)
    assert (tmp_path / "traits.toml").read_text() == "# mine\n"


def test_where_a_home_is_looked_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variable = {HOME_VARIABLE: str(home)}
    assert find(home, environment={HOME_VARIABLE: "nowhere"}).folder == home
    assert find(None, environment=variable).folder == home
    with pytest.raises(NoHome, match="the current folder"):
        find(None, environment={})
    with pytest.raises(NoHome, match=HOME_VARIABLE):
        find(None, environment={HOME_VARIABLE: str(tmp_path)})
    with pytest.raises(NoHome, match="--home"):
        find(Path("nowhere"), environment=variable)
    monkeypatch.chdir(home)
    assert find(None, environment={}).folder == home


def test_definitions_that_are_not_there_or_no_text(home: Path) -> None:
    (home / "plan.toml").unlink()
    (home / "traits.toml").write_bytes(b"caf\xe9")
    found = find(home, environment={})
    assert found.text_of("plan.toml") is None
    with pytest.raises(InvalidFile, match=r"traits.toml .* byte 3"):
        found.text_of("traits.toml")
