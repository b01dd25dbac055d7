from __future__ import annotations

import sys

import pytest

from geiger.cli.terminal import print_json, progress, table, wrapped


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [["name", "n"], ["a", "100"], ["longer", ""]]
    assert table(rows, indent="> ") == "> name    n\n> a       100\n> longer"


def test_json_is_refused_where_it_would_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": [1, None]})
    assert capsys.readouterr().out == '{\n  "path": [\n    1,\n    null\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json(float("nan"))


@pytest.mark.parametrize("quiet", [True, False])
def test_a_pipe_is_shown_no_progress(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    with progress("folds", 3, quiet=quiet) as tick:
        tick("one")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_terminal_is_shown_each_step_on_stderr_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("folds", 3) as tick:
        tick("fold 1 to 2020-01-02")
    said = capsys.readouterr()
    assert said.out == ""
    assert "folds" in said.err


def test_a_bar_grows_with_the_steps_that_are_planned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("audit", 0) as tick:
        tick.more(31)
        tick.more(2)
        tick("one")
    assert "1/33" in capsys.readouterr().err


def test_prose_is_broken_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "word " * 40
    monkeypatch.setenv("COLUMNS", "70")
    lines = wrapped(text, "  ", "    ")
    assert max(map(len, lines)) <= 70
    assert lines[0].startswith("  word")
    assert all(line.startswith("    word") for line in lines[1:])
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(len, wrapped(text))) <= 100


def test_a_long_note_does_not_push_the_count_off_the_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with progress("audit of AAPL_gbm_catboost_20240105_143022", 31) as tick:
        tick("2003-04-07 (last row of the first fold): the rows after it were put in reverse order")
    assert "1/31" in capsys.readouterr().err
