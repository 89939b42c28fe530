"""Which timm image towers have a text tower, and where: counted once and shipped, `assets/backbones/text_towers.json`.

A row is written only where OpenCLIP's whole model, by its names alone, gives every tensor of timm's image tower and the
projection into the space of the texts; whether the values are those of the backbone is looked at when a run loads them.
Anew, after timm or OpenCLIP has grown: `python -m engine.backbones._text_tower_table`. Loads torch, timm and open_clip.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import open_clip
import timm
import torch
from open_clip.pretrained import _PRETRAINED
from timm.models import get_pretrained_cfg, is_model, list_pretrained
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones import _timm
from engine.backbones._text_tower import build_text, classifier
from engine.backbones.timm_models import PREFIX
from engine.text_towers import FILE

LAION = {
    "convnext_base.clip_laion2b": "laion/CLIP-convnext_base_w-laion2B-s13B-b82K",
    "convnext_base.clip_laion2b_augreg": "laion/CLIP-convnext_base_w-laion2B-s13B-b82K-augreg",
    "convnext_base.clip_laiona": "laion/CLIP-convnext_base_w-laion_aesthetic-s13B-b82K",
    "convnext_base.clip_laiona_320": "laion/CLIP-convnext_base_w_320-laion_aesthetic-s13B-b82K",
    "convnext_base.clip_laiona_augreg_320": "laion/CLIP-convnext_base_w_320-laion_aesthetic-s13B-b82K-augreg",
    "convnext_large_mlp.clip_laion2b_augreg": "laion/CLIP-convnext_large_d.laion2B-s26B-b102K-augreg",
    "convnext_large_mlp.clip_laion2b_ft_320": "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft",
    "convnext_large_mlp.clip_laion2b_ft_soup_320": "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup",
    "convnext_xxlarge.clip_laion2b_rewind": "laion/CLIP-convnext_xxlarge-laion2B-s34B-b82K-augreg-rewind",
    "convnext_xxlarge.clip_laion2b_soup": "laion/CLIP-convnext_xxlarge-laion2B-s34B-b82K-augreg-soup",
    "vit_base_patch32_clip_224.laion2b": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    "vit_base_patch32_clip_224.datacompxl": "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "vit_base_patch32_clip_256.datacompxl": "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
    "vit_base_patch16_clip_224.laion2b": "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    "vit_base_patch16_clip_224.datacompxl": "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
    "vit_large_patch14_clip_224.laion2b": "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    "vit_large_patch14_clip_224.datacompxl": "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
    "vit_huge_patch14_clip_224.laion2b": "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
    "vit_giant_patch14_clip_224.laion2b": "laion/CLIP-ViT-g-14-laion2B-s12B-b42K",
    "vit_gigantic_patch14_clip_224.laion2b": "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k",
}
"""timm's name -> the repository that timm itself took these weights from (its `default_cfgs` until version 1.0.11)."""
OTHER = {
    "eva02_base_patch16_clip_224.merged2b": "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k",
    "eva02_large_patch14_clip_224.merged2b": "timm/eva02_large_patch14_clip_224.merged2b_s4b_b131k",
    "eva02_large_patch14_clip_336.merged2b": "timm/eva02_large_patch14_clip_336.merged2b_s6b_b61k",
    "eva02_enormous_patch14_clip_224.laion2b": "timm/eva02_enormous_patch14_clip_224.laion2b_s4b_b115k",
    "eva02_enormous_patch14_clip_224.laion2b_plus": "timm/eva02_enormous_patch14_plus_clip_224.laion2b_s9b_b144k",
    "eva_giant_patch14_clip_224.laion400m": "timm/eva_giant_patch14_clip_224.laion400m_s11b_b41k",
    "eva_giant_patch14_clip_224.merged2b": "timm/eva_giant_patch14_plus_clip_224.merged2b_s11b_b114k",
    "fastvit_mci0.apple_mclip2_dfndr2b": "timm/MobileCLIP2-S0-OpenCLIP",
    "fastvit_mci2.apple_mclip2_dfndr2b": "timm/MobileCLIP2-S2-OpenCLIP",
    "fastvit_mci3.apple_mclip2_dfndr2b": "timm/MobileCLIP2-S3-OpenCLIP",
    "fastvit_mci4.apple_mclip2_dfndr2b": "timm/MobileCLIP2-S4-OpenCLIP",
    "vit_base_mci_224.apple_mclip2_dfndr2b": "timm/MobileCLIP2-B-OpenCLIP",
    "vit_large_patch14_clip_224.apple_mclip2_dfndr2b": "timm/MobileCLIP2-L-14-OpenCLIP",
}


def known() -> Iterator[tuple[str, str, str, bool]]:
    """(timm's name, repository, OpenCLIP's model, whether it was trained with QuickGELU) of what might be a pair."""
    by_repository: dict[str, list[tuple[str, bool]]] = {}
    for model, tags in _PRETRAINED.items():
        for told in tags.values():
            quick = bool(told.get("quick_gelu"))
            by_repository.setdefault(told["hf_hub"].rstrip("/"), []).append((model, quick))
    named = LAION | OTHER | _siglip()
    for name in list_pretrained():
        told = get_pretrained_cfg(name)
        repository = named.get(name, told.hf_hub_id)
        for model, quick in by_repository.get(repository, ()):
            with_its_activation = bool(open_clip.get_model_config(model).get("quick_gelu")) == quick
            if with_its_activation:
                yield name, repository, model, quick
                break


def _siglip() -> dict[str, str]:
    """SigLIP's image towers are named by OpenCLIP; the tag says which of its trainings the weights are of."""
    found = {}
    for model, tags in _PRETRAINED.items():
        image = open_clip.get_model_config(model)["vision_cfg"].get("timm_model_name", "")
        if "webli" in tags and "siglip" in image:
            tag = "v2_webli" if "SigLIP2" in model else "webli_i18n" if "i18n" in model else "webli"
            found[f"{image}.{tag}"] = tags["webli"]["hf_hub"].rstrip("/")
        if "meta" in tags and image:
            found[f"{image}.fb"] = tags["meta"]["hf_hub"].rstrip("/")
    return found


def row(name: str, repository: str, model: str, quick: bool) -> dict[str, Any]:
    """What the plan needs to know of a pair. Raises ValueError where the image towers are not the same architecture."""
    config = open_clip.get_model_config(model)
    with torch.device("meta"):
        network = _timm.build(PREFIX + name)
        whole = open_clip.create_model(model, device="meta", pretrained_text=False, pretrained_image=False)
        text = build_text(config)
    state = whole.state_dict()
    images = {key: tensor for key, tensor in state.items() if key.startswith("visual.")}
    wanted, found = network.backbone_state(), _timm.rename(network, images)
    bad = [key for key in wanted if key not in found or found[key].shape != wanted[key].shape]
    if bad:
        raise ValueError(f"{len(bad)} of {len(wanted)} tensors of the image tower are missing or differ: {bad[:3]}")
    projection = classifier(network, images)
    width = network.n_features if projection is None else len(projection[0])
    if width != config["embed_dim"]:
        raise ValueError(f"images end in {width} numbers, texts in {config['embed_dim']}")
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        text(torch.zeros(1, text.context_length, dtype=torch.long, device="meta"))
    told = config["text_cfg"]
    if not told.get("hf_tokenizer_name", "timm/").startswith("timm/"):
        raise ValueError(f"its tokenizer is another publisher's: {told['hf_tokenizer_name']}")
    return {
        "repository": repository,
        "model": model,
        "parameters": sum(parameter.numel() for parameter in text.parameters()),
        "flops": counter.get_total_flops(),
        "bytes": 4 * sum(tensor.numel() for tensor in state.values()),
        "context": text.context_length,
        "tokenizer": told.get("hf_tokenizer_name", ""),
    }


def main() -> int:
    """Write the file; what is left out is said with the reason."""
    logging.disable()  # OpenCLIP warns of every model that it builds without weights
    rows, instead = {}, {}
    for name, repository, model, quick in known():
        architecture, _, tag = name.partition(".")
        native = architecture.replace("_clip_", "_clip_quickgelu_")
        if quick and "quickgelu" not in architecture and "resnet" not in architecture:
            if is_model(native) and get_pretrained_cfg(f"{native}.{tag}", allow_unregistered=False):
                instead[name] = f"{native}.{tag}"
            else:
                print(f"{name}: trained with QuickGELU, and timm has no such variant", file=sys.stderr)
            continue
        try:
            rows[name] = row(name, repository, model, quick)
        except Exception as error:  # of any kind: timm's, OpenCLIP's, or torch's where something needs values
            print(f"{name}: {error!r}", file=sys.stderr)
    lines = ",\n".join(f'"{name}":{json.dumps(values, separators=(",", ":"))}' for name, values in sorted(rows.items()))
    others = json.dumps(dict(sorted(instead.items())), indent=0)
    versions = f'"open_clip":"{open_clip.__version__}","timm":"{timm.__version__}"'
    FILE.write_text(f'{{{versions},\n"instead":{others},\n"towers":{{\n{lines}\n}}}}\n', encoding="utf-8")
    print(f"{len(rows)} image towers with a text tower, {len(instead)} with another activation, in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
