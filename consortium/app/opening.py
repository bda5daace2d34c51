"""Opening a consortium on its host.

It takes a home (a folder with settings and keys) or, for an application that embeds the host,
the parts themselves: a database URL or engine, a key provider, a folder for wraps. Opening refuses
a database of another revision or another consortium before it touches anything, then clears away
what dead processes left; nothing is made or upgraded implicitly.
"""

from __future__ import annotations

from pathlib import Path

from consortium import documents
from consortium.app import homes
from consortium.app.credentials import Passphrase, by_key_name, no_passphrase
from consortium.app.host import Consortium
from consortium.app.parts import Parts
from consortium.clock import Clock, SystemClock
from consortium.config import HOST_FILE, HostSettings, SmtpSettings
from consortium.errors import StateConflict
from consortium.model import Observer
from consortium.store import migrate, state
from consortium.store.engine import Database, Engine
from consortium.vault import cards
from consortium.vault.keys import KeyProvider, PassphraseKeys
from consortium.vault.wraps import WrapStore

__all__ = ["open", "upgrade"]


def open(  # noqa: A001 - read as consortium.open
    home: Path | None = None,
    *,
    passphrase: Passphrase = no_passphrase,
    database: str | Engine | None = None,
    keys: KeyProvider | None = None,
    wraps: Path | None = None,
    region: str | None = None,
    smtp: SmtpSettings | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
) -> Consortium:
    """Open a consortium.

    Args:
        home: Its folder; None for the current one or the nearest above it, unless `database`,
            `keys` and `wraps` are all handed in.
        passphrase: Gives the passphrase of `operator` or `coordinator` when a key is needed.
        database, keys, wraps: In place of the home's.
        region, smtp: In place of the settings'; without a home, US and localhost.
        clock, observer: The time; told of progress.

    Raises:
        HomeError: There is no home.
        StoreFailure: The database is not there, cannot be used, or is of another revision.
        StateConflict: The database holds another consortium than the settings name.
    """
    clock = clock or SystemClock()
    if home is None and database is not None and keys is not None and wraps is not None:
        store, mail = WrapStore(wraps), smtp or SmtpSettings()
        opened = _database(database)
        return _open(
            Parts(opened, keys, store, mail, region or "US", clock, observer, None), origin=None
        )
    folder = homes.find(home, HOST_FILE)
    settings = documents.load(folder / HOST_FILE, model=HostSettings)
    parts = Parts(
        _database(database if database is not None else settings.database_url(folder)),
        keys or PassphraseKeys(folder / "keys", by_key_name(passphrase)),
        WrapStore(wraps or folder / "wraps"),
        smtp or settings.smtp,
        region or settings.region,
        clock,
        observer,
        folder,
    )
    return _open(parts, origin=settings.origin)


def upgrade(home: Path | None = None, *, database: str | Engine | None = None) -> tuple[str, str]:
    """Bring the database of an older version forward; make a backup first.

    Args:
        home: The host's folder; None for the current one or the nearest above it.
        database: In place of the home's.

    Returns:
        The revision it had, and the one it has; equal if there was nothing to do.

    Raises:
        HomeError: There is no home.
        StoreFailure: There is no consortium in the database, or one of a newer version.
    """
    if database is None:
        folder = homes.find(home, HOST_FILE)
        settings = documents.load(folder / HOST_FILE, model=HostSettings)
        database = settings.database_url(folder)
    opened = _database(database)
    try:
        return migrate.upgrade(opened)
    finally:
        opened.close()


def _open(parts: Parts, *, origin: str | None) -> Consortium:
    """The consortium in the database, swept; `origin` is the one it must be."""
    try:
        migrate.check(parts.database)
        with parts.database.read() as tx:
            card = cards.decode_consortium(state.get(tx).card)
        if origin is not None and card.origin != origin:
            raise StateConflict(  # noqa: TRY301 - closing is one for every error
                f"the database belongs to {card.origin}, the settings to {origin}",
                hint=f"Check `database` and `origin` in {HOST_FILE}.",
            )
        opened = Consortium(parts.context(card))
        opened.sweep()
    except BaseException:
        parts.database.close()
        raise
    return opened


def _database(target: str | Engine) -> Database:
    if isinstance(target, str):
        return Database.open(target, must_exist=True)
    return Database(target)
