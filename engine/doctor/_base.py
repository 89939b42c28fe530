"""The contract of checks: each reads what one pass over the images saw, and returns findings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.registry import Registry

if TYPE_CHECKING:
    from engine.doctor._look import Evidence

OK, NOTICE, WARNING, SEVERE = "ok", "notice", "warning", "severe"
SEVERITIES = (OK, NOTICE, WARNING, SEVERE)
"""From nothing to do, over good to know and think about it, to results that would be wrong."""
MAX_EXAMPLES = 12


@dataclass(frozen=True)
class Example:
    """One image that a finding is about."""

    index: int
    """Its number in the dataset's source."""
    name: str
    label: str
    """Its class."""
    part: str
    group: int = 0
    """Images of one group belong together, as copies do."""
    thumbnail: str = ""
    """A small WebP as base64, at most 64 pixels wide and high; empty where the image cannot be decoded."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    severity: str
    """One of SEVERITIES."""
    title: str
    """One sentence with the numbers."""
    means: str
    """What follows for the results."""
    advice: str
    """What to do; empty where there is nothing to do."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """The evidence as plain numbers and short texts."""
    examples: tuple[Example, ...] = ()
    """A few of the images, at most MAX_EXAMPLES."""


@dataclass(frozen=True)
class Report:
    """All findings on one dataset, the gravest first."""

    dataset: str
    label: str
    backbone: str
    """Whose input and source data were compared; empty where none was named."""
    n_images: int
    """Images of the dataset."""
    n_looked: int
    """Images that were looked at; fewer than all only where the dataset is larger than the limit."""
    seconds: float
    signature: str
    """Of the files when they were looked at: a report is out of date where it differs now."""
    findings: tuple[Finding, ...]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Images by class and part."""

    @property
    def sampled(self) -> bool:
        """Whether only a part of the images was looked at."""
        return self.n_looked < self.n_images

    @property
    def by_severity(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        return {one: sum(finding.severity == one for finding in self.findings) for one in SEVERITIES}

    @property
    def headline(self) -> str:
        """One line: `2 severe, 1 warning: 12 images are both in train and test`."""
        graver = [one for one in reversed(SEVERITIES) if one != OK and self.by_severity[one]]
        if not graver:
            return "nothing to worry about"
        first = next(finding for finding in self.findings if finding.severity == graver[0])
        return ", ".join(f"{self.by_severity[one]} {words(one, self.by_severity[one])}" for one in graver) + (
            f": {first.title[:1].lower()}{first.title[1:]}"
        )

    def to_json(self) -> str:
        """The report as JSON, readable by `from_json`."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, source: str) -> Report:
        """The report that `to_json` wrote. Raises ValueError, KeyError or TypeError where it is not one."""
        values = json.loads(source)
        values["findings"] = tuple(
            Finding(**{**finding, "examples": tuple(Example(**example) for example in finding["examples"])})
            for finding in values["findings"]
        )
        return cls(**values)


def words(severity: str, n: int) -> str:
    """The severity behind a number: `1 notice`, `2 notices`."""
    return severity + ("s" if n != 1 and severity in (NOTICE, WARNING) else "")


@dataclass(frozen=True)
class Check:
    """One question that is asked of every dataset."""

    name: str
    label: str
    """What is looked for, in a few words."""
    look: Callable[[Evidence], Iterable[Finding]]
    """Reads the evidence; never opens a file. At least one finding, also where all is well."""


CHECKS: Registry[Check] = Registry("check", __name__.rpartition(".")[0])
