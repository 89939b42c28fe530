"""Asks timm what it has: `python -m engine.backbones._timm_catalogue` prints rows for `_catalogue`. Loads torch."""

from __future__ import annotations

import json
import sys

from timm.models import get_pretrained_cfg, list_models, list_pretrained, model_entrypoint

from engine.backbones._source_data import source_data


def rows() -> list[list[object]]:
    """(name, module, source data, licence, input size, repository, source classes) of all models, by name."""
    with_weights = {name: True for name in list_pretrained()}
    tagged = {name.partition(".")[0] for name in with_weights}
    names = [*with_weights, *(name for name in list_models() if name not in tagged)]
    return [_row(name) for name in sorted(names, key=_order)]


def _order(name: str) -> tuple[str, int, str]:
    # Of one architecture, the weights that timm prefers first: those that it takes where no tag is given.
    architecture = name.partition(".")[0]
    preferred = get_pretrained_cfg(architecture)
    tag = name.partition(".")[2]
    return architecture, int(bool(tag) and (preferred is None or preferred.tag != tag)), name


def _row(name: str) -> list[object]:
    module = model_entrypoint(name.partition(".")[0]).__module__.rpartition(".")[2]
    told = get_pretrained_cfg(name)
    if told is None:
        return [name, module, "", "", (3, 224, 224), "", 0]
    licence = "" if told.license in (None, "unknown") else told.license
    return [name, module, source_data(told.tag or ""), licence, told.input_size, told.hf_hub_id or "", told.num_classes]


if __name__ == "__main__":
    json.dump(rows(), sys.stdout, separators=(",", ":"))
