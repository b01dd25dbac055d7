"""Time of 1,000,000 bar-variants with costs: our accounting beside vectorbt's order simulation.

    python bench/backtest.py --vectorbt-python /path/to/venv/bin/python

vectorbt does not share our pins, so it lives in an environment of its own and runs in that interpreter. Both
engines get the same arrays; each repetition times one call of ours, then one of every vectorbt engine, around
the call alone (no start-up, no transfer), after two calls of each that do not count. Weights are fractional,
so both rebalance on every bar, and both equities must agree before a time is written.

Ours returns net, equity, turnover and financing of every bar. vectorbt's kernel returns order records; the
equity it still has to compute from them is shown as a line of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BARS, VARIANTS, COST = 2500, 400, 5e-4
WARM_UP = 2
RESULTS = Path(__file__).parent / "results" / "backtest.json"
OURS = "geiger"


def markets() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return daily returns (BARS,) and two sets of weights (BARS, VARIANTS)."""
    rng = np.random.default_rng(20240102)
    returns = 0.0003 + 0.012 * rng.standard_normal(BARS)
    signs = np.where(rng.random((BARS, VARIANTS)) < 0.5, -0.5, 0.5)
    return returns, {"sign": signs, "proportional": rng.uniform(-0.9, 0.9, (BARS, VARIANTS))}


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


# The half that runs in vectorbt's interpreter: it imports nothing of ours.


def vectorbt_engines(
    returns: np.ndarray, weights: np.ndarray
) -> tuple[dict[str, Callable[[], Any]], np.ndarray]:
    """Return vectorbt's engines as timed calls, and the equity (bars, variants) they come to."""
    import vectorbt as vbt
    from vectorbt._engine import is_rust_available
    from vectorbt.portfolio import dispatch
    from vectorbt.portfolio.enums import SizeType

    # Row t trades at price[t] and is valued at price[t + 1]; a last bar without an order closes the books.
    price = np.append(100.0, 100.0 * np.cumprod(1.0 + returns))[:, None]
    orders = np.vstack([weights, np.full(weights.shape[1], np.nan)])
    bars, variants = orders.shape
    fixed = {
        "target_shape": orders.shape,
        "group_lens": np.ones(variants, dtype=np.int64),
        "init_cash": np.full(variants, 1e6),
        "call_seq": np.zeros(orders.shape, dtype=np.int64),
        "size": orders,
        "size_type": np.asarray(SizeType.TargetPercent),
        "price": price,
        "close": price,
        "fees": np.asarray(COST),
        "max_orders": bars * variants,
    }
    portfolio = vbt.Portfolio.from_orders(
        np.broadcast_to(price, orders.shape), orders, size_type="targetpercent", fees=COST, init_cash=1e6
    )

    def equity_too() -> Any:
        return portfolio.copy().value()

    engines: dict[str, Callable[[], Any]] = {
        "vectorbt numba": lambda: dispatch.simulate_from_orders(**fixed, engine="numba"),
        "vectorbt numba, equity from its records": equity_too,
    }
    if is_rust_available():
        engines["vectorbt rust"] = lambda: dispatch.simulate_from_orders(**fixed, engine="rust")
    # vectorbt's value of bar t + 1 has paid for the order of that bar; our row t has not yet.
    fees = np.zeros(orders.shape)
    fees[portfolio.order_records["idx"], portfolio.order_records["col"]] = portfolio.order_records["fees"]
    return engines, (portfolio.value().to_numpy() + fees)[1:] / 1e6


def serve(folder: Path) -> None:
    """Answer the other interpreter: one line of seconds for each line that arrives."""
    arrays = np.load(folder / "in.npz")
    engines, equity = vectorbt_engines(arrays["returns"], arrays["weights"])
    np.save(folder / "equity.npy", equity)
    for _ in range(WARM_UP):
        for call in engines.values():
            call()
    import vectorbt

    print(json.dumps({"version": vectorbt.__version__, "engines": list(engines)}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({name: timed(call) for name, call in engines.items()}), flush=True)


# Our half.


def compare(
    name: str, returns: np.ndarray, weights: np.ndarray, python: str | None, repetitions: int
) -> dict[str, Any]:
    """Return the median milliseconds of every engine on one set of weights."""
    from geiger.backtest.costs import Costs
    from geiger.backtest.simulate import simulate_many

    costs = Costs(cost_bps=COST * 1e4, borrow_rate=0.0)

    def ours() -> Any:
        return simulate_many(returns, weights, costs, liquidate=False)

    seconds: dict[str, list[float]] = {OURS: []}
    for _ in range(WARM_UP):
        ours()
    if python is None:
        seconds[OURS] = [timed(ours) for _ in range(repetitions)]
        return {"case": name, "milliseconds": medians(seconds)}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "in.npz", returns=returns, weights=weights)
        command = [python, __file__, "--serve", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdin
            assert other.stdout
            hello = json.loads(other.stdout.readline())
            equity = np.load(Path(folder) / "equity.npy")
            difference = float(np.abs(ours().equity / equity - 1.0).max())
            assert difference < 1e-9, f"{name}: the equities differ by {difference:.1e}"
            for _ in range(repetitions):
                seconds[OURS].append(timed(ours))
                other.stdin.write("go\n")
                other.stdin.flush()
                for engine, value in json.loads(other.stdout.readline()).items():
                    seconds.setdefault(engine, []).append(value)
            other.stdin.close()
    return {
        "case": name,
        "vectorbt": hello["version"],
        "largest_relative_difference_of_equity": difference,
        "milliseconds": medians(seconds),
    }


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Return the median of each engine in milliseconds."""
    return {engine: round(1e3 * statistics.median(values), 2) for engine, values in seconds.items()}


def table(cases: list[dict[str, Any]]) -> str:
    """Return the result as a Markdown table."""
    lines = ["| weights | engine | milliseconds | times ours |", "|---|---|---:|---:|"]
    for case in cases:
        ours = case["milliseconds"][OURS]
        for engine, value in case["milliseconds"].items():
            lines.append(f"| {case['case']} | {engine} | {value:.1f} | {value / ours:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Run all cases, print the table and write it beside the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectorbt-python", help="interpreter of an environment that has vectorbt")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--print", action="store_true", help="print the figures as JSON and write nothing")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    python = options.vectorbt_python
    probe = [python or sys.executable, "-c", "import vectorbt"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        if not options.print:
            print(
                f"vectorbt is missing in {probe[0]}: timing ours alone, nothing is written.", file=sys.stderr
            )
            print(
                "Make an environment with it, name its interpreter: --vectorbt-python PATH", file=sys.stderr
            )
        python = None
    elif python is None:
        python = sys.executable
    returns, weights = markets()
    cases = [compare(name, returns, w, python, options.repetitions) for name, w in weights.items()]
    if options.print:
        print(json.dumps({"cases": cases}))
        return
    print(table(cases))
    if python is not None:
        write(cases, options.repetitions)


def write(cases: list[dict[str, Any]], repetitions: int) -> None:
    """Store numbers and table with what is needed to repeat them."""
    record = {
        "command": "python bench/backtest.py --vectorbt-python PATH",
        "bar_variants": BARS * VARIANTS,
        "repetitions": repetitions,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cases": cases,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".md").write_text(
        f"# {BARS * VARIANTS:,} bar-variants\n\n{table(cases)}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
