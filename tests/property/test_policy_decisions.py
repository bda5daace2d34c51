"""What must hold of `decide` for any policies and any facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import consortium_policies
from consortium.model import (
    Channel,
    ConsentBasis,
    ContentClass,
    Places,
    Purpose,
    Relationship,
)
from consortium.policy import (
    Allow,
    Ask,
    CompiledPolicy,
    Decision,
    Defer,
    PersonFacts,
    PriorMessage,
    Refuse,
    RowFacts,
    SuppressionFact,
    compile,  # noqa: A004 - the engine's
    decide,
    decide_all,
    read,
)
from consortium.policy.protocol import NEVER
from consortium.policy.words import KNOWN
from consortium.types import PartnerSlug

PARTNERS = [PartnerSlug(name) for name in ("nurses", "teachers", "tenants")]
PRESETS = consortium_policies.presets()
BASES = [basis for basis in ConsentBasis if basis is not ConsentBasis.NONE]
PLACES = ["anywhere", "state:OR", "state:WA", "country:US", "postcode:972*", "postcode:97214"]
START = datetime(2026, 10, 30, tzinfo=UTC)  # clocks go back on 1 November
Policies = dict[PartnerSlug, CompiledPolicy]


@dataclass(frozen=True)
class Draft:
    """A policy document to be, easier to vary than text."""

    partner: str
    effective: date = date(2026, 10, 1)
    expires: date = date(2026, 11, 10)
    presets: tuple[str, ...] = ()
    channels: tuple[str, ...] = tuple(Channel)
    purposes: tuple[str, ...] = tuple(Purpose)
    content: tuple[str, ...] = tuple(ContentClass)
    relationships: tuple[str, ...] = tuple(Relationship)
    places: tuple[str, ...] = ("anywhere",)
    email: tuple[str, ...] = tuple(BASES)
    sms: tuple[str, ...] = tuple(BASES)
    max_age_days: int | None = None
    caps: tuple[tuple[int, int, str | None], ...] = ()
    quiet: tuple[int, int] | None = field(default=None)

    def text(self) -> str:
        def words(values: Iterable[str]) -> str:
            return "[" + ", ".join(f'"{value}"' for value in values) + "]"

        caps = ", ".join(
            f"{{ max = {most}, per_days = {days}" + (f', channel = "{on}" }}' if on else " }")
            for most, days, on in self.caps
        )
        lines = [
            "policy = 1",
            f'partner = "{self.partner}"',
            f"effective = {self.effective}",
            f"expires = {self.expires}",
            'zone = "America/Los_Angeles"',
            f"presets = {words(self.presets)}",
            "[when_we_speak]",
            f"channels = {words(self.channels)}",
            f"purposes = {words(self.purposes)}",
            f"content = {words(self.content)}",
            f"relationships = {words(self.relationships)}",
            f"places = {words(self.places)}",
            "[when_we_speak.consent]",
            f"email = {words(self.email)}",
            f"sms = {words(self.sms)}",
            f"max_age_days = {self.max_age_days}" if self.max_age_days else "",
            "[whoever_speaks]",
            f"frequency = [{caps}]",
        ]
        if self.quiet:
            start, end = (f"{m // 60:02}:{m % 60:02}:00" for m in self.quiet)
            lines.append(f"quiet_hours = {{ from = {start}, to = {end} }}")
        return "\n".join(lines)

    def compiled(self) -> CompiledPolicy:
        document = read(self.text(), name="p.toml", presets=PRESETS)
        return compile(document, registry=consortium_policies.rules(), presets=PRESETS)


def some(values: Iterable[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly all of them, so that messages get through to the other rules."""
    every = tuple(values)
    return st.one_of(st.just(every), st.lists(st.sampled_from(every), unique=True).map(tuple))


cap = st.tuples(
    st.integers(1, 3), st.sampled_from([1, 2, 7, 30]), st.sampled_from([None, *Channel])
)
quiet = st.one_of(
    st.none(),
    st.tuples(st.integers(18 * 60, 24 * 60 - 1), st.integers(0, 8 * 60)),
    st.tuples(st.integers(0, 6 * 60), st.integers(6 * 60 + 1, 12 * 60)),
)


def draft(partner: str) -> st.SearchStrategy[Draft]:
    return st.builds(
        Draft,
        partner=st.just(partner),
        effective=st.dates(date(2026, 10, 28), date(2026, 10, 31)),
        expires=st.dates(date(2026, 10, 31), date(2026, 11, 4)),
        presets=st.lists(st.sampled_from(sorted(PRESETS)), unique=True, max_size=2).map(tuple),
        channels=some(Channel),
        purposes=some(Purpose),
        content=some(ContentClass),
        relationships=some(Relationship),
        places=st.one_of(st.just(("anywhere",)), some(PLACES)),
        email=some(BASES),
        sms=some(BASES),
        max_age_days=st.one_of(st.none(), st.integers(1, 900)),
        caps=st.lists(cap, max_size=2).map(tuple),
        quiet=quiet,
    )


def generous(partner: str) -> st.SearchStrategy[Draft]:
    """Grants nearly everything, so that what is left to answer is the guards'."""
    return st.builds(
        Draft,
        partner=st.just(partner),
        presets=st.lists(st.sampled_from(sorted(PRESETS)), unique=True, max_size=2).map(tuple),
        caps=st.lists(cap, max_size=2).map(tuple),
        quiet=quiet,
    )


drafts = st.tuples(
    *(st.one_of(generous(name), generous(name), draft(name), st.none()) for name in PARTNERS)
).map(lambda some: [found for found in some if found is not None])
instants = st.integers(0, 6 * 24 * 60).map(lambda m: START + timedelta(minutes=m))
asks = st.builds(
    lambda channel, purpose, content, at, hours: Ask(
        campaign="c",
        channel=channel,
        purpose=purpose,
        content=content,
        at=at,
        deadline=at + timedelta(hours=hours),
        window_start=at,
        window_end=at + timedelta(hours=hours),
    ),
    st.sampled_from(Channel),
    st.sampled_from(Purpose),
    st.sampled_from(ContentClass),
    instants,
    st.one_of(st.integers(-1, 60), st.just(24 * 90)),
)
usual_row = RowFacts(
    owner=PARTNERS[0],
    relationship=Relationship.MEMBER,
    places=Places("US", "OR", "97214"),
    basis=ConsentBasis.EXPRESS,
    consent_on=date(2026, 5, 1),
    approved=True,
)
any_row = st.builds(
    RowFacts,
    owner=st.sampled_from(PARTNERS),
    relationship=st.sampled_from(Relationship),
    places=st.sampled_from(
        [Places("US", "OR", "97214"), Places("US", "WA", ""), Places(), Places("GB", "SCT", "")]
    ),
    basis=st.sampled_from([*BASES, *BASES, ConsentBasis.NONE]),
    consent_on=st.one_of(st.none(), st.dates(date(2024, 6, 1), date(2026, 11, 8))),
    approved=st.sampled_from([True, True, True, False]),
)
rows = st.one_of(st.sampled_from(PARTNERS).map(lambda s: replace(usual_row, owner=s)), any_row)
zone_names = ["America/Los_Angeles", "America/New_York", "America/Phoenix", "Asia/Kolkata", "X/Y"]
people = st.builds(
    PersonFacts,
    zones=st.lists(st.sampled_from(zone_names), unique=True, max_size=2).map(
        lambda names: tuple(sorted(names))
    ),
    country=st.sampled_from(["", "US", "GB", "ZZ"]),
    suppressions=st.one_of(
        st.just(()),
        st.just(()),
        st.lists(
            st.builds(
                SuppressionFact,
                channel=st.sampled_from(Channel),
                partner=st.sampled_from([None, *PARTNERS]),
            ),
            max_size=2,
        ).map(tuple),
    ),
    prior=st.lists(
        st.builds(
            PriorMessage,
            at=st.integers(-40 * 24, 8 * 24).map(lambda h: START + timedelta(hours=h)),
            channel=st.sampled_from(Channel),
        ),
        max_size=4,
    ).map(lambda messages: tuple(sorted(messages))),
    guarded_by=st.lists(st.sampled_from(PARTNERS), unique=True).map(
        lambda slugs: tuple(sorted(slugs))
    ),
)


def compiled(some: Iterable[Draft]) -> Policies:
    return {PartnerSlug(one.partner): one.compiled() for one in some}


def severity(decision: Decision, ask: Ask) -> datetime:
    """When the message may go; never is later than any time."""
    match decision:
        case Allow():
            return ask.at
        case Defer():
            return decision.until
        case Refuse():
            return datetime.max.replace(tzinfo=UTC)


@given(drafts, asks, rows, people)
def test_every_message_gets_one_answer_with_words_and_the_same_one_again(
    some: list[Draft], ask: Ask, row: RowFacts, person: PersonFacts
) -> None:
    policies = compiled(some)
    answer = decide(policies, ask, row, person)
    event(type(answer).__name__)
    assert decide(policies, ask, row, person) == answer
    if isinstance(answer, Defer):
        assert ask.at < answer.until <= ask.deadline
    if not isinstance(answer, Allow):
        assert (answer.rule, answer.reason) in KNOWN
    if row.owner not in policies:
        assert isinstance(answer, Refuse)


@settings(max_examples=300)
@given(drafts, asks, rows, people, st.lists(st.floats(0, 1, exclude_max=True), max_size=8))
def test_a_deferral_is_to_the_first_instant_at_which_it_is_allowed(
    some: list[Draft], ask: Ask, row: RowFacts, person: PersonFacts, shares: list[float]
) -> None:
    policies = compiled(some)
    answer = decide(policies, ask, row, person)
    if not isinstance(answer, Defer):
        return
    assert decide(policies, replace(ask, at=answer.until), row, person) == Allow()
    moments = [ask.at + (answer.until - ask.at) * share for share in shares]
    for moment in [*moments, answer.until - timedelta(microseconds=1)]:
        again = decide(policies, replace(ask, at=min(moment, answer.until)), row, person)
        if moment < answer.until:
            assert isinstance(again, Defer)
            assert again.until == answer.until


@given(generous("nurses"), asks, people)
def test_each_guard_alone_defers_to_the_first_instant_it_allows(
    one: Draft, ask: Ask, person: PersonFacts
) -> None:
    for guard in one.compiled().guards:
        answer = guard.judge(ask, person)
        if isinstance(answer, Defer) and answer.reason != NEVER:
            assert answer.until > ask.at
            assert guard.judge(replace(ask, at=answer.until), person) == Allow()
            just_before = max(ask.at, answer.until - timedelta(microseconds=1))
            assert guard.judge(replace(ask, at=just_before), person) == answer


@settings(max_examples=200)
@given(drafts, asks, rows, people, st.data())
def test_adding_or_tightening_a_rule_never_adds_a_recipient(
    some: list[Draft], ask: Ask, row: RowFacts, person: PersonFacts, data: st.DataObject
) -> None:
    assume(some)
    index = data.draw(st.integers(0, len(some) - 1))
    old = some[index]
    fewer = st.sampled_from(["channels", "purposes", "content", "relationships", "places"])
    key = data.draw(fewer)
    changes = [
        replace(old, caps=(*old.caps, data.draw(cap))),
        replace(old, caps=tuple((max(1, n - 1), days, on) for n, days, on in old.caps)),
        replace(old, caps=tuple((n, 30, on) for n, _, on in old.caps)),
        replace(old, presets=(*old.presets, data.draw(st.sampled_from(sorted(PRESETS))))),
        replace(old, **{key: getattr(old, key)[1:]}),
        replace(old, email=old.email[1:], sms=old.sms[1:]),
        replace(old, max_age_days=max(1, (old.max_age_days or 900) // 2)),
        replace(old, expires=max(old.effective, old.expires - timedelta(days=1))),
        replace(old, effective=min(old.expires, old.effective + timedelta(days=1))),
    ]
    if old.quiet is None:
        changes.append(replace(old, quiet=(20 * 60, 8 * 60)))
    elif old.quiet[0] >= 18 * 60 + 30:
        changes.append(replace(old, quiet=(old.quiet[0] - 30, old.quiet[1])))
    new = data.draw(st.sampled_from(changes))
    before = decide(compiled(some), ask, row, person)
    stricter = [*some[:index], new, *some[index + 1 :]]
    after = decide(compiled(stricter), ask, row, person)
    assert severity(after, ask) >= severity(before, ask)


more = st.tuples(st.sampled_from(PARTNERS), st.sampled_from(Channel))


@given(drafts, asks, rows, people, more)
def test_more_guardians_bans_and_messages_never_add_a_recipient(
    some: list[Draft],
    ask: Ask,
    row: RowFacts,
    person: PersonFacts,
    added: tuple[PartnerSlug, Channel],
) -> None:
    partner, channel = added
    policies = compiled(some)
    before = severity(decide(policies, ask, row, person), ask)
    guarded = tuple(sorted({*person.guarded_by, partner}))
    message = PriorMessage(ask.at - timedelta(hours=30), channel)
    for stricter in (
        replace(person, guarded_by=guarded),
        replace(person, suppressions=(*person.suppressions, SuppressionFact(channel, partner))),
        replace(person, suppressions=(*person.suppressions, SuppressionFact(channel, None))),
        replace(person, prior=tuple(sorted((*person.prior, message)))),
    ):
        assert severity(decide(policies, ask, row, stricter), ask) >= before


@given(drafts, asks, rows, people, st.randoms(use_true_random=False))
def test_order_of_partners_rules_and_facts_does_not_matter(
    some: list[Draft], ask: Ask, row: RowFacts, person: PersonFacts, random: Random
) -> None:
    def mixed(values: Iterable[object]) -> tuple[object, ...]:
        listed = list(values)
        random.shuffle(listed)
        return tuple(listed)

    turned = [
        replace(one, **{k: mixed(getattr(one, k)) for k in ("presets", "places", "caps", "email")})
        for one in reversed(some)
    ]
    turned_person = replace(
        person,
        guarded_by=mixed(person.guarded_by),
        suppressions=mixed(person.suppressions),
        prior=mixed(person.prior),
    )
    assert decide(compiled(some), ask, row, person) == decide(
        compiled(turned), ask, row, turned_person
    )


@given(drafts, asks, st.lists(st.tuples(rows, people), max_size=6), st.data())
def test_bulk_and_single_evaluation_agree(
    some: list[Draft], ask: Ask, items: list[tuple[RowFacts, PersonFacts]], data: st.DataObject
) -> None:
    policies = compiled(some)
    many = data.draw(st.lists(st.sampled_from(items), max_size=20)) if items else []
    assert decide_all(policies, ask, many) == [decide(policies, ask, *item) for item in many]


@given(drafts, asks, rows, people)
def test_nobody_who_asked_not_to_be_contacted_gets_anything_but_a_refusal(
    some: list[Draft], ask: Ask, row: RowFacts, person: PersonFacts
) -> None:
    policies = compiled(some)
    banned = replace(person, suppressions=(SuppressionFact(ask.channel, None),))
    assert isinstance(decide(policies, ask, row, banned), Refuse)
    own = replace(person, suppressions=(SuppressionFact(ask.channel, row.owner),))
    assert isinstance(decide(policies, ask, row, own), Refuse)
    other = next(slug for slug in PARTNERS if slug != row.owner)
    foreign = replace(person, suppressions=(SuppressionFact(ask.channel, other),))
    free = replace(person, suppressions=())
    assert decide(policies, ask, row, foreign) == decide(policies, ask, row, free)
