"""Whatever is wrong, whoever types it: two lines at most, the right exit code, nothing changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.cli_world import World

# what is said of the documents that `bad` writes
POLICIES = {
    "malformed": "line 2, column 11",
    "unknown_key": 'line 3: unknown rule "quite_hours"',
    "no_such_day": "line 2, column 13",
    "missing_key": "partner",
}
CAMPAIGNS = {
    "malformed": "line 2, column 8",
    "unknown_key": "line 3",
    "no_such_day": "line 2, column 13",
}
MAPPINGS = {
    "malformed": "not TOML",
    "unknown_key": 'Did you mean "email"?',
    "no_such_day": "line 4, column 6",
    "other_list": "does not have",
}


@dataclass(frozen=True)
class Case:
    """A command, what is wrong with it, and what must come of it."""

    name: str
    home: str | None
    words: tuple[str, ...]
    code: int = 1
    says: str = ""
    stdin: str = ""


def _files(
    *,
    of: str,
    home: str | None,
    before: tuple[str, ...],
    after: tuple[str, ...] = (),
    usage: tuple[str, ...] = (),
) -> list[Case]:
    """A command over everything that is not a file of its kind; `usage`: where 2 is the code."""
    return [
        Case(
            f"{of}-{bad}",
            home,
            (*before, bad, *after),
            code=2 if bad in usage else 1,
            says=bad,
        )
        for bad in ("missing.x", "loop.x", "folder.x", "empty.x", "binary.x")
    ]


PACK = ("--list", "members", "--obtained", "2026-01-02")
CARD = ("--name", "N", "--address", "1 St", "--from", "a@b.org")
YES = ("--yes",)
WHY = ("--reason", "no", "--yes")

FILES = [
    *_files(of="check", home="nurses", before=("upload", "check")),
    *_files(of="check-no-home", home=None, before=("upload", "check")),
    *_files(of="pack", home="nurses", before=("upload", "pack"), after=PACK),
    *_files(of="add", home="host", before=("upload", "add")),
    *_files(of="add-as", home="host", before=("upload", "add", "--as", "homes/nurses", *PACK)),
    *_files(
        of="map",
        home="nurses",
        before=("upload", "check", "nurses.csv", "--map"),
        usage=("empty.x", "binary.x"),
    ),
    *_files(of="diff", home="nurses", before=("upload", "diff", "nurses.pack")),
    *_files(of="policy-check", home=None, before=("policy", "check")),
    *_files(of="policy-sign", home="nurses", before=("policy", "sign")),
    *_files(of="policy-set", home="host", before=("policy", "set")),
    *_files(of="partner-add", home="host", before=("partner", "add"), after=YES),
    *_files(of="partner-join", home="nurses", before=("partner", "join"), after=YES),
    *_files(of="create", home="host", before=("campaign", "create")),
    *_files(of="revise", home="host", before=("campaign", "revise"), after=YES),
    *_files(of="record", home="host", before=("campaign", "record")),
    *_files(of="review", home="nurses", before=("campaign", "review")),
    *_files(of="approve", home="nurses", before=("campaign", "approve"), after=YES),
    *_files(of="decline", home="nurses", before=("campaign", "decline"), after=WHY),
    *_files(of="verify", home=None, before=("ledger", "verify")),
    *_files(
        of="told",
        home=None,
        before=("ledger", "verify", "export", "--fingerprints"),
        usage=("empty.x",),
    ),
    *_files(of="feedback", home="host", before=("feedback", "read")),
]
LISTS = [
    Case(f"{verb}-{bad}", "nurses", ("upload", verb, f"{bad}.csv", *after), says=says)
    for verb, after in (("check", ()), ("pack", PACK))
    for bad, says in (("header", "header"), ("nocolumn", "no column"), ("noheader", "header"))
]
PACKS = [
    Case("the-same-pack-again", "host", ("upload", "add", "nurses.pack"), says="u-0001"),
    Case("for-another-consortium", "host", ("upload", "add", "elsewhere.pack"), says="another"),
    Case("of-a-stranger", "host", ("upload", "add", "strangers.pack"), says="strangers"),
    Case("signed-by-another", "host", ("upload", "add", "impostor.pack"), 3, "sign"),
    Case("cut-short", "host", ("upload", "add", "cut.pack")),
    Case("altered", "host", ("upload", "add", "altered.pack"), 3, "altered"),
    Case("a-list-as-pack", "host", ("upload", "add", "nurses.csv")),
    Case("a-pack-as-list", "nurses", ("upload", "check", "nurses.pack"), says="encrypted"),
    Case("a-pack-packed", "nurses", ("upload", "pack", "nurses.pack", *PACK), 2, "the list itself"),
    Case(
        "no-mapping",
        "nurses",
        ("upload", "check", "nurses.csv", "--map", "my.toml"),
        says="--write-map",
    ),
    Case("pack-in-the-way", "nurses", ("upload", "pack", "nurses.csv", *PACK), says="nurses.pack"),
]
DOCUMENTS = [
    *(
        Case(f"policy-{verb}-{bad}", home, ("policy", verb, f"policy-{bad}.toml"), 2, says)
        for bad, says in POLICIES.items()
        for verb, home in (("check", None), ("sign", "nurses"))
    ),
    *(
        Case(
            f"campaign-{verb}-{bad}",
            "host",
            ("campaign", verb, f"campaign-{bad}.toml", *after),
            2,
            says,
        )
        for bad, says in CAMPAIGNS.items()
        for verb, after in (("create", ()), ("revise", YES))
    ),
    *(
        Case(
            f"map-{bad}",
            "nurses",
            ("upload", "check", "nurses.csv", "--map", f"map-{bad}.toml"),
            2,
            says,
        )
        for bad, says in MAPPINGS.items()
    ),
    Case("policy-unsigned", "host", ("policy", "set", "nurses.toml"), 3, "not signed"),
    Case("policy-of-another", "teachers", ("policy", "sign", "nurses.toml"), 2, "nurses"),
    Case("policy-of-an-impostor", "host", ("policy", "set", "impostor.toml.signed"), 3),
    Case("policy-altered", "host", ("policy", "set", "altered.toml.signed"), 3),
    Case("campaign-again", "host", ("campaign", "create", "ballots.toml"), says="ballots"),
    Case("campaign-over", "host", ("campaign", "create", "past.toml"), 2, "passed"),
    Case("revise-unknown", "host", ("campaign", "revise", "second.toml", *YES), says="second"),
    Case("card-altered", "host", ("partner", "add", "altered.card", *YES), 3),
    Case("card-of-a-host", "host", ("partner", "add", "homes/host/consortium.card", *YES)),
    Case("card-of-a-partner", "nurses", ("partner", "join", "homes/nurses/nurses.card", *YES)),
    Case("card-again", "host", ("partner", "add", "homes/nurses/nurses.card", *YES), says="nurses"),
    Case("join-another", "nurses", ("partner", "join", "homes/other/consortium.card", *YES)),
    Case(
        "request-of-another",
        "teachers",
        ("campaign", "review", "ballots.nurses.request"),
        3,
        "nurses",
    ),
    Case("request-altered", "nurses", ("campaign", "approve", "altered.request", *YES), 3),
    Case("answer-twice", "host", ("campaign", "record", "ballots.nurses.answer"), says="already"),
    Case("answer-altered", "host", ("campaign", "record", "altered.answer"), 3),
    Case("answer-a-request", "host", ("campaign", "record", "ballots.nurses.request"), 3),
    Case("export-altered", None, ("ledger", "verify", "altered-export"), 3),
    Case("export-there", "host", ("ledger", "export", "export"), says="export"),
    Case(
        "fingerprints-wrong", None, ("ledger", "verify", "export", "--fingerprints", "told.txt"), 3
    ),
]
NAMES = [
    *(
        Case(
            f"campaign-{verb}-unknown",
            "host",
            ("campaign", verb, "nowhere", *after),
            says="nowhere",
        )
        for verb, after in (
            ("request", ("nurses",)),
            ("plan", ()),
            ("preview", ()),
            ("status", ()),
            ("pause", ()),
            ("resume", ()),
            ("stop", WHY),
            ("send", YES),
            ("send", ("--dry-run",)),
        )
    ),
    Case("report-unknown", "host", ("report", "campaign", "nowhere"), says="nowhere"),
    Case("request-no-partner", "host", ("campaign", "request", "ballots", "nobody"), says="nobody"),
    Case("request-no-list", "host", ("campaign", "request", "ballots", "tenants"), says="tenants"),
    Case("policy-show-unknown", "host", ("policy", "show", "nobody"), says="nobody"),
    Case("show-unknown", "host", ("upload", "show", "u-9999"), says="u-9999"),
    Case("withdraw-unknown", "host", ("upload", "withdraw", "u-9999", "--yes"), says="u-9999"),
    Case("withdraw-no-name", "host", ("upload", "withdraw", "members", "--yes"), says="members"),
    Case("message-unknown", "host", ("report", "provenance", "m-9999"), says="m-9999"),
    Case("message-no-name", "host", ("report", "provenance", "quillfeather.3@x.example"), 2),
    Case(
        "optout-no-partner",
        "host",
        ("optout", "add", "--scope", "partner", "--partner", "nobody"),
        says="nobody",
        stdin="quillfeather.3@mail3.example.org\n",
    ),
    Case("optout-no-address", "host", ("optout", "add"), 2, stdin="\n"),
    Case("optout-nonsense", "host", ("optout", "add"), 2, stdin="quillfeather\n"),
    Case("optout-check-nonsense", "host", ("optout", "check"), 2, stdin="quillfeather at home\n"),
    Case(
        "optout-scope-alone", "host", ("optout", "add", "--scope", "partner"), 2, stdin="a@b.org\n"
    ),
    Case("optout-argument", "host", ("optout", "add", "quillfeather.3@mail3.example.org"), 2),
    Case("pause-what-is-not-sent", "host", ("campaign", "pause", "ballots")),
    Case("resume-what-is-not-paused", "host", ("campaign", "resume", "ballots")),
    Case("no-home-here", None, ("partner", "list"), 2, "home"),
    Case("home-of-the-other-kind", "nurses", ("partner", "list"), 2, "partner"),
    Case("desk-in-a-host", "host", ("campaign", "review", "ballots.nurses.request"), 2),
    Case("check-in-a-host", "host", ("upload", "check", "nurses.csv"), 2),
    Case("home-that-is-not", "nowhere", ("partner", "list"), 2, "nowhere"),
    Case("init-over-a-home", None, ("init", "homes/host", "--name", "X"), 2, "already holds"),
    Case("init-over-a-file", None, ("init", "nurses.csv", "--name", "X"), 2, "nurses.csv"),
    Case("init-bad-origin", None, ("init", "new", "--name", "X", "--origin", "a\nb"), 2, "origin"),
    Case(
        "init-bad-region", None, ("init", "new", "--name", "X", "--region", "Oregon"), 2, "Oregon"
    ),
    Case(
        "init-bad-database",
        None,
        ("init", "new", "--name", "X", "--database", "nosuch://x"),
        2,
        "nosuch",
    ),
    Case(
        "keygen-over-a-home",
        None,
        ("partner", "keygen", "homes/nurses", "--slug", "nu", *CARD),
        2,
        "already holds",
    ),
    Case(
        "keygen-bad-slug",
        None,
        ("partner", "keygen", "new", "--slug", "No Slug", *CARD),
        2,
        "slug",
    ),
]
VALUES = [
    *(
        Case(f"format-{'-'.join(words)}", "host", (*words, "--format", "xml"), 2, "xml")
        for words in (
            ("partner", "list"),
            ("policy", "rules"),
            ("upload", "list"),
            ("campaign", "list"),
            ("optout", "check"),
            ("report", "campaign", "ballots"),
            ("report", "provenance", "m-1"),
        )
    ),
    Case(
        "obtained-no-day",
        "nurses",
        ("upload", "pack", "nurses.csv", "--list", "m", "--obtained", "2026-02-30"),
        2,
        "no such day",
    ),
    Case(
        "obtained-words",
        "nurses",
        ("upload", "pack", "nurses.csv", "--list", "m", "--obtained", "today"),
        2,
        "2026-11-03",
    ),
    Case(
        "obtained-to-come",
        "nurses",
        (
            "upload",
            "pack",
            "nurses.csv",
            "--list",
            "m",
            "--obtained",
            "2199-01-01",
            "--out",
            "n2.pack",
        ),
        2,
        "2199-01-01",
    ),
    Case(
        "expires-before",
        "nurses",
        ("upload", "pack", "nurses.csv", *PACK, "--expires", "2025-01-01", "--out", "n2.pack"),
        2,
        "2025-01-01",
    ),
    Case(
        "pack-without-a-name",
        "nurses",
        ("upload", "pack", "nurses.csv", "--obtained", "2026-01-02"),
        2,
        "--list",
    ),
    Case(
        "attest-nonsense",
        "nurses",
        ("upload", "check", "nurses.csv", "--attest", "email=maybe"),
        2,
        "email",
    ),
    Case(
        "as-without-a-name",
        "host",
        ("upload", "add", "nurses.csv", "--as", "homes/nurses"),
        2,
        "--list",
    ),
    Case(
        "as-no-home",
        "host",
        ("upload", "add", "nurses.csv", "--as", "homes/nowhere", *PACK),
        2,
        "nowhere",
    ),
    Case("pack-with-a-name", "host", ("upload", "add", "nurses.pack", "--list", "m"), 2, "--as"),
    Case("channel-unknown", "host", ("optout", "add", "--channel", "fax"), 2, "fax"),
    Case("scope-unknown", "host", ("optout", "add", "--scope", "world"), 2, "world"),
    Case(
        "ceiling-none",
        "nurses",
        (
            "campaign",
            "approve",
            "ballots.nurses.request",
            "--ceiling",
            "0",
            "--yes",
            "--out",
            "n.answer",
        ),
        2,
        "ceiling",
    ),
    Case(
        "ceiling-above",
        "nurses",
        (
            "campaign",
            "approve",
            "ballots.nurses.request",
            "--ceiling",
            "999999",
            "--yes",
            "--out",
            "n.answer",
        ),
        2,
        "ceiling",
    ),
    Case(
        "ceiling-words",
        "nurses",
        ("campaign", "approve", "ballots.nurses.request", "--ceiling", "all"),
        2,
        "all",
    ),
    Case(
        "reason-of-two-lines",
        "nurses",
        (
            "campaign",
            "decline",
            "ballots.nurses.request",
            "--reason",
            "no\nno",
            "--yes",
            "--out",
            "n.answer",
        ),
        2,
        "reason",
    ),
    Case(
        "answer-in-the-way",
        "nurses",
        ("campaign", "approve", "ballots.nurses.request", "--yes"),
        says="ballots.nurses.answer",
    ),
    Case(
        "request-in-the-way",
        "host",
        ("campaign", "request", "ballots", "nurses"),
        says="ballots.nurses.request",
    ),
    Case(
        "request-nowhere-to-go",
        "host",
        ("campaign", "request", "ballots", "nurses", "--out", "no/where.request"),
        says="where.request",
    ),
    Case(
        "page-in-the-way",
        "host",
        ("report", "campaign", "ballots", "--html", "nurses.csv"),
        says="nurses.csv",
    ),
    Case(
        "proofs-in-the-way",
        "host",
        ("report", "provenance", "m-1", "--proofs", "nurses.csv"),
        says="nurses.csv",
    ),
    Case("verb-unknown", "host", ("campaign", "sned", "ballots"), 2, "send"),
    Case("noun-unknown", "host", ("campain", "list"), 2, "campaign"),
    Case("option-unknown", "host", ("merge", "run", "--ful"), 2, "--full"),
    Case("argument-missing", "host", ("campaign", "plan"), 2, "NAME"),
    Case("unattended-send", "host", ("campaign", "send", "ballots"), 2, "--yes"),
    Case("unattended-withdraw", "host", ("upload", "withdraw", "u-0001"), 2, "--yes"),
    Case("unattended-stop", "host", ("campaign", "stop", "ballots", "--reason", "x"), 2, "--yes"),
    Case(
        "unattended-approve",
        "nurses",
        ("campaign", "approve", "ballots.nurses.request"),
        2,
        "--yes",
    ),
    Case(
        "unattended-admission",
        "host",
        ("partner", "add", "homes/strangers/strangers.card"),
        2,
        "--yes",
    ),
]
CASES = [*FILES, *LISTS, *PACKS, *DOCUMENTS, *NAMES, *VALUES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_one_message_and_changes_nothing(bad: World, case: Case) -> None:
    bad.refuses(*case.words, home=case.home, stdin=case.stdin, code=case.code, says=case.says)
