"""Plain English for every (rule, reason), as screens and reports print it.

`phrase` says exactly what stood against a message; `group` is the line of the plan's table that it
is counted under, so that a coordinator reads five lines and not twenty.
A pair that is not known here (a ledger of a newer version) is printed as it is written.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ELSEWHERE", "KNOWN", "group", "phrase"]

_BROKEN: Final = "could not be prepared"
_CONSENT: Final = "no consent that a partner may use"
_LATELY: Final = "had as many messages as allowed lately"
_NO_ADDRESS: Final = "no address that works"
_ONCE: Final = "reached already, at a shared address or before"
_OPT_OUT: Final = "asked not to be contacted"
_PLACE: Final = "live where no partner lets us write"
_SCOPE: Final = "no partner allows this kind of message"
_STANDING: Final = "no partner's policy or approval is in force"
_TIME: Final = "no permitted hour before the deadline"
_USED_UP: Final = "a partner's own limit is used up"
_GONE: Final = "the list was withdrawn or has expired"
_VOTED: Final = "have voted already"
_WAIT: Final = "wait for a permitted hour"
_FILE: Final = "no partner may use the file that places them"

_Words = dict[tuple[str, str], tuple[str, str]]

_ELSEWHERE: Final[_Words] = {  # what planning and sending find out without asking a policy
    ("approval", "ceiling_reached"): ("as many messages as the partner approved", _USED_UP),
    ("approval", "declined"): ("the partner has declined this campaign", _STANDING),
    ("approval", "upload_not_covered"): ("the partner approved without this list", _STANDING),
    ("contact_point", "dead"): ("the address no longer works", _NO_ADDRESS),
    ("contact_point", "no_contact_point"): ("no address for this channel", _NO_ADDRESS),
    ("deadline", "window_ended"): ("the campaign's window has ended", _TIME),
    ("details", "do_not_open"): ("the sealed row does not open", _BROKEN),
    ("details", "other_address"): ("the sealed row names another address", _BROKEN),
    ("licence", "not_licensed"): ("the voter file is not licensed to the partner", _FILE),
    ("one_message", "already_written_to"): ("has had this campaign's message", _ONCE),
    ("one_message", "shared_address"): ("somebody at the same address gets the message", _ONCE),
    ("returned", "ballot_returned"): ("has voted, by the list of who has", _VOTED),
    ("upload", "ended"): ("the list was withdrawn or has expired", _GONE),
}

_WORDS: Final[_Words] = {
    **_ELSEWHERE,
    ("approval", "not_approved"): ("the partner has not approved this campaign", _STANDING),
    ("channel", "channel_not_granted"): ("the partner does not use this channel", _SCOPE),
    ("consent", "consent_basis_not_accepted"): (
        "the kind of consent on record is not one the partner accepts",
        _CONSENT,
    ),
    ("consent", "consent_in_future"): ("consent is dated in the future", _CONSENT),
    ("consent", "consent_too_old"): ("consent is older than the partner allows", _CONSENT),
    ("consent", "consent_undated"): ("consent has no date, and the partner asks for one", _CONSENT),
    ("consent", "no_consent"): ("no recorded consent for this channel", _CONSENT),
    ("content", "content_not_granted"): ("the partner does not send this content", _SCOPE),
    ("dates", "expired"): ("the partner's policy has expired", _STANDING),
    ("dates", "not_yet_effective"): ("the partner's policy is not yet in force", _STANDING),
    ("deadline", "too_late"): ("the deadline has passed", _TIME),
    ("frequency", "had_messages_lately"): ("had as many messages as allowed lately", _LATELY),
    ("frequency", "had_messages_this_week"): ("had as many messages as allowed this week", _LATELY),
    ("frequency", "had_messages_today"): ("had as many messages as allowed today", _LATELY),
    ("frequency", "too_late"): ("had as many messages as allowed until the deadline", _LATELY),
    ("place", "place_not_granted"): ("lives where the partner does not let us write", _PLACE),
    ("place", "place_unknown"): ("not known to live where the partner lets us write", _PLACE),
    ("policy", "no_policy"): ("the partner has no policy on file", _STANDING),
    ("policy", "no_rules"): ("the partner's policy allows nothing", _STANDING),
    ("purpose", "purpose_not_granted"): ("the partner does not send for this purpose", _SCOPE),
    ("quiet_hours", "no_common_hour"): ("no hour is permitted in every zone they may be in", _TIME),
    ("quiet_hours", "quiet_hours"): ("it is a quiet hour where they live", _WAIT),
    ("quiet_hours", "too_late"): ("quiet hours where they live last until the deadline", _TIME),
    ("relationship", "relationship_not_granted"): (
        "not one of those the partner writes to (members, supporters)",
        _SCOPE,
    ),
    ("suppression", "opted_out"): ("asked not to be contacted", _OPT_OUT),
    ("suppression", "opted_out_of_partner"): ("asked this partner not to write", _OPT_OUT),
    ("volume", "campaign_used_up"): (
        "the partner's messages for this campaign are used up",
        _USED_UP,
    ),
    ("volume", "day_used_up"): ("the partner's messages for the day are used up", _USED_UP),
}

KNOWN: Final = frozenset(_WORDS)
"""Every pair that has words."""
ELSEWHERE: Final = frozenset(_ELSEWHERE)
"""Those of them that no rule kind gives."""


def phrase(rule: str, reason: str) -> str:
    """What stood against it, e.g. "consent is older than the partner allows"."""
    known = _WORDS.get((rule, reason))
    return known[0] if known else _as_written(rule, reason)


def group(rule: str, reason: str) -> str:
    """The plan table's line for it, e.g. "no consent that a partner may use"."""
    known = _WORDS.get((rule, reason))
    return known[1] if known else _as_written(rule, reason)


def _as_written(rule: str, reason: str) -> str:
    return f"{rule}: {reason}".replace("_", " ")


def people(number: int) -> str:
    """How many people hear a reason, in tens: `96,310`; `under 10` for a few.

    A screen that counted them one by one would tell what became of a single person.
    """
    if 0 < number < 10:  # noqa: PLR2004 - the ten of the docstring
        return "under 10"
    return f"{(number + 5) // 10 * 10:,}"
