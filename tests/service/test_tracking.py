"""A run in an MLflow store: what stands there, once, and what is said of a store that does not answer."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from geiger.errors import DataError, MissingLibrary
from geiger.records import Answer, Verdict
from geiger.report.gather import log_of
from geiger.runlog import read_log
from geiger.runs.folder import StoredRun
from geiger.service import tracking
from geiger.service.tracking import export_run

try:
    import mlflow
except ImportError:
    mlflow = None  # type: ignore[assignment]

needs_mlflow = pytest.mark.skipif(
    mlflow is None, reason="NO MLFLOW: exports were not tested against a store; install geiger-lab[mlflow]"
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of MLflow, about its own stores
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(params=["database", "folder"])
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # where a store of files would put what it is given
    if request.param == "folder":
        monkeypatch.setenv(tracking.FOLDERS, "true")
        return (tmp_path / "store").as_uri()
    if not _has_database():
        pytest.skip("NO DATABASE: exports were not tested against one; install geiger-lab[mlflow]")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def _has_database() -> bool:
    try:
        import sqlalchemy  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.fixture(scope="module")
def base(stack_stored: StoredRun, stack_place: Path) -> tuple[StoredRun, Path]:
    """The XGBoost of the stack: it has epochs in its log."""
    from geiger.runs.folder import RunsFolder

    stored = RunsFolder(stack_place / "runs").load(stack_stored.record.bases["xgb"])
    log = log_of(stored, stack_place / "logs")
    assert log is not None
    return stored, log


def there(uri: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name("geiger")
    assert found is not None
    return list(client.search_runs([found.experiment_id]))


@needs_mlflow
def test_everything_of_a_run_stands_there(uri: str, base: tuple[StoredRun, Path]) -> None:
    from mlflow import MlflowClient

    stored, log = base
    made = export_run(stored, log, uri)
    assert made.new
    (run,) = there(uri)
    assert run.info.run_id == made.run_id
    assert (run.info.run_name, run.info.status) == (stored.name, "FINISHED")
    params, tags, metrics = run.data.params, run.data.tags, run.data.metrics
    assert (params["symbol"], params["model"], params["recipe"]) == ("AAPL", "xgb", "quick")
    assert params["xgb.max_trees"] == "8"
    assert not any(key.startswith("lstm.") for key in params)
    assert (tags["geiger.run"], tags["geiger.answer"]) == (stored.name, "none")
    assert tags["geiger.code"] == stored.record.environment.code
    figures = {figure.name: figure.value for figure in stored.record.results.figures}
    assert metrics["Test Sharpe"] == figures["Test Sharpe"]
    assert metrics["Positive pct"] == figures["Positive %"]
    assert all(math.isfinite(value) for value in metrics.values())
    client, epochs = MlflowClient(tracking_uri=uri), read_log(log).epochs
    first = [epoch for epoch in epochs if (epoch.fold, epoch.seed) == (epochs[0].fold, epochs[0].seed)]
    history = client.get_metric_history(
        made.run_id, f"epochs/fold {epochs[0].fold} seed {epochs[0].seed}/val_loss"
    )
    assert {(one.step, one.value) for one in history} == {(one.epoch, one.val_loss) for one in first}
    folds = client.get_metric_history(made.run_id, "folds/net")
    assert [one.step for one in sorted(folds, key=lambda one: one.step)] == [
        fold.fold for fold in stored.record.results.folds or ()
    ]
    names = {file.path for file in client.list_artifacts(made.run_id)}
    assert names == {"report.html", "run.json", "forecasts.parquet", log.name, log.with_suffix(".jsonl").name}


@needs_mlflow
def test_the_same_run_again_is_updated(uri: str, base: tuple[StoredRun, Path], tmp_path: Path) -> None:
    from dataclasses import replace

    from mlflow import MlflowClient

    stored, log = base
    first = export_run(stored, log, uri)
    verdict = Verdict(
        answer=Answer.NO_SIGNAL,
        sentence="nothing",
        reasons=(),
        days=10,
        first="2020-01-02",
        last="2020-01-20",
        corrected_p=0.5,
        level=0.01,
        made_on="2024-01-05",
        data_to="2020-02-03",
    )
    judged = StoredRun(stored.folder, replace(stored.record, verdict=verdict))
    again = export_run(judged, log, uri)
    assert (again.run_id, again.new) == (first.run_id, False)
    (run,) = there(uri)
    assert run.data.tags["geiger.answer"] == "NO SIGNAL"
    assert run.data.metrics["verdict corrected_p"] == 0.5
    client = MlflowClient(tracking_uri=uri)
    for key in ("Test Sharpe", "verdict corrected_p"):
        assert len(client.get_metric_history(first.run_id, key)) == 1
    export_run(judged, log, uri)
    assert len(client.get_metric_history(first.run_id, "verdict corrected_p")) == 1


@needs_mlflow
def test_half_an_export_is_made_anew(
    uri: str, base: tuple[StoredRun, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, log = base
    with monkeypatch.context() as broken:
        broken.setattr(tracking, "_files", lambda *given: 1 / 0)
        with pytest.raises(DataError, match="MLflow store"):
            export_run(stored, log, uri)
    assert len(there(uri)) == 1
    made = export_run(stored, log, uri)
    (run,) = there(uri)
    assert (run.info.run_id, made.new) == (made.run_id, True)


@needs_mlflow
def test_a_store_that_does_not_answer_is_one_line_without_its_secret(base: tuple[StoredRun, Path]) -> None:
    stored, log = base
    with pytest.raises(DataError) as told:
        export_run(stored, log, "http://me:hush@127.0.0.1:9")
    text = str(told.value)
    assert "\n" not in text
    assert "hush" not in text
    assert text.startswith("MLflow store http://[hidden]@127.0.0.1:9: ")
    with pytest.raises(DataError, match="MLflow store odd://"):
        export_run(stored, log, "odd://nowhere")


@needs_mlflow
def test_a_folder_is_taken_or_the_line_says_what_lets_it_be(
    base: tuple[StoredRun, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow from 3.17 on asks to be told that a folder is meant; those before take it."""
    monkeypatch.delenv(tracking.FOLDERS, raising=False)
    try:
        made = export_run(*base, str(tmp_path / "store"))
    except DataError as error:
        told = str(error)
        assert f"{tracking.FOLDERS}=true" in told
        assert "sqlite:///mlflow.db" in told
        assert "\n" not in told
    else:
        assert made.new


def test_without_mlflow_it_says_how_to_get_it(
    base: tuple[StoredRun, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingLibrary, match=r"geiger-lab\[mlflow\]"):
        export_run(*base, "sqlite:///x.db")
