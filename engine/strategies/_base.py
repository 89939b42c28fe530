"""The contract of strategies: data, without torch. What a strategy does to tensors is in `engine.tuning`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine import checks
from engine.errors import SpecError
from engine.registry import Registry

GROUPS = {
    "freezing": "What stays frozen",
    "schedule": "When and how fast units learn",
    "parameter-efficient": "A few parameters",
    "regularised": "Held back",
    "weight space": "Between weights",
    "layer transfer": "Which layers transfer (Yosinski)",
    "mistake": "A classic mistake",
}
"""How strategies are grouped on the screen, with what the group is called."""

Settings = Mapping[str, Any]


class Weight(Protocol):
    """What a strategy reads of a parameter tensor: see `engine.backbones.Card`."""

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int: ...


class Unit(Protocol):
    """What a strategy reads of a unit."""

    name: str
    stage: str
    parameters: int
    flops: int
    n_features: int
    weights: tuple[Any, ...]
    output: tuple[int, ...]


class Card(Protocol):
    """What a strategy reads of a backbone."""

    name: str
    composable: bool

    @property
    def units(self) -> Sequence[Any]: ...

    @property
    def n_units(self) -> int: ...


@dataclass(frozen=True)
class Setting:
    """One of the few choices that matter for a strategy."""

    name: str
    label: str
    default: int | float | str
    summary: str
    low: float = 0
    high: float = 0
    options: tuple[str, ...] = ()
    """For names: what may be chosen; empty takes any text."""

    def checked(self, owner: str, value: object) -> int | float | str:
        """The value in its own type. Raises SpecError naming what was given and what is allowed."""
        where = f"settings.{owner}.{self.name}"
        if isinstance(self.default, str):
            if self.options:
                checks.choice(where, value, self.options)
            elif not isinstance(value, str) or not checks.storable(value) or len(value) > 4096:
                raise SpecError(f"{where} is {value!r}; it must be text.")
            return value  # type: ignore[return-value]
        if isinstance(self.default, int):
            checks.whole(where, value, int(self.low), int(self.high))
            return value  # type: ignore[return-value]
        checks.number(where, value, self.low, self.high)
        return float(value) + 0.0  # type: ignore[arg-type]


@dataclass(frozen=True)
class Moves:
    """Which of the backbone's own tensors may move during a run."""

    units: tuple[int, ...]
    """0-based units that train whole."""
    parts: str = ""
    """What trains within the other units: nothing, `norm` (normalisation with its statistics) or `bias`."""


def is_part(weight: Weight, parts: str) -> bool:
    """Whether a tensor is of the parts that `Moves` names."""
    return weight.kind == "norm" if parts == "norm" else parts == "bias" and weight.name.endswith("bias")


@dataclass(frozen=True)
class Phase:
    """A part of the training in which the same units learn."""

    end: float
    """Share of all steps (0..1) at which it ends."""
    rates: tuple[float, ...]
    """Share of the run's learning rate for every unit, then for the head; 0 = does not learn in this phase."""
    curve: str = ""
    """A schedule run through within this phase; empty: the schedule of the whole training goes on."""


@dataclass(frozen=True)
class Beside:
    """A frozen network that a strategy asks beside the backbone, before anything is measured; it is no part of what learns."""

    parameters: int
    flops_per_class: float
    memory_bytes: float
    """While it is read and asked."""
    download_bytes: int
    """About; 0 where it is on this machine."""
    words: str
    """What it is, where it comes from, how large it is and under which licence; one sentence, the same for the same network."""


Depths = Callable[[int, tuple[int, ...]], tuple[int, ...]]


def from_depth(card: Card, depth: int, settings: Settings) -> Moves:
    """The units after the frozen ones train whole."""
    return Moves(tuple(range(depth, card.n_units)))


def nothing(card: Card, depth: int, settings: Settings) -> Moves:
    """The whole backbone stays as it is."""
    return Moves(())


def last_width(card: Card, settings: Settings) -> int:
    """The head reads the pooled features of the last unit."""
    return card.units[-1].n_features


def all_widths(card: Card, settings: Settings) -> int:
    """The head reads the pooled features of every unit."""
    return sum(unit.n_features for unit in card.units)


@dataclass(frozen=True)
class Strategy:
    """One way to use a pretrained backbone for a target task."""

    name: str
    label: str
    summary: str
    source: str
    depths: Depths = lambda n_units, asked: (0,)
    """(n_units, depths asked for) -> the frozen depths (leading untouched units) at which it has a cell of its own."""
    group: str = "freezing"
    settings: tuple[Setting, ...] = ()
    weights: str | None = None
    """What it starts from, where that is part of its definition (`random`); None takes the experiment's weights."""
    solves_head: bool = False
    """Whether the head is solved on frozen features (convex, L-BFGS) instead of trained by gradient steps."""
    probe_first: bool = False
    """Whether training begins from the head that a linear probe solves."""
    control: bool = False
    """Whether the word gain may be used against it."""
    refuses: Callable[[Card, Settings], str | None] = lambda card, settings: None
    """Why it cannot be applied to this backbone with these settings, as a sentence; None where it can."""
    refuses_task: Callable[[Card, Any, str], str | None] | None = None
    """(card, `engine.datasets.DatasetInfo`, starting weights) -> why it cannot be applied to this task, or None where it can;
    None = any task will do."""
    uninvited: Callable[[Card, Any, str], str | None] | None = None
    """As `refuses_task`: why a control that could be applied is not added to a comparison that does not name it (it would have to
    download something); None = nothing speaks against it."""
    at: Callable[[Card, Settings], int] | None = None
    """The frozen depth where it follows from the settings (the last three units, one chosen block)."""
    same_as: Callable[[Card, int, Settings, str], tuple[str, int] | None] = lambda card, depth, settings, schedule: None
    """(card, frozen depth, settings, schedule) -> the strategy and depth whose cell is the same by definition."""
    moves: Callable[[Card, int, Settings], Moves] = from_depth
    added: Callable[[Card, Settings], int] = lambda card, settings: 0
    """Trainable parameters put into the backbone."""
    head_inputs: Callable[[Card, Settings], int] = last_width
    phases: Callable[[Card, int, Settings, int], tuple[Phase, ...]] | None = None
    """(card, frozen depth, settings, epochs) -> which units learn when and at what rate; None: all that may move, at one rate."""
    on_plateau: Callable[[Settings], bool] = lambda settings: False
    """Whether the next phase begins when the validation loss has stopped falling, instead of at its share of the steps."""
    curve: str = ""
    """The schedule that is part of its definition; empty takes the experiment's."""
    optimizer: str = ""
    """What an experiment that names no optimiser trains it with; empty: what suits the backbone (`engine.recipes`)."""
    rate_factors: tuple[float, float] = (1.0, 1.0)
    """Its learning rate where an experiment names none, as a multiple of the rate of full fine-tuning with that optimiser: in
    networks without attention, and in those with it."""
    tuning: str = ""
    """Module of `engine.tuning` with what it does to tensors; empty: nothing beyond the above."""
    beside: Callable[[Card, Settings], Beside | None] = lambda card, settings: None
    """The network that is asked beside the backbone (a text tower), where there is one."""
    extra_passes: float = 0.0
    """Forward passes per training image beyond the usual one (a frozen copy that is asked, say)."""
    mistake_of: str = ""
    """The strategy that this one gets wrong on purpose: planned beside it at every depth and compared with it alone. Such a
    strategy is shown as a lesson and is a contestant nowhere (see `engine.mistakes`)."""
    statistics_move: bool = False
    """Whether the running statistics of frozen units go on moving, as they do where normalisation is left in training mode."""


STRATEGIES: Registry[Strategy] = Registry("strategy", __name__.rpartition(".")[0])


def settled(strategy: Strategy, given: Settings) -> dict[str, Any]:
    """Every setting of a strategy: those given, checked, and the defaults of the others.

    Raises:
        SpecError: a key it does not have (near matches are named), or a value out of range.
    """
    known = [setting.name for setting in strategy.settings]
    if given and not known:
        raise SpecError(f"The strategy {strategy.name!r} has no settings, and was given {', '.join(given)}.")
    checks.unknown_keys(f"settings.{strategy.name}", given, known)
    return {
        setting.name: setting.checked(strategy.name, given[setting.name]) if setting.name in given else setting.default
        for setting in strategy.settings
    }


def own(strategy: Strategy, given: Settings) -> dict[str, Any]:
    """The settings that differ from the defaults: what makes a run another one."""
    usual = {setting.name: setting.default for setting in strategy.settings}
    return {name: value for name, value in settled(strategy, given).items() if value != usual[name]}
