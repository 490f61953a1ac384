"""The law of calling out: nothing but the client and the mail channel can speak to another machine.

Without a way to call an address that somebody wrote down, no request can be forged through us.
"""

import ast
from pathlib import Path

import customering

HOME = Path(customering.__file__).parent
CALLING = {
    "httpx", "requests", "aiohttp", "urllib3", "httpcore", "websockets", "ftplib", "telnetlib",
    "http.client", "urllib.request", "xmlrpc.client", "socket", "smtplib", "aiosmtplib", "paramiko",
    "subprocess",
}  # fmt: skip
# The client runs on another machine, against an address it is given; a channel calls the one mail
# server of the settings; recipients of erasures are checked by a module with tests of its own; the
# door for agents speaks to the doors beside it, within the process.
MAY = {
    "client": {"http.client", "httpx", "socket"},
    "channels": {"smtplib", "aiosmtplib", "socket"},
    "serve": {"socket"},
    "app/rights_outward.py": {"httpx", "socket"},
    "portal/mcp.py": {"httpx"},
}
TEMPLATES = {"jinja2", "liquid", "mako", "django"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
            found.add(node.module)
    return found


def modules() -> list[tuple[str, Path]]:
    return [(path.relative_to(HOME).parts[0], path) for path in sorted(HOME.rglob("*.py"))]


def test_only_who_must_can_call_another_machine() -> None:
    for package, path in modules():
        names = imported(path)
        calling = {
            one for one in CALLING if any(f"{name}.".startswith(f"{one}.") for name in names)
        }
        may = MAY.get(package, set()) | MAY.get(path.relative_to(HOME).as_posix(), set())
        assert calling <= may, path.name
    assert any(imported(path) & CALLING for package, path in modules() if package == "channels")


def test_no_template_is_made_of_what_somebody_wrote() -> None:
    """Templates are files that ship; texts of operators and people are never read as one."""
    for _, path in modules():
        names = imported(path)
        if any(name.split(".")[0] in TEMPLATES for name in names):
            calls = {
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Call)
            }
            assert not calls & {"from_string", "Template", "compile_expression"}, path.name
            assert not {name.split(".")[0] for name in names} & {"liquid", "mako", "django"}
