"""Datasets by name: true facts, everything or nothing, read as torchvision reads them, and no code run from a file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets as vision
from PIL import Image

from engine import datasets, downloads
from engine.control import Cancelled
from engine.datasets import _fetch, _installed
from engine.datasets._arrays import read_idx, unpickle_arrays
from engine.datasets._known import known
from engine.errors import DatasetError, DownloadError, SpecError, UnknownNameError
from engine.spec import AUGMENTATIONS
from engine.task_queue import run_here

NAMES = list(known())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(downloads, "WAIT_SECONDS", 0.01)


@pytest.fixture
def served(server, stand_ins, monkeypatch):
    """Put one dataset's stand-in on the server: `served("mnist")` returns its facts."""

    def serve(name: str):
        facts = stand_ins.served(known()[name], server)
        monkeypatch.setitem(known(), name, facts)
        return facts

    return serve


def left(home: Path) -> list[str]:
    """What a download has left in the home, beside its lock."""
    return sorted(
        entry.name for entry in (home / "datasets").iterdir() if not entry.name.endswith(".lock")
    ) if (home / "datasets").exists() else []  # fmt: skip


# Facts --------------------------------------------------------------------------------------------------------------


def test_every_dataset_of_the_list_is_known():
    asked = (
        "cifar10 cifar100 mnist fashion_mnist kmnist emnist_letters emnist_balanced usps svhn stl10 eurosat flowers102"
        " oxford_iiit_pet dtd food101 fgvc_aircraft gtsrb caltech101 caltech256 sun397 pcam country211 imagenette omniglot"
    )
    assert set(asked.split()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_complete(name):
    facts = known()[name]
    for text in (facts.label, facts.group, facts.summary, facts.licence, facts.citation, facts.split, facts.size):
        assert text.strip()
    assert facts.page.startswith("http")
    assert facts.augmentation in AUGMENTATIONS
    assert facts.format in _installed.READERS
    assert len(set(facts.class_names)) == len(facts.class_names) > 1
    assert facts.bytes > 1_000_000
    assert min(facts.train, facts.test) >= len(facts.class_names)
    info = datasets.describe(name)
    assert (info.n_pool, info.n_test, info.download_bytes) == (facts.train + facts.validation, facts.test, facts.bytes)


def test_signs_are_never_mirrored():
    assert {name for name in NAMES if "flip" not in known()[name].augmentation} == {
        "mnist", "kmnist", "emnist_letters", "emnist_balanced", "usps", "svhn", "gtsrb", "omniglot",
    }  # fmt: skip


def test_addresses_and_checksums_are_torchvisions_own(monkeypatch):
    """What torchvision would download, recorded from its own code without a network."""
    asked: set[tuple[str, str]] = set()

    def record(url, *arguments, md5=None, filename=None, **options):
        texts = [one for one in arguments if isinstance(one, str) and len(one) == 32 and "/" not in one]
        asked.add((url, md5 or (texts[0] if texts else "")))
        raise RuntimeError("recorded")

    def drive(file_id, root, filename=None, md5=None):
        asked.add((file_id, md5))
        raise RuntimeError("recorded")

    for module in (
        "caltech cifar country211 dtd eurosat fgvc_aircraft flowers102 food101 gtsrb imagenette mnist omniglot".split()
    ):
        monkeypatch.setattr(f"torchvision.datasets.{module}.download_and_extract_archive", record)
    for module in ("oxford_iiit_pet", "stl10", "sun397"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.download_and_extract_archive", record)
    monkeypatch.setattr("torchvision.datasets.svhn.download_url", record)
    monkeypatch.setattr("torchvision.datasets.usps.download_url", record)
    monkeypatch.setattr("torchvision.datasets.pcam.download_file_from_google_drive", drive)
    import tempfile

    kinds = {
        "cifar10": [(vision.CIFAR10, {})], "cifar100": [(vision.CIFAR100, {})], "country211": [(vision.Country211, {})],
        "dtd": [(vision.DTD, {})], "eurosat": [(vision.EuroSAT, {})], "fgvc_aircraft": [(vision.FGVCAircraft, {})],
        "food101": [(vision.Food101, {})], "imagenette": [(vision.Imagenette, {"size": "320px"})],
        "stl10": [(vision.STL10, {})], "sun397": [(vision.SUN397, {})], "caltech101": [(vision.Caltech101, {})],
        "caltech256": [(vision.Caltech256, {})], "emnist_letters": [(vision.EMNIST, {"split": "letters"})],
        "svhn": [(vision.SVHN, {"split": one}) for one in ("train", "test")],
        "usps": [(vision.USPS, {"train": one}) for one in (True, False)],
        "omniglot": [(vision.Omniglot, {"background": one}) for one in (True, False)],
    }  # fmt: skip
    for name, makers in kinds.items():
        asked.clear()
        for maker, options in makers:
            with tempfile.TemporaryDirectory() as root, pytest.raises((RuntimeError, TypeError)):
                maker(root, download=True, **options)
        assert asked == {(file.urls[0], file.md5) for file in known()[name].files}, name
    for name, maker in (("mnist", vision.MNIST), ("fashion_mnist", vision.FashionMNIST), ("kmnist", vision.KMNIST)):
        wanted = [(tuple(mirror + file for mirror in maker.mirrors), md5) for file, md5 in maker.resources]
        assert [(file.urls, file.md5) for file in known()[name].files] == wanted
    pet = vision.OxfordIIITPet._RESOURCES
    assert [(file.urls[0], file.md5) for file in known()["oxford_iiit_pet"].files] == list(pet)
    flowers = vision.Flowers102
    assert {(file.urls[0], file.md5) for file in known()["flowers102"].files} == {
        (flowers._download_url_prefix + file, md5) for file, md5 in flowers._file_dict.values()
    }
    cancer = {(one[1], one[2]) for part in vision.PCAM._FILES.values() for one in part.values()}
    assert {(file.urls[1].rpartition("=")[2], file.md5) for file in known()["pcam"].files} == cancer
    source = Path(vision.gtsrb.__file__).read_text()
    for file in known()["gtsrb"].files:
        folder, _, name = file.urls[0].rpartition("/")
        assert f"{folder}/" in source
        assert name in source
        assert file.md5 in source
    assert tuple(vision.Flowers102.classes) == known()["flowers102"].class_names


def test_class_names_are_torchvisions_own():
    for name, classes in {
        "fashion_mnist": vision.FashionMNIST.classes,
        "kmnist": vision.KMNIST.classes,
        "emnist_letters": vision.EMNIST.classes_split_dict["letters"][1:],
        "emnist_balanced": vision.EMNIST.classes_split_dict["balanced"],
        "imagenette": [names[0] for _, names in sorted(vision.Imagenette._WNID_TO_CLASS.items())],
    }.items():
        assert known()[name].class_names == tuple(classes), name


# Reading ------------------------------------------------------------------------------------------------------------

READ = {
    "cifar10": lambda root: {"train": vision.CIFAR10(root, True), "test": vision.CIFAR10(root, False)},
    "cifar100": lambda root: {"train": vision.CIFAR100(root, True), "test": vision.CIFAR100(root, False)},
    "mnist": lambda root: {"train": vision.MNIST(root, True), "test": vision.MNIST(root, False)},
    "fashion_mnist": lambda root: {"train": vision.FashionMNIST(root, True), "test": vision.FashionMNIST(root, False)},
    "kmnist": lambda root: {"train": vision.KMNIST(root, True), "test": vision.KMNIST(root, False)},
    "emnist_letters": lambda root: {p: vision.EMNIST(root, "letters", train=p == "train") for p in ("train", "test")},
    "emnist_balanced": lambda root: {p: vision.EMNIST(root, "balanced", train=p == "train") for p in ("train", "test")},
    "usps": lambda root: {"train": vision.USPS(root, True), "test": vision.USPS(root, False)},
    "svhn": lambda root: {part: vision.SVHN(root, part) for part in ("train", "test")},
    "stl10": lambda root: {part: vision.STL10(root, part) for part in ("train", "test")},
    "eurosat": lambda root: {"all": vision.EuroSAT(root)},
    "flowers102": lambda root: {
        "train": vision.Flowers102(root, "train"), "validation": vision.Flowers102(root, "val"),
        "test": vision.Flowers102(root, "test"),
    },
    "oxford_iiit_pet": lambda root: {
        "train": vision.OxfordIIITPet(root, "trainval"), "test": vision.OxfordIIITPet(root, "test"),
    },
    "dtd": lambda root: {
        "train": vision.DTD(root, "train"), "validation": vision.DTD(root, "val"), "test": vision.DTD(root, "test"),
    },
    "food101": lambda root: {part: vision.Food101(root, part) for part in ("train", "test")},
    "fgvc_aircraft": lambda root: {
        "train": vision.FGVCAircraft(root, "train"), "validation": vision.FGVCAircraft(root, "val"),
        "test": vision.FGVCAircraft(root, "test"),
    },
    "gtsrb": lambda root: {"pool": vision.GTSRB(root, "train"), "test": vision.GTSRB(root, "test")},
    "caltech101": lambda root: {"all": vision.Caltech101(root)},
    "sun397": lambda root: {"all": vision.SUN397(root)},
    "pcam": lambda root: {
        "train": vision.PCAM(root, "train"), "validation": vision.PCAM(root, "val"), "test": vision.PCAM(root, "test"),
    },
    "country211": lambda root: {
        "train": vision.Country211(root, "train"), "validation": vision.Country211(root, "valid"),
        "test": vision.Country211(root, "test"),
    },
    "imagenette": lambda root: {
        "train": vision.Imagenette(root, "train", "320px"), "test": vision.Imagenette(root, "val", "320px"),
    },
    "caltech256": lambda root: {"all": vision.Caltech256(root)},
}  # fmt: skip
"""torchvision's own reader of each part, from the same folder. Omniglot's labels depend on the order of a folder: below."""


def contents(images) -> list[tuple[bytes, int]]:
    """(hash of an image's pixels, label) of a dataset of torchvision's, sorted."""
    return sorted((np.asarray(image.convert("RGB")).tobytes(), int(label)) for image, label in images)


@pytest.fixture
def unproved(monkeypatch):
    """torchvision compares the md5 of the real files, which stand-ins do not have."""
    for reader in (vision.CIFAR10, vision.SVHN, vision.STL10, vision.Flowers102):
        monkeypatch.setattr(reader, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *given: True)


@pytest.mark.parametrize("name", READ)
def test_images_labels_and_parts_are_as_torchvision_reads_them(name, downloaded, unproved):
    source = datasets.open_source(name, downloaded)
    wanted = READ[name](str(_installed.folder(downloaded, name) / _installed.FILES))
    groups = {"all": ("train", "validation", "test"), "pool": ("train", "validation")}
    for part, images in wanted.items():
        mine = []
        for index in np.flatnonzero(np.isin(source.parts, groups.get(part, (part,)))):
            content = source.read(int(index))
            pixels = content if isinstance(content, np.ndarray) else np.asarray(_opened(content))
            pixels = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
            if name.startswith("emnist"):  # torchvision leaves the letters lying on their side
                pixels = pixels.transpose(1, 0, 2)
            label = int(source.labels[index]) + (name == "emnist_letters")
            mine.append((pixels.tobytes(), label))
        assert sorted(mine) == contents(images), part


def _opened(content: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(content)).convert("RGB")


def test_omniglot_keeps_a_character_together(downloaded):
    source = datasets.open_source("omniglot", downloaded)
    by_label = {}
    for name, label in zip(source.names, source.labels.tolist(), strict=True):
        by_label.setdefault(label, set()).add(name.rpartition("/")[0])
    assert all(len(folders) == 1 for folders in by_label.values())
    assert source.info.class_names[0] == "Greek character01"


def test_no_sign_is_in_both_training_and_validation(downloaded):
    source = datasets.open_source("gtsrb", downloaded)
    signs = [name.rpartition("_")[0] for name in source.names]
    parts = {
        part: {sign for sign, one in zip(signs, source.parts, strict=True) if one == part}
        for part in ("train", "validation")
    }
    assert not parts["train"] & parts["validation"]
    assert len(parts["validation"]) == 43
    images = datasets.load("gtsrb", 8, home=downloaded)
    for budget in (None, 172, "2/class"):
        split = datasets.make_split(images, 0, budget)
        assert not set(images.groups[split.train].tolist()) & set(images.groups[split.validation].tolist())


@pytest.mark.parametrize(("name", "rule"), [(name, known()[name].rule) for name in NAMES if known()[name].rule])
def test_drawn_test_parts_depend_on_content_alone(name, rule, downloaded):
    facts = known()[name]
    source = datasets.open_source(name, downloaded)
    table = _installed.READERS[facts.format](_installed.folder(downloaded, name) / _installed.FILES, facts)
    hashes = np.asarray([f"{place}" for place in range(len(table.labels))])
    first = dict(zip(hashes, _installed.drawn(table, hashes, facts), strict=True))
    turned = dataclasses.replace(table, labels=table.labels[::-1], files=table.files[::-1])
    again = dict(zip(hashes[::-1], _installed.drawn(turned, hashes[::-1], facts), strict=True))
    assert first == again
    assert set(source.parts.tolist()) == {"train", "test"}


def test_stated_numbers_per_class():
    from engine.datasets._tables import Table

    labels = np.repeat([0, 1, 2], [40, 90, 100])
    hashes = np.asarray([str(place) for place in range(len(labels))])
    table = Table(labels, np.full(len(labels), "train", dtype="<U10"), ("a", "b", "c"), tuple(hashes))

    def test_images(**rule: float) -> list[int]:
        facts = dataclasses.replace(known()["caltech101"], rule=rule)
        return np.bincount(labels[_installed.drawn(table, hashes, facts) == "test"]).tolist()

    assert test_images(train_per_class=30) == [10, 60, 70]
    assert test_images(test_per_class=50) == [20, 45, 50]
    assert test_images(test_share=0.2) == [8, 18, 20]


def test_copies_of_an_image_go_to_one_part():
    from engine.datasets._tables import Table

    labels = np.zeros(40, dtype=int)
    hashes = np.asarray([f"{place // 2}" for place in range(40)])
    table = Table(labels, np.full(40, "train", dtype="<U10"), ("a",), tuple(map(str, range(40))))
    parts = _installed.drawn(table, hashes, dataclasses.replace(known()["caltech101"], rule={"train_per_class": 30}))
    assert all(len(set(parts[hashes == one])) == 1 for one in set(hashes))


# Downloading --------------------------------------------------------------------------------------------------------


def test_a_download_says_how_far_it_is_and_is_done_once(served, server, tmp_path):
    served("mnist")
    said: list[tuple[str, float]] = []
    datasets.fetch("mnist", tmp_path, lambda *told: said.append(told))
    assert left(tmp_path) == ["mnist"]
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert said[0] == ("downloading mnist (0 MB)", 0.0)
    assert {phase.partition(" ")[0] for phase, _ in said} == {"downloading", "unpacking", "indexing"}
    assert datasets.describe("mnist", tmp_path).download_bytes == 0
    record = json.loads((tmp_path / "datasets" / "mnist" / "dataset.json").read_text())
    assert [len(one["sha256"]) for one in record["fetched"]] == [64] * 4
    before = len(server.asked)
    datasets.fetch("mnist", tmp_path)
    assert len(server.asked) == before


@pytest.mark.parametrize("harm", ["cut", "checksum", "absent", "archive", "incomplete", "other version of the list"])
def test_whatever_goes_wrong_nothing_is_left_and_the_next_try_works(
    harm, served, server, stand_ins, tmp_path, monkeypatch
):
    facts = served("dtd")
    path = "dtd/dtd-r1.0.1.tar.gz"
    whole = server.files[path]
    words = {
        "cut": "broke off", "checksum": "not what was published", "absent": "404", "archive": "damaged",
        "incomplete": "which the archive does not hold", "other version of the list": "is missing in the dataset's files",
    }[harm]  # fmt: skip
    content = {
        "checksum": whole + b"?",
        "archive": whole[: len(whole) // 2],
        "incomplete": stand_ins.tar(
            {f"dtd/labels/{p}1.txt": b"banded/a.jpg\nwoven/b.jpg" for p in ("train", "val", "test")}
        ),
        "other version of the list": stand_ins.tar({"dtd/images/banded/a.jpg": b"x"}),
    }.get(harm, whole)
    server.files[path] = content
    if harm == "cut":
        server.cut_after[path] = [1_000] + [0] * downloads.ATTEMPTS
    if harm == "absent":
        del server.files[path]
    if harm not in ("checksum", "cut", "absent"):  # the checksum is right, and the archive is not what it should be
        import hashlib

        file = dataclasses.replace(facts.files[0], md5=hashlib.md5(content).hexdigest())
        monkeypatch.setitem(known(), "dtd", dataclasses.replace(facts, files=(file,)))
    with pytest.raises((DownloadError, DatasetError), match=words):
        datasets.fetch("dtd", tmp_path)
    assert left(tmp_path) == []
    assert datasets.describe("dtd", tmp_path).download_bytes > 0
    server.files[path] = whole
    monkeypatch.setitem(known(), "dtd", facts)
    datasets.fetch("dtd", tmp_path)
    assert len(datasets.load("dtd", 8, home=tmp_path).labels) == 12


@pytest.mark.parametrize("phase", ["downloading", "unpacking", "indexing"])
def test_a_stop_in_any_phase_leaves_nothing(phase, served, tmp_path):
    served("flowers102")

    def stop(now: str, share: float) -> None:
        if now.startswith(phase):
            raise Cancelled

    with pytest.raises(Cancelled):
        datasets.fetch("flowers102", tmp_path, stop)
    assert left(tmp_path) == []


def test_a_stop_is_heard_within_three_seconds(served, server, tmp_path):
    served("svhn")
    server.silent_after["svhn/train_32x32.mat"] = 10
    began, reached = time.monotonic(), threading.Event()

    def stop(now: str, share: float) -> None:
        if reached.is_set():
            raise Cancelled
        if time.monotonic() - began > 0.3:
            reached.set()

    with pytest.raises(Cancelled):
        datasets.fetch("svhn", tmp_path, stop)
    assert time.monotonic() - began < 3
    assert left(tmp_path) == []


def test_a_large_member_that_is_skipped_can_be_stopped_too(stand_ins, tmp_path, monkeypatch):
    from engine.datasets import _unpack

    monkeypatch.setattr(_unpack, "TELL_SECONDS", 0.0)
    noise = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(stand_ins.tar({"large.bin": noise, "small.txt": b"x"}))
    told: list[float] = []
    _unpack.unpack(archive, "tar", tmp_path / "out", told.append, skip=["large.bin"])
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["small.txt"]
    assert sum(0.1 < share < 0.9 for share in told) > 10  # in the middle of the only large member
    assert told[-1] == 1.0
    assert not archive.exists()


def test_a_disk_that_is_too_small_is_said_before_anything_is_downloaded(served, server, tmp_path, monkeypatch):
    served("mnist")
    monkeypatch.setattr(_fetch.shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(
        DownloadError, match=r"MNIST needs about 0.1 GB of disk.*0.0 GB are free.*Nothing was downloaded"
    ):
        datasets.fetch("mnist", tmp_path)
    assert server.asked == []
    assert left(tmp_path) == []


def test_a_disk_that_fills_while_unpacking_is_said_and_nothing_is_left(served, tmp_path, monkeypatch):
    served("eurosat")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.extract", full)
    with pytest.raises(DownloadError, match="The disk is full"):
        datasets.fetch("eurosat", tmp_path)
    assert left(tmp_path) == []


def test_what_a_killed_download_left_is_cleared_away(served, tmp_path):
    served("mnist")
    half = tmp_path / "datasets" / ".mnist.partial" / "files"
    half.mkdir(parents=True)
    (half / "half").write_bytes(b"x")
    (tmp_path / "datasets" / "mnist").mkdir()  # without a manifest it counts for nothing
    datasets.fetch("mnist", tmp_path)
    assert left(tmp_path) == ["mnist"]
    assert not (tmp_path / "datasets" / "mnist" / "files" / "half").exists()


def test_two_at_once_download_once(served, server, tmp_path):
    served("mnist")
    phases: list[str] = []
    threads = [
        threading.Thread(target=datasets.fetch, args=("mnist", tmp_path, lambda phase, share: phases.append(phase)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 4
    assert left(tmp_path) == ["mnist"]


def test_what_is_not_here_says_how_to_get_it(tmp_path):
    with pytest.raises(DatasetError, match=r"CIFAR-10 is not on this machine yet.*python -m engine fetch cifar10"):
        datasets.load("cifar10", 8, home=tmp_path)
    with pytest.raises(DatasetError, match="no home directory"):
        datasets.fetch("cifar10", None)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cifar10", "files/cifar-10-batches-py/test_batch"),
        ("mnist", "files/MNIST/raw/t10k-labels-idx1-ubyte"),
        ("dtd", "index.npz"),
    ],
)
def test_damage_is_found_before_use(name, file, downloaded, tmp_path):
    shutil.copytree(_installed.folder(downloaded, name), tmp_path / "datasets" / name)
    place = tmp_path / "datasets" / name / file
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match=r"damaged or missing.*download it again"):
        datasets.open_source(name, tmp_path)


def test_a_changed_image_is_left_out_by_name(downloaded, tmp_path):
    shutil.copytree(_installed.folder(downloaded, "flowers102"), tmp_path / "datasets" / "flowers102")
    file = next((tmp_path / "datasets" / "flowers102" / "files").rglob("*.jpg"))
    Image.new("RGB", (16, 16)).save(file)
    (skipped,) = datasets.load("flowers102", 8, home=tmp_path).skipped
    assert skipped.endswith(f"{file.name}: the file has changed since it was downloaded")


# Hostile files ------------------------------------------------------------------------------------------------------


class Hostile:
    def __reduce__(self):
        return Path.write_text, (Path("/tmp/never-written"), "code was run")


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"data": Hostile()}, 2),
        pickle.dumps({"data": np.array([Hostile()], dtype=object)}, 2),
        b"cos\nsystem\n(S'true'\ntR.",
        pickle.dumps([1], 2),
        b"",
        b"\x80\x02}q\x00(X",
    ],
)
def test_no_code_of_a_pickle_is_run(content):
    with pytest.raises(DatasetError, match="cannot be read"):
        unpickle_arrays(content)
    assert not Path("/tmp/never-written").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x0d\x01\0\0\0\x00", b"GIF89a" * 9]
)
def test_what_is_no_idx_file_is_refused(content, tmp_path):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DatasetError, match="not an idx file"):
        read_idx(tmp_path / "f")


def test_an_archive_cannot_reach_out_of_its_folder(stand_ins, tmp_path):
    from engine.datasets._unpack import unpack

    for n, name in enumerate(("../out.txt", "/tmp/never-written", "a/../../out.txt")):
        archive = tmp_path / f"{n}.tar.gz"
        archive.write_bytes(stand_ins.tar({name: b"x"}))
        with contextlib.suppress(DatasetError):  # refused, or put below the folder: both are harmless
            unpack(archive, "tar", tmp_path / "in" / str(n), lambda share: None)
        archive = tmp_path / f"{n}.zip"
        archive.write_bytes(stand_ins.zipped({name: b"x"}))
        unpack(archive, "zip", tmp_path / "in" / str(n), lambda share: None)
    outside = {file for file in tmp_path.rglob("*.txt") if "in" not in file.relative_to(tmp_path).parts}
    assert outside == set()
    assert not Path("/tmp/never-written").exists()


# The task -----------------------------------------------------------------------------------------------------------


def test_the_task_downloads_and_says_what_came(served, tmp_path):
    served("mnist")
    said: list[tuple[float, str]] = []
    result = run_here("download", {"dataset": "mnist"}, tmp_path, lambda *told: said.append(told))
    assert result == {"dataset": "mnist", "n_pool": 30, "n_test": 30, "n_classes": 10}
    assert any(phase.startswith("downloading mnist") for _, phase in said)
    # What needs no download is there already.
    assert run_here("download", {"dataset": "digits"}, tmp_path)["n_pool"] == 1007


def test_the_task_refuses_what_it_cannot_do(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        run_here("download", {"dataset": "cifar1"}, tmp_path)
    with pytest.raises(SpecError, match="'dataset': NAME"):
        run_here("download", {}, tmp_path)
