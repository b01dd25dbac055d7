"""The final exam: the lock-box of a run is scored, once, and the verdict is given again with its rows.

What a run forecast over its lock-box was made walk-forward while it trained, like everything before, and kept
without outcomes. Here they meet their outcomes. The register notes it before anybody sees a figure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from geiger import metrics
from geiger.backtest.baselines import BUY_AND_HOLD
from geiger.backtest.figures import sharpe
from geiger.columns import FORECASTS, require
from geiger.errors import DataError, SettingError
from geiger.evidence.trial import Trial
from geiger.evidence.trials import Register
from geiger.experiment.evaluation import evaluate
from geiger.experiment.material import Material
from geiger.experiment.own import estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.run import Finding
from geiger.experiment.tried import register_of
from geiger.judging.judge import judge
from geiger.records import Verdict, as_text
from geiger.report.gather import log_of
from geiger.runlog import add_verdict
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.studies.calibration import rates_of


@dataclass(frozen=True, kw_only=True)
class Exam:
    """What the lock-box said.

    Attributes
    ----------
    first, last : str
        Decision days that were scored, ISO; `days` are so many.
    correlation, error : float or None
        Of forecast and outcome on these days alone, and its standard error.
    sharpe, buy_and_hold : float or None
        Annual, net, on these days alone.
    scored_by : int
        Other tries that had scored days of it before, such as runs without a lock-box; 0 where it was fresh.
    before, after : Verdict
        Without these days, and with them.
    """

    run: str
    first: str
    last: str
    days: int
    correlation: float | None
    error: float | None
    sharpe: float | None
    buy_and_hold: float | None
    scored_by: int
    before: Verdict
    after: Verdict

    def lines(self) -> list[str]:
        """Return it for people, the answer first."""
        error = "" if self.error is None else f" (se {self.error:.3f})"
        rho = "undefined" if self.correlation is None else f"{self.correlation:.3f}{error}"
        held = as_text(self.buy_and_hold, "ratio")
        tries = "1 other try" if self.scored_by == 1 else f"{self.scored_by} other tries"
        stale = (f"  Not fresh: {tries} had scored days of it before.",) if self.scored_by else ()
        return [
            f"{self.after.answer}: {self.after.sentence}",
            f"  Lock-box of {self.days} days, {self.first} to {self.last}: correlation {rho}, net Sharpe "
            f"{as_text(self.sharpe, 'ratio')} (buy and hold {held})",
            f"  Before: {self.before.answer}, p with all tries {_p(self.before)} on {self.before.days} days; "
            f"with it: {self.after.answer}, p {_p(self.after)} on {self.after.days} days",
            *stale,
            "  It was opened now, and the register says so: it can be scored once.",
        ]


def unseal(stored: StoredRun, runs: RunsFolder, **own: Any) -> Exam:
    """Score the lock-box of a run, and give its verdict again.

    Parameters
    ----------
    own : optional
        ``target`` and ``estimator`` of the user's own that the run had, as `Experiment` takes them.

    Raises
    ------
    SettingError
        The run has no lock-box, or left no forecasts of it, or was not registered.
    DataError
        The lock-box was opened before, its outcomes are not known, or the data of the run are gone.
    """
    record, before = stored.require_alone().record, stored.record.verdict
    if record.kind != "train" or record.data.lockbox_from is None:
        raise SettingError(f"{stored.name}: has no lock-box; train with --lockbox, and name that run")
    if before is None or before.tries is None:
        raise SettingError(f"{stored.name}: is in no register of tries; train again, and unseal that run")
    config = stored.config()
    material = material_of_run(stored, config, runs, target=own.get("target"), forecasting=False)
    forecasts = all_rows(stored, material)
    sealed = forecasts.filter(pl.col("day") >= pl.lit(record.data.lockbox_from).str.to_date())
    if not sealed.height:
        raise SettingError(f"{stored.name}: kept no forecasts over its lock-box whose outcomes are known")
    first, last = str(sealed["day"][0]), str(sealed["day"][-1])
    experiment = Experiment(
        record.symbol,
        record.model,
        config,
        estimator=estimator_of_run(stored, own.get("estimator")),
        runs_dir=runs.root,
    )
    planned = with_lockbox(plan(experiment, material))
    register = register_of(runs)
    trial = _trial(register, stored, before)
    others = [one for one in register.sharing(trial.series, first, last) if one.number != trial.number]
    # Behind everything that can fail for want of something: what is noted here was seen.
    register.unseal(trial, stored.name, first, last)
    evaluation = evaluate(forecasts, stored.in_sample(), material.whole, config)
    finding = Finding(stored.name, planned, forecasts, evaluation, stored.name, before.tries.key)
    rates = rates_of(planned)
    after = judge(
        finding,
        audit=record.audit,
        check=before.check,
        rates="" if rates is None else rates.text(),
        not_checked=before.not_checked,
    )
    stored.note_verdict(after)
    log = log_of(stored, Path(record.log).parent if record.log else experiment.log_dir)
    if log is not None:
        add_verdict(log, after)
    f, y = (sealed[name].to_numpy() for name in ("forecast", "outcome"))
    within = evaluation.ledger["day"].is_in(sealed["day"].implode())
    net, held = (
        frame.filter(within)["net"].to_numpy()
        for frame in (evaluation.ledger, evaluation.baselines[BUY_AND_HOLD])
    )
    days_per_year, cash = material.market.days_per_year, config.trading.cash_yield
    return Exam(
        run=stored.name,
        first=first,
        last=last,
        days=sealed.height,
        correlation=metrics.correlation(f, y),
        error=metrics.correlation_error(f, y, config.horizon),
        sharpe=sharpe(net, days_per_year, cash),
        buy_and_hold=sharpe(held, days_per_year, cash),
        scored_by=len(others),
        before=before,
        after=after,
    )


def with_lockbox(planned: Plan) -> Plan:
    """Return a plan whose material has the locked rows too: it is scored on them, and nothing is fitted."""
    return replace(planned, material=planned.material.whole)


def is_opened(stored: StoredRun) -> bool:
    """Return whether the lock-box of a run was scored: then its verdict knows days of it."""
    verdict, locked = stored.record.verdict, stored.record.data.lockbox_from
    return verdict is not None and locked is not None and verdict.last >= locked


def all_rows(stored: StoredRun, material: Material) -> pl.DataFrame:
    """Return the FORECASTS frame of the scored rows and of those that were sealed, with their outcomes.

    A sealed row knows of its fold the spread of the target; its mean is that of all outcomes known by then.
    It counts to the last scored fold, which is the newest whose own train rows the run kept.
    """
    scored, target = stored.forecasts(), material.whole.target
    sealed = stored.sealed().join(target, on="day", how="inner", maintain_order="left")
    sealed = sealed.filter(pl.col("value").is_not_null(), pl.col("day") > scored["day"][-1])
    known, value = target["known_on"], target["value"]
    means = [value.filter((known <= day).fill_null(False)).mean() for day in sealed["day"]]
    ends = [known.filter((known <= day).fill_null(False)).max() for day in sealed["day"]]
    rows = sealed.select(
        "day",
        symbol=pl.lit(scored["symbol"][0]),
        model=pl.lit(scored["model"][0]),
        fold=pl.lit(scored["fold"][-1], dtype=pl.Int32),
        forecast=pl.col("forecast"),
        outcome=pl.col("value"),
        known_on=pl.col("known_on"),
        train_end=pl.Series(ends, dtype=pl.Date),
        train_mean=pl.Series(means, dtype=pl.Float64),
        train_std=pl.col("train_std"),
    )
    return require(pl.concat([scored, rows]), FORECASTS)


def _trial(register: Register, stored: StoredRun, verdict: Verdict) -> Trial:
    """Return what a run was registered as."""
    assert verdict.tries is not None
    for trial in register.sharing(verdict.tries.series, verdict.first, verdict.last):
        if trial.key == verdict.tries.key:
            return trial
    raise DataError(f"{register.chain.path}: has no try of {stored.name}; it is the register of other runs")


def _p(verdict: Verdict) -> str:
    return "undefined" if verdict.corrected_p is None else f"{verdict.corrected_p:.4f}"
