"""What a panel's run keeps of its forecasts is enough to measure and trade them again."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.panel.cross_section import scored_of
from geiger.panel.plan import PanelPlan
from geiger.panel.stored import row_numbers, walk_of_run
from geiger.panel.walk import walk
from geiger.panel.written import PanelRun
from geiger.runs.folder import RunsFolder
from helpers.panels import ENDED


def test_scores_come_back_with_their_bits_and_what_is_expected_but_for_rounding(
    small_plan: PanelPlan, small_run: PanelRun
) -> None:
    stored = RunsFolder(small_run.folder.parent).load(small_run.name)
    material, config = small_plan.material, small_plan.work.config
    was = scored_of(material, walk(material, "ridge", config), 1)
    now = scored_of(material, walk_of_run(stored, material, config), 1)
    np.testing.assert_array_equal(now.scores, was.scores)
    np.testing.assert_array_equal(
        now.outcomes[np.isfinite(now.scores)], was.outcomes[np.isfinite(was.scores)]
    )
    np.testing.assert_allclose(now.expected, was.expected, rtol=0, atol=1e-12)
    assert was.slope is not None
    assert now.slope == pytest.approx(was.slope, rel=1e-9)


def test_what_has_no_outcome_is_kept_apart(small_plan: PanelPlan, small_run: PanelRun) -> None:
    """A symbol's last two days, after which it has no open to be sold at."""
    stored = RunsFolder(small_run.folder.parent).load(small_run.name)
    apart, scored = stored.panel_unscored(), stored.panel_forecasts()
    assert scored["outcome"].null_count() == 0
    assert apart.join(scored, on=["day", "symbol"]).height == 0
    ended = small_plan.material.symbols.index(ENDED)
    own = np.flatnonzero(np.isfinite(small_plan.material.bars["close"][:, ended]))
    assert apart["symbol"].to_list() == [ENDED, ENDED]
    assert apart["day"].to_list() == small_plan.material.calendar.gather(own[-2:]).to_list()


def test_forecasts_of_days_that_the_prices_lack_are_refused(small_plan: PanelPlan) -> None:
    material = small_plan.material
    day = material.calendar[int(material.day[0])]
    there = pl.DataFrame({"day": [day], "symbol": [material.symbols[int(material.member[0])]]})
    assert row_numbers(material, there, "X").tolist() == [0]
    strange = there.with_columns(symbol=pl.lit("NONE"))
    with pytest.raises(DataError, match="NONE on "):
        row_numbers(material, strange, "X")
    with pytest.raises(DataError, match="no forecasts"):
        row_numbers(material, there.head(0), "X")
