"""What a run leaves behind, as frozen records: the words that the log, the report and the checks share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from geiger.cross_section import CrossSection

Unit = Literal["share", "points", "ratio", "return", "bp", "days", "rows", "p", "number"]
Better = Literal["higher", "lower", "neither"]


class Status(StrEnum):
    """The last word of a run log."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    COLLAPSED = "COLLAPSED"


class Outcome(StrEnum):
    """The answer of one checkpoint."""

    PASS = "PASS"
    FAIL = "FAIL"
    NOT_APPLICABLE = "NOT APPLICABLE"


@dataclass(frozen=True)
class Notice:
    """One warning: a stable code for programs, one plain sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Epoch:
    """One training epoch (or boosting round) of one member, on the fold's inner validation rows.

    `loss` and `val_loss` are mean squared errors (or the model's own loss) in units of the standardised
    target; `pred_std` is std(forecast)/std(target); `pos_pct` the share of forecasts above 0, in percent.
    """

    epoch: int
    loss: float
    val_loss: float
    pred_std: float
    pos_pct: float
    fold: int = 0
    seed: int = 0
    best: bool = False


@dataclass(frozen=True, kw_only=True)
class Training:
    """What one member's training looked like: what a diagnosis of its forecasts starts from.

    Attributes
    ----------
    fold, seed : int
        Which member.
    loss : str
        Name of the loss, with its usual settings.
    target_unit : {"standardised", "raw"}
        What the loss saw: returns in units of the train sigma, or log returns.
    target_std : float
        Train sigma of the target in its own unit, log return.
    weight_decay : float
        Half of it times the sum of the squared weights is added to the loss.
    learning_rate, final_learning_rate : float
        At the first step and at the last.
    epochs, best_epoch, steps : int
        Epochs and steps trained, and the epoch whose weights were kept; 0 is the untrained start.
    head_gradient_first, head_gradient_last : float
        Norm of the loss's gradient in the head's weights, mean of the first epoch and of the last.
    k_train, rho_train : float or None
        std(forecast) / std(outcome) and their correlation on the train rows, with the weights that were kept.
    nrc1, nrc2 : float or None
        Collapse of the last features onto a line, and onto the head's weights: 0 is complete.
    copies_yesterday : float or None
        Correlation of the test forecasts with the return of the day they were made.
    direction_weight : float or None
        Weight of a directional penalty; None for the usual one of the loss.
    """

    fold: int = 0
    seed: int = 0
    loss: str
    target_unit: Literal["standardised", "raw"]
    target_std: float
    weight_decay: float
    learning_rate: float
    final_learning_rate: float
    epochs: int
    best_epoch: int
    steps: int
    head_gradient_first: float
    head_gradient_last: float
    k_train: float | None
    rho_train: float | None
    nrc1: float | None
    nrc2: float | None
    copies_yesterday: float | None
    direction_weight: float | None = None


@dataclass(frozen=True)
class FoldResult:
    """What one fold did: its days (first and last, as ISO text), rows, and what its members chose."""

    fold: int
    train_first: str
    train_last: str
    valid_first: str
    valid_last: str
    test_first: str
    test_last: str
    train_rows: int
    valid_rows: int
    test_rows: int
    rounds: tuple[int, ...]  # trees, epochs or grid position chosen on the inner validation rows, one a seed
    seconds: float


@dataclass(frozen=True)
class Figure:
    """One measured quantity.

    `value` is None where the figure is undefined; `n` counts the rows behind it. The unit says how it is
    written: ``share`` 0.542 is 54.2%, ``points`` 0.05 is +5.0 pp, ``return`` 0.01 is 1.00%.
    """

    name: str
    value: float | None
    unit: Unit
    better: Better = "neither"
    n: int | None = None


@dataclass(frozen=True)
class Score:
    """One row of the scorecard: the same figure for the strategy and for each baseline."""

    name: str
    unit: Unit
    better: Better
    values: tuple[tuple[str, float | None], ...]  # (strategy or baseline, value), strategy first


@dataclass(frozen=True)
class Year:
    """One calendar year of the ledger, strategy beside buy-and-hold (simple net returns)."""

    year: int
    rows: int
    strategy: float
    buy_and_hold: float
    max_drawdown: float
    turnover: float


@dataclass(frozen=True)
class FoldScore:
    """What the test rows of one fold were worth; figures are None where they are undefined.

    Attributes
    ----------
    first, last : str
        First and last decision day, ISO.
    rho, k, above_mean, accuracy : float or None
        Correlation, std(forecast) / std(outcome), share above the train mean, direction accuracy.
    net, buy_and_hold : float or None
        Growth of the strategy and of buy-and-hold on these rows, simple, net of costs.
    """

    fold: int
    first: str
    last: str
    rows: int
    rho: float | None
    k: float | None
    above_mean: float | None
    accuracy: float | None
    net: float | None
    buy_and_hold: float | None


@dataclass(frozen=True)
class Checkpoint:
    """One of the plan's five checkpoints."""

    number: int
    name: str
    outcome: Outcome
    found: str
    action: str | None = None  # what the plan says to do where it failed, sharpened by what the run shows


@dataclass(frozen=True)
class Rung:
    """Where one success metric stands on the plan's ladder, and in its realistic bands."""

    name: str
    value: float | None
    unit: Unit
    minimum: float
    target: float
    stretch: float
    reached: Literal["none", "minimum", "target", "stretch"]
    band: Literal["below", "realistic", "good", "excellent", "no band"] = "no band"


@dataclass(frozen=True)
class Rival:
    """A simpler alternative to a stack, on the same days and under the same trading rule.

    Attributes
    ----------
    correlation, r2, accuracy, sharpe : float or None
        Of its forecasts with the outcome; R^2 against the running mean; share of right directions; net.
    gain, gain_error : float or None
        By how much the R^2 of the stack exceeds its own, and the standard error of that.
    """

    name: str
    correlation: float | None
    r2: float | None
    accuracy: float | None
    sharpe: float | None
    gain: float | None
    gain_error: float | None

    def text(self) -> str:
        """Return it in one line.

        >>> Rival("ridge", 0.031, 0.0009, 0.521, 0.4, 0.0002, 0.0011).text()
        'ridge: correlation 0.031, R2 0.09%, direction 52.1%, Sharpe 0.40; R2 of the stack +0.02 pp (se 0.11)'
        """
        gain = "undefined"
        if self.gain is not None and self.gain_error is not None:
            gain = f"{100 * self.gain:+.2f} pp (se {100 * self.gain_error:.2f})"
        correlation = "undefined" if self.correlation is None else f"{self.correlation:.3f}"
        return (
            f"{self.name}: correlation {correlation}, R2 {as_text(self.r2, 'return')}, "
            f"direction {as_text(self.accuracy, 'share')}, Sharpe {as_text(self.sharpe, 'ratio')}; "
            f"R2 of the stack {gain}"
        )


class HealthCode(StrEnum):
    """What the out-of-sample forecasts of a model look like, worst first."""

    NONFINITE = "NONFINITE"
    COLLAPSED_CONSTANT = "COLLAPSED_CONSTANT"
    COLLAPSED_SIGN = "COLLAPSED_SIGN"
    DRIFT_ONLY = "DRIFT_ONLY"
    OVERDISPERSED = "OVERDISPERSED"
    SHRUNK_OK = "SHRUNK_OK"
    NO_SKILL = "NO_SKILL"


@dataclass(frozen=True)
class Health:
    """One row of the health table, with the numbers behind it (out of sample).

    Attributes
    ----------
    code : HealthCode
        The first condition of the table that holds.
    also : tuple of HealthCode
        Further conditions that hold, none of them a failure; empty after a failure.
    meaning : str
        One plain sentence.
    n : int
        Forecast rows.
    k : float or None
        std(forecast) / std(outcome).
    rho, rho_hi : float or None
        Correlation of forecast and outcome, and its upper 97.5% bound.
    beta : float or None
        Calibration slope rho / k.
    positive, above_mean : float or None
        Share of forecasts above 0, and above the train mean of their fold.
    rho_error : float or None
        Standard error of the correlation, from its influence values.
    """

    code: HealthCode
    also: tuple[HealthCode, ...]
    meaning: str
    n: int
    k: float | None = None
    rho: float | None = None
    rho_hi: float | None = None
    beta: float | None = None
    positive: float | None = None
    above_mean: float | None = None
    rho_error: float | None = None

    @property
    def codes(self) -> tuple[HealthCode, ...]:
        """All conditions that hold, the first one first."""
        return (self.code, *self.also)

    @property
    def failed(self) -> bool:
        """Whether the forecasts cannot be used at all: some are not finite."""
        return self.code is HealthCode.NONFINITE

    @property
    def collapsed(self) -> bool:
        """Whether the model has collapsed to a constant or to one sign."""
        return self.code in (HealthCode.COLLAPSED_CONSTANT, HealthCode.COLLAPSED_SIGN)


class Cause(StrEnum):
    """What explains the forecasts of a network."""

    HEALTHY = "HEALTHY"
    RIGHTLY_SMALL = "RIGHTLY_SMALL"
    NO_SIGNAL = "NO_SIGNAL"
    LOSS_SCALE = "LOSS_SCALE"
    LEARNING_RATE = "LEARNING_RATE"
    DECAY = "DECAY"
    DEAD_HEAD = "DEAD_HEAD"
    COPIES_YESTERDAY = "COPIES_YESTERDAY"
    OVERDISPERSED = "OVERDISPERSED"
    BIAS = "BIAS"
    DIVERGED = "DIVERGED"


@dataclass(frozen=True)
class Diagnosis:
    """One cause, one plain sentence that names it and what to do, and the numbers it rests on."""

    cause: Cause
    text: str
    evidence: tuple[str, ...]

    @property
    def fault(self) -> bool:
        """Whether there is something to mend."""
        return self.cause not in (Cause.HEALTHY, Cause.RIGHTLY_SMALL, Cause.NO_SIGNAL)


NOT_EVALUATED = "not evaluated"  # of a verdict, until there is one
LOOKS_AHEAD, NOT_CAUGHT = "look-ahead in", "a planted leak was not caught"  # why an audit is red


@dataclass(frozen=True)
class LoggedScorecard:
    """The tables of the SCORECARD section."""

    scores: tuple[Score, ...] = ()
    rungs: tuple[Rung, ...] = ()
    years: tuple[Year, ...] = ()
    folds: tuple[FoldScore, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feeding:
    """How days reach a network: ``dense`` or ``windows``, and how many days it looks back, in days."""

    kind: str
    lookback: int
    burn_in: int


@dataclass(frozen=True)
class Objective:
    """What a network's training makes small: the loss, in which unit, and the directional penalty's weight.

    `direction_weight` is None for a loss that has no weight to set.
    """

    loss: str
    target_unit: str
    direction_weight: float | None = None


@dataclass(frozen=True)
class Residual:
    """What a network's change is added to, and the linear part beside it."""

    base: str
    skip: str


@dataclass(frozen=True)
class Optimizer:
    """The norm at which Adam's gradients are cut (None: never), and the weight decay."""

    clip_norm: float | None
    weight_decay: float


@dataclass(frozen=True)
class Plateau:
    """When the learning rate falls: by `factor` after `patience` units, never below `min_rate`.

    A rule that is off has a patience of None and nothing else.
    """

    patience: int | None = None
    factor: float | None = None
    unit: str | None = None
    min_rate: float | None = None


@dataclass(frozen=True)
class EarlyStopping:
    """When training stops, and which weights are kept.

    `patience` counts in `unit` (``epochs`` or ``steps``) and is None where training is never stopped early;
    `refit` says whether the chosen number of epochs was trained once more, on all rows.
    """

    patience: int | None
    unit: str | None
    keep_best: bool
    refit: bool = False


@dataclass(frozen=True)
class Weighing:
    """How a stack finds its weights; penalties only where the rule has them."""

    rule: str
    units: str | None = None
    alpha: float | None = None  # of the penalty itself, or
    alpha_share: float | None = None  # as a share of the largest that leaves a weight
    l1_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What shapes a model's training beside what every model has; None where that model has no such thing."""

    weighing: Weighing | None = None
    feeding: Feeding | None = None
    objective: Objective | None = None
    residual: Residual | None = None
    optimizer: Optimizer | None = None
    plateau: Plateau | None = None
    early_stopping: EarlyStopping | None = None


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of a run as values; None where the log does not say, or where there is no such thing.

    Attributes
    ----------
    epochs, trees : int
        At most so many; a model has one of them or neither.
    features : int
        How many.
    source, where : str
        Where the prices came from: ``folder`` or ``file`` and its path, or another source and its name.
    first_day, last_day : str
        Of the development rows, ISO; `rows` are so many.
    lockbox_rows : int
        Rows that are locked away, the first of them on `lockbox_from`; 0 where none are.
    context : tuple of str
        The market index and the volatility index; empty where there is none.
    rolling : int
        Train rows of a fold; None is an expanding window.
    refit_rows : int
        Rows between two folds.
    rule, risk : str
        How positions are sized.
    cost_bps : float
        Commission, spread and slippage of a unit of turnover, basis points.
    forecasts_of : str
        Of a backtest: the run whose forecasts it traded.
    own_features, own_target, own_estimator : str
        What is the user's own, each in one line: its name, its hash, its columns.
    members : int
        Of a panel: its symbols.
    runs_dir : str
        The folder of runs, where it is another one than `runs`.
    """

    symbol: str | None = None
    model: str | None = None
    epochs: int | None = None
    trees: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    features: int | None = None
    recipe: str | None = None
    source: str | None = None
    where: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    rows: int | None = None
    data_hash: str | None = None
    lockbox_rows: int | None = None
    lockbox_from: str | None = None
    context: tuple[str, ...] | None = None
    fill: str | None = None
    folds: int | None = None
    rolling: int | None = None
    refit_rows: int | None = None
    seeds: int | None = None
    seed: int | None = None
    rule: str | None = None
    risk: str | None = None
    cost_bps: float | None = None
    threads: int | None = None
    versions: str | None = None
    command: str | None = None
    training: TrainingSettings = TrainingSettings()
    forecasts_of: str | None = None
    own_features: str | None = None
    own_target: str | None = None
    own_estimator: str | None = None
    members: int | None = None
    runs_dir: str | None = None


@dataclass(frozen=True)
class ConfigSection:
    """The TRAINING CONFIG section: its lines as (name, text), and where they were made from values, these."""

    settings: tuple[tuple[str, str], ...] = ()
    values: RunSettings | None = None


@dataclass(frozen=True)
class Assessment:
    """What the health table and the doctor say of the test forecasts.

    Attributes
    ----------
    health : tuple of str
        Codes, the first one first; empty where nothing is said.
    cause : str or None
        What the doctor of networks found; None for other models.
    """

    health: tuple[str, ...] = ()
    cause: str | None = None


@dataclass(frozen=True)
class RegisterHead:
    """How far the register of trials had come: distinct trials, lines, and the hash of the last line."""

    trials: int
    length: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class AuditSummary:
    """What a log and a run's record keep of a time-travel audit.

    Attributes
    ----------
    color : str
        ``green`` or ``red``.
    day : str
        On which it was made, ISO.
    leak : str or None
        Stage and column of the first leak; None where there was none.
    cause, mend : str or None
        What that leak most likely comes from, and what to do.
    other : tuple of str
        In what the audit was made otherwise than the run it stands beside: ``code``, ``trading settings``.
    key : str or None
        Under which the whole audit is kept; None where it is not.
    """

    color: Literal["green", "red"]
    stages: int
    cuts: int
    day: str
    leak: str | None = None
    cause: str | None = None
    mend: str | None = None
    other: tuple[str, ...] = ()
    key: str | None = None

    @property
    def green(self) -> bool:
        """Whether nothing was found to look ahead."""
        return self.color == "green"

    def text(self) -> str:
        """Return it as one line, which `runlog.wording.audit_in` reads.

        >>> AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29").text()
        'green, 13 stages, 8 cuts, 2026-11-29'
        """
        other = f", of other {' and '.join(self.other)}" if self.other else ""
        told = f"{self.color}, {self.stages} stages, {self.cuts} cuts, {self.day}{other}"
        if self.green:
            return told
        return f"{told}; {NOT_CAUGHT if self.leak is None else f'{LOOKS_AHEAD} {self.leak}'}"


class Answer(StrEnum):
    """Whether forecasts know something of their outcomes.

    The answer on forecasts that were made elsewhere has a word of its own, so that no program which asks for
    SIGNAL takes it for one that was audited.
    """

    SIGNAL = "SIGNAL"
    SIGNAL_IF_IN_TIME = "SIGNAL, if made in time (not audited)"
    NO_SIGNAL = "NO SIGNAL"
    CANNOT_TELL = "CANNOT TELL"


class Worth(StrEnum):
    """Whether trading them earned more than holding the market at the same volatility."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


class Why(StrEnum):
    """Why an answer is no other: stable codes, each with a sentence of its own in a verdict."""

    RINGS = "RINGS"  # the scores are above what luck and the tries explain
    WEAK = "WEAK"  # they are not
    DOES_NOT_PAY = "DOES_NOT_PAY"  # what they can hold at most would not pay for its trading
    LOOK_AHEAD = "LOOK_AHEAD"
    ALARM = "ALARM"
    NOT_AUDITED = "NOT_AUDITED"
    TRIES_UNKNOWN = "TRIES_UNKNOWN"
    FEW_DAYS = "FEW_DAYS"
    NO_SPREAD = "NO_SPREAD"
    NOT_TRADABLE = "NOT_TRADABLE"  # beside a signal: nobody can buy what it is of
    AT_THE_CLOSE = "AT_THE_CLOSE"  # beside a signal: filled at a price that the forecast has seen
    REGIME = "REGIME"  # beside a signal: the forecasts follow a mean that may be a spell
    FEW_DAYS_DECIDE = "FEW_DAYS_DECIDE"  # without cuts the slope has the other sign
    NO_FORECASTS = "NO_FORECASTS"  # there are returns alone, in which skill and market are one


@dataclass(frozen=True, kw_only=True)
class Tries:
    """How often forecasts of this series were looked at on days that these share.

    Attributes
    ----------
    key : str
        What was tried, and `series` on which prices, as the register knows them.
    skill, economic : int
        Different forecasts, and different ways of trading them; this one counts.
    lost : int
        Of the first those whose daily scores are gone: they count as independent.
    new : bool
        Whether this is one more than before; not of a rerun, and not where days were appended.
    head : RegisterHead or None
        Of the register with this try in it; None where the user stated the number, and no register knows it.
    """

    key: str
    series: str
    skill: int
    economic: int
    lost: int = 0
    new: bool = True
    head: RegisterHead | None = None


class SourceVerdict(StrEnum):
    """What a check source says of a pipeline."""

    OK = "ok"
    BROKEN = "broken"
    TOO_LITTLE = "too little data"


@dataclass(frozen=True, kw_only=True)
class SourceArm:
    """Worlds with a planted source of one strength: what the score test said in each of them.

    Attributes
    ----------
    r2 : float
        Share of the outcome's variance that was planted; 0 where nothing was.
    p_values : tuple of float
        Of the model's forecasts, one a world.
    oracle_p_values : tuple of float
        Of the planted signal itself, used as the forecast; empty where nothing was planted.
    """

    r2: float
    p_values: tuple[float, ...] = ()
    oracle_p_values: tuple[float, ...] = ()

    @property
    def paths(self) -> int:
        """Worlds."""
        return len(self.p_values)

    def rings(self, level: float) -> int:
        """Return in how many worlds the model's forecasts lie below this p."""
        return sum(p < level for p in self.p_values)

    def oracle_rings(self, level: float) -> int:
        """Return in how many worlds the planted signal itself does."""
        return sum(p < level for p in self.oracle_p_values)


@dataclass(frozen=True, kw_only=True)
class CheckSource:
    """A known source held to the counter: the user's own prices and settings, with other labels.

    Attributes
    ----------
    level : float
        A p rings below it, which counts the tries where there were more than one.
    source : str
        What was planted, in words.
    days : int
        Scored days of each world; too few of them tell nothing, and no world is made then.
    null : SourceArm
        Nothing planted: what rings here rings falsely.
    planted : tuple of SourceArm
        The strongest last.
    effort : tuple of str
        What was lighter than in training, in words; empty where nothing was.
    key : str or None
        Under which it is kept; None where it is not.
    """

    symbol: str
    model: str
    level: float
    source: str
    days: int
    null: SourceArm
    planted: tuple[SourceArm, ...]
    effort: tuple[str, ...] = ()
    seconds: float = 0.0
    day: str = ""
    key: str | None = None

    def at(self, level: float) -> CheckSource:
        """Return the same worlds, ringing below another p."""
        return replace(self, level=level)

    @property
    def verdict(self) -> SourceVerdict:
        """Whether the pipeline finds the strongest source, and if not, whether the source was to be found.

        It is broken where the planted signal itself rings in at least 90% of the worlds and the pipeline in
        less than half of them.
        """
        strongest = self.planted[-1] if self.planted else None
        if strongest is None or not strongest.paths:
            return SourceVerdict.TOO_LITTLE
        if 2 * strongest.rings(self.level) >= strongest.paths:
            return SourceVerdict.OK
        findable = 10 * strongest.oracle_rings(self.level) >= 9 * strongest.paths
        return SourceVerdict.BROKEN if findable else SourceVerdict.TOO_LITTLE

    def text(self) -> str:
        """Return it as one clause.

        >>> none = SourceArm(r2=0.0, p_values=(0.5, 0.004))
        >>> weak = SourceArm(r2=0.005, p_values=(0.2, 0.001), oracle_p_values=(0.001, 0.001))
        >>> held = {"symbol": "A", "model": "ridge", "level": 0.01, "source": "x", "days": 900}
        >>> CheckSource(**held, null=none, planted=(weak,)).text()
        'on these very prices it rang falsely in 1 of 2 and found a planted R2 of 0.5% in 1 of 2'
        """
        if not self.null.paths:
            return f"on these very prices nothing can be told: {self.days} scored days are too few"
        found = ", ".join(
            f"of {100 * arm.r2:g}% in {arm.rings(self.level)} of {arm.paths}" for arm in self.planted
        )
        told = (
            f"on these very prices it rang falsely in {self.null.rings(self.level)} of {self.null.paths}"
            + (f" and found a planted R2 {found}" if found else "")
        )
        if self.verdict is SourceVerdict.OK or not self.planted:
            return told
        strongest = self.planted[-1]
        itself = (
            f"the planted signal itself rang in {strongest.oracle_rings(self.level)} of {strongest.paths}"
        )
        if self.verdict is SourceVerdict.BROKEN:
            return f"{told}; {SourceVerdict.BROKEN}: {itself}, but the model does not learn it"
        return f"{told}; {SourceVerdict.TOO_LITTLE}: {itself} at {100 * strongest.r2:g}%"


@dataclass(frozen=True, kw_only=True)
class OfPanel:
    """What the verdict on a panel has beside that of one symbol.

    The verdict itself is on selection: which symbols of a day do better. Its slope is by how many daily
    volatilities an outcome moves with one unit of the score, and its `difference` is to equal weight at the
    same exposure.

    Attributes
    ----------
    symbols : int
        Members.
    names : float
        Symbols of a day that counts, on average.
    together : float
        Mean correlation of what two symbols add to the score of a day, 0 or more.
    symbols_for_measured, symbols_for_needed : int or None
        Symbols a day, over the same days, with which an effect as large as measured, or as needed, would be
        found in four of five samples; None where no number of them would be enough.
    timing_days : int
        Days on which the mean forecast has a score against the equally weighted market.
    timing_statistic, timing_p, timing_corrected_p : float or None
        As of the verdict; None where nothing is told, or the tries are not known.
    """

    symbols: int
    names: float
    together: float = 0.0
    symbols_for_measured: int | None = None
    symbols_for_needed: int | None = None
    timing_days: int = 0
    timing_statistic: float | None = None
    timing_p: float | None = None
    timing_corrected_p: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found, and what the answer rests on.

    Attributes
    ----------
    sentence : str
        The answer for a person who knows no statistics.
    reasons : tuple of Notice
        Why it is this answer, worst first, with the codes of `Why`.
    days : int
        Test days with a score; `first` and `last` are decision days, ISO.
    statistic, p_value, corrected_p : float or None
        Mean score over its error, its one-sided p, and that p with all tries counted; None where nothing is
        told, or the tries are not known.
    level : float
        Below which `corrected_p` must lie.
    second_p : float or None
        One-sided p of the partial normal scores, a second opinion that decides nothing.
    slope, slope_error : float or None
        Log return that the outcome moves with one of the forecast; 1 is calibrated.
    needed_slope : float or None
        Slope from which on the trading paid its costs; None where it is not defined.
    explained, detectable : float or None
        Share of the outcome's variance that forecasts of this slope explain, below 0 for a negative slope;
        and the smallest share that would have been found in four of five such samples.
    days_for_measured, days_for_needed : int or None
        Days that are still missing until an effect as large as measured, or as needed, would be found in four
        of five samples; 0 where the days are enough.
    worth_p, worth_corrected_p : float or None
        Block-bootstrap p that the net difference to volatility-matched buy and hold is above 0, of a panel
        that to equal weight at the same exposure.
    difference : float or None
        That difference, simple return a year.
    deflated_sharpe : float or None
        Shown, and decides nothing.
    rates : str
        Measured error rates of the verdict for these settings; empty where they were not measured.
    panel : OfPanel or None
        None of one symbol.
    not_checked : tuple of str
        What the verdict does not rest on, and why.
    made_on, data_to : str
        ISO days; `data_to` is that of the last bar it knows: what is locked lies behind it.
    """

    answer: Answer
    sentence: str
    reasons: tuple[Notice, ...]
    alarms: tuple[Notice, ...] = ()
    days: int
    first: str
    last: str
    statistic: float | None = None
    p_value: float | None = None
    corrected_p: float | None = None
    level: float
    second_p: float | None = None
    slope: float | None = None
    slope_error: float | None = None
    needed_slope: float | None = None
    explained: float | None = None
    detectable: float | None = None
    days_for_measured: int | None = None
    days_for_needed: int | None = None
    worth: Worth = Worth.CANNOT_TELL
    worth_p: float | None = None
    worth_corrected_p: float | None = None
    difference: float | None = None
    deflated_sharpe: float | None = None
    tries: Tries | None = None
    check: CheckSource | None = None
    rates: str = ""
    panel: OfPanel | None = None
    not_checked: tuple[str, ...] = ()
    made_on: str
    data_to: str


@dataclass(frozen=True)
class RunLog:
    """One run log.

    Attributes
    ----------
    schema : int
        Version it was written in; 0 is a log that has only the plan's own sections.
    config : tuple of (name, text)
        In the order written.
    settings : RunSettings or None
        The same as values, and `assessment` those of two notes: where the log is a text alone nobody has
        lifted them yet (`runlog.wording`).
    epochs : tuple of Epoch
        Of all folds and seeds where the events were read; of one member where only the text was.
    progress : tuple of Epoch
        Epochs as they happened, some of them, while the fold was still in training; never in the text.
    folds : tuple of FoldResult
        Never in the text.
    cross_section : CrossSection or None
        Of a panel; never lifted from the text.
    trainings : tuple of Training
        One a network member, never in the text; empty for other models.
    verdict : tuple of str
        One line each, the answer first.
    judged : Verdict or None
        The same as values; None in logs without events, and where there is no verdict.
    audit : AuditSummary or None
        Of the time-travel audit; None where the run had none, or is too old to have had one.
    status : Status or None
        None where the run was stopped, was killed or still goes on.
    stopped : str
        By whom, where the run itself wrote down that it was stopped; empty for others.
    lines : mapping of str to int
        Where a fact stands in the text, counted from 1: ``"FINAL METRICS/WFE"``, ``"EPOCH METRICS/12"``,
        ``"CHECKPOINTS/3"``, ``"WARNINGS/LEAK_SUSPECT"``, ``"VERDICT/Audit"``, ``"SCORECARD/Note/Health"`` (a
        note by its first word), or a section's own name for its heading.
    event_lines : mapping of str to int
        The same for the events: ``"epoch/2/0/17"`` (fold, seed, epoch), ``"fold/2"``, ``"training/2/0"``,
        ``"audit"``.
    unread : tuple of int
        Lines that say nothing this reader knows, of the text where there is one.
    second_run : int or None
        Line in which another run begins: what is read is a mixture then.
    """

    schema: int = 1
    config: tuple[tuple[str, str], ...] = ()
    settings: RunSettings | None = field(default=None, compare=False)
    assessment: Assessment | None = field(default=None, compare=False)
    epochs: tuple[Epoch, ...] = ()
    progress: tuple[Epoch, ...] = field(default=(), compare=False)
    folds: tuple[FoldResult, ...] = ()
    trainings: tuple[Training, ...] = ()
    figures: tuple[Figure, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    scorecard: LoggedScorecard = LoggedScorecard()
    cross_section: CrossSection | None = None
    verdict: tuple[str, ...] = (NOT_EVALUATED,)
    judged: Verdict | None = None
    audit: AuditSummary | None = None
    warnings: tuple[Notice, ...] = ()
    status: Status | None = None
    stopped: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    event_lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    unread: tuple[int, ...] = field(default=(), compare=False)
    second_run: int | None = field(default=None, compare=False)


SMALLEST_P = 0.001  # what is less is told as less than that


def p_as_told(p: float | None) -> str:
    """Write a p for people: none is 0. Logs, whose figures are read again, keep the bare number.

    >>> p_as_told(0.0004), p_as_told(0.001), p_as_told(None)
    ('<0.001', '0.001', 'undefined')
    """
    return f"<{SMALLEST_P}" if p is not None and p < SMALLEST_P else as_text(p, "p")


def as_text(value: float | None, unit: Unit) -> str:
    """Write `value` for people, in the one notation of its unit.

    >>> [as_text(0.542, "share"), as_text(0.0512, "points"), as_text(None, "ratio"), as_text(0.873, "ratio")]
    ['54.2%', '+5.1 pp', 'undefined', '0.87']
    >>> [as_text(0.0123, "return"), as_text(4.2, "bp"), as_text(12.0, "days"), as_text(0.0321, "p")]
    ['1.23%', '4.20 bp', '12', '0.032']
    """
    if value is None or not math.isfinite(value):
        return "undefined"
    match unit:
        case "share":
            return f"{100 * value:.1f}%"
        case "points":
            return f"{100 * value:+.1f} pp"
        case "return":
            return f"{100 * value:z.2f}%"
        case "bp":
            return f"{value:.2f} bp"
        case "days" | "rows":
            return f"{value:.0f}"
        case "p":
            return f"{value:.3f}"
        case "ratio":
            return f"{value:.2f}"
        case "number":
            return f"{value:.4f}"
