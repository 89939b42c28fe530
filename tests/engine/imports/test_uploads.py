"""What was dropped into the page waits in the home until it is imported."""

from __future__ import annotations

import io
import os

import pytest

from engine import task_queue
from engine.errors import DatasetError
from engine.imports import uploads


def test_an_upload_is_kept_once_imported_and_removed(home, zipped, pets):
    content = zipped(pets).read_bytes()
    path = uploads.keep(home, "../My pets\n.zip", io.BytesIO(content))
    assert path == uploads.keep(home, "../My pets\n.zip", io.BytesIO(content))
    assert path.read_bytes() == content
    assert path.parent.parent == uploads.folder(home)
    assert path.name == "_My pets_.zip"
    report = task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert report["name"] == "_My pets_"
    assert not path.exists()


def test_a_failed_import_keeps_the_upload_for_another_try(home, zipped):
    path = uploads.keep(home, "x.zip", io.BytesIO(zipped({"a/1.png": b""}).read_bytes()))
    with pytest.raises(DatasetError):
        task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert path.exists()


def test_only_uploads_are_removed(home, zipped, pets):
    path = zipped(pets)
    task_queue.run_here("import", {"path": str(path), "uploaded": True}, home)
    assert path.exists()


def test_old_uploads_are_swept(home):
    old = uploads.keep(home, "old.zip", io.BytesIO(b"old"))
    os.utime(old.parent, (1, 1))
    new = uploads.keep(home, "", io.BytesIO(b"new"))
    assert new.name == "upload.zip"
    assert not old.exists()


def test_where_there_is_no_room_it_says_so(home):
    uploads.folder(home).write_text("in the way")
    with pytest.raises(DatasetError, match="cannot be kept"):
        uploads.keep(home, "x.zip", io.BytesIO(b"x"))
