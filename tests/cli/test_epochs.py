from __future__ import annotations

from typing import Any

from geiger.cli.epochs import EpochNote
from geiger.records import Epoch


def test_the_bar_moves_with_the_epochs_of_folds_that_are_still_in_training() -> None:
    told: list[tuple[str, float]] = []
    tick: Any = type("Tick", (), {"note": lambda self, text, part: told.append((text, part))})()
    note = EpochNote(tick, epochs=10, seeds=2)
    for fold, seed, epoch in ((0, 0, 5), (0, 1, 5), (1, 0, 10)):
        note(Epoch(epoch, 0.9, 1.0, 0.1, 52.0, fold=fold, seed=seed))
    assert [part for _, part in told] == [0.25, 0.5, 1.0]  # of folds: 5 of 20, 10 of 20, and 10 of 20 more
    assert told[0][0] == "fold 0, seed 0: epoch 5 of 10, val_loss 1.0000"
    note.ended(0)
    note(Epoch(10, 0.9, 1.0, 0.1, 52.0, fold=1))
    assert told[-1][1] == 0.5
