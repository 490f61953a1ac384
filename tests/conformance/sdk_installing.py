"""Puts the SDKs, exactly as their makers publish them, where the conformance tests find them.

Each is installed once, into a folder of its own below ``.venv/conformance`` (ignored by git) that
is named by what it is made from. Run as a script it installs everything, the browser included.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".venv" / "conformance"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_SECONDS = 300
_HINT = "python tests/conformance/sdk_installing.py installs what it can, and says why not"


class NotInstalled(Exception):
    """Something the tests need is not here and cannot be had; its text says what and why."""


_failed: dict[str, NotInstalled] = {}
"""What could not be installed by this process, which does not try again."""


@cache
def python_sdk(name: str) -> Path:
    """Give the folder with the Python SDK of a requirements file, ready to be imported."""
    wanted = HERE / "python" / f"{name}.txt"

    def install(folder: Path) -> None:
        uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
        if uv is None:
            command = [sys.executable, "-m", "pip", "install", "--quiet"]
        else:
            command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
        _run([*command, "--target", str(folder), "--requirement", str(wanted)], folder)

    return _kept(name, [wanted], install)


@cache
def node_sdks() -> Path:
    """Give the ``node_modules`` folder with all JavaScript SDKs."""
    wanted = [HERE / "node" / name for name in ("package.json", "package-lock.json")]

    def install(folder: Path) -> None:
        for file in wanted:
            shutil.copy(file, folder)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(npm, folder)

    node()
    return _kept("node", wanted, install) / "node_modules"


@cache
def node() -> str:
    """Give the command that runs JavaScript."""
    return _command("node", "npm")


@cache
def browser() -> str:
    """Give the command of a Chromium browser."""
    return _command(*BROWSERS, is_any=True)


def _command(*names: str, is_any: bool = False) -> str:
    found = [path for name in names if (path := shutil.which(name))]
    if not found or (len(found) < len(names) and not is_any):
        raise NotInstalled(f"there is no {' or '.join(names)} on this machine; {_HINT}")
    return found[0]


def _kept(name: str, wanted: list[Path], install: Callable[[Path], None]) -> Path:
    """Give the folder made from these files; made now when it is not there yet."""
    made_from = hashlib.sha256(f"{sys.implementation.cache_tag} {platform.machine()}".encode())
    for file in wanted:
        made_from.update(file.read_bytes())
    folder = KEPT / f"{name}-{made_from.hexdigest()[:12]}"
    if name in _failed:
        raise _failed[name]
    KEPT.mkdir(parents=True, exist_ok=True)
    with _only_one(KEPT / f"{name}.lock"):
        if folder.exists():
            return folder
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=KEPT))
        try:
            install(unfinished)
            unfinished.rename(folder)
        except NotInstalled as error:
            _failed[name] = NotInstalled(f"the SDKs of {name} are not installed; {_HINT}")
            raise _failed[name] from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Let one process at a time go on."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{command[0]} took more than {_PATIENCE_SECONDS} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise NotInstalled(f"{Path(command[0]).name} failed: {said[:2_000] or 'no reason given'}")


def _install_browser() -> str:
    """Install Chromium from Debian's packages where that is possible."""
    try:
        return browser()
    except NotInstalled:
        if os.geteuid() or not shutil.which("apt-get"):
            raise
    browser.cache_clear()
    apt = ["apt-get", "--quiet", "--quiet"]
    _run([*apt, "update"], HERE)
    _run([*apt, "install", "--yes", "--no-install-recommends", "chromium"], HERE)
    return browser()


def main() -> int:
    """Install everything; 1 when something is missing afterwards."""
    wanted = {
        **{f"Python {file.stem}": file.stem for file in sorted((HERE / "python").glob("*.txt"))},
        "JavaScript SDKs": node_sdks,
        "browser": _install_browser,
    }
    missing = 0
    for what, how in wanted.items():
        try:
            place = python_sdk(how) if isinstance(how, str) else how()
        except NotInstalled as error:
            missing += 1
            sys.stderr.write(f"{what}: not installed: {error.__cause__ or error}\n")
        else:
            sys.stdout.write(f"{what}: {place}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
