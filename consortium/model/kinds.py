"""The closed vocabularies: every word a column, a document or a reason may use.

The strings are part of the published formats; a new one is a new version of the format that
holds it.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AnswerKind",
    "CampaignState",
    "Channel",
    "ConsentBasis",
    "ContentClass",
    "MessageState",
    "PlaceKind",
    "Purpose",
    "Relationship",
    "Scope",
    "UploadState",
]


class Channel(StrEnum):
    """How a message travels; a contact point serves exactly one."""

    EMAIL = "email"
    SMS = "sms"


class Purpose(StrEnum):
    """What a campaign is for."""

    GOTV = "gotv"
    BALLOT_NOTICE = "ballot_notice"
    CAMPAIGN = "campaign"
    FUNDRAISING = "fundraising"
    SERVICE = "service"
    SURVEY = "survey"


class ContentClass(StrEnum):
    """What a message says."""

    NONPARTISAN = "nonpartisan"
    ISSUE = "issue"
    ADVOCACY = "advocacy"
    CANDIDATE = "candidate"


class Relationship(StrEnum):
    """What the person is to the owner of the row."""

    MEMBER = "member"
    SUPPORTER = "supporter"
    PUBLIC = "public"


class ConsentBasis(StrEnum):
    """Recorded ground for contacting a source row on a channel."""

    EXPRESS_WRITTEN = "express_written"
    EXPRESS = "express"
    MEMBERSHIP = "membership"
    IMPLIED = "implied"
    SOFT_OPT_IN = "soft_opt_in"
    LEGITIMATE_INTEREST = "legitimate_interest"
    NONE = "none"


class Scope(StrEnum):
    """How far a suppression reaches."""

    PARTNER = "partner"
    CONSORTIUM = "consortium"


class UploadState(StrEnum):
    """`staged` rows are invisible; `active` ones count; the other two are on their way out."""

    STAGED = "staged"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class CampaignState(StrEnum):
    """`created → planned → sending ⇄ paused → finished`; `stopped` from any of them."""

    CREATED = "created"
    PLANNED = "planned"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


class AnswerKind(StrEnum):
    """What a plan says of one person."""

    ASSIGNED = "assigned"
    HELD_OUT = "held_out"
    REFUSED = "refused"
    DEFERRED = "deferred"


class MessageState(StrEnum):
    """States of an outbox message.

    `waiting → intended → accepted | rejected | unknown`; a message that a rule stops goes from
    `waiting` to `stopped`; one to be tried later stays `waiting` with a time. `unknown` (handed
    over, answer never seen) is never sent again by itself.
    """

    WAITING = "waiting"
    INTENDED = "intended"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    STOPPED = "stopped"


class PlaceKind(StrEnum):
    """Kinds of places that voter files and registers know, and no list of a partner's does."""

    COUNTY = "county"
    MUNICIPALITY = "municipality"
    WARD = "ward"
    PRECINCT = "precinct"
    POLLING_DISTRICT = "polling_district"
    DISTRICT = "district"
    EMPLOYER = "employer"
    WORKPLACE = "workplace"
    BRANCH = "branch"
    GRADE = "grade"
