"""The one table of models. Whatever lists models takes them from here.

A new model is a row here, a record of its settings with its section (`model_settings`), a file of its own,
and its constructor in `geiger.models.catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Workers = Literal["none", "threads", "processes"]
Family = Literal["baseline", "linear", "boosting", "network", "stack", "own"]


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes
    ----------
    name : str
        As on the command line; also the name of its section of the settings.
    log_name : str
        MODEL in the names of logs and runs.
    family : str
        What kind of model it is.
    libraries : tuple of str
        What must be installed for it, by the names they are imported by.
    seeded : bool
        Whether the seed changes the result.
    workers : str
        Who trains its folds: this process, one after the other; threads, where a library does the work and
        lets go of Python meanwhile; or processes. Each fit has one thread (docs/decisions/0017).
    stand_in : str, optional
        The model that is trained where its library is not installed.
    title : str
        Its library's or its own name as people write it.
    fit_seconds : float
        Guess of one fit, where the forecaster itself knows none.
    older_log_names : tuple of str
        Under which older logs know it.
    """

    name: str
    log_name: str
    family: Family
    libraries: tuple[str, ...] = ()
    seeded: bool = True
    workers: Workers = "none"
    stand_in: str | None = None
    title: str = ""
    fit_seconds: float = 3.0
    older_log_names: tuple[str, ...] = ()

    @property
    def has_section(self) -> bool:
        """Whether the settings of a run have a section for it."""
        return self.family not in ("baseline", "own")


_NETS = ("keras", "jax")
_ROWS = (
    Model("zero", "zero", "baseline", seeded=False),
    Model("mean", "mean", "baseline", seeded=False),
    Model("ridge", "ridge", "linear", seeded=False, fit_seconds=1.0),
    Model("xgb", "gbm_xgb", "boosting", ("xgboost",), workers="threads", title="XGBoost"),
    Model("lgb", "gbm_lgb", "boosting", ("lightgbm",), workers="threads", title="LightGBM"),
    Model(
        "catboost",
        "gbm_catboost",
        "boosting",
        ("catboost",),
        workers="threads",
        stand_in="xgb",
        title="CatBoost",
        fit_seconds=8.0,
    ),
    Model("lstm", "lstm", "network", _NETS, workers="processes", older_log_names=("lstm_regressor",)),
    Model("xlstm", "xlstm", "network", _NETS, workers="processes"),
    Model("stack", "stack", "stack", seeded=False),
    Model("own", "own", "own"),
)
MODELS: Mapping[str, Model] = MappingProxyType({row.name: row for row in _ROWS})

# What a library is installed as, where that is more than its own name.
_DISTRIBUTIONS = {"xgboost": ("xgboost-cpu", "xgboost"), "jax": ("jax", "jaxlib")}


def names_of(*families: Family) -> tuple[str, ...]:
    """Return the names of all models of these families, in the order of the table.

    >>> names_of("boosting")
    ('xgb', 'lgb', 'catboost')
    """
    return tuple(row.name for row in MODELS.values() if row.family in families)


# One name for a whole family.
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"gbm": names_of("boosting"), "net": names_of("network")}
)
LEARNERS = names_of("linear", "boosting", "network")  # what learns from features
FITTED = names_of("baseline", "linear", "boosting", "network")  # fitted fold by fold: a stack may weigh these
SECTIONS = tuple(row.name for row in MODELS.values() if row.has_section)
STACK, OWN = names_of("stack", "own")


def choices() -> tuple[str, ...]:
    """Return what a command may be asked to train: each model with settings, a group behind its last."""
    ends = {members[-1]: group for group, members in GROUPS.items()}
    return tuple(word for name in SECTIONS for word in (name, ends.get(name)) if word is not None)


def log_names() -> dict[str, str]:
    """Return every name that a log may give a model, older ones too, with the name that commands take."""
    names = {row.log_name: row.name for row in MODELS.values()}
    return names | {old: row.name for row in MODELS.values() for old in row.older_log_names}


def libraries(*families: Family) -> dict[str, tuple[str, ...]]:
    """Return the libraries that models of these families need, each with those models."""
    rows = [MODELS[name] for name in names_of(*families)]
    every = dict.fromkeys(library for row in rows for library in row.libraries)
    return {one: tuple(row.name for row in rows if one in row.libraries) for one in every}


def distributions() -> tuple[str, ...]:
    """Return what those libraries are installed as."""
    found = libraries("linear", "boosting", "network")
    return tuple(name for one in found for name in _DISTRIBUTIONS.get(one, (one,)))
