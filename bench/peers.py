"""Our score test beside what users would take instead, on the same made markets: false alarms and power.

    python bench/peers.py --peers-python PATH [--markets 500] [--null 50] [--best 500] [--seed 20281]

tokio-ai and quantstats are no part of the project: they live in an environment of their own (`pip install
tokio-ai quantstats`) and run in that interpreter; a peer that is missing there is said and left out, and then
nothing is written. Everybody sees the same 1,763 days of the same forecasts. The score test gets forecasts
and prices; the others get the daily returns, before costs, of two strategies made of them:

    sign       1 or -1: the sign of the forecast less its mean over its last 252 days
    scaled     that difference over the squared volatility known on the day, rescaled to one size

tokio-ai also gets both less what their mean position earned in the market, which is what its `benchmark` is
for. Nothing here asks whether trading pays. Each test answers twice: as if this were the only try, and told
that there were 50. Best of 50: of 50 forecasts without skill on one market the one with the highest Sharpe
ratio is shown (the lowest p for the score test, any that passes for the gates).

Writes bench/results/peers.json and bench/results/peers.md: ten minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Facts = dict[str, Any]
Counted = dict[tuple[str, str, int], tuple[int, int]]  # column, test, tries: rang, of

TRIES, LEVEL, STRICT, SURE = 50, 0.05, 0.01, 0.95
SHARES = (0.0025, 0.005, 0.01, 0.02)
STRATEGIES = ("sign", "scaled")
BENCHMARK = ", benchmark"  # a strategy less what its mean position earned
MEMORIES = (0.0, 0.5, 0.9, 0.97)  # of noise that somebody tries
COSTS = (0.0, 0.0005)  # of what is traded, at which the plan's gates are tried
NULL, BEST = "no skill", "best of 50"
PEERS = ("tokio-ai", "quantstats")
TOKIO_ALONE, TOKIO_TOLD, TOKIO_DSR, PSR = range(4)  # columns of a peers' answer


# The half that runs in the peers' interpreter: it imports nothing of ours.


def serve() -> None:
    """Say what is here, then answer each file of daily returns (m, n) that is named with one of (m, 4)."""
    import warnings
    from importlib.metadata import PackageNotFoundError, version

    warnings.simplefilter("ignore")
    there = {}
    for name in PEERS:
        try:
            there[name] = version(name)
        except PackageNotFoundError:
            continue
    print(json.dumps({"python": sys.version.split()[0], **there}), flush=True)
    for line in sys.stdin:
        path = Path(line.strip())
        np.save(path, np.array([answer(pnl, there) for pnl in np.load(path)]))
        print("done", flush=True)


def answer(pnl: Any, there: Mapping[str, str]) -> list[float]:
    """Return p alone, p told of 50 tries and the deflated Sharpe ratio of tokio-ai, and quantstats' PSR."""
    found = [math.nan] * 4
    if "tokio-ai" in there:
        import tokio_ai

        told = tokio_ai.check_backtest(pnl, trials=TRIES)
        found[TOKIO_ALONE], found[TOKIO_TOLD] = told.best.p_alone, told.p_value
        found[TOKIO_DSR] = told.deflated.psr if told.deflated is not None else 0.0
    if "quantstats" in there:
        import pandas as pd
        from quantstats.stats import probabilistic_sharpe_ratio

        days = pd.bdate_range("2015-01-01", periods=len(pnl))
        found[PSR] = float(probabilistic_sharpe_ratio(pd.Series(pnl, index=days)))
    return found


# Ours.


@dataclass(frozen=True)
class Peers:
    """The other interpreter."""

    process: subprocess.Popen[str]
    versions: Facts
    folder: Path

    def answers(self, pnl: Any) -> Any:
        """Return the peers' answers (m, 4) on daily returns (m, n)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        path = self.folder / "returns.npy"
        np.save(path, pnl)
        print(path, file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != "done":
            raise RuntimeError("the peers' interpreter ended early; what it said stands above")
        return np.load(path)


@contextmanager
def peers(python: str) -> Iterator[Peers]:
    """Start the other interpreter, and end it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [python, str(Path(__file__).resolve()), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": ""},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield Peers(process, json.loads(process.stdout.readline()), Path(folder))
        finally:
            process.kill()


@dataclass(frozen=True)
class Case:
    """One forecast on one market.

    Attributes
    ----------
    p : float
        Of the score test.
    pnl : mapping of str to array (n,)
        Simple daily returns of each strategy before costs, and of each less its benchmark.
    gates : tuple of bool
        Whether the sign strategy passes all of the plan's, at each of `COSTS`.
    """

    p: float
    pnl: Mapping[str, Any]
    gates: tuple[bool, ...]

    def sharpe(self, strategy: str) -> float:
        """Return the Sharpe ratio of a day."""
        spread = float(self.pnl[strategy].std(ddof=1))
        return float(self.pnl[strategy].mean()) / spread if spread > 0.0 else 0.0


def case(path: Any, forecast: Any) -> Case:
    """Judge one forecast with what is ours, and trade it."""
    from geiger.evidence.score_test import daily_volatility, score_test
    from geiger.studies.null_markets import YEAR, trailing_mean
    from geiger.studies.rejections import TESTED

    outcome, known = path.outcome(1)
    test = np.arange(outcome.size) >= outcome.size - TESTED
    p = score_test(path.returns, outcome, known, np.where(test, forecast, np.nan)).p_value
    rows = slice(outcome.size - TESTED, outcome.size - 1)  # the last row has no outcome yet
    beyond = (forecast - np.append(np.nan, trailing_mean(forecast, YEAR)[:-1]))[rows]
    y = np.expm1(outcome[rows])
    sign, scaled = np.sign(beyond), beyond / np.square(daily_volatility(path.returns)[rows])
    scaled *= 0.01 / (scaled * y).std()
    pnl = {}
    for name, position in zip(STRATEGIES, (sign, scaled), strict=True):
        pnl[name] = position * y
        pnl[name + BENCHMARK] = (position - position.mean()) * y
    return Case(p, pnl, tuple(passes(sign, y, cost) for cost in COSTS))


def passes(position: Any, returns: Any, cost: float) -> bool:
    """Say whether a strategy reaches the least of each rung of the plan but walk-forward efficiency."""
    from geiger.backtest.yardsticks import ladder
    from geiger.studies.null_markets import YEAR

    net = position * returns - cost * np.abs(np.diff(position, prepend=0.0))
    equity, held = np.cumprod(1.0 + net), np.cumprod(1.0 + returns)
    years = net.size / YEAR
    rungs = ladder(
        sharpe=float(net.mean() / net.std(ddof=1)) * math.sqrt(YEAR),
        direction_accuracy=float((np.sign(returns) == position).mean()),
        beat=float(equity[-1] ** (1.0 / years) - held[-1] ** (1.0 / years)),
        max_drawdown=float((1.0 - equity / np.maximum.accumulate(np.maximum(equity, 1.0))).max()),
        wfe=None,
    )
    return all(rung.reached != "none" for rung in rungs[:4])


def sidak(p: float) -> float:
    """Return p as of the best of 50 independent tries."""
    return -math.expm1(TRIES * math.log1p(-p)) if p < 1.0 else 1.0


@dataclass(frozen=True)
class Shown:
    """What is shown to whom of one market.

    Attributes
    ----------
    cases : mapping of str to Case
        To the score test (``"score test"``) and to the tests of each strategy.
    gates : tuple of bool
        Whether the plan's are passed, at each of `COSTS`.
    """

    cases: Mapping[str, Case]
    gates: tuple[bool, ...]

    @property
    def pnl(self) -> dict[str, Any]:
        """Daily returns that the peers see, by strategy and benchmark."""
        names = [name + more for name in STRATEGIES for more in ("", BENCHMARK)]
        return {name: self.cases[name.removesuffix(BENCHMARK)].pnl[name] for name in names}


def rings(shown: Shown, answers: Any) -> dict[tuple[str, int], bool]:
    """Return whether each test rings, told of 1 try and of 50; `answers` are the peers' on its returns."""
    found = {}
    p = shown.cases["score test"].p
    for level in (LEVEL, STRICT):
        name = f"score test, {level:.0%}"
        found[name, 1], found[name, TRIES] = p <= level, sidak(p) <= level
    for name, told in zip(shown.pnl, answers, strict=True):
        found |= of_peers(told, name)
    for name in STRATEGIES:
        made = shown.cases[name]
        found |= on_returns(made.pnl[name], made.sharpe(name), name)
    for cost, passed in zip(COSTS, shown.gates, strict=True):
        found[f"the plan's gates, sign, {1e4 * cost:g} bp", 1] = passed
    return found


def of_peers(told: Any, strategy: str) -> dict[tuple[str, int], bool]:
    """Return what the peers that are there say of the daily returns of a strategy."""
    found = {}
    if np.isfinite(told[TOKIO_ALONE]):
        found[f"tokio-ai, {strategy}", 1] = told[TOKIO_ALONE] <= LEVEL
        found[f"tokio-ai, {strategy}", TRIES] = told[TOKIO_TOLD] <= LEVEL
    if strategy in STRATEGIES and np.isfinite(told[TOKIO_ALONE]):
        found[f"tokio-ai's DSR, {strategy}", TRIES] = told[TOKIO_DSR] > SURE
    if strategy in STRATEGIES and np.isfinite(told[PSR]):
        for tries in (1, TRIES):
            found[f"quantstats PSR, {strategy}", tries] = told[PSR] > SURE
    return found


def on_returns(pnl: Any, sharpe: float, strategy: str) -> dict[tuple[str, int], bool]:
    """Return what t-test and deflated Sharpe ratio say of the daily returns of a strategy."""
    from scipy.stats import t

    from geiger.evidence.sharpe import deflated_sharpe

    z = (pnl - pnl.mean()) / pnl.std()
    p = float(t.sf(sharpe * math.sqrt(pnl.size), pnl.size - 1))
    found = {(f"t-test, {strategy}", 1): p <= LEVEL, (f"t-test, {strategy}", TRIES): sidak(p) <= LEVEL}
    for tries in (1, TRIES):
        sure = deflated_sharpe(
            sharpe,
            pnl.size,
            trials=tries,
            spread=pnl.size**-0.5,
            skew=float((z**3).mean()),
            kurtosis=float((z**4).mean()),
        )
        found[f"our DSR, {strategy}", tries] = sure is not None and sure > SURE
    return found


def one(made: Case) -> Shown:
    """Return what is shown of a market with one forecast."""
    return Shown(dict.fromkeys(("score test", *STRATEGIES), made), made.gates)


def best(cases: Sequence[Case]) -> Shown:
    """Return what is shown of a market with many forecasts: the best of them."""
    shown = {name: max(cases, key=lambda case, name=name: case.sharpe(name)) for name in STRATEGIES}
    shown["score test"] = min(cases, key=lambda case: case.p)
    return Shown(shown, tuple(any(passed) for passed in zip(*(case.gates for case in cases), strict=True)))


def tried(path: Any, rng: Any) -> list[Any]:
    """Return 50 forecasts (N,) without skill: the plain ones, and noise of every memory."""
    from geiger.studies.null_markets import plain_forecasts

    made = list(plain_forecasts(path, rng).values())
    memory = np.resize(MEMORIES, TRIES - len(made))
    shocks = rng.standard_normal((path.returns.size, memory.size))
    level, rows = shocks[0], [shocks[0]]
    for shock in shocks[1:]:
        level = memory * level + np.sqrt(1.0 - memory**2) * shock
        rows.append(level)
    return [*made, *np.array(rows).T]


def measure(args: argparse.Namespace, other: Peers) -> Counted:
    """Return on how many markets each test rang, by column, test and tries."""
    from geiger.seeds import generator
    from geiger.studies.null_markets import FAMILIES, plain_forecasts, planted
    from geiger.studies.rejections import CONSTANT, ROWS, SCALED

    found: Counted = {}

    def add(columns: Sequence[Sequence[str]], shown: Sequence[Shown]) -> None:
        answers = other.answers(np.array([pnl for each in shown for pnl in each.pnl.values()]))
        told = answers.reshape(len(shown), -1, answers.shape[1])
        for names, each, its in zip(columns, shown, told, strict=True):
            for (test, tries), rang in rings(each, its).items():
                for column in names:
                    count, of = found.get((column, test, tries), (0, 0))
                    found[column, test, tries] = (count + bool(rang), of + 1)
        tell(columns[-1][-1], found)

    families = [family for family in FAMILIES if family.null]
    for size in (CONSTANT, SCALED):
        for r2 in SHARES:
            shown = []
            for number in range(args.markets):
                rng = generator(args.seed, "peers", size, round(r2 * 1e6), number)
                shown.append(one(case(*planted(ROWS, rng, r2, scaled=size == SCALED))))
            add([[f"{size} {r2:g}"]] * len(shown), shown)
    shown = []
    for number in range(args.best):
        rng = generator(args.seed, "peers", BEST, number)
        path = families[number % len(families)].make(ROWS, rng)
        shown.append(best([case(path, forecast) for forecast in tried(path, rng)]))
    add([[BEST]] * len(shown), shown)
    for family in families:
        columns, shown = [], []
        for number in range(args.null):
            rng = generator(args.seed, "peers", family.name, number)
            path = family.make(ROWS, rng)
            for name, forecast in plain_forecasts(path, rng).items():
                columns.append([f"{NULL}: {name}", NULL])
                shown.append(one(case(path, forecast)))
        add(columns, shown)
    return found


def tell(column: str, found: Counted) -> None:
    """Say how far it is."""
    said = {f"{k[1]} x{k[2]}": round(v[0] / v[1], 3) for k, v in found.items() if k[0] == column}
    print(column, said, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--markets", type=int, default=500, help="of each planted signal")
    parser.add_argument("--null", type=int, default=50, help="of each family without skill")
    parser.add_argument("--best", type=int, default=500, help="on which 50 forecasts are tried")
    parser.add_argument("--seed", type=int, default=20281)
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured last")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve()
        return
    sys.path.insert(0, str(Path(__file__).parent))
    from harness import RESULTS, machine

    stored = RESULTS / "peers.json"
    if not args.page:
        with peers(args.peers_python) as other:
            missing = [name for name in PEERS if name not in other.versions]
            if missing:
                print(
                    f"{' and '.join(missing)}: missing in {args.peers_python}, left out, and nothing is "
                    "written. Make an environment with it and name its interpreter: --peers-python PATH",
                    file=sys.stderr,
                )
            found = measure(args, other)
            facts = {
                "command": f"python bench/peers.py --peers-python PATH --markets {args.markets} --null "
                f"{args.null} --best {args.best} --seed {args.seed}",
                "peers": other.versions,
                **machine(),
                "counted": [[*key, *pair] for key, pair in found.items()],
            }
        if missing:
            print("\n".join(page(facts)))
            return
        stored.write_text(json.dumps(facts, indent=None) + "\n", encoding="utf-8")
    facts = json.loads(stored.read_text(encoding="utf-8"))
    (RESULTS / "peers.md").write_text("\n".join(page(facts)), encoding="utf-8")


def page(facts: Mapping[str, Any]) -> Iterator[str]:
    """Write bench/results/peers.md."""
    found = {(column, test, tries): (k, n) for column, test, tries, k, n in facts["counted"]}
    versions = ", ".join(f"{name} {facts['peers'][name]}" for name in PEERS if name in facts["peers"])
    n = {column: pair[1] for (column, _, _), pair in found.items()}
    planted = next(n[column] for column in n if not column.startswith((NULL, BEST)))
    yield f"""# Beside what users would take instead

```
{facts["command"]}
```

{facts["day"]}, commit {facts["commit"]}, Python {facts["python"]}; {versions}.

Shares that ring, all on the same markets, 1,763 days each, at 5%, and the score test at 1% too: that is
the verdict's level. *Tries*: how many the test was told of. quantstats' PSR knows no tries and says the same
again. Sidak's correction is made by hand for score test and t-test (the verdict's own is the step-down of
Romano and Wolf over the register, which knows which tries are alike); tokio-ai makes it by itself where it is
told a number, and takes all variants too, to correct for their likeness: not done here.

- *No skill*: {n[NULL]} forecasts, twelve plain ones on each of {n[NULL] // 12} markets of twelve families
  that leave nothing to know (`src/geiger/studies/null_markets.py`). *Worst*: the one of these twelve
  forecasts that rings most over all families. Standard error of a share of 5% of one forecast:
  {(0.05 * 0.95 / (n[NULL] / 12)) ** 0.5:.3f}.
- *Best of 50*: {n[BEST]} such markets, and on each the best of 50 forecasts that know nothing.
- *R²*: the forecast that nobody can beat, on {planted} markets with a planted signal of constant size / of
  one that goes with the volatility. Standard error at a share of .5: {0.5 / planted**0.5:.3f}. A
  signal of constant size stands out on quiet days, so that whoever weighs by the volatility finds it sooner.
- The score test sees forecasts and prices, all others daily returns before costs: of the *sign* of the
  forecast less its own last year's mean, or of that difference over the squared volatility known (*scaled*).
  They ask whether a strategy earns, so that one which is long on average may ring for the drift;
  *benchmark* is without what the mean position earned, and asks what the score test asks.
- PSR and DSR ring above .95. DSR is told that the Sharpe ratios of the tries scatter by 1 / √days; with one
  try it is PSR.
- The plan's gates: Sharpe above .6, direction above 52%, 5 points a year above buy and hold, no fall of 35%;
  at two costs of what is traded, and in *best of 50* any that passes.

| test | tries | no skill | worst | best of 50 | R² .25% | R² .5% | R² 1% | R² 2% |
|---|---:|---:|---|---:|---:|---:|---:|---:|"""
    for test, tries in sorted(
        dict.fromkeys((test, tries) for _, test, tries in found), key=lambda row: row[1]
    ):
        row = {column: k / of for (column, t, m), (k, of) in found.items() if (t, m) == (test, tries)}
        own = {column: value for column, value in row.items() if column.startswith(f"{NULL}: ")}
        worst = max(own, key=own.__getitem__)
        powers = (
            f"{row[f'constant {r2:g}']:.2f} / {row[f'with the volatility {r2:g}']:.2f}" for r2 in SHARES
        )
        yield (
            f"| {test} | {tries} | {row[NULL]:.3f} | {own[worst]:.3f} {worst.removeprefix(f'{NULL}: ')} | "
            f"{row[BEST]:.3f} | {' | '.join(powers)} |"
        )
    yield ""


if __name__ == "__main__":
    main()
