"""Layers: empty, queued, running, finished, failed; choosing measure and networks."""

from __future__ import annotations


def test_empty_it_offers_the_one_button(show) -> None:
    assert [one.label for one in show("layers").button] == ["Try it now"]


def test_before_anything_is_measured_it_says_what_will_appear(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    said = words(show("layers"))
    assert "0 of 8 runs finished, 8 queued" in said
    assert "Nothing measured yet: a line appears for each network" in said


def test_networks_are_those_planned_so_that_a_choice_stays_while_runs_finish(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    app = show("layers")
    assert app.multiselect[0].options == ["From scratch", "Full fine-tuning", "Frozen depth 4", "Linear probe"]
    app.multiselect[0].set_value([("linear_probe", 10)]).run()
    by_hand.finish_all()
    app.run()
    assert app.multiselect[0].value == [("linear_probe", 10)]
    assert "linear probe" in charts(app)[0]
    assert "frozen depth 4" not in charts(app)[0]


def test_the_measure_is_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("layers")
    assert len(charts(app)) == 2
    measured = charts(app)[0]
    app.segmented_control[0].set_value("knn_accuracy").run()
    assert not app.exception
    assert charts(app)[0] != measured


def test_where_everything_failed_it_says_why_instead_of_empty_charts(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    for _ in range(8):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("layers")
    assert charts(app) == []
    assert "failed: out of memory" in words(app)
    assert "Nothing was measured here" in words(app)
