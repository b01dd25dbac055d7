"""What several runs say together: patterns that no single log shows.

Runs are compared as briefs, one for each log. Runs of one symbol share their days, and so do many symbols:
what looks like ten results is often less, so every pattern says on how many it rests.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import NormalDist, mean, stdev
from typing import TypeVar

from geiger.checks.base import Evidence, Finding, Severity
from geiger.checks.commands import Commands, commands_of, word
from geiger.command_line import USUAL, Folders
from geiger.figures import FigureName

ALWAYS = 3  # runs from which a pattern is told
SYMBOLS = 4  # on which two recipes or models can be compared
CHANCE = 0.05  # of telling a pattern where there is none, over all comparisons of a kind in the folder
LONGEST = 200  # runs of one series that are looked at
MOST = 0.5  # share of the runs
LISTED = 4
CORRELATION, SHARPE = FigureName.CORRELATION, FigureName.SHARPE
DRIFTING = (CORRELATION, FigureName.PREDICTION_STD, SHARPE)


@dataclass(frozen=True)
class Brief:
    """One log in short: what the comparison of many needs.

    Attributes
    ----------
    model : str
        As in the log's name: ``gbm_xgb``, ``backtest``.
    began : str
        Local time of its start, ISO; empty where the name tells none.
    status : str
        Empty where the log has none.
    trained : str
        The model as commands take it, of a backtest that of the run it traded.
    of : str
        Of a backtest: the run whose forecasts it traded.
    figures : dict of str to float
        The final metrics that are defined.
    lines : dict of str to int
        Of these figures and of STATUS in the text.
    findings : dict of str to str
        Code of each finding, and its severity.
    result : str
        The word for what it came to; empty where nothing was measured.
    judged_to : str
        ISO day of the last bar that its verdict knew; empty where it has none.
    panel : bool
        Whether it learned from many symbols as one, whose name stands in `symbol`.
    trouble : str
        Why the log cannot be read; empty where it can.
    answer : str
        That of its verdict; empty where it has none.
    p : float or None
        Of the verdict: with all tries counted, where they are known.
    line : str
        The command line that makes it once more, the folder of logs left out; what shows it where none can.
    """

    name: str
    symbol: str = ""
    model: str = ""
    began: str = ""
    status: str = ""
    recipe: str = ""
    data: str = ""
    of: str = ""
    trained: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    result: str = ""
    judged_to: str = ""
    panel: bool = False
    trouble: str = ""
    answer: str = ""
    p: float | None = None
    line: str = ""

    def commands(self, folders: Folders) -> Commands:
        """Return what there is to type about it."""
        return commands_of(self.line, self.name, folders)

    def at(self, figure: str) -> Evidence:
        """Cite the line of one figure."""
        return Evidence(f"{self.name}.log", self.lines.get(figure), f"{figure}: {self.figures[figure]:.4g}")

    def at_status(self) -> Evidence:
        """Cite its status."""
        return Evidence(f"{self.name}.log", self.lines.get("STATUS"), self.status or "no STATUS")


# text, evidence, cause, command, and the runs that show it
Found = Iterator[tuple[str, tuple[Evidence, ...], str, str, tuple[str, ...]]]


@dataclass(frozen=True)
class Trend:
    """One question to many runs, with a stable code."""

    code: str
    title: str
    severity: Severity
    how: str
    why: str
    ask: Callable[[Sequence[Brief], Folders], Found]

    def __call__(self, briefs: Sequence[Brief], folders: Folders) -> list[Finding]:
        """Return one finding for each place where the pattern holds."""
        return [
            Finding(self.code, self.title, self.severity, text, evidence, cause, command, runs)
            for text, evidence, cause, command, runs in self.ask(briefs, folders)
        ]


Key = TypeVar("Key")


def find_trends(briefs: Sequence[Brief], folders: Folders = USUAL) -> tuple[Finding, ...]:
    """Return every pattern in the runs; training runs only, oldest first."""
    runs = sorted((b for b in briefs if not b.trouble), key=lambda b: (b.began, b.name))
    trained = [b for b in runs if b.model != "backtest"]
    return tuple(finding for trend in TRENDS for finding in trend(trained, folders))


def _names(runs: Sequence[Brief]) -> tuple[str, ...]:
    return tuple(b.name for b in runs)


def _ends_badly(briefs: Sequence[Brief], folders: Folders) -> Found:
    for (symbol, model), runs in _by(briefs, lambda b: (b.symbol, b.model)).items():
        for status in ("COLLAPSED", "FAILED"):
            bad = [b for b in runs if b.status == status]
            if len(bad) >= ALWAYS and len(bad) == len([b for b in runs if b.status]):
                yield (
                    f"{symbol} {model}: all {len(bad)} finished runs ended {status}",
                    tuple(b.at_status() for b in bad[-LISTED:]),
                    "None of them ended well: look at the prices, the recipe and the loss that they share.",
                    bad[-1].commands(folders).remedy(bad[-1].recipe),
                    _names(bad),
                )


def _symbol_ends_badly(briefs: Sequence[Brief], folders: Folders) -> Found:
    for symbol, runs in _by(briefs, lambda b: b.symbol).items():
        finished = [b for b in runs if b.status]
        models = {b.model for b in finished}
        bad = [b for b in finished if b.status != "SUCCESS"]
        if len(models) >= 2 and len(bad) >= ALWAYS and len(bad) == len(finished):
            yield (
                f"{symbol}: no run of {', '.join(sorted(models))} ended well",
                tuple(b.at_status() for b in bad[-LISTED:]),
                "Where every model fails, look at the prices first.",
                bad[-1].commands(folders).prices(),
                _names(bad),
            )


def _killed(briefs: Sequence[Brief], folders: Folders) -> Found:
    unfinished = [b for b in briefs if b.findings.get("GC101") == "FAIL"]
    if len(unfinished) >= ALWAYS and len(unfinished) >= MOST * len(briefs):
        yield (
            f"{len(unfinished)} of {len(briefs)} runs were killed",
            tuple(b.at_status() for b in unfinished[-LISTED:]),
            "The logs do not say by what: too little memory, a time limit, a closed terminal.",
            unfinished[-1].commands(folders).doctor(),
            _names(unfinished),
        )


Pair = tuple[Brief, Brief]


def _recipes(briefs: Sequence[Brief], folders: Folders) -> Found:
    newest = {(b.symbol, b.model, b.recipe): b for b in briefs if CORRELATION in b.figures and b.recipe}
    recipes = sorted({recipe for _, _, recipe in newest})
    yield from _clear_ones(
        {
            (f"recipe {one}", f"recipe {other}"): [
                (b, newest[symbol, model, other])
                for (symbol, model, recipe), b in newest.items()
                if recipe == one and (symbol, model, other) in newest
            ]
            for one, other in combinations(recipes, 2)
        },
        folders,
    )


def _models(briefs: Sequence[Brief], folders: Folders) -> Found:
    newest = {(b.symbol, b.model, b.recipe): b for b in briefs if CORRELATION in b.figures}
    models = sorted({model for _, model, _ in newest} - {"ridge"})
    yield from _clear_ones(
        {
            (model, "ridge"): [
                (b, newest[symbol, "ridge", recipe])
                for (symbol, name, recipe), b in newest.items()
                if name == model and (symbol, "ridge", recipe) in newest
            ]
            for model in models
        },
        folders,
    )


def _clear_ones(comparisons: Mapping[tuple[str, str], Sequence[Pair]], folders: Folders) -> Found:
    """Tell which comparisons are clear: a t-test over symbols, 5% for all comparisons together.

    Several pairs of one symbol share its days, so they count once, by their mean. Symbols count as
    independent, which they are not: a common part of their differences makes false ones far more frequent.
    """
    asked = {
        names: pairs for names, pairs in comparisons.items() if len({a.symbol for a, _ in pairs}) >= SYMBOLS
    }
    for (one, other), pairs in asked.items():
        by_symbol = _by([a for a, _ in pairs], lambda b: b.symbol)
        gains = {a.name: a.figures[CORRELATION] - b.figures[CORRELATION] for a, b in pairs}
        means = [mean(gains[brief.name] for brief in briefs) for briefs in by_symbol.values()]
        centre, error = mean(means), stdev(means) / math.sqrt(len(means))
        if error == 0.0 or abs(centre) < _student(CHANCE / (2 * len(asked)), len(means) - 1) * error:
            continue
        better, worse = (one, other) if centre > 0.0 else (other, one)
        higher = sum(gain * centre > 0.0 for gain in means)
        a, b = max(pairs, key=lambda pair: abs(gains[pair[0].name]))
        yield (
            f"{better} had the higher correlation than {worse} on these days: {abs(centre):+.4f} on average, "
            f"higher on {higher} of {len(means)} symbols",
            (a.at(CORRELATION), b.at(CORRELATION)),
            "No proof: symbols share their days, so that they count for less than they are; logs cannot "
            "tell the error, since that takes what each day adds.",
            b.commands(folders).compare(a.name),
            tuple(brief.name for pair in pairs for brief in pair),
        )


def _student(p: float, freedom: int) -> float:
    """Return the value that Student's t exceeds with probability p (Abramowitz and Stegun 1964, 26.7.5).

    >>> round(_student(0.025, 10), 2), round(_student(0.005, 5), 2)
    (2.23, 4.03)
    """
    z: float = NormalDist().inv_cdf(1 - p)
    terms: tuple[float, ...]
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, start=1))


def _drift(briefs: Sequence[Brief], folders: Folders) -> Found:
    series = {
        (symbol, model, name): _changes([b for b in runs if name in b.figures and b.began], name)[-LONGEST:]
        for (symbol, model, _), runs in _by(briefs, lambda b: (b.symbol, b.model, b.recipe)).items()
        for name in DRIFTING
    }
    scores = {key: _mann_kendall([b.figures[key[2]] for b in known]) for key, known in series.items()}
    asked = {key: score for key, score in scores.items() if score is not None}
    for (symbol, model, name), score in asked.items():
        if abs(score) < NormalDist().inv_cdf(1 - CHANCE / (2 * len(asked))):
            continue
        known = series[symbol, model, name]
        first, last = known[0], known[-1]
        yield (
            f"{symbol} {model}: {name} {'rises' if score > 0 else 'falls'} over {len(known)} runs, from "
            f"{first.figures[name]:.4g} to {last.figures[name]:.4g}",
            (first.at(name), last.at(name)),
            "Newer data or changed settings; GC504 to GC506 say which. Runs on overlapping days drift by "
            "chance, too.",
            last.commands(folders).compare(first.name),
            _names(known),
        )


def _changes(runs: Sequence[Brief], name: str) -> list[Brief]:
    """Return the runs whose figure differs from the one before: the same run again says nothing new."""
    return [b for i, b in enumerate(runs) if i == 0 or b.figures[name] != runs[i - 1].figures[name]]


def _mann_kendall(values: Sequence[float]) -> float | None:
    """Return the normal score of a steady rise (Mann 1945, Kendall 1975), None with fewer than 5 values.

    >>> round(_mann_kendall([1, 2, 3, 4, 5, 6]), 2)
    2.63
    """
    n = len(values)
    if n < 5:
        return None
    s = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    return (s - (s > 0) + (s < 0)) / math.sqrt(variance) if variance > 0 else None


def _shared(briefs: Sequence[Brief], folders: Folders) -> Found:
    finished = [b for b in briefs if b.status]
    counts = Counter(code for b in finished for code, s in b.findings.items() if s != "NOTE")
    for code, count in sorted(counts.items()):
        if count >= ALWAYS and count > MOST * len(finished) and len({b.symbol for b in finished}) > 1:
            cited = [b for b in finished if code in b.findings]
            yield (
                f"{code} in {count} of {len(finished)} finished runs",
                tuple(b.at_status() for b in cited[-LISTED:]),
                "Look for what these runs share: prices, recipe, context or version.",
                cited[-1].commands(folders).show(),
                _names(cited),
            )


def _many_tries(briefs: Sequence[Brief], folders: Folders) -> Found:
    for (symbol, data), runs in _by(briefs, lambda b: (b.symbol, b.data)).items():
        known = [b for b in runs if SHARPE in b.figures and data]
        tries = {(b.model, b.recipe, round(b.figures[SHARPE], 6)) for b in known}
        if len(tries) < 2 * ALWAYS:
            continue
        best = max(known, key=lambda b: b.figures[SHARPE])
        yield (
            f"{symbol}: {len(tries)} different results on the same prices; the best has Sharpe "
            f"{best.figures[SHARPE]:.2f}",
            (best.at(SHARPE),),
            "The best of many tries is partly luck: the verdict of a run counts them, its Sharpe ratio does "
            "not.",
            best.commands(folders).trials_of(word(symbol)),
            _names(known),
        )


def _by(briefs: Sequence[Brief], key: Callable[[Brief], Key]) -> dict[Key, list[Brief]]:
    groups: dict[Key, list[Brief]] = defaultdict(list)
    for brief in briefs:
        groups[key(brief)].append(brief)
    return groups


def _old_verdicts(briefs: Sequence[Brief], folders: Folders) -> Found:
    for symbol, runs in _by(briefs, lambda b: b.symbol).items():
        newest = {b.trained or b.model: b for b in runs if b.judged_to}
        last = max((b.judged_to for b in newest.values()), default="")
        for model, old in newest.items():
            if old.judged_to < last:
                yield (
                    f"{symbol} {model}: judged on bars up to {old.judged_to}, others on bars up to {last}",
                    (old.at_status(),),
                    "Trained before the newer bars were there.",
                    old.commands(folders).train(),
                    (old.name,),
                )


TRENDS: tuple[Trend, ...] = (
    Trend(
        "GC601",
        "Always ends badly",
        Severity.FAIL,
        "Three finished runs or more of one symbol and model, and all of them ended COLLAPSED, or all "
        "FAILED.",
        "Repeating the same run will not help.",
        _ends_badly,
    ),
    Trend(
        "GC602",
        "No model ends well on this symbol",
        Severity.FAIL,
        "Three finished runs or more of two models or more on one symbol, none of them SUCCESS.",
        "What all of them share is the data.",
        _symbol_ends_badly,
    ),
    Trend(
        "GC603",
        "Runs are killed",
        Severity.WARN,
        "GC101 fires in three runs or more, and in half of all.",
        "Time is lost, though finished folds are kept.",
        _killed,
    ),
    Trend(
        "GC604",
        "One recipe is better",
        Severity.NOTE,
        "On four symbols or more, the newest runs of the same models under two recipes differ in correlation "
        "by "
        "more than independent symbols would (t-test, 5% for all recipes together).",
        "A hint where to look. Symbols that move together make it far more often than 5% without any "
        "difference.",
        _recipes,
    ),
    Trend(
        "GC605",
        "Better or worse than ridge",
        Severity.NOTE,
        "On four symbols or more, the newest runs of a model and of ridge under one recipe differ in "
        "correlation "
        "by more than independent symbols would (t-test, 5% for all models together).",
        "A hint where to look. Symbols that move together make it far more often than 5% without any "
        "difference.",
        _models,
    ),
    Trend(
        "GC606",
        "A figure drifts over time",
        Severity.NOTE,
        "Over five different results or more of one symbol, model and recipe, correlation, pred_std or "
        "Sharpe "
        "rises or falls steadily (Mann-Kendall as if runs were independent, 5% for all series together).",
        "Something changes from run to run. Runs on overlapping days drift by chance, too.",
        _drift,
    ),
    Trend(
        "GC607",
        "One finding in most runs",
        Severity.WARN,
        "The same FAIL or WARN in three finished runs or more, over several symbols, and in more than half "
        "of all.",
        "Where they have one cause, it is mended once for all of them.",
        _shared,
    ),
    Trend(
        "GC608",
        "Many tries on the same prices",
        Severity.WARN,
        "Six different results or more on the same prices of one symbol.",
        "The best of many tries looks good by chance alone.",
        _many_tries,
    ),
    Trend(
        "GC609",
        "A verdict older than the data",
        Severity.NOTE,
        "The newest verdict on a model knows fewer bars of its symbol than that on another model.",
        "More days may change the answer, and old ones say nothing of them.",
        _old_verdicts,
    ),
)
