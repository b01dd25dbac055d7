"""Pictures for the run folder."""

from __future__ import annotations

import polars as pl

from geiger.experiment.made import Made
from geiger.report.charts import weights_chart


def pictures_of(made: Made) -> dict[str, bytes]:
    """Return the pictures of a training by name, SVG: a stack's weights over time, none of other models."""
    if made.weights is None:
        return {}
    table = made.weights.with_columns(
        pl.when(pl.col("left_out").is_null()).then(pl.col("weight")).otherwise(float("nan"))
    )
    models = table["model"].unique(maintain_order=True).to_list()
    of_model = {model: table.filter(pl.col("model") == model) for model in models}
    days = of_model[models[0]]["day"].to_list()
    lines = {model: rows["weight"].to_list() for model, rows in of_model.items()}
    symbol = made.forecasts["symbol"][0]
    return {"weights": weights_chart(days, lines, f"{symbol}: weights of the base models")}
