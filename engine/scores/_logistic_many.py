"""Many small logistic regressions at once: the objective and the round coordinates of `_logistic`, side by side in arrays.

A fit to 30 images costs less than calling a solver for it. Whoever has dozens of them (units times folds) solves them here in
common L-BFGS steps, so that calls are paid once for all. Problems of different sizes are padded with rows and directions that are
zero, which add nothing to a gradient, as long as what that computes in vain costs less than calls of their own. A problem that
has arrived stands still, and leaves once half of them have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.scores._logistic import FAINTEST, MAX_ITERATIONS

MEMORY = 6
"""Steps whose curvature is remembered."""
DECREASE = 1e-4
"""Share of the promised decrease that a step must keep (Armijo)."""
HALVINGS = 30
ROUNDING = 1e-15
"""Share of the objective below which a difference is none."""
TOGETHER = 1_000_000
"""Numbers in weights and logits up to which problems are solved in one go: what fits a processor's cache."""
IN_VAIN = 300_000
"""Products of an evaluation that padding may add: about what the calls of a step of their own would take."""


@dataclass(frozen=True)
class Problem:
    """One regression: standardised rows (n, d) with their classes (n,), and rows (m, d) to be predicted."""

    rows: np.ndarray
    classes: np.ndarray
    held: np.ndarray


def logits(
    problems: Sequence[Problem],
    n_classes: int,
    grid: Sequence[np.ndarray],
    tolerance: float,
    step: Callable[[], None] = lambda: None,
) -> list[list[np.ndarray]]:
    """Of the held-out rows of every problem, (m, n_classes), for each value of C; one solution is the start of the next.

    Args:
        problems: of any sizes.
        n_classes: two or more, the same for all.
        grid: values of C, rising; each (n_problems,), one for every problem.
        tolerance: as `engine.scores._logistic.TOLERANCE`.
        step: called before every evaluation; may raise to stop.
    """
    found = [[np.empty(0)] * len(problems) for _ in grid]
    for part in _parts(problems, n_classes):
        chosen = [problems[one] for one in part]
        padded = _Padded.of(chosen, n_classes)
        weights = np.zeros((len(padded.squares), n_classes, padded.squares.shape[1]))
        for place, c in enumerate(grid):
            weights = _solve(padded, c[part], weights, tolerance, step)
            predicted = weights @ padded.held
            for one, of, problem in zip(part, predicted, chosen, strict=True):
                found[place][one] = of[:, : len(problem.held)].T
    return found


def _parts(problems: Sequence[Problem], n_classes: int) -> list[list[int]]:
    """Places of problems that are solved together, the smallest first: alike and small enough that it pays."""
    directions = [min(problem.rows.shape) for problem in problems]
    parts: list[list[int]] = [[]]
    numbers = products = 0
    for one in sorted(range(len(problems)), key=lambda one: (directions[one], len(problems[one].rows))):
        n, k = len(problems[one].rows), directions[one]
        padded = n_classes * (len(parts[-1]) + 1) * k * max([n, *(len(problems[other].rows) for other in parts[-1])])
        numbers, products = numbers + n_classes * (n + k), products + n_classes * n * k
        if parts[-1] and (numbers > TOGETHER or padded - products > IN_VAIN):
            parts.append([])
            numbers, products = n_classes * (n + k), n_classes * n * k
        parts[-1].append(one)
    return parts


@dataclass(frozen=True)
class _Padded:
    """P problems of up to n rows in up to k directions, and up to m held-out rows."""

    columns: np.ndarray
    """(P, k + 1, n): coordinates on the principal axes and a row of ones; zero beyond a problem's own size."""
    targets: np.ndarray
    """(P, n_classes, n): one where a row is of a class."""
    squares: np.ndarray
    """(P, k + 1): mean square along each axis, 1 for the intercept."""
    n_rows: np.ndarray
    """(P, 1)"""
    held: np.ndarray
    """(P, k + 1, m): the held-out rows in the same coordinates."""

    @classmethod
    def of(cls, problems: Sequence[Problem], n_classes: int) -> _Padded:
        placed = [_placed(problem.rows, problem.held) for problem in problems]
        p, k = len(problems), max(len(squares) for _, _, squares in placed)
        n, m = (max(len(part) for part in parts) for parts in zip(*(one[:2] for one in placed), strict=True))
        columns, held, squares = np.zeros((p, k + 1, n)), np.zeros((p, k + 1, m)), np.zeros((p, k + 1))
        targets = np.zeros((p, n_classes, n))
        squares[:, -1] = 1.0
        for place, (rows, others, energy) in enumerate(placed):
            columns[place, : len(energy), : len(rows)], columns[place, -1, : len(rows)] = rows.T, 1.0
            held[place, : len(energy), : len(others)], held[place, -1, : len(others)] = others.T, 1.0
            targets[place, problems[place].classes, np.arange(len(rows))] = 1.0
            squares[place, : len(energy)] = energy
        n_rows = np.array([[len(rows)] for rows, _, _ in placed], dtype=np.float64)
        return cls(columns, targets, squares, n_rows, held)


def _placed(rows: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (n, k) and held-out rows (m, k) in the rows' principal axes, and the mean square along each (k,).

    Axes come from the smaller Gram matrix. With n <= d what a held-out row has outside the rows' span is left out: the weights
    lie in that span.
    """
    n, d = rows.shape
    energy, axes = np.linalg.eigh(rows @ rows.T if n <= d else rows.T @ rows)
    keep = energy > FAINTEST * energy[-1]
    energy, axes = energy[keep], axes[:, keep]
    if n > d:
        return rows @ axes, held @ axes, energy / n
    size = np.sqrt(energy)
    return axes * size, (held @ rows.T) @ axes / size, energy / n


def _solve(padded: _Padded, c: np.ndarray, start: np.ndarray, tolerance: float, step: Callable[[], None]) -> np.ndarray:
    """Weights (P, n_classes, k + 1), the intercept last, at each problem's C (P,)."""
    n_problems, n_classes, n_columns = start.shape
    penalty = np.repeat((2.0 if n_classes == 2 else 1.0) / (c[:, None] * padded.n_rows), n_columns, axis=1)
    penalty[:, -1] = 0.0
    # Half-way between no and full certainty p (1 - p) is of this size; that it differs later costs steps, not the solution.
    scale = 1.0 / np.sqrt((1 - 1 / n_classes) / n_classes * padded.squares + penalty)
    columns = padded.columns * scale[:, :, None]
    state = _State(
        columns,
        columns.transpose(0, 2, 1).copy(),
        padded.targets,
        padded.n_rows,
        (penalty * scale**2)[:, None, :],
        step,
    )
    state.begin((start / scale[:, None, :]).reshape(n_problems, -1))
    solved = np.empty((n_problems, n_classes * n_columns))
    places = np.arange(n_problems)
    for _ in range(MAX_ITERATIONS):
        going = state.going(tolerance)
        if not going.any():
            break
        if 2 * going.sum() <= len(going):
            solved[places] = state.weight
            places = places[going]
            state.keep(going)
        state.move(tolerance)
    solved[places] = state.weight
    return solved.reshape(start.shape) * scale[:, None, :]


@dataclass
class _State:
    """Problems on their way to their minima, all in round coordinates."""

    columns: np.ndarray
    rows: np.ndarray
    """(P, n, k + 1): the columns the other way round, for the gradient."""
    targets: np.ndarray
    n_rows: np.ndarray
    pull: np.ndarray
    """(P, 1, k + 1): of the penalty."""
    step: Callable[[], None]

    def begin(self, weight: np.ndarray) -> None:
        """Start at a weight (P, n_classes * (k + 1))."""
        self.weight = weight
        self.value, self.gradient = self.objective(weight)
        self.stuck = np.zeros(len(weight), dtype=bool)
        self.history: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def objective(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean log loss plus penalty (P,), up to a constant of each problem, and its gradient (P, n_classes * (k + 1))."""
        self.step()
        weight = weight.reshape(len(weight), self.targets.shape[1], -1)
        odds = weight @ self.columns
        odds -= odds.max(axis=1, keepdims=True)
        aim = np.einsum("pcn,pcn->p", odds, self.targets)
        np.exp(odds, out=odds)
        total = odds.sum(axis=1, keepdims=True)
        loss = (np.log(total).sum(axis=(1, 2)) - aim) / self.n_rows[:, 0]
        odds /= total
        odds -= self.targets
        pulled = weight * self.pull
        gradient = odds @ self.rows
        gradient /= self.n_rows[:, :, None]
        gradient += pulled
        return loss + 0.5 * np.einsum("pck,pck->p", pulled, weight), gradient.reshape(len(weight), -1)

    def going(self, tolerance: float) -> np.ndarray:
        """Which have not arrived (P,)."""
        return (np.abs(self.gradient).max(axis=1) > tolerance) & ~self.stuck

    def keep(self, which: np.ndarray) -> None:
        """Go on with some of the problems."""
        for name in ("columns", "rows", "targets", "n_rows", "pull", "weight", "value", "gradient", "stuck"):
            setattr(self, name, getattr(self, name)[which])
        self.history = [tuple(part[which] for part in one) for one in self.history]

    def move(self, tolerance: float) -> None:
        """One step of all that are going, each halved until it descends."""
        going = self.going(tolerance)
        direction = -self.curved()
        slope = np.einsum("pd,pd->p", direction, self.gradient)
        length = going.astype(np.float64)
        for _ in range(HALVINGS):
            weight = self.weight + length[:, None] * direction
            value, gradient = self.objective(weight)
            allowed = self.value + DECREASE * length * slope + ROUNDING * np.abs(self.value)
            if not (short := going & ~(value <= allowed)).any():
                break
            length[short] *= 0.5
        else:
            # What descends nowhere is as low as its rounding lets it be.
            self.stuck |= short
            weight[short], value[short], gradient[short] = self.weight[short], self.value[short], self.gradient[short]
        moved, turned = weight - self.weight, gradient - self.gradient
        along = np.einsum("pd,pd->p", moved, turned)
        self.history = [*self.history[1 - MEMORY :], (moved, turned, np.where(along > 0, along, np.inf))]
        self.weight, self.value, self.gradient = weight, value, gradient

    def curved(self) -> np.ndarray:
        """The gradient times the inverse Hessian as the last steps show it: the two loops of Nocedal 1980."""
        found, shares = self.gradient.copy(), []
        for moved, turned, along in reversed(self.history):
            shares.append(np.einsum("pd,pd->p", moved, found) / along)
            found -= shares[-1][:, None] * turned
        if self.history:
            _, turned, along = self.history[-1]
            size = np.einsum("pd,pd->p", turned, turned)
            known = np.isfinite(along) & (size > 0)
            found *= np.where(known, along / np.where(known, size, 1.0), 1.0)[:, None]
        for (moved, turned, along), share in zip(self.history, reversed(shares), strict=True):
            found += (share - np.einsum("pd,pd->p", turned, found) / along)[:, None] * moved
        return found
