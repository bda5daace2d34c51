"""`consortium init`: the host's home."""

from __future__ import annotations

from pathlib import Path

import click

import consortium
from consortium_cli.homes import new_passphrase, settings_from_options
from consortium_cli.screen import FILE, say

__all__ = ["command"]


@click.command("init")
@click.argument("directory", type=FILE)
@click.option("--name", required=True, help="Name of the consortium, as its partners know it.")
@click.option("--database", help="Database URL.  [default: sqlite:///consortium.db in DIRECTORY]")
@click.option("--origin", help="Identity of the ledger.  [default: made from the name]")
@click.option(
    "--region", default="US", show_default=True, help="Country of telephone numbers without a code."
)
@click.option(
    "--dot-insensitive",
    "domains",
    multiple=True,
    metavar="DOMAIN",
    help="E-mail domain where dots do not count; may be repeated.  [default: Gmail's]",
)
def command(
    directory: Path,
    *,
    name: str,
    database: str | None,
    origin: str | None,
    region: str,
    domains: tuple[str, ...],
) -> None:
    """Make a consortium in DIRECTORY: settings, keys, database, ledger. Never overwrites.

    Two passphrases: the operator's protects the keys that open things, the coordinator's the key
    that signs requests for approval (the same one unless CONSORTIUM_COORDINATOR_PASSPHRASE is set).
    """
    with settings_from_options():
        made = consortium.create(
            directory,
            name=name,
            database=database,
            origin=origin,
            region=region,
            dot_insensitive_domains=domains,
            passphrase=new_passphrase,
        )
    with made:
        say(f"{made.card.name} is ready in {directory}")
        say(f"  origin        {made.card.origin}")
        say(f"  fingerprint   {made.card.fingerprint}")
        say(f"  give partners {made.card_file.name if made.card_file else 'the card'}")
        say("  and read them the fingerprint by telephone.")
        say(f"\nNext: consortium --home {directory} partner add CARD, for each partner")
