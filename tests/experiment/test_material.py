"""What is scored holds no row of the lock-box."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import polars as pl

from helpers.runs import LOCKED, ROWS, locked_experiment

SOURCE = Path(__file__).parents[2] / "src" / "geiger"


def test_development_rows_have_the_same_features_with_and_without_what_comes_after(
    tmp_path: Path, planted: pl.DataFrame
) -> None:
    material = locked_experiment(tmp_path, planted).material()
    cut = ROWS - LOCKED
    assert material.prices.height == cut
    assert material.whole.prices.height == ROWS
    assert material.beyond is not None
    np.testing.assert_array_equal(material.features, material.whole.features[:cut])
    labelled = material.labelled
    assert material.target.head(labelled).equals(material.whole.target.head(labelled))
    assert locked_experiment(tmp_path, planted, lockbox=0).material().beyond is None
    early = locked_experiment(tmp_path, planted, end=str(planted["day"][cut - 50])).material()
    assert early.whole is early  # --end comes before what is locked: the model for use ends there, too
    late = locked_experiment(tmp_path, planted, end=str(planted["day"][cut + 50])).material()
    assert (late.prices.height, late.whole.prices.height) == (cut, cut + 51)


def test_only_what_makes_the_model_for_use_reads_the_rows_beyond() -> None:
    readers = set()
    for path in SOURCE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}  # `State.whole` is a method
        for node in nodes:
            if isinstance(node, ast.Attribute) and node.attr == "whole" and id(node) not in called:
                readers.add(str(path.relative_to(SOURCE)))
    names = ("cut", "stack_tables", "walk", "written")
    made_of = {str(Path("experiment", f"{name}.py")) for name in names}
    clock = str(Path("audit", "clock.py"))  # holds the days of labels against the clock, and no value of them
    exam = str(Path("judging", "unseal.py"))  # scores them, once
    assert readers == {*made_of, clock, exam}
