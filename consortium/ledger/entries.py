"""The facts a ledger records: one function per kind of entry, a closed set.

An entry says what happened and when, names partners, campaigns and messages by their public names,
documents and packs by their SHA-256, and keeps the signature under which a partner's act was
accepted, so that an auditor who is given the document can check it against the partner's key. It
never holds a token, an address, a person's name or an exact count of people (`commit.band`).

`campaign_planned`, `never_merge_added` and `send_batch` stand for many facts about single persons:
those are leaves (`ledger.leaves`) of a tree of their own, and the entry has their number and the
tree's root, which the store adds. Page: docs/formats/ledger.md. A new kind or field is a new
version of the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from consortium.ledger import grammar, kinds, merkle
from consortium.ledger.canonical import JSON
from consortium.ledger.commit import band
from consortium.model import Channel, ConsortiumCard, ContentClass, PartnerCard, Purpose, Scope
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug, UploadDigest

__all__ = [
    "Entry",
    "campaign_answered",
    "campaign_created",
    "campaign_planned",
    "campaign_state",
    "check",
    "consortium_created",
    "merge_run",
    "never_merge_added",
    "never_merge_taken_back",
    "opt_out_added",
    "partner_admitted",
    "policy_set",
    "send_batch",
    "upload_added",
    "upload_erased",
    "upload_expired",
    "upload_replaced",
    "upload_withdrawn",
    "voters_ended",
    "voters_forgotten",
    "voters_loaded",
    "voters_matched",
    "voters_returned",
]

Entry = dict[str, JSON]
"""An entry's fields by name; a batch entry has neither `leaves` nor `root` until it is appended."""

_UNBATCHED = {
    kind: {f: t for f, t in fields.items() if f not in ("leaves", "root")}
    for kind, fields in kinds.ENTRIES.items()
}


def check(entry: Any) -> Mapping[str, JSON]:  # noqa: ANN401 - anything at all is checked
    """Refuse what is not exactly an entry of this version; total.

    Returns:
        The entry.

    Raises:
        EvidenceError: Unknown kind; unknown, missing or malformed field.
    """
    return grammar.check(entry, kinds.ENTRIES, what="entry")


def _entry(kind: str, at: datetime, **fields: JSON) -> Entry:
    entry: Entry = {"kind": kind, "at": grammar.moment(at), **fields}
    grammar.check(entry, _UNBATCHED, what="entry")
    return entry


def consortium_created(
    card: ConsortiumCard, *, at: datetime, token_epoch: int, profile: int
) -> Entry:
    """The first entry: who this is, the keys that speak for it, how values become tokens.

    Args:
        card: The public card.
        at: Now.
        token_epoch: Epoch of the token key in use.
        profile: Number of the normalisation profile in use.
    """
    return _entry(
        "consortium_created",
        at,
        format=kinds.FORMAT,
        name=card.name,
        origin=card.origin,
        ledger_key=card.ledger_key.hex(),
        coordinator_key=card.coordinator_key.hex(),
        vault_key=card.vault_key.hex(),
        intake_recipient=card.intake_recipient,
        token_epoch=token_epoch,
        profile=profile,
    )


def partner_admitted(card: PartnerCard, *, at: datetime) -> Entry:
    """A partner joined, with the keys that speak for it; its fingerprint follows from these."""
    return _entry(
        "partner_admitted",
        at,
        partner=card.slug,
        group=card.firewall_group,
        sign_key=card.sign_key.hex(),
        receive_key=card.receive_key.hex(),
    )


def policy_set(
    partner: PartnerSlug, *, version: int, digest: bytes, signature: bytes, at: datetime
) -> Entry:
    """A partner's signed send policy came into force.

    Args:
        partner: Whose.
        version: Counts up from 1 for each partner.
        digest: SHA-256 of the document.
        signature: The partner's Ed25519 signature over the signed text, 64 bytes.
        at: Now.
    """
    return _entry(
        "policy_set",
        at,
        partner=partner,
        version=version,
        digest=digest.hex(),
        signature=signature.hex(),
    )


def upload_added(
    partner: PartnerSlug,
    *,
    upload: UploadDigest,
    signature: bytes,
    layout: str,
    obtained_on: date,
    expires_on: date | None,
    profile: int,
    token_epoch: int,
    rows: int,
    opt_outs: int,
    rejected: int,
    repeated: int,
    at: datetime,
) -> Entry:
    """A pack was taken in and its rows count from now on.

    Args:
        partner: The owner.
        upload: The pack's digest; with the pack, its owner can show what any row said.
        signature: The owner's Ed25519 signature in the pack's trailer, 64 bytes.
        layout: The layout the list had, one word.
        obtained_on, expires_on: As the owner attests.
        profile, token_epoch: How its values became tokens.
        rows, opt_outs, rejected, repeated: Exact counts; the entry has their bands.
        at: Now.
    """
    return _entry(
        "upload_added",
        at,
        partner=partner,
        upload=upload.hex(),
        signature=signature.hex(),
        layout=layout,
        obtained_on=obtained_on.isoformat(),
        expires_on=None if expires_on is None else expires_on.isoformat(),
        profile=profile,
        token_epoch=token_epoch,
        rows=band(rows),
        opt_outs=band(opt_outs),
        rejected=band(rejected),
        repeated=band(repeated),
    )


def upload_withdrawn(
    partner: PartnerSlug, *, upload: UploadDigest, by: Literal["partner", "operator"], at: datetime
) -> Entry:
    """An upload's rows count no more, at its owner's or the operator's word."""
    return _entry("upload_withdrawn", at, partner=partner, upload=upload.hex(), by=by)


def upload_replaced(
    partner: PartnerSlug, *, upload: UploadDigest, successor: UploadDigest, at: datetime
) -> Entry:
    """An upload's rows count no more, and those of a later one of the same list do from now on."""
    return _entry(
        "upload_replaced", at, partner=partner, upload=upload.hex(), successor=successor.hex()
    )


def upload_expired(partner: PartnerSlug, *, upload: UploadDigest, at: datetime) -> Entry:
    """An upload's rows count no more, because the day its owner set has passed."""
    return _entry("upload_expired", at, partner=partner, upload=upload.hex())


def upload_erased(partner: PartnerSlug, *, upload: UploadDigest, at: datetime) -> Entry:
    """The keys, rows and tokens of a withdrawn or expired upload are deleted here."""
    return _entry("upload_erased", at, partner=partner, upload=upload.hex())


def merge_run(
    generation: int,
    *,
    rules: str,
    uploads: Iterable[UploadDigest],
    rows: int,
    persons: int,
    changed_rows: int,
    at: datetime,
) -> Entry:
    """Rows were judged anew, and from now on this generation of persons is the one in use.

    Args:
        generation: Counts up from 1.
        rules: By which rules, one word, e.g. `rules-1`; pairs that earlier entries of the kind
            `never_merge_added` name are kept apart in any case.
        uploads: Digests of the active uploads; the entry has the RFC 6962 root over them, sorted,
            which an auditor can make from the other entries.
        rows, persons, changed_rows: Exact counts; the entry has their bands.
        at: Now.
    """
    return _entry(
        "merge_run",
        at,
        generation=generation,
        rules=rules,
        uploads=merkle.root(merkle.leaf_hash(digest) for digest in sorted(uploads)).hex(),
        rows=band(rows),
        persons=band(persons),
        changed_rows=band(changed_rows),
    )


def never_merge_added(
    *,
    by: Literal["partner", "operator"],
    partner: PartnerSlug | None = None,
    digest: bytes | None = None,
    signature: bytes | None = None,
    follows: EntryIndex | None = None,
    at: datetime,
) -> Entry:
    """Pairs of rows were said to be two people each; no merge after it puts them into one person.

    Its leaves are `leaves.never_merge`, one for each pair.

    Args:
        by: Whose word: an owner's, about its own rows, or the operator's.
        partner: The owner; None for the operator.
        digest: SHA-256 of the owner's whole signed note; None for the operator.
        signature: The owner's Ed25519 signature over the signed text, 64 bytes; the same.
        follows: The entry whose pairs are carried over to the rows of a newer upload.
        at: Now.
    """
    return _entry(
        "never_merge_added",
        at,
        by=by,
        partner=partner,
        digest=None if digest is None else digest.hex(),
        signature=None if signature is None else signature.hex(),
        follows=follows,
    )


def never_merge_taken_back(
    entry: EntryIndex,
    *,
    by: Literal["partner", "operator"],
    partner: PartnerSlug | None = None,
    digest: bytes | None = None,
    signature: bytes | None = None,
    at: datetime,
) -> Entry:
    """Pairs that an earlier `never_merge_added` names, and all that follow it, hold no more.

    Args:
        entry: That entry; it follows none, and is taken back once.
        by, partner, digest, signature: As for `never_merge_added`; of the same party as there.
        at: Now.
    """
    return _entry(
        "never_merge_taken_back",
        at,
        entry=entry,
        by=by,
        partner=partner,
        digest=None if digest is None else digest.hex(),
        signature=None if signature is None else signature.hex(),
    )


def opt_out_added(
    channel: Channel,
    *,
    scope: Scope,
    partner: PartnerSlug | None,
    cause: str,
    author: Literal["recipient", "partner", "operator"],
    people: int,
    at: datetime,
    upload: UploadDigest | None = None,
    message: MessageName | None = None,
    commitment: str | None = None,
) -> Entry:
    """People asked not to be written to, and are blocked from now on.

    Args:
        channel, scope: What the ban covers.
        partner: Of a partner-scope ban, else None.
        cause: Why, one word of the opt-out vocabulary.
        author: Whose word it rests on.
        people: How many contact points the request names; the entry has the band.
        at: When it took effect.
        upload: The list it came with, if it did.
        message: The message it answers, if known.
        commitment: `commit.commit` over the token, for a single request.
    """
    return _entry(
        "opt_out_added",
        at,
        channel=str(channel.value),
        scope=str(scope.value),
        partner=partner,
        cause=cause,
        author=author,
        upload=None if upload is None else upload.hex(),
        message=message,
        people=band(people),
        commitment=commitment,
    )


def campaign_created(
    campaign: CampaignName,
    *,
    digest: bytes,
    signature: bytes,
    channel: Channel,
    purpose: Purpose,
    content: ContentClass,
    starts_at: datetime,
    ends_at: datetime,
    not_after: datetime,
    at: datetime,
) -> Entry:
    """A coordinator's signed campaign was recorded; what it asks for stands in its document.

    Args:
        campaign: Its name.
        digest: What partners approve: SHA-256 of the document.
        signature: The coordinator's Ed25519 signature over the signed text, 64 bytes.
        channel, purpose, content, starts_at, ends_at, not_after: As in the document.
        at: Now.
    """
    return _entry(
        "campaign_created",
        at,
        campaign=campaign,
        digest=digest.hex(),
        signature=signature.hex(),
        channel=str(channel.value),
        purpose=str(purpose.value),
        content=str(content.value),
        starts_at=grammar.moment(starts_at),
        ends_at=grammar.moment(ends_at),
        not_after=grammar.moment(not_after),
    )


def campaign_answered(
    campaign: CampaignName,
    *,
    partner: PartnerSlug,
    answer: Literal["approved", "declined"],
    campaign_digest: bytes,
    digest: bytes,
    signature: bytes,
    ceiling: int,
    until: datetime,
    at: datetime,
) -> Entry:
    """A partner approved or declined a campaign.

    Args:
        campaign, partner, answer: Who said what to which.
        campaign_digest: Of the campaign as the partner saw it.
        digest: SHA-256 of the partner's whole signed note, without the wraps.
        signature: The partner's Ed25519 signature over the signed text, 64 bytes.
        ceiling: The most messages in its name; a number the partner chose. 0 when declined.
        until: The end of the approval.
        at: Now.
    """
    return _entry(
        "campaign_answered",
        at,
        campaign=campaign,
        partner=partner,
        answer=answer,
        campaign_digest=campaign_digest.hex(),
        digest=digest.hex(),
        signature=signature.hex(),
        ceiling=ceiling,
        until=grammar.moment(until),
    )


def campaign_planned(
    campaign: CampaignName,
    *,
    campaign_digest: bytes,
    plan: int,
    generation: int,
    policies: Mapping[PartnerSlug, int],
    flows: bytes,
    order_key: bytes,
    at: datetime,
) -> Entry:
    """A plan was frozen; its leaves are `leaves.decision`, one for each person of the audience.

    Args:
        campaign, campaign_digest: What was planned.
        plan: The plan's number.
        generation: The merge generation it was made on.
        policies: Version of each partner's policy that was asked.
        flows: SHA-256 of the recorded flows and prices.
        order_key: SHA-256 of the key that picked individuals given the flows; the key itself is
            disclosed to the auditor when the campaign is closed.
        at: Now.
    """
    return _entry(
        "campaign_planned",
        at,
        campaign=campaign,
        campaign_digest=campaign_digest.hex(),
        plan=plan,
        generation=generation,
        policies=[{"partner": slug, "version": policies[slug]} for slug in sorted(policies)],
        flows=flows.hex(),
        order_key=order_key.hex(),
    )


def campaign_state(
    campaign: CampaignName,
    *,
    state: Literal["sending", "paused", "resumed", "stopped", "finished"],
    by: Literal["partner", "coordinator", "operator"],
    at: datetime,
) -> Entry:
    """Sending of a campaign began, was paused, went on, was stopped for good, or is done."""
    return _entry("campaign_state", at, campaign=campaign, state=state, by=by)


def send_batch(campaign: CampaignName, *, plan: int, at: datetime) -> Entry:
    """Messages were about to be handed over, were answered, or were stopped by a rule.

    Its leaves are `leaves.intent`, `leaves.outcome` and `leaves.stopped`, in any mixture: all that
    one transaction of the sender recorded.
    """
    return _entry("send_batch", at, campaign=campaign, plan=plan)


def voters_loaded(
    load: bytes,
    *,
    layout: str,
    register: str,
    licensed: Iterable[PartnerSlug],
    purposes: Iterable[Purpose],
    until: date,
    rows: int,
    left_out: int,
    rejected: int,
    repeated: int,
    history_rows: int,
    at: datetime,
) -> Entry:
    """A voter file or register was loaded, and may be used under its licence from now on.

    Args:
        load: SHA-256 of the file.
        layout, register: Which columns it had; whose ids they are. One word each.
        licensed: The partners whose messages may rest on it.
        purposes: What these messages may be for.
        until: The last day of its use.
        rows, left_out, rejected, repeated, history_rows: Exact counts; the entry has their bands.
        at: Now.
    """
    return _entry(
        "voters_loaded",
        at,
        load=load.hex(),
        layout=layout,
        register=register,
        licensed=[str(slug) for slug in sorted(set(licensed))],
        purposes=[str(purpose.value) for purpose in sorted(set(purposes))],
        until=until.isoformat(),
        rows=band(rows),
        left_out=band(left_out),
        rejected=band(rejected),
        repeated=band(repeated),
        history_rows=band(history_rows),
    )


def voters_matched(
    load: bytes,
    *,
    generation: int,
    weights: str,
    persons: int,
    matched: int,
    changed_rows: int,
    at: datetime,
) -> Entry:
    """Persons were looked for in a voter file, and from now on these matches are the ones in use.

    Args:
        load: Of the file.
        generation: The merge generation whose persons they are.
        weights: By which weights, one word.
        persons, matched, changed_rows: Exact counts; the entry has their bands.
        at: Now.
    """
    return _entry(
        "voters_matched",
        at,
        load=load.hex(),
        generation=generation,
        weights=weights,
        persons=band(persons),
        matched=band(matched),
        changed_rows=band(changed_rows),
    )


def voters_returned(
    register: str,
    *,
    list_digest: bytes,
    as_of: datetime,
    ids: int,
    unknown: int,
    new: int,
    at: datetime,
) -> Entry:
    """A list of who has voted was read; whoever is matched to them need not be asked any more.

    Args:
        register: Whose ids they are.
        list_digest: SHA-256 of the list.
        as_of: When the list was true.
        ids, unknown, new: Exact counts: on the list, not in the voter file, not on an earlier
            list; the entry has their bands.
        at: Now.
    """
    return _entry(
        "voters_returned",
        at,
        register=register,
        list=list_digest.hex(),
        as_of=grammar.moment(as_of),
        ids=band(ids),
        unknown=band(unknown),
        new=band(new),
    )


def voters_ended(load: bytes, *, reason: Literal["expired", "withdrawn"], at: datetime) -> Entry:
    """A voter file counts no more, because its licence has ended or the operator said so."""
    return _entry("voters_ended", at, load=load.hex(), reason=reason)


def voters_forgotten(register: str, *, at: datetime) -> Entry:
    """An election is over: who has voted by the lists of a register counts no more."""
    return _entry("voters_forgotten", at, register=register)
