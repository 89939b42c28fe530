"""From a dataset's name to a report, which is kept in the home for whoever looks later."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import io
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from engine import backbones, datasets
from engine.datasets import Source
from engine.datasets._decode import BrokenImage, bombs_refused, opened, upright_rgb
from engine.datasets._fill import Tell, silent
from engine.doctor._base import CHECKS, SEVERE, SEVERITIES, Example, Finding, Report
from engine.doctor._look import Evidence, gather
from engine.errors import DatasetError

LIMIT = 100_000
"""Images looked at; of larger datasets as many, evenly spread."""
THUMBNAIL = 64
LOOKED = 0.9
"""Share of the work that is looking at images; the rest are the checks."""


def examine(
    name: str, home: Path | None = None, backbone: str | None = None, *, limit: int = LIMIT, tell: Tell = silent
) -> Report:
    """Look at a dataset and report what is odd.

    Args:
        name: of a dataset.
        home: where the report is kept; None keeps it nowhere.
        backbone: whose input size and source data to compare.
        limit: images to look at, at most.
        tell: told (phase, share done); what it raises stops the work.

    Returns:
        The report. Data that cannot be used at all give one severe finding with the reason.

    Raises:
        UnknownNameError: no such dataset or backbone.
        BackboneError: the backbone cannot be described.
    """
    began = time.monotonic()
    datasets.find(name)
    card = backbones.card(backbone, home) if backbone else None
    try:
        signature, source = datasets.signature(name, home), datasets.open_source(name, home)
    except DatasetError as error:
        finding = Finding("class_counts", SEVERE, "These data cannot be used", str(error), "Repair what is named.")
        return _keep(Report(name, name, backbone or "", 0, 0, time.monotonic() - began, "", (finding,)), home)
    evidence = gather(source, card, limit, lambda phase, share: tell(phase, LOOKED * share))
    findings: list[Finding] = []
    for place, check in enumerate(CHECKS):
        tell(check.label.lower(), LOOKED + (1 - LOOKED) * place / len(CHECKS))
        findings += check.look(evidence)
    findings.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    report = Report(
        dataset=name,
        label=evidence.info.label,
        backbone=backbone or "",
        n_images=evidence.n_images,
        n_looked=evidence.n_looked,
        seconds=round(time.monotonic() - began, 3),
        signature=signature,
        findings=tuple(_with_thumbnails(finding, source) for finding in findings),
        counts=_counts(evidence),
    )
    return _keep(report, home)


def _counts(evidence: Evidence) -> dict[str, dict[str, int]]:
    parts = [part for part in ("train", "validation", "test") if part in evidence.parts]
    return {
        class_name: {part: int(((evidence.labels == label) & (evidence.parts == part)).sum()) for part in parts}
        for label, class_name in enumerate(evidence.info.class_names)
    }


def _with_thumbnails(finding: Finding, source: Source) -> Finding:
    with bombs_refused():
        examples = tuple(
            dataclasses.replace(one, thumbnail=_thumbnail(source, one)) if finding.check != "broken_files" else one
            for one in finding.examples
        )
    return dataclasses.replace(finding, examples=examples)


def _thumbnail(source: Source, example: Example) -> str:
    try:
        content = source.read(example.index)
        if isinstance(content, bytes):
            with opened(content) as image:
                if image.format == "JPEG":
                    image.draft(None, (2 * THUMBNAIL,) * 2)
                small = upright_rgb(image)
        else:
            small = Image.fromarray(np.ascontiguousarray(content)).convert("RGB")
    except (BrokenImage, OSError):  # it was readable a moment ago; a report without one small picture is still a report
        return ""
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return base64.b64encode(file.getvalue()).decode()


def report_file(name: str, home: Path) -> Path:
    """Where the newest report on a dataset is kept."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return home / "doctor" / f"{digest}.json"


def kept(name: str, home: Path) -> Report | None:
    """The newest report on a dataset, or None. Whether the files are still the same says `Report.signature`."""
    try:
        return Report.from_json(report_file(name, home).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or damaged: it can be made again
        return None


def _keep(report: Report, home: Path | None) -> Report:
    if home is not None:
        file = report_file(report.dataset, home)
        part = file.with_suffix(f".{os.getpid()}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(report.to_json(), encoding="utf-8")
            part.replace(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise DatasetError(f"The report cannot be kept in {file.parent}: {error.strerror or error}.") from error
    return report
