"""What a panel's run keeps of its forecasts, and those forecasts read back to be measured once more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import PANEL_UNSCORED, require
from geiger.errors import DataError
from geiger.panel.issue import Issued
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import Floats
from geiger.panel.targets import targets_of
from geiger.panel.walk import PanelWalk
from geiger.runs.folder import StoredRun
from geiger.settings import Config

SAID = ("day", "symbol", "fold", "score", "market", "forecast", "volatility")


def unscored_of(material: PanelMaterial, issued: Issued) -> pl.DataFrame:
    """Return the PANEL_UNSCORED frame of what is issued: tradable rows without a known outcome."""
    rows = issued.rows
    kept = material.tradable[rows] & ~np.isfinite(material.outcome[rows])
    day, member = material.day[rows][kept], material.member[rows][kept]
    volatility = material.volatility[rows]
    frame = pl.DataFrame(
        {
            "day": material.calendar.gather(day),
            "symbol": pl.Series(material.symbols, dtype=pl.String).gather(member),
            "fold": issued.fold[kept].astype(np.int32),
            "score": issued.score[kept],
            "market": issued.market[kept],
            "forecast": (volatility * issued.expected)[kept],
            "volatility": volatility[kept],
        }
    )
    return require(frame, PANEL_UNSCORED)


def walk_of_run(stored: StoredRun, material: PanelMaterial, config: Config) -> PanelWalk:
    """Return what a panel's run issued, from its frames: no model is asked again.

    Rows that the run did not keep, which are of no use to trade, are not a number; folds and the slopes
    behind the last row are not there.

    Parameters
    ----------
    material : PanelMaterial
        As `material_of_panel_run` makes it.

    Raises
    ------
    DataError
        A frame is gone, or holds days or symbols that the prices lack.
    """
    forecasts = stored.panel_forecasts()
    said = pl.concat([forecasts.select(SAID), stored.panel_unscored()]).sort("day", "symbol")
    at = row_numbers(material, said, stored.name)
    rows = material.rows(int(material.day[at[0]]), int(material.day[at[-1]]) + 1)

    def spread(name: str) -> Floats:
        found = np.full(rows.stop - rows.start, np.nan)
        found[at - rows.start] = said[name].to_numpy()
        return found

    fold = np.full(rows.stop - rows.start, -1, dtype=np.int32)
    fold[at - rows.start] = said["fold"].to_numpy()
    score, market, unit = spread("score"), spread("market"), material.volatility[rows]
    issued = Issued(
        rows=rows,
        fold=fold,
        score=score,
        slope=_slope(material.day[rows], score, spread("forecast") / unit - market),
        market=market,
        next_slopes=(np.nan, np.nan),
    )
    return PanelWalk(
        stored.record.model, forecasts, issued, targets_of(material, config.panel), folds=(), chosen={}
    )


def row_numbers(material: PanelMaterial, frame: pl.DataFrame, name: str) -> npt.NDArray[np.int64]:
    """Return where the material has each row of a frame with day and symbol (n,), of the run `name`."""
    where = pl.DataFrame(
        {
            "day": material.calendar.gather(material.day),
            "symbol": pl.Series(material.symbols, dtype=pl.String).gather(material.member),
        }
    ).with_row_index("row")
    found = frame.select("day", "symbol").join(where, on=["day", "symbol"], how="left", maintain_order="left")
    missing = found.filter(pl.col("row").is_null())
    if missing.height or not found.height:
        what = "no forecasts" if not found.height else "{} on {}".format(*missing.row(0)[1::-1])
        raise DataError(f"{name}: its forecasts and the prices that it kept do not go together ({what})")
    return found["row"].to_numpy().astype(np.int64)


def _slope(day: npt.NDArray[np.int32], score: Floats, beyond: Floats) -> Floats:
    """Return the slope of each row (R,), one a day: what is expected beyond the market, over scores."""
    place = day - day[0]
    known = np.isfinite(score) & np.isfinite(beyond)
    told, expected = np.where(known, score, 0.0), np.where(known, beyond, 0.0)
    product, square = (np.bincount(place, weights=told * other) for other in (expected, told))
    slope = np.where(square > 0.0, product / np.where(square > 0.0, square, 1.0), 0.0)
    return np.asarray(slope[place])
