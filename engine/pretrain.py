"""Make the backbones that are shipped: train from scratch with a recorded recipe, then write weights, card and model card."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path

from engine.backbones import Card
from engine.backbones._base import ASSETS
from engine.backbones._describe import describe
from engine.backbones._network import Network
from engine.backbones._weights import file_sha256, save_backbone
from engine.caches import Caches
from engine.device import Device
from engine.errors import SpecError, TransferscopeError
from engine.events import Diverged, EpochEnded, Event, Started, Tested
from engine.execute import execute
from engine.generators import drained
from engine.spec import RunSpec, TrainSpec
from engine.train import Savepoint

SOURCE_LICENCE = (
    "CIFAR-10 (Krizhevsky 2009) was published for research without a formal licence; its images come from the web. The"
    " weights are ours and carry this project's licence (Apache-2.0); check the data's status before commercial use."
)


def recipe(backbone: str, dataset: str) -> tuple[RunSpec, ...]:
    """The runs that make a shipped backbone: each stage after the first goes on from the weights of the one before.

    Raises:
        SpecError: there is no recipe.
    """
    path = ASSETS / "backbones" / f"{backbone}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise SpecError(f"There is no pretraining recipe for {backbone!r}; there are recipes for: {known}.")
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        RunSpec(
            backbone=backbone,
            dataset=dataset,
            strategy="full_fine_tuning" if stage else "from_scratch",
            frozen_depth=0,
            seed=values["seed"],
            weights="pretrained" if stage else "random",
            measures=(),
            # A recipe without an optimiser means SGD: what made the weights must not follow the engine's recommendations.
            train=TrainSpec.from_dict({"optimizer": "sgd"} | train),
        )
        for stage, train in enumerate(values["stage"])
    )


def pretrain(stages: tuple[RunSpec, ...], device: Device, folder: Path, say: Callable[[Event], None]) -> Card:
    """Execute a recipe and write `NAME.safetensors`, `NAME.json` and `NAME.md` into a folder.

    Args:
        stages: from `recipe`.
        device: where to train.
        folder: where to write; weights of earlier stages are kept beside the final ones until the end.
        say: told every event.

    Raises:
        TransferscopeError: the training diverged; no final weights are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name, before = stages[0].backbone, None
    shared = Caches()
    for place, stage in enumerate(stages, start=1):
        run = dataclasses.replace(stage, weights=f"file:{before}") if before else stage
        network, facts = _execute(run, device, shared, say)
        before = folder / f"{name}.stage{place}.safetensors"
        save_backbone(network, before, {"backbone": name, "test_accuracy": f"{facts[Tested].accuracy:.4f}"})
    weights = before.replace(folder / f"{name}.safetensors")
    for stage_file in folder.glob(f"{name}.stage*.safetensors"):
        stage_file.unlink()
    final = dataclasses.replace(
        describe(name),
        weights=f"assets:{weights.name}",
        weights_bytes=weights.stat().st_size,
        weights_sha256=file_sha256(weights),
    )
    (folder / f"{name}.json").write_text(final.to_json() + "\n", encoding="utf-8")
    text = model_card(stages, final, facts[Started], facts[Tested], facts[EpochEnded])
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return final


def _execute(
    run: RunSpec, device: Device, shared: Caches, say: Callable[[Event], None]
) -> tuple[Network, dict[type[Event], Event]]:
    """One stage: the trained network, on the CPU, and the last event of each kind."""
    facts: dict[type[Event], Event] = {}

    def note(item: Event | Savepoint) -> None:
        if isinstance(item, Event):
            facts[type(item)] = item
            say(item)

    network = drained(execute(run, device, shared=shared), note)
    if Diverged in facts:
        raise TransferscopeError(
            f"Pretraining diverged: {facts[Diverged].reason}. Lower the learning rate of the recipe."
        )
    return network.to("cpu"), facts


def model_card(stages: tuple[RunSpec, ...], card: Card, started: Started, tested: Tested, last: EpochEnded) -> str:
    """The model card as Markdown, from what was measured in the last stage."""
    from engine.stats import wilson

    bounds = wilson(tested.accuracy, tested.n_images)
    run = stages[-1]
    recipe_lines = "\n".join(f"{place}. {_stage(stage)}" for place, stage in enumerate(stages, start=1))
    mflops = sum(unit.flops for unit in card.units) / 1e6
    data = f"{started.n_train:,} images to train, {started.n_validation:,} to validate, {started.n_test:,} to test"
    interval = f"95 % Wilson interval {bounds.low:.2%} to {bounds.high:.2%}, n = {tested.n_images:,}"
    chosen = f"read after epoch {tested.epoch} of the last stage, {run.train.selection.replace('_', ' ')}"
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
`test/<class>/*`. Seed {run.seed}; the same validation images throughout; each stage goes on from the weights of the one before.

{recipe_lines}

Last epoch: training loss {last.train_loss:.4f}, validation loss {last.validation_loss:.4f}.

## Use and limits
Made to show transfer on small images in seconds, not to be a strong classifier. It has seen ten classes of photographs
at 32x32 pixels; its features are those of that task. {SOURCE_LICENCE}
"""


def _stage(run: RunSpec) -> str:
    train = run.train
    optimiser = "SGD with Nesterov momentum 0.9" if train.optimizer == "sgd" else "AdamW"
    smoothing = f", label smoothing {train.label_smoothing:g}" if train.label_smoothing else ""
    return (
        f"{train.epochs} epochs, batch {train.batch_size}, {optimiser}, peak learning rate {train.learning_rate:g},"
        f" {train.schedule.replace('_', ' ')} schedule, weight decay {train.weight_decay:g} (not on biases and normalisation)"
        f"{smoothing}, augmentation {train.augmentation.replace('_', ' ')}."
    )
