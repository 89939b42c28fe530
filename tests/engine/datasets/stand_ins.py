"""Tiny datasets in the real formats, archived as the real ones are, and a local server that hands them out."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import hashlib
import http.server
import io
import json
import pickle
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from engine.datasets._known import Known, RemoteFile

Files = dict[str, bytes]


def _pixels(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes that are this name's own."""
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _image(name: str, kind: str, side: int = 16) -> bytes:
    out = io.BytesIO()
    Image.fromarray(_pixels(name, (side, side, 3))).save(out, kind)
    return out.getvalue()


def _stack(name: str, n_classes: int, each: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    labels = np.tile(np.arange(n_classes), each)
    return _pixels(name, (len(labels), *shape)), labels


def tar(files: Files, mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


def _cifar(facts: Known) -> Files:
    ten = facts.name == "cifar10"
    n = len(facts.class_names)
    folder, key = ("cifar-10-batches-py", "labels") if ten else ("cifar-100-python", "fine_labels")
    names = {f"class {place}": place for place in range(n)}
    files = {}
    for batch in [*([f"data_batch_{k}" for k in range(1, 6)] if ten else ["train"]), "test_batch" if ten else "test"]:
        data, labels = _stack(batch, n, 2, (3072,))
        files[f"{folder}/{batch}"] = pickle.dumps({"data": data, key: labels.tolist()}, protocol=2)
    meta = {"label_names" if ten else "fine_label_names": list(names)}
    files[f"{folder}/{'batches.meta' if ten else 'meta'}"] = pickle.dumps(meta, protocol=2)
    return {facts.files[0].name: tar(files)}


def _idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def _mnist(facts: Known) -> Files:
    files = {}
    for word in ("train", "t10k"):
        images, labels = _stack(facts.name + word, 10, 3, (28, 28))
        files[f"{word}-images-idx3-ubyte.gz"] = gzip.compress(_idx_bytes(images))
        files[f"{word}-labels-idx1-ubyte.gz"] = gzip.compress(_idx_bytes(labels))
    return files


def _emnist(facts: Known) -> Files:
    kind, inner = facts.name.removeprefix("emnist_"), {}
    for word in ("train", "test"):
        images, labels = _stack(facts.name + word, len(facts.class_names), 2, (28, 28))
        first = 1 if kind == "letters" else 0
        inner[f"gzip/emnist-{kind}-{word}-images-idx3-ubyte.gz"] = gzip.compress(_idx_bytes(images))
        inner[f"gzip/emnist-{kind}-{word}-labels-idx1-ubyte.gz"] = gzip.compress(_idx_bytes(labels + first))
    return {facts.files[0].name: zipped(inner | {"gzip/emnist-other-train-images-idx3-ubyte.gz": b"unused"})}


def _svhn(facts: Known) -> Files:
    import scipy.io

    files = {}
    for word in ("train", "test"):
        images, labels = _stack(word, 10, 3, (32, 32, 3))
        out = io.BytesIO()
        scipy.io.savemat(out, {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels)[:, None]})
        files[f"{word}_32x32.mat"] = out.getvalue()
    return files


def _stl10(facts: Known) -> Files:
    files: Files = {"stl10_binary/class_names.txt": "\n".join(facts.class_names).encode()}
    for word in ("train", "test"):
        images, labels = _stack(word, 10, 2, (3, 96, 96))
        files[f"stl10_binary/{word}_X.bin"] = images.tobytes()
        files[f"stl10_binary/{word}_y.bin"] = (labels + 1).astype(np.uint8).tobytes()
    return {facts.files[0].name: tar(files | {"stl10_binary/unlabeled_X.bin": b"not kept"})}


def _usps(facts: Known) -> Files:
    files = {}
    for name in ("usps.bz2", "usps.t.bz2"):
        images, labels = _stack(name, 10, 3, (256,))
        rows = (
            f"{label + 1} " + " ".join(f"{place}:{value / 127.5 - 1:.6f}" for place, value in enumerate(image, 1))
            for image, label in zip(images, labels, strict=True)
        )
        files[name] = bz2.compress(("\n".join(rows) + "\n").encode())
    return files


def _pcam(facts: Known) -> Files:
    import h5py

    files = {}
    for word in ("train", "valid", "test"):
        images, labels = _stack(word, 2, 3, (96, 96, 3))
        for kind, content in (("x", images), ("y", labels.reshape(-1, 1, 1, 1).astype(np.uint8))):
            out = io.BytesIO()
            with h5py.File(out, "w") as file:
                file[kind] = content
            files[f"camelyonpatch_level_2_split_{word}_{kind}.h5.gz"] = gzip.compress(out.getvalue())
    return files


def _class_folders(prefix: str, names: list[str], each: int, suffix: str, kind: str, form: str = "{n:04d}") -> Files:
    return {
        f"{prefix}/{name}/{form.format(n=n, label=label)}{suffix}": _image(f"{prefix}/{name}/{n}", kind)
        for label, name in enumerate(names, 1)
        for n in range(1, each + 1)
    }


def _eurosat(facts: Known) -> Files:
    return {"EuroSAT.zip": zipped(_class_folders("2750", list(facts.class_names), 5, ".jpg", "JPEG"))}


def _country211(facts: Known) -> Files:
    parts = (
        _class_folders(f"country211/{part}", ["AD", "AE", "ZW"], 3, ".jpg", "JPEG")
        for part in ("train", "valid", "test")
    )
    return {"country211.tgz": tar({name: content for part in parts for name, content in part.items()})}


def _imagenette(facts: Known) -> Files:
    ids = "n01440764 n02102040 n02979186 n03000684 n03028079 n03394916 n03417042 n03425413 n03445777 n03888257".split()
    parts = (_class_folders(f"imagenette2-320/{part}", ids, 2, ".JPEG", "JPEG") for part in ("train", "val"))
    return {"imagenette2-320.tgz": tar({name: content for part in parts for name, content in part.items()})}


def _caltech101(facts: Known) -> Files:
    names = ["BACKGROUND_Google", "Faces", "accordion", "wrench"]
    images = _class_folders("101_ObjectCategories", names, 5, ".jpg", "JPEG", "image_{n:04d}")
    inner = {"caltech-101/101_ObjectCategories.tar.gz": tar(images), "caltech-101/Annotations.tar": b"unused"}
    return {"caltech-101.zip": zipped(inner)}


def _caltech256(facts: Known) -> Files:
    names = ["001.ak47", "002.american-flag", "003.backpack"]
    images = _class_folders("256_ObjectCategories", names, 5, ".jpg", "JPEG", "{label:03d}_{n:04d}")
    return {"256_ObjectCategories.tar": tar(images | {"256_ObjectCategories/001.ak47/RENAME2": b"x"}, "w")}


def _omniglot(facts: Known) -> Files:
    files = {}
    for part, alphabets in (("images_background", ["Greek", "Latin"]), ("images_evaluation", ["Oriya"])):
        images: Files = {}
        for alphabet in alphabets:
            images |= _class_folders(f"{part}/{alphabet}", ["character01", "character02"], 4, ".png", "PNG")
        files[f"{part}.zip"] = zipped(images)
    return files


def _gtsrb(facts: Known) -> Files:
    training = {
        f"GTSRB/Training/{label:05d}/{sign:05d}_{n:05d}.ppm": _image(f"{label}/{sign}/{n}", "PPM")
        for label in range(43)
        for sign in range(3)
        for n in range(2)
    }
    test = {f"GTSRB/Final_Test/Images/{n:05d}.ppm": _image(f"test {n}", "PPM") for n in range(43)}
    rows = "".join(f"{n:05d}.ppm;16;16;1;1;15;15;{n}\n" for n in range(43))
    listed = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + rows
    contents = [training, test, {"GT-final_test.csv": listed.encode()}]
    return {file.name: zipped(one) for file, one in zip(facts.files, contents, strict=True)}


def _flowers(facts: Known) -> Files:
    import scipy.io

    ids = np.arange(1, 1 + 4 * 102).reshape(4, 102)  # two rows of training ids, one to validate, one to test
    labels = np.tile(np.arange(1, 103), 4)
    images = {f"jpg/image_{n:05d}.jpg": _image(f"flower {n}", "JPEG") for n in ids.ravel()}
    files = {"102flowers.tgz": tar(images)}
    sets = {"trnid": ids[:2].reshape(1, -1), "valid": ids[2:3], "tstid": ids[3:]}
    for name, content in (("imagelabels.mat", {"labels": labels[None]}), ("setid.mat", sets)):
        out = io.BytesIO()
        scipy.io.savemat(out, content)
        files[name] = out.getvalue()
    return files


def _pets(facts: Known) -> Files:
    breeds = ["Abyssinian", "american_bulldog", "Maine_Coon"]
    images = {f"images/{breed}_{n}.jpg": _image(f"{breed}{n}", "JPEG") for breed in breeds for n in range(1, 6)}

    def listed(*numbers: int) -> bytes:
        return "".join(
            f"{b}_{n} {k} {2 if k == 2 else 1} 1\n" for k, b in enumerate(breeds, 1) for n in numbers
        ).encode()

    lists = {"annotations/trainval.txt": listed(1, 2, 3), "annotations/test.txt": listed(4, 5)}
    trimaps = {"annotations/trimaps/x.png": b"not kept"}
    return {"images.tar.gz": tar(images), "annotations.tar.gz": tar(lists | trimaps)}


def _food101(facts: Known) -> Files:
    dishes = ["apple_pie", "waffles"]
    images = {f"food-101/images/{dish}/{n}.jpg": _image(f"{dish}{n}", "JPEG") for dish in dishes for n in range(5)}
    lists = {
        f"food-101/meta/{part}.json": json.dumps({dish: [f"{dish}/{n}" for n in numbers] for dish in dishes}).encode()
        for part, numbers in (("train", (0, 1, 2)), ("test", (3, 4)))
    }
    return {"food-101.tar.gz": tar(images | lists)}


def _aircraft(facts: Known) -> Files:
    variants, root = ["707-320", "Cessna 172", "A380"], "fgvc-aircraft-2013b/data"
    files: Files = {f"{root}/variants.txt": "\n".join(variants).encode()}
    for start, part in ((0, "train"), (20, "val"), (40, "test")):
        rows = [(f"{start + k * 2 + n:07d}", one) for k, one in enumerate(variants) for n in range(2)]
        files[f"{root}/images_variant_{part}.txt"] = "\n".join(" ".join(row) for row in rows).encode()
        files |= {f"{root}/images/{image}.jpg": _image(image, "JPEG") for image, _ in rows}
    return {facts.files[0].name: tar(files)}


def _dtd(facts: Known) -> Files:
    names = ["banded", "woven"]
    files = {f"dtd/images/{name}/{name}_{n:04d}.jpg": _image(f"{name}{n}", "JPEG") for name in names for n in range(6)}
    for part, numbers in (("train", (0, 1)), ("val", (2, 3)), ("test", (4, 5))):
        rows = (f"{name}/{name}_{n:04d}.jpg" for name in names for n in numbers)
        files[f"dtd/labels/{part}1.txt"] = "\n".join(rows).encode()
    return {facts.files[0].name: tar(files)}


def _sun397(facts: Known) -> Files:
    names = ["/a/abbey", "/a/apartment_building/outdoor", "/z/zoo"]
    files = {f"SUN397{name}/sun_{n:04d}.jpg": _image(f"{name}{n}", "JPEG") for name in names for n in range(4)}
    return {"SUN397.tar.gz": tar(files | {"SUN397/ClassName.txt": "\n".join(names).encode()})}


MAKERS: dict[str, Callable[[Known], Files]] = {
    "cifar": _cifar, "idx": _mnist, "emnist": _emnist, "svhn": _svhn, "stl10": _stl10, "usps": _usps, "pcam": _pcam,
    "eurosat": _eurosat, "country211": _country211, "imagenette": _imagenette, "caltech101": _caltech101,
    "caltech256": _caltech256, "omniglot": _omniglot, "gtsrb": _gtsrb, "flowers102": _flowers, "pets": _pets,
    "food101": _food101, "aircraft": _aircraft, "dtd": _dtd, "sun397": _sun397,
}  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    """Hands out bytes by path; can break off, be silent, or refuse."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: Files = {}
        self.cut_after: dict[str, list[int]] = {}
        """Path -> after how many bytes each of the next answers breaks off."""
        self.silent_after: dict[str, int] = {}
        self.ranges = True
        self.asked: list[tuple[str, str]] = []
        """(path, Range header) of every request."""
        self.released = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that has gone is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
        self.server.asked.append((path, wanted))
        if path not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[path]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
        self.end_headers()
        cuts = self.server.cut_after.get(path, [])
        end = start + cuts.pop(0) if cuts else self.server.silent_after.get(path, len(content))
        self.wfile.write(content[start:end])
        if path in self.server.silent_after:
            self.wfile.flush()
            self.server.released.wait(20)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of this machine."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def served(facts: Known, server: Server) -> Known:
    """The same dataset, tiny, from the server: its formats, its archives, its layout; other bytes and checksums."""
    contents = MAKERS[facts.format](facts)
    files = []
    for file in facts.files:
        name = file.name if file.name in contents else file.urls[0].rpartition("/")[2]
        path = f"{facts.name}/{name}"
        server.files[path] = contents[name]
        files.append(
            dataclasses.replace(
                file,
                urls=(server.url(path),),
                md5=hashlib.md5(contents[name]).hexdigest() if file.md5 else "",
                bytes=len(contents[name]),
            )
        )
    return dataclasses.replace(facts, files=tuple(files))


__all__ = ["MAKERS", "Files", "RemoteFile", "Server", "served", "serving", "tar", "zipped"]
