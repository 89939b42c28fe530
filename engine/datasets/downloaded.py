"""torchvision's datasets by name: `cifar10`, `flowers102`, ...; each is downloaded once, by the worker, when it is first used."""

from __future__ import annotations

from engine.datasets import _fetch, _installed
from engine.datasets._base import DATASETS, Dataset
from engine.datasets._known import Known, known


def _register(facts: Known) -> None:
    DATASETS.register(
        Dataset(
            name=facts.name,
            label=facts.label,
            summary=facts.summary,
            accepts=lambda name: name == facts.name,
            describe=_installed.describe,
            open=_installed.open_source,
            signature=_installed.signature,
            fetch=_fetch.fetch,
        )
    )


for one in known().values():
    _register(one)
