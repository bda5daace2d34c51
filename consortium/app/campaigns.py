"""Campaigns, on the host: created, put to partners, planned, sent, ended."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import consortium_policies
from consortium import campaign, delivery
from consortium.app.context import Context
from consortium.app.keyring import profile_of, tokeniser
from consortium.campaign import CampaignDocument, CampaignView, PlanResult, Preview, document
from consortium.campaign.states import OVER
from consortium.config import SmtpSettings
from consortium.delivery import PoliciesInForce, SendResult, SmtpTransport, Transport
from consortium.errors import BadFile, ConsortiumError
from consortium.store import campaigns, partners
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.types import CampaignName, PartnerSlug, Pii
from consortium.vault.wraps import campaign_scope

__all__ = ["Campaigns"]


class Campaigns:
    """The campaigns of an open consortium."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._policies = PoliciesInForce(consortium_policies.rules(), consortium_policies.presets())

    def create(self, text: str, *, file: str = "the campaign") -> CampaignRecord:
        """Record a campaign, signed by the coordinator; needs the coordinator's key alone.

        Args:
            text: The document, TOML (docs/formats/campaign.md).
            file: What errors call it.

        Raises:
            DocumentError: The document is wrong, or its window has passed.
            StateConflict: There is a campaign of that name.
        """
        context = self._context
        return campaign.create(
            context.database,
            text,
            card=context.card,
            coordinator_key=context.keys.open("coordinator"),
            clock=context.clock,
            file=file,
        )

    def revise(self, text: str, *, file: str = "the campaign") -> CampaignRecord:
        """Put another text in the place of one of which nothing was sent; approvals lapse.

        Raises:
            DocumentError: The document is wrong, or its window has passed.
            NotFound: There is no campaign of its name.
            StateConflict: Something of it was sent already.
        """
        context = self._context
        return campaign.revise(
            context.database,
            text,
            card=context.card,
            coordinator_key=context.keys.open("coordinator"),
            wraps=context.wraps,
            clock=context.clock,
            file=file,
        )

    def obstacle(self, name: str) -> ConsortiumError | None:
        """What `plan` would refuse a campaign for as the lists are now; None: nothing.

        To be looked at before partners are asked. It says what `plan` would, and no more.

        Raises:
            NotFound: There is no such campaign.
        """
        context = self._context
        with context.database.read() as tx:
            return campaign.obstacle(tx, name, now=context.clock.now())

    def request(self, name: str, partner: str) -> str:
        """The request for approval that one partner is handed, signed by the coordinator.

        Raises:
            NotFound: There is no such campaign or partner.
            StateConflict: The campaign is over, or the partner has no list that counts.
        """
        context = self._context
        return campaign.request_for(
            context.database,
            name,
            partner=PartnerSlug(partner),
            card=context.card,
            coordinator_key=context.keys.open("coordinator"),
            policies=self._policies,
            wraps=context.wraps,
            clock=context.clock,
        )

    def record(self, answer: str) -> AnswerRecord:
        """Record a partner's signed answer; an approval's keys are kept until the campaign ends.

        Raises:
            EvidenceError: Not signed by the partner it names, or altered.
            StateConflict: It answers another text, or the campaign is over.
        """
        context = self._context
        return campaign.record(
            context.database,
            answer,
            card=context.card,
            wraps=context.wraps,
            clock=context.clock,
        )

    def plan(self, name: str) -> PlanResult:
        """Give every person of the audience exactly one answer, and freeze it.

        Raises:
            NotFound: There is no such campaign.
            StateConflict: It is over or being sent, or there are no persons yet.
            PolicyRefused: The audience is too small to be planned.
        """
        context = self._context
        return campaign.plan(
            context.database,
            name,
            policies=self._policies,
            wraps=context.wraps,
            clock=context.clock,
            observer=context.observer,
        )

    def read(self, text: str, *, file: str = "the campaign") -> CampaignDocument:
        """What a text says that is not recorded yet.

        Raises:
            DocumentError: It is malformed or says something it may not; with line.
        """
        return document.parse(text, name=file)

    def answered(self, answer: AnswerRecord) -> CampaignRecord:
        """The campaign that an answer was given to."""
        with self._context.database.read() as tx:
            return campaigns.by_id(tx, answer.campaign_id)

    def document(self, name: str) -> CampaignDocument:
        """What a campaign's document says: its zone, rate and messages.

        Raises:
            NotFound: There is no such campaign.
        """
        with self._context.database.read() as tx:
            record = campaigns.get(tx, name)
        return document.parse(record.document, name=name)

    @property
    def server(self) -> str:
        """The mail server that `send` uses, as the settings name it."""
        smtp = self._context.smtp
        return f"{smtp.host}:{smtp.port}"

    def preview(self, name: str) -> list[Preview]:
        """The message as made-up people would get it, in every partner's name.

        Raises:
            NotFound: There is no such campaign.
        """
        with self._context.database.read() as tx:
            record = campaigns.get(tx, name)
            owners = [found.card for found in partners.all(tx)]
        return campaign.preview(document.parse(record.document, name=name), owners)

    def status(self, name: str) -> CampaignView:
        """Where a campaign stands: answers, plan, messages.

        Raises:
            NotFound: There is no such campaign.
        """
        context = self._context
        return campaign.status(
            context.database,
            name,
            policies=self._policies,
            wraps=context.wraps,
            clock=context.clock,
        )

    def list(self) -> builtins.list[CampaignRecord]:
        """Every campaign, oldest first."""
        with self._context.database.read() as tx:
            return campaigns.all_of(tx)

    def pause(self, name: str) -> None:
        """No further message is begun until `resume`; also while another process sends.

        Raises:
            NotFound, StateConflict: No such campaign, or it is not being sent.
        """
        campaign.pause(self._context.database, name, clock=self._context.clock)

    def resume(self, name: str) -> None:
        """Let a paused campaign be sent again.

        Raises:
            NotFound, StateConflict: No such campaign, or it is not paused.
        """
        campaign.resume(self._context.database, name, clock=self._context.clock)

    def stop(self, name: str, *, reason: str) -> None:
        """End a campaign for good; the keys its partners lent are dropped.

        Raises:
            NotFound, StateConflict: No such campaign, or it is over.
        """
        context = self._context
        campaign.stop(
            context.database, name, reason=reason, wraps=context.wraps, clock=context.clock
        )

    def sweep(self) -> None:
        """Drop what dead planners left, and the wraps of campaigns over or past their end."""
        context = self._context
        campaign.sweep(context.database)
        now = context.clock.now()
        with context.database.read() as tx:
            known = campaigns.all_of(tx)
        kept = set(context.wraps.scopes())
        for record in known:
            if campaign_scope(record.name) not in kept:
                continue
            if record.state in OVER:
                campaign.close(context.database, record.name, wraps=context.wraps)
            elif now > record.not_after:
                context.wraps.drop_scope(campaign_scope(record.name))

    def send(
        self,
        name: str,
        *,
        transport: Transport | None = None,
        smtp: SmtpSettings | None = None,
        stop: Callable[[], bool] = lambda: False,
        patience: timedelta | None = None,
    ) -> SendResult:
        """Send a planned campaign, or go on with it where the last run ended.

        Args:
            name: The campaign.
            transport: What carries messages; None: SMTP.
            smtp: The mail server, in place of the settings'.
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
            transport=transport or self._mail(smtp or context.smtp),
            clock=context.clock,
            observer=context.observer,
            stop=stop,
            patience=patience,
            profile=profile_of(context.card),
        )

    def _mail(self, smtp: SmtpSettings) -> Transport:
        return SmtpTransport(smtp, password=_password(smtp, self._context.home))


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
