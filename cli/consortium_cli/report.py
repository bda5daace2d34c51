"""`consortium report`: a campaign as it stands, and the way of one message."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from consortium.errors import UsageError
from consortium_cli.campaign_screen import zone_of
from consortium_cli.homes import host, write_new
from consortium_cli.screen import FILE, VerbGroup, format_option, say, say_all, show_rows
from consortium_cli.wording import count, joined, people, span, wrapped

if TYPE_CHECKING:
    from consortium.report import CampaignReport, Provenance

__all__ = ["command"]

_STATES = ("accepted", "rejected", "unknown", "stopped", "waiting")
_SIDE = 12
_MESSAGE = re.compile(r"<?(?:[^\s<>@]+\.)?(m-[0-9]{1,17})(?:@[^\s<>@]+)?>?", re.ASCII)


@click.group("report", cls=VerbGroup)
def command() -> None:
    """What went out, and why; where a message came from."""


@command.command("campaign")
@click.argument("name")
@click.option(
    "--html", type=FILE, help="Write it as a page too, never over a file.  [default: no page]"
)
@format_option
@click.pass_context
def campaign(ctx: click.Context, *, name: str, html: Path | None, form: str) -> None:
    """Say what went out, in whose name, and why the others got none. On the host.

    As JSON or CSV it is one line for each partner.
    """
    opened = host(ctx)
    report = opened.reports.campaign(name)
    if html is not None:
        write_new(html, opened.reports.campaign_html(name), option="--html")
    if form == "table":
        _show_report(report, zone=zone_of(opened.campaigns.document(name)))
    else:
        rows = [
            (o.owner, o.answer, o.ceiling, *(getattr(o, s) for s in _STATES)) for o in report.owners
        ]
        show_rows(("partner", "answer", "ceiling", *_STATES), rows, form=form)


def _show_report(report: CampaignReport, *, zone: ZoneInfo) -> None:
    say_all(
        joined(
            [
                f"{report.name}: {report.state}",
                f"{report.purpose}, {report.content}",
                span(report.starts_at, report.ends_at, zone),
            ]
        )
    )
    if report.span is not None:
        say(f"  handed over {span(*report.span, zone)}")
    say(f"  {count(report.audience):>8} people in the audience (rounded)")
    say(f"  {count(report.planned):>8} planned to get a message")
    for why, persons in (*report.refused, *report.deferred):
        say(f"  {people(persons):>8} none: {why}")
    say()
    show_rows(
        ("partner", "answer", *_STATES),
        [(o.owner, o.answer, *(getattr(o, s) for s in _STATES)) for o in report.owners],
        form="table",
    )
    for why, messages in report.stopped:
        say(f"  {count(messages):>8} stopped: {why}")
    if report.unknown:
        say_all(wrapped(f"Nobody knows whether these arrived: {', '.join(report.unknown)}."))
    say()
    if report.plan_digest is not None:
        say(f"  plan {report.plan_digest[:16]}…, ledger entry {report.plan_entry}")
    covered = f"{count(report.checkpoint_size)} of {count(report.ledger_size)}"
    say(f"  ledger entries under a signed checkpoint: {covered}")


@command.command("provenance")
@click.argument("message")
@click.option("--proofs", type=FILE, help="Folder to write each fact's proof to.  [default: none]")
@format_option
@click.pass_context
def provenance(ctx: click.Context, *, message: str, proofs: Path | None, form: str) -> None:
    """Say where MESSAGE came from, e.g. m-1182, every fact proved. On the host.

    MESSAGE may be the Message-ID in the mail itself. As JSON or CSV it is one line for each fact.
    """
    opened = host(ctx)
    found = opened.reports.provenance(_message_name(message))
    files = opened.reports.write_proofs(found, proofs) if proofs is not None else ()
    if form == "table":
        _show_provenance(found)
        if proofs is not None:
            say(f"  {len(files)} proofs in {proofs}")
    else:
        rows = [(step.entry, step.at, step.says, step.name) for step in found.steps]
        show_rows(("entry", "at", "fact", "proof"), rows, form=form)


def _message_name(text: str) -> str:
    """The name in `m-1182`, or in the Message-ID that a mail client shows."""
    found = _MESSAGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            "that is no message of ours",
            hint="They are called like m-1182; the Message-ID in a mail will do as well.",
        )
    return found[1]


def _show_provenance(found: Provenance) -> None:
    consent = f"{found.basis}, {found.consent_on or 'undated'}, as {found.owner} states"
    for label, text in (
        (found.message, f"{found.state}, {found.channel}, campaign {found.campaign}"),
        ("in name of", f"{found.owner_name} ({found.owner})"),
        ("list", f"{found.upload}, {found.list_name}, obtained {found.obtained_on}"),
        ("consent", consent),
        ("allowed by", f"policy of {found.owner}, version {found.policy}"),
    ):
        say_all(wrapped(text, first=f"  {label:<{_SIDE}}", rest=" " * (_SIDE + 2)))
    say()
    for step in found.steps:
        first = f"  {step.entry:>5}  {step.at[:19]}Z  "  # without parts of a second
        say_all(wrapped(step.says, first=first, rest=" " * len(first)))
    say()
    say_all(
        wrapped(
            f"{len(found.steps)} facts, each proved against the signed checkpoint of "
            f"{count(found.checkpoint_size)} entries. Nothing here names the recipient."
        )
    )
