"""What watching costs: a training with the panel on `auto` against the same training without, and what the panel says it took.

Full fine-tuning of digits with the epochs that the product plans, each training in a process of its own, because the first looks
of a process are its dearest. Seconds are of the processor, of the whole run with loading and test. Gate: what the looks took is
under 5 % of the epochs they stand for, in every single training; where a network trains so quickly that not even two looks fit,
nothing is watched, which is said.

Run: python tests/benchmarks/panel_share.py [--pairs 3] [--labels 50,200,1007] [--threads 1]
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from typing import Any

import torch
from _pairs import alternate, report

from engine import device, execute, plan
from engine.device import cpu
from engine.events import PanelCost
from engine.panel_plan import AIM, AUTO
from engine.spec import ExperimentSpec

BACKBONES = ("resnet20_cifar10", "plain8_cifar10", "vit_cifar10")


def train(backbone: str, labels: int, watched: bool, threads: int) -> dict[str, Any]:
    """Processor seconds of a run, and in seconds what its looks and its epochs took."""
    device.prepare(cpu())
    torch.set_num_threads(threads)
    spec = ExperimentSpec(
        (backbone,), strategies=("full_fine_tuning",), seeds=(0,), label_budgets=(labels,), measures=(),
        panel_epochs=AUTO if watched else None, controls=False,
    )  # fmt: skip
    (planned,) = plan.plan(spec)
    began = time.process_time()
    costs = [event for event in execute.execute(planned.run, cpu()) if isinstance(event, PanelCost)]
    seconds = time.process_time() - began
    epochs = [cost.epoch_seconds for cost in costs if cost.epoch_seconds]
    return {
        "seconds": seconds,
        "looks": [cost.seconds for cost in costs],
        "epoch": statistics.median(epochs) if epochs else None,
        "epochs": planned.run.train.epochs,
    }


def alone(*case: Any) -> dict[str, Any]:
    """The same in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(train, case)


def main() -> int:
    """Compare, print, and say with the exit status whether the gate was passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--labels", default="50,200,1007")
    parser.add_argument("--threads", type=int, default=device.threads())
    args = parser.parse_args()
    worst = 0.0
    for labels in map(int, args.labels.split(",")):
        for backbone in BACKBONES:
            watched: list[dict[str, Any]] = []

            def with_panel(case=(backbone, labels, True, args.threads), watched=watched) -> float:
                watched.append(alone(*case))
                return watched[-1]["seconds"]

            def without(case=(backbone, labels, False, args.threads)) -> float:
                return alone(*case)["seconds"]

            print(f"{backbone}, {labels} labels, {args.threads} threads")
            report("  with the panel over without", alternate(without, with_panel, args.pairs))
            if not watched[0]["epoch"]:
                print("  nothing was watched: not even two looks fit")
                continue
            shares = [sum(one["looks"]) / (one["epoch"] * one["epochs"]) for one in watched]
            looks = [statistics.median(one["looks"][1:]) for one in watched]
            of_one = statistics.median(look / one["epoch"] for look, one in zip(looks, watched, strict=True))
            print(
                f"  {len(watched[0]['looks'])} looks in {watched[0]['epochs']} epochs took {min(shares):.1%} to {max(shares):.1%}"
                f" of the epochs; one look {1e3 * statistics.median(looks):.0f} ms, {of_one:.1%} of one epoch"
            )
            worst = max(worst, *shares)
    print(f"gate: at most {worst:.1%} of the epochs, allowed {AIM:.0%}: {worst < AIM}")
    return int(worst >= AIM)


if __name__ == "__main__":
    sys.exit(main())
