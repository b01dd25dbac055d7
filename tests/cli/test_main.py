"""Every command fails alike: one line, the right code, nothing written where it should not be."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import geiger.cli.data
from geiger.cli import main

Call = Any


SYMBOLS = [
    "../../etc/passwd",
    "/etc/passwd",
    "",
    ".",
    "..",
    " ",
    "CON",
    "nul.txt",
    "A" * 5000,
    "A\nB",
    "\x1b[31mRED",
    "A B",
    "é",
    "A\x00B",
    "..\\x",
]


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("command", [("train", "ridge"), ("backtest",), ("data", "show")])
def test_a_symbol_never_leaves_its_folder(
    call: Call, tmp_path: Path, symbol: str, command: tuple[str, ...]
) -> None:
    answer = call(*command, symbol)
    assert (answer.code, answer.out) == (1, "")
    assert "is no symbol" in answer.complaint or "cannot name a file on Windows" in answer.complaint
    assert len(answer.complaint) < 300
    assert [path.name for path in tmp_path.rglob("*")] == ["place"]


def test_an_unexpected_error_is_one_line_unless_asked_for(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("two\nlines \x1b[31m")

    monkeypatch.setattr(geiger.cli.data, "list_symbols", broken)
    answer = call("data", "list")
    assert answer.code == 1
    assert r"unexpected ZeroDivisionError: two\nlines \x1b[31m; run it again with --debug" in answer.complaint
    with pytest.raises(ZeroDivisionError):
        main(["data", "list", "--debug"])


def test_an_interrupt_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(geiger.cli.data, "list_symbols", stop)
    answer = call("data", "list")
    assert answer.code == 128 + signal.SIGINT
    assert answer.complaint == "geiger: stopped", "nothing is kept that could go on"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "geiger", "features", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_runs_folder_that_is_a_file(call: Call, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am a file")
    for words in (("train", "ridge", "AAA", "--min-train", 200), ("backtest", "AAA", "--min-train", 200)):
        answer = call(*words, "--data", data, "--runs-dir", tmp_path / "file")
        assert answer.code == 1
        assert "cannot be written (Not a directory); check the folder" in answer.complaint
    assert call("data", "list", "--runs-dir", tmp_path / "file").code == 0
    assert (tmp_path / "file").read_text() == "I am a file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "binary data, not text"),
        (b"<!DOCTYPE html><html><body>404</body></html>\n", "a server's message, not prices"),
        (b'{"chart": {"result": null}}\n', "a server's message, not prices"),
        (b"", "the file is empty"),
    ],
)
def test_a_file_that_is_no_prices(call: Call, data: Path, content: bytes, message: str) -> None:
    (data / "BAD.csv").write_bytes(content)
    for words in (
        ("train", "ridge", "BAD", "--data", data),
        ("data", "show", "BAD", "--data", data),
        ("data", "check", data / "BAD.csv"),
        ("data", "add", data / "BAD.csv"),
    ):
        answer = call(*words)
        assert (answer.code, answer.out) == (1, "")
        assert message in answer.complaint


def edited(market: pl.DataFrame, line: int, column: int, text: str) -> list[str]:
    """Return the lines of the file with one cell changed; `line` counts from 1, the heading being 1."""
    lines = market.write_csv().splitlines()
    cells = lines[line - 1].split(",")
    cells[column] = text
    return [*lines[: line - 1], ",".join(cells), *lines[line:]]


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (4, "NaN", "line 500, column 'Close': no price"),
        (4, "inf", "line 500, column 'Close': found 'inf'"),
        (2, "-Infinity", "line 500, column 'High': found '-Infinity'"),
        (1, "-5", "line 500, column 'Open': found -5"),
        (4, "1e300", "line 500, column 'Close': found 1e+300"),
    ],
)
def test_a_cell_that_is_no_price(
    call: Call, data: Path, market: pl.DataFrame, column: int, text: str, message: str
) -> None:
    (data / "BAD.csv").write_text("\n".join(edited(market, 500, column, text)) + "\n")
    answer = call("train", "ridge", "BAD", "--data", data)
    assert (answer.code, answer.out) == (1, "")
    assert message in answer.complaint


def test_days_out_of_order_or_twice(call: Call, data: Path, market: pl.DataFrame) -> None:
    lines = market.write_csv().splitlines()
    swapped = [*lines[:500], lines[501], lines[500], *lines[502:]]
    (data / "SWAP.csv").write_text("\n".join(swapped) + "\n")
    assert "SWAP.csv, line 502, column 'Date'" in call("train", "ridge", "SWAP", "--data", data).complaint
    (data / "TWICE.csv").write_text("\n".join([*lines[:500], lines[499], *lines[500:]]) + "\n")
    assert "occurs twice" in call("train", "ridge", "TWICE", "--data", data).complaint


def test_two_files_for_one_symbol(call: Call, data: Path, market: pl.DataFrame) -> None:
    market.write_parquet(data / "AAA.parquet")
    answer = call("train", "ridge", "AAA", "--data", data)
    assert answer.code == 1
    assert "AAA.csv, AAA.parquet could all be AAA; keep one of them" in answer.complaint


def test_a_symbol_nobody_has(call: Call, data: Path) -> None:
    near = call("train", "ridge", "AAB", "--data", data)
    assert near.code == 1
    assert "did you mean 'AAA'?" in near.complaint
    assert "known: AAA, BBB, SPY, TINY" in call("train", "ridge", "ZZZZ", "--data", data).complaint
    embedded = call("data", "show", "APPL")
    assert "did you mean 'AAPL'?" in embedded.complaint
    assert "geiger data fetch APPL" in embedded.complaint


def test_data_that_does_not_exist(call: Call, tmp_path: Path) -> None:
    for command in (("train", "ridge", "AAA"), ("data", "show", "AAA")):
        answer = call(*command, "--data", tmp_path / "nowhere")
        assert answer.code == 1
        assert "nowhere: no such folder or file" in answer.complaint


def test_a_model_nobody_knows(on_data: Call) -> None:
    for words in (("train", "rigde", "AAA"), ("backtest", "AAA", "--model", "rigde")):
        answer = on_data(*words)
        assert answer.code == 1
        assert "unknown model 'rigde': did you mean 'ridge'?" in answer.complaint
