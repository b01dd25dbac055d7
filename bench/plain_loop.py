"""The loop that a user would write: scikit-learn's scaler and LightGBM, walked forward.

    python bench/plain_loop.py PRICES.csv [--folds 40] [--fits 3]

The anchor of the rows on boosting, and a whole script: prices read, our 154 features built from them
(pandas' own take far longer), next day's log return from open to open, and for each fold the scaler fitted
on the rows before it, LightGBM fitted on them once a seed, and the mean of the forecasts of the next 63
rows. Folds and settings of the trees are those of ``geiger train lgb``; threads are as many as LightGBM
takes. It has no inner validation rows, no purge, no course of training, no backtest, no log, and leaves no
model for use.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

import geiger
from geiger.features import WARMUP

LOCKED, REFIT = 252, 63


def main() -> None:
    """Walk forward and print the correlation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prices", type=Path)
    parser.add_argument("--folds", type=int, default=40)
    parser.add_argument("--fits", type=int, default=3)
    options = parser.parse_args()
    made = geiger.recipe("default").lgb
    prices = geiger.load_prices(options.prices.stem, data=options.prices.parent)
    x = geiger.build_features(prices).drop("day").to_numpy()
    opened = np.log(prices["open"].to_numpy())
    y = np.append(opened[2:] - opened[1:-1], [np.nan, np.nan])
    end = len(y) - LOCKED - 2
    found: list[pd.DataFrame] = []
    for start in range(end - REFIT * options.folds, end, REFIT):
        past, test = slice(WARMUP, start), slice(start, start + REFIT)
        scaler = StandardScaler().fit(x[past])
        learned, asked = (np.clip(scaler.transform(x[rows]), -5.0, 5.0) for rows in (past, test))
        forecasts = []
        for seed in range(options.fits):
            model = lightgbm.LGBMRegressor(
                n_estimators=made.max_trees,
                learning_rate=made.learning_rate,
                max_depth=made.depth,
                num_leaves=2**made.depth,
                min_child_samples=made.min_leaf_rows,
                subsample=made.subsample,
                subsample_freq=1,
                colsample_bytree=made.colsample,
                reg_lambda=made.l2,
                random_state=seed,
                verbose=-1,
            )
            forecasts.append(model.fit(learned, y[past]).predict(asked))
        found.append(pd.DataFrame({"forecast": np.mean(forecasts, axis=0), "outcome": y[test]}))
    table = pd.concat(found)
    print(f"{len(found)} folds, {len(table)} rows, correlation {table.corr().iloc[0, 1]:.3f}")


if __name__ == "__main__":
    main()
