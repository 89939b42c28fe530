"""A training that has ended and is kept whole: what it told, the selected weights, the throughput. Loads torch.

A run with the same seed, data, schedule and setting would train to the very same; it can go on from here instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from engine.backbones._network import Network
from engine.events import EpochEnded
from engine.train import Best


@dataclass(frozen=True)
class Learned:
    """What `engine.train.fit` yielded, returned and left in its network."""

    epochs: tuple[EpochEnded, ...]
    """Epoch 0, the state before training, first."""
    best: Best
    """The selected epoch; its weights are in `network`."""
    network: dict[str, Tensor]
    """Every tensor after training, frozen ones too: the freeze proof must look at what training left behind."""
    images_per_second: float | None = None

    def again(self, network: Network) -> Generator[EpochEnded, None, Best]:
        """Tell the epochs, put the weights in place, return the selected epoch: as `fit` would have done."""
        yield from self.epochs
        network.load_state_dict(self.network)
        network.eval()
        return dataclasses.replace(self.best)

    def state(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        return {
            "epochs": [dataclasses.asdict(one) for one in self.epochs],
            "best": {"accuracy": self.best.accuracy, "loss": self.best.loss, "epoch": self.best.epoch},
            "network": self.network,
            "images_per_second": self.images_per_second,
        }


def of(network: Network, epochs: Sequence[EpochEnded], best: Best, images_per_second: float | None) -> Learned:
    """A training that has just ended; the tensors are copied, because the network may be used for something else."""
    tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    return Learned(tuple(epochs), Best(best.accuracy, best.loss, best.epoch), tensors, images_per_second)


def from_state(state: Mapping[str, Any]) -> Learned:
    """What `Learned.state` wrote."""
    epochs = tuple(EpochEnded(**one) for one in state["epochs"])
    return Learned(epochs, Best(**state["best"]), state["network"], state["images_per_second"])
