"""The pictures of each generated task: (task, label, images) -> colours 0..1, float32 (n_images, SIDE, SIDE, 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.datasets._drawing import (
    SIDE,
    Draws,
    colour,
    each,
    edge,
    grain,
    grid,
    mix,
    rotated,
    sine,
    soft_noise,
    streaks,
    two_colours,
)
from engine.datasets._figures import FIGURES, length

_NAMES = tuple(FIGURES)
DistanceAt = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pose:
    """Where a figure lies: one row per image."""

    x: np.ndarray
    y: np.ndarray
    turns: np.ndarray
    size: np.ndarray
    """Side of the square with the figure's area, in pixels."""

    def distance(self, name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed distance in pixels of the figure `name` in this pose, at the places x, y."""
        u, v = rotated(x - each(self.x), y - each(self.y), self.turns)
        return FIGURES[name](u / each(self.size), v / each(self.size)) * each(self.size)

    def mixed(self, figures: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """As `distance`, for another figure in each image (int, (n_images,)); x and y are one grid, or one per image."""
        out = np.empty((len(figures), *x.shape[1:]), dtype=np.float32)
        for place in np.unique(figures):
            rows = figures == place
            pose = Pose(self.x[rows], self.y[rows], self.turns[rows], self.size[rows])
            there = [at if len(at) == 1 else at[rows] for at in (x, y)]
            out[rows] = pose.distance(_NAMES[place], *there)
        return out


def _posed(label: int, images: range) -> tuple[Pose, np.ndarray]:
    """A pose that keeps the figure in the image, with its corners (.88 of its size from its middle); and the distance."""
    # The task is not among the coordinates: at every distance, image i of a class is the same figure in the same place.
    draws = Draws("shapes", label, images)
    size = draws.numbers(26, 36)
    room = np.maximum(SIDE / 2 - np.float32(0.88) * size, np.float32(3))
    posed = Pose(draws.numbers(-1, 1) * room, draws.numbers(-1, 1) * room, draws.numbers(0, 1), size)
    return posed, posed.distance(_NAMES[label], *grid())


def photograph(task: str, label: int, images: range) -> np.ndarray:
    """A lit, rounded thing of some material with its shadow, before an out-of-focus scene."""
    posed, distance = _posed(label, images)
    return _lit(Draws(task, label, images), distance, posed.size, lambda x, y: posed.distance(_NAMES[label], x, y))


def _lit(draws: Draws, distance: np.ndarray, size: np.ndarray, distance_at: DistanceAt) -> np.ndarray:
    """The thing with this distance, photographed; `distance_at` gives its distance elsewhere."""
    behind, front = two_colours(draws, 0.24)
    scene = behind[:, None, None] + (soft_noise(draws, 3, 3) - 0.5) * 0.5 + (soft_noise(draws, 9, 3) - 0.5) * 0.3
    light = draws.numbers(0, 1)
    to_x, to_y = sine(light + np.float32(0.25)), sine(light)
    shade = distance_at(grid()[0] + each(to_x * 4), grid()[1] + each(to_y * 4))
    scene = scene * (1 - np.float32(0.5) * np.clip(np.float32(0.5) - shade / 5, 0, 1))[..., None]
    # Rounded like a cushion: the slope towards the light, from the distance's change, falls off inwards.
    slope = shade - distance
    height = np.clip(-distance / (size[:, None, None] * np.float32(0.25)), 0, 1)
    lit = np.float32(0.06) * slope * (1 - height) * (1 + height) * np.float32(0.8)
    material = front[:, None, None] + (soft_noise(draws, 20) - 0.5) * 0.25 + (soft_noise(draws, 5, 3) - 0.5) * 0.25
    return grain(draws, mix(scene, material + lit[..., None], edge(distance)), 0.03)


def cut_paper(task: str, label: int, images: range) -> np.ndarray:
    """One colour on another."""
    draws = Draws(task, label, images)
    behind, front = two_colours(draws, 0.3)
    return mix(behind, front, edge(_posed(label, images)[1]))


def line_drawing(task: str, label: int, images: range) -> np.ndarray:
    """An outline by a hand that trembles: pencil on paper, or chalk on a board."""
    draws = Draws(task, label, images)
    paper, ink = two_colours(draws, 0.62)
    tremble = (soft_noise(draws, 8)[..., 0] - 0.5) * 5
    distance = np.abs(_posed(label, images)[1] + tremble) - each(draws.numbers(0.9, 1.6))
    pressure = np.float32(0.75) + soft_noise(draws, 16)[..., 0] * np.float32(0.5)
    return grain(draws, mix(paper, ink, np.clip(edge(distance) * pressure, 0, 1)), 0.02)


def dot_plate(task: str, label: int, images: range) -> np.ndarray:
    """Dots of mixed brightness, of one hue in the figure and of another around it (after Ishihara's plates)."""
    draws = Draws(task, label, images)
    posed, _ = _posed(label, images)
    cell = SIDE / 14
    n = 16  # one more than is seen at every side, because dots reach into their neighbours' cells
    steps = ((np.arange(n) - (n - 1) / 2) * cell).astype(np.float32)
    at_x = steps[None, None] + draws.numbers(-0.22, 0.22, n, n) * np.float32(cell)
    at_y = steps[None, :, None] + draws.numbers(-0.22, 0.22, n, n) * np.float32(cell)
    radius = draws.numbers(0.36, 0.52, n, n) * np.float32(cell)
    inside = posed.distance(_NAMES[label], at_x, at_y) < 0
    brightness = draws.numbers(0.42, 0.72, n, n)
    hue = draws.numbers(0, 1)
    hues = np.where(inside, each(hue + draws.numbers(0.35, 0.65)), each(hue)) + draws.numbers(-0.04, 0.04, n, n)
    dots = colour(brightness.reshape(-1), hues.reshape(-1), np.full(hues.size, 0.5, dtype=np.float32))
    dots = dots.reshape(len(hues), n * n, 3)
    middle = ((np.arange(SIDE) + 0.5) / cell).astype(np.int64) + 1
    x, y = grid()
    nearest, owner = np.full((len(hues), SIDE, SIDE), np.inf, dtype=np.float32), np.zeros((len(hues), SIDE, SIDE), int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = (middle + down)[:, None], (middle + right)[None]
            away = length(x - at_x[:, row, column], y - at_y[:, row, column]) - radius[:, row, column]
            owner = np.where(away < nearest, row * n + column, owner)
            nearest = np.minimum(away, nearest)
    own = np.take_along_axis(dots, owner.reshape(len(hues), -1, 1), axis=1).reshape(len(hues), SIDE, SIDE, 3)
    return mix(np.full((len(hues), 3), 0.93, dtype=np.float32), own, edge(nearest))


def grain_only(task: str, label: int, images: range) -> np.ndarray:
    """One grain everywhere, in the figure at right angles to the grain around it: no edge, no other colour."""
    draws = Draws(task, label, images)
    distance = _posed(label, images)[1]
    turns, across = draws.numbers(0, 1), draws.numbers(3.0, 3.8)
    around, within = streaks(draws, turns, across), streaks(draws, turns + np.float32(0.25), across)
    return _two_tone(draws, around + (within - around) * edge(distance))


def _two_tone(draws: Draws, values: np.ndarray) -> np.ndarray:
    dark, bright = two_colours(draws, 0.6)
    return mix(dark, bright, np.clip((values - 0.5) * np.float32(1.6) + np.float32(0.5), 0, 1))


HUES = {
    "red": 0,
    "orange": 28,
    "yellow": 52,
    "lime": 82,
    "green": 125,
    "turquoise": 172,
    "sky blue": 203,
    "blue": 235,
    "violet": 277,
    "pink": 322,
}
"""By class name, in class order: degrees on the colour wheel. Further apart where people see less of a difference."""


def hues(task: str, label: int, images: range) -> np.ndarray:
    """Any figure in the hue of the class, pale or deep, before a grey scene."""
    draws = Draws(task, label, images)
    size = draws.numbers(19, 29)
    room = np.float32(SIDE / 2) - size * np.float32(0.55)  # anywhere, or the middle pixel would nearly always tell
    posed = Pose(draws.numbers(-1, 1) * room, draws.numbers(-1, 1) * room, draws.numbers(0, 1), size)
    distance = posed.mixed(draws.choices(len(_NAMES)), *grid())
    turns = np.float32(list(HUES.values())[label] / 360) + draws.numbers(-0.014, 0.014)
    value, depth = draws.numbers(0.55, 1.0), draws.numbers(0.5, 1.0)
    ramp = np.asarray((0, 4, 2), dtype=np.float32)  # HSV to RGB (Smith 1978), as three shifted trapezia
    sixth = turns[:, None] * np.float32(6) + ramp
    wheel = np.clip(np.abs(sixth - np.floor(sixth / 6) * 6 - 3) - 1, 0, 1)
    front = value[:, None] * (1 - depth[:, None] * (1 - wheel))
    grey = each(draws.numbers(0.15, 0.85))[..., None] + (soft_noise(draws, 4) - 0.5) * 0.6
    material = front[:, None, None] * (1 + (soft_noise(draws, 12) - 0.5) * 0.4)
    return mix(np.broadcast_to(grey, (*distance.shape, 3)), material, edge(distance))


def textures(task: str, label: int, images: range) -> np.ndarray:
    """Any figure, large and cut off anywhere, filled with the texture of the class, on a plain ground."""
    draws = Draws(task, label, images)
    posed = Pose(draws.numbers(-7, 7), draws.numbers(-7, 7), draws.numbers(0, 1), draws.numbers(42, 54))
    distance = posed.mixed(draws.choices(len(_NAMES)), *grid())
    u, v = rotated(*grid(), draws.numbers(0, 1))
    period, shift = each(draws.numbers(9, 13)), draws.numbers(0, 8, 2)
    value = list(TEXTURES.values())[label](u / period + each(shift[:, 0]), v / period + each(shift[:, 1]), period)
    one, two = two_colours(draws, 0.45)
    ground = colour(draws.numbers(0.15, 0.85), draws.numbers(0, 1), draws.numbers(0, 0.4))
    return grain(draws, mix(ground, mix(one, two, value), edge(distance)), 0.03)


def _saw(t: np.ndarray) -> np.ndarray:
    """Distance from the nearest whole number, 0..0.5."""
    return np.abs(t - np.floor(t + np.float32(0.5)))


def _stripes(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((_saw(v) - np.float32(0.25)) * period)


def _zigzag(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((_saw(v + _saw(u * np.float32(0.7)) * np.float32(1.3)) - np.float32(0.25)) * period)


def _checks(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    one, two = (edge((_saw(t * np.float32(0.8)) - np.float32(0.25)) * period) for t in (u, v))
    return one + two - 2 * one * two


def _dots(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((length(_saw(u), _saw(v)) - np.float32(0.33)) * period)


def _circles(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((_saw(length(u - np.float32(4), v - np.float32(4))) - np.float32(0.25)) * period)


def _bricks(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    row = np.floor(v)
    joint = np.minimum(_saw(v), 2 * _saw((u + row) * np.float32(0.5)))
    return edge((np.float32(0.13) - joint) * period)


def _net(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((np.minimum(_saw(u), _saw(v)) - np.float32(0.13)) * period)


def _scales(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    nearest = np.full_like(u, np.inf)
    for row in (1, 0):  # the lower row lies over the upper one
        top = np.floor(v * 2) + row
        centre_u = _saw(u + np.float32(0.5) * (top - np.floor(top / 2) * 2))
        away = length(centre_u, v - top * np.float32(0.5))
        nearest = np.where(away < 0.5, away, nearest)
    return edge((np.abs(np.minimum(nearest, 1) - np.float32(0.42)) - np.float32(0.1)) * period)


def _crosses(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    x, y = _saw(u), _saw(v)
    return edge(np.maximum(np.maximum(x, y) - np.float32(0.36), np.minimum(x, y) - np.float32(0.12)) * period)


def _wedges(u: np.ndarray, v: np.ndarray, period: np.ndarray) -> np.ndarray:
    return edge((v - np.floor(v) - 1 + 2 * _saw(u)) * period * np.float32(0.45))


TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "stripes": _stripes,
    "zigzag": _zigzag,
    "checks": _checks,
    "dots": _dots,
    "circles": _circles,
    "bricks": _bricks,
    "net": _net,
    "scales": _scales,
    "crosses": _crosses,
    "wedges": _wedges,
}
"""By class name, in class order: (u, v in periods, the period in pixels) -> how much of the second colour, 0..1."""


DIRECTIONS = ("level", "falling", "falling steeply", "rising steeply", "rising")
GRAINS = tuple(f"{size}, {direction}" for size in ("fine", "coarse") for direction in DIRECTIONS)


def noise(task: str, label: int, images: range) -> np.ndarray:
    """Noise of one of two grains and one of five directions, in any two colours."""
    draws = Draws(task, label, images)
    size, direction = divmod(label, len(DIRECTIONS))
    turns = np.float32(direction / 10) + draws.numbers(-0.02, 0.02)
    low, high = ((3.0, 3.8), (6.5, 8.5))[size]
    return _two_tone(draws, streaks(draws, turns, draws.numbers(low, high)))


TURNS = tuple(f"{round(turn * 36)} degrees" for turn in range(10))
_POINTING = tuple(_NAMES.index(name) for name in ("arrow", "heart", "crescent", "half disc"))
"""Figures that look the same after a whole turn only."""


def rotations(task: str, label: int, images: range) -> np.ndarray:
    """One of four things as in a photograph, turned to one of ten directions: which thing it is says nothing."""
    draws = Draws(task, label, images)
    size = draws.numbers(26, 36)
    room = np.maximum(SIDE / 2 - np.float32(0.88) * size, np.float32(3))
    turns = np.float32(label / len(TURNS)) + draws.numbers(-0.02, 0.02)
    posed = Pose(draws.numbers(-1, 1) * room, draws.numbers(-1, 1) * room, turns, size)
    figures = np.asarray(_POINTING)[draws.choices(len(_POINTING))]
    return _lit(draws, posed.mixed(figures, *grid()), size, lambda x, y: posed.mixed(figures, x, y))
