"""Options of every command that reads a list: what its file does not say by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from consortium_cli.screen import DAY, FILE

if TYPE_CHECKING:
    from consortium.app import ListOptions

__all__ = ["Said", "list_options", "pack_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Said:
    """What a partner says of a list beside its file: the four options below."""

    mapping: Path | None
    attest: tuple[str, ...]
    keep: tuple[str, ...]
    problems: Path | None

    def options(self, file: Path) -> ListOptions:
        """The same for the library; problems go beside the list unless said otherwise."""
        from consortium.app import ListOptions  # noqa: PLC0415 - loads the whole library
        from consortium.pack import default_path  # noqa: PLC0415 - the same

        problems = self.problems or default_path(file)
        return ListOptions(
            mapping=self.mapping, attest=self.attest, keep=self.keep, problems_to=problems
        )

    def words(self) -> list[str]:
        """What packing needs to be told again."""
        mapped = ["--map", str(self.mapping)] if self.mapping else []
        attested = [word for attest in self.attest for word in ("--attest", attest)]
        return mapped + attested + [word for keep in self.keep for word in ("--keep", keep)]

    def __bool__(self) -> bool:
        return bool(self.mapping or self.attest or self.keep or self.problems)


def list_options(function: _F) -> _F:
    """The four options as one argument, `said`."""

    @wraps(function)
    def gathered(
        *arguments: object,
        mapping: Path | None,
        attest: tuple[str, ...],
        keep: tuple[str, ...],
        problems: Path | None,
        **others: object,
    ) -> object:
        return function(*arguments, said=Said(mapping, attest, keep, problems), **others)

    for option in (
        click.option(
            "--problems",
            type=FILE,
            help="Where every unusable line goes, for you only.  "
            "[default: FILE.problems.csv beside it]",
        ),
        click.option(
            "--keep",
            multiple=True,
            metavar="COLUMN[=TAG,TAG]",
            help="Share the tags in this column, or only those named; may be repeated.  "
            "[default: none]",
        ),
        click.option(
            "--attest",
            multiple=True,
            metavar="WHAT=WORD[@DAY]",
            help="What holds where no column says it: email=express, sms=express@2026-01-31, "
            "relationship=member; may be repeated.  [default: no consent, the public]",
        ),
        click.option(
            "--map", "mapping", type=FILE, help="Which column is which.  [default: recognised]"
        ),
    ):
        gathered = option(gathered)
    return cast("_F", gathered)


def pack_options(*, required: bool) -> Callable[[_F], _F]:
    """What a pack says of itself."""
    needed = "" if required else "  [default: none; needed with --as]"

    def decorate(function: _F) -> _F:
        for option in (
            click.option(
                "--standing",
                is_flag=True,
                help="Let the host open the rows for every campaign that your policy allows.  "
                "[default: each campaign needs your approval]",
            ),
            click.option("--expires", type=DAY, help="Last day of use.  [default: none]"),
            click.option(
                "--obtained", type=DAY, required=required, help=f"The day of the export.{needed}"
            ),
            click.option(
                "--list", "list_name", required=required, help=f"Your name for it.{needed}"
            ),
        ):
            function = option(function)
        return function

    return decorate
