"""A run in an MLflow tracking store: settings, figures, epochs, verdict, page and files.

Nothing else of Geiger needs it. What is exported once is found again by its name: the same run exported
again is updated, and never stands there twice.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from geiger.cleaning import clean, clean_setting
from geiger.command_line import LOG_DIR, Folders
from geiger.errors import DataError, MissingLibrary
from geiger.pages import page_of
from geiger.records import Epoch, Status
from geiger.runlog import read_log
from geiger.runlog.verdict import headline
from geiger.runs.folder import StoredRun
from geiger.runs.gist import gist_of
from geiger.runs.record import RECORD, STAMP, RunRecord
from geiger.settings.models import SECTIONS, STACK

Item = TypeVar("Item")

EXPERIMENT = "geiger"
NAME, WHOLE = "geiger.run", "geiger.whole"  # tags: whose export it is, and whether it came to its end
AT_ONCE = {"metrics": 1000, "params": 100, "tags": 100}  # what a store takes in one call
OF_VERDICT = ("p_value", "corrected_p", "slope", "explained", "detectable", "difference", "worth_p")
OF_FOLD = ("rho", "k", "above_mean", "accuracy", "net", "buy_and_hold")
OF_EPOCH = ("loss", "val_loss", "pred_std", "pos_pct")
LONGEST = 500  # characters of a parameter; older stores take no more
LONGEST_TAG = 5000
FOLDERS = "MLFLOW_ALLOW_FILE_STORE"  # MLflow from 3.17 on asks for it before it uses a folder
QUIETLY = {  # set where the user has not: a dead server is not waited for, and nothing is told to others
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # seconds
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Exported:
    """Where a run stands in a store; `new` where it did not stand there before."""

    run_id: str
    experiment: str
    new: bool


@dataclass(frozen=True)
class Measured:
    """One metric: its name, its value, and its step."""

    key: str
    value: float
    step: int = 0


def export_run(stored: StoredRun, log: Path | None, uri: str, experiment: str = EXPERIMENT) -> Exported:
    """Write a run to a tracking store, or update what stands there of it.

    Parameters
    ----------
    log : path, optional
        The run's log, which alone has the epochs.
    uri : str
        As MLflow has it: ``sqlite:///mlflow.db``, ``http://host:5000``, a folder.

    Raises
    ------
    MissingLibrary
        MLflow is not installed.
    DataError
        The store cannot be written to.
    """
    client = _client(uri)
    with _plainly(uri):
        place = _experiment(client, experiment)
        run_id, new = _run(client, place, stored)
        if new:
            _log(client, run_id, params=_params(stored.record))
        known = client.get_run(run_id).data.metrics
        measured = [one for one in _measured(stored.record, log) if new or known.get(one.key) != one.value]
        if not new:  # what has steps was written whole the first time, and does not change
            measured = [one for one in measured if not one.step and "/" not in one.key]
        _log(client, run_id, measured=measured, when=_ended(stored.record), tags=_tags(stored, log))
        _files(client, run_id, stored, log)
        _log(client, run_id, tags={WHOLE: "yes"})
        state = "FAILED" if stored.record.status is Status.FAILED else "FINISHED"
        client.set_terminated(run_id, state, _ended(stored.record))
    return Exported(run_id, experiment, new)


def _client(uri: str) -> Any:
    """Return a client of the store."""
    for name, value in QUIETLY.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient
    except ImportError:
        raise MissingLibrary(
            "MLflow is not installed; `pip install 'geiger-lab[mlflow]'` brings what is needed of it"
        ) from None
    with _plainly(uri):
        return MlflowClient(tracking_uri=uri)


@contextmanager
def _plainly(uri: str) -> Iterator[None]:
    """Turn whatever a store says into one line; its secrets are hidden."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's about its own versions
            yield
    except DataError:
        raise
    except Exception as error:  # of MLflow, of its database, of the network
        if FOLDERS in str(error):
            raise DataError(
                f"MLflow store {clean(uri)}: this MLflow takes a folder only where {FOLDERS}=true is set, "
                "for whoever reads it as well; or give a database, --uri sqlite:///mlflow.db"
            ) from None
        why = clean(str(error).split("\n")[0])[:300] or type(error).__name__
        raise DataError(
            f"MLflow store {clean(uri)}: {why}; check the address, and that the store runs"
        ) from None


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name))
    if found.lifecycle_stage != "active":
        raise DataError(f"MLflow experiment {clean(name)!r} was deleted there; restore it, or name another")
    return str(found.experiment_id)


def _run(client: Any, place: str, stored: StoredRun) -> tuple[str, bool]:
    """Return the run of this name in the store, and whether it was made now; half an export is made anew."""
    name = stored.name.replace("'", "")
    for found in client.search_runs([place], f"tags.`{NAME}` = '{name}'"):
        if found.data.tags.get(WHOLE):
            return str(found.info.run_id), False
        client.delete_run(found.info.run_id)
    made = client.create_run(
        place, start_time=_began(stored.name), tags={NAME: stored.name}, run_name=stored.name
    )
    return str(made.info.run_id), True


def _log(
    client: Any,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    measured: Iterable[Measured] = (),
    when: int = 0,
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    for some in _portions((params or {}).items(), "params"):
        client.log_batch(run_id, params=[Param(key, value) for key, value in some])
    for some in _portions((tags or {}).items(), "tags"):
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in some])
    for these in _portions(measured, "metrics"):
        client.log_batch(run_id, [Metric(one.key, one.value, when, one.step) for one in these])


def _portions(items: Iterable[Item], kind: str) -> Iterator[list[Item]]:
    """Yield as many at a time as a store takes in one call."""
    left = iter(items)
    while some := list(islice(left, AT_ONCE[kind])):
        yield some


def _params(record: RunRecord) -> dict[str, str]:
    """Return what shaped a run: data, and the settings of the models that took part."""
    members = record.config.get(STACK, {}).get("models", ()) if record.model == STACK else ()
    used = {record.model, *members}
    idle = {name for name in SECTIONS if name not in used}
    shaping = {name: value for name, value in record.config.items() if name not in idle}
    facts = {
        "symbol": record.symbol,
        "model": record.model,
        "kind": record.kind,
        "fill": record.fill,
        "forecasts_of": record.forecasts_of,
        "data": record.data.as_dict(),
        **shaping,
    }
    return {key: text[:LONGEST] for key, text in _flat(facts)}


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            key, text = clean_setting(f"{above}{name}", shown)
            yield _key(key), text


_WORDS = {"%": "pct", "&": "and"}


def _key(text: str) -> str:
    """Return a name as every store takes it.

    >>> _key("Positive %"), _key("Buy & Hold Sharpe"), _key("Sharpe above 0, PSR")
    ('Positive pct', 'Buy and Hold Sharpe', 'Sharpe above 0 PSR')
    """
    for sign, word in _WORDS.items():
        text = text.replace(sign, word)
    return re.sub(r"[^\w./ -]", "", text)[:250]


def _measured(record: RunRecord, log: Path | None) -> list[Measured]:
    """Return every finite number of a run: figures, verdict, folds by fold, epochs by epoch."""
    found: list[tuple[str, float | None, int]] = [
        (_key(figure.name), figure.value, 0) for figure in record.results.figures
    ]
    verdict, health = record.verdict, record.results.health
    if verdict is not None:
        found += [(f"verdict {name}", getattr(verdict, name), 0) for name in OF_VERDICT]
        found.append(("verdict days", float(verdict.days), 0))
    if health is not None:
        found += [("correlation error", health.rho_error, 0)]
    for fold in record.results.folds or ():
        found += [(f"folds/{name}", getattr(fold, name), fold.fold) for name in OF_FOLD]
    for epoch in _epochs(log):
        of = f"epochs/fold {epoch.fold} seed {epoch.seed}"
        found += [(f"{of}/{name}", getattr(epoch, name), epoch.epoch) for name in OF_EPOCH]
    return [
        Measured(key, value, at) for key, value, at in found if value is not None and math.isfinite(value)
    ]


def _epochs(log: Path | None) -> Sequence[Epoch]:
    try:
        return () if log is None else read_log(log).epochs
    except DataError:  # the page says what is wrong with it
        return ()


def _tags(stored: StoredRun, log: Path | None) -> dict[str, str]:
    """Return the words of a run: how it is found, and the answer first where MLflow shows a description."""
    record = stored.record
    words = {
        "geiger.status": record.status.value,
        "geiger.answer": "none" if record.verdict is None else record.verdict.answer.value,
        "geiger.verdict": headline(record.verdict),
        "geiger.audit": "none" if record.audit is None else record.audit.text(),
        "geiger.symbol": record.symbol,
        "geiger.model": record.model,
        "geiger.kind": record.kind,
        "geiger.code": record.environment.code or "unknown",
        "geiger.codes": ", ".join(stored.health_codes),
    }
    lines = gist_of(record, _folders(stored, log)).lines()
    note = "\n".join(clean(line) for line in lines)
    return {**{key: clean(text)[:LONGEST_TAG] for key, text in words.items()}, "mlflow.note.content": note}


def _folders(stored: StoredRun, log: Path | None) -> Folders:
    return Folders.of(stored.folder.parent, LOG_DIR if log is None else log.parent)


def _files(client: Any, run_id: str, stored: StoredRun, log: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="geiger-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(page_of(stored, log, _folders(stored, log)), encoding="utf-8")
        client.log_artifact(run_id, str(page))
    beside = () if log is None else (log, log.with_suffix(".jsonl"))
    for path in (stored.folder / RECORD, stored.folder / "forecasts.parquet", *beside):
        if path.is_file():
            client.log_artifact(run_id, str(path))


def _began(name: str) -> int:
    """Return when a run began, by its name, in milliseconds."""
    return int(dt.datetime.strptime(name[-15:], STAMP).timestamp() * 1000)


def _ended(record: RunRecord) -> int:
    try:
        return int(dt.datetime.fromisoformat(record.finished_at).timestamp() * 1000)
    except ValueError:
        return _began(record.name)
