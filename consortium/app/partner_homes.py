"""Making and opening a partner's home, on the partner's own machine.

All or nothing, as for the host (`app.creating`). Nothing here, nor in what it gives, loads the
database: who checks and packs lists needs none.
"""

from __future__ import annotations

from pathlib import Path

from consortium import documents
from consortium.app import homes
from consortium.app.credentials import Passphrase, by_key_name, make_keys, no_passphrase
from consortium.app.desk import PartnerDesk
from consortium.clock import Clock, SystemClock
from consortium.config import PARTNER_FILE, PartnerSettings
from consortium.model import Observer
from consortium.tokens import places
from consortium.vault.keys import PARTNER_KEYS, KeyProvider, PassphraseKeys

__all__ = ["create_partner", "open_partner"]


def create_partner(
    home: Path,
    *,
    slug: str,
    name: str,
    postal_address: str,
    from_address: str,
    passphrase: Passphrase = no_passphrase,
    firewall_group: str = "all",
    region: str = "US",
    clock: Clock | None = None,
    observer: Observer | None = None,
) -> PartnerDesk:
    """Make a partner's home with its two keys and its public card, on the partner's machine.

    Args:
        home: Folder; must hold no home.
        slug, name, postal_address, from_address, firewall_group: As on the card.
        passphrase: Gives the passphrase of `partner` for the new keys.
        region: Country of telephone numbers and postcodes without one.
        clock, observer: The time; told of progress.

    Raises:
        UsageError: Something is there already, or a value will not do. Nothing was made.
    """
    places.check_country(region)
    settings = documents.parse(
        homes.settings_text(
            {
                "partner": 1,
                "slug": slug,
                "name": name,
                "postal_address": postal_address,
                "from_address": from_address,
                "firewall_group": firewall_group,
                "region": region,
            }
        ),
        name="the settings",
        model=PartnerSettings,
    )
    with homes.claim(home, card=f"{slug}.card") as made:
        keys = make_keys(home, PARTNER_KEYS, passphrase=passphrase, made=made)
        desk = PartnerDesk(
            home, settings=settings, keys=keys, clock=clock or SystemClock(), observer=observer
        )
        homes.write_file(desk.card_file, desk.card_text(), public=True)
        made.append(desk.card_file)
        homes.write_file(home / PARTNER_FILE, homes.settings_text(settings.model_dump()))
    return desk


def open_partner(
    home: Path | None = None,
    *,
    passphrase: Passphrase = no_passphrase,
    keys: KeyProvider | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
) -> PartnerDesk:
    """Open a partner's home; None for the current folder or the nearest above it.

    Raises:
        HomeError: There is no home.
    """
    folder = homes.find(home, PARTNER_FILE)
    return PartnerDesk(
        folder,
        settings=documents.load(folder / PARTNER_FILE, model=PartnerSettings),
        keys=keys or PassphraseKeys(folder / "keys", by_key_name(passphrase)),
        clock=clock or SystemClock(),
        observer=observer,
    )
