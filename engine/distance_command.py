"""`python -m engine distance`: how far a target's images are from the source's, in the features of a frozen backbone."""

from __future__ import annotations

import argparse
import json

from engine import distance_words


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `distance`."""
    parser.add_argument("backbone")
    parser.add_argument("dataset", help="the target")
    parser.add_argument(
        "source", nargs="?", default="",
        help="a dataset with the source task's images: cifar10, folder:PATH, ... (default: the card's, where it is installed)",
    )  # fmt: skip
    parser.add_argument("--images", type=int, default=1_000, help="of each, at most (default: 1000)")
    parser.add_argument("--weights", default="pretrained", help="pretrained, random, file:PATH or run:RUN_ID")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (default: 0)")
    parser.add_argument("--json", action="store_true", help="every distance, as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure in this process and print. Raises TransferscopeError."""
    from engine import home as homes
    from engine.follow_task import do_here

    keys = ("backbone", "dataset", "source", "images", "weights", "seed")
    found = do_here(distance_words.KIND, {key: getattr(args, key) for key in keys}, homes.resolve(args.home))
    print(json.dumps(found) if args.json else distance_words.sentence(found))
    return 0
