"""The files to try: what each is said to be, it is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.doubts import Doubt
from geiger.market.examples import PAYS, R2, SPLIT_ROW, TYPO_ROW, examples, write_examples
from geiger.market.inspection import inspect
from geiger.market.loaded import Loaded
from geiger.market.readers import Reading, read_prices
from geiger.market.synthetic import planted_signal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("try") / "made" / "here"
    write_examples(folder)
    return folder


def doubts(path: Path, reading: Reading) -> dict[str, Doubt]:
    loaded = Loaded(path.stem, reading.prices, "file", str(path), reading.notes, reading.layout)
    return {doubt.code: doubt for doubt in (*reading.notes, *inspect(loaded))}


def correlation_with_next(prices: pl.DataFrame) -> float:
    """Of what a day's volume says with the return from close to close after it."""
    said = planted_signal(prices, "volume")[:-1]
    return float(np.corrcoef(said, np.diff(np.log(prices["close"].to_numpy())))[0, 1])


def test_the_same_bytes_every_time(folder: Path) -> None:
    assert write_examples(folder) == examples()
    for file in examples():
        assert (folder / file.name).read_bytes() == file.content
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {
        Path(file.name).name for file in examples()
    }


def test_the_signal_is_in_acme_and_nowhere_else(folder: Path) -> None:
    found = {
        name: correlation_with_next(read_prices(folder / "prices" / f"{name}.csv").prices)
        for name in ("ACME", "NOISE", "DIVI")
    }
    error = 1.0 / math.sqrt(2500)
    assert abs(found["ACME"] - math.sqrt(R2)) < 2 * error
    assert abs(found["NOISE"]) < 2 * error
    assert abs(found["DIVI"]) < 2 * error


def test_clean_files_have_one_doubt_at_most(folder: Path) -> None:
    """Ten years of every session of New York; without an adjusted close that is said."""
    for name, codes in (
        ("ACME", {"DATA_ADJUSTMENT_UNKNOWN"}),
        ("NOISE", {"DATA_ADJUSTMENT_UNKNOWN"}),
        ("DIVI", set()),
    ):
        path = folder / "prices" / f"{name}.csv"
        reading = read_prices(path)
        assert reading.prices.height == 2516
        assert {code for code, doubt in doubts(path, reading).items() if doubt.severity != "note"} == codes


def test_divi_is_adjusted_for_its_dividends_alone(folder: Path) -> None:
    prices = read_prices(folder / "prices" / "DIVI.csv").prices
    ratio = (prices["close"] / prices["raw_close"]).to_numpy()
    steps = np.diff(np.log(ratio))
    paid = steps > 0.001
    assert np.flatnonzero(paid).tolist() == list(range(62, 2515, 63))  # the close before the ex-date
    assert steps[paid] == pytest.approx(-math.log(1.0 - PAYS), abs=1e-5)
    assert ratio[-1] == 1.0


def test_a_check_names_both_faults_of_messy(folder: Path) -> None:
    path = folder / "MESSY.csv"
    reading = read_prices(path)
    found = doubts(path, reading)
    days = [str(day) for day in reading.prices["day"]]
    assert found["DATA_HIGH_TOO_LOW"].severity == "error"
    assert found["DATA_HIGH_TOO_LOW"].days == (days[TYPO_ROW],)
    assert found["DATA_UNADJUSTED_SPLIT"].days == (days[SPLIT_ROW],)
    assert {"DATA_NEWEST_FIRST", "DATA_NUMBER_STYLE"} <= set(found)


def test_each_forecast_is_of_a_day_of_acme(folder: Path) -> None:
    forecasts = pl.read_csv(folder / "forecasts.csv", try_parse_dates=True)
    prices = read_prices(folder / "prices" / "ACME.csv").prices
    assert forecasts["day"].to_list() == prices["day"].tail(1500).to_list()
    outcome = np.diff(np.log(prices["close"].to_numpy()))[-1499:]
    found = float(np.corrcoef(forecasts["forecast"].to_numpy()[:-1], outcome)[0, 1])
    assert abs(found - math.sqrt(R2 / 2.0)) < 2.0 / math.sqrt(1500)


def test_the_list_of_symbols_is_that_of_the_files(folder: Path) -> None:
    listed = (folder / "symbols.txt").read_text().split()
    assert sorted(listed) == sorted(path.stem for path in (folder / "prices").iterdir())


def test_the_first_file_lists_the_others(folder: Path) -> None:
    text = (folder / "README.txt").read_text()
    assert [file.name for file in examples() if file.name not in text] == ["README.txt"]


def test_a_file_of_somebody_stays(tmp_path: Path) -> None:
    own = tmp_path / "forecasts.csv"
    own.write_text("mine\n")
    with pytest.raises(DataError, match=r"forecasts\.csv: is there and holds something else"):
        write_examples(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["forecasts.csv"]
    write_examples(tmp_path, force=True)
    assert own.read_text().startswith("day,forecast\n")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "here"
    outside.mkdir()
    folder.mkdir()
    (folder / "prices").symlink_to(outside)
    with pytest.raises(DataError, match="leads out of"):
        write_examples(folder, force=True)
    assert not list(outside.iterdir())
