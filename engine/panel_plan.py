"""When a panel looks, so that watching stays under 5 % of the training: planned before it begins, from counts alone.

With `auto` the looks are planned from the operations of a pass and of an epoch, and from what solving costs per unit. Measured
seconds would be closer, but a run that was killed and goes on must look at the same epochs as before, or its events would not
fit together; so solving is counted half as dear again, and every look says what it really took. Where not even two looks fit,
nothing is measured and the run says so. Epochs that were asked for by number are looked at whatever they cost.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine import cost
from engine.plan import PlannedRun

AUTO = "auto"
AIM = 0.05
"""Of the training's time, what watching may cost."""
MARGIN = 1.5
"""By how much solving may be dearer beside training than counted: networks reach very different shares of a processor's speed."""
PASS = {"float32": 1.0, "bfloat16": 2.0}
"""By how much an operation of a pass, which is float32, is dearer than one of a training in this precision. Three networks, an
image forward against forward and backward: a third, as counted, in float32, and 1.6 to 1.7 times that in bfloat16."""
PER_UNIT, PER_UNIT_LIGHT = 0.0022, 0.0006
"""Seconds of a processor that measuring a unit takes whatever its size; light is without probe and LogME."""
PER_PRODUCT, PER_PAIR, PER_LOGIT = 0.5e-9, 15e-9, 24e-9
"""Seconds for each of n x d x min(n, d) (Gram matrices and spectra), of n x n (neighbours) and of n x min(n, d) x classes (the
probes). Of three networks a unit took 1.9 to 2.8 ms on 40 digits, and of photographs 5 to 8 on 160 and 15 to 26 on 480; these
give 2.6 to 2.7, 6 to 8 and 15 to 26. Of many classes they say too much: 400 images of 256 features in 100 took 68 ms, not 276."""
GRID_LOOKS = 1.25
"""Looks' worth of solving that choosing the probe's penalty takes, once: 0.6 to 1.2."""
LEAST = 2
"""Looks that make a curve: before the training and after it."""
SPEEDS = {"cpu": 150e9, "cuda": 5e12, "mps": 1e12}
"""Operations per second of training, of a processor for each of its threads, of the order that the quickest network reaches on
small images: others, and threads that help less than in proportion, train longer than this says and are watched less than they
could be. Here with one thread plain8 142e9, resnet20 105e9, vit 71e9; with two plain8 345e9. Solving takes one."""
LIGHT = ("knn_accuracy", "drift", "weight_change")
"""What is measured where all measures would cost too much."""


@dataclass(frozen=True)
class Looks:
    """At which epochs a panel looks."""

    epochs: frozenset[int]
    light: bool = False
    """Whether only LIGHT is measured."""
    refused: str = ""
    """Why there are none at all."""


def looks(
    asked: tuple[int, ...] | str,
    planned: PlannedRun,
    n_train: int,
    n_validation: int,
    n_probe: int,
    device: str,
    threads: int = 1,
    precision: str = "float32",
) -> Looks:
    """The looks of one run: those that were asked for, or with AUTO as many as fit, 0 and the last epoch at least, or none.

    Args:
        asked: epochs, `every N` or `auto`.
        planned: the run with its backbone's card.
        n_train: images it learns from.
        n_validation: images it is validated on after every epoch.
        n_probe: images that the panel measures.
        device: kind of device: cpu, cuda or mps.
        threads: with which a processor trains.
        precision: in which it trains.
    """
    last = planned.run.train.epochs
    if asked != AUTO:
        return Looks(epochs(asked, last))
    forward = sum(unit.flops for unit in planned.card.units)
    speed = SPEEDS.get(device, SPEEDS["cuda"]) * (threads if device == "cpu" else 1)
    epoch = n_train * (forward + cost.backward_flops(planned)) + n_validation * forward
    allowed = AIM * last * epoch / speed
    one_pass, solving = PASS[precision] * n_probe * forward / speed, MARGIN * solving_seconds(planned, n_probe)
    affordable = int((allowed - GRID_LOOKS * solving) / (one_pass + solving))
    if affordable >= LEAST:
        return Looks(spread(affordable, last))
    one_light = one_pass + MARGIN * solving_seconds(planned, n_probe, light=True)
    affordable = int(allowed / one_light)
    if affordable >= LEAST:
        return Looks(spread(affordable, last), light=True)
    share = LEAST * one_light / (last * epoch / speed)
    return Looks(
        frozenset(),
        refused=f"nothing was measured while training: {last} epochs of {n_train} images are so short that the least,"
        f" {LEAST} looks at {n_probe} images, would add up to {share * 100:.0f} % to them, and automatic stays below"
        f" {AIM * 100:.0f} %; give the epochs (for example 0 and {last}) to have them measured whatever they cost",
    )


def solving_seconds(planned: PlannedRun, n_probe: int, light: bool = False) -> float:
    """Seconds of a processor that the measures of one look at `n_probe` images take beside the pass, as counted."""
    seconds = 0.0
    for unit in planned.card.units:
        least = min(n_probe, unit.n_features)
        seconds += PER_UNIT_LIGHT if light else PER_UNIT
        seconds += PER_PRODUCT * n_probe * unit.n_features * least + PER_PAIR * n_probe**2
        if not light:
            seconds += PER_LOGIT * n_probe * least * min(n_probe, planned.info.n_classes)
    return seconds


def spread(n: int, last: int) -> frozenset[int]:
    """`n` epochs (two or more) from 0 to the last, at equal distances."""
    n = min(n, last + 1)
    return frozenset(round(place * last / (n - 1)) for place in range(n)) if n > 1 else frozenset({0})


def epochs(asked: tuple[int, ...] | str, last: int) -> frozenset[int]:
    """The epochs 0..last that are asked for: numbers, or `every N` with 0 and the last."""
    if isinstance(asked, str):
        return frozenset((*range(0, last + 1, int(asked.split()[1])), last))
    return frozenset(epoch for epoch in asked if epoch <= last)
