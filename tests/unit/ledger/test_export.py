"""An export verifies by itself, and no change to it goes unnoticed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from consortium.errors import BadFile, EvidenceError, StateConflict
from consortium.ledger import canonical, export, note, verify_export
from consortium.testing.sample_ledger import ORIGIN, SampleLedger, sample_ledger

LEDGER = sample_ledger()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "ledger"
    LEDGER.export(path)
    return path


@pytest.fixture
def exported(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "ledger"))


def _script(
    directory: Path, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the export's own script, isolated from this library and every other package."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(directory / "verify.py"), *arguments],
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": os.environ["PATH"] if path is None else path},
    )


def test_an_export_verifies_with_python_and_openssl_alone(exported: Path) -> None:
    done = _script(exported)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in done.stdout
    assert f"entries     {len(LEDGER.entries)}\n" in done.stdout
    assert "leaves      14\n" in done.stdout
    assert "documents   4\n" in done.stdout
    assert "NOT CHECKED: whether these are the right keys" in done.stdout


def test_an_export_verifies_with_the_library(exported: Path) -> None:
    found = export.verify(exported)
    assert found.origin == ORIGIN
    assert (found.entries, found.batches, found.leaves) == (len(LEDGER.entries), 5, 14)
    assert (found.checkpoints, found.proofs, found.documents) == (3, 2, 4)
    assert sorted(found.fingerprints) == [ORIGIN, "nurses", "teachers"]


def test_the_fingerprints_are_those_of_the_cards(exported: Path) -> None:
    from consortium.testing.sample_ledger import _NURSES, _partner  # noqa: PLC0415 - its own card

    assert export.verify(exported).fingerprints["nurses"] == _partner(_NURSES).fingerprint


def _told(exported: Path) -> str:
    found = export.verify(exported).fingerprints
    return "# told by telephone\n\n" + "".join(f"{n}  {f}\n" for n, f in found.items())


def test_fingerprints_from_outside_are_compared(exported: Path, tmp_path: Path) -> None:
    told = _told(exported)
    file = tmp_path / "told.txt"
    first = told.index("nurses  ") + 8
    other = "0" if told[first] != "0" else "1"
    cases = {
        told: (0, "as in your file"),
        told.upper()
        .replace(ORIGIN.upper(), ORIGIN)
        .replace("NURSES", "nurses")
        .replace("TEACHERS", "teachers"): (0, "as in your file"),
        told[:first] + other + told[first + 1 :]: (3, "nurses has other keys"),
        told.replace("nurses", "doctors"): (3, "doctors of your file has no part"),
        re.sub("teachers.*\n", "", told): (3, "your file has none for teachers"),
        told + told[-60:]: (1, "cannot check"),
        "nurses 1a2b\n": (1, "line 1"),
    }
    for text, (code, words) in cases.items():
        file.write_text(text, encoding="utf-8")
        done = _script(exported, "--fingerprints", str(file))
        assert done.returncode == code, (text, done.stdout)
        assert words in done.stdout


def test_the_library_compares_fingerprints_too(exported: Path) -> None:
    told = {name: str(value) for name, value in export.verify(exported).fingerprints.items()}
    export.verify(exported, fingerprints=told)
    with pytest.raises(EvidenceError, match="nurses has other keys"):
        export.verify(exported, fingerprints={**told, "nurses": "0000 " * 7 + "0000"})


def test_both_ways_to_check_a_signature_agree() -> None:
    public = LEDGER.signer.verifier.public
    text = b"text\n"
    signature = LEDGER.signer.private.sign(text)
    for check in (verify_export.openssl, export._signature_holds):
        assert check(public, text, signature)
        assert not check(public, b"tex\n", signature)
        assert not check(public, text, signature[:-1] + bytes([signature[-1] ^ 1]))
        assert not check(public, text, signature[:-1])
        assert not check(public, text, b"")
        assert not check(bytes(32), text, signature)


def test_without_openssl_nothing_is_said_to_be_verified(exported: Path) -> None:
    done = _script(exported, path="/nonexistent")
    assert done.returncode == 1
    assert "VERIFIED" not in done.stdout
    assert "cannot check" in done.stdout


_CHECKED = [
    "keys.txt",
    "entries.jsonl",
    "leaves/*.jsonl",
    "checkpoints/*.txt",
    "proofs/*",
    "documents/*",
]


def _fails(exported: Path) -> str:
    try:
        verify_export.verify(exported, check=export._signature_holds)
    except verify_export.Failure as failure:
        return str(failure)
    return ""


@pytest.mark.parametrize("pattern", _CHECKED)
def test_a_changed_inserted_or_removed_byte_of_any_file_is_noticed(
    exported: Path, pattern: str
) -> None:
    for path in sorted(exported.glob(pattern)):
        data = path.read_bytes()
        places = range(0, len(data), max(1, len(data) // 25))  # every byte: test_proof, test_note
        for at in places:
            for edited in (
                data[:at] + data[at + 1 :],
                data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :],
                data[:at] + b"\n" + data[at:],
                data[:at] + b" " + data[at:],
            ):
                if edited == data:
                    continue
                path.write_bytes(edited)
                assert _fails(exported), (path.name, at)
        path.write_bytes(data)
        assert not _fails(exported)


@pytest.mark.parametrize("pattern", _CHECKED)
def test_a_file_removed_is_noticed_unless_it_was_optional(exported: Path, pattern: str) -> None:
    for path in sorted(exported.glob(pattern)):
        if path.parent.name in {"proofs", "documents"}:
            continue
        if path.parent.name == "checkpoints" and int(path.stem) < len(LEDGER.entries):
            continue  # an older checkpoint may be kept back; whoever has it can still compare
        data = path.read_bytes()
        path.unlink()
        assert _fails(exported), path.name
        path.write_bytes(data)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "leaves/0.jsonl",
        "leaves/012.jsonl",
        "leaves/x.jsonl",
        "checkpoints/07.txt",
        "proofs/../x",
        "documents/x.toml",
        "documents/" + "0" * 64 + ".toml",
        "documents/" + hashlib.sha256(b"").hexdigest() + ".toml",
        ".hidden",
        "more/x",
        "checkpoints/5.txt",
    ],
)
def test_a_file_that_does_not_belong_is_noticed(exported: Path, name: str) -> None:
    path = exported / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    assert _fails(exported)


def test_a_link_in_place_of_a_file_is_noticed(exported: Path, tmp_path: Path) -> None:
    shutil.move(exported / "entries.jsonl", tmp_path / "elsewhere")
    (exported / "entries.jsonl").symlink_to(tmp_path / "elsewhere")
    assert _fails(exported)


def _rewrite(ledger: SampleLedger, directory: Path) -> str:
    ledger.checkpoints.clear()
    ledger.sign()
    ledger.export(directory)
    return _fails(directory)


def test_a_rewritten_history_passes_only_with_the_right_signature(tmp_path: Path) -> None:
    """An operator can sign another history: only kept checkpoints show it, and we say so."""
    ledger = sample_ledger()
    kept = ledger.checkpoints[min(ledger.checkpoints)]
    dropped = ledger.entries.pop(5)
    ledger.leaves = {index - 1: data for index, data in ledger.leaves.items()}
    ledger.documents = []
    assert canonical.decode(dropped)["kind"] == "upload_added"
    assert "about no earlier word" in _rewrite(ledger, tmp_path / "careless")
    for index, entry in enumerate(map(canonical.decode, ledger.entries)):
        if entry["kind"] == "never_merge_taken_back":
            ledger.entries[index] = canonical.encode({**entry, "entry": entry["entry"] - 1})
    assert not _rewrite(ledger, tmp_path / "rewritten")
    text, _ = note.open(kept, [ledger.signer.verifier])
    size = int(text.split("\n")[1])
    (tmp_path / f"rewritten/checkpoints/{size}.txt").write_bytes(kept.encode())
    assert f"not what the first {size} entries hash to" in _fails(tmp_path / "rewritten")


def test_a_leaf_changed_together_with_its_file_is_noticed(exported: Path) -> None:
    index = min(LEDGER.leaves)
    path = exported / f"leaves/{index}.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[0], lines[1] = lines[1], lines[0]
    path.write_bytes(b"\n".join(lines))
    assert f"not the leaves that entry {index} was made from" in _fails(exported)


def test_a_document_of_another_author_is_noticed(tmp_path: Path) -> None:
    ledger = sample_ledger()
    forged = b'policy = 1\npartner = "nurses"\n# anything goes\n'
    entry = canonical.decode(ledger.entries[2])
    assert entry["kind"] == "policy_set"
    ledger.entries[2] = canonical.encode({**entry, "digest": hashlib.sha256(forged).hexdigest()})
    ledger.documents = [forged]
    assert "not signed by nurses as the entry says" in _rewrite(ledger, tmp_path / "forged")


def test_an_answer_signed_for_another_consortium_is_noticed(tmp_path: Path) -> None:
    ledger = sample_ledger()
    at, entry = next(
        (n, e)
        for n, e in enumerate(map(canonical.decode, ledger.entries))
        if e["kind"] == "campaign_answered"
    )
    signer = note.Signer.from_secret("nurses", hashlib.sha256(b"sample nurses sign").digest())
    foreign = note.sign(
        '# consortium answer v1 for example.org/utah\n{"answer":"approved"}\n', [signer]
    )
    ledger.entries[at] = canonical.encode(
        {
            **entry,
            "digest": hashlib.sha256(foreign.encode()).hexdigest(),
            "signature": note.signature_of(foreign, signer.verifier).hex(),
        }
    )
    ledger.documents = [foreign.encode()]
    assert "not a signed answer for this consortium" in _rewrite(ledger, tmp_path / "foreign")


def test_a_document_that_no_entry_names_is_left_out(tmp_path: Path) -> None:
    ledger = sample_ledger()
    ledger.documents.append(b"anything\n")
    ledger.export(tmp_path / "ledger")
    assert export.verify(tmp_path / "ledger").documents == 4


@pytest.mark.parametrize("old", [b'{"at":', b'"kind":"partner_admitted"'])
def test_a_second_spelling_is_refused_even_when_all_hashes_and_signatures_fit(
    exported: Path, old: bytes
) -> None:
    lines = (exported / "entries.jsonl").read_bytes().split(b"\n")[:-1]
    lines[1] = lines[1].replace(old, old.replace(b":", b": "))
    (exported / "entries.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    ledger = SampleLedger(entries=lines)
    for path in [*exported.glob("checkpoints/*"), *exported.glob("proofs/*")]:
        path.unlink()
    (exported / f"checkpoints/{len(lines)}.txt").write_bytes(ledger.sign().encode())
    assert "entries.jsonl, line 2: JSON, but not in the canonical spelling" in _fails(exported)


def test_a_proof_from_another_history_of_the_same_signer_is_noticed(exported: Path) -> None:
    other = SampleLedger(entries=[*LEDGER.entries[:5], *LEDGER.entries[6:]])
    other.sign()
    proof = other.prove(1)  # entry 1 is the same in both
    name = "proofs/other.tlog-proof"
    (exported / name).write_bytes(proof.encode().encode())
    assert "under a checkpoint that is not among those exported" in _fails(exported)


def test_a_ledger_that_begins_twice_or_admits_a_partner_twice_is_noticed(tmp_path: Path) -> None:
    for again in (0, 1):
        ledger = sample_ledger()
        ledger.entries.append(ledger.entries[again])
        assert _rewrite(ledger, tmp_path / f"again-{again}")


def test_entries_after_the_last_checkpoint_are_not_taken_for_signed(tmp_path: Path) -> None:
    ledger = sample_ledger()
    ledger.entries.append(ledger.entries[-1])
    ledger.export(tmp_path / "unsigned")
    assert "none covers all entries" in _fails(tmp_path / "unsigned")


def test_nothing_is_overwritten_and_nothing_half_done_is_left(tmp_path: Path) -> None:
    (tmp_path / "ledger.part").mkdir()  # somebody's own
    LEDGER.export(tmp_path / "ledger")
    (tmp_path / "ledger.part").rmdir()
    with pytest.raises(StateConflict):
        LEDGER.export(tmp_path / "ledger")
    broken = sample_ledger()
    broken.entries[3] = b'{"kind":"rumour"}'
    with pytest.raises(EvidenceError):
        broken.export(tmp_path / "broken")
    with pytest.raises(BadFile):
        LEDGER.export(tmp_path / "missing" / "ledger")
    with pytest.raises(EvidenceError):
        export.write(tmp_path / "empty", export.Contents((), lambda _: (), {}))
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]


def test_a_folder_that_is_no_export_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadFile, match="not an exported ledger"):
            export.verify(path)


def test_the_readme_names_the_ledger(exported: Path) -> None:
    text = (exported / "README.txt").read_text(encoding="utf-8")
    assert text.startswith(f"The ledger of {ORIGIN}: {len(LEDGER.entries)} entries.\n")
    assert max(map(len, text.split("\n"))) <= 80
