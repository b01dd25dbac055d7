"""A panel that is made of numbers, without prices: what pooled models are given, and the truth behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.market.calendar import market_of
from geiger.panel.material import PanelMaterial
from geiger.runs.record import Provenance
from geiger.settings import Config, override, panel_recipe

DAYS, MEMBERS, FEATURES = 420, 12, 6
HORIZON = 1
TREES = {"max_trees": 30, "depth": 3, "l2": 10.0}
SETTINGS = {
    **{"lockbox": 0, "min_train": 140, "refit": 60, "seeds": 2, "workers": 1},
    "panel": {"slope_days": 40, "deviations": (100.0, 1000.0), "tree_refit": None},
    "ridge": {"alphas": (50.0,)},
    "lgb": TREES | {"min_leaf_rows": 50},
    "xgb": TREES | {"min_leaf_rows": 50},
    "catboost": TREES,
}
Floats = npt.NDArray[np.float64]


def pooled_config(**changes: object) -> Config:
    """Return settings under which a model of this panel is fitted in moments."""
    return override(override(panel_recipe("default"), SETTINGS), changes)


def linear(x: Floats) -> Floats:
    """Return the expected return (n,), in volatilities: half of the first feature."""
    return 0.5 * x[:, 0]


def made_panel(
    signal: Callable[[Floats], Floats] = linear, *, days: int = DAYS, seed: int = 0
) -> PanelMaterial:
    """Return a panel of twelve symbols whose outcomes have this mean, a common factor, and noise.

    Symbol 10 begins 150 days late, symbol 11 ends 100 days early; a few outcomes come late.
    """
    draw = np.random.default_rng(seed)
    there = np.ones((days, MEMBERS), dtype=bool)
    there[:150, 10] = there[-100:, 11] = False
    day, member = (
        part.astype(kind) for part, kind in zip(np.nonzero(there), (np.int32, np.int16), strict=True)
    )
    n = len(day)
    x = draw.standard_normal((n, FEATURES))
    volatility = 0.01 * (1.0 + 0.1 * member)
    factor = 0.7 * draw.standard_normal(days)[day] + 0.05
    outcome = volatility * (signal(x) + factor + draw.standard_normal(n))
    calendar = pl.Series("day", [dt.date(2001, 1, 1) + dt.timedelta(days=i) for i in range(days)])
    on_time = draw.random(n) > 0.01
    symbols = tuple(f"S{number:02d}" for number in range(MEMBERS))
    made = PanelMaterial(
        name="MADE",
        symbols=symbols,
        market=market_of("AAPL"),
        fill="next_open",
        calendar=calendar,
        day=day,
        member=member,
        features=x.astype(np.float32),
        normalised=x.astype(np.float32),
        outcome=outcome,
        volatility=volatility,
        on_time=on_time,
        known_on=pl.Series(calendar.gather(np.minimum(day + HORIZON + 1, days - 1))),
        tradable=np.ones(n, dtype=bool),
        counts=np.ones(days, dtype=bool),
        bars={},
        members=(),
        notices=(),
        provenance=Provenance(
            source="panel",
            where="made",
            first_day=str(calendar[0]),
            last_day=str(calendar[-1]),
            rows=days,
            data_hash="0" * 64,
            lockbox_rows=0,
            features="made",
        ),
    )
    return cut(made, days)


def cut(material: PanelMaterial, days: int) -> PanelMaterial:
    """Return what was known of a panel at the close of day number `days` - 1."""
    kept = material.day < days
    unknown = material.day[kept] >= days - HORIZON - 1
    known_on = material.known_on.filter(kept)
    return replace(
        material,
        calendar=material.calendar.head(days),
        day=material.day[kept],
        member=material.member[kept],
        features=material.features[kept],
        normalised=material.normalised[kept],
        outcome=np.where(unknown, np.nan, material.outcome[kept]),
        volatility=material.volatility[kept],
        on_time=material.on_time[kept] & ~unknown,
        known_on=pl.Series([None if late else day for late, day in zip(unknown, known_on, strict=True)]),
        tradable=material.tradable[kept],
        counts=material.counts[:days],
    )


def correlation(score: Floats, truth: Floats) -> float:
    """Return the correlation of scores with what they should be."""
    return float(np.corrcoef(score, truth)[0, 1])
