"""Files that a list comes in: text, workbook, Parquet, JSON, and gzip or ZIP of them.

Each kind is one module that turns a `Content` into a `Table`: a header, and records as lists of
text cells. What a file is, its bytes decide, never its name. All read in a stream; every limit is
a named constant, and the message of a refusal says it. Format: docs/formats/files.md.
"""

from consortium.pack.files.place import Content, ListFile
from consortium.pack.files.table import (
    BATCH_ROWS,
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    RawBatch,
    Table,
)

__all__ = [
    "BATCH_ROWS",
    "MAX_CELL_CHARACTERS",
    "MAX_COLUMNS",
    "Content",
    "ListFile",
    "RawBatch",
    "Table",
]
