"""Mail that comes back, read from a Maildir: who writes to opt out has opted out.

Every message carries an address of its own for this, `unsubscribe+CODE@…`. A mail to it, whatever
it says and whoever sent it, is the recipient's own word: the code is known to nobody else. It bans
for the whole consortium, on the channel of that message.

What a machine wrote is not the recipient's word: automatic replies (`Auto-Submitted`, RFC 3834, and
the older marks), delivery reports and spam reports (`multipart/report`, RFC 6522), and whatever
has the null return path (RFC 5321, 4.5.5) or comes from a mail system's own address (RFC 2142).

A mail is never changed, moved or deleted. Understood ones are remembered by SHA-256, so reading the
same folder again changes nothing; what is not for us is left for those who will understand it. Only
the header is parsed, so size and encoding of the rest do not matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Final, Literal

from consortium.clock import Clock
from consortium.errors import BadFile
from consortium.feedback.optouts import ban_now
from consortium.model import Observer, Scope, Silent
from consortium.store import opt_outs
from consortium.store.engine import Database
from consortium.store.suppressions import Request

__all__ = ["FeedbackResult", "codes", "is_automatic", "read"]

_CODE = re.compile(r"(?i)\bunsubscribe\+([a-z0-9]{8,64})@")
_ADDRESSED: Final = ("To", "Cc", "Delivered-To", "X-Original-To", "X-Delivered-To", "Envelope-To")
_MARKS: Final = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponse",
    "X-Failed-Recipients",
    "X-MLServer",
    "Mailing-List",
)
_ROBOT = re.compile(r"(?i)\b(?:mailer-daemon|post[._-]?master|(?:no|do-?not)[._-]?reply)\b")
_PRECEDENCE: Final = frozenset({"auto_reply", "auto-reply", "bulk", "junk"})
_HEADER_BYTES = 256 * 1024
_CHUNK = 1 << 20
_SILENT: Final = Silent()

_Kind = Literal["opted_out", "already", "automatic", "unknown_code", "not_for_us", "unreadable"]


@dataclass(frozen=True, slots=True)
class FeedbackResult:
    """What was found, in mails.

    Attributes:
        opted_out: Somebody is blocked who was not before.
        already: From somebody who was blocked before.
        automatic: Written by a machine, to an address for opting out; changes nothing.
        unknown_code: To such an address with a code that no message has; changes nothing.
        not_for_us: Anything else; left as it is.
        unreadable: Cannot be opened.
        repeated: Understood by an earlier reading.
    """

    opted_out: int = 0
    already: int = 0
    automatic: int = 0
    unknown_code: int = 0
    not_for_us: int = 0
    unreadable: int = 0
    repeated: int = 0

    @property
    def mails(self) -> int:
        """All of them."""
        return sum(getattr(self, field.name) for field in fields(self))


def read(
    database: Database, maildir: Path, *, clock: Clock, observer: Observer = _SILENT
) -> FeedbackResult:
    """Read the mails in a Maildir.

    Args:
        database: The system of record.
        maildir: A folder with `new` and `cur` in it.
        clock: What time it is.
        observer: Told of each mail.

    Raises:
        BadFile: It is not a Maildir, or cannot be read.
    """
    result = FeedbackResult()
    paths = sorted(_mails(maildir))
    observer.begin("reading mail", len(paths))
    try:
        for path in paths:
            kind = _one(database, path, clock)
            result = replace(result, **{kind: getattr(result, kind) + 1})
            observer.advance(1, opted_out=result.opted_out)
    finally:
        observer.end()
    return result


def codes(mail: Message) -> list[str]:
    """The opt-out codes that a mail is addressed to, in lower case, each once."""
    found: dict[str, None] = {}
    for name in _ADDRESSED:
        for value in mail.get_all(name, []):
            found |= dict.fromkeys(code.lower() for code in _CODE.findall(_plain(value)))
    return list(found)


def is_automatic(mail: Message) -> bool:
    """Whether a machine wrote it: an automatic reply, a delivery report, a spam report."""
    submitted = _plain(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    return_path = mail.get("Return-Path")
    return (
        submitted not in {"no", ""}
        or mail.get_content_type() in {"multipart/report", "message/delivery-status"}
        or (return_path is not None and _plain(return_path).strip() in {"<>", ""})
        or _plain(mail.get("Precedence", "")).strip().lower() in _PRECEDENCE
        or any(name in mail for name in _MARKS)
        or any(_ROBOT.search(_plain(mail.get(name, ""))) for name in ("From", "Return-Path"))
    )


def _plain(value: object) -> str:
    """A header's value on one line; undecodable bytes are the parser's replacement characters."""
    return " ".join(str(value).split())


def _mails(maildir: Path) -> Iterator[Path]:
    folders = [folder for name in ("new", "cur") if (folder := maildir / name).is_dir()]
    if not folders:
        raise BadFile(
            f"{maildir.name or maildir} is not a Maildir",
            hint="Give the folder that has `new` and `cur` in it.",
        )
    try:
        for folder in folders:
            for path in folder.iterdir():
                if not path.name.startswith(".") and path.is_file():
                    yield path
    except OSError as error:
        raise BadFile(
            f"{maildir.name or maildir} cannot be read", hint="Check its owner and mode."
        ) from error


def _one(database: Database, path: Path, clock: Clock) -> str:
    try:
        digest, header = _load(path)
    except OSError:
        return "unreadable"
    with database.read() as tx:
        if opt_outs.was_read(tx, digest):
            return "repeated"
    mail = BytesHeaderParser().parsebytes(header)
    asked = codes(mail)
    if not asked:
        return "not_for_us"
    with database.write() as tx:
        now = clock.now()
        addressees = [found for code in asked if (found := opt_outs.by_code(tx, code))]
        kind: _Kind = "already"
        if is_automatic(mail):
            kind = "automatic"
        elif not addressees:
            kind = "unknown_code"
        if not opt_outs.mark_read(tx, digest, kind=kind, at=now):
            return "repeated"
        if kind != "already":
            return kind
        for addressee in addressees:
            request = Request(
                at=now,
                channel=addressee.channel,
                scope=Scope.CONSORTIUM,
                partner_id=None,
                cause="unsubscribe_mail",
                author="recipient",
                message_id=addressee.message_id,
            )
            if ban_now(tx, request, [addressee.token], partner=None).new:
                kind = "opted_out"
    return kind


def _load(path: Path) -> tuple[bytes, bytes]:
    """SHA-256 of the whole mail, and its beginning."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        beginning = file.read(_HEADER_BYTES)
        digest.update(beginning)
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.digest(), beginning
