"""The epochs of networks in the progress bar, while their folds are still in training."""

from __future__ import annotations

from dataclasses import dataclass, field

from geiger.cli.terminal import Tick
from geiger.records import Epoch


@dataclass(frozen=True)
class EpochNote:
    """Shows how far networks are, while their folds are still in training.

    Attributes
    ----------
    epochs : int or None
        Of a member at most.
    seeds : int
        Members of a fold.
    """

    tick: Tick
    epochs: int | None
    seeds: int
    _reached: dict[tuple[int, int], int] = field(default_factory=dict)  # of a fold and seed

    def __call__(self, epoch: Epoch) -> None:
        """Show an epoch, and move the bar by its part of a fold."""
        most = max(self.epochs or 0, epoch.epoch, 1)
        self._reached[epoch.fold, epoch.seed] = epoch.epoch
        part = sum(self._reached.copy().values()) / most / self.seeds
        member = f"fold {epoch.fold}, seed {epoch.seed}"
        self.tick.note(f"{member}: epoch {epoch.epoch} of {most}, val_loss {epoch.val_loss:.4f}", part)

    def ended(self, fold: int) -> None:
        """Take note that a fold is done."""
        for member in [member for member in self._reached.copy() if member[0] == fold]:
            del self._reached[member]
