"""Zero-shot: a head from the classes' names; no label is used but to say how good it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine import prompts, text_towers
from engine.backbones import _text_tower
from engine.backbones._disk import in_words
from engine.backbones._source_head import source_head
from engine.errors import StrategyError
from engine.scores import FeatureSplit
from engine.scores.linear_probe import log_loss
from engine.source_classes import rows_of, source_classes
from engine.tuning import _base

SHORTEST = 1e-12
"""An image of no length has no direction; torch divides by this too."""


class Tuning(_base.Tuning):
    """Takes the head from the file that the weights came from, or has it written by the text tower of the backbone."""

    def put_in(self) -> None:
        """Where a text tower answers, it is fetched and read here: before anything is measured."""
        card = self.setup.card
        tower = None if source_classes(card.source_data) else text_towers.tower_of(card)
        self.written = self.write(tower) if tower else None

    def write(self, tower: text_towers.TextTower) -> tuple[np.ndarray, np.ndarray, float, str]:
        """Rows in what the head reads, their biases, the scale of cosines, and a sentence that says how they came about.

        A text tower has embeddings t of length one; an image with features f is at P f + p in the same space. Its logits are
        scale * t.(P f + p) / |P f + p|, so the rows are t P and the biases t p; the length is the image's own.
        """
        setup = self.setup
        if prompts.nameless(setup.class_names):  # known since the files are here
            raise StrategyError(
                f"The classes have numbers and no names ({', '.join(setup.class_names[:3])}), so there is nothing to tell a text"
                " tower about them. The linear probe is the nearest control."
            )
        if setup.weights == "pretrained":

            def told(done: int, whole: int) -> None:
                setup.tell(f"downloading the text tower ({in_words(whole)})", done / max(whole, 1))

            _text_tower.fetch(setup.card, tower, told)
        loaded = _text_tower.load(self.network, setup.card, tower, setup.weights)
        setting = self.settings["prompts"]
        texts = prompts.texts(setup.class_names, setting)
        device = torch.device(setup.device.name if setup.device else "cpu")
        rows = _text_tower.embed(loaded, texts, device, setup.step)
        self.projection = loaded.projection
        if loaded.projection is None:
            weight, bias = rows, np.zeros(len(rows))
        else:
            weight, bias = rows @ loaded.projection[0], rows @ loaded.projection[1]
        said = (
            f"each class is answered by the text tower {loaded.origin}, which read {len(prompts.given(setting))} prompts of it:"
            f" {texts[0][0]!r} and so on"
        )
        return weight, bias, loaded.scale, said

    def solve(self, depths: Sequence[FeatureSplit]) -> _base.Solved:
        # What the head reads is the last depth in the network's usual pooling.
        last = depths[-1]
        if self.written is None:
            weight, bias, notice = self.of_source()
            logits = last.validation @ weight.T + bias
        else:
            weight, bias, scale, notice = self.written
            # The head of a network is linear: it leaves out the length of an image, which changes no answer of it. The scale
            # goes into it all the same; the loss is that of the true logits.
            logits = scale * (last.validation @ weight.T + bias) / self.lengths(last.validation)[:, None]
            weight, bias = scale * weight, scale * bias
        return _base.Solved(
            weight,
            bias,
            float(np.mean(logits.argmax(axis=1) == last.validation_labels)),
            log_loss(logits, last.validation_labels),
            notice,
        )

    def lengths(self, features: np.ndarray) -> np.ndarray:
        """Of images in the space of the texts: (n, n_features) -> (n,)."""
        if self.projection is not None:
            features = features @ self.projection[0].T + self.projection[1]
        return np.maximum(np.linalg.norm(features, axis=1), SHORTEST)

    def of_source(self) -> tuple[np.ndarray, np.ndarray, str]:
        """The rows of the source head that the target's classes are called by, with what is said of them."""
        setup, card = self.setup, self.setup.card
        names = source_classes(card.source_data)
        rows = rows_of(names, setup.class_names)
        head = source_head(self.network, card.name, "pretrained", setup.home)
        if rows is None or len(head.bias) != len(names):
            raise StrategyError(f"The head of {card.name} does not name these classes: {', '.join(setup.class_names)}.")
        said = f"each class is answered by the row of the source head that is called {', '.join(names[row] for row in rows)}"
        return head.weight[rows], head.bias[rows], said
