"""Strict walk-forward of one model: every fold learns from its past, forecasts its test rows once.

Finished folds are stored as they come, so a killed run continues where it stopped.
"""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import FORECASTS, IMPORTANCES, IN_SAMPLE, MEMBERS, SEALED, require
from geiger.errors import Diverged, TrainingError
from geiger.experiment.material import Material, cut_folds
from geiger.features.catalogue import NAMES
from geiger.learning.folds import Fold, folds_for_use
from geiger.learning.windows import FoldArrays, fold_arrays, join
from geiger.models import Ensemble, Forecaster, average, fit_members
from geiger.records import Epoch, FoldResult, Notice, Training
from geiger.runs.folder import Part, Parts, threads_at_hand
from geiger.runs.saved import Trained
from geiger.seeds import derive
from geiger.settings import Config

PROBE_TREES = (5, 25)
STARTUP_SECONDS = 20.0  # loading Keras and compiling a network
MEMBERS_AT_ONCE = 64  # in one program on a GPU; what is finished survives a kill
LAST_RETURN = "return_1"  # the feature a residual head may build on


@dataclass(frozen=True)
class Task:
    """One fold to train.

    Attributes
    ----------
    material : Material
        What the fold learns from and forecasts.
    later : Material and range, optional
        Rows, and the material that holds them, which the fold's model forecasts besides; never scored.
    keep : bool
        Hand on what was learned.
    """

    material: Material
    fold: Fold
    later: tuple[Material, range] | None = None
    keep: bool = False


@dataclass(frozen=True)
class FoldOutput:
    """What one fold hands on. Forecasts are log returns."""

    result: FoldResult
    epochs: tuple[Epoch, ...]
    notices: tuple[Notice, ...]
    test_forecast: npt.NDArray[np.float64]  # (test rows,)
    member_forecast: npt.NDArray[np.float64]  # (members, test rows): `test_forecast` is their mean
    fit_rows: npt.NDArray[np.int64]  # rows of the final fit
    fit_forecast: npt.NDArray[np.float64]  # (fit rows,) in sample
    importances: npt.NDArray[np.float64]  # (F,), empty where the model has none
    train_mean: float
    train_std: float
    trainings: tuple[Training, ...] = ()  # of networks
    later_forecast: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # of `Task.later`
    resumed: bool = False
    trained: Trained | None = None  # what was learned, where it is for use


@dataclass(frozen=True)
class Walk:
    """The stitched test rows of all folds, and what each fold did.

    Attributes
    ----------
    members : MEMBERS frame
    in_sample : IN_SAMPLE frame
    importances : IMPORTANCES frame
        Empty where the model tells none.
    sealed : SEALED frame, optional
        Forecasts of the rows after the scored ones, the lock-box included. They are never scored.
    trained : Trained, optional
        The model for use: fitted once more, on every row whose label is known. It is never scored.
    """

    forecasts: pl.DataFrame
    members: pl.DataFrame
    in_sample: pl.DataFrame
    importances: pl.DataFrame
    folds: tuple[FoldOutput, ...]
    sealed: pl.DataFrame | None = None
    trained: Trained | None = None

    @property
    def results(self) -> tuple[FoldResult, ...]:
        """What each fold did."""
        return tuple(fold.result for fold in self.folds)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """How the training of each network went; empty for other models."""
        return tuple(training for fold in self.folds for training in fold.trainings)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables of a run folder beside the forecasts."""
        found = {"members": self.members, "in_sample": self.in_sample, "importances": self.importances}
        return found if self.sealed is None else {**found, "sealed": self.sealed}

    @property
    def charts(self) -> dict[str, bytes]:
        """Pictures for the run folder, SVG: none."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the log."""
        return () if self.rounds_note is None else (self.rounds_note,)

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
            were = "fold {} was" if len(resumed) == 1 else "folds {} were"
            text = f"{were.format(_listed(resumed))} finished by an earlier run that was stopped"
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
        return f"Rounds (trees, epochs, or place on the penalty grid) of {len(rounds)} trainings: {span}."


def _in_folds(texts: Sequence[tuple[int, str]], total: int) -> str:
    numbers = sorted({fold for fold, _ in texts})
    others = len({text for _, text in texts}) - 1
    like = f"; and {others} more such" if others else ""
    return f"{texts[0][1]}{like} [in {len(numbers)} of {total} folds: {_listed(numbers)}]"


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    return ", ".join(map(str, numbers[:most])) + (" ..." if len(numbers) > most else "")


def plan_folds(material: Material, config: Config) -> tuple[Fold, ...]:
    """Return the folds that `walk` will train, without training any."""
    return cut_folds(material.warmup, material.labelled, config)


def expected_seconds(
    material: Material,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    *,
    for_use: bool = False,
) -> float:
    """Return about how long `walk` will take, from short fits on the last fold, timed now.

    The time of a few trees and of some more tells the fixed cost from the cost of a tree. Early stopping
    usually ends sooner.
    """
    fits = config.seeds if forecaster.seeded else 1
    trained = [*folds, *(use_folds(material, config, folds) if for_use else ())]
    known = [forecaster.expected_seconds(len(fold.train)) for fold in trained]
    if None not in known:
        workers = min(config.workers or threads_at_hand(), len(trained))
        return STARTUP_SECONDS + fits * sum(filter(None, known)) / workers
    target = material.target["value"].to_numpy()
    arrays = fold_arrays(material.features, target, folds[-1], clip=config.clip)

    def timed(trees: int) -> float:
        probe = forecaster.growing(trees)
        started = time.perf_counter()
        probe.fit(arrays.train, arrays.valid, seed=0)
        return time.perf_counter() - started

    few, more = PROBE_TREES
    timed(few)  # loads the library
    short, long = timed(few), timed(more)
    a_tree = max(long - short, 0.0) / (more - few)
    once = short + a_tree * max((forecaster.trees or few) - few, 0)
    used = sum(len(fold.train) for fold in trained)
    return once * fits * used / len(folds[-1].train)


def walk(
    material: Material,
    model: str,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    *,
    parts: Parts | None = None,
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
    for_use: bool = False,
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
    for_use : bool
        Forecast the rows after the scored ones as well, go on over the lock-box, and fit the model for use:
        see `Walk.sealed` and `Walk.trained`.
    """
    scored, whole = replace(material, beyond=None), material.whole
    ahead = use_folds(material, config, folds) if for_use else ()
    known = {fold.index: _stored(parts, fold) for fold in folds}
    known_ahead = {fold.index: _stored_sealed(parts, fold) for fold in ahead[:-1]}
    tasks = [Task(scored, fold) for fold in folds]
    if ahead:
        # Until the first decision behind the scored rows, the last scored fold is the newest model there is.
        tasks[-1] = replace(tasks[-1], later=(whole, range(folds[-1].test.stop, ahead[0].test.start)))
    tasks = [task for task in tasks if known[task.fold.index] is None]
    tasks += [Task(whole, fold) for fold in ahead[:-1] if known_ahead[fold.index] is None]
    tasks += [Task(whole, fold, keep=True) for fold in ahead[-1:]]
    trained = _train_all(model, forecaster, config, tasks)
    outputs, sealed = [], []
    with closing(trained):  # processes end with the walk, however it ends
        for fold in folds:
            output = known[fold.index] or next(trained)
            if parts is not None and not output.resumed:
                parts.save(fold.index, _as_part(output))
            on_fold(output)
            outputs.append(output)
        if not ahead:
            return _stitch(material, model, outputs)
        rows = range(folds[-1].test.stop, ahead[0].test.start)
        sealed.append(
            _sealed(whole, folds[-1].index, rows, outputs[-1].later_forecast, outputs[-1].train_std)
        )
        for fold in ahead[:-1]:
            part = known_ahead[fold.index]
            if part is None:
                part = _sealed_part(next(trained))
                if parts is not None:
                    parts.save(fold.index, part)
            sealed.append(
                _sealed(whole, fold.index, fold.test, part.arrays["forecast"], part.facts["train_std"])
            )
        usable = next(trained).trained
    stitched = _stitch(material, model, outputs)
    return replace(stitched, sealed=require(pl.concat(sealed), SEALED), trained=usable)


def use_folds(material: Material, config: Config, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Return the folds behind the scored ones, of rows of `material.whole`; the last is the model for use."""
    return folds_for_use(
        material.warmup,
        material.prices.height,
        material.whole.prices.height,
        index=folds[-1].index + 1,
        horizon=config.horizon,
        refit=config.refit,
        valid_share=config.valid_share,
        rolling=config.rolling,
    )


def _train_all(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Generator[FoldOutput]:
    """Yield the folds in order: one after another, or in processes, or all in one program."""
    if forecaster.apart and tasks:
        if config.parallel == "vmap" or (config.parallel == "auto" and gpu_at_hand()):
            yield from _train_together(model, forecaster, config, tasks)
        else:
            yield from _train_in_processes(model, forecaster, config, tasks)
        return
    for task in tasks:
        yield _train(model, forecaster, config, task)


def gpu_at_hand() -> bool:
    """Whether JAX has a GPU; JAX is loaded only where a plug-in for one is installed."""
    if not metadata.entry_points(group="jax_plugins"):
        return False
    from geiger.models.nets.backend import DEVICE

    return DEVICE != "cpu"


def _train_in_processes(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    """Give each fold to a process of one thread; the number of processes changes no bit."""
    from joblib import Parallel, delayed, parallel_config

    workers = min(config.workers or threads_at_hand(), len(tasks))
    with parallel_config(backend="loky", inner_max_num_threads=1), _deaf_to_ctrl_c():
        parallel = Parallel(n_jobs=max(workers, 1), return_as="generator", max_nbytes=None)
        outputs = parallel(delayed(_train_apart)(model, forecaster, config, task) for task in tasks)
    try:
        for output in outputs:  # noqa: UP028 - `yield from` would close it without the filter below
            yield output
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # whoever stops early knows that folds are left over
            outputs.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that start inside ignore Ctrl-C, which a terminal sends to all of them.

    This process hears it, ends them and says so once. While they start, for milliseconds, it is deaf too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _train_apart(model: str, forecaster: Forecaster, config: Config, task: Task) -> FoldOutput:
    """Train one fold on one thread, in a process of its own or, where there is one only, in this one."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _train(model, forecaster, config, task)


def _train_together(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    """Train the members of many folds in one program, and yield them before the next ones start."""
    many = max(1, MEMBERS_AT_ONCE // config.seeds)
    for i in range(0, len(tasks), many):
        yield from _train_program(model, forecaster, config, tasks[i : i + many])


def _train_program(
    model: str, forecaster: Forecaster, config: Config, tasks: Sequence[Task]
) -> Iterator[FoldOutput]:
    from geiger.models.nets.forecaster import Network

    assert isinstance(forecaster, Network)
    started = time.perf_counter()
    arrays = [_arrays(task.material, config, task.fold) for task in tasks]
    members = [
        (one.train, one.valid, seed)
        for task, one in zip(tasks, arrays, strict=True)
        for seed in _seeds(config, model, task.fold)
    ]
    try:
        fitted = forecaster.fit_many(members)
    except Diverged as error:
        number, seed = divmod(error.member, config.seeds)
        raise TrainingError(f"fold {tasks[number].fold.index}, seed {seed}: {error}") from error
    seconds = (time.perf_counter() - started) / len(tasks)
    for number, (task, one) in enumerate(zip(tasks, arrays, strict=True)):
        predictor = average(fitted[number * config.seeds : (number + 1) * config.seeds])
        yield _output(task, one, predictor, seconds)


def _train(model: str, forecaster: Forecaster, config: Config, task: Task) -> FoldOutput:
    started, fold = time.perf_counter(), task.fold
    arrays = _arrays(task.material, config, fold)
    try:
        predictor = fit_members(forecaster, arrays.train, arrays.valid, _seeds(config, model, fold))
    except TrainingError as error:
        raise TrainingError(f"fold {fold.index}, {error}") from error
    return _output(task, arrays, predictor, time.perf_counter() - started)


def _arrays(material: Material, config: Config, fold: Fold) -> FoldArrays:
    target = material.target["value"].to_numpy()
    weighting = config.weighting
    returns = last_returns(material)
    return fold_arrays(
        material.features, target, fold, clip=config.clip, weighting=weighting, last_return=returns
    )


def _seeds(config: Config, model: str, fold: Fold) -> list[int]:
    return [derive(config.seed, model, fold.index, member) for member in range(config.seeds)]


def last_returns(material: Material) -> npt.NDArray[np.float64]:
    """Return each day's own log return (n,), close to close, known at its close: the feature of that name.

    Raises
    ------
    TrainingError
        If the feature is not what its name says: a residual head would add its change to something else.
    """
    found = material.features[:, NAMES.index(LAST_RETURN)]
    close = np.log(material.prices["close"].to_numpy())
    if not np.allclose(
        found[material.warmup :], np.diff(close, prepend=np.nan)[material.warmup :], atol=1e-9
    ):
        raise TrainingError(
            f"feature {LAST_RETURN!r} is not the log return of the day, which a residual head builds on; "
            "please report it"
        )
    return found


def _output(task: Task, arrays: FoldArrays, predictor: Ensemble, seconds: float) -> FoldOutput:
    material, fold, scaler = task.material, task.fold, arrays.scaler
    target = material.target["value"].to_numpy()
    fitted = join(arrays.train, arrays.valid).take(predictor.fit_rows)
    importances = predictor.importances
    each = predictor.each(arrays.test)
    mean, std = float(target[predictor.fit_rows].mean()), float(target[predictor.fit_rows].std())
    trained = Trained(predictor=predictor, scaler=scaler, train_mean=mean, train_std=std)
    later = np.empty(0)
    if task.later is not None and len(task.later[1]):
        whole, rows = task.later
        later = trained.forecast(whole.features, rows, last_returns(whole))
    return FoldOutput(
        result=_result(material, fold, predictor.rounds_by_member, seconds),
        epochs=tuple(replace(epoch, fold=fold.index) for epoch in predictor.epochs),
        notices=predictor.notices,
        test_forecast=scaler.restore(each.mean(axis=0)),
        member_forecast=scaler.restore(each),
        fit_rows=predictor.fit_rows,
        fit_forecast=scaler.restore(predictor.predict(fitted)),
        importances=np.empty(0) if importances is None else importances,
        train_mean=mean,
        train_std=std,
        trainings=tuple(replace(training, fold=fold.index) for training in predictor.trainings),
        later_forecast=later,
        trained=trained if task.keep else None,
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

    forecasts, members, in_sample, importances = [], [], [], []
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
        members += [
            pl.DataFrame({"day": rows["day"], "forecast": forecast}).select(
                "day",
                pl.lit(seed, dtype=pl.Int32).alias("seed"),
                pl.lit(fold, dtype=pl.Int32).alias("fold"),
                "forecast",
            )
            for seed, forecast in enumerate(output.member_forecast)
        ]
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
    empty = pl.DataFrame(schema=dict(IMPORTANCES.columns))
    return Walk(
        frame,
        require(pl.concat(members), MEMBERS),
        require(pl.concat(in_sample), IN_SAMPLE),
        require(pl.concat([empty, *importances]), IMPORTANCES),
        tuple(outputs),
    )


def _sealed(
    whole: Material, fold: int, rows: range, forecast: npt.NDArray[np.float64], train_std: float
) -> pl.DataFrame:
    """Return the SEALED rows of one fold; their outcomes are looked up by nobody."""
    days = whole.prices["day"][rows.start : rows.stop]
    return pl.DataFrame({"day": days, "forecast": forecast}).select(
        "day",
        pl.lit(fold, dtype=pl.Int32).alias("fold"),
        "forecast",
        pl.lit(train_std).alias("train_std"),
    )


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
        member_forecast=arrays["member_forecast"],
        fit_rows=arrays["fit_rows"],
        fit_forecast=arrays["fit_forecast"],
        importances=arrays["importances"],
        train_mean=facts["train_mean"],
        train_std=facts["train_std"],
        later_forecast=arrays["later_forecast"],
        trainings=tuple(Training(**training) for training in facts["trainings"]),
        resumed=True,
    )


def _as_part(output: FoldOutput) -> Part:
    return Part(
        arrays={
            "test_forecast": output.test_forecast,
            "member_forecast": output.member_forecast,
            "fit_rows": output.fit_rows,
            "fit_forecast": output.fit_forecast,
            "importances": output.importances,
            "later_forecast": output.later_forecast,
        },
        facts={
            "result": asdict(output.result),
            "epochs": [asdict(epoch) for epoch in output.epochs],
            "notices": [asdict(notice) for notice in output.notices],
            "trainings": [asdict(training) for training in output.trainings],
            "train_mean": output.train_mean,
            "train_std": output.train_std,
        },
    )


def _stored_sealed(parts: Parts | None, fold: Fold) -> Part | None:
    return parts.load(fold.index) if parts is not None else None


def _sealed_part(output: FoldOutput) -> Part:
    """Return what is kept of a fold over the lock-box: how it learned would tell of its rows."""
    return Part({"forecast": output.test_forecast}, {"train_std": output.train_std})
