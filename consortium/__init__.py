"""Consortium: organisations act together on lists that none of them hands over.

The library's front door. `create` and `open` give a `Consortium` (the host), `create_partner` and
`open_partner` a `PartnerDesk` (a partner's own machine); whatever the command line does is one call
on one of them. Importing this package loads nothing else until one of the names is used.
How to use it: docs/how-to/use-as-a-library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consortium.app import (
        Consortium,
        PartnerDesk,
        create,
        create_partner,
        open,  # noqa: A004 - `consortium.open(...)` reads as it should
        open_partner,
    )
    from consortium.errors import ConsortiumError

__all__ = [
    "Consortium",
    "ConsortiumError",
    "PartnerDesk",
    "create",
    "create_partner",
    "open",
    "open_partner",
]


def __getattr__(name: str) -> object:
    if name == "ConsortiumError":
        from consortium.errors import ConsortiumError  # noqa: PLC0415 - light import

        return ConsortiumError
    if name in __all__:
        from consortium import app  # noqa: PLC0415 - light import

        return getattr(app, name)
    raise AttributeError(f"module 'consortium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
