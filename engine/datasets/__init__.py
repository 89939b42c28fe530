"""Datasets: labelled images decoded once to uint8, with pinned splits. `DATASETS` describes them without reading them."""

from engine.datasets._base import DATASETS, Dataset, DatasetInfo, Images, describe, load, signature
from engine.datasets._splits import Split, make_split

__all__ = ["DATASETS", "Dataset", "DatasetInfo", "Images", "Split", "describe", "load", "make_split", "signature"]
