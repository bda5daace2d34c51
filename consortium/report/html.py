"""The campaign's report as one self-contained page: no script, no font, no request to anywhere.

It says what the terminal says, for people who keep it with the minutes of the meeting: it prints
well, reads well in the dark, and its tables are read well by a screen reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from consortium.model import MessageState
from consortium.policy.words import people
from consortium.report.campaign import CampaignReport

__all__ = ["campaign_html"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6675; --line: #d8dde5;
  --paper: #ffffff; --ok: #1f7a4d; --bad: #a3342a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #a3adba; --line: #39424f;
  --paper: #14181f; --ok: #63c595; --bad: #ee8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem;
  margin: 1.5rem 0; } dl div { border-top: 3px solid var(--line); padding-top: .4rem; }
dt { color: var(--soft); font-size: .9rem; } dd { margin: 0; font-size: 1.7rem;
  font-variant-numeric: tabular-nums; } .ok dd { color: var(--ok); } .bad dd { color: var(--bad); }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0;
  padding-left: .6rem; white-space: nowrap; }
code { font-size: .85em; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } }
"""


def campaign_html(report: CampaignReport, *, zone: str, made_at: datetime) -> str:
    """The page.

    Args:
        report: What it says.
        zone: IANA zone that its times are shown in.
        made_at: When it was made.
    """
    local = ZoneInfo(zone)

    def when(instant: datetime, form: str = "%b %Y, %H:%M") -> str:
        here = instant.astimezone(local)
        return f"{here.day} {here:{form}}"

    accepted = report.messages(MessageState.ACCEPTED)
    unknown = report.messages(MessageState.UNKNOWN)
    figures = [
        ("people in the audience (rounded)", report.audience, ""),
        ("planned to get a message", report.planned, ""),
        ("accepted for delivery", accepted, "ok"),
        ("rejected", report.messages(MessageState.REJECTED), ""),
        ("stopped at the last moment", report.messages(MessageState.STOPPED), ""),
        ("outcome unknown", unknown, "bad" if unknown else ""),
        ("still waiting", report.messages(MessageState.WAITING), ""),
    ]
    parts = [
        f"<h1>{escape(report.name)}</h1>",
        (
            f"<p>{escape(report.purpose)} · {escape(report.content)} · {report.channel.value} · "
            f"<strong>{report.state.value}</strong></p>"
        ),
        (
            f'<p class="soft">Window {when(report.starts_at)} to {when(report.ends_at)}, '
            f"nothing after {when(report.deadline)} ({escape(zone)}).</p>"
        ),
        "<dl>",
        *(
            f'<div class="{kind}"><dt>{escape(label)}</dt><dd>{number:,}</dd></div>'
            for label, number, kind in figures
        ),
        "</dl>",
    ]
    if report.span:
        parts.append(
            f"<p>Handed over between {when(report.span[0], '%b %Y, %H:%M:%S')} and "
            f"{when(report.span[1], '%b %Y, %H:%M:%S')}.</p>"
        )
    parts += _table(
        "In whose name",
        ("partner", "answer", "planned", "accepted", "rejected", "stopped", "unknown", "waiting"),
        (
            (o.owner, o.answer, o.planned, o.accepted, o.rejected, o.stopped, o.unknown, o.waiting)
            for o in report.owners
        ),
    )
    parts += _table("Why the others got none", ("reason", "people"), _told(report.refused))
    parts += _table("Put off by the plan", ("reason", "people"), _told(report.deferred))
    parts += _table("Stopped at the last moment", ("reason", "messages"), report.stopped)
    if report.unknown:
        names = ", ".join(report.unknown)
        parts += [
            "<h2>Outcome unknown</h2>",
            (
                "<p>These may have arrived. They are never sent again by themselves: look into "
                "them with <code>consortium report provenance</code>.</p>"
                f"<p><code>{escape(names)}</code></p>"
            ),
        ]
    parts += _evidence(report)
    parts.append(f'<p class="soft">Made {when(made_at)}. No personal data is in this page.</p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.name)}: campaign report</title>"
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _told(reasons: Iterable[tuple[str, int]]) -> Iterable[tuple[str, str]]:
    return ((reason, people(persons)) for reason, persons in reasons)


def _evidence(report: CampaignReport) -> list[str]:
    if report.plan_digest is None:
        return []
    covered = (
        "all of them"
        if report.checkpoint_size == report.ledger_size
        else f"{report.checkpoint_size:,} of them"
    )
    return [
        "<h2>Evidence</h2>",
        (
            f"<p>The plan is entry {report.plan_entry} of the ledger, with the root "
            f"<code>{report.plan_digest}</code>. The ledger has {report.ledger_size:,} entries; "
            f"the newest checkpoint covers {covered}.</p>"
        ),
    ]


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> list[str]:
    """A section with a table; nothing at all without rows."""
    numeric = {"people", "messages"} | set(columns[2:])
    body = [
        "<tr>" + "".join(map(_cell, row, (c in numeric for c in columns))) + "</tr>" for row in rows
    ]
    if not body:
        return []
    head = "".join(
        f'<th scope="col"{" class=n" if column in numeric else ""}>{escape(column)}</th>'
        for column in columns
    )
    return [
        f"<h2>{escape(title)}</h2>",
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>',
        *body,
        "</tbody></table></div>",
    ]


def _cell(value: str | int, numeric: bool) -> str:  # noqa: FBT001 - mapped over columns
    text = f"{value:,}" if isinstance(value, int) else escape(value)
    return f"<td class=n>{text}</td>" if numeric else f"<td>{text}</td>"
