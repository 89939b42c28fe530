"""What the tags of timm's weights say about the data they were made with."""

from __future__ import annotations

import re

SOURCE_DATA = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "datacompxl": "DataComp-1B",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "webli": "WebLI",
    "openai": "OpenAI's image-text pairs",
    "yfcc15m": "YFCC-15M",
    "yfcc100m": "YFCC-100M",
    "ig1b": "1 billion Instagram images",
    "jft": "JFT-300M",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "cc12m": "CC-12M",
    "datacomp1b": "DataComp-1B",
    "dfndr2b": "DFNDR-2B",
    "inw21k": "ImageNet-21k (winter release)",
    "m30m": "Merged-30M",
    "m38m": "Merged-38M",
    "merged2b": "Merged-2B",
    "sa1b": "SA-1B",
    "sat493m": "SAT-493M",
}
"""Parts of timm's tags that name data, in the order in which a tag lists them: pretraining first."""


def source_data(tag: str) -> str:
    """The data sets that a tag of timm names, in order of use: `augreg_in21k_ft_in1k` is two."""
    named = [SOURCE_DATA[part] for part in re.split(r"[_.]", tag) if part in SOURCE_DATA]
    return ", then ".join(dict.fromkeys(named))
