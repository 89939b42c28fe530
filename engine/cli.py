"""The command line: the same engine without a browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from engine import (
    advise_command,
    backbone_commands,
    dataset_commands,
    distance_command,
    doctor_command,
    experiment_commands,
    layers_command,
    pretrain_command,
    table_command,
)
from engine.errors import TransferscopeError
from engine.imports import command as imports


@dataclass(frozen=True)
class Command:
    """What `python -m engine NAME` does."""

    name: str
    text: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None]
    home: bool = True
    """Whether it reads or writes a home directory."""


_ex, _backbone, _data = experiment_commands, backbone_commands, dataset_commands
COMMANDS = (
    Command("presets", "List experiments that are ready to run.", _ex.presets, _ex.presets_arguments, home=False),
    Command(
        "plan", "Show the runs of an experiment and what they will cost, without running them.", _ex.plan, _ex.spec_arguments
    ),
    Command("run", "Queue an experiment for a background worker.", _ex.run, _ex.run_arguments),
    Command("runs", "List runs.", _ex.runs, _ex.runs_arguments),
    Command("cancel", "Stop a run, or all runs of an experiment; what they learned is kept.", _ex.cancel, _ex.id_arguments),
    Command("resume", "Go on with stopped or interrupted runs, from their last checkpoint.", _ex.resume, _ex.id_arguments),
    Command("export", "Write a frame of an experiment to a file or to standard output.", _ex.export, _ex.export_arguments),
    Command("table", "Print an experiment: a row for each strategy, by backbone.", table_command.run, table_command.arguments),
    Command(
        "datasets", "List datasets: size, licence, and whether they are on this machine.", _data.show, _data.list_arguments
    ),
    Command("fetch", "Download a dataset; runs that need one do so by themselves.", _data.fetch, _data.fetch_arguments),
    Command("import", "Import your own images: a folder, a zip or a table.", imports.run, imports.arguments),
    Command("backbones", "Search backbones: the shipped ones and all of timm.", _backbone.show, _backbone.list_arguments),
    Command("weights", "Download pretrained weights; runs do so by themselves.", _backbone.weights, _backbone.weights_arguments),
    Command(
        "layers", "Score every unit of a backbone on a dataset, without training.", layers_command.run, layers_command.arguments
    ),
    Command(
        "similarity", "Compare every unit of two backbones by CKA.",
        layers_command.run_similarity, layers_command.similarity_arguments,
    ),
    Command(
        "advise", "Advise on a strategy and depth before training, with its record here.",
        advise_command.run, advise_command.arguments,
    ),
    Command(
        "distance", "Measure how far a dataset is from a backbone's source data.",
        distance_command.run, distance_command.arguments,
    ),
    Command(
        "describe", "Show the units of a backbone and what each costs.",
        _backbone.describe, _backbone.describe_arguments, home=False,
    ),
    Command(
        "doctor", "Look a dataset over before training: duplicates, leaks, odd files.",
        doctor_command.run, doctor_command.arguments,
    ),
    Command(
        "pretrain", "Make a shipped backbone anew: train it from scratch with its recorded recipe.",
        pretrain_command.run, pretrain_command.arguments, home=False,
    ),
)  # fmt: skip


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
    for one in COMMANDS:
        added = commands.add_parser(one.name, help=one.text, description=one.text)
        added.set_defaults(command=one.run)
        one.arguments(added)
        if one.home:
            added.add_argument(
                "--home", metavar="DIR", help="where results are kept (default: TRANSFERSCOPE_HOME or user data)"
            )
    return parser
