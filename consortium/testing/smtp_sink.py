"""A small SMTP server on loopback that keeps what it is given: for the demo and for tests.

It speaks the part of RFC 5321 that a sender needs (EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, VRFY,
QUIT, with SIZE, PIPELINING, 8BITMIME, SMTPUTF8 and ENHANCEDSTATUSCODES) and nothing of what makes
a mail system: no relaying, no queue, no TLS. Each accepted message becomes one `.eml` file, on disk
before the sender hears 250; the envelope is in front of it as `Return-Path` and `Delivered-To`, the
way a delivering server writes it.

    python -m consortium.testing.smtp_sink --maildir mails
    listening on 127.0.0.1 40811

Rules make it difficult on purpose; PATTERN is a shell pattern over the recipient's address:

    --reply PATTERN=CODE TEXT   answer RCPT so, e.g. "*@full.example=452 4.2.2 full"
    --after-dot PATTERN=CODE TEXT   take the content, then answer so
    --drop-before-dot PATTERN   hang up while the content arrives
    --drop-after-dot PATTERN    keep the message, then hang up without an answer
    --slow SECONDS              wait before answering the final dot
    --first N                   every rule applies to the first N matching messages only
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from consortium.errors import ConsortiumError
from consortium.types import Pii

__all__ = ["Kept", "Rule", "Sink", "kept", "main", "running"]

_MAX_SIZE = 32 * 1024 * 1024
_MAX_LINE = 4096
_PATH = re.compile(r"(?i)(?:FROM|TO):\s*<(?P<address>[^<>\r\n]*)>(?P<options>.*)")
_EXTENSIONS = (f"SIZE {_MAX_SIZE}", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
_START_SECONDS = 20


@dataclass(slots=True)
class Rule:
    """What to do to messages whose recipient matches `pattern`; `left` counts down to 0."""

    step: str  # "rcpt", "after-dot", "drop-before-dot", "drop-after-dot"
    pattern: str
    reply: str = ""
    left: int = sys.maxsize

    def applies(self, step: str, recipient: str) -> bool:
        """Whether it applies; each yes uses it up once."""
        if step != self.step or self.left <= 0 or not fnmatchcase(recipient, self.pattern):
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class _Session:
    greeted: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    def reset(self) -> None:
        self.sender = None
        self.recipients = []


class _HangUpError(Exception):
    """A rule says that this connection ends here."""


class Sink:
    """The server; `maildir` gets one `.eml` file per accepted message and recipient."""

    def __init__(self, maildir: Path, *, rules: Sequence[Rule] = (), slow: float = 0.0) -> None:
        maildir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._maildir = maildir
        self._rules = list(rules)
        self._slow = slow
        self._count = sum(1 for _ in maildir.glob("*.eml"))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Listen; port 0 takes a free one."""
        return await asyncio.start_server(self._serve, host, port, limit=_MAX_LINE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (_HangUpError, ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the other side has gone, talks no SMTP, or a rule says so
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session()
        writer.write(b"220 localhost consortium smtp sink\r\n")
        while True:
            if not reader.at_eof():
                await writer.drain()
            line = await reader.readuntil(b"\n")
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "QUIT":
                    writer.write(b"221 2.0.0 bye\r\n")
                    return
                case "DATA" if session.recipients:
                    writer.write(b"354 go ahead\r\n")
                    await writer.drain()
                    reply = await self._content(reader, session)
                    session.reset()
                case "DATA":
                    reply = "503 5.5.1 no recipient"
                case "MAIL" | "RCPT" as step:
                    reply = self._envelope(step, rest, session)
                case other:
                    reply = self._other(other, session)
            writer.write(reply.encode() + b"\r\n")

    def _other(self, verb: str, session: _Session) -> str:
        match verb:
            case "EHLO":
                session.greeted = True
                session.reset()
                return "\r\n".join(["250-localhost", *(f"250-{e}" for e in _EXTENSIONS[:-1])]) + (
                    f"\r\n250 {_EXTENSIONS[-1]}"
                )
            case "HELO":
                session.greeted = True
                session.reset()
                return "250 localhost"
            case "RSET":
                session.reset()
                return "250 2.0.0 forgotten"
            case "NOOP":
                return "250 2.0.0 still here"
            case "VRFY":
                return "252 2.1.5 send and see"
        return "500 5.5.2 no such command"

    def _envelope(self, step: str, rest: str, session: _Session) -> str:
        path = _PATH.fullmatch(rest)
        if path is None:
            return "501 5.5.4 cannot read that"
        if not session.greeted:
            return "503 5.5.1 say EHLO first"
        if step == "MAIL":
            return self._mail(path["address"], path["options"], session)
        return self._rcpt(path["address"], session)

    def _mail(self, sender: str, options: str, session: _Session) -> str:
        size = re.search(r"(?i)\bSIZE=(\d+)", options)
        if size and int(size[1]) > _MAX_SIZE:
            return "552 5.3.4 too large"
        session.reset()
        session.sender = sender
        return "250 2.1.0 sender ok"

    def _rcpt(self, recipient: str, session: _Session) -> str:
        if session.sender is None:
            return "503 5.5.1 MAIL first"
        if not recipient:
            return "501 5.1.3 no address"
        if rule := self._rule("rcpt", recipient):
            return rule.reply
        session.recipients.append(recipient)
        return "250 2.1.5 recipient ok"

    def _rule(self, step: str, *recipients: str) -> Rule | None:
        return next((r for r in self._rules for to in recipients if r.applies(step, to)), None)

    async def _content(self, reader: asyncio.StreamReader, session: _Session) -> str:
        lines: list[bytes] = []
        size = 0
        if self._rule("drop-before-dot", *session.recipients):
            raise _HangUpError
        while (line := await _line(reader)) != b".\r\n":
            size += len(line)
            if size <= _MAX_SIZE:
                lines.append(line[1:] if line.startswith(b".") else line)
        if size > _MAX_SIZE:
            return "552 5.3.4 too large"
        if self._slow:
            await asyncio.sleep(self._slow)
        if rule := self._rule("after-dot", *session.recipients):
            return rule.reply
        for recipient in session.recipients:
            self._keep(session.sender or "", recipient, b"".join(lines))
        if self._rule("drop-after-dot", *session.recipients):
            raise _HangUpError
        return f"250 2.0.0 kept as {self._count:06d}"

    def _keep(self, sender: str, recipient: str, content: bytes) -> None:
        self._count += 1
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
        final = self._maildir / f"{self._count:06d}.eml"
        part = final.with_suffix(".part")
        with open(part, "xb", opener=_private) as file:
            file.write(envelope + content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(final)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """One line of content; a longer one than the buffer comes in pieces."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(error.consumed)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message the sink has accepted.

    Attributes:
        path: Its file.
        sender, recipient: Of the envelope.
    """

    path: Path
    sender: str
    recipient: Pii


def kept(maildir: Path) -> list[Kept]:
    """Every message in a sink's folder, in the order of arrival."""
    found = []
    for path in sorted(maildir.glob("*.eml")):
        with path.open("rb") as file:
            sender = file.readline().decode().removeprefix("Return-Path: <").rstrip(">\r\n")
            recipient = file.readline().decode().removeprefix("Delivered-To: ").rstrip("\r\n")
        found.append(Kept(path, sender, Pii(recipient)))
    return found


@contextlib.contextmanager
def running(maildir: Path, *options: str) -> Iterator[int]:
    """A sink in its own process; gives its port and ends it with the block.

    Raises:
        ConsortiumError: It did not come up.
    """
    command = [sys.executable, "-m", "consortium.testing.smtp_sink", "--maildir", str(maildir)]
    process = subprocess.Popen(  # noqa: S603 - our own module, under our own interpreter
        [*command, *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        if words[:2] != ["listening", "on"]:
            raise ConsortiumError("the SMTP sink did not start", hint="See its output above")
        yield int(words[3])
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _rules(arguments: argparse.Namespace) -> list[Rule]:
    rules = []
    for step, values in (("rcpt", arguments.reply), ("after-dot", arguments.after_dot)):
        for value in values:
            pattern, _, reply = value.rpartition("=")
            rules.append(Rule(step, pattern, reply, arguments.first))
    rules += [Rule("drop-before-dot", p, left=arguments.first) for p in arguments.drop_before_dot]
    rules += [Rule("drop-after-dot", p, left=arguments.first) for p in arguments.drop_after_dot]
    return rules


async def _run(arguments: argparse.Namespace) -> None:
    sink = Sink(arguments.maildir, rules=_rules(arguments), slow=arguments.slow)
    server = await sink.start(arguments.host, arguments.port)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"listening on {host} {port}", flush=True)  # noqa: T201 - this line is the interface
    async with server:
        await server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sink until it is ended."""
    parser = argparse.ArgumentParser(prog="consortium.testing.smtp_sink", description=__doc__)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    for name in ("--reply", "--after-dot", "--drop-before-dot", "--drop-after-dot"):
        parser.add_argument(name, action="append", default=[], metavar="PATTERN")
    parser.add_argument("--slow", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--first", type=int, default=sys.maxsize, metavar="N")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
