"""Energy of a stretch of computing: read from the machine's own counters where they can be read, else estimated."""

from __future__ import annotations

import os
from pathlib import Path

RAPL = Path("/sys/class/powercap")
WATTS_PER_CORE = 10.0
"""Stated, not measured: a busy core of a desktop or server processor, its share of the rest of the package included."""
WATTS_PER_GPU = 300.0
"""Stated, not measured: a data-centre card at work."""


class Meter:
    """Reads the counters when it is made and when it is asked."""

    def __init__(self, device: str, root: Path = RAPL) -> None:
        self.device, self.root = device, root
        self._packages = self._read_packages()
        self._gpu = self._read_gpu()

    def read(self, seconds: float) -> tuple[float, str]:
        """Return joules since it was made, and where they are from.

        "NVML" and "RAPL" are counters of the whole card and of all processor packages: whatever else runs there is in them.
        "estimated" is the time times a stated wattage of the device.
        """
        if self._gpu is not None and (now := self._read_gpu()) is not None:
            return now - self._gpu, "NVML"
        if self.device.startswith("cuda"):
            return seconds * WATTS_PER_GPU, "estimated"
        if self._packages and (there := self._read_packages()).keys() == self._packages.keys():
            return sum(self._since(name, there[name]) for name in there), "RAPL"
        return seconds * WATTS_PER_CORE * _busy_cores(), "estimated"

    def _since(self, name: str, now: float) -> float:
        passed = now - self._packages[name]
        if passed >= 0:
            return passed
        return passed + float((self.root / name / "max_energy_range_uj").read_text()) / 1e6  # the counter began anew

    def _read_packages(self) -> dict[str, float]:
        """Joules by package; empty where there are none or only root may read them."""
        try:
            return {
                zone.name: float((zone / "energy_uj").read_text()) / 1e6
                for zone in sorted(self.root.glob("intel-rapl:[0-9]*"))
                if zone.name.count(":") == 1
            }
        except (OSError, ValueError):
            return {}

    def _read_gpu(self) -> float | None:
        """Joules of the card since its driver was loaded; None where the card or its library cannot tell."""
        if not self.device.startswith("cuda"):
            return None
        try:
            import pynvml

            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(self.device.partition(":")[2] or 0))
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
        except Exception:  # no library, or one of the errors of a library that is not a dependency
            return None


def _busy_cores() -> int:
    import torch

    return min(torch.get_num_threads(), os.cpu_count() or 1)
