"""SMTP (RFC 5321), one step at a time, so that each failure is known for what it is.

Order per message: `MAIL`, `RCPT`, `DATA`, the content, the final dot, the reply. The final dot is
the point of no return: whatever fails before it was certainly not handed over, a lost connection
after it leaves the outcome unknown, and any reply at all settles it.

One connection is opened on first use and kept. If it turns out to have gone stale (the server said
421 or closed it while we waited), a new one is tried once before any content is sent. Reply texts
are dropped, because they quote addresses; codes are kept.

Words for `NotHandedOver` and `Unknown`: `no_connection`, `connection_lost`, `timeout`,
`service_closing` (421), `too_late` (`Envelope.may_go` said no when the server was ready).
"""

from __future__ import annotations

import re
import smtplib
from pathlib import Path

from consortium.config import SmtpSettings
from consortium.delivery.connection import connect, verify
from consortium.delivery.transport import (
    TOO_LATE,
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
    blocks_sender,
)
from consortium.errors import ConsortiumError
from consortium.types import Pii

__all__ = ["SmtpTransport"]

_CLOSING = 421
_GO_AHEAD = 354
_DONE = range(200, 300)
_FIRST_FAILURE = 400
_FIRST_PERMANENT = 500
_DETAIL = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f<>]|^$")
_LOOSE_LINE_END = re.compile(rb"\r\n|\r|\n")
_NO_PASSWORD = Pii("")


def _code(reply: int, text: bytes) -> str:
    """`550 5.1.1`: the reply code and, where given, the enhanced one (RFC 2034); nothing else."""
    detail = _DETAIL.match(text)
    return f"{reply} {detail[1].decode()}" if detail else str(reply)


def _refusal(reply: int, text: bytes) -> Outcome:
    code = _code(reply, text)
    return Rejected(code) if reply >= _FIRST_PERMANENT else Later(code)


def _lost(error: OSError) -> str:
    causes = (error, error.__context__)  # smtplib wraps a time-out of the socket
    return "timeout" if any(isinstance(e, TimeoutError) for e in causes) else "connection_lost"


def stuff(data: bytes) -> bytes:
    """Canonical line ends and doubled leading dots (RFC 5321, 4.5.2), without the final dot."""
    lines = _LOOSE_LINE_END.sub(b"\r\n", data)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


class SmtpTransport:
    """A `Transport` over one SMTP connection.

    Args:
        settings: Where and how to hand over.
        password: For `settings.user`; empty where there is none.
        ca_file: PEM file of authorities to trust instead of the system's.
        insecure: Allow clear text to another machine: every address and text then crosses the
            network for anyone to read.

    Raises:
        UsageError: The settings cannot work or would give addresses away.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        password: Pii = _NO_PASSWORD,
        ca_file: Path | None = None,
        insecure: bool = False,
    ) -> None:
        verify(settings, password=password, insecure=insecure)
        self._settings = settings
        self._password = password
        self._ca_file = ca_file
        self._smtp: smtplib.SMTP | None = None

    def deliver(self, envelope: Envelope) -> Outcome:
        """Hand one message over.

        Raises:
            ConsortiumError: Login or TLS failed, or the server refuses us as a sender.
        """
        try:
            outcome = self._deliver(envelope)
        except BaseException:  # interrupted half-way: what comes next would be read as content
            self._drop()
            raise
        if isinstance(outcome, NotHandedOver | Unknown):
            self._drop()
        return outcome

    def close(self) -> None:
        """Say QUIT if anyone still listens, and hang up."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
        self._smtp = None

    def _deliver(self, envelope: Envelope) -> Outcome:
        fresh = self._smtp is None
        begun = self._begin(envelope)
        if isinstance(begun, NotHandedOver) and not fresh:
            self.close()  # it went stale while we waited; nothing of this message was taken
            begun = self._begin(envelope)
        return self._content(begun, envelope) if isinstance(begun, smtplib.SMTP) else begun

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    def _begin(self, envelope: Envelope) -> smtplib.SMTP | Outcome:
        """Everything up to the server's leave to send content."""
        recipient = envelope.recipient.reveal()
        try:
            if self._smtp is None:
                self._smtp = connect(self._settings, password=self._password, ca_file=self._ca_file)
        except ConnectionError:
            return NotHandedOver("no_connection")
        smtp = self._smtp
        if refusal := _cannot_carry(recipient, smtp):
            return refusal
        try:
            reply, text = self._envelope(smtp, envelope.sender, recipient)
        except OSError as error:
            return NotHandedOver(_lost(error))
        if reply == _GO_AHEAD:
            return smtp
        if reply == _CLOSING or reply < _FIRST_FAILURE:  # below 400: not an answer of RFC 5321
            return NotHandedOver("service_closing" if reply == _CLOSING else "connection_lost")
        try:
            smtp.rset()
        except OSError:
            self._drop()
        return self._judge(_refusal(reply, text))

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str) -> tuple[int, bytes]:
        """`MAIL`, `RCPT`, `DATA`; the first reply that stops it, or that to `DATA`."""
        try:
            reply, text = smtp.mail(sender, () if recipient.isascii() else ("SMTPUTF8",))
            if reply >= _FIRST_PERMANENT:
                raise self._sender_refused(_code(reply, text))
            if reply in _DONE:
                reply, text = smtp.rcpt(recipient)
            if reply in _DONE:
                reply, text = smtp.docmd("DATA")
        finally:
            smtp.command_encoding = "ascii"
        return reply, text

    def _content(self, smtp: smtplib.SMTP, envelope: Envelope) -> Outcome:
        if not envelope.may_go():
            return NotHandedOver(TOO_LATE)  # without a final dot the server takes nothing
        try:
            smtp.send(stuff(envelope.data))
        except OSError as error:
            return NotHandedOver(_lost(error))
        try:
            smtp.send(b".\r\n")
            reply, text = smtp.getreply()
        except OSError as error:
            return Unknown(_lost(error))
        if reply not in _DONE and reply < _FIRST_FAILURE:
            return Unknown("connection_lost")
        if reply >= _FIRST_FAILURE:
            if reply == _CLOSING:
                self._drop()
            return self._judge(_refusal(reply, text))
        return Accepted(_code(reply, text))

    def _judge(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Rejected) and blocks_sender(outcome.code):
            raise self._sender_refused(outcome.code)
        return outcome

    def _sender_refused(self, code: str) -> ConsortiumError:
        self.close()
        return ConsortiumError(
            f"{self._settings.host} refuses us as a sender ({code})",
            hint="Check login, SPF, DKIM and DMARC of the owners' domains, then send again.",
        )


def _cannot_carry(recipient: str, smtp: smtplib.SMTP) -> Rejected | None:
    if _UNSENDABLE.search(recipient):
        return Rejected("553 5.1.3")  # bad address syntax: what any server would say
    if not recipient.isascii() and not smtp.has_extn("smtputf8"):
        return Rejected("553 5.6.7")  # RFC 6531, 3.5: the code a server would use
    return None
