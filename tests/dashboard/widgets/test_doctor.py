"""The doctor's part of a page: the button queues one task, the bar while it runs, the findings, and what is out of date."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.widgets.doctor import LOOKS
from engine import doctor, task_queue
from engine.doctor import SEVERITIES, Example, Finding, Report

SCRIPT = "from dashboard.widgets import doctor\ndoctor.{what}({name!r})"
REPORT = Report(
    "digits", "Handwritten digits", "", 1797, 1797, 0.5, "",
    (
        Finding("exact_duplicates", "severe", "3 images have *exact* copies in different parts", "Too high.",
                "Remove <b>them</b>.", {}, (Example(0, "a_b.png", "7", "test", 0), Example(1, "c.png", "7", "train", 0))),
        Finding("imbalance", "ok", "Always answering '3' is right 10.0% of the time", "Compare with this.", ""),
    ),
)  # fmt: skip


@pytest.fixture
def draw(by_hand, monkeypatch):
    """Draw a part of the widget for a dataset on a home where nothing is started."""
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(by_hand.store.home))
    monkeypatch.setenv(state.NO_WORKER, "1")

    def drawn(what: str = "doctor", name: str = "digits") -> AppTest:
        app = AppTest.from_string(SCRIPT.format(what=what, name=name), default_timeout=30).run()
        assert not app.exception
        return app

    return drawn


@pytest.fixture
def leaking(tmp_path):
    """Two classes of pictures, with one test image in train too."""
    draws = np.random.default_rng(0)
    for part, n in {"train": 6, "test": 4}.items():
        for name in ("cat", "dog"):
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            for place in range(n):
                pixels = draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pets" / part / name / f"{place}.png")
    shutil.copy(tmp_path / "pets" / "test" / "cat" / "0.png", tmp_path / "pets" / "train" / "cat" / "again.png")
    return tmp_path / "pets"


def said(app: AppTest) -> str:
    texts = [one.value for kind in ("markdown", "caption", "warning", "error") for one in app.get(kind)]
    return "\n".join(texts).replace("\\", "").replace("\u2060", "")


def keep(home, report: Report = REPORT) -> None:
    file = doctor.report_file(report.dataset, home)
    file.parent.mkdir(exist_ok=True)
    file.write_text(report.to_json())


def test_every_severity_has_an_icon_and_a_word():
    assert set(LOOKS) == set(SEVERITIES)
    for icon, colour, word in LOOKS.values():
        assert icon.startswith(":material/")
        assert colour
        assert word


def test_the_button_queues_one_task_that_can_be_stopped(draw, by_hand):
    app = draw()
    (button,), (network,) = app.button, app.selectbox
    assert button.label == "Look the data over"
    chosen = network.value
    button.click().run()
    (task,) = task_queue.list(by_hand.store, "doctor")
    assert task.payload == {"dataset": "digits", "backbone": chosen}
    assert [one.label for one in app.button] == ["Stop"]
    app.button[0].click().run()
    assert task_queue.get(by_hand.store, task.task_id).ended
    assert not app.exception


def test_a_report_is_drawn_with_words_beside_the_icons(draw, by_hand):
    keep(by_hand.store.home)
    text = said(draw())
    assert "Severe] **3 images have *exact* copies in different parts.**" in text
    assert "Remove <b>them</b>." in text
    assert "Looked at all 1,797 images in 0.5 s" in text
    assert "Balance of the classes: Always answering '3'" in text
    assert "a_b.png" in text


def test_marks_in_names_stay_text(draw, by_hand):
    keep(by_hand.store.home)
    raw = "\n".join(one.value for one in draw().get("markdown"))
    assert "\\*exact\\*" in raw
    assert "\\<b\\>" in raw


def test_files_that_changed_since_are_said(draw, by_hand):
    keep(by_hand.store.home, dataclasses.replace(REPORT, signature="other"))
    assert "The files have changed since" in said(draw())
    assert "the files have changed since" in said(draw("summary"))


def test_a_summary_only_where_there_is_a_report(draw, by_hand):
    assert said(draw("summary")) == ""
    keep(by_hand.store.home)
    assert "1 severe: 3 images have *exact* copies" in said(draw("summary"))


def test_a_real_look_is_drawn_with_its_pictures(draw, by_hand, leaking):
    name = f"folder:{leaking}"
    task_queue.run_here("doctor", {"dataset": name}, by_hand.store.home)
    app = draw(name=name)
    assert len(app.get("image")) >= 2
    assert "have been seen in training" in said(app)
