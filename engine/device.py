"""Devices: what there is to compute on, and the precision it is good at."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from engine.errors import DeviceError

if TYPE_CHECKING:
    import torch

CPU = "cpu"


@dataclass(frozen=True)
class Device:
    """One place to compute; `name` is torch's name for it."""

    name: str
    description: str
    memory_bytes: int


def devices() -> list[Device]:
    """All devices of this machine, the best first. Loads torch."""
    import torch

    found = [
        Device(f"cuda:{index}", torch.cuda.get_device_name(index), torch.cuda.get_device_properties(index).total_memory)
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", psutil.virtual_memory().total))
    return [*found, cpu()]


def cpu() -> Device:
    """The processor; needs no torch."""
    cores = _cores()
    return Device(
        CPU, f"CPU, {cores} core{'s' if cores != 1 else ''} ({platform.machine()})", psutil.virtual_memory().total
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(name: str | None = None) -> Device:
    """The device asked for, or the best one. Raises DeviceError listing what there is."""
    there = devices()
    if name is None:
        return there[0]
    for device in there:
        if device.name == name or (name == "cuda" and device.name == "cuda:0"):
            return device
    raise DeviceError(f"There is no device {name!r} here. Available: {', '.join(device.name for device in there)}.")


def prepare(device: Device) -> None:
    """Set torch up for repeatable work on a device: same versions, device kind and thread count give the same bits."""
    import torch

    if device.name == CPU:
        torch.set_num_threads(threads())
        # On AMD processors this moves float32 products from MKL to oneDNN, about twice as fast.
        torch.set_float32_matmul_precision("medium" if matmul_error("medium") < 1e-5 else "highest")
    else:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def threads() -> int:
    """Threads to compute with: all cores but one, which stays with the dashboard, the browser and everything else.

    A step of a small network is hundreds of short parallel parts, and each waits for its slowest thread: with one thread
    per core, whatever else wants a core halts them all. Measured on two cores that others were using too: the preset
    `quick` took 52 s with one thread and 501 s with two.
    """
    return max(1, _cores() - 1)


def matmul_error(setting: str) -> float:
    """Relative error of a float32 matrix product under a precision setting, measured against float64 (leaves it set)."""
    import torch

    torch.set_float32_matmul_precision(setting)
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(256, 256, generator=generator), torch.randn(256, 256, generator=generator)
    exact = a.double() @ b.double()
    return float(((a @ b).double() - exact).norm() / exact.norm())


def precision(device: Device, asked: str) -> str:
    """`float32` or `bfloat16`: what `auto` means on this device.

    Raises:
        DeviceError: bfloat16 was asked for where it would be emulated.
    """
    import torch

    if device.name == CPU:
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        has = device.name.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
    if asked == "bfloat16" and not has:
        raise DeviceError(f"{device.description} has no bfloat16 arithmetic. Use precision = 'auto' or 'float32'.")
    return "bfloat16" if has and asked != "float32" else "float32"


def training_speed(device: Device) -> float:
    """FLOP/s of a small convolution's forward and backward pass, measured now (about 0.2 s): feeds cost estimates."""
    import torch
    from torch import nn

    where = torch.device(device.name)
    net = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1))
    net = net.to(where, memory_format=torch.channels_last)
    images = torch.randn(32, 32, 16, 16, device=where).to(memory_format=torch.channels_last)
    flops_per_pass = 3 * 2 * 2 * 32 * 32 * 9 * 16 * 16 * 32
    dtype = torch.bfloat16 if precision(device, "auto") == "bfloat16" else None
    passes, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < 0.2 or passes < 3:
        if passes == 1:
            began = time.perf_counter()  # the first pass sets kernels up
        with torch.autocast(where.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None):
            loss = net(images).square().mean()
        loss.backward()
        _wait(where)
        passes += 1
    return flops_per_pass * (passes - 1) / took


def _wait(where: torch.device) -> None:
    import torch

    if where.type == "cuda":
        torch.cuda.synchronize(where)
