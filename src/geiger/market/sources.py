"""Where prices come from: a file, a folder, the store of snapshots, or the embedded series."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from geiger.errors import DataError, SettingError, did_you_mean
from geiger.market.calendar import market_of, valid_symbol
from geiger.market.context import align_context, default_context, default_volatility
from geiger.market.doubts import Doubt
from geiger.market.embedded import embedded_symbols, load_embedded
from geiger.market.loaded import Loaded, Source
from geiger.market.readers import COLUMNS_IGNORED, Reading, read_prices
from geiger.market.snapshots import Store
from geiger.market.yahoo import fetch_yahoo

__all__ = [
    "Loaded",
    "Source",
    "align_context",
    "default_context",
    "default_volatility",
    "embedded_symbols",
    "fetch_yahoo",
    "left_out",
    "list_symbols",
    "load",
    "load_prices",
]

ENDINGS = (".csv", ".parquet")
LISTED = 60  # a message that lists more symbols is no help
CODES = {"DATA_FILE_NAME": "the file is not called like the symbol"}


def load(symbol: str, *, data: Path | None = None, store: Store | None = None) -> Loaded:
    """Return the prices of `symbol`.

    Parameters
    ----------
    symbol : str
    data : Path, optional
        A folder of SYMBOL.csv or SYMBOL.parquet, or one file, of which the rows of `symbol` are read where it
        holds several. Nothing else is asked then.
    store : Store, optional
        Asked first where there is no `data`: its latest snapshot. After it come the embedded series.

    Raises
    ------
    SettingError
        Nobody has the symbol; the message names the nearest one and what is at hand.
    DataError
        The file cannot be read, or two files could be meant.
    """
    valid_symbol(symbol)
    if data is not None:
        return _from_folder(symbol, data) if data.is_dir() else _from_file(symbol, data)
    newest = store.latest(symbol) if store is not None else None
    if store is not None and newest is not None:
        return store.load(symbol, newest.hash)
    if symbol in embedded_symbols():
        return load_embedded(symbol)
    raise SettingError(
        f"no prices of {symbol!r} at hand; {_nearest(symbol, list_symbols(None, store))}; "
        f"get them with `geiger data fetch {symbol}`, or name a folder with --data"
    )


def load_prices(symbol: str, data: str | Path | None = None) -> pl.DataFrame:
    """Return the PRICES frame of `symbol` from a file, a folder, or without `data` the embedded series.

    Columns that mean nothing here are left out, with a Python warning that names them.

    >>> load_prices("AAPL").shape
    (3270, 7)
    """
    loaded = load(symbol, data=None if data is None else Path(data))
    for note in loaded.notes:
        if note.code == COLUMNS_IGNORED:
            warnings.warn(f"{loaded.where}: {note.text}", stacklevel=2)
    return loaded.prices


def list_symbols(data: Path | None = None, store: Store | None = None) -> dict[str, Source]:
    """Return every symbol that `load` finds with the same arguments, ascending, with its kind of place."""
    if data is not None:
        kind: Source = "folder" if data.is_dir() else "file"
        paths = _files(data) if data.is_dir() else [data]
        return {name: kind for name in sorted({path.stem for path in paths}) if _is_symbol(name)}
    found: dict[str, Source] = dict.fromkeys(embedded_symbols(), "embedded")
    if store is not None:
        found |= dict.fromkeys(store.symbols(), "store")
    return dict(sorted(found.items()))


def left_out(data: Path | None) -> dict[str, str]:
    """Return the files that `list_symbols` leaves out of a folder or file, each with the reason."""
    if data is None:
        return {}
    found = {}
    for path in _entries(data) if data.is_dir() else [data]:
        if path.suffix.lower() not in ENDINGS and data.is_dir():
            found[path.name] = f"neither {ENDINGS[0]} nor {ENDINGS[1]}"
        elif not _is_symbol(path.stem):
            found[path.name] = "its name is no symbol: `geiger data add FILE --symbol SYMBOL` gives it one"
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.suffix.lower() in ENDINGS]


def _entries(folder: Path) -> list[Path]:
    """Return the files of a folder, ascending, without those that the system hides."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); check the folder") from None


def _is_symbol(name: str) -> bool:
    try:
        return bool(valid_symbol(name))
    except SettingError:
        return False


def _from_folder(symbol: str, folder: Path) -> Loaded:
    paths = _files(folder)
    spelled = [path for path in paths if path.stem.casefold() == symbol.casefold()]
    names = ", ".join(path.name for path in spelled)
    if len(spelled) > 1:
        raise DataError(f"{folder}: {names} could all be {symbol}; keep one of them")
    if not spelled:
        known = {path.stem: "" for path in paths if _is_symbol(path.stem)}
        raise SettingError(f"{folder}: no {symbol}.csv or {symbol}.parquet; {_nearest(symbol, known)}")
    if spelled[0].stem != symbol:
        near = f"did you mean {spelled[0].stem!r}?"
        raise SettingError(f"{folder}: no {symbol}.csv or {symbol}.parquet; {near}")
    return _loaded(symbol, read_prices(spelled[0], symbol), spelled[0], "folder", ())


def _from_file(symbol: str, path: Path) -> Loaded:
    if not path.exists():
        raise SettingError(f"{path}: no such folder or file; check the path given as data")
    reading = read_prices(path, symbol)
    if reading.symbol is not None or symbol.strip("^").casefold() in path.name.casefold():
        return _loaded(symbol, reading, path, "file", ())
    if path.stem == path.stem.upper() and market_of(path.stem).known:
        raise SettingError(f"{path} holds {path.stem}, not {symbol}; give the folder or the file of {symbol}")
    text = f"{path.name} was taken as {symbol}, though its name does not say so"
    return _loaded(symbol, reading, path, "file", (Doubt("DATA_FILE_NAME", "warning", (), 1, text),))


def _loaded(symbol: str, reading: Reading, path: Path, source: Source, notes: Iterable[Doubt]) -> Loaded:
    layout = f"{reading.layout}; {reading.adjustment}"
    said = (*notes, *reading.notes)
    return Loaded(symbol, reading.prices, source, str(path), said, layout, reading.actions)


def _nearest(symbol: str, known: Mapping[str, str]) -> str:
    """Return the tail of a message: the nearest right symbol, and all of them where they are not too many."""
    if not known:
        return "there is no symbol at all"
    if len(known) <= LISTED:
        return did_you_mean(symbol, known)
    near = difflib.get_close_matches(symbol, known, n=5, cutoff=0.6)
    if not near:
        return f"{len(known)} other symbols are there"
    return f"did you mean {' or '.join(map(repr, near))}?"
