"""The verdict on a run: what its forecasts and its trades come to, with all tries counted."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import polars as pl

from geiger.backtest.baselines import VOLATILITY_MATCHED
from geiger.command_line import Folders
from geiger.evidence.day_test import DayTest, Ints
from geiger.evidence.regime import following
from geiger.evidence.score_test import LEVEL, ScoreTest
from geiger.evidence.sharpe import deflated_sharpe
from geiger.experiment.material import Material
from geiger.experiment.run import Finding
from geiger.experiment.scored import daily_returns, scored, second_opinion
from geiger.judging.economics import Economics, economics
from geiger.judging.rule import Evidence, answer
from geiger.judging.tries import Counted, count
from geiger.records import AuditSummary, CheckSource, Verdict, Worth
from geiger.runlog.wording import how_to_audit

LEAK, NOT_TRADABLE = "LEAK_SUSPECT", "NOT_TRADABLE"


def judge(
    finding: Finding,
    *,
    audit: AuditSummary | None,
    check: CheckSource | None = None,
    rates: str = "",
    not_checked: tuple[str, ...] = (),
) -> Verdict:
    """Register the try, and give the verdict on a run.

    Parameters
    ----------
    finding : Finding
        Forecasts and their trades; nothing of it was shown yet.
    audit : AuditSummary, optional
        Of what made the forecasts.
    check : CheckSource, optional
        The check source, where it was held.
    rates : str
        Measured error rates for these settings, in words; empty where none were measured.
    not_checked : tuple of str
        What the caller left out, and why.
    """
    planned, evaluation = finding.planned, finding.evaluation
    config, material = planned.experiment.config, planned.material
    test = scored(finding.forecasts, material, config.horizon)
    worth = economics(evaluation.ledger, evaluation.baselines[VOLATILITY_MATCHED], config.seed)
    counted = count(finding, test, worth)
    found = _evidence(finding, test, counted, audit)
    told = skill_verdict(
        found,
        material.prices["day"],
        second_p=second_opinion(finding.forecasts, material, config.horizon),
    )
    return replace(
        told,
        worth=Worth.CANNOT_TELL if found.not_tradable else worth_of(worth, counted),
        worth_p=worth.p_value,
        worth_corrected_p=counted.worth_p,
        difference=float(worth.difference.mean()) * material.market.days_per_year,
        deflated_sharpe=deflated(worth, counted),
        check=None if check is None else check.at(found.level_of_one),
        rates=rates,
        not_checked=not_checked,
    )


def skill_verdict(found: Evidence, day: pl.Series, *, second_p: float | None) -> Verdict:
    """Return the answer and all that it rests on, without what trading was worth.

    Parameters
    ----------
    day : Series of date (N,)
        Of all rows that the test was given, the last of which is the last bar that is known.
    second_p : float or None
        Of the partial normal scores.
    """
    test = found.test
    word, sentence, reasons = answer(found)
    told, days = test.statistic is not None, day.gather(test.row)
    return Verdict(
        answer=word,
        sentence=sentence,
        reasons=reasons,
        alarms=tuple(found.alarms),
        days=test.n,
        first=str(days[0]) if test.n else "",
        last=str(days[-1]) if test.n else "",
        statistic=test.statistic,
        p_value=test.p_value if told else None,
        corrected_p=found.corrected_p if told else None,
        level=LEVEL,
        second_p=second_p if told else None,
        slope=test.slope,
        slope_error=test.slope_error,
        needed_slope=found.needed_slope,
        explained=_explained(test),
        detectable=found.detectable,
        days_for_measured=found.days_for(test.slope),
        days_for_needed=found.days_for(found.needed_slope),
        tries=found.tries,
        made_on=dt.date.today().isoformat(),
        data_to=str(day[-1]),
    )


def _evidence(finding: Finding, test: ScoreTest, counted: Counted, audit: AuditSummary | None) -> Evidence:
    material, evaluation = finding.planned.material, finding.evaluation
    folders = Folders.of(finding.planned.experiment.runs_dir)
    return Evidence(
        test=test,
        tries=counted.tries,
        corrected_p=counted.skill_p,
        needed_slope=needed_slope(test, finding.forecasts["day"], material, evaluation.ledger),
        alarms=tuple(notice for notice in evaluation.notices if notice.code == LEAK),
        not_tradable=any(notice.code == NOT_TRADABLE for notice in material.notices),
        at_the_close=material.fill == "close",
        following=following(daily_returns(material), test.scores),
        audit=audit,
        tries_unknown=counted.unknown,
        how_to_audit=how_to_audit(finding.trained, finding.planned.own.kinds, folders),
    )


def needed_slope(test: ScoreTest, days: pl.Series, material: Material, ledger: pl.DataFrame) -> float | None:
    """Return the slope from which on the trading paid its costs; None where more forecast was no more gain.

    With a slope b the outcome moves by b s g more than it does by itself, of which a position W earns W b s g
    (Methods: docs/verdict.md). The cost is that of the ledger, turnover times what a unit of it costs.
    """
    return slope_that_pays(test, material.rows_of(days), ledger)


def slope_that_pays(test: ScoreTest, rows: Ints, ledger: pl.DataFrame) -> float | None:
    """Return the same where the ledger's rows (n,) stand at `rows` among those of the test."""
    kept = np.isin(rows, test.scores.row)
    if not kept.any():
        return None
    scores, weight = test.scores, ledger["weight"].to_numpy()[kept]
    gain = float((weight * scores.s * scores.g).mean()) / test.horizon
    cost = float(ledger["cost"].to_numpy()[kept].mean())
    return cost / gain if gain > 0.0 else None


def _explained(test: DayTest) -> float | None:
    """Return the share of the outcome's variance that the measured slope explains, below 0 with the slope."""
    if test.slope is None:
        return None
    share = test.explained(test.slope)
    return None if share is None else math.copysign(share, test.slope)


def worth_of(worth: Economics, counted: Counted) -> Worth:
    """Return whether trading was worth it, with all ways of it counted."""
    if counted.worth_p is not None and counted.worth_p < LEVEL:
        return Worth.YES
    return Worth.NO if worth.p_below is not None and worth.p_below < 0.05 else Worth.CANNOT_TELL


def deflated(worth: Economics, counted: Counted) -> float | None:
    """Return the Sharpe ratio's probability of being above what the best of all tries has by chance."""
    if worth.sharpe is None or counted.tries is None:
        return None
    z = (worth.net - worth.net.mean()) / worth.net.std()
    return deflated_sharpe(
        worth.sharpe,
        worth.net.size,
        trials=counted.tries.economic,
        spread=counted.sharpe_spread,
        skew=float((z**3).mean()),
        kurtosis=float((z**4).mean()),
    )
