"""Strict walk-forward of one model: every fold learns from its past, forecasts its test rows once.

Finished folds are stored as they come, so a killed run continues where it stopped.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import FORECASTS, require
from geiger.config import Config
from geiger.errors import TrainingError
from geiger.features.catalogue import NAMES
from geiger.folds import Fold
from geiger.material import Material, cut_folds
from geiger.models import Forecaster, fit_members
from geiger.records import Epoch, FoldResult, Notice
from geiger.runs import Part, Parts
from geiger.seeds import derive
from geiger.windows import Weighting, fold_arrays

PROBE_TREES = (5, 25)


@dataclass(frozen=True)
class FoldOutput:
    """What one fold hands on. Forecasts are log returns."""

    result: FoldResult
    epochs: tuple[Epoch, ...]
    notices: tuple[Notice, ...]
    test_forecast: npt.NDArray[np.float64]  # (test rows,)
    fit_rows: npt.NDArray[np.int64]  # rows of the final fit
    fit_forecast: npt.NDArray[np.float64]  # (fit rows,) in sample
    importances: npt.NDArray[np.float64]  # (F,), empty where the model has none
    train_mean: float
    train_std: float
    resumed: bool = False


@dataclass(frozen=True)
class Walk:
    """The stitched test rows of all folds, and what each fold did."""

    forecasts: pl.DataFrame
    in_sample: pl.DataFrame
    importances: pl.DataFrame
    folds: tuple[FoldOutput, ...]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The folds' notices, one a code, with the folds that gave it."""
        given: dict[str, list[tuple[int, str]]] = {}
        for fold in self.folds:
            for notice in fold.notices:
                given.setdefault(notice.code, []).append((fold.result.fold, notice.text))
        found = [Notice(code, _in_folds(texts, len(self.folds))) for code, texts in given.items()]
        resumed = [fold.result.fold for fold in self.folds if fold.resumed]
        if resumed:
            text = f"folds {_listed(resumed)} were finished by an earlier run that was stopped"
            found.append(Notice("RESUMED", text))
        return tuple(found)

    @property
    def rounds_note(self) -> str | None:
        """What the folds chose on their inner validation rows, in one sentence."""
        rounds = [value for fold in self.folds for value in fold.result.rounds]
        if not any(rounds):
            return None
        low, high, middle = min(rounds), max(rounds), int(np.median(rounds))
        span = f"{low} every time" if low == high else f"median {middle}, from {low} to {high}"
        return f"Rounds (trees, or place on the penalty grid) of {len(rounds)} trainings: {span}."


def _in_folds(texts: Sequence[tuple[int, str]], total: int) -> str:
    numbers = sorted({fold for fold, _ in texts})
    return f"{texts[0][1]} [in {len(numbers)} of {total} folds: {_listed(numbers)}]"


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    return ", ".join(map(str, numbers[:most])) + (" ..." if len(numbers) > most else "")


def plan_folds(material: Material, config: Config) -> tuple[Fold, ...]:
    """Return the folds that `walk` will train, without training any."""
    return cut_folds(material.warmup, material.labelled, config)


def expected_seconds(
    material: Material, forecaster: Forecaster, config: Config, folds: Sequence[Fold]
) -> float:
    """Return about how long `walk` will take, from short fits on the last fold, timed now.

    The time of a few trees and of some more tells the fixed cost from the cost of a tree. Early stopping
    usually ends sooner.
    """
    target = material.target["value"].to_numpy()
    arrays = fold_arrays(material.features, target, folds[-1], clip=config.clip)

    def timed(trees: int) -> float:
        probe = forecaster
        if hasattr(forecaster, "max_trees"):
            probe = replace(forecaster, max_trees=trees, early_stopping=None)  # type: ignore[type-var]
        started = time.perf_counter()
        probe.fit(arrays.train, arrays.valid, seed=0)
        return time.perf_counter() - started

    few, more = PROBE_TREES
    timed(few)  # loads the library
    short, long = timed(few), timed(more)
    a_tree = max(long - short, 0.0) / (more - few)
    once = short + a_tree * max(getattr(forecaster, "max_trees", few) - few, 0)
    fits = config.seeds if forecaster.seeded else 1
    return once * fits * sum(len(fold.train) for fold in folds) / len(folds[-1].train)


def walk(
    material: Material,
    model: str,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    *,
    parts: Parts | None = None,
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
) -> Walk:
    """Train `forecaster` on every fold and return its stitched out-of-sample forecasts.

    Parameters
    ----------
    folds : sequence of Fold
        As `plan_folds` cut them.
    parts : Parts, optional
        Finished folds of an earlier, killed run of exactly this work; they are used, not trained again.
    on_fold : callable
        Told of each fold when it is done.
    """
    outputs = []
    for fold in folds:
        output = _stored(parts, fold) or _train(material, model, forecaster, config, fold)
        if parts is not None and not output.resumed:
            parts.save(fold.index, _as_part(output))
        on_fold(output)
        outputs.append(output)
    return _stitch(material, model, outputs)


def _train(material: Material, model: str, forecaster: Forecaster, config: Config, fold: Fold) -> FoldOutput:
    started = time.perf_counter()
    target = material.target["value"].to_numpy()
    weighting = Weighting(**asdict(config.weighting))
    arrays = fold_arrays(material.features, target, fold, clip=config.clip, weighting=weighting)
    seeds = [derive(config.seed, model, fold.index, member) for member in range(config.seeds)]
    predictor = fit_members(forecaster, arrays.train, arrays.valid, seeds)
    scaler = arrays.scaler
    fit_x = scaler.transform(material.features[predictor.fit_rows])
    importances = predictor.importances
    return FoldOutput(
        result=_result(material, fold, predictor.rounds_by_member, time.perf_counter() - started),
        epochs=tuple(replace(epoch, fold=fold.index) for epoch in predictor.epochs),
        notices=predictor.notices,
        test_forecast=scaler.restore(predictor.predict(arrays.test.x)),
        fit_rows=predictor.fit_rows,
        fit_forecast=scaler.restore(predictor.predict(fit_x)),
        importances=np.empty(0) if importances is None else importances,
        train_mean=float(target[predictor.fit_rows].mean()),
        train_std=float(target[predictor.fit_rows].std()),
    )


def _result(material: Material, fold: Fold, rounds: tuple[int, ...], seconds: float) -> FoldResult:
    def day(row: int) -> str:
        return str(material.prices["day"][row])

    return FoldResult(
        fold=fold.index,
        train_first=day(fold.train[0]),
        train_last=day(fold.train[-1]),
        valid_first=day(fold.valid[0]),
        valid_last=day(fold.valid[-1]),
        test_first=day(fold.test[0]),
        test_last=day(fold.test[-1]),
        train_rows=len(fold.train),
        valid_rows=len(fold.valid),
        test_rows=len(fold.test),
        rounds=rounds,
        seconds=round(seconds, 3),
    )


def _stitch(material: Material, model: str, outputs: Sequence[FoldOutput]) -> Walk:
    days, target = material.prices["day"], material.target

    def row_of(day: str) -> int:
        return int(days.search_sorted(dt.date.fromisoformat(day)))

    forecasts, in_sample, importances = [], [], []
    for output in outputs:
        fold = output.result.fold
        rows = target.slice(row_of(output.result.test_first), len(output.test_forecast))
        forecasts.append(
            rows.select(
                "day",
                symbol=pl.lit(material.symbol),
                model=pl.lit(model),
                fold=pl.lit(fold, dtype=pl.Int32),
                forecast=pl.Series(output.test_forecast),
                outcome=pl.col("value"),
                known_on=pl.col("known_on"),
                train_end=pl.lit(target["known_on"][row_of(output.result.valid_last)]),
                train_mean=pl.lit(output.train_mean),
                train_std=pl.lit(output.train_std),
            )
        )
        in_sample.append(
            pl.DataFrame({"day": days.gather(output.fit_rows), "forecast": output.fit_forecast}).select(
                "day", pl.lit(fold, dtype=pl.Int32).alias("fold"), "forecast"
            )
        )
        if output.importances.size:
            importances.append(
                pl.DataFrame({"feature": NAMES, "fold": fold, "importance": output.importances})
            )
    frame = require(pl.concat(forecasts), FORECASTS)
    _require_unseen(frame)
    empty = pl.DataFrame(schema={"feature": pl.String, "fold": pl.Int64, "importance": pl.Float64})
    return Walk(frame, pl.concat(in_sample), pl.concat(importances) if importances else empty, tuple(outputs))


def _require_unseen(forecasts: pl.DataFrame) -> None:
    """Check on the forecasts that are really handed on that no training label came after its decision."""
    late = forecasts.filter(pl.col("train_end") > pl.col("day"))
    if late.height:
        raise TrainingError(
            f"fold {late['fold'][0]} learned a label known on {late['train_end'][0]}, "
            f"after the decision of {late['day'][0]}; this must never happen: please report it"
        )


def _stored(parts: Parts | None, fold: Fold) -> FoldOutput | None:
    part = parts.load(fold.index) if parts is not None else None
    if part is None:
        return None
    facts, arrays = part.facts, part.arrays
    result = FoldResult(**{**facts["result"], "rounds": tuple(facts["result"]["rounds"])})
    return FoldOutput(
        result=result,
        epochs=tuple(Epoch(**epoch) for epoch in facts["epochs"]),
        notices=tuple(Notice(**notice) for notice in facts["notices"]),
        test_forecast=arrays["test_forecast"],
        fit_rows=arrays["fit_rows"],
        fit_forecast=arrays["fit_forecast"],
        importances=arrays["importances"],
        train_mean=facts["train_mean"],
        train_std=facts["train_std"],
        resumed=True,
    )


def _as_part(output: FoldOutput) -> Part:
    return Part(
        arrays={
            "test_forecast": output.test_forecast,
            "fit_rows": output.fit_rows,
            "fit_forecast": output.fit_forecast,
            "importances": output.importances,
        },
        facts={
            "result": asdict(output.result),
            "epochs": [asdict(epoch) for epoch in output.epochs],
            "notices": [asdict(notice) for notice in output.notices],
            "train_mean": output.train_mean,
            "train_std": output.train_std,
        },
    )
