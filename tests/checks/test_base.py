from __future__ import annotations

import shlex

from geiger.checks.catalogue import ask_all
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
        assert case(config(Data=place)).command("data show") == wanted


def test_a_run_is_backtested_as_itself_and_a_backtest_as_the_run_it_traded() -> None:
    assert case().backtest() == f"geiger backtest AAPL --run {NAME}"
    traded = case(config(Forecasts_of="AAPL_lstm_20251201_000000"))
    assert traded.backtest() == "geiger backtest AAPL --run AAPL_lstm_20251201_000000"
    assert case(config(Data_Hash=None, Data=None)).backtest() == "geiger backtest AAPL --model lstm"


def test_a_killed_run_goes_on_with_the_very_command_it_was_typed_with() -> None:
    line = "geiger train lstm AAPL --epochs 7 --data 'my prices'"
    assert case(config(Command=line)).again() == line
    assert case().again() == "geiger train lstm AAPL --data 'my prices'"
    for other in ("rm -rf x", "geiger 'train", "geiger data fetch X", ""):
        assert case(config(Command=other)).again() == case().again()
    hostile = case(config(Command="geiger train lstm AAPL ; reboot")).again()
    assert hostile == "geiger train lstm AAPL ';' reboot", "one command, whatever the log says"
    own = config(Model="own", Data=None)
    assert case(own).again() == "geiger logs show AAPL_lstm_20251229_143022"
    assert case(own).remedy() == "geiger train ridge AAPL"


def test_a_symbol_that_is_none_is_not_put_into_a_command() -> None:
    hostile = case(both(config(Symbol="A;reboot", Fill="close")))
    assert all("reboot" not in f.next for f in ask_all(hostile))


def test_the_remedy_is_never_the_same_run_again() -> None:
    for recipe, model, wanted in (
        ("plan", "lstm", "geiger train lstm AAPL --recipe default"),
        ("default", "lstm", "geiger train ridge AAPL"),
        ("default", "ridge", "geiger data show AAPL"),
    ):
        assert case(config(Recipe=recipe, Model=model, Data=None)).remedy() == wanted


def test_a_panel_is_trained_again_on_the_symbols_it_was_typed_with() -> None:
    line = "geiger train lstm --panel TECH AAPL MSFT --data 'my prices' --recipe plan"
    of_panel = config(Symbol="TECH", Members="12", Command=line, Recipe="plan")
    assert case(of_panel).is_panel
    assert not case().is_panel
    assert case(of_panel).command("train", "--context", "SPY") == f"{line} --context SPY"
    other = line.replace("lstm", "ridge").replace(" --recipe plan", "")
    assert (
        case(of_panel).command("train", "--recipe", "default", model="ridge") == f"{other} --recipe default"
    )
    assert case(of_panel).remedy() == case(of_panel).command("train", "--recipe", "default")
    assert case(of_panel).backtest() == f"geiger backtest TECH --run {NAME}"
    assert case(of_panel).command("data show") == f"geiger logs show {NAME}"
    assert case(of_panel).command("audit") == f"geiger audit --run {NAME}"


def test_a_panel_whose_line_is_not_known_asks_for_a_file_of_its_symbols() -> None:
    for given in ({}, {"Command": "rm -rf x"}, {"Command": "geiger 'train"}):
        found = case(config(Symbol="TECH", Members="12", **given)).command("train")
        assert found == "geiger train lstm --panel TECH --symbols-file FILE"
    hostile = case(config(Symbol="A;reboot", Members="12"))
    assert "reboot" not in hostile.command("train")
    assert "reboot" not in hostile.command("backtest")
