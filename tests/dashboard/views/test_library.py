"""Library: empty, running, finished, failed; rename, trash and undo, single runs, long lists."""

from __future__ import annotations

import dataclasses

NASTY = "**Bold** [x](http://evil.example) <b>tag</b> $x^2$ :red[no] `code`"


def opened(show, experiment_id: str):
    app = show("library")
    app.session_state[f"library-{experiment_id}"] = True
    app.run()
    assert not app.exception
    return app


def test_empty_it_offers_the_one_button(show) -> None:
    assert [one.label for one in show("library").button] == ["Try it now"]


def test_it_lists_every_experiment_with_how_it_stands(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    by_hand.submit(dataclasses.replace(small, name="Failing", seeds=(8,)))
    by_hand.fail(by_hand.claim())
    app = show("library")
    labels = [one.label.replace("\\", "") for one in app.expander]
    assert labels[0].startswith("**Failing · ")
    assert labels[1].startswith("**By hand · ")
    said = words(app)
    assert "0 of 4 runs finished, 3 queued, 1 failed" in said
    assert "All 8 runs finished" in said


def test_a_name_is_shown_as_it_stands(show, by_hand, small) -> None:
    by_hand.submit(dataclasses.replace(small, name=NASTY))
    label = show("library").expander[0].label
    assert "\\*\\*Bold\\*\\* \\[x\\]" in label
    assert "http\\:\u2060//" in label


def test_runs_are_rows_and_say_why_they_failed(show, by_hand, small) -> None:
    submission = by_hand.submit(small)
    by_hand.fail(by_hand.claim(), "=out of memory")
    by_hand.finish_all()
    rows = opened(show, submission.experiment_id).dataframe[0].value
    assert list(rows["state"]) == ["failed"] + ["finished"] * 7
    assert rows["message"][0] == "'=out of memory"  # a spreadsheet must not take it for a formula
    assert set(rows["freeze_proof"]) == {"", "unchanged", "none frozen"}


def test_the_trash_takes_back_what_was_thrown_away(show, by_hand, small, words, press) -> None:
    submission = by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    other = by_hand.submit(dataclasses.replace(small, name="Another", seeds=(5,)))
    app = press(opened(show, submission.experiment_id), "Move to trash")
    assert [one["experiment_id"] for one in by_hand.store.experiments()] == [other.experiment_id]
    assert "Moved to the trash: By hand" in words(app)
    press(app, "Undo")
    assert len(by_hand.store.experiments()) == 2
    press(opened(show, submission.experiment_id), "Move to trash")
    later = show("library")  # another browser, or after a refresh
    assert "Moved to the trash" not in words(later)
    later.session_state["library-trash"] = True
    later.run()
    press(later, "Restore")
    assert len(by_hand.store.experiments()) == 2
    states = {run["state"] for run in by_hand.store.runs(submission.experiment_id)}
    assert states == {"finished", "cancelled"}  # what was measured is there


def test_renaming(show, by_hand, small) -> None:
    submission = by_hand.submit(small)
    app = opened(show, submission.experiment_id)
    app.text_input(key=f"rename-name-{submission.experiment_id}").set_value("Mine")
    next(one for one in app.button if one.label == "Save").click().run()
    assert not app.exception
    assert by_hand.store.experiments()[0]["name"] == "Mine"
    assert app.expander[0].label.startswith("**Mine")


def test_a_long_list_is_found_by_name_and_page(show, by_hand, small) -> None:
    for seed in range(23):
        by_hand.submit(dataclasses.replace(small, name=f"Number {seed}", seeds=(seed,)))
    app = show("library")
    assert len(app.expander) == 20
    app.selectbox(key="library-page").set_value(2).run()
    assert len(app.expander) == 3
    app.text_input(key="library-wanted").set_value("number 17").run()
    assert not app.exception
    assert ["Number 17" in one.label for one in app.expander] == [True]
