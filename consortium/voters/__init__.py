"""Voter files and registers: loaded under a licence, persons found in them, who has voted."""

from consortium.voters.convert import REJECTIONS, RawVoters
from consortium.voters.layout import is_known, layout_names
from consortium.voters.load import LoadResult, load
from consortium.voters.match import MatchResult, OwnRate, rate_of_owner
from consortium.voters.match import run as match
from consortium.voters.places import PlacesShown, PlaceView
from consortium.voters.places import shown as places_shown
from consortium.voters.returned import ReturnedResult
from consortium.voters.returned import read as read_returned
from consortium.voters.staging import VoterFile
from consortium.voters.sweep import end, expire, forget, sweep

__all__ = [
    "REJECTIONS",
    "LoadResult",
    "MatchResult",
    "OwnRate",
    "PlaceView",
    "PlacesShown",
    "RawVoters",
    "ReturnedResult",
    "VoterFile",
    "end",
    "expire",
    "forget",
    "is_known",
    "layout_names",
    "load",
    "match",
    "places_shown",
    "rate_of_owner",
    "read_returned",
    "sweep",
]
