"""The sink, spoken to by the standard library's client and by hand."""

import smtplib
import socket
from pathlib import Path

import pytest

from consortium.testing.smtp_sink import kept, running

DATA = b"Subject: x\r\n\r\nhello\r\n"


def send(port: int, *recipients: str, data: bytes = DATA) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=5) as client:
        return client.sendmail("gotv@nurses.example", recipients, data)


def test_message_is_on_disk_when_the_sender_hears_250(tmp_path: Path) -> None:
    with (
        running(tmp_path) as port,
        smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=5) as client,
    ):
        client.sendmail("gotv@nurses.example", "dana@example.org", DATA)
        [message] = kept(tmp_path)
    assert message.sender == "gotv@nurses.example"
    assert message.recipient.reveal() == "dana@example.org"
    assert message.path.read_bytes().endswith(b"\r\n" + DATA)
    assert message.path.stat().st_mode & 0o777 == 0o600


def test_numbering_goes_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path) as port:
            send(port, "a@example.org", "b@example.org")
    assert [m.path.name for m in kept(tmp_path)] == [f"00000{n}.eml" for n in range(1, 5)]


def test_rules_answer_for_the_recipients_they_name(tmp_path: Path) -> None:
    with running(tmp_path, "--reply", "*@full.example=452 4.2.2 full", "--first", "1") as port:
        refused = send(port, "a@full.example", "b@full.example", "c@example.org")
    assert refused == {"a@full.example": (452, b"4.2.2 full")}
    assert len(kept(tmp_path)) == 2


def test_rule_after_the_dot_keeps_nothing(tmp_path: Path) -> None:
    with (
        running(tmp_path, "--after-dot", "*=554 5.6.0 no") as port,
        pytest.raises(smtplib.SMTPDataError),
    ):
        send(port, "a@example.org")
    assert kept(tmp_path) == []


@pytest.mark.parametrize(("option", "count"), [("--drop-before-dot", 0), ("--drop-after-dot", 1)])
def test_hanging_up_keeps_the_message_only_after_the_dot(
    tmp_path: Path, option: str, count: int
) -> None:
    with running(tmp_path, option, "*") as port, pytest.raises(smtplib.SMTPServerDisconnected):
        send(port, "a@example.org")
    assert len(kept(tmp_path)) == count


def test_pipelined_commands_are_answered_in_order(tmp_path: Path) -> None:
    with running(tmp_path) as port, socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(
            b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n..dot\r\n.\r\nQUIT\r\n"
        )
        with client.makefile("rb") as answers:
            codes = [line[:4] for line in answers]
    assert codes[-6:] == [b"250 ", b"250 ", b"250 ", b"354 ", b"250 ", b"221 "]
    assert kept(tmp_path)[0].path.read_bytes().endswith(b"\r\n.dot\r\n")


def test_commands_out_of_order_or_malformed_are_refused_and_the_line_stays_open(
    tmp_path: Path,
) -> None:
    with (
        running(tmp_path) as port,
        smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=5) as client,
    ):
        assert client.docmd("MAIL", "FROM:<a@b.example>")[0] == 503
        client.ehlo()
        assert client.docmd("RCPT", "TO:<a@b.example>")[0] == 503
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("MAIL", "a@b.example")[0] == 501
        assert client.docmd("MAIL", "FROM:<a@b.example> SIZE=999999999")[0] == 552
        assert client.docmd("MAIL", "FROM:<a@b.example>")[0] == 250
        assert client.docmd("RCPT", "TO:<>")[0] == 501
        assert client.docmd("TURN")[0] == 500
        assert client.rset()[0] == client.noop()[0] == 250
        assert client.verify("a@b.example")[0] == 252
    assert kept(tmp_path) == []


def test_line_longer_than_any_buffer_arrives_whole(tmp_path: Path) -> None:
    data = b"Subject: x\r\n\r\n" + b"y" * 20_000 + b"\r\n"
    with running(tmp_path) as port:
        send(port, "a@example.org", data=data)
    assert kept(tmp_path)[0].path.read_bytes().endswith(data)
