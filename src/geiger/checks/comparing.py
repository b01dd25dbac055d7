"""What forbids reading the figures of runs side by side, in the words of logs and page alike."""

from __future__ import annotations

from collections.abc import Collection

_DIFFERENT = {
    "Symbol": "the runs are of different symbols",
    "Data Hash": "the runs are on different prices",
    "Days": "the runs cover different days",
    "Fill": "the runs are filled differently, so that their targets differ",
    "Folds": "the runs have different folds: their test days may differ",
    "Cost": "the runs pay different costs",
    "Own Target": "the runs forecast different things",
}
CONDITIONS = tuple(_DIFFERENT)
NO_EVIDENCE = "a difference between two figures is no evidence by itself: no standard error stands beside it"


def cautions(differing: Collection[str]) -> tuple[str, ...]:
    """Return one sentence for each condition that differs, in a fixed order.

    >>> cautions({"Cost"})
    ('the runs pay different costs (Cost): figures do not compare one to one',)
    """
    return tuple(
        f"{text} ({name}): figures do not compare one to one"
        for name, text in _DIFFERENT.items()
        if name in differing
    )
