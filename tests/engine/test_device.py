"""Devices: what there is, what it can do, and an error that lists them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from engine import device
from engine.errors import DeviceError


def test_the_processor_is_always_there_and_needs_no_torch():
    assert device.devices()[-1] == device.cpu()
    assert device.cpu().memory_bytes > 0
    code = "import sys; from engine import device; device.cpu(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_best_device_is_chosen_and_an_unknown_one_refused():
    assert device.choose() == device.devices()[0]
    assert device.choose("cpu") == device.cpu()
    with pytest.raises(DeviceError, match=r"no device 'tpu'.*Available: .*cpu"):
        device.choose("tpu")


def test_precision_is_never_emulated(monkeypatch):
    cpu = device.cpu()
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert device.precision(cpu, "float32") == "float32"
        assert device.precision(cpu, "auto") == ("bfloat16" if has else "float32")
    with pytest.raises(DeviceError, match="no bfloat16"):
        device.precision(cpu, "bfloat16")


def test_the_speed_is_measured_and_products_stay_exact():
    before = torch.get_float32_matmul_precision()
    try:
        device.prepare(device.cpu())
        assert device.matmul_error(torch.get_float32_matmul_precision()) < 1e-5
    finally:
        torch.set_float32_matmul_precision(before)
    assert device.training_speed(device.cpu()) > 1e8


@pytest.mark.parametrize(("cores", "wanted"), [(1, 1), (2, 1), (8, 7)])
def test_one_core_stays_free(monkeypatch, cores, wanted):
    monkeypatch.setattr(device, "_cores", lambda: cores)
    assert device.threads() == wanted
