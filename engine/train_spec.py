"""`TrainSpec`: how one cell is trained."""

from __future__ import annotations

from dataclasses import dataclass

from engine.checks import choice, number, whole
from engine.spec_base import Spec

AUTO = "auto"
OPTIMIZERS = (AUTO, "sgd", "adamw")
SCHEDULES = ("one_cycle", "cosine", "constant", "warmup_cosine", "slanted_triangular")
AUGMENTATIONS = ("dataset", "none", "crop", "crop_colour", "crop_flip", "crop_flip_colour", "crop_flip_erase")
SELECTIONS = ("best_validation", "last_epoch")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainSpec(Spec):
    """How the trainable part is trained; the same for every strategy of an experiment, so that only the strategy differs.

    Optimiser and learning rate are the exception where they are left at `auto`: then each strategy gets those it is known to
    work with (see `engine.recipes`), and the planned runs say which. What is given holds for all strategies. Epochs left at
    `auto` are the same for all strategies, and depend on the number of training images alone.
    """

    epochs: int | str = AUTO
    """Passes over the training images, 1..10000, or `auto`: 30, and with few images as many as make 200 steps."""
    batch_size: int = 32
    """Images per step, 1..65536."""
    learning_rate: float | str = AUTO
    """Peak learning rate, above 0 and at most 100, or `auto`: as suits strategy and optimiser."""
    optimizer: str = AUTO
    """`sgd` (Nesterov momentum 0.9), `adamw` or `auto`: as suits strategy and backbone."""
    weight_decay: float = 5e-4
    """L2 (sgd) or decoupled (adamw) weight decay, 0..1; never applied to frozen tensors."""
    schedule: str = "one_cycle"
    """`one_cycle` (linear warm-up over 20 % of the steps, cosine to 0), `cosine`, `constant`, `warmup_cosine` (over 5 %) or
    `slanted_triangular` (Howard & Ruder 2018)."""
    cycles: int = 1
    """How often the schedule is run through, each time from its start (warm restarts), 1..100."""
    label_smoothing: float = 0.0
    """0..0.9."""
    augmentation: str = "dataset"
    """`dataset` (its own default), `none`, `crop` (random shift by 1/8), `crop_flip` (and mirrored half the time),
    `crop_colour` or `crop_flip_colour` (and brightness, contrast and saturation changed by up to 40 %) or
    `crop_flip_erase` (and a random square filled with the mean colour, half the time)."""
    selection: str = "best_validation"
    """Which epoch's weights are tested: `best_validation` (ties: lower loss) or `last_epoch`. Never chosen on test."""
    precision: str = "auto"
    """`auto` (bfloat16 where the processor has it), `float32` or `bfloat16`."""

    def __post_init__(self) -> None:
        if self.epochs != AUTO:
            whole("epochs", self.epochs, 1, 10_000, or_word=AUTO)
        whole("batch_size", self.batch_size, 1, 65_536)
        if self.learning_rate != AUTO:
            number("learning_rate", self.learning_rate, 0, 100, open_below=True, or_word=AUTO)
        choice("optimizer", self.optimizer, OPTIMIZERS)
        number("weight_decay", self.weight_decay, 0, 1)
        choice("schedule", self.schedule, SCHEDULES)
        whole("cycles", self.cycles, 1, 100)
        number("label_smoothing", self.label_smoothing, 0, 0.9)
        choice("augmentation", self.augmentation, AUGMENTATIONS)
        choice("selection", self.selection, SELECTIONS)
        choice("precision", self.precision, PRECISIONS)
        # 1 and 1.0 must be the same experiment, and so must 0.0 and -0.0.
        for name in ("learning_rate", "weight_decay", "label_smoothing"):
            if (value := getattr(self, name)) != AUTO:
                object.__setattr__(self, name, float(value) + 0.0)
