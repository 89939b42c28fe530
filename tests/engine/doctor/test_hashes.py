"""The perceptual hash and the search for near pairs: the definition, all pairs found, and never all with all."""

from __future__ import annotations

import itertools
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn, idctn

from engine.doctor._hashes import near_pairs, perceptual_hash


def bits(number: int) -> str:
    return f"{number:064b}"


def test_the_hash_is_the_signs_of_the_cosine_transform():
    grey = np.random.default_rng(0).uniform(0, 255, (32, 32)).astype(np.float32)
    low = dctn(grey)[:8, :8]
    # Type 2 without "ortho" scales every frequency alike, as ours does.
    low[0, 0] = 0
    wanted = "".join("1" if value else "0" for value in (low > np.median(low)).ravel())
    assert bits(perceptual_hash(grey)) == wanted


def natural(draws: np.random.Generator) -> np.ndarray:
    """Energy in every frequency, the more the lower it is, as photographs have it."""
    amplitude = 4_000 / (1 + np.add.outer(np.arange(32), np.arange(32)))
    picture = idctn(amplitude * draws.normal(0, 1, (32, 32)) / 4)
    return (128 + 50 * picture / picture.std()).astype(np.float32)


def test_brightness_and_noise_hardly_change_it_and_another_picture_does():
    draws = np.random.default_rng(1)
    pictures = [natural(draws) for _ in range(30)]
    far = []
    for one, other in itertools.pairwise(pictures):
        same = perceptual_hash(0.8 * one + 20 + draws.normal(0, 2, one.shape).astype(np.float32))
        assert bits(perceptual_hash(one) ^ same).count("1") <= 6
        far.append(bits(perceptual_hash(one) ^ perceptual_hash(other)).count("1"))
    assert min(far) > 6


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_exactly_the_pairs_that_comparing_all_finds(seed, n, most):
    draws = np.random.default_rng(seed)
    base = draws.integers(0, 2**64, 4, dtype=np.uint64)
    flips = np.zeros(n, dtype=np.uint64)
    for _ in range(8):
        flips ^= np.uint64(1) << draws.integers(0, 64, n).astype(np.uint64)
    hashes = base[draws.integers(0, 4, n)] ^ np.where(draws.random(n) < 0.8, flips, 0).astype(np.uint64)
    wanted = [(i, j) for i in range(n) for j in range(i + 1, n) if np.bitwise_count(hashes[i] ^ hashes[j]) <= most]
    assert [tuple(pair) for pair in near_pairs(hashes, most).tolist()] == wanted


def test_fifty_thousand_take_seconds():
    draws = np.random.default_rng(2)
    hashes = draws.integers(0, 2**64, 50_000, dtype=np.uint64)
    hashes[1::100] = hashes[::100] ^ np.uint64(0b1011)
    began = time.perf_counter()
    assert len(near_pairs(hashes)) == 500
    assert time.perf_counter() - began < 20  # about one on an idle core


def test_hashes_that_crowd_in_one_place_take_seconds_too():
    hashes = np.arange(8_000, dtype=np.uint64) << np.uint64(40)  # all bands but two are the same
    began = time.perf_counter()
    pairs = near_pairs(hashes, 1)
    assert set(np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).tolist()) == {1}
    assert time.perf_counter() - began < 20


def test_none_and_one():
    assert near_pairs(np.empty(0, dtype=np.uint64)).shape == (0, 2)
    assert near_pairs(np.zeros(1, dtype=np.uint64)).shape == (0, 2)
