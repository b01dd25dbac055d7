"""Walk-forward folds and their gaps: the only place that knows the gap rule.

Row t is decided at the close of day t. Its label spans `horizon` days after its fill and becomes known at
the open of row t + horizon + 1 (fill at the next open) or at the close of row t + horizon (fill at the
close). Before the decision of row a, the labels of rows t <= a - horizon - 1 are therefore known under
either fill; `known_before` says so once, and every border below uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

from geiger.errors import SettingError

MIN_VALID_ROWS = 20  # fewer inner validation rows choose nothing


@dataclass(frozen=True)
class Fold:
    """Row numbers of one fold, half open and ascending: train | gap | valid | gap | test.

    `train` and `valid` together are what the fold may learn from; `test` is forecast once and never
    looked at before.
    """

    index: int
    train: range
    valid: range
    test: range


def known_before(row: int, horizon: int) -> int:
    """Return the exclusive end of the rows whose labels are known before the decision of `row`.

    >>> known_before(60, horizon=5)  # the last usable row is 54
    55
    """
    return row - horizon


def walk_forward(
    first_row: int,
    end_row: int,
    *,
    horizon: int = 1,
    min_train: int = 504,
    refit: int = 63,
    valid_share: float = 0.15,
    rolling: int | None = None,
    max_folds: int | None = None,
) -> tuple[Fold, ...]:
    """Cut rows [first_row, end_row) into folds whose test blocks tile the rows after the first training.

    Parameters
    ----------
    first_row, end_row : int
        First row with complete features; one past the last row with a known label.
    horizon : int
        Days between entry and exit of a label.
    min_train : int
        Rows the first fold learns from (train, inner gap and valid together).
    refit : int
        Rows in a test block, that is, between two trainings. The last block may be shorter.
    valid_share : float
        Share of the learning rows, the most recent ones, kept for early stopping and choices.
    rolling : int, optional
        Learn from this many most recent rows; without it from all (expanding).
    max_folds : int, optional
        Keep only the most recent folds.

    Raises
    ------
    SettingError
        If the settings make no sense or the rows are too few for one fold.
    """
    for name, value, least in (
        ("horizon", horizon, 1),
        ("refit", refit, 1),
        ("max_folds", 1 if max_folds is None else max_folds, 1),
        ("rolling", min_train if rolling is None else rolling, min_train),
    ):
        if value < least:
            raise SettingError(f"{name} must be at least {least}, got {value}")
    if not 0.0 < valid_share < 0.9:
        raise SettingError(f"valid_share must lie between 0 and 0.9, got {valid_share}")
    first_test = first_row + min_train + horizon
    if first_test >= end_row:
        raise SettingError(
            f"too few days: the first forecast needs {first_row} warm-up rows + {min_train} training rows + "
            f"a gap of {horizon}, so at least {first_test + 1} labelled days, got {max(end_row, 0)}; "
            "give a longer series or a smaller min_train"
        )
    folds = [
        _fold(index, start, min(start + refit, end_row), first_row, horizon, valid_share, rolling)
        for index, start in enumerate(range(first_test, end_row, refit))
    ]
    return tuple(folds[-max_folds:] if max_folds else folds)


def folds_for_use(
    first_row: int,
    end_row: int,
    rows: int,
    *,
    index: int,
    horizon: int = 1,
    refit: int = 63,
    valid_share: float = 0.15,
    rolling: int | None = None,
) -> tuple[Fold, ...]:
    """Return the folds behind the scored ones, never scored themselves; the last is the model for use.

    The decision of row `end_row` - 1, the last development row, starts the first of them: blocks of `refit`
    rows up to row `rows` - 1. That row is decided by the model for use, from every label known before it.

    Parameters
    ----------
    first_row : int
        First row with complete features.
    end_row, rows : int
        One past the last development row, and one past the last row of all; equal where nothing is locked.
    index : int
        Number of the first of these folds.
    horizon, refit, valid_share, rolling
        As in `walk_forward`.
    """
    starts = [*range(end_row - 1, rows - 1, refit), rows - 1]
    stops = [*starts[1:], rows]
    return tuple(
        _fold(index + i, start, stop, first_row, horizon, valid_share, rolling)
        for i, (start, stop) in enumerate(zip(starts, stops, strict=True))
    )


def later_folds(
    first_row: int,
    end_row: int,
    *,
    horizon: int = 1,
    min_rows: int = 504,
    refit: int = 63,
    rolling: int | None = None,
) -> tuple[Fold, ...]:
    """Cut rows that others have forecast into folds, each weighed by the rows before it; no `valid` rows.

    Parameters
    ----------
    first_row, end_row : int
        The rows with out-of-fold forecasts and known labels.
    min_rows : int
        Rows the first weights are fitted on.
    refit : int
        Rows between two fits of the weights.
    rolling : int, optional
        Fit on this many most recent rows; without it on all.

    Raises
    ------
    SettingError
        If the rows are too few for one fold.
    """
    first_test = first_row + min_rows + horizon
    if first_test >= end_row:
        raise SettingError(
            f"too few days for a stack: its weights learn from {min_rows} forecasts and the next one is "
            f"scored, so at least {min_rows + horizon + 1} forecast days are needed, got "
            f"{max(end_row - first_row, 0)}; give a longer series, more --max-folds, or a smaller "
            "stack.min_rows"
        )
    return tuple(
        later_fold(index, start, min(start + refit, end_row), first_row, horizon=horizon, rolling=rolling)
        for index, start in enumerate(range(first_test, end_row, refit))
    )


def later_fold(
    index: int, start: int, stop: int, first_row: int, *, horizon: int = 1, rolling: int | None = None
) -> Fold:
    """Return the fold that tests rows [start, stop), and learns its weights from rows from `first_row` on."""
    learn_start, learn_stop = _learned(start, first_row, horizon, rolling)
    return Fold(index, range(learn_start, learn_stop), range(learn_stop, learn_stop), range(start, stop))


def _fold(
    index: int, start: int, stop: int, first_row: int, horizon: int, valid_share: float, rolling: int | None
) -> Fold:
    learn_start, learn_stop = _learned(start, first_row, horizon, rolling)
    valid_rows = round(valid_share * (learn_stop - learn_start))
    valid = range(learn_stop - valid_rows, learn_stop)
    train = range(learn_start, known_before(valid.start, horizon))
    if valid_rows < MIN_VALID_ROWS or len(train) < MIN_VALID_ROWS:
        raise SettingError(
            f"fold {index}: {len(train)} train and {valid_rows} validation rows are too few "
            f"(at least {MIN_VALID_ROWS} each); raise min_train or change valid_share"
        )
    return Fold(index, train, valid, range(start, stop))


def _learned(start: int, first_row: int, horizon: int, rolling: int | None) -> tuple[int, int]:
    """Return first and end of the rows that decisions from `start` on may learn from."""
    stop = known_before(start, horizon)
    return first_row if rolling is None else max(first_row, stop - rolling), stop
