from __future__ import annotations

from geiger.studies import ablate
from geiger.studies.ablate import (
    config_of,
)
from geiger.studies.markets import MadeMarket, RealMarket, few_of, made_markets
from helpers.ablations import ROWS, WEAK


def test_a_made_market_has_one_fold_and_numbers_of_its_own() -> None:
    market = MadeMarket("volume", 0.1, 0, train_rows=300, test_rows=100)
    config = config_of(WEAK, market)
    material, truth = market.load(config)
    (fold,) = ablate.plan_folds(material, config)
    assert (len(fold.train) + len(fold.valid) + 1, len(fold.test)) == (300, 100)
    assert fold.test.stop == material.labelled
    assert truth is not None
    assert len(truth) == material.prices.height
    prints = {one.fingerprint() for one in made_markets(2, **ROWS)}
    assert len(prints) == 2 * 6


def test_few_markets_are_a_line_two_facts_nothing_and_two_symbols() -> None:
    real = [RealMarket(name) for name in ("AAA", "BBB", "CCC")]
    names = [market.name for market in few_of([*made_markets(4), *real])]
    kinds = ["volume 2%", "interaction 10%", "nothing"]
    assert names == [*(f"{kind} #{i}" for kind in kinds for i in (0, 1)), "AAA", "BBB"]
