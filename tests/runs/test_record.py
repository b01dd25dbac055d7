"""The record of a run: its text, what older ones lack, and the line that refuses a broken one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from geiger.codec import LARGEST, Misfit, parsed
from geiger.errors import DataError
from geiger.records import FoldResult, FoldScore, RegisterHead, Rival, Status, Training
from geiger.runs.record import (
    NOTHING_OWN,
    LedgerHead,
    OwnPart,
    OwnParts,
    RunRecord,
    as_json,
    read_ledger_head,
    read_record,
    read_register_head,
    record_of,
    write_record,
)
from geiger.settings import Config, override
from helpers.verdicts import VERDICT

Make = Callable[..., RunRecord]

FOLD = FoldResult(0, "2020-01-02", "2021-01-04", "", "", "2021-01-06", "2021-06-01", 250, 0, 100, (3, 5), 0.1)
TRAINING = Training(
    loss="mse",
    target_unit="raw",
    target_std=0.01,
    weight_decay=0.1,
    learning_rate=1e-3,
    final_learning_rate=1e-4,
    epochs=3,
    best_epoch=0,
    steps=6,
    head_gradient_first=0.3,
    head_gradient_last=float("inf"),
    k_train=None,
    rho_train=None,
    nrc1=0.5,
    nrc2=None,
    copies_yesterday=None,
)


def full(make: Make) -> RunRecord:
    """A record that has something in every table."""
    record = make(
        folds=(FOLD,),
        trainings=(TRAINING,),
        bases={"ridge": "AAPL_ridge_20240105_143022"},
        bases_failed={"lstm": "no memory"},
        forecast_ledger=LedgerHead(3, "0" * 64),
        verdict=VERDICT,
        model_hash="f" * 64,
        own=OwnParts(
            features=OwnPart(name="mine.py:gap", where="/mine.py", digest="a" * 64, columns=("gap",)),
            estimator=OwnPart(name="Lasso(alpha=1.0)"),
        ),
    )
    rival = Rival("ridge", 0.1, None, 0.5, None, None, None)
    folds = (FoldScore(0, "2021-01-06", "2021-06-01", 100, None, 0.1, 0.5, 0.5, 0.0, 0.1),)
    return replace(record, results=replace(record.results, folds=folds, rivals=(rival,)))


def test_a_record_comes_back_as_it_was_and_is_written_with_the_same_text(made_record: Make) -> None:
    for record in (
        full(made_record),
        made_record(),
        made_record(kind="backtest", forecasts_of="AAPL_ridge_20240105_143022"),
    ):
        text = json.dumps(as_json(record), indent=2).encode()
        back = record_of(text)
        assert back == record
        assert json.dumps(as_json(back), indent=2).encode() == text


def test_keys_stand_in_their_order_and_only_where_the_kind_has_them(made_record: Make) -> None:
    head = ["schema", "name", "kind"]
    tail = ["symbol", "model", "status", "config", "fill", "days_per_year", "data", "environment", "results"]
    tail += ["verdict", "audit", "forecast_ledger", "warnings", "log", "finished_at"]
    training = ["forecast_key", "folds", "trainings", "bases", "bases_failed"]
    assert list(as_json(made_record())) == [*head, *training, *tail]
    assert list(as_json(full(made_record))) == [*head, *training, *tail, "model_hash", "own"]
    backtest = made_record(kind="backtest", forecasts_of="AAPL_ridge_20240105_143022")
    assert list(as_json(backtest)) == [*head, "forecasts_of", *tail]
    assert "market" not in as_json(made_record())["data"]["context"]


def put(facts: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    at: Any = facts
    for step in above:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value


def test_an_older_record_is_lifted_by_defaults(tmp_path: Path, made_record: Make) -> None:
    facts = as_json(full(made_record))
    for name in (
        "schema",
        "days_per_year",
        "forecast_ledger",
        "bases_failed",
        "verdict",
        "audit",
        "model_hash",
        "own",
    ):
        del facts[name]
    for name in ("folds", "rivals", "diagnosis"):
        del facts["results"][name]
    del facts["environment"]["code"]
    del facts["trainings"][0]["direction_weight"]
    (tmp_path / "run.json").write_text(json.dumps(facts))
    back = read_record(tmp_path)
    assert back is not None
    assert (back.schema, back.days_per_year, back.forecast_ledger, back.model_hash) == (1, None, None, None)
    assert (back.bases_failed, back.verdict, back.audit) == ({}, None, None)
    assert back.own == NOTHING_OWN
    assert (back.results.folds, back.results.rivals, back.results.diagnosis) == (None, (), None)
    assert (back.environment.code, back.trainings[0].direction_weight) == (None, None)


def test_fields_of_later_versions_are_passed_over(made_record: Make) -> None:
    facts = as_json(full(made_record))
    for path in ("later", "data.later", "results.later", "folds.0.later", "results.health.later"):
        put(facts, path, {"what": "ever"})
    assert record_of(json.dumps(facts).encode()) == full(made_record)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("symbol", 7, "symbol: expected `str`, got `int`"),
        ("status", "FINE", "status: invalid enum value 'FINE'"),
        ("folds.0.train_rows", "many", "folds[0].train_rows: expected `int`, got `str`"),
        ("folds.0.rounds", ["many"], "folds[0].rounds[0]: expected `int`, got `str`"),
        ("results.folds.0.rho", True, "results.folds[0].rho: expected `float | null`, got `bool`"),
        ("trainings.0.target_unit", "furlong", "trainings[0].target_unit: invalid enum value 'furlong'"),
        ("data.context", [], "data.context: expected `object`, got `array`"),
        ("days_per_year", 0, "days_per_year must lie between 1 and 366, got 0"),
        ("results.health.n", 10**400, "a number of 401 digits"),
        ("kind", "backtest", "forecasts_of is missing"),
        ("own.features.columns", [3], "own.features.columns[0]: expected `str`, got `int`"),
    ],
)
def test_a_broken_record_is_refused_in_one_line_that_names_file_and_field(
    path: str, value: Any, said: str, tmp_path: Path, made_record: Make
) -> None:
    facts = as_json(full(made_record))
    put(facts, path, value)
    (tmp_path / "run.json").write_text(json.dumps(facts))
    with pytest.raises(DataError) as caught:
        read_record(tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'run.json'}: cannot be read ({said}")
    assert line.endswith("); train again")
    assert line.isprintable()


REQUIRED = ("symbol", "model", "status", "config", "fill", "data", "environment", "results")


@pytest.mark.parametrize("name", REQUIRED)
def test_what_every_run_must_say(name: str, made_record: Make) -> None:
    facts = as_json(made_record())
    del facts[name]
    with pytest.raises(ValueError, match=f"missing required field `{name}`"):
        record_of(json.dumps(facts).encode())


def test_a_newer_schema_is_refused(tmp_path: Path, made_record: Make) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**as_json(made_record()), "schema": 2}))
    with pytest.raises(DataError, match=r"schema 2 is newer than this version knows, 1\); update geiger"):
        read_record(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000 + b"]" * 200_000])
def test_what_is_no_record_is_refused(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(DataError, match=r"run\.json: cannot be read \(.*\); train again"):
        read_record(tmp_path)
    assert read_ledger_head(tmp_path) is None
    assert read_register_head(tmp_path) is None


def test_without_a_record_no_run_has_ended(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None


def test_the_head_of_the_ledger_is_known_even_from_a_record_that_is_broken(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"symbol": 7, "forecast_ledger": {"length": 3, "hash": "ab"}}')
    assert read_ledger_head(tmp_path) == LedgerHead(3, "ab")


def test_the_head_of_the_register_is_known_even_from_a_record_that_is_broken(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(
        '{"symbol": 7, "verdict": {"tries": {"head": {"trials": 2, "length": 3, "hash": "ab"}}}}'
    )
    assert read_register_head(tmp_path) == RegisterHead(2, 3, "ab")


def test_a_record_is_written_where_its_run_lies(tmp_path: Path, made_record: Make) -> None:
    record = made_record(status=Status.COLLAPSED)
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert [f.name for f in fields(record)][:2] == ["schema", "name"]


def test_whole_numbers_end_at_64_bits() -> None:
    assert parsed(str(LARGEST - 1)) == LARGEST - 1
    with pytest.raises(Misfit, match="larger than any number"):
        parsed(str(LARGEST))
    assert override(Config(), {"seed": LARGEST - 1}).seed == LARGEST - 1


def test_what_parts_are_does_not_depend_on_where_they_lie() -> None:
    part = OwnPart(name="mine.py:gap", where="/one/mine.py", digest="a" * 64, columns=("gap",))
    one, other = OwnParts(features=part), OwnParts(features=replace(part, where="/other/mine.py"))
    assert one.content() == other.content()
    assert list(one.content()) == ["features"]
    assert NOTHING_OWN.content() == {}
    assert (one.columns, NOTHING_OWN.columns) == (("gap",), ())


def test_an_older_record_had_no_verdict(tmp_path: Path, made_record: Make) -> None:
    facts = {**as_json(made_record()), "verdict": "not evaluated"}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    back = read_record(tmp_path)
    assert back is not None
    assert back.verdict is None
