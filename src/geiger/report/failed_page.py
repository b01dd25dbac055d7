"""The page of a run that failed or was stopped: what went wrong first, and no figure that it has not."""

from __future__ import annotations

from geiger.report.failed import FailedView
from geiger.report.parts import Answered, Table, render
from geiger.report.tables import pairs_table


def failed_page(view: FailedView) -> str:
    """Return the page of one run that left a log and no finished run."""
    return render(
        "failed.html.j2",
        view=view,
        title=f"{view.symbol}, {view.model}, {view.status}",
        answer=Answered(
            word=view.status,
            sentence=view.sentence,
            tone="alarm",
            facts=(("No run", view.missing),),
            wrong=view.why,
            next=view.next,
        ),
        epochs=_epochs_table(view),
        settings=pairs_table("Settings, as the log has them", view.settings),
    )


def _epochs_table(view: FailedView) -> Table | None:
    """Return how far each member came."""
    if not view.epochs:
        return None
    members: dict[tuple[int, int], list[float]] = {}
    for epoch in view.epochs:
        members.setdefault((epoch.fold, epoch.seed), []).append(epoch.val_loss)
    rows = tuple(
        (f"fold {fold}, seed {seed}", str(len(losses)), f"{losses[-1]:.4f}")
        for (fold, seed), losses in sorted(members.items())
    )
    return Table("How far the training came", ("Member", "Epochs logged", "Val. loss, last"), rows[-60:])
