"""A report as one page of HTML that needs nothing else: no script, no font, no image."""

import re
from html import escape

from customering.app.report_charts import drawn
from customering.app.report_model import Report, Section

_STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --text: #1c2024; --quiet: #5b6470;
  --rule: #d9dde2; --ours: #0b62c4; --other: #8a5a00; --third: #5b6470; --loss: #a3260f;
  --box: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e6e9ec; --quiet: #a3adb8;
  --rule: #363c43; --ours: #6db3ff; --other: #e0a84a; --third: #a3adb8; --loss: #ff8f7a;
  --box: #1d2126; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; border-top: 1px solid var(--rule);
  padding-top: 1.25rem; }
p { margin: .5rem 0; }
a { color: var(--ours); }
code { background: var(--box); padding: .1rem .35rem; border-radius: 4px; font-size: .9em;
  overflow-wrap: anywhere; }
.quiet, .alt, .legend, figcaption { color: var(--quiet); font-size: .9rem; }
.loss { color: var(--loss); }
.charts { display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0; min-width: 0; padding: .75rem; border: 1px solid var(--rule);
  border-radius: 8px; }
figcaption { color: var(--text); font-weight: 600; margin-bottom: .5rem; }
.alt { margin: .5rem 0 0; }
.bar { display: grid; grid-template-columns: 8rem 1fr 5.5rem; gap: .6rem; align-items: center; }
.value { text-align: right; font-variant-numeric: tabular-nums; font-size: .9rem; }
.ours { font-weight: 600; }
.short { padding-left: 1.1rem; } .short li { margin: .2rem 0; }
.plot { width: 100%; max-width: 29rem; height: auto; display: block; }
.plot text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
.rule { stroke: var(--rule); stroke-width: 1; }
.reference { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
.legend span { margin-right: 1.25rem; white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem .3rem 0; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 5.5rem; }
.words { text-align: left; white-space: normal; min-width: 14rem; padding-left: 1rem; }
.words:first-child { padding-left: 0; }
.grid th, .grid td { padding: .3rem .5rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
@media (max-width: 36rem) {
  .bar { grid-template: "label value" "drawing drawing" / 1fr max-content; gap: 0 .6rem;
    margin-bottom: .4rem; }
  .label { grid-area: label; } .value { grid-area: value; } .bar svg { grid-area: drawing; } }
"""

_LONG = 26  # letters: what is longer is a sentence, and may take several lines


def page(report: Report) -> str:
    """Write a report as HTML."""
    losses = "".join(f"<li>{escape(loss)}</li>" for loss in report.losses)
    where = (
        f'<section><h2>Where we lose</h2><ul class="loss">{losses}</ul></section>' if losses else ""
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(report.title)}</h1>"
        f'<p class="quiet">{escape(report.summary)} {escape(report.made_at)}</p>'
        f"{_short(report)}{''.join(_section(section) for section in report.sections)}{where}"
        "</main></body></html>\n"
    )


def _short(report: Report) -> str:
    """Write one line a section that has something to tell, each leading to it."""
    lines = "".join(
        f'<li><a href="#{_anchor(section)}">{escape(section.title)}</a>:'
        f" {escape(section.headline)}</li>"
        for section in report.sections
        if section.headline
    )
    return f'<ul class="short">{lines}</ul>' if lines else ""


def _anchor(section: Section) -> str:
    return "-".join(re.findall("[a-z0-9]+", section.title.lower()))


def _section(section: Section) -> str:
    parts = [f'<h2 id="{_anchor(section)}">{escape(section.title)}</h2>']
    if section.missing:
        parts.append(f'<p class="quiet">{escape(section.missing)}</p>')
    if section.finding:
        parts.append(f"<p>{escape(section.finding)}</p>")
    if section.charts:
        parts.append(f'<div class="charts">{"".join(map(drawn, section.charts))}</div>')
    if section.points:
        lines = "".join(f"<li>{escape(point)}</li>" for point in section.points)
        parts.append(f"<ul>{lines}</ul>")
    parts += [f'<p class="loss">{escape(loss)}</p>' for loss in section.losses]
    if section.rows:
        parts.append(_table(section))
    parts.append(f'<p class="quiet">Made by <code>{escape(section.command)}</code></p>')
    return f"<section>{''.join(parts)}</section>"


def _table(section: Section) -> str:
    columns = list(zip(*section.rows, strict=True))
    kinds = [' class="words"' if max(map(len, one)) > _LONG else "" for one in columns]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>'
        for name, kind in zip(section.columns, kinds, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(one)}</td>" for one, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in section.rows
    )
    return (
        '<details open><summary class="quiet">Figures</summary><div class="wide"><table><thead>'
        f"<tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
