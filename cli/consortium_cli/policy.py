"""`consortium policy`: send policies."""

from __future__ import annotations

from pathlib import Path

import click

from consortium_cli.homes import desk, host, read_text, reading, write_new
from consortium_cli.screen import FILE, VerbGroup, format_option, say, say_all, show_rows
from consortium_cli.wording import wrapped

__all__ = ["command"]


@click.group("policy", cls=VerbGroup)
def command() -> None:
    """Send policies: check and sign them at the partner's, set and show them on the host."""


@command.command("check")
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Read FILE and say in plain words what it allows. Needs no home."""
    from consortium.app import check_policy  # noqa: PLC0415 - loads the rule kinds

    for line in check_policy(read_text(file), name=file.name):
        say_all(wrapped(line, first="", rest="  "))


@command.command("rules")
@format_option
def rules(form: str) -> None:
    """List every rule a policy may hold."""
    from consortium.app import list_rules  # noqa: PLC0415 - loads the rule kinds

    found = list_rules()
    if form != "table":
        show_rows(("rule", "asked of", "what it does"), found, form=form)
        return
    for name, asked_of, summary in found:
        say_all(wrapped(f"{name:<14}{summary} ({asked_of})", first="", rest=" " * 14))


@command.command("sign")
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.signed]")
@click.pass_context
def sign(ctx: click.Context, *, file: Path, out: Path | None) -> None:
    """Sign FILE as this partner's policy, on the partner's machine."""
    target = out or file.with_name(file.name + ".signed")
    write_new(target, desk(ctx).sign_policy(read_text(file), name=file.name))
    say(f"Signed: {target.name}. Give it to the host:")
    say(f"  consortium policy set {target.name}")


@command.command("set")
@click.argument("file", type=FILE)
@click.pass_context
def set_(ctx: click.Context, *, file: Path) -> None:
    """Put the signed policy FILE in force, on the host."""
    with reading(file) as text:
        view = host(ctx).policies.set(text, name=file.name)
    say(f"{view.partner}: policy version {view.version} is in force ({view.digest_hex[:12]}).")


@command.command("show")
@click.argument("partner")
@click.option("--document", is_flag=True, help="Print the TOML as signed.  [default: plain words]")
@click.pass_context
def show(ctx: click.Context, *, partner: str, document: bool) -> None:
    """Show the policy of PARTNER that is in force, on the host."""
    view = host(ctx).policies.show(partner)
    if document:
        say(view.document.rstrip("\n"))
        return
    say(f"{view.partner}, version {view.version}, set {view.set_at:%-d %b %Y}")
    for line in view.sentences:
        say_all(wrapped(line, first="", rest="  "))
