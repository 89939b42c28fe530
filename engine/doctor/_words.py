"""A report as plain text, for a terminal."""

from __future__ import annotations

import textwrap

from engine.doctor._base import OK, Finding, Report

WIDTH = 110
SHOWN = 6


def as_text(report: Report) -> str:
    """The whole report; what is well comes last, in one line each."""
    against = f", for {report.backbone}" if report.backbone else ""
    lines = [
        f"{report.label} ({report.dataset}){against}",
        f"Looked at {report.n_looked:,} of {report.n_images:,} images in {report.seconds:.1f} s"
        + ("; evenly spread, so copies among the others are not found." if report.sampled else "."),
        f"In short: {report.headline}.",
        "",
    ]
    for finding in report.findings:
        if finding.severity != OK:
            lines += _finding(finding)
    lines += [f"ok       {finding.title}." for finding in report.findings if finding.severity == OK]
    return "\n".join(lines)


def _finding(finding: Finding) -> list[str]:
    indent = " " * 9
    lines = [f"{finding.severity.upper():<8} {_one_line(finding.title)}."]
    for text in filter(None, (finding.means, finding.advice)):
        lines += textwrap.wrap(_one_line(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
    lines += [
        f"{indent}- {_one_line(one.name)} ({_one_line(one.label)}, {one.part})" for one in finding.examples[:SHOWN]
    ]
    return [*lines, ""]


def _one_line(text: str) -> str:
    """Names are data: what moves the cursor or starts a new line is shown as it is written in Python."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
