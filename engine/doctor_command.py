"""`python -m engine doctor`: a dataset looked over before training."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `doctor`."""
    parser.add_argument("dataset", help="its name, or folder:PATH")
    parser.add_argument("--backbone", metavar="NAME", help="compare with its input size and source data")
    parser.add_argument("--limit", type=_positive, metavar="N", help="images looked at, at most (default: 100,000)")
    parser.add_argument("--json", action="store_true", help="the whole report")


def run(args: argparse.Namespace) -> int:
    """Print what the data doctor finds."""
    from engine import doctor, home, service
    from engine.follow import telling

    name, place = service.absolute(args.dataset), home.resolve(args.home)
    with telling() as tell:
        report = doctor.examine(name, place, args.backbone, limit=args.limit or doctor.LIMIT, tell=tell)
    print(report.to_json() if args.json else doctor.as_text(report))
    return 0


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
