"""What a test of sending looks at and interferes with: who got what, the clock, bans, leaves."""

import json
from collections.abc import Callable

from consortium.ledger import leaves as leaf_kinds
from consortium.model import Channel, Scope
from consortium.store import ledger, partners, suppressions
from consortium.store.suppressions import Request
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from consortium.types import EntryIndex, PartnerSlug
from tests.harness.sending import World

Build = Callable[..., World]


def recipients(transport: MemoryTransport) -> list[str]:
    return [envelope.recipient.reveal() for envelope in transport.taken]


def clock_of(world: World) -> FakeClock:
    assert isinstance(world.clock, FakeClock)
    return world.clock


def ban(world: World, address: str, *, partner: str | None = None) -> None:
    with world.database.write() as tx:
        request = Request(
            at=world.clock.now(),
            channel=Channel.EMAIL,
            scope=Scope.CONSORTIUM if partner is None else Scope.PARTNER,
            partner_id=None if partner is None else partners.get(tx, PartnerSlug(partner)).id,
            cause="asked",
            author="operator",
        )
        suppressions.ban(tx, request, [world.token(address)])


def leaves_of(world: World) -> list[dict[str, object]]:
    with world.database.read() as tx:
        return [
            leaf_kinds.check(json.loads(data), batch="send_batch")
            for index, entry in enumerate(list(ledger.entries(tx)))
            if json.loads(entry)["kind"] == "send_batch"
            for data in ledger.leaves(tx, EntryIndex(index))
        ]
