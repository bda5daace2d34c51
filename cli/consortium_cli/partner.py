"""`consortium partner`: keys on the partner's side, admission on the host."""

from __future__ import annotations

from pathlib import Path

import click

import consortium
from consortium_cli.homes import desk, host, new_passphrase, reading, settings_from_options
from consortium_cli.screen import (
    FILE,
    VerbGroup,
    confirm,
    format_option,
    say,
    show_rows,
    yes_option,
)

__all__ = ["command"]


@click.group("partner", cls=VerbGroup)
def command() -> None:
    """Partners: their keys and their admission."""


@command.command("keygen")
@click.argument("directory", type=FILE)
@click.option("--slug", required=True, help="Short name, e.g. nurses.")
@click.option("--name", required=True, help="Name as recipients know it.")
@click.option("--address", required=True, help="Postal address, printed under every message.")
@click.option("--from", "from_address", required=True, help="Address that messages come from.")
@click.option(
    "--firewall-group", default="all", show_default=True, help="Who may coordinate with whom."
)
@click.option(
    "--region", default="US", show_default=True, help="Country of telephone numbers without a code."
)
def keygen(
    directory: Path,
    *,
    slug: str,
    name: str,
    address: str,
    from_address: str,
    firewall_group: str,
    region: str,
) -> None:
    """Make a partner's home in DIRECTORY, on the partner's own machine. Never overwrites."""
    with settings_from_options():
        made = consortium.create_partner(
            directory,
            slug=slug,
            name=name,
            postal_address=address,
            from_address=from_address,
            firewall_group=firewall_group,
            region=region,
            passphrase=new_passphrase,
        )
    say(f"{made.card.name} has its keys in {directory}")
    say(f"  fingerprint   {made.card.fingerprint}")
    say(f"  give the host {made.card_file.name}")
    say("  and read it the fingerprint by telephone.")
    say(f"\nNext: consortium --home {directory} partner join CARD, with the consortium's card")


@command.command("join")
@click.argument("card", type=FILE)
@yes_option
@click.pass_context
def join(ctx: click.Context, *, card: Path, yes: bool) -> None:
    """Join the consortium of CARD, on the partner's own machine."""
    partner = desk(ctx)
    with reading(card) as text:
        consortium_card = partner.read_consortium_card(text)
    say(f"{consortium_card.name} ({consortium_card.origin})")
    say(f"  fingerprint   {consortium_card.fingerprint}")
    confirm("Is this what the host read to you by telephone?", yes=yes)
    partner.join(text)
    say("Joined. Next: consortium policy sign FILE, and consortium upload check LIST")


@command.command("add")
@click.argument("card", type=FILE)
@yes_option
@click.pass_context
def add(ctx: click.Context, *, card: Path, yes: bool) -> None:
    """Admit the partner of CARD, on the host."""
    opened = host(ctx)
    with reading(card) as text:
        partner = opened.partners.read_card(text)
    say(f"{partner.name} ({partner.slug}), messages from {partner.from_address}")
    say(f"  fingerprint   {partner.fingerprint}")
    confirm("Is this what the partner read to you by telephone?", yes=yes)
    opened.partners.add(text)
    say(f"{partner.slug} is admitted. Next: consortium policy set FILE.signed")


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> None:
    """List the partners, on the host."""
    rows = [
        (p.slug, p.name, p.from_address, p.firewall_group, str(p.fingerprint))
        for p in host(ctx).partners.list()
    ]
    show_rows(
        ("partner", "name", "from", "group", "fingerprint"),
        rows,
        form=form,
        table=("partner", "name", "fingerprint"),
    )
