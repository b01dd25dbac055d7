from __future__ import annotations

import hashlib

import numpy as np

from geiger.seeds import derive, generator


def test_a_seed_is_the_first_31_bits_of_the_hash_of_its_names() -> None:
    digest = hashlib.sha256(b"7\x1fxgb\x1f0").hexdigest()
    assert derive(7, "xgb", 0) == int(digest[:8], 16) // 2


def test_every_name_and_its_place_count() -> None:
    seeds = [derive(1, "a", "b"), derive(1, "b", "a"), derive(1, "ab"), derive(2, "a", "b"), derive(1, "a")]
    assert len(set(seeds)) == 5
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert derive(1, "fold", 3) == derive(1, "fold", "3")


def test_another_consumer_changes_nobody_elses_numbers() -> None:
    before = generator(5, "prices").normal(size=4)
    generator(5, "volume").normal(size=1000)
    np.random.default_rng(0).normal(size=1000)
    assert np.array_equal(generator(5, "prices").normal(size=4), before)
