"""Campaigns, on the host: created, put to partners, planned, sent, ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import consortium_policies
from consortium import delivery
from consortium.app.context import Context
from consortium.app.keyring import profile_of, tokeniser
from consortium.config import SmtpSettings
from consortium.delivery import PoliciesInForce, SendResult, Transport
from consortium.errors import BadFile
from consortium.types import CampaignName, Pii

__all__ = ["Campaigns"]


class Campaigns:
    """The campaigns of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._policies = PoliciesInForce(consortium_policies.rules(), consortium_policies.presets())

    def send(
        self,
        name: str,
        *,
        transport: Transport | None = None,
        stop: Callable[[], bool] = lambda: False,
        patience: timedelta | None = None,
    ) -> SendResult:
        """Send a planned campaign, or go on with it where the last run ended.

        Args:
            name: The campaign.
            transport: What carries messages; None: SMTP as the settings say.
            stop: Asked between messages; once true, the run ends in good order.
            patience: End when the next message is due only after this long; None: wait.

        Raises:
            NotFound, StateConflict: No such campaign, or its state does not allow it.
            PolicyRefused: No partner has approved it.
            KeyFailure: The vault key does not open.
            ConsortiumError: The mail server refuses us; what has not gone still waits.
        """
        context = self._context
        return delivery.send(
            context.database,
            CampaignName(name),
            origin=context.card.origin,
            vault_key=context.keys.open("vault"),
            wraps=context.wraps,
            tokenisers=[tokeniser(context)],
            policies=self._policies,
            transport=transport or delivery.SmtpTransport(_server(context.smtp, context.home)),
            clock=context.clock,
            observer=context.observer,
            stop=stop,
            patience=patience,
            profile=profile_of(context.card),
        )


def _server(smtp: SmtpSettings, home: Path | None) -> delivery.SmtpServer:
    return delivery.SmtpServer(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        user=smtp.user,
        password=_password(smtp, home),
        timeout_seconds=smtp.timeout_seconds,
    )


def _password(smtp: SmtpSettings, home: Path | None) -> Pii:
    if "CONSORTIUM_SMTP_PASSWORD" in os.environ:
        return Pii(os.environ["CONSORTIUM_SMTP_PASSWORD"])
    if smtp.password_file is None:
        return Pii("")
    file = smtp.password_file if home is None else home / smtp.password_file
    try:
        return Pii(file.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(
            f"the SMTP password file {file.name} cannot be read", hint="See [smtp] in the settings."
        ) from error
