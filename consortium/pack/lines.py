"""What is written of a row: its line in a pack, and the text that tells repeats.

A row that may be written to and blocks something is two lines of one number; one that only blocks
is the second alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from consortium.pack.claims import Said
from consortium.pack.record_ids import RecordIdSealer
from consortium.pack.values import Values
from consortium.vault.pack_rows import Line, OptOutLine, RowLine, encode_lines

__all__ = ["packed", "texts"]

_SEVERAL = "\x1e".join


def packed(
    numbers: Sequence[int],
    values: Values,
    claims: Sequence[Said],
    blocked: Mapping[int, OptOutLine],
    *,
    sealer: RecordIdSealer | None,
) -> list[bytes]:
    """Of each row its line or lines in a pack, without the last newline.

    Args:
        numbers: Of the rows.
        values: What is sent with them.
        claims: What each says of consent and relationship.
        blocked: Index among them → what it blocks.
        sealer: Seals record ids; None leaves them out.
    """
    sealed = [
        sealer.seal(record_id, number) if record_id and sealer else b""
        for record_id, number in zip(values.record_ids, numbers, strict=True)
    ]
    lines: list[Line] = list(
        map(
            RowLine,
            numbers,
            values.emails,
            values.phones,
            values.first_names,
            values.last_names,
            values.suffixes,
            values.births,
            values.house_numbers,
            values.countries,
            values.states,
            values.postcodes,
            values.languages,
            [one.claim.relationship for one in claims],
            [one.claim.email for one in claims],
            [one.email_on for one in claims],
            [one.claim.sms for one in claims],
            [one.sms_on for one in claims],
            sealed,
            values.tags,
        )
    )
    beside: dict[int, OptOutLine] = {}
    for index, line in blocked.items():
        if values.emails[index] or values.phones[index]:
            beside[index] = line
        else:
            lines[index] = line
    encoded = encode_lines(lines)
    for index, extra in zip(beside, encode_lines(list(beside.values())), strict=True):
        encoded[index] += b"\n" + extra
    return encoded


def texts(values: Values, words: Sequence[str], blocked: Mapping[int, OptOutLine]) -> Iterator[str]:
    """What each row says of its person, in one string: equal only if all of it is."""
    blocks = [""] * len(words)
    for index, line in blocked.items():
        blocks[index] = _SEVERAL((line.cause, *line.emails, *line.phones))
    said = map(
        "\x1f".join,
        zip(
            map(_SEVERAL, values.mailboxes),
            map(_SEVERAL, values.phones),
            blocks,
            map(str.casefold, values.first_names),
            map(str.casefold, values.last_names),
            values.suffixes,
            values.births,
            values.house_numbers,
            values.countries,
            values.states,
            values.postcodes,
            values.languages,
            map(_SEVERAL, values.tags),
            words,
            strict=True,
        ),
    )
    if not blocked:
        return said
    # Who is only blocked says nothing else: two such rows with other names are repeats.
    return (
        text if values.emails[index] or values.phones[index] else blocks[index]
        for index, text in enumerate(said)
    )
