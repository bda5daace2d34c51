"""Making a consortium on its host.

All or nothing. Settings, keys and database are made in this order: keys, public card, settings
under another name; then one transaction makes the tables, says whose they are and appends the
ledger's first entry; last the settings get their name, and without them a folder is no home. An
error on the way takes back what was made, and only that. What a power cut leaves is no home, is
never built upon, and is named by the next attempt in the same folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from consortium import documents
from consortium.app import homes
from consortium.app.credentials import Passphrase, make_keys, no_passphrase
from consortium.app.host import Consortium
from consortium.app.keyring import EPOCH
from consortium.app.parts import Parts
from consortium.clock import Clock, SystemClock
from consortium.config import HOST_FILE, HostSettings, SmtpSettings, slug_of
from consortium.errors import UsageError
from consortium.ledger import entries
from consortium.model import Observer
from consortium.store import ledger, migrate, state
from consortium.store.engine import Database, Engine
from consortium.tokens import places
from consortium.vault import cards
from consortium.vault.keys import HOST_KEYS, KeyProvider
from consortium.vault.wraps import WrapStore

__all__ = ["create"]

_CARD = "consortium.card"
_PROFILE = 1


def create(
    home: Path | None = None,
    *,
    name: str,
    passphrase: Passphrase = no_passphrase,
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
        database: URL or engine; default SQLite in the home, from where a relative path is taken.
            Must hold no consortium. An engine is for the application to hand in again at `open`.
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
    places.check_country(region)
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
        with _fresh(database) as opened:
            store = WrapStore(wraps)
            return _begin(Parts(opened, keys, store, mail, region, clock, observer, None), settings)
    with homes.claim(home, card=_CARD) as made:
        keys = keys or make_keys(home, HOST_KEYS, passphrase=passphrase, made=made)
        homes.write_file(home / _CARD, _card_text(keys, settings), public=True)
        made.append(home / _CARD)
        target = database if isinstance(database, Engine) else settings.database_url(home)
        store = WrapStore(wraps or home / "wraps")
        text = _host_text(settings, mail)
        with homes.prepared(home / HOST_FILE, text) as finish, _fresh(target) as opened:
            consortium = _begin(
                Parts(opened, keys, store, mail, region, clock, observer, home), settings
            )
            finish()
    return consortium


@contextmanager
def _fresh(target: str | Engine) -> Iterator[Database]:
    """The database to begin in; if the block raises, closed, and gone if it was made here."""
    database = Database.open(target) if isinstance(target, str) else Database(target)
    try:
        yield database
    except BaseException:
        database.close()
        if database.made_file:
            for end in ("", "-wal", "-shm"):
                Path(f"{database.file}{end}").unlink(missing_ok=True)
        raise


def _begin(parts: Parts, settings: HostSettings) -> Consortium:
    """Tables, state and first entry in one transaction."""
    text = _card_text(parts.keys, settings)
    card = cards.decode_consortium(text)
    now = parts.clock.now()
    with parts.database.write() as tx:
        migrate.create_in(tx)
        state.initialise(tx, name=card.name, origin=card.origin, card=text, at=now)
        ledger.append(
            tx, entries.consortium_created(card, at=now, token_epoch=EPOCH, profile=_PROFILE)
        )
    return Consortium(parts.context(card))


def _card_text(keys: KeyProvider, settings: HostSettings) -> str:
    card = cards.consortium_card(
        keys,
        name=settings.name,
        origin=settings.origin,
        dot_insensitive_domains=settings.dot_insensitive_domains,
    )
    return cards.encode_consortium(card, ledger_key=keys.open("ledger"))


def _host_text(settings: HostSettings, mail: SmtpSettings) -> str:
    shown = settings.model_dump(exclude={"smtp"})
    lines = mail.model_dump(exclude_none=True, mode="json")
    return homes.settings_text(shown) + "\n[smtp]\n" + homes.settings_text(lines)
