"""``geiger trials``: what was tried, what counts, and exit code 1 where the register is not whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geiger.cli import main
from geiger.experiment.tried import register_of
from geiger.runlog.wording import register_line
from geiger.runs.folder import RunsFolder
from helpers.trials import ROWS, trial, values


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a register of four trials on two series, a rerun, and a log that names its head."""
    register = register_of(RunsFolder(tmp_path / "runs"))
    prices = values(0)
    register.add(trial("a"), prices, values(1, ROWS))
    register.add(trial("b", "XYZ"), prices, values(2, ROWS))
    register.add(trial("a", run="again_ridge_20240106_143022"), prices, values(1, ROWS))
    register.add(trial("a", "MSFT"), values(9), values(1, ROWS))
    head = register.add(trial("a", rows=600), prices, values(1, 600)).head
    (tmp_path / "training_logs").mkdir()
    (tmp_path / "training_logs" / "one.log").write_text(register_line(head))
    return tmp_path


def called(place: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    folders = ["--runs-dir", str(place / "runs")]
    if words[0] == "verify":
        folders += ["--log-dir", str(place / "training_logs")]
    code = main(["trials", *words, *folders])
    return code, capsys.readouterr().out


def test_the_list_says_what_counts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = called(place, capsys, "list")
    rows = text.splitlines()
    assert (code, len(rows)) == (0, 7)
    assert [row.split()[0] for row in rows[1:6]] == ["4", "3", "2", "1", "0"]
    assert "yes, continues 0" in rows[1]
    assert "no, rerun of 0" in rows[3]
    assert "again_ridge_20240106_143022" in rows[3]
    assert "no, continued by 4" in rows[5]
    assert rows[6] == "3 trials counted, 5 lines; the same prices: AAPL and XYZ"


def test_a_symbol_stands_for_its_prices(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = called(place, capsys, "list", "--symbol", "XYZ", "--json")
    facts = json.loads(text)
    assert (code, facts["trials"]) == (0, 2)
    assert [(line["number"], line["symbol"], line["counts"]) for line in facts["lines"]] == [
        (4, "AAPL", True),
        (2, "AAPL", False),
        (1, "XYZ", True),
        (0, "AAPL", False),
    ]
    assert facts["lines"][1]["rerun_of"] == 0
    assert facts["lines"][0]["p_value"] == 0.105
    assert "no trials of IBM" in called(place, capsys, "list", "--symbol", "IBM")[1]


def test_older_ones_are_shown_where_they_are_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = called(place, capsys, "list", "--limit", "2")[1]
    assert "3 older ones not shown; --all shows them" in text
    assert len(called(place, capsys, "list", "--limit", "2", "--all")[1].splitlines()) == 7
    assert main(["trials", "list", "--limit", "0"]) == 1


def test_a_whole_register_is_sound(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = called(place, capsys, "verify")
    assert code == 0
    assert "3 trials in 5 lines, head " in text
    assert "goes on from 2 heads" in text
    assert "not their time" in text
    facts = json.loads(called(place, capsys, "verify", "--json")[1])
    assert (facts["sound"], facts["faults"], facts["heads"]) == (True, [], 2)


def test_a_shortened_register_is_noticed_by_a_log_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place / "runs" / "trials"
    chain = folder / "register.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    (folder / "register.head").unlink()
    (folder / ".index.sqlite").unlink()
    code, text = called(place, capsys, "verify")
    assert code == 1
    assert "FAULT" in text
    assert "A log of runs in another folder" in text
    assert "holds 4 entries where 5 were known by" in text
    assert "one.log: its last lines were removed" in text
    facts = json.loads(called(place, capsys, "verify", "--json")[1])
    assert (facts["sound"], len(facts["faults"])) == (False, 1)


def test_an_edited_register_is_one_plain_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = place / "runs" / "trials" / "register.jsonl"
    chain.write_bytes(chain.read_bytes().replace(b"0.105", b"0.005", 1))
    assert main(["trials", "list", "--runs-dir", str(place / "runs")]) == 1
    assert "line 1 was changed after it was written" in capsys.readouterr().err
    assert called(place, capsys, "verify")[0] == 1


def test_without_a_register_there_are_no_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = called(tmp_path, capsys, "list")
    assert (code, "no trials in" in text) == (0, True)
    assert called(tmp_path, capsys, "verify")[0] == 0
    assert not (tmp_path / "runs").exists()
