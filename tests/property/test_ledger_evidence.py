"""Proofs of any tree verify; any changed, inserted or removed byte of evidence fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consortium.errors import EvidenceError
from consortium.ledger import canonical, checkpoint, entries, merkle
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.testing.sample_ledger import ORIGIN, sample_ledger

SAMPLE = sample_ledger()
KEYS = [SAMPLE.signer.verifier]
BATCH = min(SAMPLE.leaves)


def _as_text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EvidenceError("not UTF-8") from error


def _entry(data: bytes) -> None:
    """An entry is believed when it is canonical, known, and proved to be in the ledger."""
    entries.check(canonical.decode(data))
    SAMPLE.prove(5).verify(data, origin=ORIGIN, verifiers=KEYS)


def _checkpoint(data: bytes) -> None:
    checkpoint.open(_as_text(data), origin=ORIGIN, verifiers=KEYS)


def _entry_proof(data: bytes) -> None:
    EntryProof.decode(_as_text(data)).verify(SAMPLE.entries[5], origin=ORIGIN, verifiers=KEYS)


def _leaf_proof(data: bytes) -> None:
    LeafProof.decode(_as_text(data)).verify(origin=ORIGIN, verifiers=KEYS)


EVIDENCE: dict[str, tuple[bytes, Callable[[bytes], None]]] = {
    "entry": (SAMPLE.entries[5], _entry),
    "checkpoint": (SAMPLE.checkpoints[len(SAMPLE.entries)].encode(), _checkpoint),
    "entry proof": (SAMPLE.prove(5).encode().encode(), _entry_proof),
    "leaf proof": (SAMPLE.prove_leaf(BATCH, 1).encode().encode(), _leaf_proof),
}


@pytest.mark.parametrize("kind", sorted(EVIDENCE))
@given(data=st.data())
def test_any_other_bytes_than_the_evidence_fail(kind: str, data: st.DataObject) -> None:
    good, verify = EVIDENCE[kind]
    verify(good)
    start = data.draw(st.integers(0, len(good)), label="from")
    stop = data.draw(st.integers(start, min(len(good), start + 3)), label="to")
    inserted = data.draw(
        st.binary(max_size=3)
        | st.sampled_from([b"\n", b"\r\n", b" ", b"=", b"0", b"\t", "\u2028".encode(), b"\x00"]),
        label="instead",
    )
    changed = good[:start] + inserted + good[stop:]
    assume(changed != good)
    with pytest.raises(EvidenceError):
        verify(changed)


@given(st.binary(max_size=200))
def test_junk_raises_our_error_and_nothing_else(junk: bytes) -> None:
    for _, verify in EVIDENCE.values():
        with pytest.raises(EvidenceError):
            verify(junk)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=300), st.data())
def test_proofs_of_any_tree_verify_and_any_flipped_bit_fails(
    data: list[bytes], draw: st.DataObject
) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in data]
    node, root, size = merkle.node_source(hashes), merkle.root(hashes), len(data)
    index = draw.draw(st.integers(0, size - 1))
    old = draw.draw(st.integers(1, size))
    path = merkle.inclusion_path(index, size, node)
    chain = merkle.consistency_path(old, size, node)
    old_root = merkle.root(hashes[:old])
    merkle.verify_inclusion(hashes[index], index=index, size=size, path=path, root=root)
    merkle.verify_consistency(old=old, new=size, path=chain, old_root=old_root, new_root=root)
    for hashes_of in (path, chain):
        if not hashes_of:
            continue
        at = draw.draw(st.integers(0, len(hashes_of) - 1))
        bit = draw.draw(st.integers(0, 255))
        flipped = bytearray(hashes_of[at])
        flipped[bit // 8] ^= 1 << bit % 8
        hashes_of[at] = bytes(flipped)
    if path:
        with pytest.raises(EvidenceError):
            merkle.verify_inclusion(hashes[index], index=index, size=size, path=path, root=root)
    if chain:
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(
                old=old, new=size, path=chain, old_root=old_root, new_root=root
            )
