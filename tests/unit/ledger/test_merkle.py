"""Hash trees against the reference roots of RFC 6962 logs, exhaustively when small."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from consortium.errors import EvidenceError
from consortium.ledger import merkle

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/rfc6962_roots.json").read_text(encoding="utf-8")
)
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
LIMIT = 40


def _hashes(size: int) -> list[bytes]:
    return [merkle.leaf_hash(bytes([n])) for n in range(size)]


def _plain_root(hashes: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = _plain_root(hashes[:split]), _plain_root(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_reference_roots_of_certificate_transparency(size: int) -> None:
    found = merkle.root(merkle.leaf_hash(leaf) for leaf in LEAVES[:size])
    assert found.hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("size", range(LIMIT + 1))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert merkle.root(_hashes(size)) == _plain_root(_hashes(size))


@pytest.mark.parametrize("size", range(1, LIMIT + 1))
def test_every_leaf_is_proved_included_and_nowhere_else(size: int) -> None:
    hashes = _hashes(size)
    node, root = merkle.node_source(hashes), merkle.root(hashes)
    for index in range(size):
        path = merkle.inclusion_path(index, size, node)
        merkle.verify_inclusion(hashes[index], index=index, size=size, path=path, root=root)
        for wrong in {(index + 1) % size, (index + size // 2) % size} - {index}:
            with pytest.raises(EvidenceError):
                merkle.verify_inclusion(hashes[index], index=wrong, size=size, path=path, root=root)
            with pytest.raises(EvidenceError):
                merkle.verify_inclusion(hashes[wrong], index=index, size=size, path=path, root=root)


@pytest.mark.parametrize("new", range(LIMIT + 1))
def test_every_beginning_is_proved_consistent(new: int) -> None:
    hashes = _hashes(new)
    node, new_root = merkle.node_source(hashes), merkle.root(hashes)
    for old in range(new + 1):
        path = merkle.consistency_path(old, new, node)
        old_root = merkle.root(hashes[:old])
        merkle.verify_consistency(old=old, new=new, path=path, old_root=old_root, new_root=new_root)
        forged = merkle.root([merkle.leaf_hash(b"x"), *hashes[1:old]])
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(
                old=old, new=new, path=path, old_root=forged, new_root=new_root
            )
        if old:  # the empty ledger begins every ledger, so nothing is said about the new one
            with pytest.raises(EvidenceError):
                merkle.verify_consistency(
                    old=old, new=new, path=path, old_root=old_root, new_root=forged
                )


def _holds(verify: Callable[..., None], *args: object, **kwargs: object) -> bool:
    try:
        verify(*args, **kwargs)
    except EvidenceError:
        return False
    return True


def _damages(path: list[bytes]) -> dict[str, list[bytes]]:
    other = merkle.leaf_hash(b"other")
    damaged = {
        "a hash too many at the end": [*path, other],
        "a hash too many at the beginning": [other, *path],
        "a hash of 31 bytes": [*path[:-1], other[:31]],
        "a hash of 33 bytes": [*path[:-1], other + b"\x00"],
    }
    if path:
        damaged["the first hash missing"] = path[1:]
        damaged["the last hash missing"] = path[:-1]
        damaged["all hashes missing"] = []
        damaged["the first hash twice"] = [path[0], *path]
    for at, value in enumerate(path):
        for bit in (0, 255):
            flipped = bytearray(value)
            flipped[bit // 8] ^= 1 << bit % 8
            damaged[f"bit {bit} of hash {at} flipped"] = [
                *path[:at],
                bytes(flipped),
                *path[at + 1 :],
            ]
    if len(path) > 1:
        damaged["the hashes in another order"] = path[::-1]
    return damaged


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 13, 16, 33])
def test_a_damaged_proof_of_inclusion_fails(size: int) -> None:
    hashes = _hashes(size)
    node, root = merkle.node_source(hashes), merkle.root(hashes)
    for index in range(size):
        path = merkle.inclusion_path(index, size, node)
        for damage, damaged in _damages(path).items():
            assert not _holds(
                merkle.verify_inclusion,
                hashes[index],
                index=index,
                size=size,
                path=damaged,
                root=root,
            ), damage


@pytest.mark.parametrize("new", [1, 2, 3, 4, 7, 8, 13, 16, 33])
def test_a_damaged_proof_of_consistency_fails(new: int) -> None:
    hashes = _hashes(new)
    node, new_root = merkle.node_source(hashes), merkle.root(hashes)
    for old in range(new + 1):
        path = merkle.consistency_path(old, new, node)
        for damage, damaged in _damages(path).items():
            assert not _holds(
                merkle.verify_consistency,
                old=old,
                new=new,
                path=damaged,
                old_root=merkle.root(hashes[:old]),
                new_root=new_root,
            ), damage


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (6, 5), (-1, 5), (0, -1)])
def test_nothing_is_included_outside_the_tree(index: int, size: int) -> None:
    hashes = _hashes(5)
    node = merkle.node_source(hashes)
    with pytest.raises(EvidenceError, match="has no entry"):
        merkle.inclusion_path(index, size, node)
    for path in ([], merkle.inclusion_path(4, 5, node)):
        with pytest.raises(EvidenceError, match="has no entry"):
            merkle.verify_inclusion(
                hashes[4], index=index, size=size, path=path, root=merkle.root(hashes)
            )


def test_the_empty_tree_includes_nothing_but_begins_every_tree() -> None:
    hashes = _hashes(3)
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(merkle.EMPTY_ROOT, index=0, size=0, path=[], root=merkle.EMPTY_ROOT)
    merkle.verify_consistency(
        old=0, new=3, path=[], old_root=merkle.EMPTY_ROOT, new_root=merkle.root(hashes)
    )
    with pytest.raises(EvidenceError):
        merkle.verify_consistency(
            old=0, new=3, path=[], old_root=hashes[0], new_root=merkle.root(hashes)
        )
    with pytest.raises(EvidenceError):
        merkle.verify_consistency(
            old=0, new=0, path=[], old_root=merkle.EMPTY_ROOT, new_root=hashes[0]
        )


def test_a_ledger_that_shrank_is_refused() -> None:
    hashes = _hashes(5)
    with pytest.raises(EvidenceError, match="does not begin"):
        merkle.consistency_path(5, 4, merkle.node_source(hashes))
    with pytest.raises(EvidenceError, match="does not begin"):
        merkle.verify_consistency(
            old=5, new=4, path=[], old_root=merkle.root(hashes), new_root=merkle.root(hashes[:4])
        )


def test_a_leaf_crafted_as_a_node_does_not_pass_for_the_tree() -> None:
    a, b, c, d = _hashes(4)
    root = merkle.root([a, b, c, d])
    left, right = merkle.node_hash(a, b), merkle.node_hash(c, d)
    crafted = left + right  # the root's own preimage, without the byte in front
    assert merkle.root([merkle.leaf_hash(crafted)]) != root
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(merkle.leaf_hash(crafted), index=0, size=1, path=[], root=root)
    for data in (left, b"\x01" + a + b, a + b):
        with pytest.raises(EvidenceError):
            merkle.verify_inclusion(
                merkle.leaf_hash(data), index=0, size=2, path=[right], root=root
            )


def test_an_inner_node_does_not_pass_for_a_leaf_of_the_same_tree() -> None:
    hashes = _hashes(4)
    left, right = merkle.node_hash(*hashes[:2]), merkle.node_hash(*hashes[2:])
    for index in range(4):
        with pytest.raises(EvidenceError, match="where 2 are needed"):
            merkle.verify_inclusion(
                left, index=index, size=4, path=[right], root=merkle.root(hashes)
            )


@pytest.mark.parametrize("size", range(LIMIT + 1))
def test_a_tree_grows_the_same_from_its_peaks_alone(size: int) -> None:
    hashes = _hashes(LIMIT + 1)
    node = merkle.node_source(hashes)
    tree = merkle.CompactRange(size, [node(*peak) for peak in merkle.peaks(size)])
    made: Callable[[bytes], list[tuple[int, int, bytes]]] = tree.append
    for leaf in hashes[size:]:
        for level, position, value in made(leaf):
            assert value == node(level, position)
    assert tree.root() == merkle.root(hashes)


def test_peaks_of_another_size_are_refused() -> None:
    with pytest.raises(EvidenceError):
        merkle.CompactRange(3, [merkle.EMPTY_ROOT])
