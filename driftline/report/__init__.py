"""The report of a run: result rows in, one self-contained HTML page out."""

from driftline.measures.reference_distribution import ReferenceDistribution
from driftline.outcomes.label_counts import LabelCounts
from driftline.report.findings import Finding
from driftline.report.headline import Headline, headline
from driftline.report.note import Note
from driftline.report.render import render
from driftline.run_summary import RunSummary

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
