"""What is left of a row that refuses something, or says something of one contact point alone.

Channel by channel it is `consortium.pack.points` that says what becomes of each address and number.
Over both channels one more rule holds: after a refusal of anything, only what has a consent is
used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from consortium.model import ConsentBasis
from consortium.pack.claims import Said
from consortium.pack.consent import Standing
from consortium.pack.points import Own, Settled, cause_of, settle

__all__ = ["Left", "Stands", "left_of", "standing_in"]

Stands = tuple[tuple[int, ...], ...]
"""Of each contact point of a row, those columns with a status of their own in which it stands."""


class Left(NamedTuple):
    """What is left of a row, its contact points by their indexes.

    Attributes:
        said: What it says of those that are left.
        emails, phones: May be sent with it.
        blocked_emails, blocked_phones, cause: What it blocks, and why.
        emails_without, phones_without: Left out, because only others have a consent.
        is_whole: Whether nothing is taken out.
    """

    said: Said
    emails: tuple[int, ...]
    phones: tuple[int, ...]
    blocked_emails: tuple[int, ...]
    blocked_phones: tuple[int, ...]
    cause: str
    emails_without: tuple[int, ...]
    phones_without: tuple[int, ...]
    is_whole: bool


def left_of(said: Said, *, emails: Stands, phones: Stands) -> Left:
    """What is left of a row that says this and has these contact points."""
    by_email = settle(said.email, said.own_emails, emails)
    by_phone = settle(said.sms, said.own_phones, phones)
    refused = bool(said.email.refusal or said.sms.refusal or by_email.blocked or by_phone.blocked)
    kept_emails, kept_phones = _kept(by_email, refused=refused), _kept(by_phone, refused=refused)
    return Left(
        Said(
            Standing(by_email.consent, said.email.refusal),
            Standing(by_phone.consent, said.sms.refusal),
            said.relationship,
        ),
        kept_emails,
        kept_phones,
        tuple(at for at, _ in by_email.blocked),
        tuple(at for at, _ in by_phone.blocked),
        cause_of(cause for _, cause in (*by_email.blocked, *by_phone.blocked)),
        by_email.without,
        by_phone.without,
        len(kept_emails) == len(emails) and len(kept_phones) == len(phones),
    )


def standing_in(
    row: Sequence[str],
    own: Own,
    points: Sequence[str],
    *,
    columns: Sequence[int],
    read: Callable[[str], Collection[str]],
) -> Stands:
    """In which columns with a status of their own a row's contact points stand.

    Args:
        row: Its cells.
        own: The columns.
        points: Addresses in canonical form, or numbers.
        columns: All columns of such contact points.
        read: Gives those of a cell.
    """
    if not own or not points:
        return ((),) * len(points)
    filled = [column for column in columns if row[column]]
    if len(filled) == 1:  # nearly all rows: nothing to compare
        stands = (filled[0],) if any(column == filled[0] for column, _ in own) else ()
        return (stands,) * len(points)
    inside = [(column, read(row[column])) for column, _ in own if row[column]]
    return tuple(tuple(column for column, values in inside if point in values) for point in points)


def _kept(settled: Settled, *, refused: bool) -> tuple[int, ...]:
    return () if refused and settled.consent.basis is ConsentBasis.NONE else settled.kept
