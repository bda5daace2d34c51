"""Presets: rules of a jurisdiction, a carrier or the house, as data with their source.

A policy names presets; each of their rules then holds beside the policy's own, so the stricter of
the two wins and a preset can only ever narrow. Every rule says on what it rests (statute, carrier
or house), where that is written, when it was read, and whether it was read at the source.
This is engineering, not legal advice.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from consortium.documents import Document, Several, Word, fault
from consortium.model import Channel, Purpose
from consortium.policy.document import Consent, Frequency, QuietHours, frequency_terms
from consortium.policy.terms import ConsentTerms, Only, Terms
from consortium.types import PartnerSlug

__all__ = ["Basis", "Preset", "PresetRule"]


class Basis(StrEnum):
    """What a preset's rule rests on."""

    STATUTE = "statute"
    CARRIER = "carrier"
    HOUSE = "house"


class PresetRule(Document):
    """One rule: exactly one of `quiet_hours`, `frequency`, `consent`.

    Attributes:
        basis, source: What it rests on and where that is written.
        read_on: When the source was read.
        confirmed: Whether the source itself was read, not a summary from memory.
        note: What a reader should know before relying on it.
        channels, purposes: Which messages it is for; not given: all.
    """

    basis: Word[Basis]
    source: str = Field(min_length=3)
    read_on: date
    confirmed: bool
    note: str = ""
    channels: Several[Word[Channel]] | None = None
    purposes: Several[Word[Purpose]] | None = None
    quiet_hours: QuietHours | None = None
    frequency: Frequency | None = None
    consent: Consent | None = None

    @field_validator("channels", "purposes")
    @classmethod
    def _some(cls, value: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if value == ():
            raise fault("an empty list would make the rule say nothing", hint="Leave the key out")
        return value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(rule is not None for rule in (self.quiet_hours, self.frequency, self.consent)) != 1:
            raise fault("a preset's rule is one of quiet_hours, frequency and consent")
        return self

    def terms(self, *, partner: PartnerSlug, zone: str) -> Terms:
        """This rule as part of `partner`'s policy, whose days are counted in `zone`."""
        consent = None
        if self.consent is not None:
            named = {channel: bases for channel, bases in self.consent.bases().items() if bases}
            consent = ConsentTerms(named, self.consent.max_age_days, zone)
        return Terms(
            partner=partner,
            consent=consent,
            frequency=(frequency_terms(self.frequency),) if self.frequency else None,
            quiet_hours=self.quiet_hours.window if self.quiet_hours else None,
            only=Only(
                channels=None if self.channels is None else frozenset(self.channels),
                purposes=None if self.purposes is None else frozenset(self.purposes),
            ),
        )


class Preset(Document):
    """A preset document; `version` is the day of its last change."""

    preset: Literal[1]
    name: str
    title: str
    version: date
    rules: Several[PresetRule] = Field(alias="rule", min_length=1)
