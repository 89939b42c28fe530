"""`python -m engine pretrain`: a shipped backbone made anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `pretrain`."""
    parser.add_argument("backbone")
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="a folder of images, train/<class>/* and test/<class>/*"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: assets/backbones)")
    parser.add_argument("--device", help="torch's name of a device; default: the best there is")


def run(args: argparse.Namespace) -> int:
    """Train it from scratch with its recorded recipe and write its weights."""
    from engine import device, pretrain
    from engine.backbones._base import ASSETS
    from engine.events import EpochEnded, Started, Tested

    stages = pretrain.recipe(args.backbone, f"folder:{args.data}")
    chosen = device.choose(args.device)
    device.prepare(chosen)

    def say(event: Any) -> None:
        if isinstance(event, Started):
            print(f"a stage begins, from weights: {event.weights}", flush=True)
        if isinstance(event, EpochEnded) and event.epoch:
            print(
                f"epoch {event.epoch:>3}  train loss {event.train_loss:.4f}"
                f"  validation accuracy {event.validation_accuracy:.4f}",
                flush=True,
            )
        if isinstance(event, Tested):
            print(f"test accuracy {event.accuracy:.4f} (n = {event.n_images:,})")

    card = pretrain.pretrain(stages, chosen, args.output or ASSETS / "backbones", say)
    print(f"Wrote {card.weights.removeprefix('assets:')}, sha256 {card.weights_sha256}")
    return 0
