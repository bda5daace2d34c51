"""The façade: everything the command line does, as typed calls.

`create` and `open` give a `Consortium`, `create_partner` and `open_partner` a `PartnerDesk`; what
needs no home stands beside them. Each name loads what it needs when it is first used, so that a
partner's machine does not wait for the database that only the host has.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from consortium.app.creating import create
    from consortium.app.desk import PartnerDesk
    from consortium.app.host import Consortium
    from consortium.app.ledgers import verify_export
    from consortium.app.lists import ListOptions, check_without_home, write_mapping
    from consortium.app.opening import open, upgrade  # noqa: A004 - consortium.open
    from consortium.app.partner_homes import create_partner, open_partner
    from consortium.app.rules import check_policy, list_rules

__all__ = [
    "Consortium",
    "ListOptions",
    "PartnerDesk",
    "check_policy",
    "check_without_home",
    "create",
    "create_partner",
    "list_rules",
    "open",
    "open_partner",
    "upgrade",
    "verify_export",
    "write_mapping",
]

_MODULE: Final = {
    "Consortium": "host",
    "ListOptions": "lists",
    "PartnerDesk": "desk",
    "check_policy": "rules",
    "check_without_home": "lists",
    "create": "creating",
    "create_partner": "partner_homes",
    "list_rules": "rules",
    "open": "opening",
    "open_partner": "partner_homes",
    "upgrade": "opening",
    "verify_export": "ledgers",
    "write_mapping": "lists",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'consortium.app' has no attribute {name!r}")
    return getattr(importlib.import_module(f"consortium.app.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
