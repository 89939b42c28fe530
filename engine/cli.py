"""The command line: the same engine without a browser."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import (
    advise_command,
    backbone_commands,
    cost,
    dataset_commands,
    distance_command,
    layers_command,
    table_command,
)
from engine.errors import SpecError, TransferscopeError, UnknownNameError
from engine.frames import NAMES as FRAMES
from engine.imports import command as imports
from engine.spec import ExperimentSpec

FORMATS = ("csv", "json", "parquet")


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns 0 when it did what was asked, 1 when a run failed, 2 on a mistake in the request."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except TransferscopeError as error:
        print(f"transferscope: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped looking; the runs go on. See them with: python -m engine runs", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; what is still buffered must not raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="Compare transfer-learning strategies on images."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    def with_home(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added.add_argument(
            "--home", metavar="DIR", help="where results are kept (default: TRANSFERSCOPE_HOME or user data)"
        )
        return added

    def with_spec(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
        which = added.add_mutually_exclusive_group(required=True)
        which.add_argument("spec", nargs="?", help="a .toml or .json file")
        which.add_argument("--preset", metavar="NAME", help="a preset, see `presets`")
        added.add_argument(
            "--source-data", metavar="NAME",
            help="images of the task that the backbones learned from, for EWC and for what is forgotten of it: folder:PATH, or"
            " a dataset that is on this machine",
        )  # fmt: skip
        return with_home(added)

    command("presets", _presets, "List experiments that are ready to run.").add_argument(
        "--toml", metavar="NAME", help="print one as TOML, to start your own from"
    )
    with_spec(command("plan", _plan, "Show the runs of an experiment and what they will cost, without running them."))
    added = with_spec(command("run", _run, "Queue an experiment for a background worker."))
    added.add_argument("--follow", action="store_true", help="show progress until all runs have ended")
    added.add_argument("--again", action="store_true", help="compute runs anew that were computed before")
    added = with_home(command("runs", _runs, "List runs."))
    added.add_argument("experiment", nargs="?", help="id, beginning of an id, or name")
    added.add_argument("--json", action="store_true", help="one JSON object per run")
    for name, function, text in (
        ("cancel", _cancel, "Stop a run, or all runs of an experiment; what they learned is kept."),
        ("resume", _resume, "Go on with stopped or interrupted runs, from their last checkpoint."),
    ):
        added = with_home(command(name, function, text))
        added.add_argument("id", help="id (or its beginning) of a run or an experiment, or an experiment's name")
    added = with_home(command("export", _export, "Write a frame of an experiment to a file or to standard output."))
    added.add_argument("experiment", help="id, beginning of an id, or name")
    added.add_argument("--frame", required=True, metavar="NAME", help=f"one of: {', '.join(FRAMES)}")
    added.add_argument("--format", choices=FORMATS, default="csv")
    added.add_argument(
        "--output", type=Path, metavar="FILE", help="default: standard output (parquet needs a file there)"
    )
    table_command.arguments(
        with_home(command("table", table_command.run, "Print an experiment: a row for each strategy, by backbone."))
    )
    added = command(
        "datasets", dataset_commands.show, "List datasets: size, licence, and whether they are on this machine."
    )
    dataset_commands.list_arguments(with_home(added))
    added = command("fetch", dataset_commands.fetch, "Download a dataset; runs that need one do so by themselves.")
    dataset_commands.fetch_arguments(with_home(added))
    imports.arguments(with_home(command("import", imports.run, "Import your own images: a folder, a zip or a table.")))
    backbone_commands.list_arguments(
        with_home(command("backbones", backbone_commands.show, "Search backbones: the shipped ones and all of timm."))
    )
    added = command("weights", backbone_commands.weights, "Download pretrained weights; runs do so by themselves.")
    backbone_commands.weights_arguments(with_home(added))
    layers_command.arguments(
        with_home(
            command("layers", layers_command.run, "Score every unit of a backbone on a dataset, without training.")
        )
    )
    layers_command.similarity_arguments(
        with_home(command("similarity", layers_command.run_similarity, "Compare every unit of two backbones by CKA."))
    )
    advise_command.arguments(
        with_home(
            command(
                "advise", advise_command.run, "Advise on a strategy and depth before training, with its record here."
            )
        )
    )
    distance_command.arguments(
        with_home(
            command("distance", distance_command.run, "Measure how far a dataset is from a backbone's source data.")
        )
    )
    added = command("describe", backbone_commands.describe, "Show the units of a backbone and what each costs.")
    backbone_commands.describe_arguments(added)
    added = with_home(command("doctor", _doctor, "Look a dataset over before training: duplicates, leaks, odd files."))
    added.add_argument("dataset", help="its name, or folder:PATH")
    added.add_argument("--backbone", metavar="NAME", help="compare with its input size and source data")
    added.add_argument("--limit", type=_positive, metavar="N", help="images looked at, at most (default: 100,000)")
    added.add_argument("--json", action="store_true", help="the whole report")
    added = command(
        "pretrain", _pretrain, "Make a shipped backbone anew: train it from scratch with its recorded recipe."
    )
    added.add_argument("backbone")
    added.add_argument(
        "--data", required=True, metavar="DIR", help="a folder of images, train/<class>/* and test/<class>/*"
    )
    added.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: assets/backbones)")
    added.add_argument("--device", help="torch's name of a device; default: the best there is")
    return parser


def _spec(args: argparse.Namespace) -> ExperimentSpec:
    from engine.presets import PRESETS
    from engine.service import with_source_data

    spec = PRESETS[args.preset].spec if args.preset else ExperimentSpec.from_file(args.spec)
    return with_source_data(spec, args.source_data) if args.source_data else spec


def _presets(args: argparse.Namespace) -> int:
    from engine.presets import PRESETS

    if args.toml:
        print(PRESETS[args.toml].spec.to_toml(), end="")
        return 0
    for preset in PRESETS:
        print(f"{preset.name:<14} {preset.label}\n{'':<14} {preset.question}")
    return 0


def _plan(args: argparse.Namespace) -> int:
    from engine import recipes, search, service
    from engine.cautions import cautions
    from engine.left_out import left_out, left_out_words
    from engine.plan import plan

    store, spec = service.open_store(args.home), service.located(_spec(args))
    planned = plan(spec, home=store.home)
    for one in planned:
        run = one.run
        labels = "all" if run.label_budget is None else run.label_budget
        print(
            f"{run.run_id}  {run.backbone}  {run.dataset}  {run.strategy:<20} frozen {run.frozen_depth:>2} of"
            f" {one.card.n_units}  labels {labels:>5}  seed {run.seed}"
        )
    ahead = service.price(store, planned)
    low, high = ahead.trainable_parameters
    basis = "from this machine's measured speed" if ahead.measured else "rough: no worker has measured this machine yet"
    print(
        f"\n{ahead.runs} runs, about {ahead.seconds:,.0f} s ({basis}), {ahead.memory_bytes / 1e9:.1f} GB of memory;"
        f" {ahead.total_parameters:,} parameters, {low:,} to {high:,} of them trained"
    )
    if ahead.interval_seconds:
        print(f"Of that about {ahead.interval_seconds:,.0f} s for {spec.score_intervals} resamples of every score")
    for card in {one.card.name: one.card for one in planned if one.run.weights == "pretrained"}.values():
        if card.weights.startswith("hub:"):
            print(f"{card.label}: {backbone_commands.weights_words(card)}")
    for found in cost.beside(planned):
        print(found.words)
    for label, info in cost.downloads(planned).items():
        print(f"The first run downloads {label}: {info.download_bytes / 1e6:,.0f} MB, once; licence: {info.licence}")
    print("\n".join(recipes.summary(one.run for one in planned)))
    for sentence in left_out_words(left_out(spec, home=store.home)):
        print(sentence)
    if spec.search:
        epochs = {one.run.train.epochs for one in planned}
        words = search.words(spec.search, epochs.pop() if len(epochs) == 1 else None, spec.panel_epochs)
        print(f"Search ({spec.search['method']}): {words}")
    for sentence in cautions(planned):
        print(f"Careful: {sentence}")
    return 0


def _run(args: argparse.Namespace) -> int:
    from engine import service
    from engine.follow import follow
    from engine.left_out import left_out, left_out_words

    store, spec = service.open_store(args.home), _spec(args)
    submission = service.queue(store, spec, again=args.again)
    for sentence in left_out_words(left_out(service.located(spec), home=store.home)):
        print(sentence)
    reused = len(submission.reused)
    note = f", {reused} computed before and reused (--again computes them anew)" if reused and not args.again else ""
    print(f"Experiment {submission.experiment_id}: {len(submission.queued)} runs queued{note}. Home: {store.home}")
    if not args.follow:
        print(f"Follow it: python -m engine run ... --follow, or: python -m engine runs {submission.experiment_id}")
        return 0
    return follow(store, submission.experiment_id)


def _runs(args: argparse.Namespace) -> int:
    from engine import service
    from engine.frames import Frames
    from engine.launch import supervise

    store = service.open_store(args.home)
    supervise(store)
    frame = Frames(store).frame("runs", store.experiment(args.experiment) if args.experiment else None)
    if args.json:
        for row in json.loads(frame.to_json(orient="records", date_format="iso")):
            print(json.dumps(row))
        return 0
    if frame.empty:
        print("No runs yet. Start some: python -m engine run --preset quick --follow")
    for row in frame.itertuples():
        tested = f"test {row.test_accuracy:.3f}" if row.test_accuracy == row.test_accuracy else f"{row.progress:>9.0%}"
        print(
            f"{row.run_id}  {row.state:<11} {tested}  {row.backbone}  {row.dataset}  {row.strategy:<20}"
            f" frozen {row.frozen_depth:>2} of {row.n_units}  seed {row.seed}  {row.message}".rstrip()
        )
    return 0


def _cancel(args: argparse.Namespace) -> int:
    return _each(args, "stop", lambda store, ids: store.cancel(ids))


def _resume(args: argparse.Namespace) -> int:
    return _each(args, "resume", lambda store, ids: store.resume(ids))


def _each(args: argparse.Namespace, verb: str, act: Callable[[Any, list[str]], None]) -> int:
    from engine import service
    from engine.launch import supervise

    store = service.open_store(args.home)
    ids = store.find_runs(args.id)
    act(store, ids)
    supervise(store)
    print(f"Asked {len(ids)} run{'s' if len(ids) != 1 else ''} to {verb}.")
    return 0


def _export(args: argparse.Namespace) -> int:
    from engine import service
    from engine.frames import Frames

    if args.frame not in FRAMES:
        raise UnknownNameError("frame", args.frame, FRAMES)
    store = service.open_store(args.home)
    frame = Frames(store).frame(args.frame, store.experiment(args.experiment))
    if args.format == "parquet" and args.output is None and sys.stdout.isatty():
        raise SpecError("Parquet is binary and this is a terminal; give --output FILE.")
    try:
        _write(frame, args.format, args.output)
    except OSError as error:
        if args.output is None:
            raise
        raise TransferscopeError(f"{args.output} cannot be written: {error.strerror or error}.") from error
    return 0


def _write(frame: Any, form: str, output: Path | None) -> None:
    if form == "parquet":
        frame.to_parquet(output if output else sys.stdout.buffer, index=False)
        return
    from engine.frames import to_csv

    text = to_csv(frame) if form == "csv" else frame.to_json(orient="records", date_format="iso", indent=1) + "\n"
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _doctor(args: argparse.Namespace) -> int:
    from engine import doctor, home, service
    from engine.follow import telling

    name, place = service.absolute(args.dataset), home.resolve(args.home)
    with telling() as tell:
        report = doctor.examine(name, place, args.backbone, limit=args.limit or doctor.LIMIT, tell=tell)
    print(report.to_json() if args.json else doctor.as_text(report))
    return 0


def _pretrain(args: argparse.Namespace) -> int:
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
