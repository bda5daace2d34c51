"""Making and opening: the four ways into the library.

| | a new one | one that is there |
|---|---|---|
| the host | `create` | `open` |
| a partner's machine | `create_partner` | `open_partner` |

Each takes a home (a folder with settings and keys) or, for an application that embeds the host,
the parts themselves: a database URL or engine, a key provider, a folder for wraps. Opening refuses
a database of another revision and clears away what dead processes left; nothing else happens
implicitly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from consortium import documents
from consortium.app import homes
from consortium.app.context import Context
from consortium.app.credentials import Passphrase, by_key_name, role_of
from consortium.app.desk import PartnerDesk
from consortium.app.host import Consortium
from consortium.app.keyring import EPOCH
from consortium.clock import Clock, SystemClock
from consortium.config import (
    HOST_FILE,
    PARTNER_FILE,
    HostSettings,
    PartnerSettings,
    SmtpSettings,
    slug_of,
)
from consortium.errors import StateConflict, UsageError
from consortium.ledger import entries
from consortium.model import ConsortiumCard, Observer, Silent
from consortium.store import ledger, migrate, state
from consortium.store.engine import Database, Engine
from consortium.vault import cards
from consortium.vault.keys import (
    HOST_KEYS,
    PARTNER_KEYS,
    KeyProvider,
    PassphraseKeys,
    fresh_secret,
)
from consortium.vault.keys import create as create_key
from consortium.vault.wraps import WrapStore

__all__ = ["create", "create_partner", "open", "open_partner"]

_CARD = "consortium.card"
_PROFILE = 1


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a consortium runs on, before its card is known."""

    database: Database
    keys: KeyProvider
    wraps: WrapStore
    smtp: SmtpSettings
    clock: Clock
    observer: Observer | None
    home: Path | None
    region: str = "US"

    def context(self, card: ConsortiumCard) -> Context:
        return Context(
            database=self.database,
            keys=self.keys,
            wraps=self.wraps,
            card=card,
            smtp=self.smtp,
            region=self.region,
            clock=self.clock,
            observer=self.observer or Silent(),
            home=self.home,
        )


def _no_passphrase(role: str) -> str:
    raise UsageError(f"no passphrase for the {role}'s keys", hint="Hand in passphrase=… or keys=…")


def create(
    home: Path | None = None,
    *,
    name: str,
    passphrase: Passphrase = _no_passphrase,
    database: str | Engine | None = None,
    keys: KeyProvider | None = None,
    wraps: Path | None = None,
    origin: str | None = None,
    region: str = "US",
    dot_insensitive_domains: tuple[str, ...] = (),
    smtp: SmtpSettings | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
) -> Consortium:
    """Make a consortium.

    Args:
        home: Folder for settings, keys and, by default, the database; must hold none. None to
            embed: then `database`, `keys` and `wraps` are needed.
        name: Name as partners know it.
        passphrase: Gives the passphrases of `operator` and `coordinator` for the new keys.
        database: URL or engine; default SQLite in the home. Must hold no consortium.
        keys: Where secrets come from, if not from the home.
        wraps: Folder for wrapped data keys, if not in the home.
        origin: Identity of the ledger; default made from the name. Never changes.
        region: Country of telephone numbers without a code.
        dot_insensitive_domains: Beside Gmail's; part of the normalisation profile.
        smtp: How mail leaves; default localhost, STARTTLS.
        clock, observer: The time; told of progress.

    Raises:
        UsageError: Something is there already, or a value will not do. Nothing was made.
        StateConflict: The database holds a consortium.
        StoreFailure: The database cannot be used.
    """
    clock = clock or SystemClock()
    settings = documents.parse(
        homes.settings_text(
            {
                "consortium": 1,
                "name": name,
                "origin": origin or f"{slug_of(name)}-{token_hex(4)}.consortium",
                "database": database if isinstance(database, str) else "sqlite:///consortium.db",
                "region": region,
                "dot_insensitive_domains": dot_insensitive_domains,
            }
        ),
        name="the settings",
        model=HostSettings,
    )
    mail = smtp or settings.smtp
    if home is None:
        if database is None or keys is None or wraps is None:
            raise UsageError("without a home, database, keys and wraps are needed")
        store = WrapStore(wraps)
        return _create_in(
            _Parts(_database(database), keys, store, mail, clock, observer, None, region), settings
        )
    made = homes.claim(home)
    try:
        if keys is None:
            keys = _make_keys(home, HOST_KEYS, passphrase, made)
        target = database if database is not None else settings.database_url(home)
        if database is None:
            made.extend(home / f"consortium.db{end}" for end in ("", "-wal", "-shm"))
        store = WrapStore(wraps or home / "wraps")
        consortium = _create_in(
            _Parts(_database(target), keys, store, mail, clock, observer, home, region), settings
        )
        text = cards.encode_consortium(consortium.card, ledger_key=keys.open("ledger"))
        made.append(home / _CARD)
        homes.write_file(home / _CARD, text, mode=0o644)
        homes.write_file(home / HOST_FILE, _host_text(settings, mail))
    except BaseException:
        _undo(made)
        raise
    return consortium


def _create_in(parts: _Parts, settings: HostSettings) -> Consortium:
    card = cards.consortium_card(
        parts.keys,
        name=settings.name,
        origin=settings.origin,
        dot_insensitive_domains=settings.dot_insensitive_domains,
    )
    text = cards.encode_consortium(card, ledger_key=parts.keys.open("ledger"))
    migrate.create(parts.database)
    with parts.database.write() as tx:
        now = parts.clock.now()
        state.initialise(tx, name=card.name, origin=card.origin, card=text, at=now)
        ledger.append(
            tx,
            entries.consortium_created(card, at=now, token_epoch=EPOCH, profile=_PROFILE),
        )
    return Consortium(parts.context(card))


def open(  # noqa: A001 - read as consortium.open
    home: Path | None = None,
    *,
    passphrase: Passphrase = _no_passphrase,
    database: str | Engine | None = None,
    keys: KeyProvider | None = None,
    wraps: Path | None = None,
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
        smtp: In place of the settings'.
        clock, observer: The time; told of progress.

    Raises:
        HomeError: There is no home.
        StoreFailure: The database cannot be used, or is of another revision.
    """
    clock = clock or SystemClock()
    if home is None and database is not None and keys is not None and wraps is not None:
        store = WrapStore(wraps)
        return _open_in(
            _Parts(_database(database), keys, store, smtp or SmtpSettings(), clock, observer, None)
        )
    folder = homes.find(home, HOST_FILE)
    settings = documents.load(folder / HOST_FILE, model=HostSettings)
    consortium = _open_in(
        _Parts(
            _database(database if database is not None else settings.database_url(folder)),
            keys or PassphraseKeys(folder / "keys", by_key_name(passphrase)),
            WrapStore(wraps or folder / "wraps"),
            smtp or settings.smtp,
            clock,
            observer,
            folder,
            settings.region,
        )
    )
    if consortium.card.origin != settings.origin:
        consortium.close()
        raise StateConflict(
            f"the database belongs to {consortium.card.origin}, the settings to {settings.origin}",
            hint=f"Check `database` and `origin` in {HOST_FILE}.",
        )
    return consortium


def _open_in(parts: _Parts) -> Consortium:
    migrate.check(parts.database)
    with parts.database.read() as tx:
        card = cards.decode_consortium(state.get(tx).card)
    opened = Consortium(parts.context(card))
    opened.sweep()
    return opened


def create_partner(
    home: Path,
    *,
    slug: str,
    name: str,
    postal_address: str,
    from_address: str,
    passphrase: Passphrase = _no_passphrase,
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
    made = homes.claim(home)
    try:
        keys = _make_keys(home, PARTNER_KEYS, passphrase, made)
        desk = PartnerDesk(
            home, settings=settings, keys=keys, clock=clock or SystemClock(), observer=observer
        )
        made.append(desk.card_file)
        homes.write_file(desk.card_file, desk.card_text(), mode=0o644)
        homes.write_file(home / PARTNER_FILE, homes.settings_text(settings.model_dump()))
    except BaseException:
        _undo(made)
        raise
    return desk


def open_partner(
    home: Path | None = None,
    *,
    passphrase: Passphrase = _no_passphrase,
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


def _database(target: str | Engine) -> Database:
    return Database.open(target) if isinstance(target, str) else Database(target)


def _host_text(settings: HostSettings, mail: SmtpSettings) -> str:
    shown = settings.model_dump(exclude={"smtp"})
    lines = mail.model_dump(exclude_none=True, mode="json")
    return homes.settings_text(shown) + "\n[smtp]\n" + homes.settings_text(lines)


def _make_keys(
    home: Path, names: tuple[str, ...], passphrase: Passphrase, made: list[Path]
) -> KeyProvider:
    given = by_key_name(passphrase)
    secrets: dict[str, str] = {role_of(n): given(n) for n in names}  # ask before anything is made
    made.append(home / "keys")
    for name in names:
        made.append(home / "keys" / f"{name}.key")
        create_key(
            home / "keys", name=name, secret=fresh_secret(name), passphrase=secrets[role_of(name)]
        )
    return PassphraseKeys(home / "keys", given)


def _undo(made: list[Path]) -> None:
    """Take back what was made, newest first."""
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() else path.unlink()
        except OSError:
            continue
