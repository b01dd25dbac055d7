"""``geiger data``: see, check, add and fetch prices."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from geiger.cli.complaint import complain, plain
from geiger.cli.options import day_of, is_symbol
from geiger.cli.terminal import print_json, table, wrapped
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.market.actions import MISMATCH
from geiger.market.calendar import valid_symbol
from geiger.market.doubts import Doubt, in_order
from geiger.market.examples import write_examples
from geiger.market.inspection import inspect, unusable
from geiger.market.readers import Reading, read_prices
from geiger.market.rhythm import observed_market
from geiger.market.snapshots import Store, content_hash
from geiger.market.sources import Loaded, fetch_yahoo, left_out, list_symbols, load
from geiger.runs.folder import RunsFolder

LISTED = ("symbol", "source", "first_day", "last_day", "rows", "market")
SHOWN_BARS = 5


def list_data(args: argparse.Namespace) -> int:
    """Print the symbols at hand, with their source, days and market."""
    library = Store(RunsFolder(args.runs_dir).library)
    rows, refused, unread = [], 0, left_out(args.data)
    if unread:
        complain("left out: " + "; ".join(f"{name} ({why})" for name, why in unread.items()))
    for symbol, source in list_symbols(args.data, library).items():
        try:
            loaded = load(symbol, data=args.data, store=library)
        except DataError as error:  # one file that cannot be read does not hide the others
            complain(plain(error))
            refused += 1
            continue
        days = loaded.prices["day"]
        facts = (symbol, source, days[0], days[-1], len(days), observed_market(symbol, loaded.prices).name)
        rows.append(dict(zip(LISTED, facts, strict=True)))
    if args.json:
        print_json(rows)
    elif rows:
        print(table([LISTED, *(tuple(str(value) for value in row.values()) for row in rows)]))
    elif not refused and not unread:
        print("no symbols at hand; `geiger data add FILE` or `geiger data fetch SYMBOL` brings some")
    return 1 if refused else 0


def show_data(args: argparse.Namespace) -> int:
    """Print one symbol's source, days, hash, doubts and last bars."""
    loaded = load(valid_symbol(args.symbol), data=args.data, store=Store(RunsFolder(args.runs_dir).library))
    doubts = in_order((*loaded.notes, *inspect(loaded)))
    facts = {**_loaded_facts(loaded), "doubts": [asdict(doubt) for doubt in doubts]}
    if args.json:
        print_json(facts)
        return 0
    _print_loaded(loaded)
    _print_doubts(doubts)
    bars = loaded.prices.tail(SHOWN_BARS)
    rows = [tuple(bars.columns), *(tuple(map(_cell, row)) for row in bars.iter_rows())]
    print(f"\nlast {bars.height} bars (total return; raw_close as quoted):\n{table(rows, indent='  ')}")
    return 0


def check_data(args: argparse.Namespace) -> int:
    """Read a file as `--data` would, and list every doubt; exit 1 where it is refused or one is an error."""
    symbol = args.symbol or _symbol_of(args.file)
    reading = read_prices(args.file, symbol)
    doubts = in_order((*reading.notes, *inspect(_as_loaded(reading, symbol or "", args.file))))
    errors = sum(doubt.severity == "error" for doubt in doubts)
    facts = {
        "file": args.file,
        "symbol": symbol,
        **_reading_facts(reading),
        "doubts": [asdict(doubt) for doubt in doubts],
    }
    if args.json:
        print_json(facts)
        return 1 if errors else 0
    market = observed_market(symbol, reading.prices)
    name = market.name if market.known else "no exchange"
    print(f"{args.file}: {reading.layout}; {reading.adjustment}")
    print(f"  {facts['rows']} days from {facts['first_day']} to {facts['last_day']}, compared with {name}")
    _print_doubts(doubts)
    if errors:
        said = "refuses it" if unusable(doubts) else "goes on with it, and repeats this as a warning"
        print(
            f"  {errors} {'error' if errors == 1 else 'errors'}: mend the file first; `geiger train` {said}"
        )
    return 1 if errors else 0


def add_data(args: argparse.Namespace) -> int:
    """Keep a file's prices under a symbol, from now on found without ``--data``."""
    symbol = valid_symbol(args.symbol) if args.symbol else _symbol_of(args.file)
    if symbol is None:
        raise SettingError(f"{args.file}: its name is no symbol; give one with --symbol")
    reading = read_prices(args.file, symbol)
    return _keep(_as_loaded(reading, symbol, args.file), args)


def fetch_data(args: argparse.Namespace) -> int:
    """Fetch prices from Yahoo and keep them as a snapshot before anything uses them."""
    loaded = fetch_yahoo(valid_symbol(args.symbol), start=day_of(args.start), end=day_of(args.end))
    return _keep(loaded, args)


def example_data(args: argparse.Namespace) -> int:
    """Write made-up files to try, and say what each is."""
    files = write_examples(args.folder, force=args.force)
    if args.json:
        print_json([{"file": args.folder / file.name, "about": file.about} for file in files])
        return 0
    print(f"{args.folder}: {len(files)} files")
    width = max(len(file.name) for file in files)
    for file in files:
        print("\n".join(wrapped(file.about, f"  {file.name:<{width}}  ", " " * (width + 4), 80)))
    look = shlex.join(["geiger", "data", "check", str(args.folder / "MESSY.csv")])
    train = shlex.join(["geiger", "train", "ridge", "ACME", "--data", str(args.folder / "prices")])
    print(f"Look: {look}\nNext: {train} --context none --recipe quick")
    return 0


def _keep(loaded: Loaded, args: argparse.Namespace) -> int:
    found = inspect(loaded)
    doubts = in_order((*loaded.notes, *found))
    # The listed actions are not kept: what they said must be.
    listed = [doubt for doubt in found if doubt.code == MISMATCH]
    kept = replace(loaded, notes=(*loaded.notes, *listed))
    snapshot = Store(RunsFolder(args.runs_dir).library).save(kept)
    facts = {
        **_loaded_facts(loaded),
        "snapshot": snapshot.hash,
        "doubts": [asdict(doubt) for doubt in doubts],
    }
    if args.json:
        print_json(facts)
        return 0
    _print_loaded(loaded)
    _print_doubts(doubts)
    line = Folders.of(args.runs_dir).command("geiger", "train", "ridge", loaded.symbol, runs=True)
    print(f"kept: `{line}` will find it")
    return 0


def _symbol_of(path: Path) -> str | None:
    """Return the symbol that a file is called after, or None where its name is no symbol."""
    return path.stem if is_symbol(path.stem) else None


def _as_loaded(reading: Reading, symbol: str, path: Path) -> Loaded:
    return Loaded(symbol, reading.prices, "file", str(path), reading.notes, reading.layout, reading.actions)


def _reading_facts(reading: Reading) -> dict[str, Any]:
    days = reading.prices["day"]
    return {
        "layout": reading.layout,
        "adjustment": reading.adjustment,
        "rows": reading.prices.height,
        "first_day": days.min(),
        "last_day": days.max(),
    }


def _loaded_facts(loaded: Loaded) -> dict[str, Any]:
    days = loaded.prices["day"]
    return {
        "symbol": loaded.symbol,
        "source": loaded.source,
        "where": loaded.where,
        "layout": loaded.layout,
        "market": observed_market(loaded.symbol, loaded.prices).name,
        "rows": loaded.prices.height,
        "first_day": days.min(),
        "last_day": days.max(),
        "hash": content_hash(loaded.prices),
    }


def _print_loaded(loaded: Loaded) -> None:
    facts = _loaded_facts(loaded)
    print(f"{facts['symbol']} ({facts['market']}): {facts['source']}, {facts['where']}")
    print(
        f"  {facts['rows']} days from {facts['first_day']} to {facts['last_day']}, hash {facts['hash'][:12]}"
    )


def _print_doubts(doubts: tuple[Doubt, ...]) -> None:
    if not doubts:
        print("  nothing doubtful found")
    for doubt in doubts:
        told = not doubt.days or doubt.days[0] in doubt.text
        days = "" if told else f" [{', '.join(doubt.days)}{', ...' if doubt.count > len(doubt.days) else ''}]"
        print(f"  {doubt.severity.upper():7} {doubt.code}: {doubt.text}{days}")


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
