from __future__ import annotations

import json
from pathlib import Path

from geiger.studies.ablate import (
    Results,
    Task,
    make_tasks,
)
from geiger.studies.ablation_report import Ablation, write_report
from helpers.ablations import ARMS_HERE, made


def test_the_report_has_no_path_and_says_what_is_missing(
    done: tuple[list[Task], Results], tmp_path: Path
) -> None:
    tasks, results = done
    more = make_tasks(ARMS_HERE, made(3))
    beyond = {"ridge": {"within": [0.5, 0.7], "beyond": [0.9, 0.9]}}
    page, data = write_report(Ablation("geiger ablate", ARMS_HERE, more, results, beyond), tmp_path / "out")
    text, facts = page.read_text(encoding="utf-8"), json.loads(data.read_text(encoding="utf-8"))
    for written in (text, data.read_text(encoding="utf-8")):
        assert str(tmp_path) not in written
        assert "/home" not in written
        assert str(Path.cwd()) not in written
    assert "- weak: 1 of 4" in text
    assert "6 of 8 different trainings" in text
    assert "0.6000 ± 0.1000" in text
    assert len(facts["results"]) == 6
    assert [row["arm"]["name"] for row in facts["rows"]] == ["weak", "strong"]
    assert tasks[0].key in results.by_key
