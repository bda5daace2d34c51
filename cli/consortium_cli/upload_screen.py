"""The screens of uploads: a pack made, an upload and what follows from it, what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consortium_cli.screen import say, say_all
from consortium_cli.wording import count, counted, joined, wrapped

if TYPE_CHECKING:
    from consortium import Consortium
    from consortium.pack import PackDiff, PackResult
    from consortium.store.uploads import UploadRecord

__all__ = ["consequences", "facts", "only_blocks", "show_added", "show_diff", "show_pack"]


def show_pack(made: PackResult) -> None:
    """Print what a pack holds."""
    report = made.report
    words = [
        f"{made.path.name}: {counted(report.usable, 'row')}",
        counted(report.opt_outs, "opt-out"),
        f"{count(report.rejected)} unusable",
    ]
    if report.repeated:
        words.append(f"{count(report.repeated)} repeated")
    words.append(counted(made.size_bytes, "byte"))
    say()
    say_all(joined(words))
    if report.usable and all(a.basis.value == "none" for a in report.attested):
        say_all(
            wrapped(
                "Nobody in it may be written to: no consent is recorded or stated. If they agreed, "
                "pack it again with --replace, and say so with --attest (above)."
            )
        )
    if report.partly_blocked:
        say_all(
            wrapped(
                f"of the rows, {count(report.partly_blocked)} blocked in part: with them the host "
                f"counts {counted(made.counts.opt_outs, 'opt-out')}"
            )
        )
    if report.rejected and made.report.problems_file is not None:
        say(f"  every unusable line, for you only: {made.report.problems_file.name}")


def show_added(here: Consortium, upload: UploadRecord, *, replaced: str | None) -> None:
    """Print what was taken in, in the place of what, and what to do next."""
    say_all(facts(upload))
    if replaced is not None:
        say(f"    in the place of {replaced}, which is withdrawn")
    if only_blocks(upload) and replaced is None:
        say("  A list of opt-outs alone: it blocks from now on, and there is nothing to merge.")
        return
    for other in here.uploads.list():
        same = (other.partner, other.list_name) == (upload.partner, upload.list_name)
        if same and other.state is upload.state and other.rows and other.name != upload.name:
            say(f"  {other.name}, an earlier upload of this list, counts as well. If it is over:")
            say(f"    consortium upload withdraw {other.name}")
    say("  Next: consortium merge run")


def only_blocks(upload: UploadRecord) -> bool:
    """Whether it is a list of opt-outs and nothing else."""
    return not upload.rows and upload.opt_outs > 0


def facts(upload: UploadRecord) -> list[str]:
    """An upload in three lines."""
    opt_outs = counted(upload.opt_outs, "opt-out")
    held = (
        [f"{opt_outs} and nothing else"]
        if only_blocks(upload)
        else [counted(upload.rows, "row"), opt_outs]
    )
    return [
        *joined([f"{upload.name}: {upload.partner}", upload.list_name, upload.state.value]),
        *joined(
            [
                *held,
                f"{count(upload.rejected)} unusable",
                f"{count(upload.repeated)} repeated",
            ],
            first="    ",
        ),
        *joined(
            [
                f"obtained {upload.obtained_on}",
                f"last day {upload.expires_on or 'not set'}",
                f"taken in {upload.added_at:%Y-%m-%d %H:%M %Z}",
                f"ledger entry {upload.entry}",
            ],
            first="    ",
        ),
    ]


def consequences(rows: int) -> list[str]:
    """What ending uploads of so many rows means."""
    if not rows:
        return wrapped("No rows in it, and its opt-outs stay: nobody is written to again for this.")
    return wrapped(
        f"{counted(rows, 'row')}: no longer counted, and deleted. Opt-outs stay. Plans are not "
        "changed, but nothing more is sent from these rows."
    )


def show_diff(found: PackDiff) -> None:
    """Print what has changed from one pack to another."""
    before, after = found.older, found.newer
    say(f"{before.list_name} of {before.obtained_on} → {after.list_name} of {after.obtained_on}")
    say(f"  rows      {count(before.rows)} → {count(after.rows)}")
    say_all(
        joined(
            [
                f"{count(found.same)} the same",
                f"{count(found.changed)} changed",
                f"{count(len(found.gone))} not there any more",
                f"{count(len(found.added))} new",
            ],
            first="            ",
        )
    )
    for part, rows in found.parts:
        say(f"            {part}: {count(rows)} changed")
    if found.now_opted_out:
        say(f"            {count(found.now_opted_out)} of those not there any more have opted out")
    say(f"  opt-outs  {count(before.opt_outs)} → {count(after.opt_outs)}")
    if found.opt_outs_added or found.opt_outs_gone:
        say("            of their addresses and numbers:")
        words = [f"{count(found.opt_outs_added)} new"]
        words.append(f"{count(found.opt_outs_gone)} not there any more, blocked all the same")
        say_all(joined(words, first="            "))
