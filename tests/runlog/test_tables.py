from geiger.runlog.tables import table


def test_columns_stand_under_each_other() -> None:
    assert table([["name", "mean %", "t"], ["all days", "3.20", "8.30"], ["x", "-0.1", ""]]) == [
        "name      mean %     t",
        "all days    3.20  8.30",
        "x           -0.1     -",
    ]
