"""Train with a feature of your own beside ours: ``python examples/own_feature.py``.

On the command line it is ``geiger train ridge IBM --features examples/own_feature.py:momentum_gap``.

A feature is a function of the symbol's bars (day, open, high, low, close, volume) with one row a bar, whose
row t is made of the bars up to t. The second function is not: a window around the day holds days after it.
"""

import polars as pl

FAST, SLOW = 5, 50  # bars


def momentum_gap(bars: pl.DataFrame) -> pl.DataFrame:
    """How far the fast mean of the closes lies above the slow one; missing until there are enough bars."""
    close = pl.col("close")
    gap = (close.rolling_mean(FAST) / close.rolling_mean(SLOW)).log()
    return bars.select("day", gap.alias("momentum_gap"))


def momentum_gap_leaky(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the same with the fast window around the day: half of it is the future, which nobody has."""
    close = pl.col("close")
    gap = (close.rolling_mean(FAST, center=True, min_samples=1) / close.rolling_mean(SLOW)).log()
    return bars.select("day", gap.alias("momentum_gap_leaky"))


if __name__ == "__main__":
    import geiger

    run = geiger.run(geiger.Experiment("IBM", features=momentum_gap, config=geiger.recipe("quick")))
    print(run.status, run.evaluation.health.code, run.log)
