"""The same panel without the link between what is known and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geiger.panel.material import PanelMaterial
from geiger.seeds import generator

BLOCK = 21  # days that are moved as one


def without_link(material: PanelMaterial, seed: int) -> PanelMaterial:
    """Return the material with the outcomes of other days: whatever ranks them now is luck.

    Outcomes, in units of the volatility of their row, are exchanged in blocks of 21 days, alike for all
    members: what symbols share on a day, and how days follow each other, stays. Features stay where they are.
    (To exchange returns and build bars from them would keep any link within a block.) A row whose member has
    no outcome on the other day has none.

    Parameters
    ----------
    seed : int
        Of the permutation.
    """
    grid = material.grid(material.outcome / material.volatility)
    days = np.flatnonzero(material.counts & np.isfinite(grid).any(axis=1))
    blocks = np.array_split(days, max(len(days) // BLOCK, 1))
    order = generator(seed, "panel without link").permutation(len(blocks))
    moved = np.full_like(grid, np.nan)
    moved[days] = grid[np.concatenate([blocks[place] for place in order])]
    return replace(material, outcome=moved[material.day, material.member] * material.volatility)
