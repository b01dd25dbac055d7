"""What a panel's run will do, before it does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from geiger.codec import plain
from geiger.errors import SettingError
from geiger.experiment.key import audit_key
from geiger.learning.folds import Fold
from geiger.models import resolve
from geiger.panel.experiment import Panel
from geiger.panel.fits import folds_of, require_pooled
from geiger.panel.folds import counting
from geiger.panel.issue import require_issued
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.walk import bases_of
from geiger.records import Notice
from geiger.runs.audits import Audit, read_audit
from geiger.runs.environment import environment, key_of
from geiger.runs.folder import StoredRun
from geiger.settings import MODELS, shaping_a_panel
from geiger.settings.models import STACK

WISHED_NAMES, WISHED_YEARS = 13, 10  # below, a pooled model has little to learn from


@dataclass(frozen=True, kw_only=True)
class PanelPlan:
    """What a panel's run will do.

    Attributes
    ----------
    model : str
        Its name; where another one has to stand in, that one's.
    folds : mapping of str to tuple of Fold
        Of each base model, at its own pace.
    """

    work: Panel
    model: str
    material: PanelMaterial
    folds: Mapping[str, tuple[Fold, ...]]
    notices: tuple[Notice, ...]

    @property
    def log_name(self) -> str:
        """The model's name in the file name of a log."""
        return MODELS[self.model].log_name

    @property
    def test_days(self) -> pl.Series:
        """Days that will be forecast out of sample, those that only teach the size among them."""
        folds = max(self.folds.values(), key=lambda folds: folds[0].test.start)
        days = counting(self.material)
        return self.material.calendar.gather(days[folds[0].test.start : folds[-1].test.stop])

    def key(self) -> str:
        """Return the key of the forecasts: settings that shape them, and all members' data."""
        provenance = self.material.provenance.as_dict()
        return key_of(
            {
                **self._shaped(),
                "members": {one.symbol: one.data_hash for one in self.material.members},
                "provenance": {
                    name: provenance[name] for name in ("first_day", "last_day", "lockbox_from", "context")
                },
                "environment": plain(environment()),
            }
        )

    def trial_key(self) -> str:
        """Return the key of what is tried: that of the forecasts without what grows or is named."""
        context = self.material.provenance.context
        return key_of(
            {
                **self._shaped(),
                "members": list(self.material.symbols),
                "context": [context.market, context.volatility],
                "first_day": self.material.provenance.first_day,
            }
        )

    def _shaped(self) -> dict[str, Any]:
        models = {self.model, *bases_of(self.model, self.work.config)}
        return {
            "panel": 1,
            "model": self.model,
            "config": shaping_a_panel(self.work.config, models),
            "fill": self.material.fill,
            "features": self.material.provenance.features,
        }

    def stored(self) -> StoredRun | None:
        """Return the newest finished run with exactly these forecasts, or None."""
        return self.work.runs.find(self.key())

    def audit_key(self) -> str:
        """Return the key of everything an audit depends on."""
        found = audit_key(self.key(), self.work.config)
        assert found is not None  # that of the forecasts is never missing
        return found

    def audited(self) -> Audit | None:
        """Return the audit of exactly this that was kept, or None.

        Raises
        ------
        DataError
            The file is damaged or of a newer version.
        """
        return read_audit(self.work.runs.audits, self.audit_key())


def plan_panel(work: Panel) -> PanelPlan:
    """Load what a panel learns from, and cut its folds.

    Raises
    ------
    GeigerError
        The symbols cannot be one panel, or are too few; the days are too few; the model is not for panels.
    """
    if work.config.fill != "next_open":
        raise SettingError(
            "a panel is filled at the next open: close to close flatters what symbols do against each other"
        )
    if work.model == STACK:
        model, stood_in = STACK, None
    else:
        model, stood_in = resolve(work.model)
    for base in bases_of(model, work.config):
        require_pooled(base)
    if work.names_a_symbol():
        raise SettingError(
            f"panel {work.name}: is a symbol at hand; give the panel a name of its own (--panel NAME)"
        )
    material = load_panel(work)
    folds = {base: folds_of(material, base, work.config) for base in bases_of(model, work.config)}
    for own in folds.values():
        require_issued(material, own, work.config)
    notices = (*material.notices, *little(material), *(() if stood_in is None else (stood_in,)))
    return PanelPlan(work=work, model=model, material=material, folds=folds, notices=notices)


def little(material: PanelMaterial) -> tuple[Notice, ...]:
    """Say where names or days are fewer than a pooled model needs to learn much."""
    years = len(counting(material)) / material.market.days_per_year
    names = len(material.symbols)
    if names >= WISHED_NAMES and years >= WISHED_YEARS:
        return ()
    text = (
        f"{names} symbols and {years:.0f} years that count: at least {WISHED_NAMES} and {WISHED_YEARS} are "
        "wished for, below which pooling gains little"
    )
    return (Notice("SMALL_PANEL", text),)
