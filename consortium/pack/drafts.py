"""A draft of a mapping: what was recognised in a list, written so that its partner can correct it.

The draft names the layout, every column that is read with its role, what was stated by hand, status
columns with words that are not known, and columns that nothing reads: proposed by name or content
where a role has no column yet (in force, to be looked over), else as comments. Read back with
`--map`, it gives the layout that it was written from. It holds headers and words, never a cell;
headers that cannot be named alone are left to the layout.

Format: docs/formats/mapping.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from consortium.errors import BadFile, StateConflict
from consortium.model import Channel, Consent
from consortium.pack.draft_status import status_rules
from consortium.pack.layout import Layout, Role, fold_header
from consortium.pack.mapping import Stated, lay_over
from consortium.pack.proposals import by_content, propose, sounds_like_refusal
from consortium.pack.recognition import is_known
from consortium.pack.source import open_list

__all__ = ["draft_mapping", "render", "write_draft"]

_SAMPLE_ROWS = 500
_MAX_HEADER = 200
_HEAD = """\
# What `upload check` made of the list. Correct what is wrong, and give it with --map FILE to check,
# pack and add. Every key: docs/formats/mapping.md
mapping = 1
"""


def draft_mapping(path: Path, *, stated: Stated | None = None, region: str | None = None) -> str:
    """The draft of a mapping for a list; reads its first rows and sends nothing.

    Args:
        path: The list; it need not have a column that is known.
        stated: What the partner states by hand.
        region: Country of numbers and addresses that name none, where the layout has none.

    Raises:
        BadFile: Not a list.
        UsageError: A column to keep is not in the list.
    """
    source = open_list(path, known=is_known)
    said = stated or Stated()
    layout = lay_over(source.headers, mapping=None, name="", keep=said.keep)
    sample = next(source.batches(size=_SAMPLE_ROWS)).rows
    content = {
        column: role
        for column in layout.unread
        if (role := by_content([row[column] for row in sample if len(row) > column])) is not None
    }
    return render(
        layout,
        stated=said,
        region=layout.region or region,
        proposals=propose(layout, content),
    ) + "".join(f"{line}\n" for line in status_rules(layout, sample, quoted=_quoted))


def write_draft(
    path: Path, *, to: Path, stated: Stated | None = None, region: str | None = None
) -> None:
    """Write the draft of a mapping for a list; see `draft_mapping`.

    Args:
        path: The list.
        to: A file that does not exist yet.
        stated: What the partner states by hand.
        region: Country of numbers and addresses that name none, where the layout has none.

    Raises:
        BadFile: Not a list, or `to` cannot be written.
        StateConflict: Something is at `to`.
        UsageError: A column to keep is not in the list.
    """
    text = draft_mapping(path, stated=stated, region=region)
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise StateConflict(
            f"there is already something called {to.name}",
            hint="Give another name for the mapping, or move the old one away",
        ) from error
    except OSError as error:
        raise BadFile(
            f"{to.name} cannot be written: {os.strerror(error.errno or 0)}",
            hint="Give another place for it",
        ) from error


def render(
    layout: Layout, *, stated: Stated, region: str | None, proposals: Mapping[int, Role]
) -> str:
    """The draft as TOML.

    Args:
        layout: What was recognised.
        stated: What the partner states of the whole list.
        region: Country of numbers and addresses that name none.
        proposals: Column that nothing reads → what it looks like.
    """
    return "\n".join(_lines(layout, stated, region, proposals)) + "\n"


def _lines(
    layout: Layout, stated: Stated, region: str | None, proposals: Mapping[int, Role]
) -> Iterator[str]:
    yield f"{_HEAD}layout = {_quoted(layout.name)}  # {layout.title}"
    if region:
        yield f"region = {_quoted(region)}"
    yield '# date_order = "day-first"  # or "month-first", where a column does not show it'
    if stated.keep:
        yield f"keep = [{', '.join(map(_quoted, stated.keep))}]"
    yield from _columns(layout, proposals)
    yield from _relationship(layout, stated)
    for channel, consent in ((Channel.EMAIL, stated.email), (Channel.SMS, stated.sms)):
        if consent is not None:
            yield from _consent(channel, consent)
    yield from _notes(layout, proposals)


def _columns(layout: Layout, proposals: Mapping[int, Role]) -> Iterator[str]:
    yield "\n[columns]"
    for role in Role:
        indexes = layout.tags if role is Role.TAGS else layout.columns.get(role, ())
        if indexes:
            headers = _headers(indexes, layout.headers)
            if headers is None:
                yield f"# {role} = []  # as the layout says: two columns of one name differ"
            else:
                yield f"{role} = [{', '.join(map(_quoted, headers))}]"
        else:
            looks = [i for i, proposed in proposals.items() if proposed is role]
            headers = _headers(looks, layout.headers)
            if looks and headers:
                yield f"{role} = [{', '.join(map(_quoted, headers))}]  # proposed: look it over"


def _relationship(layout: Layout, stated: Stated) -> Iterator[str]:
    if stated.relationship is not None:
        yield f"\n[relationship]\ndefault = {_quoted(stated.relationship)}"
    elif layout.relationship is None:
        yield '\n# [relationship]\n# default = "member"  # or "supporter"; unsaid: the public'


def _consent(channel: Channel, consent: Consent) -> Iterator[str]:
    yield f"\n[consent.{channel}]\ndefault = {_quoted(consent.basis)}"
    if consent.on is not None:
        yield f"on = {consent.on.isoformat()}"


def _notes(layout: Layout, proposals: Mapping[int, Role]) -> Iterator[str]:
    """What the mapping leaves as it is, and what nothing reads."""
    if layout.read:
        yield "\n# Read for consent and relationship as the layout says:"
        yield from (f"#   {_quoted(header)}" for header in layout.read)
    rest = [i for i in layout.unread if i not in proposals or proposals[i] in layout.columns]
    if rest:
        yield "\n# Not read:"
        for index in rest:
            more = ""
            header = layout.headers[index]
            if sounds_like_refusal(header) and not is_known(header):
                more = "  sounds like a refusal: say what its words mean with [[status]]"
            elif index in layout.tags:
                more = "  tags: share them with keep"
            elif index in proposals:
                more = f"  looks like {proposals[index].value.replace('_', ' ')}"
            yield f"#   {_quoted(layout.headers[index])}{more}"


def _headers(indexes: Sequence[int], headers: Sequence[str]) -> list[str] | None:
    """Names for just these columns, or None if names cannot tell them from others."""
    names = list(dict.fromkeys(headers[i] for i in indexes))
    reached = [i for name in names for i, header in enumerate(headers) if header == name]
    if sorted(reached) != sorted(indexes) or reached != list(indexes):
        return None
    if any(len(name) > _MAX_HEADER or not fold_header(name) for name in names):
        return None
    return names


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    plain = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain)
