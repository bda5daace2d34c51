"""Hash trees: how a short root stands for every entry, and short paths prove it (RFC 6962).

The tree of n leaves splits at the largest power of two below n; a leaf is hashed behind a zero
byte, a node behind a one byte, so that neither can pass for the other. Hashes of complete subtrees
never change and are all that is kept: subtree (level, position) covers the 2^level leaves from
position · 2^level. `inclusion_path` and `consistency_path` ask for those through a callback;
which ones they ask for depends on the numbers alone, never on the hashes.

The verifiers follow RFC 9162, 2.1.3.2 and 2.1.4.2, and raise: a forgotten result cannot pass for a
proof. Old size 0 is consistent with every tree by an empty proof (C2SP tlog-witness); nothing is
included in a tree of size 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from consortium.errors import EvidenceError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "CompactRange",
    "consistency_path",
    "fold",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "node_source",
    "peaks",
    "root",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""(level, position) → hash of that complete subtree."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> list[tuple[int, int]]:
    """The complete subtrees that make up a tree of `size`, widest first, as (level, position)."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root above the hashes of `peaks`, in their order; `EMPTY_ROOT` for none."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


class CompactRange:
    """A tree that only grows, remembered by its peaks: at most 64 hashes.

    Args:
        size: How many leaves it has.
        hashes: The hashes of `peaks(size)`, in their order.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise EvidenceError("a tree of that size has another number of peaks")

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf's hash; returns the subtrees completed by it as (level, position, hash)."""
        level, position, value = 0, self.size, leaf
        made = [(0, position, leaf)]
        while position & 1:
            value = node_hash(self._hashes.pop(), value)
            level, position = level + 1, position >> 1
            made.append((level, position, value))
        self._hashes.append(value)
        self.size += 1
        return made

    def root(self) -> bytes:
        """The root of the tree as it is."""
        return fold(self._hashes)


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over hashes of leaves, in their order."""
    tree = CompactRange()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()


def node_source(leaf_hashes: Sequence[bytes]) -> Node:
    """A callback for the paths, for a tree whose leaves are all in memory."""
    nodes: dict[tuple[int, int], bytes] = {}
    tree = CompactRange()
    for leaf in leaf_hashes:
        for level, position, value in tree.append(leaf):
            nodes[level, position] = value
    return lambda level, position: nodes[level, position]


def _subtree(start: int, stop: int, node: Node) -> bytes:
    """The hash over leaves start..stop, where start is a multiple of the tree's width."""
    return fold([node(level, (start >> level) + at) for level, at in peaks(stop - start)])


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of a tree of `size`, sibling first.

    Raises:
        EvidenceError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise EvidenceError(f"a ledger of {size} entries has no entry {index}")
    path, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_subtree(middle, stop, node))
            stop = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, node: Node) -> list[bytes]:
    """The hashes that show a tree of `old` leaves to be the beginning of one of `new`.

    Raises:
        EvidenceError: The old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise EvidenceError(f"a ledger of {new} entries does not begin with one of {old}")
    if old in (0, new):
        return []
    path, start, stop, whole = [], 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_subtree(middle, stop, node))
            stop = middle
        else:
            path.append(_subtree(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, stop, node))
    return path[::-1]


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise EvidenceError("a proof holds a hash that is not 32 bytes")


def _sides(node: int, last: int, *, steps: int) -> list[bool]:
    """For each step from `node` to the root, whether the sibling lies on the left.

    `last` is the rightmost node of the same level. Raises when a proof of `steps` does not fit.
    """
    sides = []
    while last:
        left = bool(node & 1) or node == last
        sides.append(left)
        if left:
            while node and not node & 1:  # no sibling here: the hash rises as it is
                node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if len(sides) != steps:
        raise EvidenceError(f"a proof has {steps} hashes where {len(sides)} are needed")
    return sides


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is where it is said to be.

    Args:
        leaf: The leaf's hash.
        index, size: Where it is, in a tree of how many leaves.
        path: From `inclusion_path`.
        root: The tree's root, known from elsewhere (a checkpoint).

    Raises:
        EvidenceError: It is not.
    """
    _check_hashes([leaf, root, *path])
    if not 0 <= index < size:
        raise EvidenceError(f"a ledger of {size} entries has no entry {index}")
    result = leaf
    for sibling, left in zip(path, _sides(index, size - 1, steps=len(path)), strict=True):
        result = node_hash(sibling, result) if left else node_hash(result, sibling)
    if result != root:
        raise EvidenceError("the proof of inclusion leads to another root")


def verify_consistency(
    *, old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that a tree is the beginning of a later one: nothing changed, nothing removed.

    Args:
        old, new: The sizes, `old <= new`.
        path: From `consistency_path`.
        old_root, new_root: The roots, known from elsewhere (checkpoints).

    Raises:
        EvidenceError: It is not.
    """
    _check_hashes([old_root, new_root, *path])
    if not 0 <= old <= new:
        raise EvidenceError(f"a ledger of {new} entries does not begin with one of {old}")
    if old in (0, new):
        roots = (EMPTY_ROOT if old == 0 else new_root, EMPTY_ROOT if new == 0 else new_root)
        if path or (old_root, new_root) != roots:
            raise EvidenceError("the proof of consistency leads to another root")
        return
    node, last = old - 1, new - 1
    while node & 1:  # the widest subtree that both trees have whole, at the old tree's end
        node, last = node >> 1, last >> 1
    hashes = list(path) if node else [old_root, *path]
    if not hashes:
        raise EvidenceError("a proof has 0 hashes where more are needed")
    first = second = hashes[0]
    for value, left in zip(hashes[1:], _sides(node, last, steps=len(hashes) - 1), strict=True):
        if left:
            first, second = node_hash(value, first), node_hash(value, second)
        else:
            second = node_hash(second, value)
    if (first, second) != (old_root, new_root):
        raise EvidenceError("the proof of consistency leads to another root")
