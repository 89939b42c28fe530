"""Images per second of ours and of the plain way (torchvision's ImageFolder and a DataLoader), side by side in one run.

    python tests/benchmarks/images.py [--data FOLDER] [--images N] [--pairs N]

Three things that every run does: decoding everything once, a pass over the images once more, and a frozen pass that gives
the features of every unit of three backbones. The plain way decodes at every pass; it is measured with no worker and with
the best number of workers that a short search finds. Both sides get the same files, side, interpolation, crop, batches and
threads, and must give the same images (to one step of 255) and the same features (to 0.1 % of their size), or no ratio is
printed. FOLDER holds one folder per class; without it, photographs of 448 x 448 pixels are made up. Workers that a
DataLoader starts are counted where a first pass is measured, and kept alive between the passes of the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import torch
from _pairs import alternate, report
from PIL import Image
from torchvision import datasets as torchvision_datasets
from torchvision import transforms

from engine import backbones, datasets, device, features
from engine.backbones import Card
from engine.backbones._network import Network
from engine.batches import Pixels
from engine.control import Control
from engine.datasets import _load
from engine.datasets._decode import Sizing

BATCH = 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FROZEN = (("resnet20_cifar10", None, 1.0), ("timm:resnet18", 64, 0.5), ("timm:vit_tiny_patch16_224", None, 0.06))
"""Backbone, side (None: its own) and the share of the images that its pass is measured on."""


def make_up(folder: Path, n: int, suffix: str) -> None:
    """`n` photographs of 448 x 448 pixels, in four classes; JPEG (.jpg), or PNG where both sides must see the same pixels."""
    for place in range(n):
        draws = np.random.default_rng(place)
        small = Image.fromarray(draws.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(small.resize((448, 448), Image.Resampling.BICUBIC))
        grain = draws.normal(0, 8, (448, 448, 1))
        file = folder / "abcd"[place % 4] / f"{place:05d}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(file, quality=90)


def some_of(data: Path, folder: Path, n: int) -> None:
    """Links to `n` images of a folder, evenly from its classes (of its train part, where it has parts)."""
    root = data / "train" if (data / "train").is_dir() else data
    classes = sorted(entry for entry in root.iterdir() if entry.is_dir())
    for one in classes:
        files = sorted(file for file in one.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
        (folder / one.name).mkdir(parents=True)
        for file in files[: -(-n // len(classes))]:
            os.link(file, folder / one.name / file.name)


class Plain:
    """The plain way: one DataLoader over an ImageFolder with the usual transforms."""

    def __init__(self, folder: Path, sizing: Sizing, card: Card | None, workers: int) -> None:
        steps = [
            transforms.Resize(sizing.before_crop, transforms.InterpolationMode(sizing.interpolation)),
            transforms.CenterCrop(sizing.side),
            transforms.ToTensor(),
            transforms.Normalize(card.mean if card else MEAN, card.std if card else STD),
        ]
        self.files = torchvision_datasets.ImageFolder(str(folder), transforms.Compose(steps))
        self.loader = torch.utils.data.DataLoader(
            self.files, BATCH, num_workers=workers, persistent_workers=workers > 0
        )

    def batches(self) -> Iterator[torch.Tensor]:
        for images, _ in self.loader:
            yield images


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def drain(batches: Iterator) -> None:
    for _ in batches:
        pass


def best_workers(folder: Path, sizing: Sizing, card: Card | None = None) -> int:
    """The number of workers with the fastest second pass, of 1, 2 and one for each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    took = {}
    for workers in sorted({1, min(2, cores), cores}):
        plain = Plain(folder, sizing, card, workers)
        drain(plain.batches())
        took[workers] = min(timed(lambda plain=plain: drain(plain.batches())) for _ in range(2))
    print(f"  workers: {', '.join(f'{n} took {seconds:.2f} s' for n, seconds in took.items())}")
    return min(took, key=took.get)


def rate(title: str, measured: list[tuple[float, float]], n_images: int) -> None:
    ratio = report(title, measured)
    ours, theirs = (np.median(side) for side in zip(*measured, strict=True))
    memory = psutil.Process().memory_info().rss / 1e6
    print(
        f"  -> ours {n_images / ours:,.0f} images/s, plain {n_images / theirs:,.0f} images/s, {ratio:.2f} times;"
        f" this process holds {memory:,.0f} MB\n",
        flush=True,
    )


def same_images(mine: np.ndarray, plain: Plain) -> None:
    """The gate of decoding: the same files in the same order give the same images, to one step of 255."""
    scale = torch.tensor(STD), torch.tensor(MEAN)
    theirs = torch.cat(list(plain.batches())).permute(0, 2, 3, 1) * scale[0] + scale[1]
    difference = np.abs(mine - theirs.numpy() * 255)
    print(f"  gate: images differ by {difference.mean():.4f} of 255 in the mean, {difference.max():.1f} at most")
    if difference.mean() > 1.0:
        sys.exit("The two sides do not decode to the same images: no ratio is worth anything.")


def decoding(folder: Path, home: Path, side: int, pairs: int) -> None:
    """A first pass, and a pass once the images are decoded."""
    name, sizing = f"folder:{folder}", Sizing(side, "bilinear")
    n_images = len(Plain(folder, sizing, None, 0).files)
    tuned = best_workers(folder, sizing)
    source = datasets.open_source(name)
    mine = _load.in_memory(source, sizing, None)
    same_images(mine.pixels, Plain(folder, sizing, None, 0))
    kept = datasets.load(name, side, "bilinear", home)
    pixels = Pixels.on(torch.device("cpu"), kept.pixels, kept.labels, MEAN, STD)
    everything = np.arange(n_images)
    for workers in dict.fromkeys((0, tuned)):
        words = f"{workers} workers" + (" (the best)" if workers == tuned else "")
        measured = alternate(
            lambda: timed(lambda: _load.in_memory(datasets.open_source(name), sizing, None)),
            lambda workers=workers: timed(lambda: drain(Plain(folder, sizing, None, workers).batches())),
            pairs,
        )
        rate(f"first pass at {side}x{side}, plain with {words}", measured, n_images)
        plain = Plain(folder, sizing, None, workers)
        drain(plain.batches())
        measured = alternate(
            lambda: timed(lambda: drain(pixels.in_order(everything, BATCH))),
            lambda plain=plain: timed(lambda: drain(plain.batches())),
            pairs,
        )
        kind = "the mapped cache" if kept.mapped else "memory"
        rate(f"pass once more at {side}x{side} from {kind}, plain with {words}", measured, n_images)


def frozen(folder: Path, home: Path, name: str, side: int | None, pairs: int) -> None:
    """Features of every unit for all images."""
    card = backbones.card(name, home)
    sizing = Sizing(**{**card.sizing, "side": side or card.input_size[1]})
    torch.manual_seed(0)
    network = backbones.family_of(name).build(name).eval().to(memory_format=torch.channels_last)
    kept = datasets.load(f"folder:{folder}", home=home, **dataclasses.asdict(sizing))
    pixels = Pixels.on(torch.device("cpu"), kept.pixels, kept.labels, card.mean, card.std)
    everything = np.arange(len(kept.labels))
    tuned = best_workers(folder, sizing, card)

    def ours() -> list[np.ndarray | None]:
        return features.extract(network, pixels, everything, BATCH, Control()).units

    def plainly(plain: Plain) -> list[np.ndarray]:
        return plain_features(network, plain)

    gate(ours(), plainly(Plain(folder, sizing, card, 0)))
    for workers in dict.fromkeys((0, tuned)):
        plain = Plain(folder, sizing, card, workers)
        drain(plain.batches())
        measured = alternate(lambda: timed(ours), lambda plain=plain: timed(lambda: plainly(plain)), pairs)
        words = f"{workers} workers" + (" (the best)" if workers == tuned else "")
        rate(f"frozen pass of {name} at {sizing.side}x{sizing.side}, plain with {words}", measured, len(everything))


def plain_features(network: Network, plain: Plain) -> list[np.ndarray]:
    """The same features of the same network, from batches of the DataLoader."""
    taken: list[list[np.ndarray]] = [[] for _ in range(network.n_units)]
    with torch.inference_mode():
        for images in plain.batches():
            for unit, found in enumerate(network.features(images.to(memory_format=torch.channels_last))):
                if found is not None:
                    taken[unit].append(found.double().numpy())
    return [np.concatenate(parts) for parts in taken if parts]


def gate(ours: list[np.ndarray | None], theirs: list[np.ndarray]) -> None:
    """Features of every unit agree."""
    worst = 0.0
    for one, two in zip([one for one in ours if one is not None], theirs, strict=True):
        worst = max(worst, float(np.linalg.norm(one - two) / np.linalg.norm(two)))
    print(f"  gate: features of {len(theirs)} units differ by {worst:.2e} of their size at most")
    if worst > 1e-3:
        sys.exit("The two sides do not give the same features: no ratio is worth anything.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=4_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--part", choices=["all", "decoding", "frozen"], default="all")
    args = parser.parse_args()
    chosen = device.cpu()
    device.prepare(chosen)
    print(f"{chosen.description}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    _load.MAPPED_FROM = 1  # the cache on disk is what is measured, however few images
    # Links must not cross file systems, so the images are taken beside the data.
    with tempfile.TemporaryDirectory(dir=args.data.parent if args.data else None) as made:
        home = Path(made) / "home"
        home.mkdir()

        def folder(n: int, suffix: str) -> Path:
            to = Path(made) / f"images{n}{suffix}"
            if not to.exists():
                some_of(args.data, to, n) if args.data else make_up(to, n, suffix)
            return to

        if args.part != "frozen":
            side = 32 if args.data else 224
            print(f"Decoding: {args.images:,} images of {args.data or 'made-up photographs'}")
            decoding(folder(args.images, ".jpg"), home, side, args.pairs)
        if args.part != "decoding":
            for name, side, share in FROZEN:
                print(f"Frozen pass of {name}")
                frozen(folder(max(64, int(share * args.images)), ".png"), home, name, side, args.pairs)


if __name__ == "__main__":
    main()
