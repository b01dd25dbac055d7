from __future__ import annotations

import shlex

from geiger.checks.catalogue import ask_all
from geiger.command_line import Folders
from helpers.cases import NAME, both, case, config, warned


def test_the_next_command_quotes_what_the_log_says() -> None:
    found = ask_all(case(both(config(Data="folder (a b; rm -rf x)", Recipe="plan"), warned("LEAK_SUSPECT"))))
    words = shlex.split(next(f.next for f in found if f.code == "GC401"))
    assert words == ["geiger", "data", "show", "AAPL", "--data", "a b; rm -rf x"]


def test_prices_from_a_folder_are_named_by_the_folder_so_that_the_context_is_found_again() -> None:
    for place, wanted in (
        ("folder (prices/AAPL.csv)", "geiger data show AAPL --data prices"),
        ("file (mine/AAPL.csv)", "geiger data show AAPL --data mine/AAPL.csv"),
        ("embedded (AAPL of a sample)", "geiger data show AAPL"),
    ):
        assert case(config(Data=place)).commands.prices() == wanted


def test_a_run_is_backtested_as_itself_and_a_backtest_as_the_run_it_traded() -> None:
    assert case().commands.backtest() == f"geiger backtest AAPL --run {NAME} --again"
    traded = case(config(Forecasts_of="AAPL_lstm_20251201_000000"))
    assert traded.commands.backtest() == "geiger backtest AAPL --run AAPL_lstm_20251201_000000 --again"
    assert case(config(Data_Hash=None, Data=None)).commands.backtest() == "geiger backtest AAPL --model lstm"


def test_a_killed_run_goes_on_with_the_very_command_it_was_typed_with() -> None:
    line = "geiger train lstm AAPL --epochs 7 --data 'my prices'"
    assert case(config(Command=line)).again() == line
    assert case().again() == "geiger train lstm AAPL --data 'my prices' --context SPY"
    for other in ("rm -rf x", "geiger 'train", "geiger data fetch X", ""):
        assert case(config(Command=other)).again() == case().again()
    hostile = case(config(Command="geiger train lstm AAPL ; reboot")).again()
    assert hostile == "geiger train lstm AAPL ';' reboot", "one command, whatever the log says"
    own = config(Model="own", Data=None, Own_Estimator="Mine (in memory)")
    assert case(own).again() == "geiger logs show AAPL_lstm_20251229_143022"
    assert case(own).remedy() == "geiger train ridge AAPL --context SPY"


def test_prices_that_were_in_memory_alone_train_nothing_again() -> None:
    in_memory = case(config(Data="frame (given in memory)"))
    assert in_memory.remedy() == in_memory.again() == f"geiger logs show {NAME}"


def test_commands_name_the_folders_of_the_reader_and_of_the_run() -> None:
    elsewhere = case(config(Runs_Folder="my runs"), folders=Folders(logs="my logs"))
    assert elsewhere.commands.report() == f"geiger report {NAME} --runs-dir 'my runs' --log-dir 'my logs'"
    typed = config(Command="geiger train lstm AAPL --runs-dir r")
    assert case(typed).commands.doctor() == "geiger doctor --runs-dir r"
    served = case(typed, folders=Folders(runs="there"))
    assert served.commands.doctor() == "geiger doctor --runs-dir there", "the reader knows better"


def test_a_backtest_is_trained_again_as_what_it_traded_was() -> None:
    traded = config(Model="lgb", Recipe="default", Forecasts_of="AAPL_gbm_lgb_20251201_000000")
    line = "geiger train lgb AAPL --data d --max-folds 3"
    assert case(traded, line=line).remedy() == "geiger train ridge AAPL --data d --max-folds 3"


def test_a_symbol_that_is_none_is_not_put_into_a_command() -> None:
    hostile = case(both(config(Symbol="A;reboot", Fill="close")))
    assert all("reboot" not in f.next for f in ask_all(hostile))


def test_the_remedy_is_never_the_same_run_again() -> None:
    for recipe, model, wanted in (
        ("plan", "lstm", "geiger train lstm AAPL --context SPY --recipe default"),
        ("default", "lstm", "geiger train ridge AAPL --context SPY"),
        ("default", "ridge", "geiger data show AAPL"),
    ):
        assert case(config(Recipe=recipe, Model=model, Data=None)).remedy() == wanted


def test_a_panel_is_trained_again_on_the_symbols_it_was_typed_with() -> None:
    line = "geiger train lstm --panel TECH AAPL MSFT --data 'my prices' --recipe plan"
    of_panel = config(Symbol="TECH", Members="12", Command=line, Recipe="plan")
    assert case(of_panel).is_panel
    assert not case().is_panel
    commands = case(of_panel).commands
    whole = "geiger train lstm AAPL MSFT --panel TECH --data 'my prices'"
    assert commands.train() == f"{whole} --recipe plan"
    assert case(of_panel).remedy() == f"{whole} --recipe default"
    assert commands.backtest() == f"geiger backtest TECH --run {NAME} --again"
    assert commands.prices() == f"geiger logs show {NAME}"
    assert commands.audit() == f"geiger audit --run {NAME}"


def test_a_panel_whose_line_is_not_known_is_not_trained_again() -> None:
    for given in ({}, {"Command": "rm -rf x"}, {"Command": "geiger 'train"}):
        found = case(config(Symbol="TECH", Members="12", **given)).commands.train()
        assert found == f"geiger logs show {NAME}"
    hostile = case(config(Symbol="A;reboot", Members="12"))
    assert "reboot" not in hostile.commands.train()
    assert "reboot" not in hostile.commands.backtest()
