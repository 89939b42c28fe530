"""Imported datasets in a home: listed, renamed, thrown away and brought back, used by runs under every name they had."""

from __future__ import annotations

import pytest

from engine import datasets, task_queue
from engine.datasets import _library, describe, load, names, signature
from engine.errors import DatasetError, UnknownNameError


@pytest.fixture
def imported(home, colours) -> str:
    """The name of an imported dataset."""
    return task_queue.run_here("import", {"path": str(colours), "name": "Colours \u732b"}, home)["dataset"]


def test_it_is_listed_described_and_decoded(home, imported, colours):
    assert names(home)[imported] == "Colours \u732b"
    assert "digits" in names(home)
    assert not any(name.startswith(("folder", "imported")) for name in names(home.parent))
    info = describe(imported, home)
    assert (info.name, info.class_names, info.n_pool, info.n_test) == (imported, ("blue", "green", "red"), 30, 6)
    assert "imported from colours on 20" in info.summary
    assert load(imported, 8, home=home).fingerprint == load(f"folder:{colours}", 8).fingerprint
    assert signature(imported, home) == signature(imported, home)


def test_decoded_images_on_disk_keep_their_groups(home, colours, monkeypatch):
    from engine.datasets import _load

    monkeypatch.setattr(_load, "MAPPED_FROM", 1)
    pattern = r"(\d\d)\d"
    name = task_queue.run_here("import", {"path": str(colours), "name": "g", "group_pattern": pattern}, home)["dataset"]
    first, second = load(name, 8, home=home), load(name, 8, home=home)
    assert second.mapped
    assert first.groups.tolist() == second.groups.tolist()
    assert len(set(second.groups.tolist())) == 2


def test_a_run_can_be_made_of_it(home, imported, make_spec):
    from engine.plan import plan

    (run,) = plan(make_spec(datasets=(imported,)), home=home)
    assert run.info.label == "Colours \u732b"


def test_renamed_it_is_found_under_both_names(home, imported):
    renamed = _library.rename(home, imported, "  B ")
    assert renamed.dataset == "imported:B"
    assert list(names(home))[-1] == "imported:B"
    for name in (imported, "imported:B", "imported:b"):
        assert describe(name, home).label == "B"
    assert describe(imported, home).name == imported
    # The old name stays taken: a run on it must not be taken for one on other images.
    with pytest.raises(DatasetError, match="is or was the name"):
        task_queue.run_here("import", {"path": __file__, "name": "colours \u732b"}, home)
    assert _library.rename(home, "imported:B", "Colours \u732b").former_names == ("B",)


def test_names_of_others_are_refused(home, imported, colours):
    other = task_queue.run_here("import", {"path": str(colours), "name": "other"}, home)["dataset"]
    for name in ("Colours \u732b", "COLOURS \u732b"):
        with pytest.raises(DatasetError, match="another dataset"):
            _library.rename(home, other, name)
    assert _library.rename(home, other, "OTHER").name == "OTHER"
    with pytest.raises(DatasetError, match="can be no name"):
        _library.rename(home, other, " ")


def test_the_trash_gives_back_until_it_is_emptied(home, imported):
    before = load(imported, 8, home=home).fingerprint
    _library.trash(home, imported)
    assert imported not in names(home)
    assert [one.dataset for one in _library.in_trash(home)] == [imported]
    for act in (describe, signature, datasets.open_source):
        with pytest.raises(DatasetError, match="in the trash"):
            act(imported, home)
    _library.restore(home, imported)
    assert load(imported, 8, home=home).fingerprint == before
    with pytest.raises(DatasetError, match=r"no dataset .* in the trash"):
        _library.purge(home, imported)
    folder = _library.trash(home, imported).folder
    _library.purge(home, imported)
    assert [path.name for path in folder.iterdir()] == [_library.MANIFEST]
    assert _library.in_trash(home) == []
    with pytest.raises(DatasetError, match="deleted for good"):
        describe(imported, home)


def test_what_is_not_there_is_refused(home):
    with pytest.raises(DatasetError, match=r"no imported dataset 'x' \(there are: none yet\)"):
        describe("imported:x", home)
    with pytest.raises(UnknownNameError):
        describe("imported:", home)
    with pytest.raises(DatasetError):
        describe("imported:../../etc", home)


def test_a_folder_that_is_no_dataset_is_left_alone(home, imported):
    (_library.root(home) / "something").mkdir()
    (_library.root(home) / "file.txt").write_text("x")
    assert [one.dataset for one in _library.every(home)] == [imported]
