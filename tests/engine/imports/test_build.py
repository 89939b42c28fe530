"""Imports from end to end: layouts, splits, reports, odd and broken images, stops, deaths and full disks."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from engine.control import Cancelled
from engine.datasets import _library, describe, load, make_split
from engine.errors import DatasetError
from engine.imports import build as module
from engine.imports.limits import Limits
from engine.tasks import TaskContext

NASTY = [
    "<b>K\u00e4se & \u00d6l<b>",
    "=1+1",
    "\u732b \N{CAT FACE}",
    "'; DROP TABLE run; --",
    '"quoted"',
    "\u0642\u0637\u0629",
    "a\u0304",
]


def counts(report: dict) -> dict[str, tuple[int, int, int]]:
    return {one["name"]: (one["train"], one["validation"], one["test"]) for one in report["classes"]}


def saved(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


# Layouts -----------------------------------------------------------------------------------------------------------------


def test_a_zip_with_one_folder_per_class(do, zipped, pets, home):
    report = do(zipped(pets))
    assert report["dataset"] == "imported:pets"
    assert counts(report) == {"cat": (8, 0, 2), "dog": (8, 0, 2)}
    assert (report["n_images"], report["n_skipped"], report["n_ignored"]) == (20, 0, 0)
    info = describe("imported:pets", home)
    assert (info.class_names, info.n_pool, info.n_test, info.smallest_class) == (("cat", "dog"), 16, 4, 8)
    images = load("imported:pets", 12, home=home)
    assert images.info == info
    assert images.skipped == ()


def test_a_zip_and_its_folder_are_split_the_same(do, zipped, unpacked, pets, home):
    do(zipped(pets))
    folder = unpacked(pets, "plain")
    one, two = load("imported:pets", 8, home=home), load(f"folder:{folder}", 8)
    assert one.fingerprint == two.fingerprint
    assert do(folder, "copy")["same_as"] == ["pets"]


def test_wrapping_folders_are_looked_through(do, zipped, pets):
    report = do(zipped({f"download/pets-v2/{name}": content for name, content in pets.items()}))
    assert counts(report) == {"cat": (8, 0, 2), "dog": (8, 0, 2)}


def test_train_val_and_test_folders_are_kept(do, zipped, png):
    files = {}
    for part, n in {"Train": 5, "val": 2, "test": 3}.items():
        for place, name in enumerate(("cat", "dog")):
            files |= {f"x/{part}/{name}/{k}.png": png(1000 * n + 100 * place + k) for k in range(n)}
    report = do(zipped(files))
    assert counts(report) == {"cat": (5, 2, 3), "dog": (5, 2, 3)}
    assert report["split"] == "As the source pins it."


def test_a_class_beside_parts_is_asked_about(do, zipped, pets, nothing_left):
    files = {f"train/{name}": content for name, content in pets.items()} | {"hen/1.png": b"x"}
    files |= {f"test/{name}": content for name, content in pets.items()}
    with pytest.raises(DatasetError, match="'hen' a class or a part"):
        do(zipped(files))
    assert nothing_left()


def test_a_table_in_the_zip(do, zipped, png, home):
    files = {f"images/{n}.png": png(n) for n in range(12)}
    rows = "".join(f"images/{n}.png,{'<i>a</i>' if n % 2 else 'c'},{'test' if n > 7 else 'train'}\n" for n in range(12))
    report = do(zipped({**files, "labels.csv": "file,label,split\n" + rows, "notes.txt": "x"}))
    assert counts(report) == {"<i>a</i>": (4, 0, 2), "c": (4, 0, 2)}  # a slash in a class name is only a letter
    assert report["layout"] == "the table labels.csv"
    assert report["n_ignored"] == 1
    assert describe(report["dataset"], home).class_names == ("<i>a</i>", "c")


def test_a_table_beside_its_images(do, unpacked, png):
    folder = unpacked({f"{n}.png": png(n) for n in range(8)})
    (folder / "mine.csv").write_text(
        "".join(["Image;Class\r\n", *(f"{n}.png;{'x' if n < 4 else 'y'}\r\n" for n in range(8))])
    )
    assert counts(do(folder / "mine.csv")) == {"x": (3, 0, 1), "y": (3, 0, 1)}
    assert counts(do(folder, "again")) == {"x": (3, 0, 1), "y": (3, 0, 1)}
    assert counts(do(folder, "third", csv=str(folder / "mine.csv"))) == {"x": (3, 0, 1), "y": (3, 0, 1)}


def test_other_files_are_counted_and_hidden_ones_are_not_images(do, zipped, pets):
    more = {
        "__MACOSX/cat/._1.png": b"x",
        ".DS_Store": b"x",
        "cat/.hidden.png": b"x",
        "cat/movie.mp4": b"x",
        "top.png": b"x",
    }
    report = do(zipped({**pets, **more}))
    assert report["n_images"] == 20
    assert report["n_ignored"] == 4
    assert report["skipped"] == ["top.png: not in a class folder"]


# Names -------------------------------------------------------------------------------------------------------------------


def test_class_names_in_any_script_are_data(do, zipped, png, home):
    files = {f"{name}/{n}.png": png(100 * place + n) for place, name in enumerate(NASTY) for n in range(3)}
    report = do(zipped(files), name="<i>my</i> '\u732b'")
    assert set(counts(report)) == {*NASTY[:-1], "\u0101"}  # NFC
    assert describe(report["dataset"], home).label == "<i>my</i> '\u732b'"
    kept = [path for path in _library.root(home).rglob("*") if path.is_file()]
    assert len(kept) == 7 * 3 + 2
    assert all(path.relative_to(home).as_posix().isascii() for path in kept)  # generated names only


def test_two_classes_that_differ_only_in_case(do, zipped, png, nothing_left):
    files = {
        f"{name}/{n}{place}.png": png(100 * place + n)
        for place, name in enumerate(("Cat", "cat", "dog"))
        for n in range(3)
    }
    with pytest.raises(DatasetError, match="'Cat' and 'cat' differ in upper and lower case only"):
        do(zipped(files))
    assert nothing_left()


def test_a_class_with_one_image_is_refused_with_the_count(do, zipped, pets, png, nothing_left):
    with pytest.raises(DatasetError, match=r"1 of 3 classes: 'hen' \(1\).*at least 3"):
        do(zipped({**pets, "hen/1.png": png(999)}))
    with pytest.raises(DatasetError, match="one class only, 'cat'"):
        do(zipped({name: content for name, content in pets.items() if name.startswith("cat")}))
    with pytest.raises(DatasetError, match="holds no images"):
        do(zipped({"readme.txt": b"x"}))
    assert nothing_left()


def test_names_of_datasets(do, zipped, pets):
    assert do(zipped(pets), "x")["name"] == "x"
    with pytest.raises(DatasetError, match="'X' is or was the name"):
        do(zipped(pets), "X")
    assert [do(zipped(pets))["name"] for _ in range(2)] == ["pets", "pets 2"]
    for bad in ("a\nb", "x" * 81, "\ud800"):
        with pytest.raises(DatasetError, match="can be no name"):
            do(zipped(pets), bad)


# Images ------------------------------------------------------------------------------------------------------------------


def odd_images() -> dict[str, bytes]:
    red = Image.new("RGB", (9, 7), (250, 0, 0))
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = np.full((9, 7), 65535, dtype=np.uint16)
    return {
        "cmyk.jpg": saved(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"),
        "deep.png": saved(Image.fromarray(deep), "PNG"),
        "palette.png": saved(red.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "animated.webp": saved(red, "WEBP", save_all=True, append_images=[Image.new("RGB", (9, 7), (0, 250, 0))]),
        "turned.jpg": saved(Image.new("RGB", (20, 10), (9, 9, 9)), "JPEG", exif=turned),
        "one.png": saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"),
        "line.png": saved(Image.new("L", (20_000, 1), 7), "PNG"),
        "clear.png": saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"),
        "plain.bmp": saved(red, "BMP"),
        "wrong-suffix.png": saved(red, "JPEG"),
    }


def test_odd_images_are_taken_as_people_see_them(do, zipped, pets, home):
    report = do(zipped({**pets, **{f"odd/{name}": content for name, content in odd_images().items()}}))
    assert report["n_skipped"] == 0
    assert report["n_images"] == 30
    notes = " ".join(report["notes"])
    for words in (
        "animated, of which the first",
        "turned as their EXIF",
        "CMYK",
        "16 bits",
        "transparent",
        "fewer than 8 pixels",
    ):
        assert words in notes
    rows = _library.rows(_library.find(home, "pets"))
    size = dict(zip(rows["name"], zip(rows["width"], rows["height"], strict=True), strict=True))
    assert size["odd/turned.jpg"] == (10, 20)
    assert size["odd/line.png"] == (20_000, 1)
    images = load("imported:pets", 8, home=home)
    assert not images.skipped
    pixel = {name: images.pixels[place].mean(axis=(0, 1)).round().tolist() for place, name in enumerate(rows["name"])}
    assert pixel["odd/deep.png"] == [255, 255, 255]
    assert pixel["odd/clear.png"] == [255, 255, 255]
    assert pixel["odd/one.png"] == [1, 2, 3]
    assert pixel["odd/animated.webp"][1] < 60 < pixel["odd/animated.webp"][0]
    assert pixel["odd/cmyk.jpg"][0] > 200 > pixel["odd/cmyk.jpg"][2]


def huge_png(side: int) -> bytes:
    """A PNG of side x side pixels in few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    header = struct.pack(">2L5B", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * (side * (1 + (side + 7) // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def broken_images(png) -> dict[str, tuple[bytes, str]]:
    good = png(7, 40)
    return {
        "empty.png": (b"", "the file is empty"),
        "cut.png": (good[: len(good) // 2], ""),
        "cut.jpg": (png(8, 40, "JPEG")[:500], ""),
        "text.png": (b"not an image", "not a JPEG, PNG, WEBP, BMP image"),
        "picture.png": (saved(Image.new("RGB", (9, 9)), "GIF"), "not a JPEG, PNG, WEBP, BMP image"),
        "huge.png": (huge_png(20_000), "far too many pixels"),
        "script.jpg": (b"<svg onload='alert(1)'/>", "not a JPEG"),
        "pickle.png": (b"\x80\x04cos\nsystem\n", "not a JPEG"),
    }


def test_each_broken_image_is_named_and_skipped(do, zipped, pets, png, home):
    broken = broken_images(png)
    report = do(zipped({**pets, **{f"cat/{name}": content for name, (content, _) in broken.items()}}))
    assert report["n_images"] == 20
    said = dict(line.split(": ", 1) for line in report["skipped"])
    assert set(said) == {f"cat/{name}" for name in broken}
    for name, (_, why) in broken.items():
        assert why in said[f"cat/{name}"]
        assert said[f"cat/{name}"].strip()
    assert describe("imported:pets", home).notes == ("8 files were left out when it was imported.",)
    assert json.loads((_library.find(home, "pets").folder / _library.MANIFEST).read_text())["report"]["n_skipped"] == 8


def test_or_the_import_stops_by_choice(do, zipped, pets, png, nothing_left):
    for name, (content, why) in broken_images(png).items():
        with pytest.raises(DatasetError, match=f"stopped at a file that cannot be used, as asked: cat/{name}: .*{why}"):
            do(zipped({**pets, f"cat/{name}": content}), stop_on_bad=True)
        assert nothing_left()


def test_classes_that_are_left_with_too_few_are_named(do, zipped, pets, nothing_left):
    with pytest.raises(DatasetError, match=r"without the 2 files.*hen.*'hen' \(2\)"):
        do(
            zipped(
                {
                    **pets,
                    "hen/1.png": b"",
                    "hen/2.png": b"",
                    "hen/3.png": pets["cat/1.png"],
                    "hen/4.png": pets["cat/2.png"],
                }
            )
        )
    with pytest.raises(DatasetError, match=r"'hen' \(0\)"):
        do(zipped({**pets, "hen/1.png": b"", "hen/2.png": b"", "hen/3.png": b""}))
    assert nothing_left()


# Splits, groups, copies --------------------------------------------------------------------------------------------------


def test_groups_from_file_names_stay_together(do, zipped, png, home):
    files = {f"{name}/patient{7 * place + n // 4}_{n % 4}.png": png(100 * place + n)
             for place, name in enumerate(("ill", "well")) for n in range(24)}  # fmt: skip
    files["ill/odd.png"] = png(999)
    report = do(zipped(files), group_pattern=r"patient(\d+)_")
    assert report["n_groups"] == 14 - 1  # patients 0..5 and 7..12, and the one without a number
    assert "own group: 1." in " ".join(report["notes"])
    images = load("imported:pets", 8, home=home)
    rows = _library.rows(_library.find(home, "pets"))
    for seed in range(4):
        for budget in (None, 30, "5/class"):
            split = make_split(images, seed, budget)
            used = [{rows["group"][i] for i in part.tolist()} for part in (split.train, split.validation, split.test)]
            assert not used[0] & used[1]
            assert not used[0] & used[2]
            assert not used[1] & used[2]
            assert {*images.labels[split.train].tolist()} == {0, 1}


def test_groups_from_a_column(do, unpacked, png, home):
    folder = unpacked({f"{n}.png": png(n) for n in range(30)})
    lines = [f"{n}.png,{'x' if n % 2 else 'y'},scene{n // 3}\n" for n in range(30)]
    (folder / "t.csv").write_text("file,label,group\n" + "".join(lines))
    report = do(folder, "scenes")
    assert report["n_groups"] == 10
    rows = _library.rows(_library.find(home, "scenes"))
    places = {}
    for name, part in zip(rows["name"], rows["part"], strict=True):
        places.setdefault(int(name[:-4]) // 3, set()).add(part)
    assert all(len(parts) == 1 for parts in places.values())
    assert 3 <= report["parts"]["test"] <= 9


def test_groups_that_the_sources_own_split_tears_apart(do, unpacked, png, nothing_left):
    folder = unpacked({f"{n}.png": png(n) for n in range(16)})
    lines = [f"{n}.png,{'x' if n % 2 else 'y'},{'test' if n > 8 else 'train'},g{n // 4}\n" for n in range(16)]
    (folder / "t.csv").write_text("file,label,split,group\n" + "".join(lines))
    with pytest.raises(DatasetError, match="'g2' in test and train"):
        do(folder)
    assert nothing_left()


def test_a_class_whose_images_are_one_group(do, zipped, png, nothing_left):
    files = {
        f"{name}/p{place}_{n}.png": png(100 * place + n) for place, name in enumerate(("a", "b")) for n in range(6)
    }
    with pytest.raises(DatasetError, match="2 of 2 classes cannot be both trained on and tested on"):
        do(zipped(files), group_pattern="(p[0-9])")
    assert nothing_left()


@pytest.mark.parametrize("pattern", ["(", "patient", "(a)(b)", "(" + "x" * 300 + ")"])
def test_patterns_that_cannot_be_used(do, zipped, pets, pattern, nothing_left):
    with pytest.raises(DatasetError, match="group pattern"):
        do(zipped(pets), group_pattern=pattern)
    with pytest.raises(DatasetError, match="fits none"):
        do(zipped(pets), group_pattern="patient([0-9])")
    assert nothing_left()


def test_copies_are_found_and_kept_on_one_side(do, zipped, pets, home):
    copies = {f"cat/copy{n}.png": pets["cat/1.png"] for n in range(5)} | {"dog/no-dog.png": pets["cat/1.png"]}
    found = do(zipped({**pets, **copies}))["duplicates"]
    assert found["n_copies"] == 6
    assert found["n_across_classes"] == 1
    assert found["n_across_parts"] == 0
    images = load("imported:pets", 8, home=home)
    content = np.asarray([key.partition("-")[0] for key in images.keys.tolist()])
    copied = next(one for one in set(content.tolist()) if (content == one).sum() > 1)
    assert len(set(images.parts[content == copied].tolist())) == 1
    for seed in range(5):
        split = make_split(images, seed)
        assert not {*content[split.train].tolist()} & {*content[split.validation].tolist()}


def test_copies_across_the_sources_own_parts_are_told(do, zipped, pets):
    files = {f"{part}/{name}": content for part in ("train", "test") for name, content in pets.items()}
    found = do(zipped(files))["duplicates"]
    assert found["n_across_parts"] == 20
    assert found["across_parts"][0] == ["train/cat/0.png", "test/cat/0.png"]


def test_the_seed_of_the_test_part(do, zipped, pets, home):
    for seed in (0, 1):
        do(zipped(pets), f"s{seed}", seed=seed)
    tests = [
        load(f"imported:s{seed}", 8, home=home).keys[load(f"imported:s{seed}", 8, home=home).parts == "test"]
        for seed in (0, 1)
    ]
    assert set(tests[0].tolist()) != set(tests[1].tolist())


# Bounds, stops, deaths ---------------------------------------------------------------------------------------------------


def test_a_folder_of_very_many_files_is_bounded(do, unpacked, pets, nothing_left):
    assert Limits().listed == 200_000
    folder = unpacked(pets)
    with pytest.raises(DatasetError, match="holds more than 15 files and folders"):
        do(folder, limits=Limits(listed=15))
    assert nothing_left()


def test_links_and_pipes_of_a_folder_are_not_followed(do, unpacked, pets, png, tmp_path):
    folder = unpacked(pets)
    (tmp_path / "secret.png").write_bytes(png(5))
    os.symlink(tmp_path / "secret.png", folder / "cat" / "link.png")
    os.symlink("/", folder / "cat" / "root")
    os.mkfifo(folder / "cat" / "pipe.png")
    assert do(folder)["n_images"] == 20


def test_a_file_that_is_too_large_is_left_out(do, unpacked, pets):
    report = do(unpacked({**pets, "cat/large.png": b"\0" * 5000}), limits=Limits(file=4000))
    assert report["skipped"] == ["cat/large.png: larger than 0 MB"]


def test_a_bomb_in_a_zip_stops_everything(do, zipped, pets, nothing_left):
    with pytest.raises(DatasetError, match="made to fill the disk"):
        do(zipped({**pets, "cat/bomb.png": b"\0" * 400_000}), limits=Limits(ratio=10, ratio_from=10_000))
    assert nothing_left()


def test_where_the_disk_has_no_room_nothing_begins(do, zipped, pets, nothing_left):
    with pytest.raises(DatasetError, match=r"GB of the disk of .* are free.*Make room"):
        do(zipped(pets), limits=Limits(spare=10**18))
    assert nothing_left()


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(do, zipped, pets, png, nothing_left):
    path = zipped({**pets, "cat/large.png": png(3, 200)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))  # the system itself refuses to write more
    try:
        with pytest.raises(
            DatasetError, match=f"cannot be written to .*: {os.strerror(errno.EFBIG)}. Nothing of it was kept"
        ):
            do(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert nothing_left()
    assert do(path)["n_images"] == 21


@pytest.mark.parametrize("phase", ["looking", "copying and", "splitting", "saving", "done"])
def test_a_stop_at_any_moment_leaves_nothing(zipped, pets, home, nothing_left, phase):
    class Stopping(TaskContext):
        def progress(self, done: float, words: str) -> None:
            self.stop = words.startswith(phase)
            super().progress(done, words)

    with pytest.raises(Cancelled):
        module.build(module.Request(zipped(pets), "x"), home, Stopping({}, home))
    assert nothing_left()


KILLED = """
import sys
from pathlib import Path
from engine.imports.build import Request, build
from engine.tasks import TaskContext

class Dying(TaskContext):
    def progress(self, done, words):
        if done > 0.5:
            import os
            os.kill(os.getpid(), 9)

build(Request(Path(sys.argv[1]), "x"), Path(sys.argv[2]), Dying({}))
"""


def test_what_a_killed_import_left_is_removed_by_the_next(do, zipped, pets, home):
    done = subprocess.run([sys.executable, "-c", KILLED, str(zipped(pets)), str(home)], check=False)
    assert done.returncode == -9
    (left,) = _library.root(home).iterdir()
    assert left.name.startswith(".import-")
    assert _library.every(home) == []
    do(zipped(pets), "x")
    assert not left.exists()
    assert [one.name for one in _library.every(home)] == ["x"]


def test_what_is_damaged_later_is_found_before_it_is_used(do, zipped, pets, home):
    do(zipped(pets))
    one = _library.find(home, "pets")
    file = one.folder / _library.IMAGES
    file.write_text(file.read_text().replace('"train"', '"test"', 1))
    with pytest.raises(DatasetError, match="damaged"):
        load("imported:pets", 8, home=home)
    (one.folder / _library.MANIFEST).write_text("{")
    with pytest.raises(DatasetError, match="damaged"):
        describe("imported:pets", home)
    assert _library.every(home) == []


def test_a_path_that_is_nothing(do, tmp_path):
    with pytest.raises(DatasetError, match="There is no folder, zip or CSV"):
        do(tmp_path / "absent")


def test_the_progress_never_goes_back(do, zipped, pets):
    told: list[float] = []
    do(zipped(pets), say=lambda done, phase: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0
