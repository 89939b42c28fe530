"""What the cost card says, and what stops Run."""

from __future__ import annotations

import dataclasses

import pytest

from dashboard.widgets import cost_card
from dashboard.widgets.cost_card import Foresight
from engine.cost import Cost
from engine.device import cpu

COST = Cost(12, 1e12, 95.0, 5e8, 1_066_202, (1_290, 1_066_202), measured=True)
NOTHING = dataclasses.replace(COST, runs=0, seconds=0.0)
AHEAD = Foresight(COST, COST, computed=0, under_way=0, queued=0, running=0, room=2_000, device="CPU, 2 cores (x86_64)")


def told(**changes: object) -> dict[str, str]:
    return dict(cost_card.rows(dataclasses.replace(AHEAD, **changes)))


def test_everything_new_starts_at_once() -> None:
    said = told()
    assert said["Runs"] == "12, all new"
    assert said["Parameters"] == "1,066,202 in all; 1,290 to 1,066,202 trained"
    assert said["Time"] == "about 1 min 35 s"
    assert said["Memory"].startswith("about 500 MB of ")
    assert said["Starts"] == "at once"
    assert cost_card.obstacles(AHEAD) == cost_card.cautions(AHEAD) == []


def test_what_was_computed_is_reused_and_said() -> None:
    new = dataclasses.replace(COST, runs=4)
    assert (
        told(new=new, computed=6, under_way=2)["Runs"] == "12: 4 new, 6 computed before and reused, 2 under way already"
    )
    said = told(new=NOTHING, computed=12)
    assert (said["Runs"], said["Time"]) == ("12: 12 computed before and reused", "nothing new to compute")
    assert said["Starts"] == "shown at once"


@pytest.mark.parametrize(
    ("queued", "running", "start"),
    [(5, 1, "after 5 waiting runs"), (1, 0, "after 1 waiting run"), (0, 1, "after the run that is being computed")],
)
def test_the_place_in_the_queue_in_words(queued: int, running: int, start: str) -> None:
    assert told(queued=queued, running=running)["Starts"] == start


def test_where_the_images_are_and_their_bound() -> None:
    images = dataclasses.replace(COST, images_bytes=40_000_000)
    bound = "(images may take 8.0 GB of memory)"
    assert told(whole=images, image_memory=8_000_000_000)["Images"] == f"40 MB once decoded, in memory {bound}"
    mapped = dataclasses.replace(images, images_mapped=True)
    assert "in a file that is read as needed" in told(whole=mapped)["Images"]


def test_an_unmeasured_speed_is_called_rough() -> None:
    assert "rough" in told(new=dataclasses.replace(COST, measured=False))["Time"]


def test_a_full_queue_stops_run() -> None:
    assert "only 3 more may wait" in cost_card.obstacles(dataclasses.replace(AHEAD, room=3))[0]


def test_no_run_at_all_stops_run() -> None:
    assert cost_card.obstacles(dataclasses.replace(AHEAD, whole=NOTHING, new=NOTHING))


def test_more_memory_than_there_is_warns() -> None:
    greedy = dataclasses.replace(AHEAD, whole=dataclasses.replace(COST, memory_bytes=2.0 * cpu().memory_bytes))
    assert "smaller batch size" in cost_card.cautions(greedy)[0]
    other = dataclasses.replace(greedy, device="NVIDIA H200")  # whose memory is another one
    assert cost_card.cautions(other) == []
    assert " of " not in dict(cost_card.rows(other))["Memory"]


def test_what_is_downloaded_first_is_said_with_its_size() -> None:
    assert "Download" not in told()
    towers = dataclasses.replace(COST, towers_bytes=605_000_000)
    assert told(new=towers)["Download"] == "605 MB of text towers first, once"
    both = dataclasses.replace(towers, download_bytes=170_000_000)
    assert told(new=both)["Download"] == "170 MB of images and 605 MB of text towers first, once"
