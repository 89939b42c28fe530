"""What generated images are drawn with: random numbers by image, soft noise, colours, edges and light.

A batch of images is drawn at once; every array has one row per image, and no row depends on another. As in `_figures`
only operations are used that IEEE 754 rounds the same way everywhere (no library's sine, no sums over pixels).
"""

from __future__ import annotations

import numpy as np

from engine import seeding

SIDE = 64
"""Pixels of a side at which images are drawn; other sizes are made by resizing."""

_RED = np.asarray((0.701, -0.299, -0.299), dtype=np.float32)
_BLUE = np.asarray((-0.114, -0.114, 0.886), dtype=np.float32)
# Adding these to a colour leaves its brightness .299 R + .587 G + .114 B as it is (the axes of YCbCr, ITU-R BT.601).


class Draws:
    """Random numbers of a batch of images, each image with its own stream: (task, class, image) decides it alone."""

    def __init__(self, task: str, label: int, images: range) -> None:
        # Raw words of Philox rather than a Generator's methods: NumPy promises that raw streams never change (NEP 19).
        self._streams = [seeding.generator(0, "generated", task, label, i).bit_generator for i in images]

    def _words(self, n: int) -> np.ndarray:
        return np.stack([stream.random_raw(n) for stream in self._streams])

    def numbers(self, low: float, high: float, *shape: int) -> np.ndarray:
        """Uniform numbers, float32 (n_images, *shape)."""
        words = self._words(int(np.prod(shape))) >> np.uint64(40)
        unit = words.astype(np.float32) * np.float32(2**-24)
        return (unit * np.float32(high - low) + np.float32(low)).reshape(-1, *shape)

    def choices(self, n: int, *shape: int) -> np.ndarray:
        """Uniform whole numbers 0..n-1, int64 (n_images, *shape)."""
        return np.minimum(self.numbers(0, n, *shape).astype(np.int64), n - 1)

    def signs(self) -> np.ndarray:
        """-1 or 1, float32 (n_images,)."""
        return (self.choices(2) * 2 - 1).astype(np.float32)

    def levels(self, *shape: int) -> np.ndarray:
        """Uniform numbers 0..1 in 256 levels, float32 (n_images, *shape): for noise, where eight to a word is faster."""
        size = int(np.prod(shape))
        levels = self._words(-(-size // 8)).astype("<u8").view(np.uint8)[:, :size]
        return (levels.astype(np.float32) * np.float32(1 / 255)).reshape(-1, *shape)


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Places of the pixels from the image's middle, in pixels: x and y, float32 (1, SIDE, SIDE)."""
    steps = (np.arange(SIDE) - (SIDE - 1) / 2).astype(np.float32)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return x[None], y[None]


def each(values: np.ndarray) -> np.ndarray:
    """One value per image, (n_images,) to (n_images, 1, 1)."""
    return values[:, None, None]


def sine(turns: np.ndarray) -> np.ndarray:
    """Sine of an angle in turns, float32; by a polynomial, right to 0.000004."""
    turns = turns.astype(np.float32)
    phase = turns - np.floor(turns + np.float32(0.5))  # -0.5..0.5
    quarter = np.where(np.abs(phase) > 0.25, np.sign(phase) * np.float32(0.5) - phase, phase) * np.float32(4)
    square = quarter * quarter
    series = np.float32(0.079692626) - square * (np.float32(0.004681754) - square * np.float32(0.000160441))
    return quarter * (np.float32(1.5707963) - square * (np.float32(0.6459641) - square * series))


def rotated(x: np.ndarray, y: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in axes that are turned, by one angle per image."""
    s, c = each(sine(turns)), each(sine(turns + np.float32(0.25)))
    return x * c + y * s, y * c - x * s


def soft_noise(draws: Draws, cells: int, channels: int = 1) -> np.ndarray:
    """Smooth random fields, float32 (n_images, SIDE, SIDE, channels), 0..1 around 0.5: cubic B-splines on a lattice."""
    lattice = draws.levels(cells + 3, cells + 3, channels)
    place = np.arange(SIDE, dtype=np.float32) * np.float32(cells / SIDE)
    first, t = np.floor(place).astype(np.int64), place - np.floor(place)
    sixth, rest = np.float32(1 / 6), 1 - t
    inner = (3 * t * t * t - 6 * t * t + 4) * sixth
    weights = (rest * rest * rest * sixth, inner, 1 - inner - rest * rest * rest * sixth - t * t * t * sixth)
    weights = (*weights, t * t * t * sixth)
    rows = sum(lattice[:, first + k] * w[None, :, None, None] for k, w in enumerate(weights))
    return sum(rows[:, :, first + k] * w[None, None, :, None] for k, w in enumerate(weights))


def streaks(draws: Draws, turns: np.ndarray, across: np.ndarray, elongation: float = 5.0) -> np.ndarray:
    """Noise with a direction, float32 (n_images, SIDE, SIDE), 0..1: streaks of `across` pixels, at an angle per image."""
    cells = 32
    lattice = draws.levels(cells, cells).reshape(len(turns), -1)
    along, over = rotated(*grid(), turns)
    shift = draws.numbers(0, cells, 2)
    u = along / each(across * np.float32(elongation)) + each(shift[:, 0])
    v = over / each(across) + each(shift[:, 1])
    column, row = np.floor(u), np.floor(v)
    s, t = _smooth(u - column), _smooth(v - row)
    column, row = column.astype(np.int64), row.astype(np.int64)
    image = np.arange(len(turns))[:, None, None]

    def at(down: int, right: int) -> np.ndarray:
        return lattice[image, (row + down) % cells * cells + (column + right) % cells]

    return (at(0, 0) * (1 - s) + at(0, 1) * s) * (1 - t) + (at(1, 0) * (1 - s) + at(1, 1) * s) * t


def _smooth(t: np.ndarray) -> np.ndarray:
    return t * t * (3 - 2 * t)


def edge(distance: np.ndarray) -> np.ndarray:
    """How much of a pixel lies inside, 0..1, from the signed distance of its middle in pixels (anti-aliasing)."""
    return np.clip(np.float32(0.5) - distance, 0, 1)


def colour(brightness: np.ndarray, turns: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Colours of a brightness 0..1 and a hue in turns: float32 (n_images, 3)."""
    red, blue = sine(turns) * strength * np.float32(1.2), sine(turns + np.float32(0.25)) * strength
    return np.clip(brightness[:, None] + red[:, None] * _RED + blue[:, None] * _BLUE, 0, 1)


def two_colours(draws: Draws, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """Two random colours whose brightness differs by `contrast`, either one the brighter: float32 (n_images, 3) each."""
    middle = draws.numbers(0.12 + contrast / 2, 0.88 - contrast / 2)
    half = draws.signs() * np.float32(contrast / 2)
    one, two = draws.numbers(0, 1), draws.numbers(0, 1)
    return (
        colour(middle - half, one, draws.numbers(0.1, 0.5)),
        colour(middle + half, two, draws.numbers(0.1, 0.5)),
    )


def mix(below: np.ndarray, above: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Paint `above` over `below` where `cover` (n_images, SIDE, SIDE) is 1; colours are (n, 3) or (n, SIDE, SIDE, 3)."""
    below, above = (one[:, None, None] if one.ndim == 2 else one for one in (below, above))
    return below + (above - below) * cover[..., None]


def grain(draws: Draws, image: np.ndarray, amount: float) -> np.ndarray:
    """Add a camera's noise, of up to `amount`, the same for the three colours."""
    return image + (draws.levels(SIDE, SIDE, 1) - np.float32(0.5)) * np.float32(2 * amount)
