"""The Lab as Streamlit runs it: empty, from a link, with what cannot be, and after Run."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import recipe, state
from engine.plan import plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec, TrainSpec
from engine.store import Store

SCRIPT = """
import streamlit as st

from dashboard.views import lab

def live():
    st.title("Live")
    st.text(st.query_params.get("experiment", ""))

pages = {"lab": st.Page(lab.page, url_path="lab", default=True), "live": st.Page(live, url_path="live")}
st.session_state["app-pages"] = pages
st.navigation(list(pages.values())).run()
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The Lab on an empty home; nothing is computed."""
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv(state.NO_WORKER, "1")
    return AppTest.from_string(SCRIPT, default_timeout=30)


def at(lab: AppTest, query: dict[str, list[str]]) -> AppTest:
    for key, values in query.items():
        lab.query_params[key] = values
    lab.run()
    assert not lab.exception
    return lab


def key(lab: AppTest, name: str) -> str:
    """The key of a choice's widget; it changes when another experiment is taken over."""
    return f"lab-{name}-{lab.session_state['lab-generation']}"


def asked(lab: AppTest) -> ExperimentSpec:
    """The spec of the address."""
    query = {key: value if isinstance(value, list) else [value] for key, value in lab.query_params.items()}
    spec, problems = recipe.from_query(query)
    assert problems == []
    return spec


def errors(lab: AppTest) -> str:
    return " ".join(one.value for one in lab.error).replace("\\", "")


def test_empty_it_shows_the_start_and_the_address_holds_it(lab: AppTest) -> None:
    at(lab, {})
    assert asked(lab) == recipe.START
    assert not lab.button(key="lab-run").disabled
    assert not lab.error
    assert not lab.warning


def test_a_link_gives_the_same_lab(lab: AppTest) -> None:
    spec = ExperimentSpec(
        strategies=("partial_fine_tuning", "linear_probe"),
        frozen_depths=(1, 3),
        seeds=(4, 2),
        label_budgets=(50, 200),
        weights="random",
        measures=("knn",),
        train=TrainSpec(epochs=2, learning_rate=0.1, optimizer="adamw"),
        name="mine",
    )
    at(lab, parse_qs(recipe.query_string(spec)) | {"experiment": ["kept"]})
    assert asked(lab) == spec
    assert lab.query_params["experiment"] == "kept"
    lab.button_group(key=key(lab, "depth-mode")).set_value("every").run()
    assert asked(lab).frozen_depths == "all"


def test_a_preset_fills_the_lab_as_it_is(lab: AppTest) -> None:
    at(lab, {"preset": ["label_budget"]})
    assert asked(lab).experiment_id == PRESETS["label_budget"].spec.experiment_id
    assert "preset" not in lab.query_params


def test_a_choice_changes_the_address_and_a_changed_address_the_choice(lab: AppTest) -> None:
    at(lab, {})
    lab.slider(key=key(lab, "seeds")).set_value(6).run()
    assert asked(lab).seeds == tuple(range(6))
    lab.query_params["seeds"] = "0-1"
    lab.run()
    assert lab.slider(key=key(lab, "seeds")).value == 2
    # A click that comes with an address from before it: the click wins.
    lab.query_params["seeds"] = "0-5"
    lab.number_input(key=key(lab, "epochs")).set_value(7).run()
    assert (len(asked(lab).seeds), asked(lab).train.epochs) == (2, 7)


def test_a_rate_is_as_suits_each_strategy_until_one_is_given(lab: AppTest) -> None:
    at(lab, {})
    assert lab.number_input(key=key(lab, "learning_rate")).value is None
    assert (asked(lab).train.learning_rate, asked(lab).train.optimizer) == ("auto", "auto")
    lab.number_input(key=key(lab, "learning_rate")).set_value(0.05).run()
    assert asked(lab).train.learning_rate == 0.05
    at(lab, {"learning_rate": ["0.05"]})
    assert lab.number_input(key=key(lab, "learning_rate")).value == 0.05
    at(lab, {"learning_rate": ["fast"]})
    assert "is 'fast'; it must be a number above 0 and at most 100, or 'auto'" in lab.warning[0].value


def test_start_over_forgets_every_choice(lab: AppTest) -> None:
    at(lab, {"preset": ["every_depth"], "epochs": ["3"]})
    lab.button(key="lab-reset").click().run()
    assert asked(lab) == recipe.START


def test_a_folder_of_ones_own(lab: AppTest, tmp_path: Path) -> None:
    for name in ("daisy", "rose"):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "flowers" / name / f"{number}.png")
    at(lab, {"labels": ["all"]})
    lab.selectbox(key=key(lab, "data")).set_value("folder:").run()
    assert "path of your folder" in lab.info[0].value
    assert lab.button(key="lab-run").disabled
    lab.text_input(key=key(lab, "folder")).set_value(str(tmp_path / "flowers")).run()
    assert not lab.exception
    assert "2 classes" in lab.caption[0].value
    assert not lab.button(key="lab-run").disabled
    assert asked(lab).datasets == (f"folder:{tmp_path / 'flowers'}",)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"data": ["folder:/no/**such**/folder"]}, "There is no folder /no/**such**/folder"),
        ({"data": ["folder:~no-such-user/x"]}, "~no-such-user/x"),
        ({"data": ["digit"]}, "Did you mean 'digits'"),
        ({"backbone": ["resnet20_cifar"]}, "Did you mean 'resnet20_cifar10'"),
        ({"strategy": ["linear_prob"]}, "Did you mean 'linear_probe'"),
        ({"depths": ["11"]}, "beyond resnet20_cifar10, which has 10 units"),
        ({"labels": ["5000"]}, "A label budget of 5000"),
        ({"labels": ["3"]}, "A label budget of 3"),
        ({"seeds": ["0-9999"]}, "fewer depths, seeds or label budgets"),
        ({"depths": [""], "strategy": ["partial_fine_tuning"]}, "No depth is chosen"),
    ],
)
def test_what_cannot_be_run_says_why_and_stops_run(lab: AppTest, query: dict[str, list[str]], told: str) -> None:
    at(lab, query)
    assert told in errors(lab)
    assert lab.button(key="lab-run").disabled


def test_what_a_link_holds_wrongly_is_named(lab: AppTest) -> None:
    at(lab, {"epochs": ["many"], "preset": ["quik"]})
    told = " ".join(one.value for one in lab.warning).replace("\\", "")
    assert "epochs is 'many'" in told
    assert "Did you mean 'quick'" in told
    assert not lab.button(key="lab-run").disabled
    lab.slider(key=key(lab, "seeds")).set_value(2).run()
    assert not lab.warning


def test_run_queues_the_experiment_once_and_opens_it(lab: AppTest) -> None:
    at(lab, {"name": ["mine"]})
    lab.button(key="lab-run").click().run()
    assert not lab.exception
    assert lab.title[0].value == "Live"
    (experiment,) = state.store().experiments()
    assert lab.text[0].value == experiment["experiment_id"] == recipe.START.experiment_id
    assert experiment["name"] == "mine"
    assert len(state.store().runs()) == 12


def test_afterwards_its_runs_are_reused(lab: AppTest, tmp_path: Path) -> None:
    runs = [(one.run, one.card.n_units) for one in plan(recipe.START, home=tmp_path)]
    Store(tmp_path).submit(recipe.START, runs)
    at(lab, {})
    said = " ".join(one.proto.body for one in lab.get("html"))
    assert "12: 12 under way already" in said
    at(lab, {"from": [recipe.START.experiment_id], "seeds": ["0-3"]})
    said = " ".join(one.proto.body for one in lab.get("html"))
    assert "16: 4 new, 12 under way already" in said
    assert "after 12 waiting runs" in said


def test_more_than_the_queue_takes_stops_run(lab: AppTest) -> None:
    at(lab, {"depths": ["all"], "seeds": ["0-199"]})
    assert "only 2,000 more may wait" in errors(lab)
    assert lab.button(key="lab-run").disabled


def test_a_strategy_that_cannot_apply_says_why_before_anything_runs(lab: AppTest) -> None:
    at(lab, {"strategy": ["vpt_deep", "linear_probe"]})
    assert "Prompt tuning, deep cannot be used here: it needs a plain vision transformer" in errors(lab)
    assert lab.button(key="lab-run").disabled
    assert any("Prefix tuning" in one.value and "cannot be used here" in one.value for one in lab.caption)


def test_settings_of_a_chosen_strategy_are_in_the_address(lab: AppTest) -> None:
    at(lab, {"strategy": ["lora", "linear_probe"], "set": ["lora.rank=4"]})
    assert asked(lab).settings == {"lora": {"rank": 4}}
    lab.number_input(key=key(lab, "set-lora-rank")).set_value(2).run()
    assert asked(lab).settings == {"lora": {"rank": 2}}
    lab.number_input(key=key(lab, "set-lora-rank")).set_value(8).run()
    assert asked(lab).settings is None
    lab.button_group(key=key(lab, "strategies-schedule")).set_value(["lp_ft"]).run()
    assert set(asked(lab).strategies) == {"lora", "linear_probe", "lp_ft"}


def test_settings_of_a_link_that_cannot_be_are_refused_in_words(lab: AppTest) -> None:
    at(lab, {"strategy": ["lora"], "set": ["lora.rank=4000"]})
    assert "no layer of resnet20_cifar10 is wider than 128" in errors(lab)
    assert lab.button(key="lab-run").disabled


def captions(lab: AppTest) -> str:
    return "\n".join(one.value for one in lab.caption).replace("\\", "")


def card_of(lab: AppTest) -> str:
    return " ".join(one.proto.body for one in lab.get("html"))


def test_the_controls_are_on_and_the_page_says_what_they_add_and_take(lab: AppTest) -> None:
    at(lab, {})
    switch = key(lab, "controls")
    assert lab.toggle(key=switch).label == "Controls: from scratch and linear probe"
    assert lab.toggle(key=switch).value
    assert "Nothing to add: from scratch and linear probe are among what is chosen." in captions(lab)
    assert "<dt>Controls</dt>" not in card_of(lab)
    lab.button_group(key=key(lab, "strategies-freezing")).set_value(["full_fine_tuning"]).run()
    assert re.search(r"Added: From scratch, Linear probe \(6 runs, about \d+ ", captions(lab))
    assert "<dt>Runs</dt><dd>9, all new</dd>" in card_of(lab)
    assert "<dt>Controls</dt><dd>6 of these, added by the switch under 3: From scratch, Linear probe</dd>" in card_of(
        lab
    )
    assert asked(lab).controls is None
    assert asked(lab).strategies == ("full_fine_tuning",)
    lab.toggle(key=switch).set_value(False).run()
    assert asked(lab).controls is False
    assert (
        "No from scratch and linear probe here: nobody can say what is a gain, and no alarm will tell where transfer hurts."
    ) in captions(lab)
    assert "<dt>Runs</dt><dd>3, all new</dd>" in card_of(lab)
    assert "<dt>Controls</dt>" not in card_of(lab)
    lab.button(key="lab-run").click().run()
    assert len(state.store().runs()) == 3
    assert state.store().experiments()[0]["spec"].controls is False


def test_added_controls_are_run_with_the_rest_and_afterwards_reused(lab: AppTest, play_worker, tmp_path: Path) -> None:
    query = {"strategy": ["lora"], "seeds": ["0"]}
    worker = play_worker(tmp_path)
    worker.submit(recipe.from_query(query)[0])
    worker.finish_all()
    at(lab, query)
    assert "Added: From scratch, Linear probe (2 runs, computed before and reused)." in captions(lab)
    assert "3: 3 computed before and reused" in card_of(lab)
    at(lab, query | {"seeds": ["0-1"]})
    assert "Added: From scratch, Linear probe (4 runs, about " in captions(lab)
    assert "6: 3 new, 3 computed before and reused" in card_of(lab)
    worker.store.close()


def test_a_link_without_controls_and_weights_that_transfer_nothing(lab: AppTest) -> None:
    at(lab, {"strategy": ["lora"], "controls": ["no"]})
    assert not lab.toggle(key=key(lab, "controls")).value
    lab.toggle(key=key(lab, "controls")).set_value(True).run()
    assert asked(lab).controls is None
    assert "controls" not in lab.query_params
    lab.segmented_control(key=key(lab, "weights")).set_value("random").run()
    assert "Nothing to add: nothing that is chosen learns from weights that were learned before." in captions(lab)


def test_where_the_queue_is_full_the_added_controls_are_named(lab: AppTest) -> None:
    at(lab, {"strategy": ["lora"], "seeds": ["0-999"]})
    assert "only 2,000 more may wait" in errors(lab)
    assert "2,000 of the runs are controls that were added (the switch under 3)." in errors(lab)


def test_settings_of_a_control_that_is_not_chosen_are_named(lab: AppTest) -> None:
    at(lab, {"strategy": ["lora"], "set": ["zero_shot.prompts=a {class}"]})
    assert "Settings of zero_shot are left out" in lab.warning[0].value.replace("\\", "")
    assert asked(lab).settings is None


def test_the_classic_mistake_is_a_switch_of_its_own(lab: AppTest) -> None:
    at(lab, {})
    switch = lab.toggle(key=key(lab, "mistake-moving_statistics"))
    assert not switch.value
    assert not switch.disabled
    before = asked(lab).strategies
    switch.set_value(True).run()
    assert asked(lab).strategies == (*before, "moving_statistics")
    assert any("is a mistake, shown on purpose" in one.value.replace("\\", "") for one in lab.warning)
    lab.toggle(key=key(lab, "mistake-moving_statistics")).set_value(False).run()
    assert asked(lab).strategies == before


def test_without_batch_normalisation_the_switch_is_off_and_says_why(lab: AppTest) -> None:
    at(lab, {"backbone": ["plain8_cifar10"]})
    assert lab.toggle(key=key(lab, "mistake-moving_statistics")).disabled
    said = " ".join(one.value for one in lab.caption).replace("\\", "")
    assert "Cannot be shown here: plain8_cifar10 has no batch normalisation" in said
    # of a link it is on: then it can be switched off again, and nothing runs before
    at(lab, {"strategy": ["partial_fine_tuning", "moving_statistics"]})
    assert not lab.toggle(key=key(lab, "mistake-moving_statistics")).disabled
    assert "has no batch normalisation" in errors(lab)
    assert lab.button(key="lab-run").disabled


def test_a_search_of_a_link_is_kept_and_can_be_chosen(lab: AppTest) -> None:
    at(lab, {"search": ["halving:9:span=5"]})
    assert asked(lab).search == {"method": "halving", "settings": 9, "span": 5.0}
    lab.selectbox(key=key(lab, "search")).set_value("random").run()
    assert not lab.exception
    assert asked(lab).search == {"method": "random", "settings": 9, "span": 5.0}
    assert any("9 settings for each strategy that trains" in one.value for one in lab.caption)
    lab.selectbox(key=key(lab, "search")).set_value("").run()
    assert asked(lab).search is None


def test_runs_for_a_soup_are_picked_from_those_that_kept_their_weights(
    lab: AppTest, play_worker, tmp_path: Path
) -> None:
    at(lab, {"strategy": ["soup", "linear_probe"]})
    said = " ".join(one.value for one in lab.info).replace("\\", "")
    assert "none of resnet20_cifar10 on digits has kept its weights" in said
    assert "it is made of 2 or more runs" in errors(lab)
    hand = play_worker(tmp_path)
    spec = ExperimentSpec(
        strategies=("full_fine_tuning", "lora", "head2toe", "from_scratch"), seeds=(0, 1), label_budgets=(50,),
        keep_weights=True, controls=False, name="kept",
    )  # fmt: skip
    hand.submit(spec)
    hand.finish_all()
    ids = {(one.run.strategy, one.run.seed): one.run.run_id for one in plan(spec, home=tmp_path)}
    (tmp_path / "weights").mkdir()
    for (strategy, seed), run_id in ids.items():
        if (strategy, seed) != ("full_fine_tuning", 1):  # one whose file is gone
            (tmp_path / "weights" / f"{run_id}.safetensors").touch()
    hand.store.close()
    lab.run()
    box = next(one for one in lab.multiselect if "runs that are mixed" in one.label)
    # not the one that is gone, nor those whose modules or heads are no part of the weights, nor random starts
    assert set(box.options) == {
        "Full fine-tuning, seed 0, 50 labels, 60.0% on test · kept",
        "LoRA, seed 0, 50 labels, 60.0% on test · kept",
        "LoRA, seed 1, 50 labels, 62.0% on test · kept",
    }
    box.set_value([ids["full_fine_tuning", 0], ids["lora", 0]]).run()
    assert not lab.exception
    chosen = f"{ids['full_fine_tuning', 0]}, {ids['lora', 0]}"
    assert asked(lab).settings == {"soup": {"runs": chosen}}
    assert not lab.error
    # the link holds them, and gives them back to the box
    again = AppTest.from_string(SCRIPT, default_timeout=30)
    at(again, parse_qs(recipe.query_string(asked(lab))))
    assert next(one for one in again.multiselect if "runs that are mixed" in one.label).value == chosen.split(", ")
    lab.button_group(key=key(lab, "strategies-weight space")).set_value(["adapter_merging"]).run()
    box = next(one for one in lab.multiselect if "runs that are mixed" in one.label)
    assert all(one.startswith("LoRA") for one in box.options)
    assert len(box.options) == 2


def test_a_soup_can_be_made_of_runs_of_the_same_experiment(lab: AppTest) -> None:
    at(lab, {"strategy": ["soup", "full_fine_tuning", "mixup", "linear_probe", "dora"]})
    box = next(one for one in lab.multiselect if "runs that are mixed" in one.label)
    assert box.options == ["Full fine-tuning, of this experiment", "Mixup, of this experiment"]
    box.set_value(["full_fine_tuning", "mixup"]).run()
    assert not lab.exception
    assert not lab.error
    assert asked(lab).settings == {"soup": {"runs": "full_fine_tuning, mixup"}}
    at(lab, {"strategy": ["adapter_merging", "lora"]})
    box = next(one for one in lab.multiselect if "runs that are mixed" in one.label)
    assert box.options == ["Seeds of LoRA, of this experiment"]
    box.set_value(["seeds:lora"]).run()
    assert not lab.error
    assert asked(lab).settings == {"adapter_merging": {"runs": "seeds:lora"}}


def test_forgetting_can_be_measured_on_images_of_the_source(lab: AppTest) -> None:
    at(lab, {"measure": ["knn"]})
    assert not [one for one in lab.text_input if one.label == "Images of the source task"]
    at(lab, {"measure": ["knn", "forgetting"]})
    next(one for one in lab.text_input if one.label == "Images of the source task").set_value("cifar10").run()
    assert asked(lab).source_data == "cifar10"
    assert "cifar10 is not on this machine, so forgetting cannot be measured on it" in errors(lab)
    next(one for one in lab.text_input if one.label == "Images of the source task").set_value("").run()
    assert asked(lab).source_data is None
    assert not lab.error
