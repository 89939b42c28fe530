"""Checkpoints: what was written comes back bit for bit; damage is found, named and passed over."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from engine import checkpoints, durable
from engine.backbones._weights import tensors_sha256
from engine.errors import StoreError
from engine.leases import Lease


@pytest.fixture
def lease(make_run):
    return Lease(make_run(), 1, 1)


def trained(optimizer: type[torch.optim.Optimizer], **options: object):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    made = optimizer(net.parameters(), lr=0.1, **options)
    for _ in range(3):
        made.zero_grad()
        net(torch.randn(5, 3, 8, 8)).square().mean().backward()
        made.step()
    return net, made


@pytest.mark.parametrize(
    ("optimizer", "options"), [(torch.optim.SGD, {"momentum": 0.9, "nesterov": True}), (torch.optim.AdamW, {})]
)
def test_an_optimiser_comes_back_bit_for_bit(home, lease, optimizer, options):
    net, made = trained(optimizer, **options)
    state = {
        "network": net.state_dict(),
        "optimiser": made.state_dict(),
        "epoch": 3,
        "best": {"loss": 0.1, "state": {}},
    }
    checkpoints.save(home, lease, state, 7)
    back, ordinal, damage = checkpoints.newest(home, lease)
    assert (ordinal, damage, back["epoch"], back["best"]) == (7, "", 3, {"loss": 0.1, "state": {}})
    assert tensors_sha256(back["network"]) == tensors_sha256(net.state_dict())
    other_net, other = trained(optimizer, **options)
    other_net.load_state_dict(back["network"])
    other.load_state_dict(back["optimiser"])
    for one, two in ((net, made), (other_net, other)):
        two.zero_grad()
        one(torch.ones(2, 3, 8, 8)).sum().backward()
        two.step()
    assert tensors_sha256(net.state_dict()) == tensors_sha256(other_net.state_dict())
    assert [group.keys() for group in other.param_groups] == [group.keys() for group in made.param_groups]


def test_odd_values_survive(home, lease):
    shared = torch.arange(6.0)
    state = {
        0: [None, True, math.inf, "text ü", ()],
        "view": shared[::2],
        "same": shared[::2],
        "scalar": torch.tensor(3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 3),
        "key.with/odd\\characters": torch.ones(1),
    }
    checkpoints.save(home, lease, state, 0)
    back, _, _ = checkpoints.newest(home, lease)
    assert back[0] == [None, True, math.inf, "text ü", []]
    assert list(back) == list(state)
    assert torch.equal(back["view"], shared[::2])
    assert back["scalar"].item() == 3
    assert back["half"].dtype == torch.bfloat16
    assert back["empty"].shape == (0, 3)


def test_a_state_is_a_copy(home, lease):
    tensor = torch.ones(3)
    checkpoints.save(home, lease, {"a": tensor}, 0)
    tensor.zero_()
    assert torch.equal(checkpoints.newest(home, lease)[0]["a"], torch.ones(3))


def files(home, lease) -> list[str]:
    return sorted(path.name for path in checkpoints.folder(home, lease.spec.run_id).iterdir())


def test_the_two_newest_are_kept_and_nothing_else(home, lease):
    for ordinal in (2, 4, 10):
        checkpoints.save(home, lease, {"epoch": ordinal}, ordinal)
    stems = ["0001-00000004", "0001-00000010"]
    assert files(home, lease) == [f"{stem}.{end}" for stem in stems for end in ("json", "safetensors")]
    assert checkpoints.newest(home, lease)[0] == {"epoch": 10}


def flip(path, place: int = -5) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("0001-00000004.safetensors", flip),
        ("0001-00000004.safetensors", lambda path: path.unlink()),
        ("0001-00000004.safetensors", lambda path: path.write_bytes(b"")),
        ("0001-00000004.json", flip),
        ("0001-00000004.json", lambda path: path.write_bytes(b"")),
        ("0001-00000004.json", lambda path: path.write_bytes(b"\xff\xfe")),
        ("0001-00000004.json", lambda path: path.write_text("[]")),
    ],
)
def test_a_damaged_one_is_named_and_the_one_before_is_used(home, lease, name, harm):
    for ordinal in (2, 4):
        checkpoints.save(home, lease, {"epoch": ordinal, "a": torch.ones(2)}, ordinal)
    harm(checkpoints.folder(home, lease.spec.run_id) / name)
    state, ordinal, damage = checkpoints.newest(home, lease)
    assert (state["epoch"], ordinal) == (2, 2)
    assert "damaged checkpoint: 0001-00000004" in damage
    assert "an earlier state was used" in damage


def test_where_all_are_damaged_the_run_begins_anew(home, lease):
    for ordinal in (2, 4):
        checkpoints.save(home, lease, {"epoch": ordinal}, ordinal)
    for path in checkpoints.folder(home, lease.spec.run_id).glob("*.json"):
        flip(path)
    state, ordinal, damage = checkpoints.newest(home, lease)
    assert (state, ordinal) == (None, 0)
    assert "0001-00000002" in damage
    assert "0001-00000004" in damage


def test_another_attempt_does_not_go_on_from_this_one(home, lease):
    checkpoints.save(home, lease, {"epoch": 2}, 2)
    assert checkpoints.newest(home, Lease(lease.spec, 2, 1)) == (None, 0, "")


def test_discarding_removes_everything_and_may_be_repeated(home, lease):
    checkpoints.save(home, lease, {"epoch": 2}, 2)
    for _ in range(2):
        checkpoints.discard(home, lease.spec.run_id)
        assert checkpoints.newest(home, lease) == (None, 0, "")


def test_names_are_safe_on_every_system(home, lease):
    checkpoints.save(home, lease, {"epoch": 2}, 2)
    assert all(set(name) <= set("0123456789abcdefghijklmnopqrstuvwxyz-.") for name in files(home, lease))


def test_what_cannot_be_written_is_a_plain_error_and_leaves_no_half_file(home, lease, monkeypatch):
    checkpoints.save(home, lease, {"epoch": 2}, 2)
    before = files(home, lease)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(StoreError, match=r"checkpoint could not be written.*No space left"):
        checkpoints.save(home, lease, {"epoch": 4, "a": torch.ones(1)}, 4)
    assert files(home, lease) == before
    assert checkpoints.newest(home, lease)[0] == {"epoch": 2}


def test_a_file_in_the_way_is_a_plain_error(home, lease):
    (home / "checkpoints").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        checkpoints.save(home, lease, {"epoch": 2}, 2)
