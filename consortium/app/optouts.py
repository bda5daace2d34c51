"""Opt-outs and the mail that comes back, on the host."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

from consortium import feedback
from consortium.app.context import Context
from consortium.app.keyring import profile_of, tokeniser
from consortium.app.packs import take_in
from consortium.errors import UsageError
from consortium.feedback import Added, FeedbackResult, Known
from consortium.feedback.optouts import Author
from consortium.model import Channel, Scope
from consortium.store.uploads import UploadRecord
from consortium.types import PartnerSlug, Pii

__all__ = ["OptOuts"]


class OptOuts:
    """What recipients have asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add(
        self,
        address: Pii,
        *,
        channel: Channel = Channel.EMAIL,
        scope: Scope = Scope.CONSORTIUM,
        partner: str | None = None,
        author: Author = "recipient",
        cause: str = "asked",
    ) -> Added:
        """Record that somebody wants no more messages; holds for every one not yet begun.

        Args:
            address: E-mail address or telephone number, as the channel says.
            channel: On which channel.
            scope: For the whole consortium, or for one partner's messages.
            partner: Of a partner-scope one.
            author: Whose word it rests on; a partner's own reaches only its own messages.
            cause: One of `feedback.CAUSES`.

        Raises:
            UsageError: The address is none, or scope and partner do not fit.
            NotFound: No such partner.
            PolicyRefused: A partner asks for more than its own scope.
        """
        context = self._context
        return feedback.add(
            context.database,
            address=address,
            channel=channel,
            scope=scope,
            author=author,
            cause=cause,
            tokenisers=[tokeniser(context)],
            clock=context.clock,
            partner=None if partner is None else PartnerSlug(partner),
            profile=profile_of(context.card),
            region=context.region,
        )

    def check(self, address: Pii, *, channel: Channel = Channel.EMAIL) -> Known:
        """The bans an address stands under.

        Raises:
            UsageError: The address is none.
        """
        context = self._context
        return feedback.check(
            context.database,
            address=address,
            channel=channel,
            tokenisers=[tokeniser(context)],
            profile=profile_of(context.card),
            region=context.region,
        )

    def import_pack(self, pack: Path) -> UploadRecord:
        """Take in a pack of nothing but opt-outs, as a partner's `pack_opt_outs` makes it.

        Each of them bans an address for messages in the partner's own name, for ever; whatever
        the pack says of consent elsewhere, and whichever is older, a ban stands.

        Raises:
            BadFile: It holds rows as well, or cannot be taken in (`Uploads.add`).
            EvidenceError, NotFound, StateConflict, KeyFailure, StoreFailure: As `Uploads.add`.
        """
        return take_in(self._context, pack, only_opt_outs=True)

    def export(self, partner: str, *, since: date | None = None) -> tuple[str, int]:
        """The signed file that tells a partner which of its own records have opted out.

        Answers to its own messages, and requests that were made to it or to everybody by address;
        not answers to other partners' messages. All of it is sealed to the partner.

        Args:
            partner: Whose records.
            since: Only opt-outs made on this day (UTC) or later.

        Returns:
            The text, to be written as UTF-8, and how many opt-outs are in it.

        Raises:
            NotFound: No such partner.
            UsageError: `since` has not come yet, so that there could be none.
            StateConflict: Too many for one file; ask from a later day on.
        """
        context = self._context
        if since is not None and since > (today := context.clock.now().astimezone(UTC).date()):
            raise UsageError(
                f"{since} has not come yet: today is {today} (UTC)",
                hint="Name the day of your last export; what was taken in before does no harm.",
            )
        return feedback.tell(
            context.database,
            partner,
            card=context.card,
            ledger_key=context.keys.open("ledger"),
            wraps=context.wraps,
            clock=context.clock,
            since=None if since is None else datetime.combine(since, time(), UTC),
        )

    def read_mail(self, maildir: Path) -> FeedbackResult:
        """Read a mailbox of answers: mails to an unsubscribe address become opt-outs.

        Reading it again changes nothing; mails are never moved or deleted. Needs no key.

        Raises:
            BadFile: It is not a Maildir, or cannot be read.
        """
        context = self._context
        return feedback.read_maildir(
            context.database, maildir, clock=context.clock, observer=context.observer
        )
