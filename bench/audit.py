"""How small a leak the audit finds, and how often it finds one where none is.

    python bench/audit.py --data DIR [--planted SYMBOL ...] [--clean SYMBOL ...] [--trees SYMBOL ...]

Plants a leak of each kind in four sizes on slices of some symbols; then audits symbols as they are, ridge
and LightGBM of recipe `default`, and every model on the first of them. Writes docs/evidence/audit.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geiger.audit.canaries import CANARIES, Canary, small_world
from geiger.audit.leaks import tomorrow
from geiger.audit.pipeline import material_in
from geiger.audit.proof import prove
from geiger.audit.worlds import World
from geiger.experiment.plan import Experiment
from geiger.features.catalogue import NAMES, WARMUP, feature_matrix
from geiger.runs.audits import Audit
from geiger.settings.models import SECTIONS

sys.path.insert(0, str(Path(__file__).parent))
from harness import ROOT, machine
from mutations import HEADING as MUTATIONS

PAGE = ROOT / "docs" / "evidence" / "audit.md"
SIZES = (1.0, 0.1, 0.01, 0.001)
PLANTED = ("AAPL", "MC.PA", "BTC-USD")
CLEAN = ("AAPL", "MSFT", "GE", "SPY", "XLE", "MC.PA", "BTC-USD", "EURUSD=X", "^GSPC", "^N225")
TREES = ("MC.PA", "BTC-USD")


@dataclass(frozen=True)
class Detected:
    """One leak: on how many symbols each size of it was found, and named rightly."""

    canary: Canary
    found: tuple[int, ...]  # one a size


def main() -> None:
    """Measure, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of SYMBOL.csv")
    for name, symbols in (("planted", PLANTED), ("clean", CLEAN), ("trees", TREES)):
        parser.add_argument(f"--{name}", nargs="*", default=symbols, metavar="SYMBOL")
    parser.add_argument("--models", nargs="*", default=SECTIONS, metavar="MODEL")
    args = parser.parse_args()
    slices = [_slice(args.data, symbol) for symbol in args.planted]
    detected = [_detected(canary, slices) for canary in CANARIES]
    clean = [_clean(args.data, symbol, "ridge") for symbol in args.clean[1:]]
    clean += [_clean(args.data, symbol, "lgb") for symbol in args.trees]
    clean += [_clean(args.data, args.clean[0], model) for model in args.models]
    rest = PAGE.read_text(encoding="utf-8").partition(MUTATIONS) if PAGE.exists() else ("", "", "")
    made = "\n".join(_page(args, slices, detected, clean)) + "\n"
    PAGE.write_text(f"{made}\n{rest[1]}{rest[2]}" if rest[1] else made, encoding="utf-8")


def _experiment(data: Path, symbol: str, model: str = "ridge") -> tuple[Experiment, World]:
    experiment = Experiment(symbol, model, data=data)
    return experiment, World(experiment.loaded(), *experiment.surroundings())


def _slice(data: Path, symbol: str) -> World:
    experiment, world = _experiment(data, symbol)
    return small_world(world, material_in(world, None, experiment.config, None))


def _detected(canary: Canary, slices: Sequence[World]) -> Detected:
    sizes = SIZES if canary.graded else SIZES[:1]
    found = []
    for size in sizes:
        checks = [canary.check(world, size) for world in slices]
        found.append(sum(check.caught for check in checks))
        for check in checks:
            if not check.caught:
                print(f"{canary.name}, size {size}: {check}", flush=True)
    print(canary.name, found, flush=True)
    return Detected(canary, tuple(found))


def _clean(data: Path, symbol: str, model: str) -> Audit:
    found = prove(*_experiment(data, symbol, model))
    print(symbol, model, found.color, f"{found.seconds:.0f} s", *found.leaks, flush=True)
    return found


def _page(
    args: argparse.Namespace, slices: Sequence[World], detected: Sequence[Detected], clean: Sequence[Audit]
) -> Iterator[str]:
    facts = machine()
    yield "# What the audit finds, and what it does not invent"
    yield ""
    yield "Made by `python bench/audit.py --data DIR`; do not edit by hand."
    yield f"{facts['day']}, commit {facts['commit']}, Python {facts['python']}."
    yield ""
    yield from _detection(args.planted, slices, detected)
    yield from _alarms(clean)


def _detection(
    symbols: Sequence[str], slices: Sequence[World], detected: Sequence[Detected]
) -> Iterator[str]:
    total = len(slices)
    yield "## Leaks that were planted"
    yield ""
    yield (
        f"Each was planted in the real pipeline on the last 900 development rows of {', '.join(symbols)}, "
        "and counts as found"
    )
    yield (
        "only where the audit named its stage and its column. The size says how much of it was mixed in: "
        "`off by one` of size"
    )
    yield (
        "0.01 is a feature that holds 1% of tomorrow's return beside 99% of what it should be. What is "
        "chosen from a list, or"
    )
    yield "is there or not, has one size."
    yield ""
    yield "| leak | planted in | " + " | ".join(f"{size:g}" for size in SIZES) + " |"
    yield "|---|---|" + "---:|" * len(SIZES)
    for one in detected:
        cells = [f"{found} of {total}" for found in one.found]
        cells += [""] * (len(SIZES) - len(cells))
        yield f"| {one.canary.name}: {one.canary.what} | {one.canary.stage} | {' | '.join(cells)} |"
    yield ""
    yield from _worth(slices)


def _worth(slices: Sequence[World]) -> Iterator[str]:
    """Say what a statistic would see of the smallest of them."""
    worth = [np.mean([_correlation(world, size) for world in slices]) for size in SIZES]
    cells = ", ".join(f"{value:.3f} at {size:g}" for size, value in zip(SIZES, worth, strict=True))
    yield (
        "No statistic sees the small ones. The correlation of the leaky column with the next return is, "
        f"in the mean, {cells};"
    )
    yield (
        "without any leak it is "
        f"{np.mean([_correlation(world, 0.0) for world in slices]):.3f}, with a standard error of "
        f"{1 / np.sqrt(900 - WARMUP):.3f} on one symbol. The audit compares bits."
    )
    yield ""


def _correlation(world: World, size: float) -> float:
    prices = world.symbol.prices
    ahead = tomorrow(prices["close"].to_numpy())
    column = (1.0 - size) * feature_matrix(prices)[:, NAMES.index("return_2")] + size * ahead
    return float(np.corrcoef(column[WARMUP:-1], ahead[WARMUP:-1])[0, 1])


def _alarms(clean: Sequence[Audit]) -> Iterator[str]:
    red = [one for one in clean if not one.green]
    values = sum(stage.values for one in clean for stage in one.stages)
    yield "## Runs without a leak"
    yield ""
    yield (
        f"{len(red)} of {len(clean)} audits of the pipeline as it is were red; {values:,} values were "
        "compared. Recipe `default`,"
    )
    yield "all development rows of each file."
    yield ""
    yield "| symbol | model | color | cuts | values compared | seconds | not checked |"
    yield "|---|---|---|---:|---:|---:|---|"
    always: Callable[[str], bool] = {"source", "choice of symbol", "stack", "lock-box"}.__contains__
    for one in clean:
        values = sum(stage.values for stage in one.stages)
        gaps = "; ".join(f"{gap.stage}: {gap.why}" for gap in one.not_checked if not always(gap.stage))
        yield (
            f"| {one.symbol} | {one.model} | {one.color} | {len(one.cuts)} | {values:,} | "
            f"{one.seconds:.0f} | {gaps} |"
        )
    yield ""
    yield (
        "Whether a vendor rewrote the past, and whether a symbol was chosen because it rose, no audit of a "
        "pipeline can tell. Forecasts over the lock-box come from the same folds and fits, and are not "
        "audited by themselves."
    )


if __name__ == "__main__":
    main()
