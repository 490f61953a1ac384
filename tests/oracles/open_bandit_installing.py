"""Puts the sample of the Open Bandit Dataset where the tests find it: data only.

It lies inside the wheel ``obp`` 0.4.1 (Apache-2.0), whose code does not run on today's libraries.
The wheel is installed once, without what it depends on, into a folder of its own below ``.venv``
(ignored by git). Run as a script it installs it and says where.
"""

import fcntl
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

KEPT = Path(__file__).parents[2] / ".venv" / "data"
WANTED = "obp==0.4.1"
_PATIENCE_SECONDS = 120


class NotInstalled(Exception):
    """The data is not here and cannot be had; its text says why."""


@cache
def open_bandit() -> Path:
    """Give the folder of the package, in which ``dataset/obd`` and ``policy/conf`` lie."""
    folder = KEPT / WANTED.replace("==", "-")
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "obp.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return folder / "obp"


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet"]
    else:
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    unfinished = Path(tempfile.mkdtemp(prefix="obp-", dir=KEPT))
    try:
        done = subprocess.run(
            [*command, "--no-deps", "--target", str(unfinished), WANTED],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise NotInstalled(f"{WANTED} cannot be installed: {said[:500] or 'no reason given'}")
        unfinished.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{WANTED} took more than {_PATIENCE_SECONDS} s") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


if __name__ == "__main__":
    sys.stdout.write(f"{open_bandit()}\n")
