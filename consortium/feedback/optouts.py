"""Opt-outs: who asks not to be contacted is not contacted, from the next intent on.

An opt-out bans the contact point it names, under the token of every key epoch, and on the same
channel the other contact points of the persons holding it at that moment, once and for good, with
the cause. Whoever records it again changes nothing.

How far it reaches depends on whose word it rests on. What the recipient asks for may hold for the
whole consortium. A partner can block only what goes out in its own name: else it could silence the
others by blocking their lists. The ledger records that somebody opted out, when, how far and why;
no address and no token.

Causes are one word each, `CAUSES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from consortium.clock import Clock
from consortium.errors import PolicyRefused, UsageError, quoted
from consortium.ledger import entries
from consortium.model import Channel, Scope
from consortium.store import ledger, opt_outs, partners, suppressions
from consortium.store.engine import Database, Tx
from consortium.store.messages import message_name
from consortium.store.opt_outs import BanRecord
from consortium.store.suppressions import KIND_OF, Request
from consortium.tokens import (
    PROFILE,
    REJECTIONS,
    Email,
    Phone,
    Profile,
    Rejected,
    Tokeniser,
    email,
    phone,
)
from consortium.types import PartnerSlug, Pii, Token

__all__ = ["CAUSES", "Added", "Known", "add", "ban_now", "check"]

CAUSES: Final[Mapping[str, str]] = {
    "asked": "the recipient said so to somebody",
    "unsubscribe_mail": "the recipient wrote to the address for opting out",
    "complaint": "the recipient complained",
    "unsubscribed": "marked so in a partner's list",
    "bounced": "marked so in a partner's list",
    "spam_report": "marked so in a partner's list",
    "do_not_contact": "marked so in a partner's list",
}
"""Every cause, as words for a screen."""

Author = Literal["recipient", "partner", "operator"]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an opt-out.

    Attributes:
        new: Whether it bans anything that was not banned before.
        contact_points: How many contact points it bans anew: the one named, and others of the same
            persons. Those of other key epochs are not counted twice.
        at: Since when it holds.
    """

    new: bool
    contact_points: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an address: the bans it stands under."""

    bans: tuple[BanRecord, ...]

    def banned(self, channel: Channel, *, partner: PartnerSlug | None = None) -> bool:
        """Whether nothing goes to it on a channel, from anybody or in one partner's name."""
        return any(
            ban.channel is channel and (ban.partner is None or ban.partner == partner)
            for ban in self.bans
        )


def add(
    database: Database,
    *,
    address: Pii,
    channel: Channel,
    scope: Scope,
    author: Author,
    cause: str,
    tokenisers: Sequence[Tokeniser],
    clock: Clock,
    partner: PartnerSlug | None = None,
    profile: Profile = PROFILE,
    region: str = "US",
) -> Added:
    """Record that somebody does not want to be contacted.

    Args:
        database: The system of record.
        address: E-mail address or telephone number, as the channel says.
        channel: On which channel.
        scope: For one partner's messages or for the whole consortium's.
        author: Whose word it rests on.
        cause: One of `CAUSES`.
        tokenisers: One per token key epoch ever used.
        clock: What time it is.
        partner: Of a partner-scope one.
        profile: The normalisation profile.
        region: Country of telephone numbers without a country code.

    Raises:
        UsageError: The address is none, a cause is unknown, or scope and partner do not fit.
        NotFound: No such partner.
        PolicyRefused: A partner asks for more than its own scope.
    """
    if cause not in CAUSES:
        raise UsageError(f"unknown cause {quoted(cause)}", hint=f"One of: {', '.join(CAUSES)}")
    if author == "partner" and scope is not Scope.PARTNER:
        raise PolicyRefused(
            "a partner can block only what goes out in its own name",
            hint="A wider opt-out has to come from the recipient.",
        )
    if (partner is None) is (scope is Scope.PARTNER):
        raise UsageError(
            "an opt-out of partner scope names the partner, one of consortium scope names none"
        )
    tokens = _tokens(address, channel, tokenisers, profile, region)
    with database.write() as tx:
        request = Request(
            at=clock.now(),
            channel=channel,
            scope=scope,
            partner_id=None if partner is None else partners.get(tx, partner).id,
            cause=cause,
            author=author,
        )
        return ban_now(tx, request, tokens, partner=partner)


def ban_now(
    tx: Tx, request: Request, tokens: Sequence[Token], *, partner: PartnerSlug | None
) -> Added:
    """Make an opt-out effective inside a transaction, with its ledger entry last.

    One that bans nothing anew is recorded all the same, once: its owner is told of it whether or
    not the contact point was banned before, perhaps by an answer to somebody else's message.

    Args:
        tx: The transaction.
        request: Who asks for what; its entry is set here.
        tokens: One contact point's, under every key epoch known for it.
        partner: Short name of the request's partner, if it has one.
    """
    kind = KIND_OF[request.channel]
    others = {other for _, other in suppressions.held_with(tx, tokens, kind=kind)}
    wanted = {*tokens, *others}
    standing = {
        token
        for (_, token), ban in suppressions.on_tokens(tx, [(kind, token) for token in wanted])
        if ban.channel is request.channel and ban.partner_id in {None, request.partner_id}
    }
    new = wanted - standing
    request = replace(request, named=tokens[0])
    if not new and opt_outs.is_recorded(tx, request):
        return Added(new=False, contact_points=0, at=request.at)
    opt_out_id = suppressions.add_opt_out(tx, request)
    if new:
        suppressions.suppress(tx, [(token, opt_out_id, request) for token in wanted])
    entry = ledger.append(
        tx,
        entries.opt_out_added(
            request.channel,
            scope=request.scope,
            partner=partner,
            cause=request.cause,
            author=_author(request.author),
            people=1,
            at=request.at,
            message=None if request.message_id is None else message_name(request.message_id),
        ),
    )
    opt_outs.set_entry(tx, opt_out_id, entry=entry)
    named = bool(new & set(tokens))
    return Added(new=bool(new), contact_points=named + len(new - set(tokens)), at=request.at)


def check(
    database: Database,
    *,
    address: Pii,
    channel: Channel,
    tokenisers: Sequence[Tokeniser],
    profile: Profile = PROFILE,
    region: str = "US",
) -> Known:
    """What is known of an address; arguments as for `add`.

    Raises:
        UsageError: The address is none.
    """
    tokens = _tokens(address, channel, tokenisers, profile, region)
    with database.read() as tx:
        return Known(tuple(opt_outs.bans(tx, [(KIND_OF[channel], token) for token in tokens])))


def _tokens(
    address: Pii,
    channel: Channel,
    tokenisers: Sequence[Tokeniser],
    profile: Profile,
    region: str,
) -> list[Token]:
    found: Email | Phone | Rejected
    if channel is Channel.EMAIL:
        found = email.normalise(address.reveal(), profile)
    else:
        found = phone.normalise(address.reveal(), region)
    match found:
        case Email(canonical=value) | Phone(e164=value):
            kind = KIND_OF[channel]
            return [t for each in tokenisers for t in each.contact(kind, [value])]
        case Rejected(code):
            what = "an e-mail address" if channel is Channel.EMAIL else "a telephone number"
            raise UsageError(
                f"that is not {what} we can use: {REJECTIONS.get(code, code)}",
                hint="Check it for typing errors; nothing was changed. "
                "Telephone numbers: --channel sms; e-mail addresses: --channel email.",
            )


def _author(word: str) -> Author:
    match word:
        case "recipient" | "partner" | "operator":
            return word
    raise UsageError("an opt-out rests on the word of a recipient, a partner or the operator")
