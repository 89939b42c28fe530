"""Zips as enemies make them: each is refused whole, names what is wrong, and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.datasets._decode import BrokenImage
from engine.errors import DatasetError
from engine.imports.archive import Archive
from engine.imports.limits import Limits

CENTRAL = b"PK\x01\x02"
SMALL = Limits(entries=30, total=2_000_000, file=500_000, ratio=10, ratio_from=10_000)


def refused(path: Path, limits: Limits = SMALL) -> str:
    with pytest.raises(DatasetError) as caught, Archive(path, limits):
        pass
    assert "Nothing was changed" in str(caught.value)
    return str(caught.value)


def central(content: bytes) -> list[int]:
    """Where the entries of the list begin."""
    places, at = [], content.find(CENTRAL)
    while at >= 0:
        places.append(at)
        at = content.find(CENTRAL, at + 4)
    return places


def test_an_honest_zip_is_read(zipped, pets):
    with Archive(zipped(pets), SMALL) as archive:
        assert {item.name: item.read() for item in archive.items} == pets


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.png", "leads out"),
        ("cat/../../evil.png", "leads out"),
        ("/etc/evil.png", "absolute"),
        ("C:/evil.png", "absolute"),
        ("c:evil.png", "absolute"),
        ("cat\\evil.png", "backslash"),
        ("..\\evil.png", "backslash"),
        ("cat/a\nb.png", "control characters"),
        ("cat/a\x1b[2J.png", "control characters"),
        ("cat/a\u2028b.png", "control characters"),
        ("cat//1.png", "empty part"),
        ("./cat/1.png", "empty part"),
        ("a/b/c/d/e/1.png", "more than 4 folders"),
        ("cat/" + "x" * 300 + ".png", "255"),
    ],
)
def test_names_that_lead_elsewhere(zipped, pets, name, why):
    assert why in refused(zipped({**pets, zipfile.ZipInfo(name): b"x"}))


def test_a_name_that_ends_early(zipped, pets):
    path = zipped({**pets, "cat/1.png@.exe": b"x"})
    path.write_bytes(path.read_bytes().replace(b"cat/1.png@.exe", b"cat/1.png\0.exe"))
    assert "control characters" in refused(path)


def test_names_that_are_the_same_to_some_file_system(zipped, pets):
    assert "upper and lower case" in refused(zipped({**pets, "CAT/1.PNG": b"x"}))
    assert "upper and lower case" in refused(zipped({"cat/\u00e9.png": b"x", "cat/e\u0301.png": b"y"}))
    assert "upper and lower case" in refused(zipped({"cat/stra\u00dfe.png": b"x", "cat/STRASSE.png": b"y"}))
    path = zipped({"cat/1.png": b"x", "cat/2.png": b"y"})
    path.write_bytes(path.read_bytes().replace(b"cat/2.png", b"cat/1.png"))
    assert "two entries have the same name" in refused(path)


@pytest.mark.parametrize(
    ("mode", "why"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "no file"), (stat.S_IFCHR, "no file")]
)
def test_entries_that_are_no_files(zipped, pets, mode, why):
    info = zipfile.ZipInfo("cat/link.png")
    info.external_attr = (mode | 0o777) << 16
    assert why in refused(zipped({**pets, info: b"/etc/passwd"}))


def test_encrypted_entries(zipped, pets, tmp_path):
    content = bytearray(zipped(pets).read_bytes())
    for at in central(content):
        content[at + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(content)
    assert "is encrypted" in refused(tmp_path / "secret.zip")


def test_other_ways_to_pack(zipped, pets):
    assert "method 14" in refused(zipped(pets, method=zipfile.ZIP_LZMA))


def test_overlapping_entries(zipped, pets, tmp_path):
    content = bytearray(zipped(pets, method=zipfile.ZIP_STORED).read_bytes())
    first, second = central(content)[:2]
    # The second entry is the first one's bytes under another name: the shape of the bombs that expand a million times.
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    (tmp_path / "same.zip").write_bytes(content)
    assert "is called" in refused(tmp_path / "same.zip")
    content = bytearray(zipped(pets, method=zipfile.ZIP_STORED).read_bytes())
    first = central(content)[0]
    length = struct.unpack_from("<L", content, first + 20)[0] + 200
    struct.pack_into("<L", content, first + 20, length)
    (tmp_path / "long.zip").write_bytes(content)
    assert "overlap" in refused(tmp_path / "long.zip")
    content = bytearray(zipped(pets, method=zipfile.ZIP_STORED).read_bytes())
    last = central(content)[-1]
    struct.pack_into("<L", content, last + 20, struct.unpack_from("<L", content, last + 20)[0] + 60)
    (tmp_path / "list.zip").write_bytes(content)
    assert "overlap" in refused(tmp_path / "list.zip")


def test_a_list_that_points_nowhere(zipped, pets, tmp_path):
    content = bytearray(zipped(pets).read_bytes())
    struct.pack_into("<L", content, central(content)[0] + 42, 7)
    (tmp_path / "odd.zip").write_bytes(content)
    assert "not where the list says" in refused(tmp_path / "odd.zip")


def test_too_many_entries_whatever_the_zip_says(zipped, tmp_path):
    path = zipped({f"cat/{n}.png": b"x" for n in range(40)})
    assert "40 entries, and at most 30" in refused(path)
    content = bytearray(path.read_bytes())
    end = content.rfind(b"PK\x05\x06")
    struct.pack_into("<2H", content, end + 8, 3, 3)
    (tmp_path / "liar.zip").write_bytes(content)
    assert "40 entries" in refused(tmp_path / "liar.zip")


def test_zip64_is_refused_before_its_list_is_read(zipped, pets, tmp_path):
    content = zipped(pets).read_bytes()
    end = content.rfind(b"PK\x05\x06")
    (tmp_path / "big.zip").write_bytes(content[:end] + b"PK\x06\x07" + b"\0" * 16 + content[end:])
    assert "zip64" in refused(tmp_path / "big.zip")


def test_bombs_stop_at_the_bytes_that_come_out(zipped, pets):
    packed = zipped({**pets, "cat/bomb.png": b"\0" * 400_000})
    with Archive(packed, SMALL) as archive:
        bomb = next(item for item in archive.items if "bomb" in item.name)
        with pytest.raises(DatasetError, match="more than 10 times its size"):
            bomb.read()
    with Archive(
        zipped({**pets, "cat/large.png": b"\0" * 600_000}), dataclasses.replace(SMALL, ratio=10_000)
    ) as archive:
        large = next(item for item in archive.items if "large" in item.name)
        with pytest.raises(DatasetError, match="larger than"):
            large.read()
    many = {f"cat/{n}.png": b"\0" * 400_000 for n in range(6)}
    with Archive(zipped(many), dataclasses.replace(SMALL, ratio=10_000)) as archive:
        for item in archive.items[:5]:
            item.read()
        with pytest.raises(DatasetError, match="unpacks to more than 2,000,000 bytes"):
            archive.items[5].read()


def test_a_size_that_is_a_lie_does_not_count(zipped, pets, tmp_path):
    content = bytearray(zipped({**pets, "cat/bomb.png": b"\0" * 400_000}).read_bytes())
    struct.pack_into("<L", content, central(content)[-1] + 24, 10)  # "unpacks to 10 bytes"
    (tmp_path / "liar.zip").write_bytes(content)
    with Archive(tmp_path / "liar.zip", SMALL) as archive:
        assert archive.items[-1].size == 10
        # zipfile stops at the stated size and finds that the checksum does not fit.
        with pytest.raises(BrokenImage, match="damaged in the zip"):
            archive.items[-1].read()


def test_damage_in_one_entry_is_that_entrys(zipped, pets, tmp_path):
    content = bytearray(zipped(pets, method=zipfile.ZIP_STORED).read_bytes())
    at = content.find(b"IDAT")
    content[at + 8] ^= 0xFF
    (tmp_path / "hurt.zip").write_bytes(content)
    with Archive(tmp_path / "hurt.zip", SMALL) as archive:
        with pytest.raises(BrokenImage, match="damaged in the zip"):
            archive.items[0].read()
        assert archive.items[1].read() == list(pets.values())[1]


def test_what_is_no_zip(tmp_path, zipped, pets):
    for name, content in {
        "empty.zip": b"",
        "text.zip": b"hello " * 100,
        "half.zip": zipped(pets).read_bytes()[:900],
    }.items():
        (tmp_path / name).write_bytes(content)
        assert "no zip, or its end is missing" in refused(tmp_path / name)
    with tarfile.open(tmp_path / "pets.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "text.zip", "cat/1.png")
    assert "it is a gzip file, and only zip is taken" in refused(tmp_path / "pets.tar.gz")
    with pytest.raises(DatasetError, match="cannot be read"):
        Archive(tmp_path / "absent.zip")


def test_any_byte_turned_over_gives_the_same_files_or_a_plain_error(zipped, png, tmp_path):
    """Every byte of a small zip, one at a time: never an exception of Python, never other content."""
    files = {"cat/1.png": b"abc" * 9, "dog/2.png": b"xyz"}
    good = zipped(files).read_bytes()
    path = tmp_path / "turned.zip"
    for place in range(len(good)):
        for flip in (0xFF, 0x01):
            content = bytearray(good)
            content[place] ^= flip
            path.write_bytes(content)
            try:
                with Archive(path, SMALL) as archive:
                    for item in archive.items:
                        assert item.read() in files.values()
            except (DatasetError, BrokenImage):
                continue
