"""Ten plain figures as signed distances: negative inside, zero on the outline, positive outside.

Every figure has area 1, so that no figure covers more of an image than another. Only + - * / and square roots are used:
IEEE 754 rounds these the same way everywhere, so the pixels that are made of them have the same bits on every machine.
Exact distance of polygons and of the heart: Inigo Quilez, "2D distance functions".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial

import numpy as np

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(u, v), float32 of one shape, v pointing down -> distance of every point, in units of the figure's side."""

PI = 3.141592653589793


def length(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance from the origin."""
    return np.sqrt(u * u + v * v)


def _disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return length(u, v) - np.float32(math.sqrt(1 / PI))


def _ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    middle, half = 0.5, 1 / (4 * PI * 0.5)
    return np.abs(length(u, v) - np.float32(middle)) - np.float32(half)


def _half_disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    radius = math.sqrt(2 / PI)
    down = v + np.float32(0.42 * radius)
    return np.maximum(length(u, down) - np.float32(radius), -down)


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # A disc without a smaller one at its side; the radii that give area 1 were found by counting.
    disc = length(u - np.float32(0.2146), v) - np.float32(0.72)
    return np.maximum(disc, np.float32(0.52) - length(u - np.float32(0.6697), v))


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    scale = np.float32(math.sqrt(0.5 + PI / 8))  # a square of area 1/2 on its corner, with two half discs on it
    x, y = np.abs(u) * scale, np.float32(0.657) - v * scale
    lobe = length(x - np.float32(0.25), y - np.float32(0.75)) - np.float32(math.sqrt(2) / 4)
    along = np.float32(0.5) * np.maximum(x + y, np.float32(0))
    tip = np.minimum(length(x, y - np.float32(1)), length(x - along, y - along))
    return np.where(x + y > 1, lobe, np.where(x > y, tip, -tip)) / scale


def _mirrored_polygon(half: tuple[tuple[float, float], ...], u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Exact distance from a polygon that is its own mirror image, given from top to bottom on its right side."""
    x = np.abs(u)
    nearest, inside = np.full_like(x, np.inf), np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in itertools.pairwise(half):
        ex, ey = np.float32(bx - ax), np.float32(by - ay)
        wx, wy = x - np.float32(ax), v - np.float32(ay)
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), np.float32(0), np.float32(1))
        dx, dy = wx - ex * along, wy - ey * along
        nearest = np.minimum(nearest, dx * dx + dy * dy)
        if ay != by:  # does this edge lie to the right of the point?
            inside ^= ((v < np.float32(ay)) != (v < np.float32(by))) & (wx < wy * (ex / ey))
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


def _polygon(*half: tuple[float, float]) -> Field:
    """The figure with these corners, moved to its centre of gravity and scaled to area 1."""
    pairs = list(itertools.pairwise(half))
    area = sum((by - ay) * (ax + bx) for (ax, ay), (bx, by) in pairs)
    moment = sum((by - ay) * ((ax + bx) * (ay + by) + ax * ay + bx * by) / 3 for (ax, ay), (bx, by) in pairs)
    side, middle = math.sqrt(area), moment / area
    return partial(_mirrored_polygon, tuple((x / side, (y - middle) / side) for x, y in half))


STAR = (0, -1), (0.2587, -0.3561), (0.9511, -0.3090), (0.4186, 0.1360), (0.5878, 0.8090), (0, 0.4402)
CROSS = (0, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (0, 3)
ARROW = (0, -1), (0.86, -0.05), (0.34, -0.05), (0.34, 1), (0, 1)

FIGURES: dict[str, Field] = {
    "disc": _disc,
    "ring": _ring,
    "half disc": _half_disc,
    "crescent": _crescent,
    "triangle": _polygon((0, -1), (0.8660, 0.5), (0, 0.5)),
    "square": _polygon((0, -1), (1, -1), (1, 1), (0, 1)),
    "cross": _polygon(*CROSS),
    "star": _polygon(*STAR),
    "heart": _heart,
    "arrow": _polygon(*ARROW),
}
"""By class name, in class order."""
