"""The leak museum: famous claims rebuilt on noise, the honest figure beside each, and how the audit names it.

Every market here is without a signal, so every skill on show is a mistake. A leak is then planted where our
own pipeline would have it, and the audit must find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from geiger.audit import exhibits
from geiger.audit.canaries import CANARIES, ROWS, Canary, feature_canary
from geiger.audit.exhibits import Figures, Shown
from geiger.audit.worlds import World
from geiger.learning.windows import Floats
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market

Measure = Literal["accuracy", "sharpe", "correlation"]
MEASURES: dict[Measure, str] = {
    "accuracy": "direction accuracy",
    "sharpe": "Sharpe ratio",
    "correlation": "correlation",
}
NOTHING: dict[Measure, float] = {"accuracy": 0.5, "sharpe": 0.0, "correlation": 0.0}  # without any skill
BEST = "best-of-many"
TRIES = 50
_PLANTED = {canary.name: canary for canary in CANARIES}


@dataclass(frozen=True)
class Piece:
    """One piece of the collection.

    Attributes
    ----------
    name : str
        As in a link.
    claim : str
        What was claimed or asked, by whom, and what became of it.
    mistake, honest : str
        What is done on the noise: wrong, and right.
    source, url : str
        Where that stands.
    measure : str
        What is shown of the figures.
    show : callable
        A seed -> both figures on one market.
    markets : int
        How many are averaged.
    canary : Canary, optional
        The same leak in our pipeline; None where no audit can see it.
    lesson : str
        One sentence.
    """

    name: str
    title: str
    claim: str
    mistake: str
    honest: str
    source: str
    url: str
    measure: Measure
    show: Callable[[int], Shown]
    markets: int
    canary: Canary | None
    lesson: str


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """What a piece shows: both figures, means over markets without a signal, and what the audit said.

    Attributes
    ----------
    wrong, right : float
    lowest_wrong, highest_right : float
        Over the markets.
    caught : bool or None
        None where no audit can see it.
    stage, column, cause, mend : str, optional
        Where the audit found it, what it says of it, and what to do.
    """

    name: str
    title: str
    claim: str
    mistake: str
    honest: str
    source: str
    url: str
    measure: Measure
    unit: str
    markets: int
    wrong: float
    right: float
    lowest_wrong: float
    highest_right: float
    lesson: str
    caught: bool | None = None
    stage: str | None = None
    column: str | None = None
    cause: str | None = None
    mend: str | None = None

    def figure(self, value: float) -> str:
        """Return a figure as people read it."""
        if self.measure == "accuracy":
            return f"{100 * value:.1f}%"
        digits = 2 if self.measure == "correlation" else 1
        return f"{round(value, digits) + 0.0:.{digits}f}"  # no -0.0


def best_of_many(seed: int) -> Shown:
    """Show the best of 50 coin tossers in the year it was chosen by, and in the next."""
    tries = exhibits.best_of_many(seed, TRIES)
    days = len(tries.wealth) // 2
    chosen = tries.wealth[:, tries.best]
    return Shown(
        Figures(0.5, float(tries.first[tries.best]), 0.0, chosen[:days]),
        Figures(0.5, float(tries.second[tries.best]), 0.0, chosen[days:] / chosen[days - 1]),
    )


def _denoised_step(prices: pl.DataFrame) -> Floats:
    smooth = exhibits.denoised(np.log(prices["close"].to_numpy()))
    return np.diff(smooth, prepend=smooth[0])


def _rest_of_week(prices: pl.DataFrame) -> Floats:
    week = pl.col("day").dt.truncate("1w")
    ahead = prices.select(pl.col("close").log().last().over(week) - pl.col("close").log())
    return ahead.to_series().to_numpy()


PIECES: tuple[Piece, ...] = (
    Piece(
        "wavelet",
        "Smoothed with tomorrow",
        "An xLSTM told the direction of the S&P 500 right on about 71% of test days, once prices were "
        "denoised by a wavelet. The transform had seen the whole series. Readers reported it: without it "
        "the same network scored 49.5%. The authors now call those results deprecated.",
        "db4, finest detail removed, all rows at once; a straight line on 20 smoothed steps",
        "the same transform of the 256 rows that end with each day",
        "Lopez Gil, Duhamel-Sebline and McCarren 2024, arXiv 2408.12408; xlstm-ts issue 2 (2025)",
        "https://github.com/gonzalopezgil/xlstm-ts/issues/2",
        "accuracy",
        exhibits.wavelet,
        8,
        feature_canary("wavelet", "prices denoised over the whole series", "return_10", _denoised_step),
        "A smoother that reads both ways is an oracle; run it in a window that ends with the day.",
    ),
    Piece(
        "selection",
        "Chosen by the exam",
        "A textbook's warning: 100 of 5000 random predictors, chosen on all samples, then cross-validated "
        "with care. The error came out as 3%; the truth is 50%.",
        "20 of 5000 random indicators chosen by their correlation on all days, then a fair split",
        "the same choice made on train days",
        "Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.10.2",
        "https://hastie.su.domains/ElemStatLearn/",
        "accuracy",
        exhibits.selection,
        12,
        _PLANTED["full-sample choice"],
        "Whatever is chosen belongs inside the fold, before the first test day.",
    ),
    Piece(
        "scaler",
        "Scaled by what is to come",
        "Notebooks that forecast prices often scale the whole series to [0, 1] before they split it: the "
        "issue tells it of one of the most copied collections, which fits the scaler on test rows as well.",
        "each half-year scaled by its own range; long where the price stands low in it, short where high",
        "scaled by the range of the 126 days that end with the day",
        "huseinzol05/Stock-Prediction-Models issue 126 (2023)",
        "https://github.com/huseinzol05/Stock-Prediction-Models/issues/126",
        "sharpe",
        exhibits.scaling,
        20,
        _PLANTED["full-sample scaler"],
        "A scale is knowledge: fit it on train rows and freeze it.",
    ),
    Piece(
        "same-bar",
        "Bought before it was known",
        "A signal that is made at the close and filled in the same bar. Backtests in vectors do it by one "
        "missing shift, and event-driven ones by how bars are stamped: users report fills at the close that "
        "the order was made from.",
        "up bar: bought at its own open; down bar: sold short there",
        "filled at the next open",
        "nautechsystems/nautilus_trader discussions 3756 and 4559, for one way into it",
        "https://github.com/nautechsystems/nautilus_trader/discussions/4559",
        "sharpe",
        exhibits.same_bar,
        20,
        _PLANTED["same-bar fill"],
        "A decision at the close of t is filled at t+1, or it is no trade.",
    ),
    Piece(
        "stopping",
        "Stopped where it looked best",
        "Early stopping that watches the test set. In a widely used forecasting library the validation "
        "loader of one benchmark read the test part, as a reader found.",
        "a line trained in small steps; each month keeps the epoch that did best on that month",
        "the epoch that did best on the 63 days before",
        "thuml/Time-Series-Library issue 207 (2023)",
        "https://github.com/thuml/Time-Series-Library/issues/207",
        "accuracy",
        exhibits.stopping,
        4,
        _PLANTED["stopping on test"],
        "Epochs, penalties and thresholds are choices: make them on rows before the test.",
    ),
    Piece(
        "resample",
        "A week that knows its Friday",
        "A longer bar that carries the name of its beginning, joined to shorter ones by that name. pandas "
        "labels most frequencies by their left edge, exchanges name candles by their open time, and so "
        "every Monday may know the Friday.",
        "weekly bars named by their first day: buy when the week closes above today",
        "named by the day on which they are complete",
        "freqtrade/technical issue 268, where a maintainer explains it; pandas documentation of `resample`",
        "https://github.com/freqtrade/technical/issues/268",
        "accuracy",
        exhibits.resample,
        20,
        feature_canary("resample", "weekly bars joined by their first day", "return_3", _rest_of_week),
        "A bar is known when it ends, whatever it is called.",
    ),
    Piece(
        "window",
        "A window that is off by one",
        "A user of a published model found an IC of 0.17, three times the published one. The authors' "
        "answer: the window sampler of that version of qlib is not correct, use the one before. What went "
        "wrong is disputed; this is the simplest fault of its kind, and not a rebuilding of that one.",
        "20 returns a row, the last of them tomorrow's",
        "20 returns that end with the day",
        "SJTU-DMTai/MASTER issue 12 (2024)",
        "https://github.com/SJTU-DMTai/MASTER/issues/12",
        "correlation",
        exhibits.window,
        20,
        _PLANTED["off by one"],
        "Change tomorrow's price, and see whether today's row moves.",
    ),
    Piece(
        BEST,
        "The best of fifty",
        "Nothing leaks. Fifty strategies were tried on one year, one is shown. With 45 tries, five years of "
        "data are too few to keep the best from a Sharpe ratio of 1 without any skill.",
        "50 coin tossers, a year, the best of them",
        "the same one in the next year",
        "Bailey, Borwein, Lopez de Prado and Zhu 2014, Pseudo-Mathematics and Financial Charlatanism",
        "https://ssrn.com/abstract=2308659",
        "sharpe",
        best_of_many,
        40,
        None,
        "No audit of a pipeline can see this: count the tries. The best of "
        f"{TRIES} without skill is expected at {exhibits.expected_best(TRIES):.1f} in one year.",
    ),
)


def visit(on_step: Callable[[str], None] = lambda text: None) -> Iterator[Exhibit]:
    """Yield every piece, computed now.

    Parameters
    ----------
    on_step : callable
        Told the title of each piece before it is computed.
    """
    world = noise_world()
    for piece in PIECES:
        on_step(piece.title)
        yield exhibit(piece, world)


def noise_world() -> World:
    """Return a market without a signal that leaks are planted on."""
    prices = garch_market(ROWS, seed=2026, drift=0.0)
    symbol = Loaded("NOISE", prices, "frame", "made, without any signal")
    return World(symbol, Loaded("^GSPC", prices, "frame", "the same"))


def figures(piece: Piece) -> tuple[Floats, Floats]:
    """Return the figure of every market (markets,), wrong and right."""
    shown = [piece.show(seed) for seed in range(piece.markets)]
    return (
        np.array([getattr(one.wrong, piece.measure) for one in shown]),
        np.array([getattr(one.right, piece.measure) for one in shown]),
    )


def exhibit(piece: Piece, world: World) -> Exhibit:
    """Compute one piece, and let the audit look for it."""
    wrong, right = figures(piece)
    found = Exhibit(
        name=piece.name,
        title=piece.title,
        claim=piece.claim,
        mistake=piece.mistake,
        honest=piece.honest,
        source=piece.source,
        url=piece.url,
        measure=piece.measure,
        unit=MEASURES[piece.measure],
        markets=piece.markets,
        wrong=float(wrong.mean()),
        right=float(right.mean()),
        lowest_wrong=float(wrong.min()),
        highest_right=float(right.max()),
        lesson=piece.lesson,
    )
    return found if piece.canary is None else _audited(found, piece.canary, world)


def _audited(found: Exhibit, canary: Canary, world: World) -> Exhibit:
    audit = canary.audit(world)
    if not audit.leaks:
        return replace(found, caught=False)
    first = audit.leaks[0]
    return replace(
        found,
        caught=canary.names(first),
        stage=first.stage,
        column=first.column,
        cause=first.cause,
        mend=first.mend,
    )
