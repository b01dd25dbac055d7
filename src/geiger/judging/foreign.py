"""`geiger.verdict`: the verdict on forecasts, or returns, that were made elsewhere.

The test is that of a run, and so is the rule, but for two things that nobody here can see: how often somebody
tried, and whether each forecast was made before what it is of. Both are the user's word. So the best answer
is `SIGNAL, if made in time (not audited)`, and without that word it is CANNOT TELL. Nothing is written: no
register learns of these tries, and none of its own is counted with them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger import metrics
from geiger.backtest.baselines import VOLATILITY_MATCHED, baselines
from geiger.backtest.figures import is_constant
from geiger.backtest.simulate import simulate
from geiger.backtest.sizing import trailing_volatility, weigh
from geiger.backtest.yardsticks import Measured, alarms
from geiger.errors import DataError, SettingError
from geiger.evidence.regime import following
from geiger.evidence.resampling import bootstrap_mean_p
from geiger.evidence.score_test import LEVEL, ScoreTest, score_test
from geiger.experiment.evaluation import costs_of, sizing_of
from geiger.experiment.scored import normal_scores_p
from geiger.judging.dating import dated_too_early, dated_too_late
from geiger.judging.economics import BLOCK, Economics, economics
from geiger.judging.ground import EXCHANGE_YEAR, Ground, from_outcomes, from_prices
from geiger.judging.judge import skill_verdict, slope_that_pays
from geiger.judging.rule import BOUND, TOO_GOOD, Evidence
from geiger.market.forecasts import ForecastTable, read_forecasts, returns_of
from geiger.market.loaded import Loaded
from geiger.market.readers import Reading, read_given, read_prices
from geiger.market.rhythm import observed_market
from geiger.market.snapshots import Store
from geiger.market.sources import load
from geiger.records import Answer, Notice, Tries, Verdict, Why, Worth
from geiger.runlog.verdict import verdict_lines
from geiger.settings import Config, Fill, override, recipe

Floats = npt.NDArray[np.float64]

LARGEST_UNIT = 2.0  # root mean square of the outcomes: forecasts of daily returns stay far below
WORTH_BELOW = 0.05  # p of a loss beside the market
LARGEST_TRIES = 1_000_000
HOW_TO_COUNT = "say with --tries how many were looked at on these days, this one among them"
NO_AUDIT = "audit: not possible here, for what made the forecasts is elsewhere"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The verdict on something that was made elsewhere, and how it was understood.

    Attributes
    ----------
    verdict : Verdict
    notes : tuple of str
        What was left out or interpreted, in sentences.
    source, symbol : str
        The table, and whose prices; empty where that is not known.
    kind : {"forecasts", "returns"}
    """

    verdict: Verdict
    notes: tuple[str, ...]
    source: str
    symbol: str
    kind: str

    @property
    def answer(self) -> Answer:
        """The answer."""
        return self.verdict.answer

    def lines(self) -> Iterator[str]:
        """Yield it for people: the answer, what it rests on, and how the table was understood."""
        first, *rest = verdict_lines(self.verdict)
        yield first
        yield from (f"  {line}" for line in rest)
        yield from (f"  Read: {note}" for note in self.notes)

    def __str__(self) -> str:
        """Return all lines."""
        return "\n".join(self.lines())


@dataclass(frozen=True)
class _Word:
    """What the user stated: the tries, and that all was made in time."""

    tries: int | None
    made_in_time: bool

    def __post_init__(self) -> None:
        if self.tries is not None and not 1 <= self.tries <= LARGEST_TRIES:
            raise SettingError(
                f"tries must be from 1 to {LARGEST_TRIES}, got {self.tries}; count every forecast of these "
                "days that was looked at, this one among them"
            )

    def counted(self) -> Tries | None:
        if self.tries is None:
            return None
        return Tries(key="", series="", skill=self.tries, economic=self.tries)

    def corrected(self, p: float | None) -> float | None:
        """Return a p with all tries counted as independent, for their scores are not here (Sidak, 1967)."""
        if p is None or self.tries is None:
            return None
        return 1.0 if p >= 1.0 else -math.expm1(self.tries * math.log1p(-p))

    def worth(self, above: float | None, below: float | None) -> Worth:
        corrected = self.corrected(above)
        if corrected is not None and corrected < LEVEL and self.made_in_time:
            return Worth.YES
        return Worth.NO if below is not None and below < WORTH_BELOW else Worth.CANNOT_TELL


def verdict(
    forecasts: Any,
    *,
    prices: Any = None,
    data: str | Path | None = None,
    symbol: str | None = None,
    tries: int | None = None,
    made_in_time: bool = False,
    fill: Fill = "next_open",
    horizon: int = 1,
    cost_bps: float | None = None,
    library: Store | None = None,
) -> Judged:
    """Return the verdict on forecasts that were made elsewhere. Nothing is written.

    Parameters
    ----------
    forecasts : path, pandas.DataFrame, pandas.Series or polars.DataFrame
        A day and a forecast a row, made at the close of that day at the latest; an outcome where there are no
        prices. Of several symbols those of `symbol` are read. Where it holds the returns or the equity of a
        strategy alone, only its worth beside the market can be told.
    prices : path, pandas.DataFrame or polars.DataFrame, optional
        Daily bars; the outcomes are made of them.
    data : path, optional
        A folder of SYMBOL.csv or SYMBOL.parquet, in place of `prices`.
    symbol : str, optional
        With neither, and without outcomes, its prices are those of `library` or the embedded ones.
    tries : int, optional
        How many forecasts of these days were looked at, this one among them.
    made_in_time : bool
        The user's word that each forecast was made before what it is of, with nothing known only later.
    fill : {"next_open", "close"}
        When a decision is filled, from which the outcome counts; see `learning.target`.
    horizon : int
        Days that an outcome spans.
    cost_bps : float, optional
        Of a unit of turnover, one way, in basis points; by default that of the settings.

    Raises
    ------
    GeigerError
        The table or the prices cannot be used.

    Examples
    --------
    >>> geiger.verdict("forecasts.csv", symbol="AAPL", tries=12).answer  # doctest: +SKIP
    <Answer.CANNOT_TELL: 'CANNOT TELL'>
    """
    word, config = _Word(tries, made_in_time), _settings(fill, cost_bps)
    table = read_forecasts(forecasts, symbol)
    loaded = _prices(table, prices, data, symbol, library)
    if not table.has("forecast"):
        return _of_returns(table, loaded, word, config)
    if loaded is not None:
        ground = from_prices(table, loaded, config.fill, horizon)
    elif table.has("outcome"):
        ground = from_outcomes(table, config.fill, horizon)
    else:
        raise SettingError(
            f"{table.name}: forecasts and no outcomes; give their prices: --prices FILE, or --symbol SYMBOL "
            "(with --data DIR)"
        )
    said = _of_forecasts(ground, word, config)
    return Judged(
        verdict=said,
        notes=(*_read_notes(table, loaded), *ground.notes, *_dating_notes(ground)),
        source=table.name,
        symbol=(None if loaded is None else loaded.symbol) or symbol or table.symbol or "",
        kind="forecasts",
    )


def _settings(fill: Fill, cost_bps: float | None) -> Config:
    trading = {} if cost_bps is None else {"trading": {"cost_bps": cost_bps}}
    changes: Mapping[str, Any] = {"fill": fill, **trading}
    return override(recipe("default"), changes)


def _prices(
    table: ForecastTable, prices: Any, data: str | Path | None, symbol: str | None, library: Store | None
) -> Loaded | None:
    """Return the prices that were given or named; None where the outcomes of the table shall do."""
    name = symbol or table.symbol
    if prices is not None and data is not None:
        raise SettingError("prices and data both name prices; give one of them")
    if prices is not None:
        reading: Reading
        if isinstance(prices, str | Path):
            reading, where = read_prices(prices, symbol), str(prices)
            name = name or Path(prices).stem
            source: Any = "file"
        else:
            reading, where, source = read_given(prices, symbol), "table in memory", "frame"
        layout = f"{reading.layout}; {reading.adjustment}"
        return Loaded(name or "", reading.prices, source, where, reading.notes, layout, reading.actions)
    if data is not None:
        if name is None:
            raise SettingError("--data is a folder of many symbols: name the one that is meant with --symbol")
        return load(name, data=Path(data))
    if symbol is None or table.has("outcome"):
        return None
    return load(symbol, store=library)


def _of_forecasts(ground: Ground, word: _Word, config: Config) -> Verdict:
    test = score_test(ground.returns, ground.outcome, ground.known_from, ground.forecast, ground.horizon)
    rows = ground.scored
    traded, why_not = _traded(ground, config)
    corrected = word.corrected(test.p_value)
    found = Evidence(
        test=test,
        tries=word.counted(),
        corrected_p=corrected,
        needed_slope=None if traded is None else slope_that_pays(test, traded.rows, traded.ledger),
        alarms=_alarms(ground, test, traded),
        at_the_close=ground.fill == "close",
        following=following(ground.returns, test.scores),
        tries_unknown=HOW_TO_COUNT,
        made_in_time=word.made_in_time,
    )
    columns = (ground.forecast[rows], ground.outcome[rows], rows, ground.returns, ground.known_from)
    second_p = None if test.statistic is None else normal_scores_p(*columns, ground.horizon)
    made = replace(
        skill_verdict(found, ground.target["day"], second_p=second_p),
        not_checked=(NO_AUDIT, *_not_here(word), why_not or _our_trading(config)),
    )
    return made if traded is None else _with_worth(made, traded.worth, word, ground.days_per_year)


def _our_trading(config: Config) -> str:
    trading = config.trading
    cost = trading.cost_bps + trading.slippage_bps
    rule = f"{trading.rule}, {trading.risk}, {cost:g} bp of turnover"
    return f"trading: yours; what pays is said of our rule ({rule})"


def _not_here(word: _Word) -> tuple[str, ...]:
    if word.tries is None:
        return ("register: it knows nothing of what was tried elsewhere",)
    return ("tries: your word, for no register knows what was tried elsewhere",)


def _with_worth(made: Verdict, worth: Economics, word: _Word, days_per_year: int) -> Verdict:
    return replace(
        made,
        worth=word.worth(worth.p_value, worth.p_below),
        worth_p=worth.p_value,
        worth_corrected_p=word.corrected(worth.p_value),
        difference=float(worth.difference.mean()) * days_per_year,
    )


@dataclass(frozen=True, eq=False)
class _Traded:
    """What trading the forecasts by our rule came to; `rows` of the ground are those of the ledger."""

    rows: npt.NDArray[np.int64]
    ledger: pl.DataFrame
    worth: Economics


def _traded(ground: Ground, config: Config) -> tuple[_Traded | None, str | None]:
    """Trade the forecasts by the default rule and costs, or say why that cannot be done.

    On a row without a forecast the position of the row before stays.
    """
    if ground.horizon > 1:
        return None, f"trading: positions of {ground.horizon} days overlap, so no rule of ours trades them"
    volatility = trailing_volatility(np.expm1(ground.returns), 21.0)
    rows = ground.scored[np.isfinite(volatility[ground.scored])]
    if rows.size < 2:
        return None, "trading: there are no two forecasts with an outcome"
    forecast, outcome = ground.forecast[rows], ground.outcome[rows]
    size, usual = (math.sqrt(float(np.square(x).mean())) for x in (forecast, outcome))
    if size > LARGEST_UNIT * usual:
        text = (
            f"trading: the forecasts are no daily returns (root mean square {size:.3g}, that of the outcomes "
            f"{usual:.3g}; 1.2% is written 0.012), so no position follows from them and their slope has no "
            "meaning of its own; the test of skill does not ask for their unit"
        )
        return None, text
    every = np.arange(rows[0], rows[-1] + 1)
    held = every[np.isfinite(ground.outcome[every])]
    if held.size < every.size:
        return None, "trading: outcomes are missing between the first forecast and the last"
    days = ground.target["day"]
    sized = weigh(
        days.gather(rows), np.expm1(forecast), volatility[rows], sizing_of(config, ground.days_per_year)
    )
    weights = pl.DataFrame({"day": days.gather(every)}).join(
        sized, on="day", how="left", maintain_order="left"
    )
    weights = weights.with_columns(pl.col("weight").forward_fill())
    costs, year = costs_of(config), ground.days_per_year
    ledger = simulate(ground.target[every], weights, costs, year)
    last = np.nan_to_num(np.expm1(ground.returns[every]))
    market = baselines(ledger, last, costs, year)[VOLATILITY_MATCHED]
    return _Traded(every, ledger, economics(ledger, market, config.seed)), None


def _alarms(ground: Ground, test: ScoreTest, traded: _Traded | None) -> tuple[Notice, ...]:
    """Return what is too good, or dated before it was made: a leak far more often than skill."""
    rows = ground.scored
    early = dated_too_early(ground.forecast, _return_after(ground))
    if rows.size < metrics.ENOUGH_ROWS:
        return () if early is None else (early,)
    accuracy = None
    if traded is not None:  # the signs of what is no return say nothing
        accuracy = metrics.accuracy_gain(ground.forecast[rows], ground.outcome[rows], ground.horizon)
    found = alarms(
        da_minus_base=None if accuracy is None else Measured(*accuracy),
        sharpe=None if traded is None else _sharpe(traded.worth.net, ground.days_per_year),
        r2=_r2(test),
    )
    return found if early is None else (early, *found)


def _return_after(ground: Ground) -> Floats:
    """Return the daily return that begins at the close of each row (N,)."""
    if not ground.delayed:
        return np.append(ground.returns[1:], np.nan)
    return ground.outcome


def _r2(test: ScoreTest) -> Measured | None:
    """Return the share of the outcome that the measured slope explains, and its error towards 0."""
    if test.slope is None or test.slope_error is None or test.slope <= 0.0:
        return None
    low = max(test.slope - BOUND * test.slope_error, 0.0)
    most, least = test.explained(test.slope), test.explained(low)
    return None if most is None or least is None else Measured(most, (most - least) / BOUND)


def _sharpe(net: Floats, days_per_year: int) -> Measured | None:
    """Return the yearly Sharpe ratio of daily returns, and its error."""
    if net.size < metrics.ENOUGH_ROWS or is_constant(net):
        return None
    per_day = float(net.mean() / net.std())
    z = (net - net.mean()) / net.std()
    variance = metrics.sharpe_variance(per_day, float((z**3).mean()), float((z**4).mean()))
    error = math.sqrt(max(variance, 0.0) / (net.size - 1))
    scale = math.sqrt(days_per_year)
    return Measured(scale * per_day, scale * error)


def _read_notes(table: ForecastTable, loaded: Loaded | None) -> Iterator[str]:
    yield from (f"{table.name}: {note.text}" for note in table.notes)
    if loaded is not None:
        days = loaded.prices["day"]
        whose = f"prices of {loaded.symbol}" if loaded.symbol else "prices"
        yield f"{whose}: {loaded.where}, {len(days)} days from {days[0]} to {days[-1]}"
        yield from (f"{loaded.where}: {note.text}" for note in loaded.notes if note.severity != "note")


def _dating_notes(ground: Ground) -> Iterator[str]:
    late = None if ground.delayed else dated_too_late(ground.forecast, ground.returns)
    if late is not None:
        yield late
    filled = "the next open" if ground.fill == "next_open" else "that close"
    yield (
        f"a forecast is taken as decided at the close of its day and filled at {filled}; one that was made "
        "later is a look into the future"
    )


def _of_returns(table: ForecastTable, loaded: Loaded | None, word: _Word, config: Config) -> Judged:
    """Say what returns alone can tell: whether they were worth more than the market at their volatility."""
    own = returns_of(table)
    year = EXCHANGE_YEAR
    if loaded is not None:
        year = observed_market(loaded.symbol or None, loaded.prices).days_per_year
    found = alarms(da_minus_base=None, sharpe=_sharpe(own["return"].to_numpy(), year), r2=None)
    why = "there are returns and no forecasts: only their worth beside the market can be told, and no skill"
    reasons = [Notice(str(Why.NO_FORECASTS), why)]
    if found:
        reasons.insert(0, Notice(str(Why.ALARM), TOO_GOOD))
    if word.tries is None:
        reasons.append(Notice(str(Why.TRIES_UNKNOWN), f"tries unknown: {HOW_TO_COUNT}"))
    made = Verdict(
        answer=Answer.CANNOT_TELL,
        sentence=reasons[0].text,
        reasons=tuple(reasons),
        alarms=found,
        days=own.height,
        first=str(own["day"][0]) if own.height else "",
        last=str(own["day"][-1]) if own.height else "",
        level=LEVEL,
        tries=word.counted(),
        not_checked=(NO_AUDIT, *_not_here(word)),
        made_on=dt.date.today().isoformat(),
        data_to=str(own["day"][-1]) if own.height else "",
    )
    notes = [*_read_notes(table, loaded)]
    if loaded is None:
        without = (
            "market: there are no prices to hold the returns against (--prices FILE, or --symbol SYMBOL)"
        )
        made = replace(made, not_checked=(*made.not_checked, without))
    else:
        worth, missing = _beside_market(own, loaded, config.seed, table.name)
        made = _with_worth(made, worth, word, year)
        made = replace(made, data_to=str(loaded.prices["day"][-1]))
        if missing:
            notes.append(f"{missing} returns are of days without a bar: left out")
        notes.append(
            "the return of a day is taken from the close before to its own; the market pays no costs"
        )
    return Judged(
        verdict=made,
        notes=tuple(notes),
        source=table.name,
        symbol=(None if loaded is None else loaded.symbol) or table.symbol or "",
        kind="returns",
    )


def _beside_market(own: pl.DataFrame, loaded: Loaded, seed: int, name: str) -> tuple[Economics, int]:
    """Return what the returns earned beside buy and hold at their volatility, and how many had no bar."""
    close = loaded.prices.select("day", market=pl.col("close") / pl.col("close").shift(1) - 1.0).drop_nulls()
    both = own.join(close, on="day", how="inner", maintain_order="left")
    if both.height < 2:
        raise DataError(
            f"{name}: no two returns are of days with a bar in {loaded.where}; give the prices of its market"
        )
    net, market = both["return"].to_numpy(), both["market"].to_numpy()
    spread = float(market.std())
    difference = net - (float(net.std()) / spread if spread > 0.0 else 0.0) * market
    varies = float(difference.std()) > 1e-9 * float(net.std())  # less is the rounding of the market itself
    above, below = bootstrap_mean_p(difference, block=BLOCK, seed=seed) if varies else (None, None)
    return Economics(both["day"], difference, net, above, below), own.height - both.height
