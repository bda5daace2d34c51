"""Feedback: what recipients say, taken in. It only ever adds suppressions."""

from consortium.feedback.maildir import FeedbackResult
from consortium.feedback.maildir import read as read_maildir
from consortium.feedback.optouts import CAUSES, Added, Known, add, check
from consortium.feedback.shapes import OptOutTable, as_table, shape, shapes
from consortium.feedback.told import OwnOptOut, open_told, tell

__all__ = [
    "CAUSES",
    "Added",
    "FeedbackResult",
    "Known",
    "OptOutTable",
    "OwnOptOut",
    "add",
    "as_table",
    "check",
    "open_told",
    "read_maildir",
    "shape",
    "shapes",
    "tell",
]
