"""The report of a run: result rows in, one self-contained HTML page out."""

from driftline.report.findings import Finding
from driftline.report.headline import Headline, headline
from driftline.report.label_counts import LabelCounts
from driftline.report.note import Note
from driftline.report.page import render
from driftline.report.reference import ReferenceDistribution
from driftline.report.summary import RunSummary

__all__ = [
    "Finding",
    "Headline",
    "LabelCounts",
    "Note",
    "ReferenceDistribution",
    "RunSummary",
    "headline",
    "render",
]
