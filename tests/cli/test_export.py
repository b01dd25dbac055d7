"""``geiger export mlflow`` and ``train --mlflow``: what is said, and that trouble costs no training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geiger.cli import export as exporting
from geiger.errors import DataError
from geiger.service.tracking import Exported

Call = Any


def test_a_training_is_exported_when_it_is_done(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def export_run(stored: Any, log: Path | None, uri: str) -> None:
        assert log is not None
        asked.append((stored.name, log.stem, uri))

    monkeypatch.setattr(exporting, "export_run", export_run)
    answer = on_data("train", "ridge", "AAA", "--mlflow", "sqlite:///x.db", "--json")
    (facts,) = answer.json
    assert asked == [(facts["run"], facts["run"], "sqlite:///x.db")]
    assert answer.err == ""


def test_a_store_that_fails_is_one_warning(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def export_run(*given: Any) -> None:
        raise DataError("MLflow store x: it is down; check the address")

    monkeypatch.setattr(exporting, "export_run", export_run)
    answer = on_data("train", "ridge", "AAA", "--mlflow", "x")
    assert answer.code in (0, 3)
    assert answer.complaint == "geiger: not exported: MLflow store x: it is down; check the address"
    assert list(Path("runs").glob("AAA_ridge_*/run.json"))


def test_a_run_is_exported_by_the_beginning_of_its_name(
    on_data: Call, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_data("train", "ridge", "AAA")
    asked: list[Any] = []

    def export_run(stored: Any, log: Path | None, uri: str, experiment: str) -> Exported:
        asked.append((stored.record.symbol, uri, experiment))
        return Exported("abc", experiment, new=len(asked) == 1)

    monkeypatch.setattr(exporting, "export_run", export_run)
    first = call("export", "mlflow", "AAA_ridge", "--uri", "here")
    assert first.code == 0
    assert "written as run abc of experiment geiger" in first.out
    again = call("export", "mlflow", "AAA", "--uri", "here", "--experiment", "mine", "--json")
    assert again.json["new"] is False
    assert asked == [("AAA", "here", "geiger"), ("AAA", "here", "mine")]
    assert call("export", "mlflow", "BBB", "--uri", "here").code == 1
