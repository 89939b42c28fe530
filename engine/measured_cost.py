"""What a run took, measured: operations by torch's counter, peak memory, throughput, and energy where the machine tells.

These are facts about one computation on one machine, so they go into the run's row and are no event (see `engine.events`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine import energy
from engine.course import course
from engine.strategies import STRATEGIES

if TYPE_CHECKING:
    from engine.control import Progress
    from engine.depths import Prepared
    from engine.device import Device
    from engine.tuning import Tuning

Cost = dict[str, float | int | str]
"""By column of the frame `runs`, and `seconds`; what is not known is left out."""

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_IMAGES = 2
"""Images of the batch that is counted: what one image costs does not depend on it."""


class Meter:
    """Begins with the run; `read` tells what it took. It never touches what is computed."""

    def __init__(self, device: Device, *, resumed: bool) -> None:
        self.device, self.resumed = device, resumed
        self.began = time.monotonic()
        self.peak_known = _forget_peak(device)
        self.energy = energy.Meter(device.name)
        self.rate: float | None = None

    def trained(self, progress: Progress) -> None:
        """Note the throughput; to be called when the training has just ended."""
        if progress.training_began is not None and progress.images:
            self.rate = progress.images / max(time.monotonic() - progress.training_began, 1e-9)

    def read(self, ready: Prepared, tuning: Tuning, epochs: int, *, tested: bool = True) -> Cost:
        """What the run took, at its very end.

        Args:
            ready: the run, trained and tested.
            tuning: what its strategy did.
            epochs: that were trained, 0 where the head was solved.
            tested: whether the test images were read (a trial of a search reads none).
        """
        seconds = time.monotonic() - self.began
        joules, source = self.energy.read(seconds)
        found: dict[str, float | int | str | None] = {
            "flops": flops(ready, tuning, epochs, tested=tested),
            "seconds": None if self.resumed else seconds,
            "train_images_per_second": self.rate,
            "peak_memory_bytes": peak(self.device) if self.peak_known else None,
            # Of a run that was resumed only the last part was seen.
            "energy_joules": None if self.resumed else joules,
            "energy_source": None if self.resumed else source,
        }
        return {name: value for name, value in found.items() if value is not None}


def with_search(own: Cost | None, others: Sequence[Cost], kept: Cost | None, *, resumed: bool) -> Cost | None:
    """What a searched run took as a whole, and of that (`search_...`) what finding the setting took.

    The latter is all trials but the one whose training was kept: that one is what the chosen setting itself takes.

    Args:
        own: of the chosen setting's part of the run; its operations include those of the kept training. None = it has no end.
        others: of the trials that were not kept.
        kept: of the trial that was; None = the chosen setting was trained once more.
        resumed: whether the run was resumed: its energy is then not known as a whole.
    """
    if own is None:
        return None
    trials = [*others, *([kept] if kept else [])]
    found: dict[str, float | int | str | None] = {
        **own,
        "search_flops": _sum(others, "flops"),
        "search_seconds": _sum(others, "seconds"),
        "search_energy_joules": None if resumed else _sum(others, "energy_joules"),
        "energy_joules": None if resumed else _sum([own, *trials], "energy_joules"),
        "peak_memory_bytes": max((one.get("peak_memory_bytes", 0) for one in (own, *trials)), default=0) or None,
    }
    found["flops"] = own["flops"] + found["search_flops"]
    if kept:
        found["train_images_per_second"] = kept.get("train_images_per_second")
    sources = {one["energy_source"] for one in (own, *trials) if "energy_source" in one}
    found["energy_source"] = (sources.pop() if len(sources) == 1 else "estimated") if found["energy_joules"] else None
    return {name: value for name, value in found.items() if value is not None}


def _sum(costs: Sequence[Cost], name: str) -> float | None:
    """None where one of them is not known."""
    values = [one.get(name) for one in costs]
    return None if None in values else float(sum(values))


def flops(ready: Prepared, tuning: Tuning, epochs: int, *, tested: bool = True) -> float:
    """Floating-point operations of the run by torch's own counter: training, validation, one test pass, what its strategy adds.

    One image is counted forward, and forward and backward in every phase of the training (what learns then decides how far
    gradients go); the counts are multiplied by the images that were passed. Where phases end on a plateau they count as
    equally long. Not counted: the optimiser's own arithmetic, augmentation, and the probes of the depths.
    """
    network = ready.network
    n_train, n_validation, n_test = (
        len(part) for part in (ready.split.train, ready.split.validation, ready.split.test)
    )
    forward = _count(ready, tuning, backward=False)
    beside = tuning.read * forward
    if tuning.differentiated:
        beside += tuning.differentiated * _count(ready, tuning, backward=True)
    if STRATEGIES[ready.run.strategy].solves_head:
        return beside + forward * (n_train + n_validation + n_test)
    total, begin = 0.0, 0.0
    phases = course(ready.run, ready.card).phases
    for phase in phases:
        network.rest(unit for unit, rate in enumerate(phase.rates) if rate == 0)
        total += (phase.end - begin) * _count(ready, tuning, backward=True)
        begin = phase.end
    network.rest(())
    read = n_validation + (n_test if tested else 0)
    return beside + epochs * (n_train * total + n_validation * forward) + forward * read


def _count(ready: Prepared, tuning: Tuning, *, backward: bool) -> float:
    """Operations of one image. The network is in eval mode, so that no statistic moves; no gradient is left behind."""
    network = ready.network
    network.eval()
    images = torch.zeros(
        _IMAGES, *ready.card.input_size, device=ready.pixels.device
    )  # blank: none of the data is read again
    counter = FlopCounterMode(display=False)
    with contextlib.nullcontext() if backward else torch.no_grad(), counter:
        embedded = network.read(images)
        loss = network.head(embedded).float().sum()
        if backward:
            if (penalty := tuning.penalty(images, embedded)) is not None:
                loss = loss + penalty
            loss.backward()
    for parameter in network.parameters():
        parameter.grad = None
    return counter.get_total_flops() / len(images)


def _forget_peak(device: Device) -> bool:
    """Begin the peak of memory anew; returns whether that was possible (else it would be the peak of earlier runs)."""
    if device.name.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device.name)
        return True
    try:
        _CLEAR.write_text("5")  # Linux: the peak of the resident set begins at what it is now
    except OSError:
        return False
    return True


def peak(device: Device) -> int:
    """Bytes at the peak since the meter began: of the device's memory, or of this whole process on a processor."""
    if device.name.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device.name))
    found = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(found.split()[1]) * 1024
