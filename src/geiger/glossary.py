"""The words of this program in plain ones: pages show them where they stand, `docs/glossary.md` in a list.

An entry says what a word means to a person, how it is reckoned, and where that comes from. It says nothing
of whether a value is good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes
    ----------
    name : str
        As it stands in headings.
    words : str
        What it means, for a person who has not met it.
    formula : str
        How it is reckoned; empty for a word that is no number.
    source : str
        Paper, or the page of the documentation; empty where it is everybody's.
    also : tuple of str
        Other ways in which pages write it.
    """

    name: str
    words: str
    formula: str = ""
    source: str = ""
    also: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Return the name as an address within a page.

        >>> Term("Sharpe, Lo 2002", "").anchor
        'term-sharpe-lo-2002'
        """
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def said(self) -> str:
        """Return meaning, formula and source in one line."""
        return " ".join(
            part
            for part in (self.words, self.formula and f"{self.formula}.", self.source and f"({self.source})")
            if part
        )


TERMS: tuple[Term, ...] = (
    Term(
        "audit",
        "A test that changes the future and looks whether anything earlier changes with it. Green: nothing "
        "did. Red: something used what it could not have known.",
        source="docs/audit.md",
        also=("Audit",),
    ),
    Term(
        "base rate",
        "How often the commoner direction came. Whoever always names that direction is right so often "
        "without any model, so direction accuracy counts only beyond it.",
        "max(share of days up, share of days down)",
        also=("Base rate", "Base Rate"),
    ),
    Term(
        "basis point",
        "A hundredth of a percent: the unit of trading costs.",
        "1 bp = 0.01%",
        also=("bp", "bps", "basis points"),
    ),
    Term(
        "beta",
        "By how much a portfolio moves when the market moves by one. Gains that come from beta are those of "
        "the market, and need no forecast.",
        "covariance with the market / variance of the market",
        "Sharpe 1964",
        also=("Beta",),
    ),
    Term(
        "bootstrap",
        "Drawing the days anew, in blocks, many times, to see how far a figure moves by chance alone.",
        source="Politis and Romano 1994",
    ),
    Term(
        "break-even cost",
        "What a unit of turnover may cost until trading has eaten all that was earned before costs.",
        "sum of gross returns / sum of turnover",
        also=("Break-even cost", "Break-even Cost", "Break-even"),
    ),
    Term(
        "CAGR",
        "Growth a year that, every year alike, would have led to the same end.",
        "(end / start) ^ (1 / years) - 1",
    ),
    Term(
        "Calmar ratio",
        "Growth a year beside the deepest fall.",
        "CAGR / max drawdown",
    ),
    Term(
        "CANNOT TELL",
        "The answer where the data are too few, or something is not known, to say SIGNAL or NO SIGNAL.",
        source="docs/verdict.md",
    ),
    Term(
        "conformal interval",
        "A range around a forecast, as wide as past errors ask for, so that a stated share of outcomes falls "
        "into it.",
        "forecast ± quantile of the past errors",
        "Vovk et al. 2005; Gibbs and Candès 2021",
    ),
    Term(
        "correlation",
        "How closely forecasts and outcomes move together, from -1 to 1; 0 is no relation. Of daily returns "
        "0.05 is already much. Written rho.",
        "covariance / (deviation of one × deviation of the other)",
        also=("rho", "Correlation"),
    ),
    Term(
        "direction accuracy",
        "Share of days whose direction was named rightly. It says something only beside the base rate.",
        "days with sign(forecast) = sign(outcome) / days",
        also=("DA", "Direction accuracy", "Direction Accuracy"),
    ),
    Term(
        "drawdown",
        "How far the equity lies below its own highest point so far.",
        "1 - equity / highest equity before",
        also=("Max drawdown", "Max Drawdown", "Drawdown"),
    ),
    Term(
        "economic",
        "Whether trading the forecasts earned more than holding the market at the same volatility, beyond "
        "chance: another question than whether they know something.",
        source="docs/verdict.md",
        also=("Economic",),
    ),
    Term(
        "false-alarm rate",
        "How often a rule says yes on made markets in which there is nothing to find.",
        "yes / markets without anything to find",
        "docs/calibration.md",
        also=("by chance",),
    ),
    Term(
        "fold",
        "One stretch of days that was forecast by a model which learned from earlier days alone.",
        source="docs/how-it-works.md",
        also=("Fold", "folds"),
    ),
    Term(
        "GBM",
        "Gradient boosting: many small decision trees, each mending what those before it left over. XGBoost, "
        "LightGBM and CatBoost are three of its kind.",
        source="Friedman 2001",
    ),
    Term(
        "health",
        "What the forecasts look like, before anything is said of skill: constant, of one sign, too wide, or "
        "of a size that fits what they know.",
        source="docs/log-analyzer.md",
        also=("Health",),
    ),
    Term(
        "IC",
        "Information coefficient: the correlation of forecasts with outcomes.",
        "correlation(forecast, outcome)",
        "Grinold 1989",
        also=("information coefficient",),
    ),
    Term(
        "ICIR",
        "How steady the rank IC is from day to day.",
        "mean of the daily rank IC / its deviation",
    ),
    Term(
        "importance",
        "What share of a model's own measure of gain a feature brought. It says what the model used, not "
        "what is true.",
        "gain of the feature / gain of all features",
        also=("Importance",),
    ),
    Term(
        "lock-box",
        "The last days of the data, which nothing is scored on until `geiger unseal` opens them once.",
        source="docs/verdict.md",
        also=("lockbox",),
    ),
    Term(
        "LSTM",
        "A neural network that reads days one after another and keeps a memory.",
        source="Hochreiter and Schmidhuber 1997",
        also=("xLSTM",),
    ),
    Term(
        "MADL",
        "Mean return lost by the direction of the forecasts; below 0 is a gain.",
        "mean of -sign(forecast × outcome) |outcome|",
        "Michańków, Sakowski and Ślepaczuk 2023",
    ),
    Term(
        "NO SIGNAL",
        "The answer where what forecasts can know at most would not pay for its trading.",
        source="docs/verdict.md",
    ),
    Term(
        "NRC1",
        "Whether a network's last features have fallen onto one line; 0 is entirely. With one target that is "
        "expected, and no harm by itself.",
        "mean squared distance of the features from their first axis",
        "Andriopoulos et al. 2024",
    ),
    Term(
        "NRC2",
        "Whether those features lie along the weights that make the forecast; 0 is entirely.",
        "mean squared distance of the features from the head's weights",
        "Andriopoulos et al. 2024",
    ),
    Term(
        "p",
        "How often luck alone, without any skill, does at least as well. Small is rare; one in twenty tries "
        "lies below 0.05 by luck.",
        also=("p-value",),
    ),
    Term(
        "p with all tries",
        "The p after everything that was tried on the same days is counted: the best of many looks better "
        "than it is.",
        source="White 2000; docs/trials.md",
        also=("with all tries",),
    ),
    Term(
        "pred_std",
        "How widely forecasts spread beside the outcomes. A forecaster who knows little is right to spread "
        "little. Written k.",
        "deviation of the forecasts / deviation of the outcomes",
        "docs/networks.md",
        also=("Prediction Std", "k"),
    ),
    Term(
        "PSR",
        "Probabilistic Sharpe ratio: how probable a true Sharpe ratio above 0 is, with the length, skew and "
        "tails of the record counted, and the tries not.",
        "Φ(SR √(n-1) / √(1 - skew SR + (kurtosis-1)/4 SR²))",
        "Bailey and López de Prado 2012",
    ),
    Term(
        "R²",
        "Share of the outcomes' variance that the forecasts explain, against naming the train mean every "
        "day. Below 0: the mean did better. Of daily returns 1% is much.",
        "1 - squared errors of the forecasts / squared errors of the train mean",
        "Campbell and Thompson 2008",
        also=("R2", "R2 out of Sample"),
    ),
    Term(
        "rank IC",
        "Every day symbols stand in two orders: by score, and by what they earned. The correlation of both "
        "orders; 0 where the scores know nothing.",
        "Spearman correlation over the symbols of a day",
        "Spearman 1904",
        also=("Rank IC",),
    ),
    Term(
        "rolling",
        "Reckoned again every day over the last year, to show when something was there.",
        also=("Rolling",),
    ),
    Term(
        "Sharpe ratio",
        "Mean return beyond cash, beside how much returns swing, for a year. A year's figure is uncertain by "
        "about 1, ten years' by about 0.3.",
        "mean(net - cash) / deviation(net) × √(days a year)",
        "Sharpe 1994",
        also=("Sharpe", "Test Sharpe", "Buy & Hold Sharpe"),
    ),
    Term(
        "Sharpe, Lo 2002",
        "The Sharpe ratio where returns of near days depend on each other, which the plain one leaves out.",
        "Sharpe a day × q / √(q + 2 Σ (q-i) ρ_i)",
        "Lo 2002",
    ),
    Term(
        "SIGNAL",
        "The answer where forecasts know more of their outcomes than luck and all tries explain, and an "
        "audit found no look into the future.",
        source="docs/verdict.md",
    ),
    Term(
        "slope",
        "By how much the outcome moves when the forecast moves by one. 1: forecasts may be taken as they "
        "are. 0: they know nothing. Below 0: they point the wrong way.",
        "correlation / pred_std",
        "Mincer and Zarnowitz 1969",
        also=("calibration slope", "Calibration slope", "Calibration Slope"),
    ),
    Term(
        "stack",
        "A model that weighs the forecasts of other models, from what they were worth on earlier days.",
        source="docs/stack.md",
        also=("Stack",),
    ),
    Term(
        "turnover",
        "Share of the equity that is bought or sold. Buying and selling all of it once is 2.",
        also=("Turnover",),
    ),
    Term(
        "volatility-matched",
        "Buy and hold with as much money in it as gives the volatility of the strategy: the fair neighbour "
        "of a strategy that is not always invested.",
        "buy and hold × deviation of the strategy / deviation of buy and hold",
        also=("volatility-matched buy and hold", "Volatility-matched", "Volatility-Matched"),
    ),
    Term(
        "WFE",
        "Walk-forward efficiency: what is left on unseen days of what was earned on the days that were "
        "learned from. Undefined where those lost.",
        "mean net return of test rows / mean net return of train rows",
        "Pardo 2008",
    ),
)


@cache
def entries() -> dict[str, Term]:
    """Return the entry of every way in which a word is written."""
    return {word: term for term in TERMS for word in (term.name, *term.also)}


@cache
def _pattern() -> re.Pattern[str]:
    words = sorted(entries(), key=len, reverse=True)
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])")


def pieces(text: str) -> Iterator[tuple[str, Term | None]]:
    """Yield a text in pieces: those that are a word of the glossary with their entry, the others without.

    >>> [(text, term and term.name) for text, term in pieces("WFE above 50%")]
    [('WFE', 'WFE'), (' above 50%', None)]
    """
    at = 0
    for found in _pattern().finditer(text):
        if found.start() > at:
            yield text[at : found.start()], None
        yield found[0], entries()[found[0]]
        at = found.end()
    if at < len(text):
        yield text[at:], None


def glossary_page() -> str:
    """Return the page of the documentation."""
    lines = [
        "# Glossary",
        "",
        "<!-- made from src/geiger/glossary.py by `make docs` -->",
        "",
        "The words of reports, logs and commands in plain ones. A report shows the entry of a word with a",
        "dotted line under it where you click, tap or press Enter.",
        "",
        "| Word | What it means | How it is reckoned | Source |",
        "| --- | --- | --- | --- |",
    ]
    for term in TERMS:
        also = "" if not term.also else f" ({', '.join(term.also)})"
        cells = (f"**{term.name}**{also}", term.words, term.formula, term.source)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
