"""The screens of a campaign: request, plan, where it stands, what would go, what has gone.

Persons are told in tens, messages exactly, times in the campaign's own zone. There is no address
and no name of a recipient on any of them; previews are for made-up people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from consortium_cli.screen import say, say_all
from consortium_cli.voters import age_of
from consortium_cli.wording import (
    WIDTH,
    count,
    counted,
    joined,
    lasting,
    listed,
    people,
    span,
    when,
    wrapped,
)

if TYPE_CHECKING:
    from consortium.campaign import (
        CampaignDocument,
        CampaignView,
        PlanResult,
        Preview,
        ReasonTotal,
        Review,
    )
    from consortium.delivery import SendResult
    from consortium.model import PartnerCard
    from consortium.store.messages import Tally
    from consortium.types import PartnerSlug

__all__ = [
    "show_left",
    "show_plan",
    "show_previews",
    "show_review",
    "show_sent",
    "show_status",
    "zone_of",
]

_STATES: Final = ("accepted", "rejected", "unknown", "stopped", "waiting")
_SAID: Final = {
    "approved": "approved",
    "waiting": "waiting for",
    "declined": "declined",
    "not_covered": "approved, but not its newest list",
}
_HELD: Final = {
    "waiting": "held back until it approves",
    "declined": "held back: it has declined",
    "gone": "held back: it has no list that counts any more",
}
_CHANNELS: Final = {"email": "by e-mail", "sms": "by text"}
_RULE: Final = "  " + "─" * (WIDTH - 4)


def zone_of(document: CampaignDocument) -> ZoneInfo:
    """The zone that a campaign's times are told in."""
    return ZoneInfo(document.window.zone)


def show_review(review: Review, *, partner: PartnerCard, everybody: bool) -> None:
    """Print what a partner is asked."""
    request, asked = review.request, review.request.document
    zone = zone_of(asked)
    say_all(
        wrapped(
            f"{partner.name} is asked to speak to up to {count(request.ceiling)} of its members "
            "and supporters."
        )
    )
    say_all(
        wrapped(
            f"{_CHANNELS[asked.channel]}, {span(asked.starts_at, asked.ends_at, zone)}, at "
            f"{_rate(asked)}, from {partner.name} <{partner.from_address}>",
            first="    ",
        )
    )
    within, without = review.audience
    but = f", not in {listed(without)}" if without else ""
    say_all(
        wrapped(f"{asked.purpose}, {asked.content}: people in {listed(within)}{but}", first="    ")
    )
    lists = [f"{upload.list_name} ({counted(upload.rows, 'row')})" for upload in request.uploads]
    say_all(wrapped(f"your rows that would be opened: {', '.join(lists)}", first="    "))
    others = [
        f"{word} {listed(slugs)}"
        for word, slugs in (("approved by:", request.approved), ("waiting for:", request.waiting))
        if slugs
    ]
    first = asked.starts_at if request.at < asked.starts_at else asked.ends_at
    answer_by = f"answer by {when(first, zone)}"
    say_all(joined([*others, answer_by], first="    "))
    show_previews(review.previews, everybody=everybody)


def show_previews(previews: Sequence[Preview], *, everybody: bool) -> None:
    """Print messages as made-up people would get them; one of each kind, or all."""
    shown: set[tuple[str, str]] = set()
    for preview in previews:
        kind = (preview.language, preview.owner)
        if kind in shown and not everybody:
            continue
        shown.add(kind)
        say(_RULE)
        say(f"    From: {preview.sender}")
        say(f"    To: {preview.to or 'somebody whose name is not known'} (made up)")
        say(f"    Subject: {preview.subject}")
        say()
        for line in preview.body.rstrip("\n").split("\n"):
            say(f"    {line}".rstrip())
    say(_RULE)
    if len(shown) < len(previews) and not everybody:
        say(f"  {len(previews) - len(shown)} more, for other made-up people: --all")


def show_plan(plan: PlanResult, *, document: CampaignDocument) -> None:
    """Print a plan: everybody's answer, counted, and what would change it."""
    say(f"  {count(plan.audience):>8}  people in the audience (rounded)")
    owners = [f"{owner} {count(messages)}" for owner, messages in plan.assigned.items()]
    assigned = f"  {count(sum(plan.assigned.values())):>8}  {'get a message':<15}"
    say_all(line.rstrip() for line in joined(owners or [""], first=assigned))
    _show_without("not allowed", plan.refused)
    _show_without("later", plan.deferred)
    say("  ────────")
    relief = [f"{count(r.gain)} more if {r.owner} allowed {count(r.needed)}." for r in plan.relief]
    say_all(wrapped(" ".join(["The most people these rules allow.", *relief])))
    if plan.new_messages:
        say_all(wrapped(_end(plan, document)))
    if plan.unmerged_rows:
        say_all(
            wrapped(
                f"{counted(plan.unmerged_rows, 'row')} came after the last merge and get "
                "nothing: consortium merge run, then plan again."
            )
        )
    if plan.declined:
        say_all(wrapped(f"Declined: {', '.join(plan.declined)}."))
    if plan.waiting:
        say_all(wrapped(f"Waiting for approval: {', '.join(plan.waiting)}."))
        say(f"  To ask: consortium campaign request {plan.campaign} PARTNER")
    say(f"  Next: consortium campaign send {plan.campaign} --dry-run")


def _show_without(label: str, totals: Sequence[ReasonTotal]) -> None:
    """Print why people get no message; of persons there are tens only."""
    from consortium.policy import words  # noqa: PLC0415 - loads the rules' room

    found: Counter[str] = Counter()
    for total in totals:
        found[words.group(total.rule, total.reason)] += total.persons
    first = f"  {people(found.total()):>8}  {label:<15}"
    for reason, persons in found.most_common():
        say_all(wrapped(f"{people(persons):>8} {reason}", first=first, rest=" " * 36))
        first = " " * len(first)


def _end(plan: PlanResult, document: CampaignDocument) -> str:
    zone = zone_of(document)
    at, last = when(plan.ends_at, zone), document.ends_at
    if plan.ends_at > last:
        late = lasting(plan.ends_at - last)
        return (
            f"At {_rate(document)} it would end {at}, {late} after its window: whoever is left "
            "then gets nothing. Ask for a higher rate or a longer window."
        )
    spare = lasting(plan.deadline - plan.ends_at)
    return f"At {_rate(document)} it ends {at}, {spare} before the deadline."


def _rate(document: CampaignDocument) -> str:
    return document.rate.replace("/", " a ")


def show_status(view: CampaignView) -> None:
    """Print where a campaign stands."""
    asked, zone = view.document, zone_of(view.document)
    say_all(
        joined(
            [
                f"{asked.name}: {view.campaign.state}",
                f"{asked.purpose}, {asked.content}, {_CHANNELS[asked.channel]}",
                f"{span(asked.starts_at, asked.ends_at, zone)}",
                f"nothing after {when(asked.deadline, zone)}",
                _rate(asked),
            ]
        )
    )
    say_all(joined(list(_said(view)) or ["no partner has a list that counts"]))
    if view.campaign.reason:
        say_all(wrapped(f"stopped because: {view.campaign.reason}"))
    for newest in view.returned:
        say(f"  who has voted: {age_of(newest, now=view.at)} ({newest.register})")
    if view.plan is None:
        say("  no plan in force")
        return
    planned = sum(total.persons for total in view.totals if total.kind == "assigned")
    say(f"  plan of {when(view.plan.planned_at, zone)}: {count(planned)} people get a message")
    _show_messages(view.messages)


def _said(view: CampaignView) -> Iterator[str]:
    over = view.campaign.state in {"finished", "stopped"}  # then the keys to all lists are dropped
    for said, words in _SAID.items():
        slugs = [
            slug
            for slug, one in view.said.items()
            if ("approved" if over and one == "not_covered" else one.value) == said
        ]
        if slugs:
            yield f"{words}: {listed(slugs)}"


def _show_messages(tally: Sequence[Tally]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for line in tally:
        state = "waiting" if line.state == "intended" else line.state.value
        counts[line.owner, state] += line.messages
    owners = sorted({owner for owner, _ in counts})
    width = max([len(owner) for owner in owners], default=0)
    if not owners:
        return
    say(f"    {'':<{width}}" + "".join(f"{state:>11}" for state in _STATES))
    for owner in owners:
        numbers = "".join(f"{count(counts[owner, state]):>11}" for state in _STATES)
        say(f"    {owner:<{width}}{numbers}")


def show_left(view: CampaignView, *, server: str) -> bool:
    """Print what a run would send, in whose name, and what is held back; whether it may begin."""
    asked, zone = view.document, zone_of(view.document)
    waiting: Counter[PartnerSlug] = Counter()
    for line in view.messages:
        if line.state in {"waiting", "intended"}:
            waiting[line.owner] += line.messages
    held = {owner: _HELD.get(view.said.get(owner, "gone"), "") for owner in waiting}
    ready = {owner: messages for owner, messages in waiting.items() if not held[owner]}
    say(f"  {asked.name} ({view.campaign.state}): {counted(sum(ready.values()), 'message')} to go")
    for owner in sorted(waiting):
        say(f"    {owner:<12}{count(waiting[owner]):>9}  {held[owner]}".rstrip())
    if ready:
        takes = timedelta(seconds=asked.speed.interval.total_seconds() * sum(ready.values()))
        say_all(
            wrapped(
                f"{span(asked.starts_at, asked.ends_at, zone)}, through {server}; at "
                f"{_rate(asked)} it takes {lasting(takes)}"
            )
        )
    return view.campaign.state in {"planned", "sending"} and bool(waiting)


def show_sent(result: SendResult, *, zone: ZoneInfo, stopped: bool) -> None:
    """Print where a campaign stands after a run."""
    from consortium.delivery import REASONS  # noqa: PLC0415 - loads the sending room
    from consortium.policy import words  # noqa: PLC0415 - loads the rules' room

    numbers: Counter[str] = Counter()
    for line in result.tally:
        numbers["waiting" if line.state == "intended" else line.state.value] += line.messages
    say(f"  {result.campaign}: {result.state}")
    notes = {
        "rejected": ["refused by the mail server"],
        "unknown": ["may have arrived; never sent again by themselves", *result.unknown],
        "stopped": [
            f"{count(number)} {words.phrase(rule, reason)}"
            for (rule, reason), number in sorted(result.stopped.items(), key=lambda s: -s[1])
        ],
        "waiting": [f"{owner} {REASONS[reason]}" for owner, reason in sorted(result.held.items())],
    }
    if result.next_at is not None and not stopped:
        notes["waiting"].append(f"next try {when(result.next_at, zone)}")
    for state in _STATES:
        if numbers[state] or state == "accepted":
            first = f"  {count(numbers[state]):>8}  {state:<10}"
            say_all(line.rstrip() for line in joined(notes.get(state) or [""], first=first))
    if result.recovered:
        found = len(result.recovered)
        say_all(wrapped(f"{count(found)} of the unknown were left by a run that died."))
    if stopped and numbers["waiting"]:
        say("  Stopped before the end. Run the same command to go on.")
