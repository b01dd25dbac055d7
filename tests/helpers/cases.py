"""A healthy run as its checks see it, and ways to make one thing wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from geiger.checks.base import Case, Check, Fires
from geiger.checks.catalogue import CHECKS
from geiger.records import (
    AuditSummary,
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    LoggedScorecard,
    Notice,
    Outcome,
    RunLog,
    Score,
    Status,
    Training,
    Year,
)

CONFIG = {
    "Symbol": "AAPL",
    "Model": "lstm",
    "Features": "154",
    "Recipe": "default",
    "Data": "folder (my prices)",
    "Days": "2010-01-04 to 2025-12-01 (4000 rows)",
    "Data Hash": "0123456789ab",
    "Lock-box": "last 252 rows, from 2024-12-01",
    "Context": "SPY",
    "Fill": "next_open",
    "Cost": "5 bp a unit of turnover",
    "Plateau": "x 0.5 after 10 epochs, at least 1e-06",
    "Early Stopping": "patience 30 epochs, best weights kept",
    "Versions": "code 1, Python 3.11",
}


TRAINING = Training(
    loss="mse",
    target_unit="standardised",
    target_std=0.01,
    weight_decay=0.0,
    learning_rate=1e-3,
    final_learning_rate=2.5e-4,
    epochs=20,
    best_epoch=9,
    steps=900,
    head_gradient_first=1.0,
    head_gradient_last=0.5,
    k_train=0.1,
    rho_train=0.1,
    nrc1=None,
    nrc2=None,
    copies_yesterday=0.0,
)


NAME = "AAPL_lstm_20251229_143022"
CODES = {check.code: check for check in CHECKS}


def epochs(losses: list[tuple[float, float]], fold: int = 0) -> tuple[Epoch, ...]:
    return tuple(Epoch(i + 1, loss, val, 0.05, 52.0, fold=fold) for i, (loss, val) in enumerate(losses))


def fold_score(fold: int, above: float | None = 0.5, net: float = 0.05) -> FoldScore:
    return FoldScore(
        fold, f"20{10 + fold}-01-04", f"20{10 + fold}-12-30", 252, 0.02, 0.1, above, 0.52, net, 0.06
    )


def figures(**changes: float | None) -> tuple[Figure, ...]:
    values = {
        "Direction_Accuracy": 0.53,
        "Prediction_Std": 0.06,
        "Positive_%": 0.6,
        "WFE": 0.6,
        "Test_Sharpe": 0.8,
        "Correlation": 0.05,
        "Train_Correlation": 0.1,
        "Break-even_Cost": 12.0,
        "Buy_&_Hold_Sharpe": 0.7,
        **changes,
    }
    return tuple(Figure(name.replace("_", " "), value, "number") for name, value in values.items())


GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2025-12-29")


def healthy() -> RunLog:
    """A complete log in which nothing is wrong."""
    points = tuple(Checkpoint(n, f"checkpoint {n}", Outcome.PASS, "fine") for n in range(1, 6))
    scores = (
        Score("correlation", "ratio", "neither", (("strategy", 0.3), ("buy_and_hold", 1.0))),
        Score("volatility_matched_p", "p", "lower", (("strategy", 0.01),)),
    )
    card = LoggedScorecard(
        scores=scores,
        years=tuple(Year(year, 252, 0.05, 0.06, 0.1, 9.0) for year in range(2010, 2014)),
        folds=tuple(fold_score(fold) for fold in range(4)),
        notes=("Health: SHRUNK_OK: the spread fits.", "Doctor: HEALTHY: Healthy: nothing is to be done."),
    )
    return RunLog(
        config=tuple(CONFIG.items()),
        epochs=epochs([(1.0 - 0.01 * i, 1.0 - 0.005 * i) for i in range(20)]),
        folds=(FoldResult(0, *["2010-01-04"] * 6, 1000, 100, 252, (60,), 1.0),),
        trainings=(TRAINING,),
        figures=figures(),
        checkpoints=points,
        scorecard=card,
        audit=GREEN,
        warnings=(),
        status=Status.SUCCESS,
    )


def case(change: Callable[[RunLog], RunLog] = lambda log: log, **facts: Any) -> Case:
    facts = {"idle": 7200.0, "today": dt.date(2026, 1, 5), **facts}
    return Case(NAME, change(healthy()), dt.datetime(2025, 12, 29, 14, 30, 22), **facts)


def config(**changes: str | None) -> Callable[[RunLog], RunLog]:
    """Change settings; None removes one. An underscore in a name stands for a space."""
    new = {name.replace("_", " "): value for name, value in changes.items()}

    def change(log: RunLog) -> RunLog:
        merged = {**dict(log.config), **new}
        return replace(log, config=tuple((k, v) for k, v in merged.items() if v is not None))

    return change


def with_(**changes: Any) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(log, **changes)


def card(**changes: Any) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(log, scorecard=replace(log.scorecard, **changes))


def notes(*texts: str) -> Callable[[RunLog], RunLog]:
    return card(notes=texts)


def warned(*codes: str) -> Callable[[RunLog], RunLog]:
    return with_(warnings=tuple(Notice(code, f"about {code}") for code in codes))


def both(*changes: Callable[[RunLog], RunLog]) -> Callable[[RunLog], RunLog]:
    def change(log: RunLog) -> RunLog:
        for one in changes:
            log = one(log)
        return log

    return change


def trained(**changes: Any) -> Callable[[RunLog], RunLog]:
    return with_(trainings=(replace(TRAINING, **changes), TRAINING, replace(TRAINING, **changes)))


def checkpoint(number: int, outcome: Outcome) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(
        log,
        checkpoints=tuple(
            replace(p, outcome=outcome, action="do this") if p.number == number else p
            for p in log.checkpoints
        ),
    )


def scores(**values: float) -> Callable[[RunLog], RunLog]:
    return card(scores=tuple(Score(n, "ratio", "neither", (("strategy", v),)) for n, v in values.items()))


BARE = RunLog(schema=0, status=Status.SUCCESS)  # a log that says nothing but its status
BY_USER = "by the user (Ctrl-C); finished folds are kept, and the same command goes on from there"
FALLING = [(1.0 - 0.02 * i, 0.98 if i == 2 else 1.0 + 0.01 * abs(i - 2)) for i in range(12)]


def fires_only(check: Check, one: Case) -> bool:
    return isinstance(check.ask(one), Fires)
