"""Every check, by enumeration: on good data it says so, on odd data it neither crashes nor changes anything."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine import doctor, task_queue
from engine.control import Cancelled, Control
from engine.datasets import DATASETS
from engine.doctor import CHECKS, SEVERITIES, Report
from engine.errors import DatasetError, SpecError, UnknownNameError


def test_every_check_says_what_it_looks_for():
    assert len(CHECKS) >= 8
    for check in CHECKS:
        assert check.label.strip()
        assert check.look.__doc__


def test_good_data_get_one_ok_of_every_check_and_nothing_else(root, look):
    for name in ("cat", "dog"):  # enough test images, too
        for place in range(10, 60):
            picture = np.random.default_rng([place, len(name), ord(name[0])]).integers(
                0, 256, (6, 6, 3), dtype=np.uint8
            )
            Image.fromarray(picture).resize((40, 40)).save(root / "test" / name / f"{place}.png")
    report = look(root)
    assert {finding.check for finding in report.findings} == set(CHECKS.names())
    assert [finding.title for finding in report.findings if finding.severity != "ok"] == []
    assert report.headline == "nothing to worry about"
    assert report.counts == {name: {"train": 25, "test": 60} for name in ("cat", "dog")}


@pytest.mark.parametrize("name", {one.open: one.name for one in reversed([*DATASETS]) if one.listed}.values())
def test_every_kind_of_dataset_can_be_looked_at(name):
    # Data that would have to be downloaded first get the reason; all others are looked at.
    check_report(doctor.examine(name, limit=150))


def check_report(report: Report) -> None:
    assert report.n_looked <= report.n_images
    order = [SEVERITIES.index(finding.severity) for finding in report.findings]
    assert order == sorted(order, reverse=True)
    for finding in report.findings:
        assert finding.check in CHECKS
        assert finding.title.strip()
        assert finding.means.strip()
        assert finding.advice.strip() or finding.severity in ("ok", "notice")
        assert len(finding.examples) <= 12
    assert Report.from_json(report.to_json()) == report
    assert report.headline in doctor.as_text(report)


def test_a_sample_is_said_to_be_one(root, look):
    report = look(root, limit=30)
    assert (report.n_images, report.n_looked, report.sampled) == (70, 30, True)
    assert "30 of 70 images" in doctor.as_text(report)
    assert "copies among the others are not found" in doctor.as_text(report)


def test_the_report_is_kept_and_found_again(root, home, look):
    report = look(root, home=home)
    assert doctor.kept(f"folder:{root}", home) == report
    assert doctor.kept("folder:/elsewhere", home) is None
    file = doctor.report_file(f"folder:{root}", home)
    file.write_text(file.read_text()[:-20])
    assert doctor.kept(f"folder:{root}", home) is None


def test_stopping_is_heard_and_leaves_nothing(root, home, look):
    control = Control()
    control.stop = True
    with pytest.raises(Cancelled):
        look(root, home=home, tell=control.tell)
    assert not doctor.report_file(f"folder:{root}", home).exists()


def test_progress_rises_to_the_end(root, look):
    told: list[float] = []
    look(root, tell=lambda phase, share: told.append(share))
    assert told == sorted(told)
    assert 0.9 < told[-1] < 1


def test_data_that_cannot_be_used_get_the_reason_as_a_severe_finding(tmp_path, look):
    for root in (tmp_path / "absent", tmp_path):
        report = look(root)
        assert report.by_severity["severe"] == 1
        check_report(report)
    assert "holds no images" in report.findings[0].means
    with pytest.raises(UnknownNameError):
        doctor.examine("nothing of this name")
    with pytest.raises(UnknownNameError):
        doctor.examine("digits", backbone="no such backbone")


def odd_file(kind: int, draws: np.random.Generator) -> tuple[str, bytes | Image.Image]:
    side = int(draws.choice([1, 2, 9, 64]))
    mode = str(draws.choice(["RGB", "L", "1", "CMYK", "P", "RGBA", "LA", "I;16"]))
    if kind == 0:
        return ".jpg", draws.bytes(int(draws.integers(0, 40)))
    if mode == "I;16":
        return ".png", Image.fromarray(draws.integers(0, 65_536, (side, side), dtype=np.uint16))
    image = Image.fromarray(draws.integers(0, 256, (side, int(draws.integers(1, 90)), 3), dtype=np.uint8)).convert(
        mode.replace("LA", "RGBA")
    )
    return (".jpg" if mode in ("CMYK", "RGB") else ".png"), image.convert(mode)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_data_of_any_mix_crash_no_check(tmp_path_factory, seed):
    draws = np.random.default_rng(seed)
    root = tmp_path_factory.mktemp("odd")
    for name in ("Cat", "cat ", "猫 <b>", "x" * 60)[: int(draws.integers(2, 5))]:
        (root / name).mkdir()
        for place in range(int(draws.integers(3, 7))):
            suffix, content = odd_file(int(draws.integers(0, 4)), draws)
            if isinstance(content, bytes):
                (root / name / f"{place}{suffix}").write_bytes(content)
            else:
                content.save(root / name / f"{place}{suffix}")
    before = {file: file.read_bytes() for file in root.rglob("*.*")}
    filters = list(warnings.filters)
    check_report(doctor.examine(f"folder:{root}", backbone="resnet20_cifar10"))
    assert {file: file.read_bytes() for file in root.rglob("*.*")} == before
    assert warnings.filters == filters


def test_as_a_task(root, home):
    said: list[str] = []
    result = task_queue.run_here("doctor", {"dataset": f"folder:{root}"}, home, lambda done, phase: said.append(phase))
    assert result["n_looked"] == 70
    assert result["headline"] == doctor.kept(f"folder:{root}", home).headline
    assert "looking at images" in said
    with pytest.raises(SpecError, match="needs the name of a dataset"):
        task_queue.run_here("doctor", {"dataset": 3}, home)
    with pytest.raises(UnknownNameError):
        task_queue.run_here("doctor", {"dataset": "nothing"}, home)


def test_names_cannot_move_the_terminals_cursor(root, look):
    (root / "train" / "cat" / "a\x1b[2J\nb.png").write_bytes(b"")
    text = doctor.as_text(look(root))
    assert "\x1b" not in text
    assert os.path.join("train", "cat", "a\\x1b[2J\\nb.png") in text


def test_a_report_that_cannot_be_kept_says_why(root, home, look):
    (Path(home) / "doctor").write_text("in the way")
    with pytest.raises(DatasetError, match=r"The report cannot be kept in .*doctor"):
        look(root, home=home)
