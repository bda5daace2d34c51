"""What a partner says about a list beside its file, and looking at a list without a home."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from consortium import documents
from consortium.errors import BadFile, UsageError
from consortium.model import Observer
from consortium.pack import CheckReport, MappingDocument, Stated, parse_attest, write_draft
from consortium.pack import check as check_list
from consortium.tokens import Profile

__all__ = ["ListOptions", "check_without_home", "write_mapping"]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a partner says about a list beside its file.

    Attributes:
        mapping: Mapping document, if the columns are not recognised.
        attest: What the partner states where the export says nothing, e.g.
            `email=express`, `relationship=member` (docs/formats/mapping.md).
        keep: Columns whose tags are shared: `tags`, or `tags=volunteer,donor`.
        problems_to: Where to write the rejected rows; None: nowhere.
    """

    mapping: Path | None = None
    attest: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    problems_to: Path | None = None

    def read_mapping(self) -> MappingDocument | None:
        """The mapping, read."""
        if self.mapping is None:
            return None
        if not self.mapping.exists():
            raise BadFile(
                f"there is no mapping {self.mapping.name}",
                hint="Start one with: consortium upload check LIST --write-map FILE",
            )
        return documents.load(self.mapping, model=MappingDocument)

    def stated(self) -> Stated | None:
        """The statements, read."""
        if not self.attest and not self.keep:
            return None
        return replace(parse_attest(self.attest), keep=self.keep)


def check_without_home(
    path: Path,
    *,
    options: ListOptions,
    today: date,
    region: str = "US",
    observer: Observer | None = None,
    profile: Profile | None = None,
) -> CheckReport:
    """What is in a list and what packing it would attest; needs no home, no keys, no host."""
    return check_list(
        path,
        profile=profile or Profile(),
        today=today,
        mapping=options.read_mapping(),
        region=region,
        stated=options.stated(),
        problems_to=options.problems_to,
        observer=observer,
    )


def write_mapping(path: Path, *, to: Path, options: ListOptions, region: str = "US") -> None:
    """Write what is recognised in a list as a mapping, to be corrected and given back.

    Args:
        path: The list.
        to: A file that does not exist yet.
        options: What the partner states beside it; no mapping.
        region: Country of numbers and addresses that name none.

    Raises:
        BadFile: Not a list, or `to` cannot be written.
        StateConflict: Something is at `to`.
        UsageError: The options name a mapping already.
    """
    if options.mapping is not None:
        raise UsageError(
            "a mapping is written from what is recognised, not from another mapping",
            hint="Leave out --map, or copy that file",
        )
    write_draft(path, to=to, stated=options.stated(), region=region)
