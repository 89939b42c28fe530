"""The torch side of the timm family: build a model by name, load hub weights into it, take files with timm's names."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Set

import timm
from timm.models import get_pretrained_cfg, is_model, list_models, list_pretrained, model_entrypoint
from torch import Tensor

from engine.backbones import _hub
from engine.backbones._network import Network
from engine.backbones._timm_network import ComposedTimm, GroupedTimm, TimmNetwork
from engine.backbones._timm_units import composed
from engine.backbones._weights import load_backbone, read_safetensors
from engine.backbones.timm_models import POPULAR, PREFIX, canonical
from engine.errors import BackboneError, UnknownNameError, WeightsError

TRUNK = "visual.trunk."


def check(name: str) -> str:
    """timm's own name for one of ours. Raises UnknownNameError, also for a tag that the model does not have."""
    wanted = canonical(name).removeprefix(PREFIX)
    architecture, dot, _ = wanted.partition(".")
    if "/" in wanted or ":" in wanted or not is_model(architecture):
        # timm also takes hub addresses and folders as names; those can bring formats that run code.
        near = difflib.get_close_matches(wanted, list_models(), n=5)
        raise UnknownNameError("timm model", name, _prefixed({*near, *POPULAR}), "All: timm.list_models().")
    tags = list_models(f"{architecture}.*", include_tags=True) if dot else [wanted]
    if wanted not in tags:
        raise UnknownNameError("tag of a timm model", name, _prefixed([architecture, *tags]))
    return wanted


def _prefixed(names: Iterable[str]) -> list[str]:
    return [PREFIX + name for name in names]


def build(name: str) -> TimmNetwork:
    """A timm model without classifier as a network, random weights from torch's current generator.

    Raises:
        UnknownNameError: timm has no such model or tag.
        BackboneError: timm could not build it; the message is timm's.
    """
    wanted = check(name)
    try:
        model = timm.create_model(wanted, pretrained=False, num_classes=0)
    except (RuntimeError, TypeError, ValueError, AssertionError, ImportError) as error:
        raise BackboneError(f"timm could not build {wanted!r}: {error}") from error
    if len(dict(model.named_parameters(remove_duplicate=False))) > len(dict(model.named_parameters())):
        raise BackboneError(
            f"Blocks of {wanted!r} share tensors, so they cannot be frozen apart. Choose another model."
        )
    steps = composed(model)
    return ComposedTimm(model, steps) if steps else GroupedTimm(model)


def fetch(
    name: str,
    *,
    cache_dir: str | None = None,
    endpoint: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Bring the hub weights of a timm model onto this machine; returns repository, revision and checksum.

    Raises:
        WeightsError: there are none, they cannot be had, or are damaged.
        Cancelled: `progress` raised it.
    """
    told = get_pretrained_cfg(check(name))
    repository = repository_of(name, told.hf_hub_id if told else None)
    return _origin(_hub.fetch(repository, cache_dir=cache_dir, endpoint=endpoint, progress=progress))


def repository_of(name: str, repository: str | None) -> str:
    """The hub's repository of a timm model. Raises WeightsError where there is none, with the tags that have one."""
    if not repository:
        tags = ", ".join(_prefixed(list_pretrained(f"{check(name).partition('.')[0]}.*"))) or "none"
        raise WeightsError(
            f"timm has no weights on the hub for {name!r} (tags with weights: {tags})."
            " Use weights 'file:PATH' with a safetensors file, or 'random'."
        )
    return repository


def _origin(file: _hub.HubFile) -> str:
    return f"{file.repository}@{file.revision} sha256:{file.sha256}"


def load(
    network: Network,
    name: str,
    *,
    cache_dir: str | None = None,
    endpoint: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Load the hub weights of a timm model in place; returns repository, revision and checksum.

    Args:
        network: built by `build(name)`.
        name: with our prefix; without a tag it is the one timm prefers.
        cache_dir: the hub's cache; default: the one that all programs of this user share.
        endpoint: the hub's address; default: HF_ENDPOINT or the public one.
        progress: told bytes done and bytes in all while downloading.

    Raises:
        WeightsError: there are none, they cannot be had, are damaged, or do not fit.
    """
    repository = repository_of(name, network.model.pretrained_cfg.get("hf_hub_id"))
    file = _hub.fetch(repository, cache_dir=cache_dir, endpoint=endpoint, progress=progress)
    load_backbone(network, rename(network, read_safetensors(file.path)), f"{repository} ({file.path.name})")
    return _origin(file)


def rename(network: Network, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by timm's names, or by those of the checkpoint a timm model came from, as tensors by ours.

    Tensors by our names are returned as they are. The classifier is left out: it belongs to the source task.

    Raises:
        WeightsError: timm's conversion of an original checkpoint failed.
    """
    wanted = network.backbone_state()
    if not tensors or any(name in wanted for name in tensors):
        return tensors
    # `head.linear` may come with a `head.bn` that is part of the classifier too.
    dropped = tuple(f"model.{layer.rpartition('.')[0] or layer}." for layer in classifiers(network))
    found = with_classifier(network, tensors)
    return {name: tensor for name, tensor in found.items() if name in wanted or not name.startswith(dropped)}


def classifiers(network: Network) -> tuple[str, ...]:
    """What timm calls the layers that answer the source task: those that `num_classes=0` leaves out."""
    told = network.model.pretrained_cfg.get("classifier") or ()
    return (told,) if isinstance(told, str) else tuple(told)


def with_classifier(network: Network, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As `rename`, for tensors that are not by our names, with the classifier among them (`model.head.weight`, say).

    Raises:
        WeightsError: timm's conversion of an original checkpoint failed.
    """
    wanted = network.backbone_state().keys()
    model = network.model
    found = {f"model.{name}": tensor for name, tensor in tensors.items()}
    if wanted <= found.keys():
        return found
    module = sys.modules[model_entrypoint(model.pretrained_cfg["architecture"]).__module__]
    failed: Exception | None = None
    if convert := getattr(module, "checkpoint_filter_fn", None):
        try:
            found = _better(wanted, found, convert(dict(tensors), model))
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            failed = error
    # OpenCLIP keeps a timm model whole behind this prefix; not every conversion of timm's knows it.
    inside = {name.removeprefix(TRUNK): tensor for name, tensor in tensors.items() if name.startswith(TRUNK)}
    found = _better(wanted, found, inside)
    if failed and not wanted <= found.keys():
        raise WeightsError(
            f"The weights do not fit this backbone: {len(wanted - found.keys())} of its {len(wanted)} tensors are missing,"
            f" and timm's conversion of the file's names failed ({failed!r})."
        ) from failed
    return found


def _better(wanted: Set[str], found: dict[str, Tensor], others: dict[str, Tensor]) -> dict[str, Tensor]:
    """`others`, by timm's names, where they hold more of what is wanted."""
    named = {f"model.{name}": tensor for name, tensor in others.items()}
    return named if len(wanted & named.keys()) > len(wanted & found.keys()) else found
