"""When the learning rate falls and when training ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """When the learning rate falls and when training ends, per member; patience counts epochs or steps.

    Steps are what a network learns by: an epoch has more of them where a batch is smaller. The rules are
    those of `keras.callbacks.ReduceLROnPlateau` (an improvement is 1e-4 or more) and `EarlyStopping` (any
    improvement counts, the best weights come back).
    """

    epochs: int = 50
    learning_rate: float = 1e-3
    plateau_factor: float = 0.5
    plateau_patience: int | None = 10
    min_rate: float = 1e-6
    stop_patience: int | None = 30
    keep_best: bool = True
    start_counts: bool = True  # the untrained network is a candidate for the best weights
    start_margin: float = 0.0  # standard errors by which the best epoch must beat it
    patience_unit: Literal["epochs", "steps"] = "epochs"


@dataclass
class Course:
    """What the schedule remembers of one member, whose epochs have so many steps."""

    schedule: Schedule
    steps: int = 1
    rate: float = field(init=False)
    best: float = np.inf
    best_epoch: int = 0
    since_best: int = 0
    plateau_best: float = np.inf
    since_plateau: int = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        self.rate = self.schedule.learning_rate

    def waited(self, epochs: int) -> int:
        """Return epochs in the unit of patience."""
        return epochs * self.steps if self.schedule.patience_unit == "steps" else epochs

    def start(self, val_loss: float) -> bool:
        """Take note of the untrained network; return whether it is a candidate."""
        if self.schedule.start_counts:
            self.best = val_loss
        return self.schedule.start_counts

    def take(self, epoch: int, val_loss: float) -> bool:
        """Take note of one epoch, change the rate, say whether this epoch is the best so far."""
        schedule = self.schedule
        better = val_loss < self.best
        if better:
            self.best, self.best_epoch, self.since_best = val_loss, epoch, 0
        else:
            self.since_best += 1
            patience = schedule.stop_patience
            self.stopped = patience is not None and self.waited(self.since_best) >= patience
        if val_loss < self.plateau_best - 1e-4:
            self.plateau_best, self.since_plateau = val_loss, 0
        elif schedule.plateau_patience is not None and self.rate > schedule.min_rate:
            self.since_plateau += 1
            if self.waited(self.since_plateau) >= schedule.plateau_patience:
                self.rate = max(self.rate * schedule.plateau_factor, schedule.min_rate)
                self.since_plateau = 0
        return better
