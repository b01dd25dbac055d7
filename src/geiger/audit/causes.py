"""What a move most likely comes from, and how to mend it: read from the stage and the shape of the move."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from geiger.audit.tables import Moved

RESCALED, DECISION_BAR, CLOCK, ONE_LESS = (
    "rescaled",
    "decision_bar",
    "clock",
    "one_less",
)  # ways to find a leak beside other futures
WHOLE = 250  # rows: what moves over more of them is computed over the whole series
OF_A_DAY = ("selection", "timing", "beyond", "mean")  # what a panel learns, beside the outcome itself
Cause = tuple[str, str]


def cause_of(moved: Moved, kind: str, reach: int) -> Cause:
    """Return the likely cause and its mend, as two sentences.

    Parameters
    ----------
    kind : str
        How the world was altered: one of `worlds.FUTURES`, or `RESCALED`, `DECISION_BAR`,
        `CLOCK`, `ONE_LESS`.
    reach : int
        Rows from the first row that moved to the cut, both counted.
    """
    if kind == RESCALED:
        return (
            "it holds a price level: a later split or dividend rescales the past",
            "use ratios or returns, or levels as they were quoted on that day",
        )
    if kind == DECISION_BAR and moved.stage in ("fills", "target"):
        return (
            "the trade is filled at a price of the bar that it was decided on",
            "fill at the next open, or decide one bar earlier",
        )
    return _BY_STAGE[moved.stage](moved, reach)


def _bars(moved: Moved, reach: int) -> Cause:
    return (
        "a past bar is made from later ones: filled backwards, interpolated, or adjusted by a later factor",
        "fill forward only, and adjust each bar by its own factor",
    )


def _context(moved: Moved, reach: int) -> Cause:
    if reach == 1 and moved.rows == 1:
        return (
            "the context is a day ahead: its bar was not complete at the symbol's close, or stands under an "
            "earlier date (time zone, off by one)",
            "join by closing times, and lag what closes later by a day",
        )
    return _features(moved, reach)


def _features(moved: Moved, reach: int) -> Cause:
    if math.isinf(moved.size):
        return (
            "a missing value is filled from later rows (bfill, interpolate, dropna on later columns)",
            "fill forward only and leave the first rows missing",
        )
    if reach > WHOLE:
        return (
            "it is computed over the whole series: a wavelet, EMD or filter of all rows, or a scaler, PCA or "
            "rank fitted on all of them",
            "compute it in a window that ends with the row, or fit it inside the fold",
        )
    if reach == 1:
        return (
            "its last row reads the next one: shift(-1), a join that is one day late, or a window that is "
            "off by one",
            "use rows up to the day itself: shift(0) or more",
        )
    return (
        f"its window reaches {reach} {'row' if reach == 1 else 'rows'} ahead: a centred window, filtfilt or "
        "savgol, or shift(-k)",
        "let every window end with the row itself",
    )


def _target(moved: Moved, reach: int) -> Cause:
    if moved.column in OF_A_DAY:
        return (
            "what a label is compared with depends on bars behind the day on which it claims to be known: "
            "the mean of another day, or outcomes that are not known by then",
            "take out the mean of the label's own day, of outcomes that are known when it is",
        )
    return (
        "a label depends on bars behind the day on which it claims to be known",
        "let known_on be the last day that the label reads",
    )


def _labels(moved: Moved, reach: int) -> Cause:
    if moved.member is not None:
        return (
            "the label of a symbol that did not trade for some days is learned before it is known, or labels "
            "overlap the split",
            "learn those labels alone that are known by the fold's first decision",
        )
    return (
        "labels overlap the split: a train row's label is known only after the fold's first decision",
        "leave a gap of the label's whole span before every border",
    )


def _folds(moved: Moved, reach: int) -> Cause:
    return (
        "the split depends on later rows: shuffled, or counted from the end",
        "cut folds forward from the first row",
    )


def _scaler(moved: Moved, reach: int) -> Cause:
    return (
        "centres or scales are fitted on rows behind the fold's train rows (a full-sample scaler)",
        "fit scalers on the fold's train rows and freeze them",
    )


def _selection(moved: Moved, reach: int) -> Cause:
    return (
        "something was chosen on rows that the fold is judged on: early stopping, a penalty, a threshold or "
        "features picked on test rows or on the full sample",
        "choose on inner validation rows that lie before the gap",
    )


def _model(moved: Moved, reach: int) -> Cause:
    return (
        "the fit saw rows behind its cut: a shuffled split, test rows among the train rows, or a window that "
        "reaches over the row",
        "fit on rows whose labels are known before the fold's first decision, and forecast from rows up to "
        "the day",
    )


def _stack(moved: Moved, reach: int) -> Cause:
    return (
        "weights are fitted on rows that they are used on, or on outcomes not known by then",
        "learn weights from earlier out-of-fold forecasts whose outcome is known",
    )


def _conformal(moved: Moved, reach: int) -> Cause:
    return (
        "an interval uses errors of outcomes that were not known at its row",
        "use the errors of row i from the row on at whose decision its outcome is known",
    )


def _weights(moved: Moved, reach: int) -> Cause:
    return (
        "positions use a later forecast, or a volatility that was not known at the close",
        "size from forecasts and returns up to the decision's own close",
    )


def _fills(moved: Moved, reach: int) -> Cause:
    return (
        "an entry of the ledger uses prices behind the day on which it claims to be closed",
        "let entry and exit be the fills that the target names",
    )


def _rows(moved: Moved, reach: int) -> Cause:
    return (
        "who takes part on a day hangs on what came later: symbols kept because they went on trading, or "
        "because later rows are complete (survivorship)",
        "let a row take part by what its own past says, and let symbols end",
    )


def _normalised(moved: Moved, reach: int) -> Cause:
    if reach > WHOLE:
        return (
            "it is measured by means and deviations, or ranks, of the whole sample",
            "measure each row by the past of its symbol, or by the rows of its own day",
        )
    return (
        f"its window reaches {reach} {'row' if reach == 1 else 'rows'} ahead: a centred window, or one that "
        "is off by one",
        "let every window end with the row itself",
    )


def _volatility(moved: Moved, reach: int) -> Cause:
    return (
        "the volatility of a day uses returns behind its close",
        "estimate it from returns up to the decision's own close",
    )


def _tradable(moved: Moved, reach: int) -> Cause:
    return (
        "whether a row is scored hangs on later opens",
        "judge opens by the rows up to the day",
    )


def _candidate(moved: Moved, reach: int) -> Cause:
    return (
        "which score is issued was chosen by outcomes that were not known: of its own rows, or of the whole "
        "sample",
        "choose by outcomes known before the fold's first decision",
    )


def _slope(moved: Moved, reach: int) -> Cause:
    return (
        "the size of the forecasts is fitted on outcomes that were not known by their day",
        "fit the slope on earlier forecasts whose outcome is known",
    )


def _forecasts(moved: Moved, reach: int) -> Cause:
    return (
        "a forecast uses something of later rows behind all that makes it",
        "make it of the score, the slope and the volatility of its own day",
    )


def _members(moved: Moved, reach: int) -> Cause:
    return (
        "what should be a symbol's own is made of other symbols too",
        "make it of the symbol's own bars and the index, or declare that it is relative to the others",
    )


_BY_STAGE: Mapping[str, Callable[[Moved, int], Cause]] = MappingProxyType(
    {
        "reader": _bars,
        "bars": _bars,
        "context": _context,
        "features": _features,
        "target": _target,
        "labels": _labels,
        "folds": _folds,
        "scaler": _scaler,
        "selection": _selection,
        "model": _model,
        "stack": _stack,
        "conformal": _conformal,
        "weights": _weights,
        "fills": _fills,
        "rows": _rows,
        "normalised": _normalised,
        "volatility": _volatility,
        "tradable": _tradable,
        "candidate": _candidate,
        "slope": _slope,
        "forecasts": _forecasts,
        "members": _members,
    }
)
