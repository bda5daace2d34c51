"""Sees that a pack may be taken in at all, before anything of it is written.

In this order: it is a pack, whole, of a known version and for this consortium; its normalisation
rules are known; the partner it names was admitted; it is signed with that partner's key and
unaltered; its days make sense; it was not taken in before. Rows are not decoded here, so that a
hundred thousand of them take about 0.2 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from consortium.errors import BadFile, NotFound, StateConflict
from consortium.model import ConsortiumCard, UploadState
from consortium.store import partners, uploads
from consortium.store.engine import Database
from consortium.store.partners import PartnerRecord
from consortium.store.uploads import UploadRecord
from consortium.tokens import PROFILE, Profile
from consortium.vault.pack_file import PackHeader, PackReader, Trailer

__all__ = ["VerifiedPack", "refuse_repeated", "verify"]

_DAY = timedelta(days=1)  # a partner's own day may be the next one


@dataclass(frozen=True, slots=True)
class VerifiedPack:
    """A pack that was read to its end and found to be its partner's.

    Attributes:
        header, trailer: What it says of itself; the header holds the data key.
        partner: Whose it is.
        profile: The rules its values are normalised by.
    """

    header: PackHeader
    trailer: Trailer
    partner: PartnerRecord
    profile: Profile


def verify(
    database: Database,
    pack: BinaryIO,
    *,
    identity: bytes,
    consortium: ConsortiumCard,
    now: datetime,
    name: str,
    replaces: str | None = None,
) -> VerifiedPack:
    """Read a pack once, from where it stands to its end. Raises as `intake.add` does."""
    profile = Profile(PROFILE.number, frozenset(consortium.dot_insensitive_domains))
    with PackReader.open(pack, identity=identity, origin=consortium.origin, name=name) as reader:
        header = reader.header
        if header.profile != profile.number:
            raise BadFile(
                f"{name} was normalised by rules this program does not know",
                hint="Update consortium on this machine, or have the list packed again.",
            )
        partner = _partner(database, header, name)
        trailer = reader.finish(partner.card.sign_key)
    _check_days(header, name, now)
    with database.read() as tx:
        found = uploads.by_digest(tx, trailer.digest)
    if found is not None and found.state is not UploadState.STAGED:
        refuse_repeated(found, replaces=replaces)
    return VerifiedPack(header, trailer, partner, profile)


def refuse_repeated(found: UploadRecord, *, replaces: str | None = None) -> None:
    """Raise StateConflict for a pack that was taken in before as `found`, and replaces another."""
    day = found.added_at.date().isoformat()
    if found.name == replaces:
        raise StateConflict(
            f"this pack, added on {day}, is upload {found.name} itself",
            hint="To replace it, give the pack of a newer export.",
        )
    if found.state is UploadState.ACTIVE and replaces is not None:
        raise StateConflict(
            f"this pack was added on {day} as upload {found.name}, so it replaces nothing now",
            hint="If the earlier upload still counts, end it: consortium upload withdraw UPLOAD",
        )
    if found.state is UploadState.ACTIVE:
        raise StateConflict(
            f"this pack was added on {day}: it is upload {found.name}",
            hint=f"Nothing to do. See: consortium upload show {found.name}",
        )
    raise StateConflict(
        f"this pack was added on {day} as upload {found.name}, which is {found.state.value} now",
        hint=f"Ask {found.partner} to pack the list again with: consortium upload pack",
    )


def _partner(database: Database, header: PackHeader, name: str) -> PartnerRecord:
    try:
        with database.read() as tx:
            return partners.get(tx, header.partner)
    except NotFound as error:
        raise NotFound(
            f'{name} is from "{header.partner}", which is not a partner here',
            hint="Admit it first: consortium partner add CARD",
        ) from error


def _check_days(header: PackHeader, name: str, now: datetime) -> None:
    if header.created_at > now + _DAY or header.obtained_on > (now + _DAY).date():
        raise BadFile(
            f"{name} was made on a day that has not come yet",
            hint="Check the clocks of both machines, and have the list packed again.",
        )
    if header.expires_on is not None and header.expires_on < now.date():
        raise BadFile(
            f"{name} expired on {header.expires_on.isoformat()}",
            hint="Ask the partner to pack the list again with a later day.",
        )
