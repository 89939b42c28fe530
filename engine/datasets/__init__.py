"""Datasets: labelled images decoded once to uint8, with pinned splits. `DATASETS` describes them without reading them."""

from engine.datasets._base import DATASETS, Dataset, DatasetInfo, Images, describe, find, names, signature
from engine.datasets._load import fetch, load, open_source
from engine.datasets._source import Source
from engine.datasets._splits import Split, make_split

__all__ = [
    "DATASETS", "Dataset", "DatasetInfo", "Images", "Source", "Split", "describe", "fetch", "find", "load", "make_split",
    "names", "open_source", "signature",
]  # fmt: skip
