"""Compare: empty, running, finished, failed; what it costs; the table."""

from __future__ import annotations


def test_empty_it_offers_the_one_button(show) -> None:
    assert [one.label for one in show("compare").button] == ["Try it now"]


def test_running_it_compares_what_is_there(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    by_hand.claim()
    app = show("compare")
    said = words(app)
    assert "1 of 8 runs finished, 1 running, 6 queued" in said
    assert len(charts(app)) == 2
    assert list(app.dataframe[0].value["seeds finished"]) == ["1 of 2", "0 of 2", "0 of 2", "0 of 2"]


def test_finished_one_sentence_reads_the_chart_with_interval_and_n(show, by_hand, small, words) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    said = words(app)
    assert "freezing 4 of 10 units" in said.lower()
    assert "the linear probe" in said
    assert "2 pairs" in said
    assert "The same in all: backbone resnet20_cifar10, dataset digits, labels 100" in said
    rows = app.dataframe[0].value
    assert "dataset" not in rows
    assert list(rows["frozen units"]) == [
        "unchanged, by hash", "nothing frozen", "unchanged, by hash", "nothing frozen"
    ]  # fmt: skip


def test_the_cost_is_chosen(show, by_hand, small, charts) -> None:
    by_hand.submit(small)
    by_hand.finish_all()
    app = show("compare")
    assert "time of a run" in charts(app)[1]
    app.segmented_control[0].set_value("trainable_parameters").run()
    assert "trained parameters" in charts(app)[1]


def test_a_broken_freeze_is_never_quiet(show, by_hand, small, words, finished_events) -> None:
    import dataclasses

    from engine.events import FreezeChecked

    by_hand.submit(small)
    lease = by_hand.claim()
    broken = [
        dataclasses.replace(one, after="b", changed=["bn1.running_mean"]) if isinstance(one, FreezeChecked) else one
        for one in finished_events(lease.spec)
    ]
    by_hand.write(lease, *broken)
    by_hand.leases.finish(lease, "finished", "", 1.0)
    by_hand.finish_all()
    assert "Frozen units unchanged: 3 of 4 runs" in words(show("compare"))
    assert "changed a frozen tensor during training" in words(show("live"))
    assert "CHANGED" in list(show("compare").dataframe[0].value["frozen units"])


def test_where_everything_failed_it_says_why(show, by_hand, small, words, charts) -> None:
    by_hand.submit(small)
    for _ in range(8):
        by_hand.fail(by_hand.claim(), "out of memory")
    app = show("compare")
    assert charts(app) == []
    assert "failed: out of memory" in words(app)
