"""The folds' outputs side by side, as the frames that a walk hands on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from geiger.columns import FORECASTS, IMPORTANCES, IN_SAMPLE, MEMBERS, require
from geiger.errors import TrainingError
from geiger.experiment.material import Floats, Material
from geiger.experiment.train_fold import FoldOutput


def forecasts_of(material: Material, model: str, outputs: Sequence[FoldOutput]) -> pl.DataFrame:
    """Return the FORECASTS frame of the test rows.

    Raises
    ------
    TrainingError
        If a forecast was made by a fold that had seen a label of a later day.
    """
    target, found = material.target, []
    for output in outputs:
        rows = target.slice(_row(material, output.result.test_first), len(output.test_forecast))
        found.append(
            rows.select(
                "day",
                symbol=pl.lit(material.symbol),
                model=pl.lit(model),
                fold=pl.lit(output.result.fold, dtype=pl.Int32),
                forecast=pl.Series(output.test_forecast),
                outcome=pl.col("value"),
                known_on=pl.col("known_on"),
                train_end=pl.lit(target["known_on"][_row(material, output.result.valid_last)]),
                train_mean=pl.lit(output.train_mean),
                train_std=pl.lit(output.train_std),
            )
        )
    frame = require(pl.concat(found), FORECASTS)
    _require_unseen(frame)
    return frame


def members_of(material: Material, outputs: Sequence[FoldOutput]) -> pl.DataFrame:
    """Return the MEMBERS frame: what each member forecast on the test rows."""
    found = []
    for output in outputs:
        first = _row(material, output.result.test_first)
        days = material.prices["day"].slice(first, len(output.test_forecast))
        found += [
            pl.DataFrame({"day": days, "forecast": forecast}).select(
                "day",
                pl.lit(seed, dtype=pl.Int32).alias("seed"),
                pl.lit(output.result.fold, dtype=pl.Int32).alias("fold"),
                "forecast",
            )
            for seed, forecast in enumerate(output.member_forecast)
        ]
    return require(pl.concat(found), MEMBERS)


def in_sample_of(material: Material, outputs: Sequence[FoldOutput]) -> pl.DataFrame:
    """Return the IN_SAMPLE frame: the rows that each fold's final fit used."""
    days = material.prices["day"]
    found = [
        pl.DataFrame({"day": days.gather(output.fit_rows), "forecast": output.fit_forecast}).select(
            "day", pl.lit(output.result.fold, dtype=pl.Int32).alias("fold"), "forecast"
        )
        for output in outputs
    ]
    return require(pl.concat(found), IN_SAMPLE)


def importances_of(material: Material, outputs: Sequence[FoldOutput]) -> pl.DataFrame:
    """Return the IMPORTANCES frame; no row where the model has none."""
    found = [
        pl.DataFrame(
            {
                "feature": material.names,
                "fold": output.result.fold,
                "importance": output.importances,
            }
        )
        for output in outputs
        if output.importances.size
    ]
    empty = pl.DataFrame(schema=dict(IMPORTANCES.columns))
    return require(pl.concat([empty, *found]), IMPORTANCES)


def sealed_rows(whole: Material, fold: int, rows: range, forecast: Floats, train_std: float) -> pl.DataFrame:
    """Return the SEALED rows of one fold; their outcomes are looked up by nobody."""
    days = whole.prices["day"][rows.start : rows.stop]
    return pl.DataFrame({"day": days, "forecast": forecast}).select(
        "day",
        pl.lit(fold, dtype=pl.Int32).alias("fold"),
        "forecast",
        pl.lit(train_std).alias("train_std"),
    )


def _require_unseen(forecasts: pl.DataFrame) -> None:
    """Check on the forecasts that are really handed on that no training label came after its decision."""
    late = forecasts.filter(pl.col("train_end") > pl.col("day"))
    if late.height:
        raise TrainingError(
            f"fold {late['fold'][0]} learned a label known on {late['train_end'][0]}, "
            f"after the decision of {late['day'][0]}; this must never happen: please report it"
        )


def _row(material: Material, day: str) -> int:
    return int(material.prices["day"].search_sorted(dt.date.fromisoformat(day)))
