"""Write the reference pages that follow from the code.

`python docs/generate.py` writes them; with `--check` it writes nothing, names the pages that are
stale, and exits 1 when there are any.
"""

import sys
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import msgspec
import typer

from customering.app.settings import CustomeringSettings, load, show, template, toml_value
from customering.cli.main import every_command
from customering.kernel import errors
from customering.kernel.errors import CustomeringError
from customering.profile.definitions import shipped_traits
from customering.profile.reference import trait_reference

REFERENCE = Path(__file__).parent / "reference"
MARK = "<!-- Written by docs/generate.py from the code; change the code, then `make fix`. -->\n\n"

EXAMPLES = {
    "init": "init shop",
    "demo": "demo --home demo-home",
    "town": "town --home town-home --warmth 3",
    "import": "import orders.csv --mapping orders.toml --dry-run",
    "rebuild": "rebuild",
    "learn": "learn",
    "person": "person loyalty_card:900 --as-of 2017-06-01",
    "decide": "decide loyalty_card:900 --n 3",
    "serve": "serve --port 8000 --verbose",
    "doctor": "doctor --deep",
    "keys create write": "keys create write --source web --origin https://shop.example",
    "keys create server": "keys create server --source shop-backend",
    "keys create secret": "keys create secret --scope decide --scope people --expires 2027-06-01",
    "keys create subject": "keys create subject --origin https://shop.example",
    "keys list": "keys list",
    "portal link": "portal link email:ada@example.org --minutes 5",
    "portal sign-out": "portal sign-out email:ada@example.org",
    "keys revoke": "keys revoke key_s6uo43d5slmrazi7",
    "views": 'views "SELECT count(*) FROM people_for_marketing_email"',
    "backup": "backup /backups/monday --home shop",
    "restore": "restore /backups/monday shop-again",
    "config show": "config show --set decision.control_share=0.1",
    "evaluate next-basket": "evaluate next-basket --held-out-days 28",
    "evaluate value": "evaluate value --held-out-days 28",
    "evaluate policy": "evaluate policy uniform best-single what-if.toml --placement home",
    "evaluate effect": "evaluate effect --since 2026-03-01",
    "evaluate uplift": "evaluate uplift --action bread_week",
    "evaluate chances": "evaluate chances",
    "evaluate fairness": "evaluate fairness --by age_group",
    "evaluate report": "evaluate report --out report.html",
    "models list": "models list",
    "models promote": "models promote mdl_abcdefgh23456789",
    "models rollback": "models rollback value",
    "evaluate status": "evaluate status",
    "identity explain": "identity explain email:ada@example.org",
    "identity preview": "identity preview user_id:ada device:sofa --split",
    "identity merge": "identity merge user_id:ada loyalty_card:17",
    "identity split": "identity split user_id:ada device:sofa",
    "status set": "status set loyalty_card:900 on_a_break --until 2018-02-01",
    "consent set": "consent set loyalty_card:900 personalize deny",
    "consent show": "consent show loyalty_card:900",
    "consent object": "consent object loyalty_card:900 marketing",
    "consent restrict": "consent restrict loyalty_card:900",
    "consent receipts": "consent receipts loyalty_card:900",
    "consent receipt": "consent receipt loyalty_card:900 17 --out receipt.json",
    "consent verify": "consent verify --keys consent-log.json",
    "consent verify-receipt": "consent verify-receipt receipt.json --keys consent-log.json",
    "audience list": "audience list",
    "audience members": "audience members regulars",
    "trait list": "trait list",
    "catalog import": "catalog import coupons.parquet --mapping offers.toml",
    "catalog list": "catalog list",
    "catalog products": "catalog products products.csv",
    "journeys list": "journeys list",
    "journeys add": "journeys add welcome abandoned_cart win_back",
    "journeys restocked": "journeys restocked wine-3",
    "erase": "erase email:ada@example.org",
    "takeout": "takeout email:ada@example.org --out ada.zip",
    "rights list": "rights list --all",
    "rights show": "rights show req_d7lrkbkpv2g5sdti",
    "rights open": "rights open email:ada@example.org access --words 'by letter of 3 June'",
    "rights fulfil": "rights fulfil req_d7lrkbkpv2g5sdti",
    "rights deny": "rights deny req_d7lrkbkpv2g5sdti --reason insuf_verification",
    "rights extend": "rights extend req_d7lrkbkpv2g5sdti --words 'the year-end accounts'",
    "rights certificate": "rights certificate req_d7lrkbkpv2g5sdti",
    "rights replay": "rights replay shop-before --home shop",
    "rights tell": "rights tell --home shop",
    "audit verify": "audit verify",
    "audit show": "audit show email:ada@example.org --last 5",
    "log verify": "log verify",
    "log tail": "log tail --count 3",
    "log export": "log export events.parquet --purpose analytics.product",
    "quarantine list": "quarantine list",
    "quarantine show": "quarantine show qua_z65eup7kz3kg7nlb",
    "quarantine replay": "quarantine replay qua_z65eup7kz3kg7nlb --with mended.json",
    "quarantine discard": "quarantine discard qua_z65eup7kz3kg7nlb",
}
"""One command line for each command, so that no command is without an example."""

_SHARED = ("--home", "--set", "--json")
_NO_BRACES = str.maketrans("", "", "{}")
_KINDS = {"<str>": "TEXT", "<int>": "N", "<int range>": "N", "<path>": "PATH"}

_CLI_HEAD = """\
# Commands

One program, `customering`. In a clone it is `.venv/bin/customering`.

A command works on a *home*, the folder that holds one business: the one named by `--home`, or by
the variable `CUSTOMERING_HOME`, or the current folder. Options that many commands take:

| option | meaning |
|---|---|
| `--home DIR` | the home folder |
| `--set section.key=value` | a [setting](settings.md) for this run only; may be repeated |
| `--json` | print one JSON document for programs, also for [errors](errors.md) |
| `--help` | the text of this page for one command |

`WHO` is an identifier as `type:value` (`loyalty_card:900`), an e-mail address, or a person id
(`per_...`). The exit code is 0 when the command did what it says, 1 with an [error](errors.md) of
ours, 2 when the command line cannot be read, and 130 when it was interrupted.
"""

_SETTINGS_HEAD = """\
# Settings

Every setting has a default; a home needs none but those you change. They stand in
`customering.toml` in the home, which `customering init` writes with every key commented out. A
later place wins over an earlier one:

1. the default;
2. `customering.toml`;
3. a variable: `CUSTOMERING__DECISION__CONTROL_SHARE=0.1`;
4. a flag: `--set decision.control_share=0.1`.

`customering config show` prints every value in force and where it came from. A misspelt key or a
value out of range is an error that names the place and the key; nothing is ignored.

Changing identity, traits or consent defaults makes profiles that were computed before stale: the
next command computes them anew from the log. What people chose is in the log, not here.

A ground must be stated for each default of consent, and a table of its own for each purpose:

```toml
[consent.defaults."personalize.web"]
answer = "allow"
ground = "stated in section 4 of our terms, which every card holder has signed"

[decision]
control_share = 0.1
caps = [{ channel = "email", times = 1, days = 7 }, { times = 2, days = 7 }]
```
"""

_ERRORS_HEAD = """\
# Errors

Every error raised on purpose has a stable *code*, a message that says what, and a hint that says
what to do. Messages name ids and places, never personal values. Anything else that is raised is a
bug of ours: please report it.

On the command line an error is two lines on standard error, and the exit code is 1:

```console
$ customering person loyalty_card:0815
error: nothing is known of loyalty_card:0815
hint: check the type and the spelling; `customering log tail` shows who was seen
```

With `--json` it is a document on standard output: `{"error": {"code", "message", "hint",
"facts"}}`. In Python they are the classes of `customering.kernel.errors`:

```
"""


def pages() -> dict[str, str]:
    """Give every generated page by the name of its file."""
    return {
        "cli.md": cli_page(),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "traits.md": trait_reference(shipped_traits()),
    }


def commands() -> Iterator[tuple[str, Any]]:
    """Give every command by its words, such as ``identity merge``, in the order of the help."""
    yield from _commands_of(typer.main.get_command(every_command()), ())


def _commands_of(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands_of(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def cli_page() -> str:
    """Write the reference of the command line."""
    known = dict(commands())
    if known.keys() != EXAMPLES.keys():
        raise SystemExit(
            f"docs/generate.py: EXAMPLES and commands differ: {sorted(known.keys() ^ EXAMPLES)}"
        )
    parts = [MARK, _CLI_HEAD]
    for name, command in sorted(known.items()):
        context = command.make_context(f"customering {name}", [], resilient_parsing=True)
        usage = " ".join([name, *_arguments(command, context), "[OPTIONS]"])
        parts.append(f"\n## `customering {name}`\n\n{command.help}\n\n")
        parts.append(f"```console\n$ customering {EXAMPLES[name]}\n```\n\n")
        parts.append(f"Usage: `customering {usage}`\n")
        parts.append(_options(command, context))
    return "".join(parts)


def _arguments(command: Any, context: Any) -> list[str]:
    """Give the words after the command as the usage names them: WHO, [FOLDER], FILES..."""
    pieces = [piece.upper() for piece in command.collect_usage_pieces(context)]
    return [piece.translate(_NO_BRACES) for piece in pieces if piece != "[OPTIONS]"]


def _options(command: Any, context: Any) -> str:
    rows, shared = [], []
    for parameter in command.params:
        name = parameter.opts[0]
        if name in _SHARED and parameter.default in (None, False):
            shared.append(f"`{name}`")
            continue
        written, meaning = parameter.get_help_record(context)
        for kind, word in _KINDS.items():
            written = written.replace(kind, word)
        if not name.startswith("-"):
            written = name.upper()
        rows.append(f"| `{written}` | {_cell(meaning.removesuffix('  [required]'))} |\n")
    table = "\n| | |\n|---|---|\n" + "".join(rows) if rows else ""
    return f"{table}\nAlso {', '.join(shared)}.\n"


def _cell(text: str) -> str:
    """Write a text so that it stays inside one cell of a table."""
    return text.replace("|", "\\|")


def settings_page() -> str:
    """Write the reference of the settings: a table a section."""
    schema = msgspec.json.schema(CustomeringSettings)["$defs"]
    parts = [MARK, _SETTINGS_HEAD]
    for section, rows in groupby(show(load(None)), key=lambda one: one.key.rpartition(".")[0]):
        fields = schema["CustomeringSettings"]["properties"]
        for name in section.split("."):
            field = fields[name]
            reference = field["$ref"] if "$ref" in field else field["allOf"][0]["$ref"]
            fields = schema[reference.rpartition("/")[2]]["properties"]
        parts.append(f"\n## `[{section}]`\n\n{_summaries()[section]}\n\n")
        parts.append("| key | default | range | meaning |\n|---|---|---|---|\n")
        for one in rows:
            key = one.key.removeprefix(f"{section}.")
            default = _cell(toml_value(msgspec.to_builtins(one.value)))
            parts.append(f"| `{key}` | `{default}` | {_range(fields[key])} | {one.meaning} |\n")
    return "".join(parts)


def _summaries() -> dict[str, str]:
    """Give the sentence that the written settings file has for each section."""
    lines = template().splitlines()
    return {
        line.strip("[]"): after.removeprefix("# ")
        for line, after in pairwise(lines)
        if line.startswith("[")
    }


def _range(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    if low is not None:
        return f"from {low:,}"
    return "" if high is None else f"to {high:,}"


def errors_page() -> str:
    """Write the reference of the errors: the tree, and what each code means."""
    tree = (errors.__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0]
    parts = [MARK, _ERRORS_HEAD]
    parts.append("\n".join(line.removeprefix("    ") for line in tree.splitlines()))
    parts.append("\n```\n\n| code | class | meaning | retryable |\n|---|---|---|---|\n")
    for kind in _family(CustomeringError):
        meaning = (kind.__doc__ or "").splitlines()[0]
        parts.append(
            f"| `{kind.code}` | `{kind.__name__}` | {meaning} |"
            f" {'yes' if kind.retryable else 'no'} |\n"
        )
    parts.append(
        "\n*Retryable* means that the same call may succeed later without anybody mending anything."
        "\n"
    )
    return "".join(parts)


def _family(kind: type[CustomeringError]) -> Iterator[type[CustomeringError]]:
    """Give an error and all that stand below it in its module, where the whole tree stands."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:  # the client's errors have a page of their own
            yield from _family(child)


def main(arguments: list[str]) -> int:
    """Write the pages, or name those that are stale."""
    stale = {
        name: text
        for name, text in pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != text
    }
    for name, text in stale.items():
        if "--check" in arguments:
            sys.stdout.write(f"docs/reference/{name} is stale: run `make fix`\n")
        else:
            (REFERENCE / name).write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/reference/{name} written\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
