"""How the trainable part is trained: every field of TrainSpec, the measures and the seeds, for those who look."""

from __future__ import annotations

import streamlit as st

from engine import spec
from engine.datasets import DatasetInfo

WORDS = {
    "sgd": "SGD with momentum",
    "adamw": "AdamW",
    "one_cycle": "One cycle",
    "cosine": "Cosine",
    "constant": "Constant",
    "none": "None",
    "crop": "Shifted",
    "crop_flip": "Shifted and mirrored",
    "best_validation": "Best on validation",
    "last_epoch": "Last epoch",
    "auto": "Automatic",
    "float32": "32 bit",
    "bfloat16": "bfloat16",
    "linear_probe": "Linear probe",
    "knn": "Nearest neighbours",
}


def training(info: DatasetInfo | None) -> None:
    """Draw the settings; they start from values that suit the shipped network."""
    left, right = st.columns(2)
    with left:
        _numbers()
    with right:
        _choices(info)
    st.pills(
        "Measures after every unit", spec.MEASURES, selection_mode="multi", format_func=_word, key="lab-measures",
        help="How good the features after each unit are, without training the network: a linear classifier solved on them,"
        " and the labels of the 20 most similar images.",
    )  # fmt: skip
    st.text_input(
        "Seed numbers", key="lab-seed-list", placeholder="0, 1, 2, ... as many as chosen above",
        help="Only to repeat particular seeds: for example 0-5, 17.",
    )  # fmt: skip


def _numbers() -> None:
    st.number_input(
        "Epochs", 1, 10_000, step=5, key="lab-epochs", help="How often every training image is shown to the network."
    )
    st.number_input(
        "Batch size", 1, 65_536, step=8, key="lab-batch_size", help="Images per step. Larger needs more memory."
    )
    st.number_input(
        "Learning rate", 0.0, 100.0, step=0.005, format="%g", key="lab-learning_rate",
        help="The size of a step at its peak. Too high and the loss grows, too low and little is learned. Above 0.",
    )  # fmt: skip
    st.number_input(
        "Weight decay", 0.0, 1.0, step=0.0001, format="%g", key="lab-weight_decay",
        help="Pulls weights towards zero at every step. Never applied to frozen units.",
    )  # fmt: skip
    st.number_input(
        "Label smoothing", 0.0, 0.9, step=0.05, format="%g", key="lab-label_smoothing",
        help="The share of certainty that is spread over the other classes.",
    )  # fmt: skip


def _choices(info: DatasetInfo | None) -> None:
    _choose("Optimiser", "optimizer", spec.OPTIMIZERS, "The rule that turns gradients into steps.")
    _choose(
        "Schedule", "schedule", spec.SCHEDULES,
        "How the learning rate changes. One cycle: rises over the first fifth, then falls to 0. Cosine: falls to 0.",
    )  # fmt: skip
    usual = (
        f"As suits the data ({WORDS.get(info.augmentation, info.augmentation).lower()})"
        if info
        else "As suits the data"
    )
    _choose(
        "Augmentation", "augmentation", spec.AUGMENTATIONS,
        "Small random changes to training images. Mirroring harms where left and right matter, as in digits.",
        dataset=usual,
    )  # fmt: skip
    _choose(
        "Selection", "selection", spec.SELECTIONS,
        "Which epoch is tested: the best one on the validation images, or the last. Test images never decide.",
    )  # fmt: skip
    _choose(
        "Precision", "precision", spec.PRECISIONS,
        "How numbers are kept during training. Automatic: bfloat16 where the processor is made for it, else 32 bit.",
    )  # fmt: skip


def _choose(label: str, field: str, options: tuple[str, ...], help: str, **words: str) -> None:
    st.selectbox(label, options, key=f"lab-{field}", format_func=lambda one: words.get(one) or _word(one), help=help)


def _word(value: str) -> str:
    return WORDS.get(value, value)
