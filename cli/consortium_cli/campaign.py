"""`consortium campaign`: planned and sent on the host, reviewed and answered at the partner's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from consortium.errors import ConsortiumError, PolicyRefused
from consortium_cli.campaign_screen import (
    show_left,
    show_plan,
    show_previews,
    show_review,
    show_sent,
    show_status,
    zone_of,
)
from consortium_cli.homes import desk, host, read_text, reading, write_new
from consortium_cli.progress import SendBar
from consortium_cli.screen import (
    FILE,
    VerbGroup,
    confirm,
    dry_run_option,
    format_option,
    note,
    say,
    say_all,
    show_rows,
    yes_option,
)
from consortium_cli.stopping import stopping
from consortium_cli.wording import WIDTH, count, span, when, wrapped

if TYPE_CHECKING:
    from consortium.app.campaigns import Campaigns

__all__ = ["command"]

_STOPPED = 130


@click.group("campaign", cls=VerbGroup)
def command() -> None:
    """Plan, approve and send campaigns."""


@command.command("create")
@click.argument("file", type=FILE)
@click.pass_context
def create(ctx: click.Context, *, file: Path) -> None:
    """Record the campaign in FILE, signed by the coordinator, on the host.

    Says at once if it could not be planned as things stand, such as for an audience of fewer than
    50 people; `campaign plan` refuses it then.
    """
    campaigns = host(ctx).campaigns
    record = campaigns.create(read_text(file), file=file.name)
    zone = zone_of(campaigns.document(record.name))
    say(f"{record.name} is recorded: {span(record.starts_at, record.ends_at, zone)}")
    _say_next(campaigns, record.name, file=file)


@command.command("revise")
@click.argument("file", type=FILE)
@yes_option
@click.pass_context
def revise(ctx: click.Context, *, file: Path, yes: bool) -> None:
    """Put the text in FILE in the place of the campaign's; every approval lapses. On the host."""
    campaigns = host(ctx).campaigns
    text = read_text(file)
    name = campaigns.read(text, file=file.name).name
    before = campaigns.status(name)
    show_status(before)
    say_all(wrapped("Another text needs every partner's approval again, and another plan."))
    confirm(f"Put the text of {file.name} in its place?", yes=yes)
    record = campaigns.revise(text, file=file.name)
    if record.digest == before.campaign.digest:
        say(f"{record.name} has this very text already; nothing has changed.")
        return
    say(f"{record.name} has the new text.")
    _say_next(campaigns, record.name, file=file)


def _say_next(campaigns: Campaigns, name: str, *, file: Path) -> None:
    """Whom to ask; or, before anybody is asked for nothing, what the plan would be refused for."""
    found = _stands_against(campaigns, name)
    if isinstance(found, PolicyRefused):
        say("  Partners would be asked for nothing. Change the text first, and then:")
        say(f"    consortium campaign revise {file}")
    else:
        then = "Next" if found is None else "Then"
        say(f"  {then}: consortium campaign request {name} PARTNER, for each partner")


def _stands_against(campaigns: Campaigns, name: str) -> ConsortiumError | None:
    found = campaigns.obstacle(name)
    if found is not None:
        say_all(wrapped(f"It cannot be planned as things stand: {found.message}."))
        say_all(wrapped(found.hint, first="    "))
    return found


@command.command("request")
@click.argument("name")
@click.argument("partner")
@click.option("--out", type=FILE, help="Where to write.  [default: NAME.PARTNER.request]")
@click.pass_context
def request(ctx: click.Context, *, name: str, partner: str, out: Path | None) -> None:
    """Write the request for approval that PARTNER is handed, on the host."""
    campaigns = host(ctx).campaigns
    text = campaigns.request(name, partner)
    target = out or Path(f"{name}.{partner}.request")
    write_new(target, text)
    _stands_against(campaigns, name)
    say(f"Hand {target.name} to {partner}.")
    say("  It holds the text and the audience, and no key of ours. To look at it:")
    say(f"  consortium campaign review {target.name}")


@command.command("record")
@click.argument("file", type=FILE)
@click.pass_context
def record_(ctx: click.Context, *, file: Path) -> None:
    """Record the partner's answer in FILE, on the host."""
    campaigns = host(ctx).campaigns
    with reading(file) as text:
        answer = campaigns.record(text)
    name = campaigns.answered(answer).name
    if answer.approved:
        until = when(answer.until, zone_of(campaigns.document(name)))
        say(f"{answer.partner} approves up to {count(answer.ceiling)} messages, until {until}.")
    else:
        say(f"{answer.partner} declines. Nothing goes out in its name.")
    say(f"  Next: consortium campaign plan {name}")


@command.command("plan")
@click.argument("name")
@click.pass_context
def plan(ctx: click.Context, *, name: str) -> None:
    """Give every person of the audience exactly one answer, and freeze it. On the host."""
    opened = host(ctx)
    show_plan(opened.campaigns.plan(name), document=opened.campaigns.document(name))
    for load in opened.voters.behind():
        note(f"people new since the last match are in no place of {load} and may have voted:")
        note("  consortium voters match, then plan again")


@command.command("preview")
@click.argument("name")
@click.option(
    "--all", "everybody", is_flag=True, help="For all the made-up people.  [default: one]"
)
@click.pass_context
def preview(ctx: click.Context, *, name: str, everybody: bool) -> None:
    """Show the message as made-up people would get it, in each partner's name. On the host."""
    show_previews(host(ctx).campaigns.preview(name), everybody=everybody)


@command.command("status")
@click.argument("name")
@click.pass_context
def status(ctx: click.Context, *, name: str) -> None:
    """Show where a campaign stands: answers, plan, messages. On the host."""
    show_status(host(ctx).campaigns.status(name))


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> None:
    """List the campaigns, on the host; times in each one's zone."""
    campaigns = host(ctx).campaigns
    rows = []
    for record in campaigns.list():
        zone = zone_of(campaigns.document(record.name))
        times = (record.starts_at, record.ends_at, record.not_after)
        rows.append(
            (
                record.name,
                record.state.value,
                record.channel.value,
                *(time.astimezone(zone) for time in times),
                record.digest.hex(),
            )
        )
    show_rows(
        ("campaign", "state", "channel", "from", "to", "nothing after", "text"),
        rows,
        form=form,
        table=("campaign", "state", "from", "to"),
    )


@command.command("pause")
@click.argument("name")
@click.pass_context
def pause(ctx: click.Context, *, name: str) -> None:
    """Begin no further message until `resume`, whoever is sending. On the host."""
    host(ctx).campaigns.pause(name)
    say(f"{name} is paused. To go on: consortium campaign resume {name}")


@command.command("resume")
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, *, name: str) -> None:
    """Let a paused campaign be sent again, on the host."""
    host(ctx).campaigns.resume(name)
    say(f"{name} may be sent again. Next: consortium campaign send {name}")


@command.command("stop")
@click.argument("name")
@click.option("--reason", required=True, help="Why, for those who look at it later.")
@dry_run_option
@yes_option
@click.pass_context
def stop(ctx: click.Context, *, name: str, reason: str, dry_run: bool, yes: bool) -> None:
    """End a campaign for good; the keys its partners lent are dropped. On the host."""
    campaigns = host(ctx).campaigns
    show_status(campaigns.status(name))
    if dry_run:
        say("  Nothing was done.")
        return
    confirm(f"End {name} for good? What waits is never sent.", yes=yes)
    campaigns.stop(name, reason=reason)
    say(f"{name} is stopped.")


@command.command("send")
@click.argument("name")
@dry_run_option
@yes_option
@click.pass_context
def send(ctx: click.Context, *, name: str, dry_run: bool, yes: bool) -> None:
    """Send a planned campaign, or go on where the last run ended. On the host.

    Ctrl-C stops after the messages in hand; a second one at once, which may leave a few whose
    outcome nobody knows.
    """
    bar = SendBar()
    campaigns = host(ctx, observer=bar).campaigns
    view = campaigns.status(name)
    may_go = show_left(view, server=campaigns.server)
    if dry_run:
        say("  Nothing was sent.")
        return
    if may_go:  # else `send` says what stands against it
        confirm("Send?", yes=yes)
    with stopping(bar) as stop_asked:
        result = campaigns.send(name, stop=stop_asked)
    show_sent(result, zone=zone_of(view.document), stopped=bar.stopping)
    if bar.stopping:
        ctx.exit(_STOPPED)


@command.command("review")
@click.argument("file", metavar="REQUEST-FILE", type=FILE)
@click.option(
    "--all", "everybody", is_flag=True, help="For all the made-up people.  [default: one]"
)
@click.pass_context
def review_(ctx: click.Context, *, file: Path, everybody: bool) -> None:
    """Show what a request asks, at the partner's: audience, hours, ceiling, text."""
    partner = desk(ctx)
    with reading(file) as text:
        review = partner.review(text)
    show_review(review, partner=partner.card, everybody=everybody)
    say(f"  Approve:  consortium campaign approve {file}")
    line = f'  Decline:  consortium campaign decline {file} --reason "..."'
    say(line if len(line) <= WIDTH else line.replace(" --reason", f" \\\n{'':16}--reason"))


@command.command("approve")
@click.argument("file", metavar="REQUEST-FILE", type=FILE)
@click.option("--ceiling", type=int, help="At most so many messages.  [default: as asked]")
@click.option(
    "--out",
    type=FILE,
    help="Where to write.  [default: beside the request, CAMPAIGN.PARTNER.answer]",
)
@yes_option
@click.pass_context
def approve(
    ctx: click.Context, *, file: Path, ceiling: int | None, out: Path | None, yes: bool
) -> None:
    """Sign a yes, with the keys to this partner's rows until the campaign ends."""
    partner = desk(ctx)
    with reading(file) as text:
        review = partner.review(text)
    show_review(review, partner=partner.card, everybody=False)
    most = count(ceiling if ceiling is not None else review.request.ceiling)
    confirm(f"Approve up to {most} messages of this text, and lend the keys?", yes=yes)
    target = out or file.with_name(f"{review.request.campaign}.{partner.slug}.answer")
    write_new(target, partner.approve(text, ceiling=ceiling), mode=0o600)
    say(f"Approved. Hand {target} to the host:")
    say(f"  consortium campaign record {target.name}")


@command.command("decline")
@click.argument("file", metavar="REQUEST-FILE", type=FILE)
@click.option("--reason", required=True, help="Why, for the coordinator; one line.")
@click.option(
    "--out",
    type=FILE,
    help="Where to write.  [default: beside the request, CAMPAIGN.PARTNER.answer]",
)
@yes_option
@click.pass_context
def decline(ctx: click.Context, *, file: Path, reason: str, out: Path | None, yes: bool) -> None:
    """Sign a no; an earlier yes is taken back, and its keys with it."""
    partner = desk(ctx)
    with reading(file) as text:
        review = partner.review(text)
    show_review(review, partner=partner.card, everybody=False)
    confirm("Decline?", yes=yes)
    target = out or file.with_name(f"{review.request.campaign}.{partner.slug}.answer")
    write_new(target, partner.decline(text, reason=reason))
    say(f"Declined. Hand {target} to the host:")
    say(f"  consortium campaign record {target.name}")
