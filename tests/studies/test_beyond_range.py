from __future__ import annotations

from geiger.studies.beyond_range import beyond_range, series


def test_trees_stay_within_the_range_and_a_line_does_not() -> None:
    level = series("beyond", 0)
    assert level[-500:].min() > level[:1000].max()
    found = beyond_range(1, models=("ridge", "lgb"), trees=100)
    assert found["lgb"]["within"][0] > 0.6
    assert found["lgb"]["beyond"][0] < 0.0
    assert found["ridge"]["beyond"][0] > 0.6
    assert abs(found["lgb"]["returns"][0] - found["ridge"]["returns"][0]) < 0.1
