"""A policy in plain sentences, so that its signer reads what it does and not how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time

from consortium.model import Channel, Relationship
from consortium.policy.document import Frequency, QuietHours
from consortium.policy.engine import CompiledPolicy
from consortium.policy.preset import Preset, PresetRule

__all__ = ["describe"]

_CHANNELS = {Channel.EMAIL: "e-mail", Channel.SMS: "text"}


def describe(policy: CompiledPolicy) -> list[str]:
    """One sentence per rule: dates, what is allowed in the partner's name, guards, presets."""
    document = policy.document
    ours = document.when_we_speak
    places = [str(place) for place in ours.places]
    sentences = [
        f"In force from {document.effective} to the end of {document.expires} ({document.zone}).",
        f"Outside these days nothing goes out in the name of {document.partner}.",
        f"In its name: {_some(map(_channel, ours.channels))}, for {_some(ours.purposes)}.",
        f"With {_some(ours.content)} content, to {_some(map(_people, ours.relationships))}.",
        "To people anywhere." if "anywhere" in places else f"To people in {_some(places)} only.",
        *_consent(policy),
        "Each campaign needs its signature."
        if policy.approval == "each-campaign"
        else "No campaign needs its signature: its rows may be opened while this policy stands.",
    ]
    if policy.daily_cap is not None:
        sentences.append(f"At most {policy.daily_cap:,} messages a day in its name.")
    if policy.campaign_cap is not None:
        sentences.append(f"At most {policy.campaign_cap:,} messages a campaign in its name.")
    sentences += (f"Whoever speaks: {_frequency(c)}." for c in document.whoever_speaks.frequency)
    if document.whoever_speaks.quiet_hours is not None:
        sentences.append(f"Whoever speaks: {_quiet(document.whoever_speaks.quiet_hours)}.")
    for preset in policy.presets:
        sentences += _preset(preset)
    return sentences


def _people(relationship: Relationship) -> str:
    return "the public" if relationship is Relationship.PUBLIC else f"{relationship}s"


def _consent(policy: CompiledPolicy) -> Iterator[str]:
    consent = policy.document.when_we_speak.consent
    for channel in policy.document.when_we_speak.channels:
        yield (
            f"By {_channel(channel)} with this consent: {_some(sorted(consent.bases()[channel]))}."
        )
    if consent.max_age_days is not None:
        yield f"Consent counts for {consent.max_age_days} days; without a date it does not count."


def _preset(preset: Preset) -> Iterator[str]:
    for rule in preset.rules:
        to_confirm = "" if rule.confirmed else ", to be confirmed"
        yield (
            f"Preset {preset.name}{_only(rule)}: {_rule(rule)} "
            f"({rule.basis}: {rule.source}{to_confirm})."
        )


def _rule(rule: PresetRule) -> str:
    if rule.quiet_hours is not None:
        return _quiet(rule.quiet_hours)
    if rule.frequency is not None:
        return _frequency(rule.frequency)
    assert rule.consent is not None, "a preset's rule has one of three"
    grounds = (
        f"{_channel(channel)} only with {_some(sorted(bases))}"
        for channel, bases in rule.consent.bases().items()
        if bases
    )
    age = rule.consent.max_age_days
    return "; ".join(grounds) + (f"; not older than {age} days" if age is not None else "")


def _only(rule: PresetRule) -> str:
    channels = "" if rule.channels is None else f", by {_some(map(_channel, rule.channels))}"
    return channels + ("" if rule.purposes is None else f", for {_some(rule.purposes)}")


def _frequency(cap: Frequency) -> str:
    noun = "message" if cap.channel is None else _channel(cap.channel)
    days = "any 24 hours" if cap.per_days == 1 else f"any {cap.per_days} days"
    return f"at most {cap.max} {noun}{'' if cap.max == 1 else 's'} to a person in {days}"


def _quiet(hours: QuietHours) -> str:
    return f"nothing from {_clock(hours.from_)} to {_clock(hours.to)} where the person lives"


def _clock(wall: time) -> str:
    return f"{wall:%H:%M}" if not (wall.second or wall.microsecond) else f"{wall:%H:%M:%S}"


def _channel(channel: Channel) -> str:
    return _CHANNELS[channel]


def _some(words: Iterable[str]) -> str:
    listed = list(words)
    if not listed:
        return "nothing (none is listed)"
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
