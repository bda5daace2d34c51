"""A host that takes packs in, and a partner that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House, PartnerDouble


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: FakeClock) -> House:
    return House(database, tmp_path, clock=clock)


@pytest.fixture
def nurses(house: House) -> PartnerDouble:
    return house.admit("nurses")
