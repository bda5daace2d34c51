"""The façade: everything the command line does, as typed calls.

`create` and `open` give a `Consortium`, `create_partner` and `open_partner` a `PartnerDesk`; what
needs no home stands beside them.
"""

from consortium.app.creating import create, create_partner
from consortium.app.desk import PartnerDesk
from consortium.app.host import Consortium
from consortium.app.ledgers import verify_export
from consortium.app.lists import ListOptions, check_without_home, write_mapping
from consortium.app.opening import open, open_partner, upgrade  # noqa: A004 - consortium.open
from consortium.app.policies import check_policy, list_rules

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
