"""Campaigns: created, put to partners, planned, stopped.

On the host: `create`, `request_for` each partner, `record` its answer, `plan`, `preview`, `status`,
and `pause`, `resume`, `stop`, `finish`. On a partner's machine: `review`, `approve`, `decline`.
"""

from consortium.campaign.answer import approve, decline
from consortium.campaign.coverage import Coverage, PolicyInForce
from consortium.campaign.create import create, revise
from consortium.campaign.document import CampaignDocument
from consortium.campaign.plan import plan, sweep
from consortium.campaign.preview import Preview, preview
from consortium.campaign.record import record
from consortium.campaign.request import Request, RequestUpload, open_request, request_for
from consortium.campaign.result import PlanResult, ReasonTotal, Relief
from consortium.campaign.review import Review, review
from consortium.campaign.states import close, finish, pause, resume, start, stop
from consortium.campaign.status import CampaignView, status
from consortium.campaign.view import obstacle

__all__ = [
    "CampaignDocument",
    "CampaignView",
    "Coverage",
    "PlanResult",
    "PolicyInForce",
    "Preview",
    "ReasonTotal",
    "Relief",
    "Request",
    "RequestUpload",
    "Review",
    "approve",
    "close",
    "create",
    "decline",
    "finish",
    "obstacle",
    "open_request",
    "pause",
    "plan",
    "preview",
    "record",
    "request_for",
    "resume",
    "review",
    "revise",
    "start",
    "status",
    "stop",
    "sweep",
]
