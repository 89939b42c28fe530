"""How large timm's architectures are, counted once for all of them and shipped: `assets/backbones/timm_sizes.json`.

Counting builds every architecture without memory (on the meta device), which takes minutes, so the catalogue reads what
was counted. Anew, after timm has grown: `python -m engine.backbones._timm_sizes`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache

from engine.backbones._base import ASSETS

FILE = ASSETS / "backbones" / "timm_sizes.json"


@dataclass(frozen=True)
class Size:
    """Of an architecture without its classifier."""

    parameters: int
    saved: int
    """Numbers that a weights file holds: parameters and saved buffers."""
    n_features: int
    """What its classifier reads."""

    def file_bytes(self, n_classes: int) -> int:
        """Bytes of a float32 weights file with a linear classifier for `n_classes`; an estimate, headers left out."""
        return 4 * (self.saved + ((self.n_features + 1) * n_classes if n_classes else 0))


@cache
def sizes() -> dict[str, Size]:
    """What was counted, by architecture; one that is younger than the count is not in it."""
    if not FILE.is_file():
        return {}
    counted = json.loads(FILE.read_text(encoding="utf-8"))["sizes"]
    return {name: Size(*numbers) for name, numbers in counted.items()}


def count(architecture: str) -> Size:
    """Count one architecture; loads torch. Raises whatever timm raises where it cannot build it."""
    import timm
    import torch

    with torch.device("meta"):
        model = timm.create_model(architecture, pretrained=False, num_classes=0)
    return Size(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        saved=sum(tensor.numel() for tensor in model.state_dict().values()),
        n_features=getattr(model, "head_hidden_size", None) or model.num_features,
    )


def main() -> int:
    """Count all architectures and write the file."""
    import timm

    counted = {}
    for name in timm.list_models():
        try:
            size = count(name)
        except Exception as error:  # of any kind: timm's, or torch's where something needs values to be built
            print(f"{name}: {error!r}", file=sys.stderr)
            continue
        counted[name] = [size.parameters, size.saved, size.n_features]
    rows = ",\n".join(f'"{name}":{json.dumps(numbers, separators=(",", ":"))}' for name, numbers in counted.items())
    FILE.write_text(f'{{"timm":"{timm.__version__}","sizes":{{\n{rows}\n}}}}\n', encoding="utf-8")
    print(f"{len(counted)} architectures of timm {timm.__version__} in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
