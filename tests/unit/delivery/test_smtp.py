"""The SMTP client, phase by phase, against servers that misbehave in each of them."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from consortium.config import SmtpSettings
from consortium.delivery.smtp import SmtpTransport, stuff
from consortium.delivery.transport import (
    Accepted,
    Envelope,
    Later,
    NotHandedOver,
    Outcome,
    Rejected,
    Unknown,
    blocks_sender,
    is_about_sender,
)
from consortium.errors import ConsortiumError, UsageError
from consortium.testing.smtp_sink import kept, running
from consortium.types import Pii

SECRET_NAME = "vera.lopez"


def envelope(to: str = f"{SECRET_NAME}@example.org", text: bytes = b"hello") -> Envelope:
    data = b"From: <gotv@nurses.example>\r\nSubject: x\r\n\r\n" + text + b"\r\n"
    return Envelope(sender="gotv@nurses.example", recipient=Pii(to), data=data)


def settings(port: int, security: str = "none", **more: object) -> SmtpSettings:
    return SmtpSettings.model_validate(
        {"host": "localhost", "port": port, "security": security, "timeout_seconds": 2, **more}
    )


class Script:
    """A server that answers each step as told: a reply, or None to hang up.

    One list of answers per connection, in the order greeting, EHLO, MAIL, RCPT, DATA, dot, then
    again from MAIL. `"silence"` answers nothing and keeps the line open.
    """

    def __init__(self, *connections: list[str | None]) -> None:
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.contents: list[bytes] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            for answers in self._connections:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._talk(connection, answers)

    def _talk(self, connection: socket.socket, answers: list[str | None]) -> None:
        stream = connection.makefile("rwb")
        in_content = False
        for number, answer in enumerate(answers):
            if number and in_content:
                lines = []
                while (line := stream.readline()) not in {b".\r\n", b""}:
                    lines.append(line)
                self.contents.append(b"".join(lines))
            elif number and not stream.readline():
                return
            if answer is None:
                return
            if answer == "silence":
                self._done.wait(5)
                return
            in_content = answer.startswith("354")
            stream.write(answer.encode() + b"\r\n")
            stream.flush()
        while stream.readline():  # RSET, QUIT and the like
            stream.write(b"250 ok\r\n")
            stream.flush()

    def close(self) -> None:
        self._done.set()
        self._listener.close()


HELLO: list[str | None] = ["220 hi", "250-hi\r\n250 ENHANCEDSTATUSCODES"]
TAKEN: list[str | None] = ["250 2.1.0 ok", "250 2.1.5 ok", "354 go", "250 2.0.0 queued"]


@contextlib.contextmanager
def scripted(*connections: list[str | None]) -> Iterator[tuple[SmtpTransport, Script]]:
    script = Script(*connections)
    transport = SmtpTransport(settings(script.port))
    try:
        yield transport, script
    finally:
        transport.close()
        script.close()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (TAKEN, Accepted("250 2.0.0")),
        (["451 4.7.1 slow down"], Later("451 4.7.1")),
        (["250 ok", "550 5.1.1 no such user vera.lopez"], Rejected("550 5.1.1")),
        (["250 ok", "550 no such user"], Rejected("550")),
        (["250 ok", "452 4.2.2 full"], Later("452 4.2.2")),
        (["250 ok", "550 5.7.1 not wanted"], Rejected("550 5.7.1")),
        (["250 ok", "250 ok", "554 5.6.0 no"], Rejected("554 5.6.0")),
        (["250 ok", "250 ok", "354 go", "552 5.2.2 full"], Rejected("552 5.2.2")),
        (["250 ok", "250 ok", "354 go", "451 4.3.0 try later"], Later("451 4.3.0")),
        (["250 ok", "250 ok", "354 go", "421 4.3.2 closing"], Later("421 4.3.2")),
        (["421 4.3.2 closing"], NotHandedOver("service_closing")),
        ([None], NotHandedOver("connection_lost")),
        (["250 ok", None], NotHandedOver("connection_lost")),
        (["250 ok", "250 ok", None], NotHandedOver("connection_lost")),
        (["250 ok", "250 ok", "250 what"], NotHandedOver("connection_lost")),
        (["250 ok", "silence"], NotHandedOver("timeout")),
        (["250 ok", "250 ok", "354 go", None], Unknown("connection_lost")),
        (["250 ok", "250 ok", "354 go", "silence"], Unknown("timeout")),
        (["250 ok", "250 ok", "354 go", "gibberish"], Unknown("connection_lost")),
        (["250 ok", "250 ok", "354 go", "250 " + "x" * 9000], Unknown("connection_lost")),
    ],
)
def test_each_failure_is_known_for_what_it_is(answers: list[str | None], outcome: Outcome) -> None:
    with scripted(HELLO + answers) as (transport, _):
        assert transport.deliver(envelope()) == outcome


def test_connection_that_went_stale_is_replaced_before_anything_is_sent() -> None:
    closing: list[str | None] = ["421 4.4.2 idle"]
    with scripted(HELLO + TAKEN + closing, HELLO + TAKEN) as (transport, script):
        assert transport.deliver(envelope(text=b"one")) == Accepted("250 2.0.0")
        assert transport.deliver(envelope(text=b"two")) == Accepted("250 2.0.0")
        assert len(script.contents) == 2


def test_connection_lost_after_the_dot_is_never_followed_by_a_second_try() -> None:
    lost: list[str | None] = [*TAKEN[:3], None]
    with scripted(HELLO + TAKEN + lost, HELLO + TAKEN) as (transport, script):
        transport.deliver(envelope(text=b"one"))
        assert transport.deliver(envelope(text=b"two")) == Unknown("connection_lost")
        assert len(script.contents) == 2


def test_message_that_may_no_longer_go_when_the_server_is_ready_is_not_handed_over() -> None:
    with scripted(HELLO + TAKEN, HELLO + TAKEN) as (transport, script):
        late = replace(envelope(text=b"one"), may_go=lambda: False)
        assert transport.deliver(late) == NotHandedOver("too_late")
        assert transport.deliver(envelope(text=b"two")) == Accepted("250 2.0.0")
        assert [b"one" in content for content in script.contents] == [False, False]


def test_connection_is_not_used_again_after_an_interrupt() -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    with scripted(HELLO + TAKEN, HELLO + TAKEN) as (transport, script):
        with pytest.raises(KeyboardInterrupt):
            transport.deliver(replace(envelope(text=b"one"), may_go=interrupt))
        assert transport.deliver(envelope(text=b"two")) == Accepted("250 2.0.0")
        assert [b"FROM:" in content for content in script.contents] == [False, False]


def test_refusal_stands_even_if_the_server_hangs_up_right_after_it() -> None:
    refusing: list[str | None] = ["250 ok", "550 5.1.1 no", None]
    with scripted(HELLO + refusing, HELLO + TAKEN) as (transport, _):
        assert transport.deliver(envelope()) == Rejected("550 5.1.1")
        assert transport.deliver(envelope()) == Accepted("250 2.0.0")


def test_nobody_listening_is_certainly_not_handed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert SmtpTransport(settings(port)).deliver(envelope()) == NotHandedOver("no_connection")


@pytest.mark.parametrize(
    "answers",
    [
        ["530 5.7.0 authentication required"],
        ["550 5.1.8 sender unknown"],
        ["250 ok", "550 5.7.26 unauthenticated"],
        ["250 ok", "250 ok", "354 go", "550 5.7.515 access denied"],
    ],
)
def test_refusal_of_the_sender_raises_rather_than_judging_the_recipient(
    answers: list[str | None],
) -> None:
    with (
        scripted(HELLO + answers) as (transport, _),
        pytest.raises(ConsortiumError, match="refuses us as a sender") as caught,
    ):
        transport.deliver(envelope())
    assert SECRET_NAME not in caught.value.message + caught.value.hint


def test_codes_that_judge_us_are_told_from_those_that_judge_the_recipient() -> None:
    assert all(map(blocks_sender, ["530 5.7.0", "535 5.7.8", "550 5.7.26", "550 5.7.515", "535"]))
    assert not any(map(blocks_sender, ["550 5.1.1", "550", "550 5.7.1", "552 5.2.2", "554 5.7.2"]))
    assert all(map(is_about_sender, ["550 5.7.1", "554 5.7.2", "535"]))
    assert not any(map(is_about_sender, ["550 5.1.1", "552 5.2.2", "550"]))


def test_address_that_could_end_a_command_never_reaches_the_server() -> None:
    with scripted(HELLO + TAKEN) as (transport, script):
        for bad in ("a@b.example>\r\nDATA", "a b@c.example", "", "a@b\0.example", "<a@b.example>"):
            assert transport.deliver(envelope(bad)) == Rejected("553 5.1.3")
        assert transport.deliver(envelope("zoë@example.org")) == Rejected("553 5.6.7")
        assert script.contents == []


@given(st.binary(max_size=200))
def test_stuffed_content_holds_no_final_dot_and_unstuffs_to_itself(data: bytes) -> None:
    stuffed = stuff(data)
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    assert stuffed.endswith(b"\r\n")
    lines = stuffed.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    plain = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    expected = b"\r\n".join(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    assert plain == (expected if expected.endswith(b"\r\n") else expected + b"\r\n")


def test_real_sink_gets_exactly_the_bytes_that_were_sent(tmp_path: Path) -> None:
    sent = envelope(text=b".\r\n..dots\r\n" + "Zoë".encode() + b"x" * 5000)
    with running(tmp_path) as port:
        transport = SmtpTransport(settings(port))
        assert transport.deliver(sent) == Accepted("250 2.0.0")
        assert transport.deliver(envelope("zoë@example.org")) == Accepted("250 2.0.0")
        transport.close()
    first, second = kept(tmp_path)
    assert first.path.read_bytes().split(b"\r\n", 2)[2] == sent.data
    assert second.recipient.reveal() == "zoë@example.org"


# --- TLS and login, against aiosmtpd ------------------------------------------------------------


class _Certificate:
    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.file, private)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> _Certificate:
    return _Certificate(tmp_path_factory.mktemp("tls"))


class _Inbox(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.subjects: list[str] = []

    def handle_message(self, message: object) -> None:
        self.subjects.append(message["Subject"])  # type: ignore[index]  # the base class says object


def _authenticate(server: object, session: object, env: object, how: str, data: object) -> object:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == b"open sesame", handled=False)


class _AnyPort(Controller):
    """Takes a free port; the base class would wait for an answer on port 0."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _Starttls(_AnyPort):
    def __init__(self, inbox: _Inbox, context: ssl.SSLContext) -> None:
        self._tls = context
        super().__init__(inbox, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            tls_context=self._tls,
            require_starttls=True,
            authenticator=_authenticate,
            auth_required=True,
        )


@pytest.fixture
def submission(certificate: _Certificate) -> Iterator[tuple[int, _Inbox]]:
    inbox = _Inbox()
    controller = _Starttls(inbox, certificate.context)
    controller.start()
    yield controller.port, inbox
    controller.stop()


def test_starttls_with_login_delivers(
    submission: tuple[int, _Inbox], certificate: _Certificate
) -> None:
    port, inbox = submission
    transport = SmtpTransport(
        settings(port, "starttls", user="gotv"),
        password=Pii("open sesame"),
        ca_file=certificate.file,
    )
    assert transport.deliver(envelope()) == Accepted("250")
    assert transport.deliver(envelope()) == Accepted("250")
    transport.close()
    assert inbox.subjects == ["x", "x"]


def test_refused_login_stops_with_a_message_that_names_no_password(
    submission: tuple[int, _Inbox], certificate: _Certificate
) -> None:
    transport = SmtpTransport(
        settings(submission[0], "starttls", user="gotv"),
        password=Pii("guessed"),
        ca_file=certificate.file,
    )
    with pytest.raises(ConsortiumError, match=r"localhost refused the login \(535\)") as caught:
        transport.deliver(envelope())
    assert "guessed" not in caught.value.message + caught.value.hint


def test_certificate_that_nobody_vouches_for_stops_before_the_login(
    submission: tuple[int, _Inbox],
) -> None:
    transport = SmtpTransport(
        settings(submission[0], "starttls", user="gotv"), password=Pii("open sesame")
    )
    with pytest.raises(ConsortiumError, match="no trusted TLS connection"):
        transport.deliver(envelope())


def test_server_without_starttls_is_not_spoken_to_in_clear() -> None:
    script = Script(HELLO)
    with pytest.raises(ConsortiumError, match="does not offer the STARTTLS"):
        SmtpTransport(settings(script.port, "starttls")).deliver(envelope())
    script.close()


def test_implicit_tls_delivers(certificate: _Certificate) -> None:
    inbox = _Inbox()
    inbox_server = _AnyPort(inbox, hostname="127.0.0.1", port=0, ssl_context=certificate.context)
    inbox_server.start()
    try:
        transport = SmtpTransport(settings(inbox_server.port, "tls"), ca_file=certificate.file)
        assert transport.deliver(envelope()) == Accepted("250")
        transport.close()
    finally:
        inbox_server.stop()
    assert inbox.subjects == ["x"]


def test_clear_text_is_refused_for_another_machine_unless_asked_for_by_name() -> None:
    elsewhere = SmtpSettings(host="mail.example.org", security="none")
    with pytest.raises(UsageError, match="refusing to send in clear text"):
        SmtpTransport(elsewhere)
    SmtpTransport(elsewhere, insecure=True)
    for host in ("localhost", "127.0.0.1", "::1"):
        SmtpTransport(SmtpSettings(host=host, security="none"))


def test_half_a_login_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="both a user and a password"):
        SmtpTransport(SmtpSettings(host="localhost", security="none", user="gotv"))


def test_impossible_host_says_so() -> None:
    host = "a" * 70 + ".example"
    with pytest.raises(ConsortiumError, match="no such host: aaa"):
        SmtpTransport(SmtpSettings(host=host, security="tls")).deliver(envelope())
