"""The message as bytes: an owner's form, filled in for one recipient.

What a campaign, its owner and a language fix is rendered once; per message there is only a join and
some header fields (tens of microseconds, where building a MIME tree costs over a millisecond).
Everything in it belongs to the one owner: From, envelope sender, Message-ID, List-Id and the
address for opting out are all in its domain (the receiving sides of RFC 7489 check that).

* `List-Unsubscribe` holds a `mailto:` with the message's opaque code and nothing else. Its value
  stays below 78 octets where the domain allows, because some relays encode longer ones; the
  subject in it is dropped first.
* `Message-ID` is made of the message's name and a hash of its code, so that whoever sees it quoted
  cannot opt the recipient out.
* `List-Id` (RFC 2919) is per owner and purpose; `List-Post: NO` (RFC 2369) says nobody else writes
  here. There is no `Precedence`, which RFC 2076 discourages, and no `Auto-Submitted`: this is
  neither an automatic answer nor machine-made text.
* The text is plain UTF-8: as it is where it is ASCII with lines of at most 998 octets, else
  quoted-printable, which every server takes.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from consortium.campaign.message import Form, MessageForm, is_usable
from consortium.delivery.headers import cleaned, mailbox, unstructured
from consortium.delivery.transport import Envelope
from consortium.model import Purpose
from consortium.types import MessageName, Pii

__all__ = ["Letter", "Letterhead", "opt_out_address"]

_MAX_LINE = 998  # octets, RFC 5322, 2.1.1
_SAFE_HEADER_VALUE = 77  # octets; see the module's docstring

_OPT_OUT: Final[Mapping[str, str]] = {
    "en": "To get no more messages like this, write to {address}",
    "es": "Para no recibir más mensajes como este, escriba a {address}",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """In whose name a message goes.

    Attributes:
        name: The owner's name as recipients know it.
        from_name: What stands before the address in From.
        from_address: The owner's address; its domain is the message's.
        postal_address: One line.
        disclaimer: A last line that the owner's policy asks for; may be empty.
    """

    name: str
    from_name: str
    from_address: str
    postal_address: str
    disclaimer: str = ""

    @property
    def domain(self) -> str:
        """The part of the address after the @."""
        return self.from_address.rpartition("@")[2]


def opt_out_address(code: str, *, domain: str) -> str:
    """Where a recipient writes to opt out of what came with this code."""
    return f"unsubscribe+{code}@{domain}"


class Letter:
    """One text in one owner's name, ready to be filled in.

    Args:
        head: In whose name.
        form: Subject and text in one language.
        purpose: The campaign's; part of the List-Id.
    """

    def __init__(self, *, head: Letterhead, form: MessageForm, purpose: Purpose) -> None:
        own = {"owner.name": head.name, "owner.address": head.postal_address}
        self._head = head
        self._subject = _with(form.subject, own)
        self._body = _with(form.body, own)
        self._last_line = f"{cleaned(head.disclaimer)}\n" if head.disclaimer.strip() else ""
        self._opt_out = _OPT_OUT.get(form.language, _OPT_OUT["en"])
        list_id = f"{purpose.value.replace('_', '-')}.{head.domain}"
        self._fixed = "\r\n".join(
            (
                mailbox("From", head.from_name, head.from_address),
                mailbox("List-Id", f"{head.name} ({purpose.value.replace('_', ' ')})", list_id),
                "List-Post: NO",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
            )
        )

    def fill(
        self,
        *,
        to: Pii,
        first_name: Pii,
        last_name: Pii,
        code: str,
        message: MessageName,
        at: datetime,
    ) -> Envelope:
        """The message for one recipient.

        Args:
            to: The address.
            first_name, last_name: As the owner's list has them; what cannot stand on one line of
                plain text is left out.
            code: The message's opt-out code.
            message: Its name, e.g. `m-1182`.
            at: The Date, aware.

        Raises:
            DocumentError: The owner's own name or address cannot be printed.
        """
        names = [n for n in (first_name.reveal(), last_name.reveal()) if n and is_usable(n)]
        address = opt_out_address(code, domain=self._head.domain)
        values = {
            "first_name": first_name.reveal(),
            "last_name": last_name.reveal(),
            "opt_out": self._opt_out.format(address=address),
        }
        encoding, body = _body(self._body.fill(values) + self._last_line)
        opaque = hashlib.sha256(b"message-id|" + code.encode()).hexdigest()[:20]
        header = "\r\n".join(
            (
                self._fixed,
                mailbox("To", " ".join(names), to.reveal()),
                f"Date: {format_datetime(at)}",
                f"Message-ID: <{opaque}.{message}@{self._head.domain}>",
                unstructured("Subject", self._subject.fill(values)),
                f"List-Unsubscribe: {_unsubscribe(address)}",
                f"Content-Transfer-Encoding: {encoding}",
                "\r\n",
            )
        )
        return Envelope(sender=self._head.from_address, recipient=to, data=header.encode() + body)


def _with(form: Form, values: Mapping[str, str]) -> Form:
    """The form with the fields that do not change filled in."""
    return Form(
        tuple(
            values[piece.field] if not isinstance(piece, str) and piece.field in values else piece
            for piece in form.pieces
        )
    )


def _unsubscribe(address: str) -> str:
    full = f"<mailto:{address}?subject=unsubscribe>"
    return full if len(full) <= _SAFE_HEADER_VALUE else f"<mailto:{address}>"


def _body(text: str) -> tuple[str, bytes]:
    """Transfer encoding and encoded text, CRLF line ends."""
    data = text.encode("utf-8", "replace")
    if text.isascii() and max(map(len, data.split(b"\n"))) <= _MAX_LINE:
        return "7bit", data.replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
