"""What an audit makes lighter, and that it says so."""

from __future__ import annotations

from geiger.audit.lighter import EPOCHS, lighter, lighter_config
from geiger.experiment.plan import Experiment
from geiger.settings import override, recipe
from helpers.runs import Constant


def test_ridge_is_audited_as_it_is_trained() -> None:
    given = Experiment("AAPL", "ridge")
    assert lighter(given) == (given, ())


def test_boosting_has_one_member_and_nothing_else_changes() -> None:
    given = Experiment("AAPL", "lgb")
    made, told = lighter(given)
    assert made.config == override(given.config, {"seeds": 1})
    assert told == ("one of 3 members a fold",)


def test_networks_have_few_epochs() -> None:
    made, told = lighter(Experiment("AAPL", "xlstm"))
    assert made.config.xlstm.epochs == EPOCHS
    assert made.config.lstm.epochs == recipe("default").lstm.epochs
    assert len(told) == 2


def test_a_stack_lightens_the_networks_it_weighs() -> None:
    config = override(recipe("default"), {"stack": {"models": ("ridge", "lstm")}})
    made, told = lighter(Experiment("AAPL", "stack", config))
    assert made.config.lstm.epochs == EPOCHS
    assert made.config.xlstm.epochs == config.xlstm.epochs
    assert told[-1] == f"{EPOCHS} epochs for lstm"


def test_an_estimator_of_ones_own_has_one_member() -> None:
    made, told = lighter(Experiment("AAPL", estimator=Constant(0.0)))
    assert made.config.seeds == 1
    assert len(told) == 1


def test_settings_alone_are_made_lighter_for_the_models_that_are_trained() -> None:
    config = recipe("default")
    assert lighter_config(config, ("ridge",)) == (config, ())
    made, told = lighter_config(config, ("ridge", "lgb"))
    assert made == override(config, {"seeds": 1})
    assert told == ("one of 3 members a fold",)
