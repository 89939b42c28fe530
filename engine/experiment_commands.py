"""Commands on experiments, from their spec to their frames: `presets`, `plan`, `run`, `runs`, `cancel`, `resume`, `export`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import backbone_commands, cost
from engine.errors import SpecError, TransferscopeError, UnknownNameError
from engine.frames import NAMES as FRAMES
from engine.spec import ExperimentSpec

if TYPE_CHECKING:
    from engine.cost import Cost
    from engine.plan import PlannedRun

FORMATS = ("csv", "json", "parquet")


def presets_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `presets`."""
    parser.add_argument("--toml", metavar="NAME", help="print one as TOML, to start your own from")


def spec_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of commands that take an experiment to run."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("spec", nargs="?", help="a .toml or .json file")
    which.add_argument("--preset", metavar="NAME", help="a preset, see `presets`")
    parser.add_argument(
        "--source-data", metavar="NAME",
        help="images of the task that the backbones learned from, for EWC and for what is forgotten of it: folder:PATH, or"
        " a dataset that is on this machine",
    )  # fmt: skip


def run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run`."""
    spec_arguments(parser)
    parser.add_argument("--follow", action="store_true", help="show progress until all runs have ended")
    parser.add_argument("--again", action="store_true", help="compute runs anew that were computed before")


def runs_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs`."""
    parser.add_argument("experiment", nargs="?", help="id, beginning of an id, or name")
    parser.add_argument("--json", action="store_true", help="one JSON object per run")


def id_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `cancel` and `resume`."""
    parser.add_argument("id", help="id (or its beginning) of a run or an experiment, or an experiment's name")


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    parser.add_argument("experiment", help="id, beginning of an id, or name")
    parser.add_argument("--frame", required=True, metavar="NAME", help=f"one of: {', '.join(FRAMES)}")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: standard output (parquet needs a file there)"
    )


def _spec(args: argparse.Namespace) -> ExperimentSpec:
    from engine.presets import PRESETS
    from engine.service import with_source_data

    spec = PRESETS[args.preset].spec if args.preset else ExperimentSpec.from_file(args.spec)
    return with_source_data(spec, args.source_data) if args.source_data else spec


def presets(args: argparse.Namespace) -> int:
    """List the presets, or print one as TOML."""
    from engine.presets import PRESETS

    if args.toml:
        print(PRESETS[args.toml].spec.to_toml(), end="")
        return 0
    for preset in PRESETS:
        print(f"{preset.name:<14} {preset.label}\n{'':<14} {preset.question}")
    return 0


def plan(args: argparse.Namespace) -> int:
    """Print the runs of an experiment, what they cost and download, what is added and left out, what to think over."""
    from engine import added_controls, recipes, search, service
    from engine import plan as planning
    from engine.cautions import cautions
    from engine.left_out import left_out, left_out_words

    store, spec = service.open_store(args.home), service.located(_spec(args))
    planned = planning.plan(spec, home=store.home)
    _listed(planned)
    _priced(service.price(store, planned), spec)
    _downloads(planned)
    print("\n".join(recipes.summary(one.run for one in planned)))
    added = tuple(one for one in planned if one.added)
    for sentence in [
        *left_out_words(left_out(spec, home=store.home)),
        *added_controls.sentences(spec, planned, service.price(store, added).seconds),
    ]:
        print(sentence)
    if spec.search:
        epochs = {one.run.train.epochs for one in planned}
        words = search.words(spec.search, epochs.pop() if len(epochs) == 1 else None, spec.panel_epochs)
        print(f"Search ({spec.search['method']}): {words}")
    for sentence in cautions(planned):
        print(f"Careful: {sentence}")
    return 0


def _listed(planned: Sequence[PlannedRun]) -> None:
    for one in planned:
        run = one.run
        labels = "all" if run.label_budget is None else run.label_budget
        print(
            f"{run.run_id}  {run.backbone}  {run.dataset}  {run.strategy:<20} frozen {run.frozen_depth:>2} of"
            f" {one.card.n_units}  labels {labels:>5}  seed {run.seed}"
        )


def _priced(ahead: Cost, spec: ExperimentSpec) -> None:
    low, high = ahead.trainable_parameters
    basis = "from this machine's measured speed" if ahead.measured else "rough: no worker has measured this machine yet"
    print(
        f"\n{ahead.runs} runs, about {ahead.seconds:,.0f} s ({basis}), {ahead.memory_bytes / 1e9:.1f} GB of memory;"
        f" {ahead.total_parameters:,} parameters, {low:,} to {high:,} of them trained"
    )
    if ahead.interval_seconds:
        print(f"Of that about {ahead.interval_seconds:,.0f} s for {spec.score_intervals} resamples of every score")


def _downloads(planned: Sequence[PlannedRun]) -> None:
    for card in {one.card.name: one.card for one in planned if one.run.weights == "pretrained"}.values():
        if card.weights.startswith("hub:"):
            print(f"{card.label}: {backbone_commands.weights_words(card)}")
    for found in cost.beside(planned):
        print(found.words)
    for label, info in cost.downloads(planned).items():
        print(f"The first run downloads {label}: {info.download_bytes / 1e6:,.0f} MB, once; licence: {info.licence}")


def run(args: argparse.Namespace) -> int:
    """Queue an experiment; with `--follow` 0 where all its runs finished, else 1."""
    from engine import added_controls, service
    from engine import plan as planning
    from engine.follow import follow
    from engine.left_out import left_out, left_out_words

    store, spec = service.open_store(args.home), service.located(_spec(args))
    planned = planning.plan(spec, home=store.home)
    submission = service.queue_planned(store, spec, planned, again=args.again)
    for sentence in [*left_out_words(left_out(spec, home=store.home)), *added_controls.sentences(spec, planned)]:
        print(sentence)
    reused = len(submission.reused)
    note = f", {reused} computed before and reused (--again computes them anew)" if reused and not args.again else ""
    print(f"Experiment {submission.experiment_id}: {len(submission.queued)} runs queued{note}. Home: {store.home}")
    if not args.follow:
        print(f"Follow it: python -m engine run ... --follow, or: python -m engine runs {submission.experiment_id}")
        return 0
    return follow(store, submission.experiment_id)


def runs(args: argparse.Namespace) -> int:
    """List runs, in words or as JSON."""
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


def cancel(args: argparse.Namespace) -> int:
    """Stop a run, or all of an experiment."""
    return _each(args, "stop", lambda store, ids: store.cancel(ids))


def resume(args: argparse.Namespace) -> int:
    """Go on with stopped or interrupted runs."""
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


def export(args: argparse.Namespace) -> int:
    """Write a frame of an experiment. Raises UnknownNameError, SpecError, TransferscopeError."""
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
