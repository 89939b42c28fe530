"""How the trainable part is trained: every field of TrainSpec, the measures and the seeds, for those who look."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets import draft
from dashboard.widgets.pickers import budgets_chosen
from engine import budgets, recipes, spec
from engine.datasets import DatasetInfo
from engine.forgetting import MEASURE
from engine.search import words
from engine.search_fields import DEFAULTS, METHODS
from engine.spec_fields import LEAST_RESAMPLES, MOST_RESAMPLES

SEARCHES = {"": "No search", "random": "Random search", "grid": "Grid", "halving": "Successive halving"}
WORDS = {
    "dataset": "As suits the data",
    "sgd": "SGD with momentum",
    "adamw": "AdamW",
    "one_cycle": "One cycle",
    "cosine": "Cosine",
    "constant": "Constant",
    "warmup_cosine": "Short warm-up, then cosine",
    "slanted_triangular": "Slanted triangular",
    "none": "None",
    "crop": "Shifted",
    "crop_colour": "Shifted, colours changed",
    "crop_flip": "Shifted and mirrored",
    "crop_flip_colour": "Shifted, mirrored, colours changed",
    "crop_flip_erase": "Shifted, mirrored, a square erased",
    "best_validation": "Best on validation",
    "last_epoch": "Last epoch",
    "auto": "Automatic",
    "float32": "32 bit",
    "bfloat16": "bfloat16",
    "linear_probe": "Linear probe",
    "knn": "Nearest neighbours",
    "ncc": "Nearest class mean",
    "logme": "LogME",
    "h_score": "H-score",
    "h_score_regularised": "H-score, regularised",
    "nleep": "NLEEP",
    "transrate": "TransRate",
    "gbc": "GBC",
    "silhouette": "Silhouette",
    "leep": "LEEP",
    "nce": "NCE",
    "cka_matrix": "Similarity of units (CKA)",
    "forgetting": "Forgetting of other tasks",
    "global_average": "Global average",
    "adaptive_9k": "Grid of about 9,000 numbers",
    "class_token": "Class token",
    "patch_mean": "Mean of the patches",
}


def training(info: DatasetInfo | None) -> None:
    """Draw the settings; they start from values that suit the shipped network."""
    left, right = st.columns(2)
    with left:
        _numbers(info)
    with right:
        _choices(info)
    st.pills(
        "Measures after every unit", spec.ALL_MEASURES, selection_mode="multi", format_func=_word,
        default=draft.start("measures"), key=draft.key("measures"),
        help="How good the features after each unit are, without training the network: a linear classifier solved on them,"
        " the labels of the 20 most similar images, and scores from formulas. LEEP and NCE need the classifier that the backbone"
        " was pretrained with, and are taken at the last unit. A score that has no meaning on these features says why.",
    )  # fmt: skip
    _intervals()
    if MEASURE in (draft.value("measures") or ()):
        _source()
    left, right = st.columns(2)
    with left:
        _choose(
            "Features of a unit", "pooling", spec.POOLINGS,
            "How a unit's output becomes one row of numbers per image: the mean over positions; means over the cells of a grid,"
            " about 9,000 numbers; or, in transformers, the class token or the mean of the patches.",
        )  # fmt: skip
    with right:
        st.text_input(
            "Measure while training", draft.start("panel"), key=draft.key("panel"), placeholder="never",
            help="Epochs after which every unit is measured on a fixed set of training images: auto (as often as costs at"
            " most 5 % of the training), every 5, or 0, 10, 30. Watching changes nothing in the training.",
        )  # fmt: skip
    _search()
    st.text_input(
        "Seed numbers", draft.start("seed-list"), key=draft.key("seed-list"),
        placeholder="0, 1, 2, ... as many as chosen above",
        help="Only to repeat particular seeds: for example 0-5, 17.",
    )  # fmt: skip


def _search() -> None:
    """Whether settings are searched, how, and how many; the same for every strategy."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="lab-search-row"):
        methods = ("", *METHODS)
        st.selectbox(
            "Search the settings", methods, methods.index(draft.start("search")), key=draft.key("search"),
            format_func=SEARCHES.get, width=260,
            help="Tries several learning rates and settings of every strategy on the validation images, the same number for"
            " each, and tests what the best one has learned. Test images are read for that one alone. Random: the first"
            " setting is the one chosen here, the others are drawn. Halving: many settings for a few epochs, the best of them"
            " for longer. A linear probe chooses on validation anyway.",
        )  # fmt: skip
        if method := draft.value("search"):
            st.number_input(
                "Settings each", 2, 200, draft.start("search-settings"), 1, key=draft.key("search-settings"), width=130
            )
            st.number_input(
                "Range, times", 1.1, 1_000.0, draft.start("search-span"), 1.0, "%g", draft.key("search-span"), width=110,
                help="Numbers are drawn between the setting divided and multiplied by this.",
            )  # fmt: skip
            if method == "halving":
                st.number_input(
                    "Keep one in",
                    2,
                    10,
                    draft.start("search-reduction"),
                    1,
                    key=draft.key("search-reduction"),
                    width=120,
                )
    if draft.value("search"):
        asked = {"method": draft.value("search"), **{name: draft.value(f"search-{name}") for name in DEFAULTS}}
        st.caption(words(asked, draft.value("epochs"), draft.value("panel") or None))


def _intervals() -> None:
    """Whether every measure brings a 95 % interval, and from how many resamples."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="lab-intervals-row"):
        st.toggle(
            "Intervals of the measures (bootstrap)", draft.start("intervals"), key=draft.key("intervals"),
            help="A 95 % interval of every measure after every unit. Probe and kNN: Wilson over the test images, at no cost."
            " Scores from formulas are computed again on random subsamples of the training images, three quarters of every class"
            " each; the cost card says what that takes.",
        )  # fmt: skip
        if draft.value("intervals"):
            st.number_input(
                "Resamples",
                LEAST_RESAMPLES,
                MOST_RESAMPLES,
                draft.start("resamples"),
                20,
                key=draft.key("resamples"),
                width=130,
            )


def _source() -> None:
    st.text_input(
        "Images of the source task", draft.start("source-data"), key=draft.key("source-data"),
        placeholder="the dataset that the network learned from, where it is on this machine; else other tasks are probed",
        help="Forgetting is measured on the source task itself where its images are on this machine: a dataset's name, such as"
        " cifar10, or folder:PATH with the source's classes. Empty: the network's own source if it was downloaded here (see"
        " Data), otherwise linear probes on two drawn tasks, before training and after.",
    )  # fmt: skip


def _numbers(info: DatasetInfo | None) -> None:
    _number(
        "Epochs", "epochs", 1, 10_000, 5,
        "How often every training image is shown to the network. Empty: 30, and with few labels as many as make 200 steps,"
        " because with fewer most strategies are still learning when they end.",
        empty="As suits the labels",
    )  # fmt: skip
    if (
        info
        and draft.value("epochs") is None
        and (said := epochs_words(info, budgets_chosen(), draft.value("batch_size")))
    ):
        st.caption(said)
    _number("Batch size", "batch_size", 1, 65_536, 8, "Images per step. Larger needs more memory.")
    _number(
        "Learning rate", "learning_rate", 0.0, 100.0, 0.005,
        "The size of a step at its peak, above 0. Too high and the loss grows, too low and little is learned. Empty: every"
        " strategy takes the rate it is known to work with; a number holds for all of them.",
        empty="As suits each strategy",
    )  # fmt: skip
    _number(
        "Weight decay", "weight_decay", 0.0, 1.0, 0.0001,
        "Pulls weights towards zero at every step. Never applied to frozen units.",
    )  # fmt: skip
    _number(
        "Cycles", "cycles", 1, 100, 1,
        "How often the schedule of the learning rate is run through, each time from its start (warm restarts).",
    )  # fmt: skip
    _number(
        "Label smoothing", "label_smoothing", 0.0, 0.9, 0.05,
        "The share of certainty that is spread over the other classes.",
    )  # fmt: skip


def epochs_words(info: DatasetInfo, chosen: tuple[budgets.Budget | None, ...], batch_size: int | None) -> str:
    """What the epochs will be where they are left open: "With 50 labels 100, with 500 labels 30."; "" without a batch size."""
    if not batch_size:
        return ""
    train = spec.TrainSpec(batch_size=batch_size)
    fitting = [one for one in chosen if one is None or not budgets.refusal(one, info.name, info.n_classes, info.n_pool)]
    found = {one: recipes.epochs(train, budgets.n_train(one, info.n_classes, info.n_pool)) for one in fitting}
    said = ", ".join(f"with {budgets.words(one)} {epochs}" for one, epochs in found.items())
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _number(label: str, field: str, low: float, high: float, step: float, help: str, empty: str | None = None) -> None:
    form = "%g" if isinstance(low, float) else "%d"
    st.number_input(label, low, high, draft.start(field), step, form, draft.key(field), help, placeholder=empty)


def _choices(info: DatasetInfo | None) -> None:
    _choose(
        "Optimiser", "optimizer", spec.OPTIMIZERS,
        "The rule that turns gradients into steps. Automatic: SGD for convolutional networks, AdamW for transformers and for"
        " strategies that train a few parameters.",
    )  # fmt: skip
    _choose(
        "Schedule", "schedule", spec.SCHEDULES,
        "How the learning rate changes. One cycle: rises over the first fifth, then falls to 0. Cosine: falls to 0.",
    )  # fmt: skip
    _choose(
        "Augmentation", "augmentation", spec.AUGMENTATIONS,
        "Small random changes to training images. Mirroring harms where left and right matter, as in digits.",
    )  # fmt: skip
    # Not in the option's own words: Streamlit sends those back, and they would no longer fit when other data are chosen.
    if info and draft.value("augmentation") == "dataset":
        st.caption(f"These data: {_word(info.augmentation).lower()}.")
    _choose(
        "Selection", "selection", spec.SELECTIONS,
        "Which epoch is tested: the best one on the validation images, or the last. Test images never decide.",
    )  # fmt: skip
    _choose(
        "Precision", "precision", spec.PRECISIONS,
        "How numbers are kept during training. Automatic: bfloat16 where the processor is made for it, else 32 bit.",
    )  # fmt: skip
    st.checkbox(
        "Keep the weights", draft.start("keep"), key=draft.key("keep"),
        help="The selected weights of every run stay on this machine, for runs that start from them (run:ID) and for soups.",
    )  # fmt: skip


def _choose(label: str, field: str, options: tuple[str, ...], help: str) -> None:
    st.selectbox(
        label, options, options.index(draft.start(field)), key=draft.key(field), help=help,
        format_func=_word,
    )  # fmt: skip


def _word(value: str) -> str:
    return WORDS.get(value, value)
