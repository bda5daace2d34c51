"""Long work in short transactions, so that no other writer waits long (DESIGN, D1).

Whoever writes or deletes many rows does it in chunks that take about 30 ms each, and after each
leaves the writer to whoever waits for it (`give_way`). How many rows that is follows from how long
the last chunk took. For invisible rows only: a crash leaves the chunks written so far.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from consortium.store.engine import Database, Tx

__all__ = ["ASK_SECONDS", "ChunkSize", "chunked", "give_way", "in_chunks"]

_T = TypeVar("_T")
ASK_SECONDS: Final = 0.001
"""How often somebody who waits for SQLite's writer asks for it."""
_TARGET_SECONDS = 0.03
_LEAST, _MOST = 50, 20_000
_CHUNKS_IN_LOG = 3  # some 10 MB; whoever writes besides may have to move that much


class ChunkSize:
    """A number of rows that keeps each transaction at about 30 ms; learns from the last one.

    Args:
        rows: What to begin with.
    """

    def __init__(self, rows: int = 500) -> None:
        self.rows = rows
        self._written = 0

    @contextmanager
    def write(self, database: Database) -> Iterator[Tx]:
        """One chunk's transaction, not forced to the disk; afterwards others have their turn.

        What SQLite's log holds is moved into the file between chunks, while nobody waits for it.
        """
        with self.timed(), database.write(durable=False) as tx:
            yield tx
        self._written += 1
        if self._written % _CHUNKS_IN_LOG == 0:
            database.move_log()
        give_way()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Around the transaction; the next size follows from how long it took."""
        began = time.perf_counter()
        yield
        spent = max(time.perf_counter() - began, 1e-4)
        factor = min(2.0, max(0.25, _TARGET_SECONDS / spent))
        self.rows = max(_LEAST, min(_MOST, int(self.rows * factor)))


def in_chunks(
    database: Database, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Insert many rows in transactions short enough for other writers (at most about 30 ms each).

    For invisible rows only: a crash leaves the chunks written so far.

    Returns:
        How many rows were inserted.
    """
    source = iter(rows)
    size, done = ChunkSize(), 0
    while chunk := list(islice(source, size.rows)):
        with size.write(database) as tx:
            tx.bulk(table, columns, chunk)
        done += len(chunk)
    return done


def give_way() -> None:
    """Between two chunks of long work: long enough for whoever waits for the writer to take it."""
    time.sleep(2 * ASK_SECONDS)


def chunked(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size` items."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
