from pathlib import Path

import pytest

from engine import energy


def package(root: Path, name: str, microjoules: int) -> None:
    (root / name).mkdir(exist_ok=True)
    (root / name / "energy_uj").write_text(f"{microjoules}\n")
    (root / name / "max_energy_range_uj").write_text("1000000000\n")


def test_counters_of_all_packages_are_added_and_parts_of_packages_are_not(tmp_path: Path) -> None:
    for name, start in (("intel-rapl:0", 5_000_000), ("intel-rapl:1", 1_000_000), ("intel-rapl:0:0", 7_000_000)):
        package(tmp_path, name, start)
    meter = energy.Meter("cpu", tmp_path)
    for name, end in (("intel-rapl:0", 8_500_000), ("intel-rapl:1", 2_000_000), ("intel-rapl:0:0", 9_000_000)):
        package(tmp_path, name, end)
    assert meter.read(10.0) == (pytest.approx(4.5), "RAPL")


def test_a_counter_that_began_anew_is_not_negative(tmp_path: Path) -> None:
    package(tmp_path, "intel-rapl:0", 999_000_000)
    meter = energy.Meter("cpu", tmp_path)
    package(tmp_path, "intel-rapl:0", 2_000_000)
    assert meter.read(1.0) == (pytest.approx(3.0), "RAPL")


def test_without_counters_it_is_an_estimate_and_says_so(tmp_path: Path) -> None:
    joules, source = energy.Meter("cpu", tmp_path / "none").read(10.0)
    assert source == "estimated"
    assert joules == pytest.approx(10.0 * energy.WATTS_PER_CORE * energy._busy_cores())
