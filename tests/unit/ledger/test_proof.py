from __future__ import annotations

from dataclasses import replace

import pytest

from consortium.errors import EvidenceError
from consortium.ledger import canonical, note
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.testing.sample_ledger import ORIGIN, SampleLedger, sample_ledger


@pytest.fixture(scope="module")
def ledger() -> SampleLedger:
    return sample_ledger()


def _holds(ledger: SampleLedger, text: str, index: int) -> bool:
    try:
        EntryProof.decode(text).verify(
            ledger.entries[index], origin=ORIGIN, verifiers=[ledger.signer.verifier]
        )
    except EvidenceError:
        return False
    return True


def _leaf_holds(ledger: SampleLedger, text: str) -> bool:
    try:
        LeafProof.decode(text).verify(origin=ORIGIN, verifiers=[ledger.signer.verifier])
    except EvidenceError:
        return False
    return True


def test_every_entry_is_proved_and_its_text_reads_back(ledger: SampleLedger) -> None:
    for index in range(len(ledger.entries)):
        proof = ledger.prove(index)
        assert EntryProof.decode(proof.encode()) == proof
        assert _holds(ledger, proof.encode(), index)
        assert not _holds(ledger, proof.encode(), (index + 1) % len(ledger.entries))


def test_every_leaf_is_proved_and_its_text_reads_back(ledger: SampleLedger) -> None:
    for index, data in ledger.leaves.items():
        for position, leaf in enumerate(data):
            proof = ledger.prove_leaf(index, position)
            assert LeafProof.decode(proof.encode()) == proof
            found, entry, head = proof.verify(origin=ORIGIN, verifiers=[ledger.signer.verifier])
            assert canonical.encode(dict(found)) == leaf
            assert entry["leaves"] == len(data)
            assert head.size == len(ledger.entries)


def test_an_entry_proof_looks_as_the_specification_says(ledger: SampleLedger) -> None:
    lines = ledger.prove(5).encode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "index 5"
    blank = lines.index("")
    assert all(len(line) == 44 for line in lines[2:blank])
    assert "\n".join(lines[blank + 1 :]) == ledger.checkpoints[len(ledger.entries)]


def _edits(text: str) -> list[str]:
    return [
        edited
        for at in range(len(text))
        for edited in (
            text[:at] + text[at + 1 :],
            text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :],
            text[:at] + "A" + text[at:],
            text[:at] + "\n" + text[at:],
            text[:at] + " " + text[at:],
        )
        if edited != text
    ]


def test_every_changed_inserted_or_removed_character_of_an_entry_proof_fails(
    ledger: SampleLedger,
) -> None:
    text = ledger.prove(3).encode()
    assert not [edited for edited in _edits(text) if _holds(ledger, edited, 3)]


def test_every_changed_inserted_or_removed_character_of_a_leaf_proof_fails(
    ledger: SampleLedger,
) -> None:
    index = min(ledger.leaves)
    text = ledger.prove_leaf(index, 2).encode()
    assert not [edited for edited in _edits(text) if _leaf_holds(ledger, edited)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 3", "index 03"),
        ("index 3", "extra QUJD\nindex 3"),
        ("index 3", "Index 3"),
        ("index 3", "index  3"),
        ("\n", "\r\n"),
        ("=\n", "\n"),
    ],
)
def test_a_second_spelling_of_a_proof_is_refused(ledger: SampleLedger, old: str, new: str) -> None:
    text = ledger.prove(3).encode()
    assert _holds(ledger, text, 3)
    assert not _holds(ledger, text.replace(old, new), 3)


def test_a_proof_is_worth_what_its_signer_is_worth(ledger: SampleLedger) -> None:
    stranger = note.Signer.from_secret(ORIGIN, b"\x33" * 32)
    with pytest.raises(EvidenceError):
        ledger.prove(3).verify(ledger.entries[3], origin=ORIGIN, verifiers=[stranger.verifier])
    with pytest.raises(EvidenceError):
        ledger.prove(3).verify(
            ledger.entries[3], origin="example.org/other", verifiers=[ledger.signer.verifier]
        )


def test_a_leaf_moved_to_another_place_or_batch_fails(ledger: SampleLedger) -> None:
    first, second = sorted(index for index, data in ledger.leaves.items() if data)[:2]
    proof = ledger.prove_leaf(first, 0)
    for moved in (
        replace(proof, position=1),
        replace(proof, leaf=ledger.leaves[first][1]),
        replace(proof, leaf=ledger.leaves[second][0]),
        replace(proof, entry=ledger.entries[second]),
        replace(proof, entry=ledger.entries[second], proof=ledger.prove(second)),
        replace(proof, entry=ledger.entries[1], proof=ledger.prove(1)),
        replace(proof, position=6),
    ):
        assert not _leaf_holds(ledger, moved.encode())


def test_a_path_longer_than_any_tree_is_refused() -> None:
    with pytest.raises(EvidenceError, match="too long"):
        EntryProof.decode(EntryProof(0, tuple([b"\x00" * 32] * 64), "x\n").encode())
