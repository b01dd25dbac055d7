"""Who fits a model of a panel, fold by fold, and what a killed run leaves of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from geiger.errors import SettingError
from geiger.learning.folds import Fold
from geiger.panel.folds import counting, panel_folds, rows_of, use_fold
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit, Pooled
from geiger.panel.pooled_ridge import fit_ridge
from geiger.panel.pooled_trees import fit_trees
from geiger.panel.scores import FoldScores
from geiger.panel.targets import Targets
from geiger.runs.parts import Part, Parts
from geiger.settings import MODELS, Config, paced_in_a_panel
from geiger.settings.models import LEARNERS


def folds_of(material: PanelMaterial, model: str, config: Config) -> tuple[Fold, ...]:
    """Return the folds of a base model, at its own pace."""
    return panel_folds(material, paced_in_a_panel(config, model))


def fit(
    material: PanelMaterial, model: str, targets: Targets, folds: Sequence[Fold], config: Config
) -> Iterator[Fit]:
    """Fit a base model on each fold, in order.

    Raises
    ------
    SettingError
        It is no model for panels.
    TrainingError
        A fold cannot be fitted.
    """
    family = MODELS[model].family
    if family == "linear":
        return fit_ridge(material, targets, folds, config)
    if family == "boosting":
        return fit_trees(material, model, targets, folds, config)
    if family == "network":
        from geiger.panel.pooled_networks import fit_networks

        return fit_networks(material, model, targets, folds, config)
    require_pooled(model)
    raise AssertionError(family)


def require_pooled(model: str) -> None:
    """Refuse a model that does not learn from many symbols at once.

    Raises
    ------
    SettingError
        Naming those that do.
    """
    if model not in LEARNERS:
        raise SettingError(
            f"model {model}: not for panels; those are {', '.join(LEARNERS)}, and a stack of them"
        )


def walk_folds(
    material: PanelMaterial, model: str, targets: Targets, config: Config, parts: Parts | None
) -> Iterator[FoldScores]:
    """Fit a base model on every fold and let it forecast the fold's test days.

    Parameters
    ----------
    parts : Parts, optional
        Where finished folds are kept and found again, of exactly this work.
    """
    folds = folds_of(material, model, config)
    # Ridge adds to its sums from fold to fold: each fold needs those before it, and costs next to nothing.
    kept = None if parts is None or MODELS[model].family == "linear" else Parts(parts.folder / model)
    stored = {fold.index: None if kept is None else _stored(kept, material, fold) for fold in folds}
    fits = fit(material, model, targets, [fold for fold in folds if stored[fold.index] is None], config)
    with closing(fits):  # type: ignore[type-var]  # generators all
        for fold in folds:
            scores = stored[fold.index]
            if scores is None:
                scores = next(fits).scores(material)
                if kept is not None:
                    kept.save(fold.index, _part(scores))
            yield scores


def fit_for_use(material: PanelMaterial, model: str, targets: Targets, config: Config) -> Pooled:
    """Fit a base model once more, on every row whose outcome is known at the last day of `material`."""
    fold = use_fold(material, paced_in_a_panel(config, model))
    fits = fit(material, model, targets, [fold], config)
    with closing(fits):  # type: ignore[type-var]
        return next(fits).model


def _stored(parts: Parts, material: PanelMaterial, fold: Fold) -> FoldScores | None:
    part = parts.load(fold.index)
    if part is None:
        return None
    arrays, facts = part.arrays, part.facts
    return FoldScores(
        fold=fold,
        rows=rows_of(material, counting(material), fold.test),
        selection=arrays["selection"],
        timing=arrays["timing"],
        rounds=tuple(facts["rounds"]),
        learned_rows=facts["learned_rows"],
        seconds=facts["seconds"],
        importances=arrays["importances"],
        resumed=True,
    )


def _part(scores: FoldScores) -> Part:
    return Part(
        {"selection": scores.selection, "timing": scores.timing, "importances": scores.importances},
        {"rounds": list(scores.rounds), "learned_rows": scores.learned_rows, "seconds": scores.seconds},
    )
