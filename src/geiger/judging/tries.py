"""What a run is among all tries: registered before its figures are shown, its p corrected for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geiger.errors import DataError
from geiger.evidence.day_files import DayValues
from geiger.evidence.many_tries import DayScores, adjusted_p
from geiger.evidence.score_test import ScoreTest
from geiger.evidence.trial import Trial
from geiger.evidence.trials import Register
from geiger.experiment.key import economic_key
from geiger.experiment.run import Finding
from geiger.experiment.tried import Tried, register_of, span, tried
from geiger.judging.economics import BLOCK, Economics
from geiger.records import Tries
from geiger.settings import Config


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A run among all tries.

    Attributes
    ----------
    tries : Tries or None
        None where nobody can say how many there were, and `unknown` why.
    skill_p, worth_p : float or None
        The p of forecasts and of trading, with all tries counted.
    beside_p : tuple of float
        That of the run's further tests of its forecasts, each a try of its own.
    sharpe_spread : float
        Standard deviation, over the ways of trading, of the Sharpe ratios per day; 0 for one alone.
    """

    tries: Tries | None = None
    skill_p: float | None = None
    worth_p: float | None = None
    beside_p: tuple[float, ...] = ()
    sharpe_spread: float = 0.0
    unknown: str = ""


def count(finding: Finding, test: ScoreTest, worth: Economics) -> Counted:
    """Register forecasts and trading as one try each, and correct their p for the others of the same days.

    A register that was changed, or cannot be read or written, stops no run: then the tries are unknown.
    """
    if not test.n:
        return Counted(unknown="no day has a score")
    planned = finding.planned
    material, config, told = planned.material, planned.experiment.config, _settings(finding)
    skill = tried(material, test, key=finding.trial, run=finding.name, model=planned.model, settings=told)
    return counted(register_of(planned.experiment.runs), [skill], worth, config)


def counted(
    register: Register, skills: Sequence[Tried], worth: Economics, config: Config, way: str = ""
) -> Counted:
    """Register tests of the same forecasts, the first of which answers, and a way of trading them.

    All are written down before any of them is corrected.

    Parameters
    ----------
    way : str
        How they are traded, for people; by default by the rule of the settings.
    """
    first = skills[0]
    net = DayValues.of(worth.days, worth.difference)
    trade = Tried(
        replace(
            first.trial,
            kind="economic",
            key=economic_key(first.trial.key, config),
            **span(net),
            statistic=worth.sharpe,
            p_value=1.0 if worth.p_value is None else worth.p_value,
            settings=f"{first.trial.settings}; {_trading(config, way)}",
        ),
        first.returns,
        net,
    )
    try:
        *of_skills, of_trade = [one.register(register) for one in (*skills, trade)]
        among = [
            _sharing(register, done.trial, one.scores) for one, done in zip(skills, of_skills, strict=True)
        ]
        trades = _sharing(register, of_trade.trial, net)
        skill_p, *beside = (
            _corrected(all_of, one.trial, config.seed) for all_of, one in zip(among, of_skills, strict=True)
        )
        worth_p = _corrected(trades, of_trade.trial, config.seed)
    except DataError as error:
        return Counted(unknown=str(error))
    sharpes = [one.statistic for one, _ in trades if one.statistic is not None]
    tries = Tries(
        key=first.trial.key,
        skill=len(among[0]),
        economic=len(trades),
        lost=sum(scores is None for _, scores in among[0]),
        new=of_skills[0].counted,
        series=of_skills[0].trial.series,
        head=of_trade.head,
    )
    return Counted(
        tries=tries,
        skill_p=skill_p,
        worth_p=None if worth.p_value is None else worth_p,
        beside_p=tuple(beside),
        sharpe_spread=float(np.std(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0,
    )


def _settings(finding: Finding) -> str:
    """Return what was tried in one line, for people."""
    config, own = finding.planned.experiment.config, finding.planned.own
    parts = (
        f"recipe {config.recipe}, {finding.planned.material.fill}, horizon {config.horizon}",
        f"seeds {config.seeds} from {config.seed}, refit {config.refit}",
        *(f"own {kind}" for kind in own.kinds),
    )
    return ", ".join(parts)


def _trading(config: Config, way: str) -> str:
    trading = config.trading
    return f"{way or trading.rule}, risk {trading.risk}, {trading.cost_bps + trading.slippage_bps:g} bp"


def _sharing(register: Register, trial: Trial, own: DayValues) -> list[tuple[Trial, DayScores | None]]:
    """Return all trials of the same prices and days, this one among them, and what each scored a day."""
    found = []
    for one in register.among(trial):
        values = own if one.scores == own.digest else register.scores_of(one)
        scores = (
            None if values is None else DayScores(values.day.astype(np.int64), values.value.astype(float))
        )
        found.append((one, scores))
    return found


def _corrected(trials: list[tuple[Trial, DayScores | None]], trial: Trial, seed: int) -> float:
    """Return the p of a trial with all others counted; those whose scores are gone count as independent."""
    kept = [(one, scores) for one, scores in trials if scores is not None]
    which = next(place for place, (one, _) in enumerate(kept) if one.number == trial.number)
    return adjusted_p(
        [scores for _, scores in kept],
        which,
        [one.p_value for one, _ in kept],
        lost=len(trials) - len(kept),
        block=BLOCK,
        seed=seed,
    )
