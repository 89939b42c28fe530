"""What was dropped into the page waits in the home until it is imported."""

from __future__ import annotations

import os

import pytest

from engine import task_queue
from engine.errors import DatasetError
from engine.imports import uploads
from engine.imports.limits import Limits


def keep(home, name: str, content: bytes):
    upload = uploads.Upload(home, name)
    for start in range(0, len(content), 1000):
        upload.write(content[start : start + 1000])
    return upload.finish()


def test_an_upload_is_kept_once_imported_and_removed(home, zipped, pets):
    content = zipped(pets).read_bytes()
    path = keep(home, "../My pets\n.zip", content)
    assert path == keep(home, "../My pets\n.zip", content)
    assert path.read_bytes() == content
    assert path.parent.parent == uploads.folder(home)
    assert path.name == "_My pets_.zip"
    assert uploads.find(home, path.parent.name) == path
    report = task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert report["name"] == "_My pets_"
    assert not path.exists()
    assert uploads.find(home, path.parent.name) is None


def test_a_failed_import_keeps_the_upload_for_another_try(home, zipped):
    path = keep(home, "x.zip", zipped({"a/1.png": b""}).read_bytes())
    with pytest.raises(DatasetError):
        task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert path.exists()


def test_only_uploads_are_removed(home, zipped, pets):
    path = zipped(pets)
    task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert path.exists()


def test_old_uploads_and_those_of_dead_servers_are_swept(home):
    old = keep(home, "old.zip", b"old")
    os.utime(old.parent, (1, 1))
    (uploads.folder(home) / ".incoming-99999999-0").write_bytes(b"half")
    new = keep(home, "", b"new")
    assert new.name == "upload.zip"
    assert [entry.name for entry in uploads.folder(home).iterdir()] == [new.parent.name]


def test_too_much_is_refused_while_it_comes(home):
    upload = uploads.Upload(home, "x.zip", Limits(total=2500))
    upload.write(b"x" * 2000)
    with pytest.raises(DatasetError, match="are not taken by the page"):
        upload.write(b"x" * 2000)
    assert list(uploads.folder(home).iterdir()) == []
    upload = uploads.Upload(home, "x.zip", Limits(spare=10**18))
    with pytest.raises(DatasetError, match="no room on its disk"):
        upload.write(b"x")
    assert list(uploads.folder(home).iterdir()) == []


def test_where_it_cannot_be_kept_it_says_so(home):
    uploads.folder(home).write_text("in the way")
    with pytest.raises(DatasetError, match="cannot be kept"):
        uploads.Upload(home, "x.zip")


@pytest.mark.parametrize("token", [None, "", "../../etc", "0" * 20, "0" * 19 + "/", 7, ["0" * 20]])
def test_tokens_that_name_nothing(home, token):
    assert uploads.find(home, token) is None
