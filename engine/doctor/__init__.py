"""The data doctor: looks at every image before any training, and says what is odd, what it means and what to do."""

from engine.doctor._base import CHECKS, SEVERITIES, Check, Example, Finding, Report
from engine.doctor._examine import LIMIT, examine, kept, report_file
from engine.doctor._words import as_text

__all__ = [
    "CHECKS", "LIMIT", "SEVERITIES", "Check", "Example", "Finding", "Report", "as_text", "examine", "kept", "report_file",
]  # fmt: skip
