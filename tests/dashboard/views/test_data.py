"""Data: empty, importing, imported and failed; lists, cards, galleries; rename, trash and undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard import state
from engine import task_queue, task_worker
from engine.datasets import _library
from engine.leases import FILES, Leases

NASTY = "<b>Käse</b> **[x](http://evil.example)** $x$ 猫"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes, one of them with a name of the worst kind, and a broken file."""
    from PIL import Image

    for place, name in enumerate((NASTY.replace("/", "\N{DIVISION SLASH}"), "dog")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for n in range(30):
            Image.new("RGB", (10 + n, 12), (n * 8, 100 * place, 90)).save(tmp_path / "photos" / name / f"{n}.png")
    (tmp_path / "photos" / "dog" / "bad.png").write_bytes(b"")
    return tmp_path / "photos"


@pytest.fixture
def done(by_hand, photos):
    """A finished import: (its task's id, its dataset's name)."""
    store = by_hand.store
    task_id = task_queue.submit(store, "import", {"path": str(photos), "name": NASTY})
    task_worker.do(store, task_queue.claim(store, Leases(store).register(FILES), torch=False))
    return str(task_id), task_queue.get(store, task_id).result["dataset"]


def labels(app) -> list[str]:
    return [one.label for one in app.button]


def test_empty_it_shows_how_to_import_and_what_is_here(show, words):
    app = show("data")
    assert app.expander[0].label == "Import your own images"
    assert app.expander[0].proto.expanded
    assert next(one for one in app.button if one.label == "Import").disabled
    assert app.query_params["data"] == "digits"
    said = words(app)
    assert "One folder per class" in said
    assert "1,797 real handwritten digits" in said
    assert "1 to 24 of 178 images of this class" in said


def test_a_path_is_queued_and_watched(show, by_hand, photos, words):
    app = show("data")
    app.segmented_control(key="data-way").set_value("path").run()
    app.text_input(key="data-path").set_value(str(photos)).run()
    app.text_input(key="data-name").set_value("Mine").run()
    app.button(key="data-import").click().run()
    assert not app.exception
    (task,) = task_queue.list(by_hand.store)
    assert (task.state, task.payload["path"], task.payload["name"]) == ("queued", str(photos), "Mine")
    assert app.query_params["task"] == str(task.task_id)
    assert "Import photos: waiting for its turn" in words(app)
    task = task_queue.claim(by_hand.store, Leases(by_hand.store).register(FILES), torch=False)
    task_queue.beat(by_hand.store, task, 0.5, "copying and checking: 30 of 61 images")
    assert "Import photos: copying and checking: 30 of 61 images" in words(app.run())
    app.button(key=f"data-stop-{task.task_id}").click().run()
    assert task_queue.get(by_hand.store, task.task_id).cancel_requested
    assert "Stopping" in words(app)


@pytest.mark.parametrize(("path", "why"), [("/absent", "There is no folder"), ("~nobody/x", "There is no folder")])
def test_a_path_that_is_wrong_is_said_at_once(show, by_hand, words, path, why):
    app = show("data")
    app.segmented_control(key="data-way").set_value("path").run()
    app.text_input(key="data-path").set_value(path).run()
    app.button(key="data-import").click().run()
    assert why in words(app)
    assert app.text_input(key="data-path").value == path
    assert task_queue.list(by_hand.store) == []


def test_the_report_of_a_finished_import(show, done, words):
    task_id, dataset = done
    app = show("data", task=task_id, data=dataset)
    said = words(app)
    assert "60 images in 2 classes, from photos (one folder per class)" in said
    assert "1 file was left out" in said
    assert "Train 48" in said
    assert "dog/bad.png: the file is empty" in said
    assert said.count("Use in the Lab") == 2
    assert "http://evil" not in "".join(one.value for one in app.markdown)  # escaped: no link
    assert app.selectbox(key="data-pick").value == dataset
    assert app.selectbox(key=f"data-class-{dataset}").options[0].startswith("<b>K")
    app.button(key="data-close").click().run()
    assert "task" not in app.query_params


def test_the_gallery_turns_its_pages(show, done, words):
    app = show("data", data=done[1])
    app.selectbox(key=f"data-class-{done[1]}").set_value(1).run()
    app.button(key="data-gallery-on").click().run()
    assert "25 to 30 of 30 images of this class" in words(app)
    app.button(key="data-gallery-back").click().run()
    assert "1 to 24 of 30 images of this class" in words(app)


def test_how_an_import_failed(show, by_hand, photos, words):
    (photos / "hen").mkdir()
    (photos / "hen" / "1.png").write_bytes(b"x")
    store = by_hand.store
    task_id = task_queue.submit(store, "import", {"path": str(photos)})
    task_worker.do(store, task_queue.claim(store, Leases(store).register(FILES), torch=False))
    app = show("data", task=str(task_id))
    assert "Import photos: Too few images" in app.error[0].value.replace("\\", "")
    assert "'hen' (1)" in words(app)


def test_stopped_and_interrupted_imports_say_so(show, by_hand, photos, words):
    task_id = task_queue.submit(by_hand.store, "import", {"path": str(photos)})
    task_queue.give_up(by_hand.store, False, "the worker process cannot be started")
    assert "cannot be started" in show("data", task=str(task_id)).warning[0].value
    task_id = task_queue.submit(by_hand.store, "import", {"path": str(photos)})
    task_queue.cancel(by_hand.store, task_id)
    assert "stopped by the user" in show("data", task=str(task_id)).info[0].value


@pytest.mark.parametrize("task", ["", "x", "-1", "9" * 40, "7"])
def test_links_to_tasks_that_are_not_there(show, task):
    assert not show("data", task=task).error


def test_links_to_datasets_that_are_not_there(show, words):
    assert "There is no imported dataset 'absent'" in words(show("data", data="imported:absent"))
    assert "There is no dataset named 'nothing'" in words(show("data", data="nothing"))


def test_rename_trash_and_undo(show, by_hand, done, words, press):
    home, dataset = by_hand.store.home, done[1]
    app = show("data", data=dataset)
    folder = _library.find(home, dataset).folder.name
    app.text_input(key=f"data-rename-{folder}").set_value("Better")
    press(app, "Save")
    assert _library.listed(home)[0].name == "Better"
    assert app.selectbox(key="data-pick").value == "imported:Better"
    press(app, "Move to trash")
    assert "Moved to the trash: Better" in words(app)
    assert _library.listed(home) == []
    press(app, "Undo")
    assert app.selectbox(key="data-pick").value == "imported:Better"
    press(app, "Move to trash")
    app = show("data")
    app.session_state["data-trash"] = True
    app.run()
    press(app, "Delete for good")
    assert _library.in_trash(home) == []
    assert next(iter(state.dataset_names())) == "digits"


def test_the_whole_list_says_size_and_licence(show, done):
    app = show("data")
    app.session_state["data-list"] = True
    app.run()
    frame = app.dataframe[0].value.set_index("name")
    assert frame.loc["digits", "licence"] == "CC BY 4.0"
    assert frame.loc["digits", "download"] == "none"
    assert frame.loc[done[1], "to learn from"] == 48


def test_without_the_route_for_files_a_path_is_asked_for(show, words):
    assert "takes no files" in words(show("data"))


def test_a_dataset_that_is_not_here_is_downloaded_from_its_card(show, by_hand, words):
    app = show("data", data="flowers102")
    assert "licence" in words(app)
    assert "shown once it is on this machine" in words(app)
    app.button(key="data-download-flowers102").click().run()
    (task,) = task_queue.list(by_hand.store, "download")
    assert task.payload == {"dataset": "flowers102"}
    assert "Download flowers102: waiting for its turn" in words(app)
    assert app.button(key="data-download-flowers102").disabled
    task = task_queue.claim(by_hand.store, Leases(by_hand.store).register(FILES), torch=False)
    task_queue.finish(by_hand.store, task, "failed", "There is no network.")
    assert "Download flowers102: There is no network." in words(app.run())
    assert not app.button(key="data-download-flowers102").disabled


def test_the_doctor_looks_and_says_what_it_found(show, by_hand, done, words, press):
    app = show("data", data=done[1])
    press(app, "Look the data over")
    assert "Data doctor: waiting" in words(app) or "waiting for its turn" in words(app)
    assert "Look the data over" not in labels(app)
    task = task_queue.claim(by_hand.store, task_queue_token(by_hand.store), torch=False)
    assert task.payload["dataset"] == done[1]
    assert task.payload["backbone"]  # compared with a network that is shipped, unless another is chosen
    task_worker.do(by_hand.store, task)
    assert task_queue.get(by_hand.store, task.task_id).state == "finished"
    app = show("data", data=done[1])
    said = words(app)
    assert "Looked at all 60 images" in said
    assert "Look again" in labels(app)
    assert [one.value for one in app.subheader].count("Data doctor") == 1


def test_how_a_look_failed_is_said_beside_the_older_report(show, by_hand, done, words, press):
    for ending in ("finished", "failed"):
        app = show("data", data=done[1])
        press(app, "Look again" if ending == "failed" else "Look the data over")
        task = task_queue.claim(by_hand.store, task_queue_token(by_hand.store), torch=False)
        if ending == "finished":
            task_worker.do(by_hand.store, task)
        else:
            task_queue.finish(by_hand.store, task, "failed", "The disk was pulled out.")
    said = words(show("data", data=done[1]))
    assert "The disk was pulled out." in said
    assert "Looked at all 60 images" in said


def task_queue_token(store) -> int:
    leases = Leases(store)
    return leases.register(FILES) or leases.workers(files=True)[0]["token"]
