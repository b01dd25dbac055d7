"""Every figure that this program measures: what code calls it, what people read, its unit.

Code asks by a member of these tables, so that a slip of the pen is found before it runs. A member is the text
that logs, events and ``run.json`` carry: these are formats, so a text that changes here needs a step in
`runlog.versions` that maps the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from geiger.records import Better, Figure, Unit

STRATEGY = "strategy"  # the path of the forecasts themselves, beside the baselines


class FigureName(StrEnum):
    """The figures of FINAL METRICS; the text of a member is its label.

    >>> FigureName.POSITIVE_SHARE, FigureName.POSITIVE_SHARE.unit
    (<FigureName.POSITIVE_SHARE: 'Positive %'>, 'share')
    """

    unit: Unit
    better: Better

    def __new__(cls, label: str, unit: Unit, better: Better = "neither") -> FigureName:
        """Make one figure: its label, unit, and which way is better."""
        member = str.__new__(cls, label)
        member._value_, member.unit, member.better = label, unit, better
        return member

    # the plan's five, in its order
    DIRECTION_ACCURACY = "Direction Accuracy", "share", "higher"
    PREDICTION_STD = "Prediction Std", "number"
    POSITIVE_SHARE = "Positive %", "share"
    WFE = "WFE", "share", "higher"
    SHARPE = "Test Sharpe", "ratio", "higher"
    # of the test forecasts
    BASE_RATE = "Base Rate", "share"
    ABOVE_BASE_RATE = "DA minus Base Rate", "points", "higher"
    DIRECTION_TEST_P = "Direction Test p", "p", "lower"
    CORRELATION = "Correlation", "number", "higher"
    CALIBRATION_SLOPE = "Calibration Slope", "ratio"
    R2 = "R2 out of Sample", "return", "higher"
    MADL = "MADL", "return", "lower"
    ABOVE_MEAN_SHARE = "Above Train Mean %", "share"
    BUY_AND_HOLD_SHARPE = "Buy & Hold Sharpe", "ratio", "higher"
    # of the rows that final fits learned from
    TRAIN_PREDICTION_STD = "Train Prediction Std", "number"
    TRAIN_CORRELATION = "Train Correlation", "number"
    # of networks: medians over folds and seeds
    NRC1 = "NRC1", "number"
    NRC2 = "NRC2", "number"
    COPIES_YESTERDAY = "Copies Yesterday", "number"
    HEAD_GRADIENT_FIRST = "Head Gradient, first epoch", "number"
    HEAD_GRADIENT_LAST = "Head Gradient, last epoch", "number"
    BEST_EPOCH = "Best Epoch", "number"
    # of the ledger
    PROBABILISTIC_SHARPE = "Sharpe above 0, PSR", "share", "higher"
    LO_SHARPE = "Sharpe, Lo 2002", "ratio", "higher"
    BEAT_BUY_AND_HOLD = "Beat Buy & Hold", "points", "higher"
    BEAT_VOLATILITY_MATCHED = "Beat Volatility-Matched", "points", "higher"
    MAX_DRAWDOWN = "Max Drawdown", "share", "lower"
    BREAK_EVEN_COST = "Break-even Cost", "bp", "higher"
    TURNOVER_A_YEAR = "Turnover a Year", "ratio"
    MEAN_EXPOSURE = "Mean Absolute Weight", "share"

    def of(self, value: float | None, n: int | None = None) -> Figure:
        """Return this figure as measured on `n` rows."""
        return Figure(str(self), value, self.unit, self.better, n)


PLAN_FIGURES: Mapping[str, Unit] = {
    name: name.unit
    for name in (
        FigureName.DIRECTION_ACCURACY,
        FigureName.PREDICTION_STD,
        FigureName.POSITIVE_SHARE,
        FigureName.WFE,
        FigureName.SHARPE,
    )
}
"""The five figures that open FINAL METRICS, in order, with their units."""


class ScoreName(StrEnum):
    """The rows of the scorecard, strategy beside baselines; `label` is what people read."""

    label: str
    unit: Unit
    better: Better

    def __new__(cls, name: str, label: str, unit: Unit, better: Better = "neither") -> ScoreName:
        """Make one row: its name, its label, unit, and which way is better."""
        member = str.__new__(cls, name)
        member._value_, member.label, member.unit, member.better = name, label, unit, better
        return member

    SHARPE = "sharpe", "Sharpe ratio", "ratio", "higher"
    SHARPE_T = "sharpe_t", "Sharpe t-statistic", "ratio", "higher"
    TOTAL_RETURN = "total_return", "Total return", "return", "higher"
    CAGR = "cagr", "CAGR, net", "return", "higher"
    VOLATILITY = "volatility", "Volatility a year", "return"
    MAX_DRAWDOWN = "max_drawdown", "Max drawdown", "share", "lower"
    CALMAR = "calmar", "Calmar ratio", "ratio", "higher"
    BEAT_BUY_AND_HOLD = "beat_buy_and_hold", "Beat buy & hold, a year", "points", "higher"
    BEAT_VOLATILITY_MATCHED = "beat_volatility_matched", "Beat volatility-matched, a year", "points", "higher"
    VOLATILITY_MATCHED_P = "volatility_matched_p", "p of the daily difference", "p", "lower"
    TIME_IN_MARKET = "time_in_market", "Time in market", "share"
    MEAN_EXPOSURE = "mean_exposure", "Mean |weight|", "share"
    TURNOVER_A_YEAR = "turnover_a_year", "Turnover a year", "ratio"
    COST_PAID = "cost_paid", "Cost paid, total", "return", "lower"
    BREAK_EVEN_COST = "break_even_bps", "Break-even cost", "bp", "higher"
    HIT_RATE = "hit_rate", "Hit rate of positions", "share", "higher"
    BETA = "beta", "Beta to buy & hold", "ratio"
    MARKET_CORRELATION = "correlation", "Correlation to buy & hold", "ratio"
