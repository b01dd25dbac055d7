"""Ridge regression over the rows of all symbols, from sums that grow from fold to fold.

The rows are the same in every fold (see `normalise`), so sums of products are added to as days become known,
and a fold costs the new days, one Cholesky a penalty, and its forecasts. Beside the coefficients of all, a
symbol has deviations of its own, shrunk towards nothing: (G_i + k I) d_i = X_i'(y - X_i b), for each k of
`panel.deviations`; which k is issued is chosen later, from earlier forecasts (see `choose`).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geiger.errors import TrainingError
from geiger.learning.folds import Fold
from geiger.models.state import State
from geiger.panel.folds import counting, rows_of
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit, Pooled, places_of
from geiger.panel.scores import Floats
from geiger.panel.targets import Targets
from geiger.settings import Config

HEADS = 2  # selection and timing share the sums of their features


class _Sums:
    """Sums over the learned rows of a growing (or rolling) span of days, one of each member.

    `products` is (N, F + 1, F + 1), `targets` (N, F + 1, 2), `count` (N,): the first column is the intercept.
    """

    def __init__(self, material: PanelMaterial, targets: Targets, days: npt.NDArray[np.int64]) -> None:
        width, members = material.normalised.shape[1] + 1, len(material.symbols)
        self.material, self.targets, self.days = material, targets, days
        self.products = np.zeros((members, width, width))
        self.right = np.zeros((members, width, HEADS))
        self.count = np.zeros(members)
        self.span = range(0)

    def move(self, span: range) -> None:
        """Take in the days up to the end of `span`, and drop those before its start."""
        if not len(self.span):
            self._add(span, 1.0)
        else:
            self._add(range(self.span.stop, span.stop), 1.0)
            self._add(range(self.span.start, span.start), -1.0)
        self.span = span

    def _add(self, span: range, sign: float) -> None:
        rows = rows_of(self.material, self.days, span)
        member = self.material.member[rows]
        y = np.column_stack([self.targets.selection[rows], self.targets.timing[rows]])
        known = np.asarray(np.isfinite(y).all(axis=1))
        weight = self.targets.weight[rows]
        order = np.argsort(member, kind="stable")
        order = order[known[order]]
        edges = np.flatnonzero(np.diff(member[order], prepend=-1, append=len(self.count)))
        x = self.material.normalised[rows]
        for first, stop in itertools.pairwise(edges):
            chosen = order[first:stop]
            one = int(member[chosen[0]])
            a, w = with_intercept(x[chosen]), weight[chosen]
            weighted = (a * w[:, None]).T
            self.products[one] += sign * (weighted @ a)
            self.right[one] += sign * (weighted @ y[chosen])
            self.count[one] += sign * len(chosen)

    def of_all(self, *, alike: bool) -> tuple[Floats, Floats]:
        """Return the sums over all members; `alike`: as if each had as many rows."""
        if not alike:
            return self.products.sum(axis=0), self.right.sum(axis=0)
        there = self.count > 0
        share = np.where(there, self.count.sum() / there.sum() / np.where(there, self.count, 1.0), 0.0)
        return np.tensordot(share, self.products, axes=1), np.tensordot(share, self.right, axes=1)


@dataclass(frozen=True, eq=False)
class PooledLines(Pooled):
    """Coefficients of all symbols alike, and those of each symbol; the intercept comes first.

    Attributes
    ----------
    symbols : tuple of str
        N of them; another symbol is forecast by the coefficients of all.
    own : (K, N, F + 1) float64
        Of selection, one for each of `panel.deviations`.
    line, timing : (F + 1,) float64
        Of all symbols, for selection and for timing.
    """

    symbols: tuple[str, ...]
    own: Floats
    line: Floats
    timing: Floats

    @property
    def candidates(self) -> int:
        """One a penalty of the symbols' own coefficients, and one without these."""
        return len(self.own) + 1

    def tell(self, material: PanelMaterial, rows: slice) -> tuple[Floats, Floats]:
        """Return selection (K + 1, R) and timing (R,); see `Pooled`."""
        x, place = material.normalised[rows], places_of(self.symbols, material)[material.member[rows]]
        selection = [forecast(x, np.vstack([lines, self.line])[place]) for lines in self.own]
        return np.array([*selection, forecast(x, self.line)]), forecast(x, self.timing)

    def state(self) -> State:
        """Return the coefficients."""
        arrays = {"own": self.own, "line": self.line, "timing": self.timing}
        return State("pooled_lines", {"symbols": list(self.symbols)}, arrays)


def restore_lines(state: State) -> PooledLines:
    """Return the model behind a state.

    Raises
    ------
    DataError
        A value is missing, of another type or shape, or infinite.
    """
    state.require("pooled_lines", facts=("symbols",), arrays=("own", "line", "timing"))
    symbols = state.facts["symbols"]
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise state.fault("symbols must be a list of names")
    line = state.floats("line", (None,))
    own = state.floats("own", (None, len(symbols), len(line)))
    return PooledLines(tuple(symbols), own, line, state.floats("timing", line.shape))


def fit_ridge(
    material: PanelMaterial, targets: Targets, folds: Sequence[Fold], config: Config
) -> Iterator[Fit]:
    """Fit each fold from its past.

    The penalty of each head is chosen on the fold's valid days by coefficients that have not seen them.

    Raises
    ------
    TrainingError
        A fold has no row to learn from.
    """
    days, alphas = counting(material), config.ridge.alphas
    alike = config.panel.weights == "symbols"
    whole = _Sums(material, targets, days)
    train = _Sums(material, targets, days) if len(alphas) > 1 else None  # one penalty: nothing to choose
    for fold in folds:
        started = time.perf_counter()
        whole.move(range(fold.train.start, fold.valid.stop))
        chosen = (0, 0)
        if train is not None:
            train.move(fold.train)
            chosen = _penalties(material, targets, days, fold, train.of_all(alike=alike), alphas)
        if not whole.count.sum():
            raise TrainingError(f"fold {fold.index}: no row with a known outcome to learn from")
        products, right = whole.of_all(alike=alike)
        lines = np.column_stack([solve(products, right[:, h], alphas[chosen[h]]) for h in range(HEADS)])
        own = _own_lines(whole, lines[:, 0], config.panel.deviations)
        size = np.abs(lines[1:, 0])
        yield Fit(
            fold=fold,
            model=PooledLines(material.symbols, own, lines[:, 0], lines[:, 1]),
            rounds=(chosen[0] + 1,),
            learned_rows=int(whole.count.sum()),
            seconds=time.perf_counter() - started,
            importances=size / size.sum() if size.sum() > 0.0 else np.zeros(len(size)),
        )


def lines_of_all(
    material: PanelMaterial, targets: Targets, fold: Fold, config: Config
) -> tuple[Floats, Floats]:
    """Return selection's coefficients of all symbols: of a fold's train days, and of train and valid days.

    Both are (F + 1,), the intercept first; the penalty is that of `fit_ridge`.
    """
    days, alphas = counting(material), config.ridge.alphas
    spans = fold.train, range(fold.train.start, fold.valid.stop)
    found = []
    for span in spans:
        sums = _Sums(material, targets, days)
        sums.move(span)
        found.append(sums.of_all(alike=config.panel.weights == "symbols"))
    alpha = alphas[_penalties(material, targets, days, fold, found[0], alphas)[0]]
    train, whole = (solve(products, right[:, 0], alpha) for products, right in found)
    return train, whole


def _penalties(
    material: PanelMaterial,
    targets: Targets,
    days: npt.NDArray[np.int64],
    fold: Fold,
    sums: tuple[Floats, Floats],
    alphas: Sequence[float],
) -> tuple[int, int]:
    """Return the place of each head's penalty: the least error on the valid days, the strongest of equals."""
    rows = rows_of(material, days, fold.valid)
    x, weight = material.normalised[rows], targets.weight[rows]
    found = []
    for head, target in enumerate((targets.selection[rows], targets.timing[rows])):
        known = np.isfinite(target)
        lines = np.column_stack([solve(sums[0], sums[1][:, head], alpha) for alpha in alphas])
        # Compared with each other and not handed on: one product for all penalties.
        told = x @ lines[1:].astype(np.float32) + lines[0].astype(np.float32)
        error = np.where(known[:, None], (told - np.where(known, target, 0.0)[:, None]) ** 2, 0.0)
        loss = weight @ error
        found.append(len(alphas) - 1 - int(np.argmin(loss[::-1])))
    return found[0], found[1]


def solve(products: Floats, right: Floats, alpha: float) -> Floats:
    """Return the ridge solution (F + 1,); the intercept, first, is not penalised."""
    from scipy.linalg import cho_factor, cho_solve

    penalty = np.full(len(right), alpha)
    penalty[0] = 1e-9 * (1.0 + products[0, 0])  # no more than what keeps a sum without rows solvable
    found: Floats = cho_solve(cho_factor(products + np.diag(penalty)), right)
    return found


def _own_lines(sums: _Sums, line: Floats, penalties: Sequence[float]) -> Floats:
    """Return every member's own line for each penalty (K, N, F + 1): that of all, and a shrunken deviation.

    Raises
    ------
    TrainingError
        Sums that are no sums of squares: rows taken in and dropped again have left more rounding than rows.
    """
    from scipy.linalg.lapack import dposv

    members, width = sums.right.shape[:2]
    found = np.empty((len(penalties), members, width))
    found[:] = line
    left = sums.right[:, :, 0] - sums.products @ line
    diagonal = np.arange(width)
    for one in np.flatnonzero(sums.count > 0):
        for place, penalty in enumerate(penalties):
            shrunk = sums.products[one].copy()
            shrunk[diagonal, diagonal] += penalty
            # Symmetric, so the transpose is the same in the order that LAPACK wants, without another copy.
            _, deviation, failed = dposv(shrunk.T, left[one], overwrite_a=True)
            if failed:
                symbol = sums.material.symbols[one]
                raise TrainingError(
                    f"{symbol}: its own coefficients cannot be solved at panel.deviations {penalty:g}; "
                    "raise the lowest of them"
                )
            found[place, one] += deviation
    return found


def forecast(x: npt.NDArray[np.float32], line: Floats) -> Floats:
    """Return intercept + x . coefficients (R,), of one line (F + 1,) or of one a row (R, F + 1)."""
    # Summed row by row: a matrix product's last bits depend on how many rows it is given.
    return np.asarray(line[..., 0] + (x * line[..., 1:]).sum(axis=1))


def with_intercept(x: npt.NDArray[np.float32]) -> Floats:
    """Return rows (m, F + 1), a 1 before each."""
    found = np.ones((len(x), x.shape[1] + 1))
    found[:, 1:] = x
    return found
