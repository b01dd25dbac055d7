"""The table of models is the only place that lists them; everything else agrees with it."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from geiger.checks.base import COMMANDS
from geiger.cli.doctor import PARTS
from geiger.models import FORECASTERS, make
from geiger.runs.environment import LIBRARIES
from geiger.settings.model_settings import ModelSections
from geiger.settings.models import (
    FITTED,
    GROUPS,
    LEARNERS,
    MODELS,
    SECTIONS,
    choices,
    libraries,
    log_names,
)
from geiger.settings.setting import NoSettings

SOURCE = Path(__file__).parents[2] / "src" / "geiger"
# A choice of models on purpose, or what stands in a model's own file.
CHOSEN = {
    "settings/models.py": "the table itself",
    "settings/recipes.py": "recipes set models",
    "settings/model_settings.py": "the base models of a stack are a setting",
    "models/boosting.py": "kinds of saved trees, beside the trees",
    "studies/arms.py": "arms are data: each trains one model on purpose",
    "audit/canaries.py": "the small stack in which a leak is planted weighs two on purpose",
    "studies/check_source.py": "what a fit takes beside others, for models that have one by themselves",
    "cli/demo.py": "one model of each kind, for a first look",
}


def lists_of_models(tree: ast.AST) -> list[int]:
    """Return the lines of literals that name two or more models."""
    found = []
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
        names = {part.value for part in parts if isinstance(part, ast.Constant)}
        if len(names & set(MODELS)) > 1:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_no_other_file_lists_models(path: Path) -> None:
    if path.relative_to(SOURCE).as_posix() not in CHOSEN:
        assert lists_of_models(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_a_list_of_models_would_be_seen() -> None:
    assert lists_of_models(ast.parse('A = 1\nB = ("lstm", "xlstm")\nC = {"xgb": 1, "lgb": 2}')) == [2, 3]
    assert lists_of_models(ast.parse('A = ("none", "zeros", "ridge", "screened")')) == []


def test_every_model_has_its_constructor_and_its_section() -> None:
    assert tuple(FORECASTERS) == FITTED
    assert tuple(item.name for item in fields(ModelSections)) == SECTIONS
    sections = ModelSections()
    for name in FITTED:
        model = make(name)
        held = model.settings  # type: ignore[attr-defined]
        assert (model.name, model.seeded, model.workers) == (name, MODELS[name].seeded, MODELS[name].workers)
        expected = getattr(sections, name) if MODELS[name].has_section else NoSettings()
        assert (type(held), held) == (type(expected), expected)
    for name in SECTIONS:
        assert getattr(sections, name).section == name


def test_names_are_each_their_own() -> None:
    said = [name for row in MODELS.values() for name in (row.log_name, *row.older_log_names)]
    assert len(set(said)) == len(said)
    assert log_names()["gbm_lgb"] == "lgb"
    assert log_names()["lstm_regressor"] == "lstm"
    assert COMMANDS == {
        "gbm_xgb": "xgb",
        "gbm_lgb": "lgb",
        "gbm_catboost": "catboost",
        "lstm_regressor": "lstm",
    }
    assert not set(GROUPS) & set(MODELS)
    for row in MODELS.values():
        assert row.stand_in is None or MODELS[row.stand_in].family == row.family


def test_who_trains_the_folds_of_which_models() -> None:
    # A fold of a network takes long enough for a process of its own; boosting libraries work outside Python.
    workers = {row.name: row.workers for row in MODELS.values() if row.workers != "none"}
    assert workers == {**dict.fromkeys(GROUPS["net"], "processes"), **dict.fromkeys(GROUPS["gbm"], "threads")}


def test_commands_name_every_model_that_learns_and_every_group() -> None:
    assert choices() == ("ridge", "xgb", "lgb", "catboost", "gbm", "lstm", "xlstm", "net", "stack")
    assert set(choices()) == {*LEARNERS, *GROUPS, "stack"}


def test_libraries_are_those_that_a_run_records_and_the_doctor_looks_for() -> None:
    needed = libraries("baseline", "linear", "boosting", "network", "stack", "own")
    assert set(needed) <= set(PARTS)
    assert set(needed) <= set(LIBRARIES)
    assert PARTS["keras"] == "models lstm and xlstm"
    assert PARTS["catboost"] == "model catboost (XGBoost stands in without it)"
