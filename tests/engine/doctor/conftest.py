"""A folder of small pictures to spoil in one way, and a look at what the doctor says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import doctor
from engine.doctor import Finding, Report


def picture(seed: int, side: int = 40) -> Image.Image:
    """A picture with energy in every frequency, the more the lower it is, as in photographs; no two look alike."""
    draws = np.random.default_rng(seed)
    layers = [
        np.asarray(Image.fromarray(draws.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize((side, side), 3), float)
        / n
        for n in (2, 4, 8, 16)
    ]
    mixed = sum(layers)
    return Image.fromarray((128 + 45 * (mixed - mixed.mean()) / mixed.std()).clip(20, 235).astype(np.uint8))


@pytest.fixture(scope="session")
def draw():
    """`picture(seed, side=40)`."""
    return picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes: 25 pictures each to train on and 10 each to test on, all different, nothing odd."""
    made, seed = tmp_path / "pets", 0
    for part, n in {"train": 25, "test": 10}.items():
        for name in ("cat", "dog"):
            (made / part / name).mkdir(parents=True)
            for place in range(n):
                picture(seed := seed + 1).save(made / part / name / f"{place:03d}.png")
    return made


@pytest.fixture
def look():
    """What the doctor says of a folder: the report, or with the name of a check its findings that are not `ok`."""

    def report_on(root: Path, check: str = "", **options: object) -> Report | list[Finding]:
        report = doctor.examine(f"folder:{root}", **options)
        if not check:
            return report
        return [finding for finding in report.findings if finding.check == check and finding.severity != "ok"]

    return report_on
