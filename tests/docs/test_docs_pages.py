"""What the pages say can be followed: links, commands, settings, tests and examples exist."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from customering.cli.main import every_command

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md")) + sorted(ROOT.glob("*.md"))
README = ROOT / "README.md"

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|Users|mnt|var)/\w|[A-Z]:\\")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def links(page: Path) -> list[str]:
    """Give the links of a page to files; code is left out, where brackets mean something else."""
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))
    return [link for link in LINK.findall(text) if not re.match(r"(https?|mailto):", link)]


def headings(page: Path) -> set[str]:
    """Give the anchors of a page, as a forge makes them from its headings."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Give every line of the pages that calls the program, with its page."""
    for page in PAGES:
        for text in blocks(page, "console"):
            for line in text.splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True) if "$ " in line else []
                if words and words[0].rpartition("/")[2] == "customering":
                    yield named(page), words[1:]


def commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, (*path, name))
        else:
            found[(*path, name)] = command
    return found


COMMANDS = commands(typer.main.get_command(every_command()))


def called(words: list[str]) -> tuple[str, ...] | None:
    return next((path for path in COMMANDS if tuple(words[: len(path)]) == path), None)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
    lost = [named(page) for page in (ROOT / "docs").rglob("*.md") if page not in reached]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    assert MACHINE_PATH.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_toml_block_is_toml(page: Path) -> None:
    for text in blocks(page, "toml"):
        tomllib.loads(text)


def test_every_command_line_in_the_pages_is_one_the_program_takes() -> None:
    lines = list(command_lines())
    assert len(lines) > len(COMMANDS)
    for page, words in lines:
        path = called(words)
        assert path is not None, f"{page}: no command {words}"
        try:
            COMMANDS[path].make_context(" ".join(path), words[len(path) :])
        except Exception as error:
            raise AssertionError(f"{page}: {' '.join(words)}: {error}") from error


def test_every_command_is_shown_with_an_example() -> None:
    shown = {called(words) for _, words in command_lines()}
    assert [" ".join(path) for path in COMMANDS if path not in shown] == []


def test_what_confirms_a_decision_is_there() -> None:
    tests = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    everything = "\n".join(tests.values())
    for page in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        text = page.read_text(encoding="utf-8")
        confirmation = text.partition("**Confirmation.**")[2]
        files = re.findall(r"`((?:tests|bench)/[\w/]+\.py)`", confirmation)
        assert files, f"{page.name} names no test"
        assert [file for file in files if not (ROOT / file).exists()] == []
        for name in re.findall(r"`(test_\w+)`", confirmation):
            assert f"def {name}(" in everything, f"{page.name}: {name}"


def test_the_changelog_opens_with_what_is_not_released_or_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## \[?([\w.]+)", text, re.MULTILINE)
    assert first is not None
    assert first.group(1) in ("Unreleased", version)


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    examples = [text for text in blocks(README, "python") if text.startswith("# try it")]
    if not examples:
        pytest.skip("the README has no example that begins with `# try it`")
    for text in examples:
        ran = subprocess.run(
            [sys.executable, "-c", text],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
