"""An ablation that has run, for the tests of what it wrote."""

from __future__ import annotations

import pytest

from geiger.studies.ablate import (
    Results,
    Task,
    make_tasks,
    run,
)
from helpers.ablations import ARMS_HERE, made


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Task], Results]:
    tasks = make_tasks(ARMS_HERE, made())
    results = Results(tmp_path_factory.mktemp("runs") / "studies" / "ablate.jsonl")
    run(tasks, results, workers=1)
    return tasks, results
