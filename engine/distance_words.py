"""What a measured distance between source and target says, which one is the newest, and how to have one. Without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import task_queue

if TYPE_CHECKING:
    from engine.store import Store

KIND = "distance"
MEASURES = ("proxy_a_distance", "frechet")
"""What the sentence says, by the names of the scores."""


def newest(store: Store, backbone: str, dataset: str) -> dict[str, Any] | None:
    """The result of the newest finished measuring for a backbone's pretrained weights and a target; None where there is none."""
    wanted = (backbone, dataset, "pretrained")
    return next(
        (
            task.result
            for task in task_queue.list(store, KIND, ended=True, limit=200)
            if task.result and tuple(task.payload.get(name) for name in ("backbone", "dataset", "weights")) == wanted
        ),
        None,
    )


def sentence(found: dict[str, Any]) -> str:
    """What was measured, in words."""
    distances = {one["score"]: one for one in found["distances"]}
    proxy = distances["proxy_a_distance"]
    where = f"{found['dataset']} and {found['source']} in the features of the last unit ({found['n_images']} images of each)"
    if proxy["value"] is None:
        return f"No distance between {where}: {proxy['reason']}."
    said = (
        f"Proxy A-distance between {where}: {proxy['value']:.2f} of 2 (95 % interval {proxy['low']:.2f} to {proxy['high']:.2f};"
        f" {proxy['null']:.2f} between two halves of the source)"
    )
    frechet = distances["frechet"]
    if frechet["value"] is not None:
        said += f"; Frechet distance {frechet['value']:.3g} ({frechet['null']:.3g} between the halves)"
    return f"{said}."


def unknown(backbone: str, dataset: str) -> str:
    """What is said where no distance was measured, with how to have one."""
    return (
        f"The distance between the source's images and those of {dataset} is not measured: {backbone} came without its source's"
        " images. Name a dataset that holds them (cifar10, or folder:PATH), here or with: python -m engine distance"
        f" {backbone} {dataset} SOURCE"
    )
