"""`python -m engine backbones`, `weights` and `describe`: what there is, getting one, and looking at its units."""

from __future__ import annotations

import argparse
import json

from engine import backbones, text_towers
from engine import home as homes
from engine.backbones import Card, Entry, in_words


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `backbones`."""
    parser.add_argument("search", nargs="*", help="words of a name, family, source data or licence; none: all")
    parser.add_argument("--limit", type=int, default=40, help="how many are shown at most (default 40; 0: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object per backbone")


def describe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `describe`."""
    parser.add_argument("backbone")
    parser.add_argument("--json", action="store_true", help="the whole card")


def weights_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `weights`."""
    parser.add_argument("backbone", help="its name, see `backbones`")
    parser.add_argument("--text", action="store_true", help="also the text tower of an image-text model, for zero-shot")


def show(args: argparse.Namespace) -> int:
    """List backbones; 1 where nothing is found. Raises BackboneError."""
    entries = backbones.catalogue(homes.resolve(args.home))
    found = backbones.search(" ".join(args.search), entries)
    shown = found[: args.limit] if args.limit > 0 else found
    if args.json:
        for entry in shown:
            print(json.dumps(entry.to_dict()))
        return 0 if found else 1
    for entry in shown:
        print(_line(entry))
    print(f"{len(shown)} of {len(found)} found, of {len(entries)}." if found else "Nothing is named like this.")
    return 0 if found else 1


def _line(entry: Entry) -> str:
    count = f"{entry.parameters / 1e6:,.1f} M" if entry.parameters is not None else "—"
    size = in_words(entry.download_bytes) if entry.download_bytes else "—"
    where = "on disk" if entry.on_disk else f"hub, {size}" if entry.weights == "hub" else "no weights"
    return (
        f"{entry.name:<52} {entry.family:<20} {count:>9}  {entry.input_size[1]:>4} px  {where:<14}"
        f" {entry.source_data or '—'} · {entry.licence or 'licence not stated'}{' · text tower' * entry.text_tower}"
    )


def describe(args: argparse.Namespace) -> int:
    """Show a backbone's card. Raises UnknownNameError or BackboneError."""
    from engine.backbones._describe import describe

    card = describe(args.backbone)
    if args.json:
        print(card.to_json())
        return 0
    print(f"{card.label}: {card.summary}\n{card.n_units} units, {card.parameters:,} parameters; {card.source}")
    print(preprocessing_words(card))
    print(weights_words(card))
    if tower := text_towers.tower_of(card):
        print(text_towers.words(card, tower))
    for place, unit in enumerate(card.units, start=1):
        print(
            f"{place:>3}  {unit.name:<24} {unit.parameters:>12,} parameters {unit.flops / 1e6:>10,.1f} MFLOPs"
            f" {unit.n_features:>6} features"
        )
    for note in card.notes:
        print(f"Note: {note}")
    return 0


CUTS = {
    "center": "the centre {share:.1%} of the shorter side",
    "squash": "squashed to a square, of which the centre {share:.1%}",
    "border": "shrunk to fit with a border, of which the centre {share:.1%}",
}


def preprocessing_words(card: Card) -> str:
    """How images reach the network."""
    _, height, width = card.input_size
    return (
        f"Images: {height}x{width} pixels, {card.interpolation}, {CUTS[card.crop_mode].format(share=card.crop_fraction)};"
        f" mean {', '.join(map(str, card.mean))}, standard deviation {', '.join(map(str, card.std))}."
    )


def weights_words(card: Card) -> str:
    """Where pretrained weights come from, how large they are, and under which licence."""
    if not card.weights:
        return "Pretrained weights: none are known by this name; use 'file:PATH' or 'random'."
    repository = card.weights.removeprefix("hub:")
    if not card.weights.startswith("hub:"):
        where = "shipped"
    elif backbones.cached(repository):
        where = f"{repository}, on this machine"
    else:
        where = f"{repository}, about {in_words(card.weights_bytes)} to download"
    data = card.source_data or "source data not stated"
    return f"Pretrained weights: {where}; {data}; licence: {card.licence or 'not stated'}."


def weights(args: argparse.Namespace) -> int:
    """Download pretrained weights in this process, with size and licence first. Raises TransferscopeError."""
    from engine.follow_task import do_here

    home = homes.resolve(args.home)
    name = backbones.canonical(args.backbone)
    card = backbones.card(name, home)
    print(weights_words(card), flush=True)
    if args.text:
        print(text_towers.words(card, text_towers.needed(card)), flush=True)
    result = do_here("weights", {"backbone": name} | ({"text": True} if args.text else {}), home)
    print(f"{name} is ready: {result['weights']}")
    if args.text:
        print(f"Its text tower is ready: {result['text']}")
    return 0
