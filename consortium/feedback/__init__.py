"""Feedback: what recipients say, taken in. It only ever adds suppressions."""

from consortium.feedback.maildir import FeedbackResult
from consortium.feedback.maildir import read as read_maildir
from consortium.feedback.optouts import CAUSES, Added, Known, add, check

__all__ = ["CAUSES", "Added", "FeedbackResult", "Known", "add", "check", "read_maildir"]
