"""Opening a connection to the submission server: dial, TLS, log in.

Certificates are verified. Plain text without TLS is refused unless the server is on this machine
or the caller says `insecure`. A failure that may pass (nobody answers, 4xx) is a
`ConnectionError`; one that will not (no such host, certificate, login) is a `ConsortiumError` that
names the setting to look at. Neither quotes what the server said.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from pathlib import Path

from consortium.config import SmtpSettings
from consortium.errors import ConsortiumError, UsageError
from consortium.types import Pii

__all__ = ["connect", "verify"]

_FIRST_PERMANENT = 500


def verify(settings: SmtpSettings, *, password: Pii, insecure: bool) -> None:
    """Refuse settings that cannot work or would give addresses away, before anything is sent.

    Raises:
        UsageError: Clear text to another machine, or a login that is only half there.
    """
    if bool(settings.user) != bool(password.reveal()):
        raise UsageError(
            "SMTP login needs both a user and a password",
            hint="Set user and password_file, or CONSORTIUM_SMTP_PASSWORD.",
        )
    if settings.security == "none" and not insecure and not _is_this_machine(settings.host):
        raise UsageError(
            f"refusing to send in clear text to {settings.host}",
            hint='Set security to "starttls" or "tls"; "none" is for a server on this machine.',
        )


def connect(settings: SmtpSettings, *, password: Pii, ca_file: Path | None) -> smtplib.SMTP:
    """A connection that is ready for `MAIL`.

    Args:
        settings: Where and how.
        password: For `settings.user`; empty where there is none.
        ca_file: PEM file of authorities to trust instead of the system's.

    Raises:
        ConnectionError: Nobody answers, or not now.
        ConsortiumError: Settings, certificate or login are wrong; trying again will not help.
    """
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _dial(settings, ca_file)
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            smtp.starttls(context=_tls(ca_file))
            smtp.ehlo_or_helo_if_needed()
        if settings.user:
            smtp.login(settings.user, password.reveal())
    except UnicodeError:  # what the standard library raises for a label of more than 63 characters
        raise _no_such_host(settings.host) from None
    except OSError as error:  # the base of smtplib's and ssl's errors as well
        if smtp is not None:
            smtp.close()
        raise _translate(error, settings) from None  # theirs quote the server, which may quote us
    assert smtp.sock is not None
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the final dot goes alone
    return smtp


def _dial(settings: SmtpSettings, ca_file: Path | None) -> smtplib.SMTP:
    host, port, timeout = settings.host, settings.port, float(settings.timeout_seconds)
    hello = "localhost" if _is_this_machine(host) else None
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            host, port, local_hostname=hello, timeout=timeout, context=_tls(ca_file)
        )
    return smtplib.SMTP(host, port, local_hostname=hello, timeout=timeout)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise UsageError(
            "the file of trusted certificates cannot be read", hint="It must hold PEM certificates."
        ) from error


def _translate(error: OSError, settings: SmtpSettings) -> Exception:
    host = settings.host
    code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0
    passing = smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError
    if isinstance(error, passing) or 0 < code < _FIRST_PERMANENT:
        return ConnectionError()
    match error:
        case smtplib.SMTPAuthenticationError():
            return ConsortiumError(
                f"{host} refused the login ({code})",
                hint="Check user and password of the SMTP settings.",
            )
        case smtplib.SMTPException():
            what = "login" if settings.security != "starttls" else "STARTTLS or login"
            return ConsortiumError(
                f"{host} does not offer the {what} that the settings ask for",
                hint="Check port, security and user of the SMTP settings.",
            )
        case ssl.SSLError():
            return ConsortiumError(
                f"no trusted TLS connection to {host}, port {settings.port}",
                hint="Its certificate does not verify, or it speaks no TLS on this port.",
            )
        case socket.gaierror() if error.errno != socket.EAI_AGAIN:
            return _no_such_host(host)
    return ConnectionError()


def _no_such_host(host: str) -> ConsortiumError:
    return ConsortiumError(f"no such host: {host}", hint="Check host of the SMTP settings.")


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
