"""XGBoost, LightGBM and CatBoost behind one way of fitting.

The number of trees is the fixed one of the settings, or is chosen on the inner validation rows by trees that
have grown on the inner train rows alone. So many are then grown on both together. Test rows never enter.
Trees average training targets, so a forecast stays within their range.

The members of a fold share each library's own form of the rows, which holds bins and nothing random. Their
courses are alike, and where nothing is chosen the trees behind a course serve the log alone: it is recorded
for the first member of a fold, and where nobody reads it for none.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geiger.errors import GeigerError, TrainingError
from geiger.learning.windows import Block, Floats, join
from geiger.models.base import (
    COMMON_FACTS,
    Effort,
    Forecaster,
    Predictor,
    common_state,
    epoch_record,
    named,
    restore_common,
    shares,
)
from geiger.models.halt import halt_if_asked, halted
from geiger.models.library import load
from geiger.models.state import State
from geiger.records import Epoch, Notice
from geiger.settings import BoostSettings, CatBoostSettings, LightGBMSettings, XGBoostSettings

RECORD_EVERY = 50  # rounds between two epoch records
FEW_TREES = 10  # with fewer, the inner validation rows showed no skill


@dataclass(frozen=True)
class Rows:
    """Rows in a library's own form: binned once, for every member of a fold."""

    block: Block
    data: Any  # DMatrix, Dataset or Pool


@dataclass(frozen=True)
class Trees(ABC):
    """Trees one library has grown.

    Attributes
    ----------
    booster : object
        The library's own.
    count : int
        The number of trees to use: the best on the watched rows, or all.
    features : int
        Number of features F.
    threads : int
        CPU threads a forecast may use.
    """

    booster: Any
    count: int
    features: int
    threads: int
    kind: ClassVar[str]  # of what is saved
    ending: ClassVar[str]  # of a file in the library's own format
    start: ClassVar[bytes]  # of its content

    @abstractmethod
    def predict(self, x: Floats, count: int) -> Floats:
        """Return the forecast (n,) of the first `count` trees for x (n, F)."""

    @abstractmethod
    def gain(self) -> Floats:
        """Return what each feature contributed (F,), in the library's unit of gain."""

    @abstractmethod
    def native(self) -> bytes:
        """Return all trees in the library's own format."""

    @staticmethod
    @abstractmethod
    def load(content: bytes, threads: int) -> tuple[Any, int]:
        """Return the booster behind `native`, and the number of its features."""


@dataclass(frozen=True, kw_only=True)
class TreesPredictor(Predictor):
    """Forecasts with the first `rounds` trees."""

    trees: Trees

    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row."""
        return self.trees.predict(block.x, self.rounds)

    def state(self) -> State:
        """Return all trees in their library's own format, and how many of them forecast."""
        trees = self.trees
        facts, arrays = common_state(self, trees.features)
        facts |= {"count": int(trees.count), "threads": trees.threads}
        return State(trees.kind, facts, arrays, blobs={trees.ending: trees.native()})


@dataclass(frozen=True)
class Boosting(Forecaster):
    """What the three libraries share."""

    settings: BoostSettings
    threads: int = 1
    importance_kind: ClassVar[str]

    @property
    def effort(self) -> Effort:
        """The most trees, and the share of each answer that is added."""
        return Effort(trees=self.settings.max_trees, learning_rate=self.settings.learning_rate)

    def with_trees(self, number: int) -> Boosting:
        """Return the same with so many trees and no early stopping."""
        return replace(self, settings=replace(self.settings, max_trees=number, early_stopping=None))

    @abstractmethod
    def rows(self, block: Block) -> Rows:
        """Return the rows of `block` to grow trees on."""

    @abstractmethod
    def watched(self, block: Block, train: Rows) -> Rows:
        """Return the rows of `block` to watch, unweighted, while trees grow on `train`."""

    @abstractmethod
    def grow(self, rows: Rows, count: int, seed: int, watch: Rows | None = None) -> Trees:
        """Grow `count` trees on `rows`, stopping early by the error on `watch` if it is given."""

    def fit(self, train: Block, valid: Block, *, seed: int) -> TreesPredictor:
        """Choose the number of trees on `valid`, then grow them on both blocks."""
        return self._member(_Shared(self, train, valid), seed, recorded=True)

    def fit_fold(
        self, train: Block, valid: Block, seeds: Sequence[int], *, course: bool = True
    ) -> list[TreesPredictor]:
        """Fit one member a seed on rows that are binned once; the first one's `course` is recorded."""
        shared, members = _Shared(self, train, valid), []
        for number, seed in enumerate(seeds):
            with named(number):
                members.append(self._member(shared, seed, recorded=course and number == 0))
        return members

    def _member(self, shared: _Shared, seed: int, *, recorded: bool) -> TreesPredictor:
        halt_if_asked()
        settings = self.settings
        if not np.ptp(shared.inner.x, axis=0).any():
            raise TrainingError(
                f"{self.name}: every feature is constant on the train rows; nothing to split on"
            )
        count = settings.max_trees
        epochs: tuple[Epoch, ...] = ()
        if settings.early_stopping or recorded or not settings.refit:
            rows, watched = shared.train, shared.watched if settings.early_stopping else None
            trees = self.grow(rows, count, seed, watched)
            epochs = _course(trees, shared.inner, shared.valid) if recorded else ()
            if settings.early_stopping:
                count = trees.count
        if settings.refit:
            rows = shared.both
            trees = self.grow(rows, count, seed)
        return TreesPredictor(
            trees=trees,
            fit_rows=rows.block.rows,
            rounds=trees.count,
            epochs=epochs,
            importances=shares(trees.gain()),
            importance_kind=self.importance_kind,
            notices=_few(trees.count) if settings.early_stopping else (),
        )


@dataclass(frozen=True)
class _Shared:
    """What the members of a fold share; each part is made when it is first needed."""

    model: Boosting
    inner: Block
    valid: Block

    @cached_property
    def train(self) -> Rows:
        return self.model.rows(self.inner)

    @cached_property
    def watched(self) -> Rows:
        return self.model.watched(self.valid, self.train)

    @cached_property
    def both(self) -> Rows:
        return self.model.rows(join(self.inner, self.valid))


@dataclass(frozen=True)
class XGBoost(Boosting):
    """Gradient boosting by XGBoost (Chen and Guestrin 2016), histogram trees."""

    settings: XGBoostSettings = field(default_factory=XGBoostSettings)
    name: ClassVar[str] = "xgb"
    importance_kind: ClassVar[str] = "total gain"

    def rows(self, block: Block) -> Rows:
        """Return the rows as a DMatrix, which bins them when the first trees grow."""
        xgboost = load("xgboost")
        return Rows(block, xgboost.DMatrix(block.x, block.y, weight=block.weight, nthread=self.threads))

    def watched(self, block: Block, train: Rows) -> Rows:
        """Return the rows as a DMatrix without weights."""
        return Rows(block, load("xgboost").DMatrix(block.x, block.y, nthread=self.threads))

    def grow(self, rows: Rows, count: int, seed: int, watch: Rows | None = None) -> Trees:
        """Grow `count` trees on `rows`."""
        xgboost = load("xgboost")
        params = {
            "objective": "reg:squarederror",
            "eval_metric": "rmse",
            # Trees start from the train mean, the standardised 0, in all three libraries.
            "base_score": 0.0,
            "tree_method": "hist",
            "max_depth": self.settings.depth,
            "learning_rate": self.settings.learning_rate,
            "seed": seed,
            "nthread": self.threads,
            "verbosity": 0,
        } | _given(
            max_bin=self.settings.bins,
            min_child_weight=self.settings.min_leaf_rows,
            subsample=self.settings.subsample,
            colsample_bytree=self.settings.colsample,
            reg_alpha=self.settings.l1,
            reg_lambda=self.settings.l2,
        )
        booster = xgboost.train(
            params,
            rows.data,
            count,
            evals=[] if watch is None else [(watch.data, "valid")],
            early_stopping_rounds=None if watch is None else self.settings.early_stopping,
            verbose_eval=False,
            callbacks=[_xgboost_ear()],
        )
        grown = count if watch is None else booster.best_iteration + 1
        return _XGBoostTrees(booster, grown, rows.block.x.shape[1], self.threads)


@dataclass(frozen=True)
class LightGBM(Boosting):
    """Gradient boosting by LightGBM (Ke et al. 2017), leaf-wise trees with at most 63 leaves."""

    settings: LightGBMSettings = field(default_factory=LightGBMSettings)
    name: ClassVar[str] = "lgb"
    importance_kind: ClassVar[str] = "total gain"

    def rows(self, block: Block) -> Rows:
        """Return the rows as a Dataset."""
        lightgbm = load("lightgbm")
        data = lightgbm.Dataset(_rounded(block.x), block.y, weight=block.weight, params=self._params())
        return Rows(block, data)

    def watched(self, block: Block, train: Rows) -> Rows:
        """Return the rows as a Dataset without weights, in the bins of `train`."""
        lightgbm = load("lightgbm")
        return Rows(block, lightgbm.Dataset(_rounded(block.x), block.y, reference=train.data))

    def grow(self, rows: Rows, count: int, seed: int, watch: Rows | None = None) -> Trees:
        """Grow `count` trees on `rows`."""
        lightgbm = load("lightgbm")
        calls: list[Any] = [lambda _: halt_if_asked()]
        if watch is not None:
            calls.append(lightgbm.early_stopping(self.settings.early_stopping, verbose=False))
        booster = lightgbm.train(
            {**self._params(), "seed": seed},
            rows.data,
            count,
            valid_sets=[] if watch is None else [watch.data],
            callbacks=calls,
            keep_training_booster=True,
        )
        # Where no split is possible, LightGBM ends before `count`.
        grown = booster.num_trees() if watch is None else booster.best_iteration
        return _LightGBMTrees(booster, grown, rows.block.x.shape[1], self.threads)

    def _params(self) -> dict[str, Any]:
        return {
            "objective": "regression",
            "metric": "l2",
            "boost_from_average": False,
            "max_depth": self.settings.depth,
            "num_leaves": min(2**self.settings.depth, 63),
            "learning_rate": self.settings.learning_rate,
            "bagging_freq": 1,  # without it the library ignores `bagging_fraction`
            "data_random_seed": 1,  # would follow the seed; fewer rows than it samples from: nothing is drawn
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        } | _given(
            max_bin=self.settings.bins,
            min_data_in_leaf=self.settings.min_leaf_rows,
            bagging_fraction=self.settings.subsample,
            feature_fraction=self.settings.colsample,
            lambda_l1=self.settings.l1,
            lambda_l2=self.settings.l2,
        )


@dataclass(frozen=True)
class CatBoost(Boosting):
    """Gradient boosting by CatBoost (Prokhorenkova et al. 2018), symmetric trees.

    It has no L1 penalty and its symmetric trees know no smallest leaf. On a CPU the library defaults to plain
    boosting.
    """

    settings: CatBoostSettings = field(default_factory=CatBoostSettings)
    name: ClassVar[str] = "catboost"
    importance_kind: ClassVar[str] = "prediction values change"

    def rows(self, block: Block) -> Rows:
        """Return the rows as a Pool of bins."""
        catboost = load("catboost")
        pool = catboost.Pool(block.x, block.y, weight=block.weight)
        pool.quantize(**_given(border_count=self.settings.bins))
        return Rows(block, pool)

    def watched(self, block: Block, train: Rows) -> Rows:
        """Return the rows as a Pool without weights."""
        return Rows(block, load("catboost").Pool(block.x, block.y))

    def grow(self, rows: Rows, count: int, seed: int, watch: Rows | None = None) -> Trees:
        """Grow `count` trees on `rows`."""
        catboost = load("catboost")
        booster = catboost.CatBoostRegressor(
            iterations=count,
            loss_function="RMSE",
            eval_metric="RMSE",
            boost_from_average=False,
            boosting_type="Ordered" if self.settings.ordered else "Plain",
            has_time=self.settings.has_time,
            depth=self.settings.depth,
            learning_rate=self.settings.learning_rate,
            use_best_model=False,  # later trees stay, for the record of the course
            allow_const_label=True,
            random_seed=seed,
            thread_count=self.threads,
            allow_writing_files=False,
            logging_level="Silent",
            **_given(
                l2_leaf_reg=self.settings.l2,
                rsm=self.settings.colsample,
                border_count=self.settings.bins,
                subsample=self.settings.subsample,
                bootstrap_type=None if self.settings.subsample is None else "Bernoulli",
            ),
        )
        booster.fit(
            rows.data,
            eval_set=None if watch is None else watch.data,
            early_stopping_rounds=None if watch is None else self.settings.early_stopping,
            callbacks=[_CatBoostEar()],
        )
        halt_if_asked()
        grown = count if watch is None else booster.best_iteration_ + 1
        return _CatBoostTrees(booster, grown, rows.block.x.shape[1], self.threads)


@dataclass(frozen=True)
class _XGBoostTrees(Trees):
    kind: ClassVar[str] = "xgb"
    ending: ClassVar[str] = "ubj"
    start: ClassVar[bytes] = b"{L"

    def predict(self, x: Floats, count: int) -> Floats:
        forecast = self.booster.inplace_predict(x, iteration_range=(0, count))
        return np.asarray(forecast, dtype=np.float64)

    def gain(self) -> Floats:
        gains = self.booster.get_score(importance_type="total_gain")
        return np.array([float(gains.get(f"f{i}", 0.0)) for i in range(self.features)])

    def native(self) -> bytes:
        return bytes(self.booster.save_raw("ubj"))

    @staticmethod
    def load(content: bytes, threads: int) -> tuple[Any, int]:
        xgboost = load("xgboost")
        booster = xgboost.Booster({"nthread": threads, "verbosity": 0})
        booster.load_model(bytearray(content))
        return booster, int(booster.num_features())


@dataclass(frozen=True)
class _LightGBMTrees(Trees):
    kind: ClassVar[str] = "lgb"
    ending: ClassVar[str] = "txt"
    start: ClassVar[bytes] = b"tree\n"

    def predict(self, x: Floats, count: int) -> Floats:
        forecast = self.booster.predict(_rounded(x), num_iteration=count, num_threads=self.threads)
        return np.asarray(forecast, dtype=np.float64)

    def gain(self) -> Floats:
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def native(self) -> bytes:
        text: str = self.booster.model_to_string(num_iteration=-1)  # all, not the best number alone
        return text.encode("ascii")

    @staticmethod
    def load(content: bytes, threads: int) -> tuple[Any, int]:
        lightgbm = load("lightgbm")
        booster = lightgbm.Booster(model_str=content.decode("ascii"))
        return booster, int(booster.num_feature())


@dataclass(frozen=True)
class _CatBoostTrees(Trees):
    kind: ClassVar[str] = "catboost"
    ending: ClassVar[str] = "cbm"
    start: ClassVar[bytes] = b"CBM1"

    def predict(self, x: Floats, count: int) -> Floats:
        forecast = self.booster.predict(x, ntree_end=count, thread_count=self.threads)
        return np.asarray(forecast, dtype=np.float64)

    def gain(self) -> Floats:
        gains = self.booster.get_feature_importance(type="PredictionValuesChange", thread_count=self.threads)
        return np.nan_to_num(np.asarray(gains, dtype=np.float64))  # 0 / 0 where no tree has a split

    def native(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:  # the library writes to files only
            path = Path(folder) / "model.cbm"
            self.booster.save_model(str(path), format="cbm")
            return path.read_bytes()

    @staticmethod
    def load(content: bytes, threads: int) -> tuple[Any, int]:
        catboost = load("catboost")
        booster = catboost.CatBoostRegressor(thread_count=threads, allow_writing_files=False)
        booster.load_model(blob=content)
        return booster, len(booster.feature_names_)  # `n_features_in_` is 0 in a model that was read


# Kind of a saved state -> whose trees it holds.
LIBRARIES: dict[str, type[Trees]] = {
    library.kind: library for library in (_XGBoostTrees, _LightGBMTrees, _CatBoostTrees)
}
MAX_THREADS = 1024


def restore_trees(state: State) -> TreesPredictor:
    """Return the model behind a saved state.

    What the library itself refuses is refused here in one line, and so are trees that do not take this number
    of features or give no finite forecast. More cannot be known from outside: these parsers are written in
    C++ and trust the inside of a file that looks right, so one made to harm may end the process, and nothing
    is promised about it. Hashes keep damage away from here; take hashes only from people you trust.

    Raises
    ------
    DataError
        If a value is missing or wrong, or the library cannot read its own format.
    MissingLibrary
        If the library is not installed or does not load.
    """
    library = LIBRARIES[state.kind]
    state.require(
        state.kind,
        facts=(*COMMON_FACTS, "count", "threads"),
        arrays=("fit_rows",),
        optional=("importances",),
        blobs=(library.ending,),
    )
    common = restore_common(state)
    count, features, rounds = state.whole("count"), state.whole("features"), state.whole("rounds")
    threads = state.whole("threads", least=1, most=MAX_THREADS)
    content = state.blobs[library.ending]
    if not content.startswith(library.start):
        raise state.fault(f"its {library.ending} file does not begin as one")
    try:
        booster, known = library.load(content, threads)
        trees = library(booster, count, features, threads)
        trial = trees.predict(np.zeros((1, features)), rounds) if known == features else None
    except GeigerError:
        raise
    except Exception as error:  # each library has types of its own, and wraps others
        raise state.fault(f"its trees cannot be read ({type(error).__name__})") from None
    if trial is None:
        raise state.fault(f"its trees take {known} features, not {features}")
    if trial.shape != (1,) or not np.isfinite(trial).all():
        raise state.fault("its trees give no forecast")
    return TreesPredictor(trees=trees, **common)


def _given(**settings: object) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


@cache
def _xgboost_ear() -> Any:
    """Return what XGBoost calls after each tree; the class it must descend from is the library's."""

    class Ear(load("xgboost").callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            halt_if_asked()
            return False

    return Ear()


class _CatBoostEar:
    """What CatBoost calls after each tree."""

    def after_iteration(self, info: Any) -> bool:
        return not halted()  # an error would not pass through the library


def _course(trees: Trees, train: Block, valid: Block) -> tuple[Epoch, ...]:
    """Record every 50th round up to the best one, and the best."""
    numbers = sorted({*range(RECORD_EVERY, trees.count, RECORD_EVERY), trees.count})
    return tuple(
        epoch_record(
            number,
            trees.predict(train.x, number),
            trees.predict(valid.x, number),
            train,
            valid,
            best=number == trees.count,
        )
        for number in numbers
    )


def _few(count: int) -> tuple[Notice, ...]:
    if count >= FEW_TREES:
        return ()
    trees = "1 tree" if count == 1 else f"{count} trees"
    text = (
        f"early stopping kept {trees}: no skill found on the inner validation rows (a finding, not a fault)"
    )
    return (Notice("FEW_TREES", text),)


def _rounded(x: Floats) -> NDArray[np.float32]:
    """Return x in single precision, as the other two libraries read it: then rounding moves no bin."""
    return x.astype(np.float32, copy=False)
