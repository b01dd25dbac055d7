"""What a report shows of one run, or of several side by side: records only, nothing computed here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from geiger.checks.base import Finding
from geiger.cross_section import CrossSection, RankRival
from geiger.evidence.error_rates import Rate
from geiger.records import (
    AuditSummary,
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Rival,
    Rung,
    Score,
    Year,
)
from geiger.runs.gist import Gist

Floats = npt.NDArray[np.float64]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HealthView:
    """The health of the test forecasts: its codes, its sentence, and the slope of the outcome on them."""

    codes: tuple[str, ...]
    meaning: str
    beta: float | None


@dataclass(frozen=True)
class DiagnosisView:
    """What the collapse doctor found in a network."""

    cause: str
    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Equity:
    """Running wealth of the strategy and of its baselines, each starting from 1 before the first day.

    Attributes
    ----------
    days : tuple of date (n,)
        Days on which the values became known.
    decided : (date, date) or None
        First and last day of decision.
    curves : mapping of str to array (n,)
        The strategy first.
    notes : tuple of str
        How the baselines were made.
    """

    days: tuple[dt.date, ...]
    curves: Mapping[str, Floats]
    notes: tuple[str, ...] = ()
    decided: tuple[dt.date, dt.date] | None = None


@dataclass(frozen=True, eq=False)
class Pairing:
    """Forecasts (n,) beside what came of them (n,), log returns of the test rows."""

    forecast: Floats
    outcome: Floats


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a stack's base models; not a number where one was left out.

    Attributes
    ----------
    days : tuple of date (b,)
        First decision of each block.
    models : mapping of str to array (b,)
    """

    days: tuple[dt.date, ...]
    models: Mapping[str, Floats]


@dataclass(frozen=True)
class Fall:
    """One fall of the equity from its highest point.

    Attributes
    ----------
    depth : float
        Share of the highest equity that was lost.
    start, trough : date
        Days of the highest and of the lowest equity.
    recovered : date or None
        First day at the old height again; None where it has not come.
    rows : int
        From the highest equity to its height again, or to the last day.
    """

    depth: float
    start: dt.date
    trough: dt.date
    recovered: dt.date | None
    rows: int


@dataclass(frozen=True, eq=False)
class Months:
    """Net returns by month, simple: years (Y,), returns (Y, 12), NaN without days, and whole years (Y,)."""

    years: tuple[int, ...]
    returns: Floats
    totals: Floats


@dataclass(frozen=True, eq=False)
class Rolling:
    """A figure of the last `window` days, again every day: days (n,), lines (n,), NaN before it is full."""

    window: int
    days: tuple[dt.date, ...]
    lines: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Distribution:
    """How often net returns of a day lay where: edges (b + 1,) in log steps alike, counts (b,) of each path.

    `facts` are mean, deviation, skew, kurtosis, worst and best day and the share above 0 of each path.
    """

    edges: Floats
    counts: Mapping[str, npt.NDArray[np.int64]]
    facts: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Stay:
    """Days in a row on one side of the market: `side` is long, short or flat; `net` what they brought."""

    side: str
    first: dt.date
    last: dt.date
    rows: int
    mean_weight: float
    net: float


@dataclass(frozen=True, eq=False)
class Positions:
    """What was held: weights (n,) over days (n,), and the stays on one side that they make."""

    days: tuple[dt.date, ...]
    weights: Floats
    stays: tuple[Stay, ...]
    trades: int
    turnover: float


@dataclass(frozen=True)
class CostPoint:
    """The same weights at another cost, or a day late; figures of the whole path."""

    label: str
    cost_bps: float
    late: bool
    sharpe: float | None
    cagr: float | None
    beat: float | None
    own: bool = False


@dataclass(frozen=True)
class Importance:
    """Share of the model's own measure that a feature brought, over folds."""

    feature: str
    mean: float
    least: float
    most: float


@dataclass(frozen=True)
class SharpeRange:
    """Where the Sharpe ratio may lie: 95% intervals, of resampled days and by formula.

    Attributes
    ----------
    value : float
    drawn : (float, float)
        2.5% and 97.5% of the ratios of resamples.
    formula : (float, float) or None
        1.96 errors to either side, skew and tails counted.
    block : float
        Mean length of the resampled blocks, days.
    """

    value: float
    drawn: tuple[float, float]
    formula: tuple[float, float] | None
    block: float
    resamples: int


@dataclass(frozen=True, eq=False, kw_only=True)
class PathView:
    """What the ledger and the forecasts of a run show beyond their figures; None where too few."""

    falls: tuple[Fall, ...] = ()
    months: Months | None = None
    rolling_sharpe: Rolling | None = None
    rolling_ic: Rolling | None = None
    distribution: Distribution | None = None
    positions: Positions | None = None
    costs: tuple[CostPoint, ...] = ()
    sharpe_range: SharpeRange | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class RunView:
    """Everything one page says about one run.

    Attributes
    ----------
    audit : AuditSummary or None
        Of the time-travel audit; without one `how_to_audit` says how it is made.
    days_per_year : int
        Trading days in a year of the run's market.
    forecasts_of : str or None
        The run whose forecasts a backtest traded.
    folds : tuple of FoldScore or None
        None where the run is too old to have them.
    labels : mapping of str to str
        Words for the names of `scores`.
    findings : tuple of Finding or None
        Of the analyzer; None where it was not asked.
    settings, idle_settings : pairs of text
        What shaped the run, and settings of parts it did not use.
    gaps : tuple of str
        What of the run folder could not be read, one sentence each.
    gist : Gist or None
        The answer first: what the terminal says of the run.
    paths : PathView
    importances : tuple of Importance
        The most important first.
    gates : tuple of Rate
        How often each gate of the plan was passed on made markets with nothing to find, by model and settings
        like these; empty where that was not measured.
    """

    name: str
    symbol: str
    model: str
    kind: str
    recipe: str
    status: str
    verdict: tuple[str, ...]
    finished_at: str
    audit: AuditSummary | None = None
    how_to_audit: str = ""
    days_per_year: int = 252
    forecasts_of: str | None = None
    health: HealthView | None = None
    diagnosis: DiagnosisView | None = None
    notices: tuple[Notice, ...] = ()
    figures: tuple[Figure, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    rungs: tuple[Rung, ...] = ()
    scores: tuple[Score, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    years: tuple[Year, ...] = ()
    folds: tuple[FoldScore, ...] | None = None
    trained: tuple[FoldResult, ...] = ()
    rivals: tuple[Rival, ...] = ()
    equity: Equity | None = None
    pairing: Pairing | None = None
    epochs: tuple[Epoch, ...] = ()
    weights: Weights | None = None
    findings: tuple[Finding, ...] | None = None
    data: Pairs = ()
    settings: Pairs = ()
    idle_settings: Pairs = ()
    environment: Pairs = ()
    gaps: tuple[str, ...] = ()
    gist: Gist | None = None
    paths: PathView = PathView()
    importances: tuple[Importance, ...] = ()
    gates: tuple[Rate, ...] = ()

    def figure(self, name: str) -> Figure | None:
        """Return one figure by its name, None where the run has none of it."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def score(self, name: str) -> Mapping[str, float | None]:
        """Return one row of the scorecard, by strategy and baseline; empty where there is none."""
        return next((dict(score.values) for score in self.scores if score.name == name), {})


@dataclass(frozen=True, eq=False, kw_only=True)
class RanksView:
    """Rank correlations of several runs of a panel.

    Attributes
    ----------
    own : tuple of CrossSection or None
        Of each run, as its record has it.
    common : tuple of RankRival
        Of each run but the first, on the days and symbols that both have: `mean` is that run's rank
        correlation, `gain` that of the first run less it. Empty where forecasts cannot be read.
    """

    own: tuple[CrossSection | None, ...]
    common: tuple[RankRival, ...] = ()


@dataclass(frozen=True)
class Paired:
    """One run beside the best: how much more the best made on the same days, a year, and its error.

    Attributes
    ----------
    gain, error : float or None
        Simple net return a year, the mean of daily differences; None where they do not differ.
    """

    name: str
    days: int
    gain: float | None
    error: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class CompareView:
    """Several runs side by side.

    Attributes
    ----------
    runs : tuple of RunView
    same_days : bool
        Whether all runs forecast exactly the same days.
    alike : bool
        Whether all runs are of the same symbol, prices, fill and costs: only then is one of them the best.
    cautions : tuple of str
        What stands in the way of reading the figures side by side.
    common : Equity or None
        Of the runs on the days that all of them have; None with fewer than two such days.
    common_figures : tuple of Score
        Figures on the common days, one value a run.
    common_note : str
        How many days make a year there.
    best : str or None
        The run with the highest Sharpe ratio on the common days; None where none can be called so.
    paired : tuple of Paired
        The best less each other run, on the common days.
    ranks : RanksView or None
        Of panels.
    differences : tuple of (name, one text a run)
        Settings that differ.
    origins : tuple of (name, one text a run)
        Data and versions, those that differ first marked by `differs`.
    """

    runs: tuple[RunView, ...]
    same_days: bool
    alike: bool
    cautions: tuple[str, ...]
    common: Equity | None
    common_figures: tuple[Score, ...] = ()
    common_note: str = ""
    best: str | None = None
    paired: tuple[Paired, ...] = ()
    ranks: RanksView | None = None
    differences: tuple[tuple[str, tuple[str, ...]], ...] = ()
    origins: tuple[tuple[str, tuple[str, ...]], ...] = ()
