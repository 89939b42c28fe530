"""What every strategy is called and looks like in figures: colour by group, marker and dash within the group.

A strategy added to the engine gets a line here (a test compares the two): its look is then the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

INK = {False: "#081825", True: "#e6eef5"}


@dataclass(frozen=True)
class Look:
    """What one strategy looks like in every figure: `colour` (hex), Plotly `marker` symbol and line `dash`."""

    colour: str
    marker: str
    dash: str


# In the order of legends. Ice for what is frozen, warm for what is trained; distinct for colour-blind readers
# (after Okabe and Ito 2008), at least 3 to 1 against the background, and distinct in print by marker and dash.
KNOWN = {
    "full_fine_tuning": ("#c05f00", "#f2a54a", "square", "longdash"),
    "partial_fine_tuning": ("#009c72", "#1fa883", "circle", "solid"),
    "linear_probe": ("#0a5a94", "#7cc4f2", "diamond", "dot"),
    "from_scratch": ("#474747", "#dcdcdc", "x", "dash"),
}
STUDY = {
    # The selffer is cold, the transfer warm; what stays frozen is drawn through.
    "selffer": ("#0a5a94", "#7cc4f2", "circle", "solid"),
    "selffer_plus": ("#1b7f79", "#5fc9bf", "circle-open", "dash"),
    "transfer": ("#b23a48", "#f28b95", "square", "solid"),
    "transfer_plus": ("#c05f00", "#f2a54a", "square-open", "dash"),
    "random_frozen": ("#5d5d5d", "#c4c4c4", "x", "dot"),
}
"""As `KNOWN`, of a layer-transfer study: its curves stand beside no other strategy but from scratch."""
SPARE = (
    ("#8a4fa8", "#c79be0", "triangle-up", "dashdot"),
    ("#8a6d00", "#d9c25a", "star", "longdashdot"),
    ("#b23a48", "#f28b95", "triangle-down", "12px,3px"),
    ("#3c57c4", "#93a8f5", "pentagon", "3px,6px"),
    ("#a34d7d", "#e59ac4", "hexagon", "8px,4px"),
)
_MARKERS = (
    "triangle-up", "star", "pentagon", "hexagon", "cross", "triangle-down", "diamond-tall", "bowtie", "star-triangle-up",
    "hourglass", "star-square", "triangle-right",
)  # fmt: skip
_DASHES = ("dashdot", "longdashdot", "12px,3px", "3px,6px", "8px,4px", "dash", "dot", "solid", "2px,2px", "16px,4px")
_SHADES = 3
"""Steps by which neighbours in a group differ in lightness."""

# Colour for light and dark backgrounds, then the members in the order of the legend with their labels.
_GROUPS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("#1b7f79", "#5fc9bf", {
        "top_n": "Top units only",
        "surgical": "Surgical fine-tuning",
        "early_features": "Early-layer features",
        "head2toe": "Head2Toe",
        "zero_shot": "Zero-shot",
    }),
    ("#8a4fa8", "#c79be0", {
        "gradual_unfreezing": "Gradual unfreezing",
        "discriminative_rates": "Discriminative rates",
        "layer_decay": "Layer-wise rate decay",
        "lp_ft": "LP-FT",
        "freeze_then_fine_tune": "Freeze, then fine-tune",
        "chained_thaw": "Chained thaw",
        "slanted_triangular": "Slanted triangular",
        "one_cycle": "One cycle",
        "warmup_cosine": "Warm-up and cosine",
    }),
    ("#3c57c4", "#93a8f5", {
        "lora": "LoRA",
        "dora": "DoRA",
        "adapters": "Adapters",
        "ssf": "Scale and shift (SSF)",
        "ia3": "IA3",
        "bitfit": "BitFit",
        "norm_only": "Normalisation only",
        "vpt_shallow": "Prompt tuning, shallow",
        "vpt_deep": "Prompt tuning, deep",
        "prefix_tuning": "Prefix tuning",
        "qlora": "QLoRA",
    }),
    ("#8a6d00", "#d9c25a", {
        "l2_sp": "L2-SP",
        "ewc": "EWC",
        "bss": "BSS",
        "delta": "DELTA",
        "feature_distillation": "Feature distillation",
        "stochastic_norm": "Stochastic normalisation",
        "mixup": "Mixup",
        "cutmix": "CutMix",
        "label_smoothing": "Label smoothing",
        "head_dropout": "Head dropout",
        "early_stopping": "Early stopping",
    }),
    ("#a34d7d", "#e59ac4", {
        "wise_ft": "WiSE-FT",
        "soup": "Soup of runs",
        "adapter_merging": "Merged adapters",
    }),
    ("#b23a48", "#f28b95", {
        "transfer": "Transfer, frozen (AnB)",
        "transfer_plus": "Transfer, fine-tuned (AnB+)",
        "selffer": "Selffer, frozen (BnB)",
        "selffer_plus": "Selffer, fine-tuned (BnB+)",
        "random_frozen": "Random units, frozen",
    }),
    ("#c4123c", "#ff7a8c", {
        "moving_statistics": "Running statistics left on",
    }),
)  # fmt: skip

LABELS = {
    "full_fine_tuning": "Full fine-tuning",
    "partial_fine_tuning": "Partial fine-tuning",
    "linear_probe": "Linear probe",
    "from_scratch": "From scratch",
} | {name: label for _, _, members in _GROUPS for name, label in members.items()}


BY_DEPTH = {
    "moving_statistics": (
        "Statistics left on, depth {depth}",
        "running statistics left on at frozen depth {depth} of {n}",
    ),
}
"""Members of groups that have a cell at every frozen depth: label and part of a sentence."""


def of_group(strategy: str, dark: bool) -> Look | None:
    """The look of a strategy that is a member of a group; None for others."""
    if strategy in STUDY:
        return Look(STUDY[strategy][dark], *STUDY[strategy][2:])
    for light, for_dark, members in _GROUPS:
        if strategy in members:
            place = list(members).index(strategy)
            colour = shade(for_dark if dark else light, 0.7 * (place % _SHADES) / (_SHADES - 1), dark)
            return Look(colour, _MARKERS[place % len(_MARKERS)], _DASHES[place % len(_DASHES)])
    return None


def shade(colour: str, share: float, dark: bool) -> str:
    """Return a hex colour moved towards the ink, by up to a half at share 1: several depths of one strategy."""
    mixed = (
        round(int(colour[at : at + 2], 16) * (1 - share / 2) + int(INK[dark][at : at + 2], 16) * share / 2)
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
