"""The forger of an export: somebody on its way from the host to the auditor, without keys.

The auditor has its own copy of `verify.py`, Python and OpenSSL. Whatever was changed is found, and
the message says where.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from consortium.ledger import checkpoint as checkpoints
from consortium.ledger import merkle, note
from tests.attack.exports import Exported, entries_of, exported, leaves_of, verify
from tests.attack.marks import Marks
from tests.attack.stage import people
from tests.attack.thief import rows_of

EVIDENCE_FAILED = 3


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(tmp_path_factory.mktemp("auditor"))


@pytest.fixture
def copy(export: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(export.directory, tmp_path / "export"))


def test_the_export_as_it_is_verifies_with_the_fingerprints_told_by_telephone(
    export: Exported,
) -> None:
    done = verify(export.directory, told=export.told)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED" in done.stdout


def test_an_export_holds_nobodys_address_name_record_id_or_token(export: Exported) -> None:
    listed = people(1, 71)
    marks = Marks(v for one in listed[::9] for v in (one.email, one.first, one.last))
    assert marks.below(export.directory) == []
    everything = b"".join(p.read_bytes() for p in export.directory.rglob("*") if p.is_file())
    for row in rows_of(export.stage.home):
        assert row.details[:16].hex().encode() not in everything
        assert row.match_salt.hex().encode() not in everything


def _lines(file: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def act(directory: Path) -> None:
        path = directory / file
        before = path.read_bytes().splitlines()
        after = change(list(before))
        assert after != before
        path.write_bytes(b"".join(line + b"\n" for line in after))

    return act


def _swapped(lines: list[bytes], one: int, other: int) -> list[bytes]:
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _edited(old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: b"\n".join(lines).replace(old, new, 1).split(b"\n")


def _batch(directory: Path) -> str:
    """The leaves of the plan."""
    return min((p.name for p in (directory / "leaves").iterdir()), key=lambda n: int(n[:-6]))


def _leaf(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return lambda directory: _lines(f"leaves/{_batch(directory)}", change)(directory)


def _newest(directory: Path) -> Path:
    return max((directory / "checkpoints").iterdir(), key=lambda path: int(path.stem))


def _oldest(directory: Path) -> Path:
    return min((directory / "checkpoints").iterdir(), key=lambda path: int(path.stem))


def _document(directory: Path, ending: str = "toml") -> Path:
    return min((directory / "documents").glob(f"*.{ending}"))


def _add(name: str, data: bytes) -> Callable[[Path], None]:
    def act(directory: Path) -> None:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(data)

    return act


def _change(pick: Callable[[Path], Path], old: bytes, new: bytes) -> Callable[[Path], None]:
    def act(directory: Path) -> None:
        path = pick(directory)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new, 1))

    return act


def _foreign_key(directory: Path) -> None:
    """The newest checkpoint, signed by a key of the forger's own under the ledger's name."""
    path = _newest(directory)
    text = path.read_text().partition("\n\n")[0] + "\n"
    origin = text.splitlines()[0]
    path.write_text(note.sign(text, [note.Signer.from_secret(origin, bytes(range(32)))]))


def _cut(directory: Path) -> None:
    path = directory / "entries.jsonl"
    path.write_bytes(path.read_bytes()[:-1])


def _another_root(directory: Path) -> None:
    path = _newest(directory)
    path.write_text(re.sub(r"(?m)^[A-Za-z0-9+/]{43}=$", "A" * 43 + "=", path.read_text()))


def _led_elsewhere(directory: Path) -> None:
    path = (directory / "keys.txt").rename(directory.parent / "keys.txt")
    (directory / "keys.txt").symlink_to(path)


def _second_spelling(line: bytes) -> bytes:
    return json.dumps(json.loads(line), separators=(", ", ": ")).encode()


def _turned(line: bytes) -> bytes:
    value = json.loads(line)
    return json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()


FORGERIES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a count edited": (
        "checkpoints/",
        _lines("entries.jsonl", _edited(b'"rows":"1-49"', b'"rows":"50-99"')),
    ),
    "a name edited": (
        "",
        _lines("entries.jsonl", _edited(b'"partner":"teachers"', b'"partner":"preachers"')),
    ),
    "the last entry deleted": ("checkpoints/", _lines("entries.jsonl", lambda x: x[:-1])),
    "a middle entry deleted": ("", _lines("entries.jsonl", lambda x: x[:5] + x[6:])),
    "the first entry deleted": ("line 1", _lines("entries.jsonl", lambda x: x[1:])),
    "two entries exchanged": ("", _lines("entries.jsonl", lambda x: _swapped(x, 3, 4))),
    "an entry inserted": ("", _lines("entries.jsonl", lambda x: [*x[:5], x[4], *x[5:]])),
    "an entry appended": ("", _lines("entries.jsonl", lambda x: [*x, x[-1]])),
    "an entry in another spelling": (
        "line 3",
        _lines("entries.jsonl", lambda x: [*x[:2], _second_spelling(x[2]), *x[3:]]),
    ),
    "an entry's fields turned round": (
        "line 3",
        _lines("entries.jsonl", lambda x: [*x[:2], _turned(x[2]), *x[3:]]),
    ),
    "an unknown kind": (
        "entries.jsonl",
        _lines("entries.jsonl", _edited(b'"kind":"merge_run"', b'"kind":"merge_fun"')),
    ),
    "a field more": (
        "entries.jsonl",
        _lines("entries.jsonl", _edited(b'"kind":"merge_run"', b'"extra":1,"kind":"merge_run"')),
    ),
    "a cut last line": ("entries.jsonl", _cut),
    "a leaf edited": ("leaves/", _leaf(_edited(b'"number":7', b'"number":8'))),
    "a leaf deleted": ("leaves/", _leaf(lambda x: x[:3] + x[4:])),
    "two leaves exchanged": ("leaves/", _leaf(lambda x: _swapped(x, 1, 2))),
    "a leaf inserted": ("leaves/", _leaf(lambda x: [x[0], *x])),
    "all leaves of a batch gone": ("leaves/", lambda d: (d / "leaves" / _batch(d)).unlink()),
    "leaves of an entry that has none": ("leaves/0.jsonl", _add("leaves/0.jsonl", b"{}\n")),
    "the newest checkpoint gone": ("checkpoints", lambda d: _newest(d).unlink()),
    "a checkpoint of another root": ("checkpoints/", _another_root),
    "a checkpoint of another size": (
        "checkpoints/",
        lambda d: _newest(d).rename(_newest(d).with_stem("7")),
    ),
    "a checkpoint signed by a stranger": ("checkpoints/", _foreign_key),
    "a checkpoint unsigned": (
        "checkpoints/",
        lambda d: _oldest(d).write_text(_oldest(d).read_text().partition("—")[0]),
    ),
    "a document edited": ("documents/", _change(_document, b"gotv", b"vgot")),
    "a document by nobody": ("documents/", _add(f"documents/{'0' * 64}.toml", b"policy = 1\n")),
    "an answer edited": (
        "documents/",
        _change(lambda d: _document(d, "note"), b'"ceiling":50', b'"ceiling":90'),
    ),
    "a key exchanged": ("keys.txt", _lines("keys.txt", lambda x: _swapped(x, 2, 3))),
    "a key left out": ("keys.txt", _lines("keys.txt", lambda x: x[:-1])),
    "a proof of something else": (
        "proofs/",
        _change(lambda d: min((d / "proofs").glob("*.tlog-proof")), b"index ", b"index 1"),
    ),
    "a file that does not belong": ("notes.txt", _add("notes.txt", b"trust me\n")),
    "a file that leads elsewhere": ("keys.txt", _led_elsewhere),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_changed_export_does_not_verify_and_the_message_says_where(copy: Path, what: str) -> None:
    where, act = FORGERIES[what]
    act(copy)
    done = verify(copy)
    assert done.returncode == EVIDENCE_FAILED, done.stdout + done.stderr
    said = done.stdout + done.stderr
    place = re.search(r"FAILED  ([a-z]+[^ :]*)", said)
    assert place is not None, said
    assert where in place[0] or where in said.partition(":")[0], said
    assert "Traceback" not in said
    assert "VERIFIED" not in done.stdout


def test_wrong_missing_and_surplus_fingerprints_are_found(export: Exported) -> None:
    wrong = {**export.told, "nurses": export.told["teachers"]}
    surplus = {**export.told, "tenants": export.told["nurses"]}
    missing = {name: words for name, words in export.told.items() if name != "teachers"}
    for told in (wrong, surplus, missing):
        done = verify(export.directory, told=told)
        assert done.returncode == EVIDENCE_FAILED, done.stdout
        assert "VERIFIED" not in done.stdout


def test_every_fact_of_one_message_is_proved_by_the_exports_proofs(export: Exported) -> None:
    proofs = sorted((export.directory / "proofs").iterdir())
    assert {path.suffix for path in proofs} == {".tlog-proof", ".leaf-proof"}
    assert "proofs" in verify(export.directory).stdout


def test_a_kept_checkpoint_is_one_of_this_history(export: Exported) -> None:
    """What a partner checks against: it needs the entries and its own copy, nothing else."""
    text, size = export.kept
    kept = (export.directory / f"checkpoints/{size}.txt").read_text()
    assert kept == text
    verifier = note.Verifier(export.stage.host.card.origin, export.stage.host.card.ledger_key)
    state = checkpoints.open(text, origin=export.stage.host.card.origin, verifiers=[verifier])
    assert state.root == merkle.root(map(merkle.leaf_hash, entries_of(export.directory)[:size]))


# --- what is not found -------------------------------------------------------------------------


def test_a_document_left_out_is_not_found_but_the_entry_that_names_it_says_so(copy: Path) -> None:
    """A partner's decline, and a text that was replaced, are rightly not there."""
    left_out = _document(copy)
    left_out.unlink()
    assert verify(copy).returncode == 0
    named = [json.loads(e)["digest"] for e in entries_of(copy) if b'"digest"' in e]
    assert left_out.stem in named


def test_whether_a_decision_was_right_is_not_checked_by_this_version(export: Exported) -> None:
    """The record says who decided what and why; replaying it from rows and policies is to come."""
    plan = next(i for i, e in enumerate(entries_of(export.directory)) if b"campaign_planned" in e)
    [first, *_] = leaves_of(export.directory, plan)
    assert set(json.loads(first)) >= {"answer", "owner", "basis", "rule", "reason", "policy"}


def test_an_export_tells_exactly_how_many_people_each_list_was_given(export: Exported) -> None:
    """Entries have bands; who counts leaves has the number. Nobody's name, but every total."""
    plan = next(i for i, e in enumerate(entries_of(export.directory)) if b"campaign_planned" in e)
    decisions = [json.loads(leaf) for leaf in leaves_of(export.directory, plan)]
    given = Counter(d["owner"] for d in decisions if d["answer"] == "assigned")
    report = export.stage.host.reports.campaign("drop-box")
    assert given == {line.owner: line.planned for line in report.owners}
    assert given.total() == 70
