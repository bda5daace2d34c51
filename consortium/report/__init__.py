"""Reports: what went out and why the others got none; where one message came from."""

from consortium.report.campaign import CampaignReport, OwnerLine, campaign_report
from consortium.report.html import campaign_html
from consortium.report.provenance import Provenance, Step, provenance

__all__ = [
    "CampaignReport",
    "OwnerLine",
    "Provenance",
    "Step",
    "campaign_html",
    "campaign_report",
    "provenance",
]
