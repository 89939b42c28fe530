"""Make the backbones that are shipped: train from scratch with a recorded recipe, then write weights, card and model card."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path

from engine.backbones import Card
from engine.backbones._base import ASSETS
from engine.backbones._describe import describe
from engine.backbones._weights import file_sha256, save_backbone
from engine.device import Device
from engine.errors import SpecError, TransferscopeError
from engine.events import Diverged, EpochEnded, Event, Started, Tested
from engine.execute import execute
from engine.spec import RunSpec, TrainSpec

SOURCE_LICENCE = (
    "CIFAR-10 (Krizhevsky 2009) was published for research without a formal licence; its images come from the web. The"
    " weights are ours and carry this project's licence (Apache-2.0); check the data's status before commercial use."
)


def recipe(backbone: str, dataset: str) -> RunSpec:
    """The run that makes a shipped backbone. Raises SpecError where there is no recipe."""
    path = ASSETS / "backbones" / f"{backbone}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise SpecError(f"There is no pretraining recipe for {backbone!r}; there are recipes for: {known}.")
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return RunSpec(
        backbone=backbone,
        dataset=dataset,
        strategy="from_scratch",
        frozen_depth=0,
        seed=values["seed"],
        weights="random",
        measures=(),
        train=TrainSpec.from_dict(values["train"]),
    )


def pretrain(run: RunSpec, device: Device, folder: Path, say: Callable[[Event], None]) -> Card:
    """Execute a recipe and write `NAME.safetensors`, `NAME.json` and `NAME.md` into a folder.

    Args:
        run: from `recipe`.
        device: where to train.
        folder: where to write.
        say: told every event.

    Raises:
        TransferscopeError: the training diverged; nothing is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{run.backbone}.safetensors"
    facts: dict[type[Event], Event] = {}
    work = execute(run, device)
    while True:
        try:
            item = next(work)
        except StopIteration as done:
            network = done.value
            break
        if isinstance(item, Event):
            facts[type(item)] = item
            say(item)
    if Diverged in facts:
        raise TransferscopeError(
            f"Pretraining diverged: {facts[Diverged].reason}. Lower the learning rate of the recipe."
        )
    tested, started = facts[Tested], facts[Started]
    network.to("cpu")
    save_backbone(network, weights, {"backbone": run.backbone, "test_accuracy": f"{tested.accuracy:.4f}"})
    final = dataclasses.replace(
        describe(run.backbone),
        weights=f"assets:{weights.name}",
        weights_bytes=weights.stat().st_size,
        weights_sha256=file_sha256(weights),
    )
    (folder / f"{run.backbone}.json").write_text(final.to_json() + "\n", encoding="utf-8")
    text = model_card(run, final, started, tested, facts[EpochEnded])
    (folder / f"{run.backbone}.md").write_text(text, encoding="utf-8")
    return final


def model_card(run: RunSpec, card: Card, started: Started, tested: Tested, last: EpochEnded) -> str:
    """The model card as Markdown, from what was measured."""
    from engine.stats import wilson

    bounds = wilson(tested.accuracy, tested.n_images)
    train = run.train
    mflops = sum(unit.flops for unit in card.units) / 1e6
    data = f"{started.n_train:,} images to train, {started.n_validation:,} to validate, {started.n_test:,} to test"
    interval = f"95 % Wilson interval {bounds.low:.2%} to {bounds.high:.2%}, n = {tested.n_images:,}"
    chosen = f"read once, after epoch {tested.epoch}, {train.selection.replace('_', ' ')}"
    versions = ", ".join(f"{name} {version}" for name, version in started.versions.items())
    sides = " x ".join(str(side) for side in card.input_size)
    return f"""# {card.label}

{card.summary}

| | |
|---|---|
| architecture | {card.source}; {card.n_units} units, {card.parameters:,} parameters, {mflops:.1f} MFLOPs per image |
| input | {sides} (channels, height, width), mean {card.mean}, std {card.std} |
| source data | {card.source_data}: {data} |
| **test accuracy** | **{tested.accuracy:.2%}** ({interval}; {chosen}) |
| validation accuracy | {tested.validation_accuracy:.2%} |
| file | `{run.backbone}.safetensors`, {card.weights_bytes / 1e6:.2f} MB, sha256 `{card.weights_sha256}` |
| trained on | {started.device}, {started.precision}; {versions} |

## Recipe
`python -m engine pretrain {run.backbone} --data FOLDER`, where FOLDER holds CIFAR-10 as `train/<class>/*` and
`test/<class>/*`. Seed {run.seed}, {train.epochs} epochs, batch {train.batch_size}, {train.optimizer} with Nesterov
momentum 0.9, peak learning rate {train.learning_rate:g}, {train.schedule.replace("_", " ")} schedule run through {train.cycles} times, weight decay
{train.weight_decay:g} (not on biases and normalisation), augmentation {train.augmentation.replace("_", " ")}. Last epoch:
training loss {last.train_loss:.4f}, validation loss {last.validation_loss:.4f}.

## Use and limits
Made to show transfer on small images in seconds, not to be a strong classifier. It has seen ten classes of photographs
at 32x32 pixels; its features are those of that task. {SOURCE_LICENCE}
"""
