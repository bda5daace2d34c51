"""The screen of `upload check`: what is in a list and what packing it would say and send.

Headers of columns, counts and words; never a value of a row.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consortium_cli.screen import heading, say, say_all
from consortium_cli.wording import count, counted, joined, listed, wrapped

if TYPE_CHECKING:
    from consortium.pack import Attested, CheckReport, Hint, SentColumn, WorthFixing

__all__ = ["show_attested", "show_check"]

_CHANNELS: Final = {  # channel: what it is called, of those who agreed, of those who did not
    "email": ("e-mail", "may be written to", "without recorded consent: never e-mailed"),
    "sms": ("text", "may be texted", "without consent to texts: never texted"),
}
_BASES: Final = {
    "express_written": "signed up in writing",
    "express": "signed up",
    "membership": "by membership",
    "implied": "implied",
    "soft_opt_in": "bought or gave before",
    "legitimate_interest": "legitimate interest",
}
_PEOPLE: Final = {"member": "member", "supporter": "supporter"}
_REFUSALS: Final = {
    "unsubscribed": "unsubscribed",
    "bounced": "bouncing",
    "spam_report": "reported spam",
    "do_not_contact": "marked do-not-contact",
}
_ROLES: Final = {
    "email": "e-mail",
    "full_name": "name",
    "street": "house number",
    "full_address": "house number, state and postcode",
    "record_id": "your record id (only you can open it)",
}
_CONFIDENCE: Final = {
    "stated": "as your mapping says",
    "certain": "certain",
    "likely": "likely",
    "guessed": "guessed from the column names",
}
_MOST: Final = 10  # kinds of problems, and columns, that are listed
_SIDE: Final = 20  # where the text beside a small heading begins
_LINES: Final = 3  # lines named of each kind
_WORDS: Final = 5  # words named of each column
_USUAL_REGION: Final = "US"
_NO_BREAK: Final = "\u00a0"


def show_check(report: CheckReport, *, file: Path, said: Sequence[str]) -> None:
    """Print the whole screen.

    Args:
        report: What was found.
        file: The list, as it was named.
        said: Options given with it that packing needs as well.
    """
    say("  Your computer only. Nothing has left it.")
    written = f"{report.encoding}, {report.delimiter}, {count(report.rows)} rows"
    say_all(wrapped(f"{report.layout_title} ({_sure(report)}), {written}"))
    if report.region != _USUAL_REGION:
        say(f"  local numbers, postcodes and dates as in {report.region}")
    say_all(joined(list(_fates(report))))
    say()
    if report.usable or report.opt_outs:
        show_attested(report, title="WHAT YOU WOULD BE ATTESTING")
        say()
    _show_columns(report)
    _show_problems(report)
    _show_hints(report)
    say()
    if not report.usable and not report.opt_outs:
        say("  There is nothing to pack in it yet.")
        return
    words = [str(file), *said, "--list", "NAME", "--obtained", "YYYY-MM-DD"]
    command = " ".join(shlex.quote(word) for word in words)
    say_all(wrapped(f"Next: consortium upload pack {command}", rest=" " * 8))


def _sure(report: CheckReport) -> str:
    sure, by = _CONFIDENCE[report.confidence], report.recognition
    if report.confidence == "stated" or (report.confidence == "certain" and not by.other):
        return sure
    if by.found:
        sure += f": {counted(by.found, 'header')} of its own"
    if by.other:
        sure += f"; {by.other}: {by.other_found}"
    return sure


def _fates(report: CheckReport) -> Iterator[str]:
    yield f"{count(report.usable)} usable"
    yield f"{count(report.rejected)} unusable"
    if report.repeated:
        yield f"{count(report.repeated)} repeated"
    if report.opt_outs:
        yield f"{counted(report.opt_outs, 'opt-out')} (kept only to block)"
    if report.partly_blocked:
        yield f"{count(report.partly_blocked)} of the usable blocked in part"


def show_attested(report: CheckReport, *, title: str) -> None:
    """Print what the partner says of its rows by packing them."""
    heading(title)
    for channel in _CHANNELS:
        _show_channel(channel, [a for a in report.attested if a.channel == channel])
    if report.refused:
        say_all(
            joined(
                [f"{count(rows)} {_REFUSALS.get(cause, cause)}" for cause, rows in report.refused],
                first="    read as opt-out: ",
            )
        )
    _show_unknown_words(report)
    if "email" in report.unspoken and any(a.channel == "email" for a in report.attested):
        say_all(
            wrapped(
                "No column says who agreed to e-mail. If all of them did, say how: "
                "--attest email=express",
                first="    ",
            )
        )
    if report.relationship_unstated:
        say_all(
            wrapped(
                "No column says what they are to you: taken for the public. Else: "
                "--attest relationship=member",
                first="    ",
            )
        )
    _show_tags(report)


def _show_unknown_words(report: CheckReport) -> None:
    """Words that were taken for a no, because nobody has said what they mean."""
    rows = {w.column: w.count for w in report.worth_fixing if w.code == "unknown_word"}
    for column, number in rows.items():
        words = [w for w in report.unknown_words if w.column == column]
        shown = [f'"{w.word}" ({counted(w.rows, "row")})' for w in words[:_WORDS]]
        if sum(w.rows for w in words[:_WORDS]) < number:
            shown.append("others")
        say_all(
            wrapped(
                f"{column.strip()}: {listed(shown)} not understood, taken as no permission. "
                "Say what they mean: check with --write-map FILE, correct it, give it with --map",
                first="    ",
            )
        )


def _show_tags(report: CheckReport) -> None:
    """Tags that are shared, and those that were meant to be."""
    if report.shared:
        words = [f"{tag} ({counted(rows, 'row')})" for tag, rows in report.shared[:_MOST]]
        rest = len(report.shared) - _MOST
        words += [f"and {rest} more"] if rest > 0 else []
        say_all(wrapped(f"tags shared, to be read on the host: {', '.join(words)}", first="    "))
    for tag, meant in report.unused:
        say_all(wrapped(f'No usable row has the tag "{tag}". {meant}'.rstrip(), first="    "))


def _show_channel(channel: str, attested: list[Attested]) -> None:
    label, verb, never = _CHANNELS[channel]
    agreed = [a for a in attested if a.basis != "none"]
    silent = sum(a.rows for a in attested if a.basis == "none")
    if agreed:
        claims = [f"{_people(a)} ({_BASES[a.basis]})" for a in agreed]
        total = count(sum(a.rows for a in agreed))
        say_all(joined(claims, first=f"    {label:<8}{total:>7} {verb:<20}"))
        label = ""
    if silent:
        say(f"    {label:<8}{count(silent):>7} {never}")


def _people(attested: Attested) -> str:
    if noun := _PEOPLE.get(attested.relationship):
        return counted(attested.rows, noun)
    return f"{count(attested.rows)} of the public"


def _show_columns(report: CheckReport) -> None:
    certain = report.confidence in {"certain", "stated"}
    sent: dict[str, list[str]] = {}
    for column in report.sent:
        role = _ROLES.get(column.role, column.role.replace("_", " "))
        sent.setdefault(role, []).append(column.header.strip())
    words = [role if certain else f"{role} ({_named(headers)})" for role, headers in sent.items()]
    _beside("SENT, ENCRYPTED", [*words, "what you attest"])
    _beside("READ HERE ONLY", list(report.read))
    tags = dict(report.tags)
    _beside(
        "NOT SENT",
        [
            f"{header} ({counted(tags[header], 'tag')})" if tags.get(header) else header
            for header in report.not_sent
        ],
    )
    if shareable := [header for header, different in report.tags if different]:
        more = "; all: --keep tags" if len(shareable) > 1 else ""
        say(f"{'':<{_SIDE}}share one: --keep {shlex.quote(shareable[0].strip())}{more}")


def _named(headers: Sequence[str]) -> str:
    names = listed([f'"{header}"' for header in headers])
    return f"column{'' if len(headers) == 1 else 's'} {names}"


def _beside(title: str, words: list[str]) -> None:
    if words:
        more = [f"and {len(words) - _MOST} more"] if len(words) > _MOST + 4 else []
        shown = [*words[:_MOST], *more] if more else words
        say_all(wrapped(", ".join(shown), first=f"  {title:<{_SIDE - 2}}", rest=" " * _SIDE))


def _show_problems(report: CheckReport) -> None:
    if not report.worth_fixing:
        return
    say()
    heading("WORTH FIXING")
    for problem in report.worth_fixing[:_MOST]:
        _numbered(problem.count, _problem(problem))
    rest = len(report.worth_fixing) - _MOST
    if rest > 0:
        say(f"           and {rest} other kind{'' if rest == 1 else 's'} of problem")
    if report.problems_file is not None:
        say(f"           every line, for you only: {report.problems_file.name}")


def _problem(problem: WorthFixing) -> str:
    words = f"{problem.column.strip()}: " if problem.column else ""
    words += problem.sentence
    if problem.repair and problem.repair.split()[0] not in words:  # some sentences end with it
        words += f"; {problem.repair}"
    if problem.code == "unknown_word":
        pass  # nothing is left out for it
    elif problem.rows_used == problem.count:
        words += f" ({'this row is' if problem.count == 1 else 'these rows are'} sent without it)"
    elif problem.rows_used:
        used = problem.rows_used
        words += f" ({count(used)} of these rows {'is' if used == 1 else 'are'} sent without it)"
    return f"{words} {_lines(problem)}"


def _show_hints(report: CheckReport) -> None:
    if report.hints or report.proposals or report.unread_refusals:
        say()
        heading("LOOK AT")
    for hint in report.hints[:_MOST]:
        _numbered(hint.count, _hint(hint))
    for column in report.proposals[:_MOST]:
        say_all(wrapped(_proposal(column), first=" " * 11))
    if report.unread_refusals:
        names = listed(f'"{header.strip()}"' for header in report.unread_refusals[:_MOST])
        say_all(
            wrapped(
                f"{names}: not read, and may hold refusals; say what the words mean in a "
                "mapping, or ignore the column there",
                first=" " * 11,
            )
        )
    if report.proposals or report.unread_refusals:
        say("           a mapping to start from: --write-map FILE")


def _hint(hint: Hint) -> str:
    words = f"{hint.column.strip()}: {hint.sentence}"
    words += f"; {hint.repair}" if hint.repair else ""
    return f"{words} {_lines(hint)}"


def _proposal(column: SentColumn) -> str:
    role = _ROLES.get(column.role, column.role.replace("_", " "))
    return f'"{column.header.strip()}" is not read and looks like {role}'


def _numbered(number: int, words: str) -> None:
    lines = wrapped(words, first=f"  {count(number):>7}  ", rest=" " * 11)
    say_all(line.replace(_NO_BREAK, " ") for line in lines)


def _lines(told: WorthFixing | Hint) -> str:
    """`· lines 2, 9 …`, in an archive `· lines 2, 9 of cleaned.csv …`."""
    of: dict[str, list[str]] = {}
    for line, member in zip_longest(told.lines[:_LINES], told.members[:_LINES], fillvalue=""):
        of.setdefault(str(member), []).append(count(int(line)))
    named = [
        f"line{'' if len(lines) == 1 else 's'} {', '.join(lines)}".replace(" ", _NO_BREAK)
        + (f" of {member}" if member else "")
        for member, lines in of.items()
    ]
    more = f"{_NO_BREAK}…" if told.count > len(told.lines[:_LINES]) else ""
    return f"·{_NO_BREAK}{', '.join(named)}{more}"
