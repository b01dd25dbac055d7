"""From tokens to forecasts: what a network's output is added to, and the model around it."""

from __future__ import annotations

from typing import Any

from geiger.models.nets.backend import keras


class ResidualHead(keras.layers.Layer):
    """Forecast = base + change; the change starts at exactly 0 in every weight.

    ============  =======================================  ==============================
    residual      base                                     forecast before any training
    ============  =======================================  ==============================
    drift         mean return of the train rows            the historical mean
    direct        0                                        no return
    log_price     0, since log price t+1 less log price t  a random walk: same as direct
    last_return   the day's own return (the plan's)        persistence, R^2 near -1
    ============  =======================================  ==============================

    The base comes with the data, in the unit of the target; `job_of` makes it. `skip` adds a linear
    part of the day's own features, which starts at 0, too: without it a network has to find through its
    blocks what ridge gets for nothing.
    """

    def __init__(self, *, skip: bool) -> None:
        super().__init__(name="head")
        self.change = keras.layers.Dense(
            1, kernel_initializer="zeros", bias_initializer="zeros", name="change"
        )
        self.linear = (
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="skip") if skip else None
        )

    def build(self, tokens: tuple[int | None, ...], today: tuple[int | None, ...], base: Any = None) -> None:
        """Make the weights."""
        self.change.build(tokens)
        if self.linear is not None:
            self.linear.build(today)

    def call(self, tokens: Any, today: Any, base: Any) -> Any:
        """Return forecasts (B, L) of tokens (B, L, width), today's features (B, L, F), base (B, L)."""
        change = self.change(tokens)
        if self.linear is not None:
            change = change + self.linear(today)
        return base + change[..., 0]


class ForecastNet(keras.Model):
    """A body and a residual head."""

    def __init__(self, body: keras.layers.Layer, head: ResidualHead) -> None:
        super().__init__(name="forecast_net")
        self.body, self.head = body, head

    def build(self, x: tuple[int | None, ...], base: tuple[int | None, ...]) -> None:
        """Build body and head for x (B, S, F) and base (B, L)."""
        self.body.build(x)
        tokens = (x[0], base[1], self.body_width)
        self.head.build(tokens, (x[0], base[1], x[2]), base)
        self.built = True

    @property
    def body_width(self) -> int:
        """Numbers in a token."""
        return int(self.body.width)

    def call(self, x: Any, base: Any, training: bool = False, tokens: bool = False) -> Any:
        """Return forecasts (B, L) of x (B, history + L, F) and base (B, L).

        With `tokens` also the tokens (B, L, width) that they were read from.
        """
        read = self.body(x, training=training)
        forecasts = self.head(read, x[:, -base.shape[1] :], base)
        return (forecasts, read) if tokens else forecasts
