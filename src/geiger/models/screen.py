"""The linear part of a network: ridge on today's features, and on the few pairs and delays that stand out.

A network of some thousand days cannot search 154 x 154 pairs of features at twenty delays by gradient: it
drowns in them. Every one of these candidates can be scored, though, in a few matrix products: sure
independence screening (Fan and Lv 2008) keeps those whose t-statistic passes Bonferroni's level over all of
them. At most one noise market in twenty would show a find; since candidates are alike, far fewer do
(docs/evidence/error-rates.md). What stands out joins today's features in one ridge regression; without a
find that is ridge as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from geiger.learning.windows import Block, Floats, History, Ints, join
from geiger.models.baselines import Linear, Ridge, restore_linear
from geiger.models.state import MAX_FEATURES, State
from geiger.settings import RidgeSettings

MAX_DELAY = 20  # days
MAX_TERMS = 8
CLIP = 3.0  # a product of two outliers would outweigh everything else
FALSE_FINDS = 0.025  # bound on those expected in a noise market, of pairs and of single features each
ALIKE = 0.9  # correlation above which two terms are one
NOTHING = -1  # in a saved term: no feature of today


@dataclass(frozen=True)
class Term:
    """A candidate that stood out: feature `one` today x feature `other` `delay` days ago.

    Without `one` it is the other feature alone, `delay` days ago.
    """

    one: int | None
    other: int
    delay: int
    t: float  # robust t-statistic on the train rows

    def on(self, x: Floats) -> Floats:
        """Return the term (m,) of consecutive rows x (m, F); 0 where the delay reaches before the first."""
        found = np.zeros(len(x))
        late = np.clip(x[: len(x) - self.delay, self.other], -CLIP, CLIP)
        today = 1.0 if self.one is None else np.clip(x[self.delay :, self.one], -CLIP, CLIP)
        found[self.delay :] = today * late
        return found


@dataclass(frozen=True)
class Screened:
    """Ridge on today's features and on the terms that stood out."""

    terms: tuple[Term, ...]
    center: Floats  # (terms,) mean and standard deviation of each term on the train rows
    scale: Floats
    linear: Linear

    def on(self, x: Floats) -> Floats:
        """Return the forecast (m,) of consecutive rows x (m, F)."""
        return self.linear.on(_widened(x, self.terms, self.center, self.scale))

    def state(self) -> State:
        """Return the terms as columns, with the ridge regression as the one part."""
        return State(
            "screened",
            {"features": len(self.linear.coefficients) - len(self.terms)},
            {
                "one": np.array([NOTHING if t.one is None else t.one for t in self.terms], np.int64),
                "other": np.array([t.other for t in self.terms], np.int64),
                "delay": np.array([t.delay for t in self.terms], np.int64),
                "t": np.array([t.t for t in self.terms], np.float64),
                "center": self.center,
                "scale": self.scale,
            },
            parts=(self.linear.state(),),
        )


def restore_screened(state: State) -> Screened:
    """Return the linear part behind a saved state.

    Raises
    ------
    DataError
        If a value is missing, of another type or shape, or points outside the features.
    """
    state.require(
        "screened", facts=("features",), arrays=("one", "other", "delay", "t", "center", "scale"), parts=1
    )
    features = state.whole("features", least=1, most=MAX_FEATURES)
    number = len(state.floats("t", (None,)))
    columns = {name: state.array(name, "int64", (number,)) for name in ("one", "other", "delay")}
    for name, least, stop in (
        ("one", NOTHING, features),
        ("other", 0, features),
        ("delay", 0, MAX_DELAY + 1),
    ):
        if not ((columns[name] >= least) & (columns[name] < stop)).all():
            raise state.fault(f"{name} must hold numbers from {least} to {stop - 1}")
    rows = zip(*(columns[name].tolist() for name in columns), state.arrays["t"].tolist(), strict=True)
    terms = tuple(
        Term(None if one == NOTHING else one, other, delay, t=strength)
        for one, other, delay, strength in rows
    )
    linear = restore_linear(state.parts[0])
    if len(linear.coefficients) != features + number:
        raise state.fault(
            f"{features} features and {number} terms need {features + number} coefficients, "
            f"got {len(linear.coefficients)}"
        )
    center, scale = (state.floats(name, (number,)) for name in ("center", "scale"))
    return Screened(terms, center, scale, linear)


def fit_screened(train: Block, valid: Block, max_delay: int | None = MAX_DELAY) -> Screened:
    """Screen on the train rows, choose ridge's penalty on the inner validation rows.

    Parameters
    ----------
    max_delay : int, optional
        Days a term may look back; None screens nothing, and the result is plain ridge.
    """
    past = valid.history
    terms = () if max_delay is None or past is None else find_terms(past, train, max_delay)
    x = np.zeros((0, 0)) if past is None else past.x
    values = [term.on(x)[past.at(train.rows)] for term in terms] if past is not None else []
    center = np.array([value.mean() for value in values])
    scale = np.array([value.std() for value in values])
    blocks = (_with_terms(block, past, terms, center, scale) for block in (train, valid))
    line = Ridge(RidgeSettings(refit=False)).fit(*blocks, seed=0)
    return Screened(terms, center, scale, line)


def refitted(screened: Screened, train: Block, valid: Block) -> Screened:
    """Return it fitted to train and validation rows together; terms and penalty stay."""
    alpha = RidgeSettings().alphas[screened.linear.rounds - 1]
    past, shape = valid.history, (screened.terms, screened.center, screened.scale)
    both = _with_terms(join(train, valid), past, *shape)
    line = Ridge(RidgeSettings(alphas=(alpha,), refit=False)).fit(both, both, seed=0)
    return replace(screened, linear=line)


def _with_terms(
    block: Block, past: History | None, terms: tuple[Term, ...], center: Floats, scale: Floats
) -> Block:
    if past is None or not terms:
        return block
    return replace(block, x=_widened(past.x, terms, center, scale)[past.at(block.rows)])


def find_terms(past: History, train: Block, max_delay: int = MAX_DELAY) -> tuple[Term, ...]:
    """Return the candidates that stand out from noise, strongest first, at most eight.

    Scored is what ridge leaves over, so that what is linear in today's features is no find.

    Parameters
    ----------
    past : History
        The rows before and up to the train rows.
    train : Block
        Rows with labels; only they are scored.
    """
    at = past.at(train.rows)
    at = at[at >= max_delay]
    if len(at) < 2 * MAX_DELAY:
        return ()
    rows = train.rows[-len(at) :]
    known = train.take(rows)
    line = Ridge(RidgeSettings(alphas=(0.1 * len(rows),), refit=False))
    y = known.y - line.fit(known, known, seed=0).predict(known)
    y = np.clip(y / y.std(), -CLIP, CLIP)
    y = (y - y.mean()) * np.sqrt(known.weight)
    x = np.clip(past.x, -CLIP, CLIP)
    features = x.shape[1]
    alone, pairs = np.zeros((max_delay, features)), np.zeros((max_delay + 1, features, features))
    scores = _Pairs(y, x[at])  # not the array of delay 0: with itself a product would have other last bits
    for delay in range(max_delay + 1):
        late = x[at - delay]
        pairs[delay] = scores.t(late)
        if delay:
            alone[delay - 1] = _t_alone(y, late)
    pairs[0][np.tril_indices(features, -1)] = 0.0  # today's pairs stand there twice
    found = [Term(None, int(j), int(d) + 1, float(alone[d, j])) for d, j in _standing_out(alone)] + [
        Term(int(i), int(j), int(d), float(pairs[d, i, j])) for d, i, j in _standing_out(pairs)
    ]
    return _distinct(sorted(found, key=lambda term: -abs(term.t)), past.x, at)


def _t_alone(y: Floats, x: Floats) -> Floats:
    """Return the robust t-statistic (F,) of each column of x (n, F) with y (n,)."""
    centred = x - x.mean(axis=0)
    return _ratio(y @ centred, (y * y) @ (centred * centred))


class _Pairs:
    """Products of each column of `one` (n, F) with others, scored on y (n,)."""

    def __init__(self, y: Floats, one: Floats) -> None:
        squared = y * y
        self.one, self.sum, self.squares = one.T, y.sum(), squared.sum()
        self.by_y, self.by_square = (one * y[:, None]).T, (one * squared[:, None]).T
        self.square_by_square = (one * one * squared[:, None]).T

    def t(self, other: Floats) -> Floats:
        """Return the robust t-statistic (F, G) of each product one_i x other_j (White 1980)."""
        mean = self.one @ other / len(other)
        moment, weighted = self.by_y @ other, self.by_square @ other
        variance = self.square_by_square @ (other * other) - 2 * mean * weighted + mean**2 * self.squares
        return _ratio(moment - mean * self.sum, variance)


def _ratio(top: Floats, variance: Floats) -> Floats:
    usable = variance > 1e-9 * max(float(variance.max()), 1e-300)
    return np.divide(top, np.sqrt(np.maximum(variance, 0.0)), out=np.zeros_like(top), where=usable)


def _standing_out(t: Floats) -> Ints:
    """Return the places (k, dimensions) whose |t| exceeds Bonferroni's level over so many candidates."""
    strength = np.abs(t).ravel()
    if not strength.size:
        return np.zeros((0, t.ndim), np.int64)
    level = NormalDist().inv_cdf(1.0 - FALSE_FINDS / (2.0 * strength.size))
    above = np.flatnonzero(strength > level)
    strongest = above[np.argsort(-strength[above], kind="stable")][: 25 * MAX_TERMS]
    return np.array(np.unravel_index(strongest, t.shape), dtype=np.int64).T


def _distinct(found: list[Term], x: Floats, at: Ints) -> tuple[Term, ...]:
    kept: list[Term] = []
    columns: list[Floats] = []
    for term in found:
        column = term.on(x)[at]
        column = (column - column.mean()) / max(float(column.std()), 1e-12)
        if all(abs(float(column @ other)) <= ALIKE * len(at) for other in columns):
            kept.append(term)
            columns.append(column)
        if len(kept) == MAX_TERMS:
            break
    return tuple(kept)


def _widened(x: Floats, terms: tuple[Term, ...], center: Floats, scale: Floats) -> Floats:
    if not terms:
        return x
    extra = np.stack([term.on(x) for term in terms], axis=1)
    return np.hstack([x, (extra - center) / np.where(scale > 0.0, scale, 1.0)])
