"""Draws that any machine and any language can repeat: a linear congruential generator, made normal."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np


def lcg_normals(n: int, seed: int = 12345) -> np.ndarray:
    """Return (n,): x = (1664525 x + 1013904223) mod 2^32, u = (x + 0.5) / 2^32, z = Phi^-1(u)."""
    x, drawn = seed, []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        drawn.append(NormalDist().inv_cdf((x + 0.5) / 2**32))
    return np.array(drawn)
