"""What a user brings to a run: own features, an own target, an own estimator, each with name and hash.

Features are a function of the symbol's bars, a frame by day, or a Parquet file with one; a target is a
function of bars; an estimator is an object. A function or an object may also be named as ``FILE.py:name``,
whose file is then run in this call, and in no later one that does not name it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from geiger.errors import DataError, SettingError
from geiger.experiment.own_code import called, load_code
from geiger.experiment.own_table import BARS, KEYS, DayTable, days_in, on_bars
from geiger.files import read_frame
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.record import OwnPart
from geiger.settings.models import OWN

LONGEST_NAME = 200  # characters
Build = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class OwnFeatures:
    """Features of the user's own.

    Attributes
    ----------
    name : str
        As log and record name them.
    digest : str or None
        SHA-256 of the source file, or hash of the frame's content; None for a function given in memory.
    build : callable
        PRICES frame -> ``day`` and float columns, one row a bar; NaN where nothing is known yet.
    where : str or None
        Path of the file they came from.
    table : DayTable, optional
        The frame, where it is one.
    """

    name: str
    digest: str | None
    build: Build
    where: str | None = None
    table: DayTable | None = None


@dataclass(frozen=True)
class OwnTarget:
    """A target of the user's own: `build` makes of PRICES ``day``, ``value`` and perhaps ``known_on``."""

    name: str
    digest: str | None
    build: Build
    where: str | None = None


@dataclass(frozen=True)
class OwnEstimator:
    """An estimator of the user's own: an object with ``fit(X, y)`` and ``predict(X)``.

    `digest` is None for an object given in memory, of which nobody can say that it is the same another time.
    """

    name: str
    digest: str | None
    estimator: Any
    where: str | None = None

    @property
    def part(self) -> OwnPart:
        """What a run's record says of it."""
        return OwnPart(name=self.name, where=self.where, digest=self.digest)


def own_features(given: Any) -> OwnFeatures | None:
    """Return features of the user's own; None where none are given.

    Parameters
    ----------
    given : callable, frame, path or text
        ``f(bars)``, a frame by day, the path of a Parquet file, or ``FILE.py:function``.

    Raises
    ------
    GeigerError
        There is no such file or function, or the frame cannot be joined by day.
    """
    if given is None or isinstance(given, OwnFeatures):
        return given
    if isinstance(given, Path) or (isinstance(given, str) and given.lower().endswith(".parquet")):
        path = Path(given).expanduser().resolve()
        return _of_table(DayTable.of(read_frame(path), path.name), path.name, str(path))
    if isinstance(given, str):
        code = load_code(given)
        return OwnFeatures(code.name, code.digest, _features(code.value, code.name), code.where)
    if callable(given):
        name = _name_of(given)
        return OwnFeatures(name, None, _features(given, name))
    return _of_table(DayTable.of(given, "features"), "frame", None)


def own_target(given: Any) -> OwnTarget | None:
    """Return a target of the user's own, from ``f(bars)`` or ``FILE.py:function``; None without one."""
    if given is None or isinstance(given, OwnTarget):
        return given
    if isinstance(given, str | Path):
        code = load_code(str(given))
        return OwnTarget(code.name, code.digest, _target(code.value, code.name), code.where)
    name = _name_of(given)
    return OwnTarget(name, None, _target(given, name))


def own_estimator(given: Any) -> OwnEstimator | None:
    """Return an estimator of the user's own, from an object or ``FILE.py:name``; None where none is given.

    The name may be of an object with fit and predict, or of a class or function that makes one.
    """
    if given is None or isinstance(given, OwnEstimator):
        return given
    if not isinstance(given, str | Path):
        return OwnEstimator(_described(given), None, given)
    code = load_code(str(given))
    made = code.value
    if isinstance(made, type) or (callable(made) and not hasattr(made, "fit")):
        made = called(made, name=code.name)
    return OwnEstimator(code.name, code.digest, made, code.where)


def features_of_run(
    stored: StoredRun, given: Any, runs: RunsFolder, *, newer: bool = False
) -> OwnFeatures | None:
    """Return the features that a run learned from: the ones given, or the frame that it kept.

    Parameters
    ----------
    newer : bool
        A frame may have rows behind those of the one that was kept, as it has for a new day.

    Raises
    ------
    SettingError
        The run had others, or had some and none are given.
    """
    part, found = stored.record.own.features, own_features(given)
    digest = None if part is None else part.digest
    kept = None if part is None or digest is None else DayTable.kept(runs.own, digest, part.name)
    if found is None and kept is not None and part is not None:
        return _of_table(kept, part.name, part.where)
    if newer and kept is not None and found is not None and found.table is not None:
        _require_continued(stored, found.name, found.table, kept)
        return found
    _require_same(stored, "features", part, found)
    return found


def target_of_run(stored: StoredRun, given: Any) -> OwnTarget | None:
    """Return the target that a run learned, from the one given; a run keeps no code."""
    found = own_target(given)
    _require_same(stored, "target", stored.record.own.target, found)
    return found


def estimator_of_run(stored: StoredRun, given: Any) -> OwnEstimator | None:
    """Return the estimator that a run trained, from the one given; a run keeps no code."""
    found, part = own_estimator(given), stored.record.own.estimator
    if part is None and stored.record.model == OWN:
        part = OwnPart(name="its name was not kept")  # by older versions
    _require_same(stored, "estimator", part, found)
    return found


def require_same_values(stored: StoredRun, kind: str, then: OwnPart | None, now: OwnPart | None) -> None:
    """Refuse a function given in memory that makes other numbers of the run's own bars than it did."""
    if then is None or now is None or then.digest is not None or then.values == now.values:
        return
    raise DataError(
        f"{stored.name}: {kind} {now.name} makes other numbers of the run's prices than {then.name} did"
    )


def _require_continued(stored: StoredRun, name: str, table: DayTable, kept: DayTable) -> None:
    if not table.continues(kept):
        raise SettingError(
            f"{stored.name}: {name} is no longer the frame that it learned from: up to "
            f"{kept.rows['known_on'][-1]} a frame may only stay as it was; train again on this one"
        )


def _require_same(
    stored: StoredRun,
    kind: str,
    then: OwnPart | None,
    now: OwnFeatures | OwnTarget | OwnEstimator | None,
) -> None:
    if then is None:
        if now is not None:
            raise SettingError(f"{stored.name}: used no {kind} of your own; leave {now.name} out")
        return
    if now is None:
        raise SettingError(f"{stored.name}: used {kind} of your own, {then.name}, {_how_to_give(kind, then)}")
    if then.digest is not None and then.digest != now.digest:
        raise SettingError(
            f"{stored.name}: used {kind} {then.name} with hash {then.digest[:12]}; {now.name} has "
            f"{'none' if now.digest is None else now.digest[:12]}: it was changed since, or is another"
        )
    if _word(then) != _word(now):
        raise SettingError(f"{stored.name}: used {kind} {then.name}, and not {now.name}")


def _word(part: OwnPart | OwnFeatures | OwnTarget | OwnEstimator) -> str:
    """Return what its file calls it; nothing where it is no part of a file."""
    return part.name.rpartition(":")[2] if part.digest is not None and ":" in part.name else ""


def _how_to_give(kind: str, part: OwnPart) -> str:
    """Return what to do about a part that a run does not keep; a path in a record is never run by itself."""
    if part.digest is None:
        return f"given in memory, which a run does not keep; give it again from Python, as {kind}="
    place = part.where if part.where is not None and part.where.endswith(".parquet") else None
    named = place or f"{part.where}:{part.name.rpartition(':')[2]}"
    return f"which a run does not keep; give it again with --{kind} {named}"


def _of_table(table: DayTable, name: str, where: str | None) -> OwnFeatures:
    return OwnFeatures(name, table.digest, lambda prices: table.on(prices["day"]), where, table)


def _features(function: Any, name: str) -> Build:
    _require_callable(function, name, "features")
    word = name.rpartition(":")[2]
    fallback = word if word.isidentifier() else "column"

    def build(prices: pl.DataFrame) -> pl.DataFrame:
        made = on_bars(called(function, prices.select(BARS), name=name), prices["day"], name, fallback)
        if "known_on" in made.columns:
            raise DataError(f"{name}: a row of a function is known at its bar's close; leave known_on out")
        return made

    return build


def _target(function: Any, name: str) -> Build:
    _require_callable(function, name, "target")

    def build(prices: pl.DataFrame) -> pl.DataFrame:
        made = on_bars(called(function, prices.select(BARS), name=name), prices["day"], name, "value")
        numbers = [column for column in made.columns if column not in KEYS]
        if len(numbers) > 1:
            raise DataError(f"{name}: a target is one column of numbers, got {', '.join(numbers)}")
        made = made.rename({numbers[0]: "value"})
        value = made.select("day", pl.col("value").fill_nan(None))
        return value.with_columns(_known_on(made, name)) if "known_on" in made.columns else value

    return build


def _known_on(made: pl.DataFrame, name: str) -> pl.Series:
    """Return when each label became known; missing where there is no label."""
    labelled = made["value"].is_not_nan()
    known = days_in(made.filter(labelled)["known_on"], name)
    days = pl.DataFrame([made.filter(labelled)["day"], known.alias("known_on")])
    return made.select("day").join(days, on="day", how="left", maintain_order="left")["known_on"]


def _require_callable(function: Any, name: str, kind: str) -> None:
    if not callable(function) or isinstance(function, type):
        raise SettingError(f"{name}: is {type(function).__name__}, no function; {kind} needs one of bars")


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _described(estimator: Any) -> str:
    """Return class and parameters; what an object says of itself may hold addresses, which change."""
    parameters: Mapping[str, Any] = {}
    if hasattr(estimator, "get_params"):
        parameters = estimator.get_params(deep=False)
    told = ", ".join(f"{key}={_shown(parameters[key])}" for key in sorted(parameters))
    return f"{type(estimator).__name__}({told})"[:LONGEST_NAME]


def _shown(value: Any) -> str:
    simple = value is None or isinstance(value, bool | int | float | str)
    return repr(value) if simple else type(value).__name__
