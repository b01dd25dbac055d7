"""The arms of the ablation: each is the base of its group with one thing changed. Data, and nothing else.

A network's settings that an arm does not name are those of its recipe, so an arm that repeats the recipe has
the same results as its base, and they are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Arm:
    """One way to train, compared with one other.

    Attributes
    ----------
    name : str
    group : str
        What is varied; the report has a table for each.
    model : str
        A name of the model catalogue.
    question : str
        What the arm is to answer.
    base : str
        The arm it is compared with, market by market; its own name for none.
    changes : mapping
        Settings as `settings.override` takes them, on top of the recipe and of what the markets ask for.
    recipe : str
    target : {"log", "simple"}
        The return that is learned.
    few : bool
        Only on a few markets, because one training takes long; its base must run there too.
    """

    name: str
    group: str
    model: str
    question: str
    base: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = "default"
    target: Literal["log", "simple"] = "log"
    few: bool = False


def _net(
    name: str,
    group: str,
    question: str,
    *,
    base: str = "screened",
    model: str = "lstm",
    few: bool = False,
    **of: Any,
) -> Arm:
    return Arm(name, group, model, question, base, {model: {**PINNED, **of}}, few=few)


def _boost(name: str, question: str, *, base: str, model: str, recipe: str = "default", **of: Any) -> Arm:
    return Arm(name, "boosting", model, question, base, {model: of}, recipe)


# Where the screening of settings began; the recipe moves on, the arms stay comparable.
PINNED: dict[str, Any] = {
    "skip": "screened",
    "weight_decay": 0.1,
    "learning_rate": 2e-4,
    "epochs": 20,
    "stop_patience": 8,
    "plateau_patience": 4,
    "patience_unit": "epochs",
    "start_margin": 0.0,
    "refit": False,
}
FIXED: dict[str, Any] = {"stop_patience": None, "plateau_patience": None, "keep_best": False}
RAW: dict[str, Any] = {"target_unit": "raw"}
# A network that learns all by itself, for a fixed number of epochs: what a fixed linear part would hide.
BARE: dict[str, Any] = {
    **PINNED,
    "skip": "zeros",
    "weight_decay": 0.0,
    "learning_rate": 1e-3,
    "epochs": 12,
    **FIXED,
}
PLAN_SIZE: dict[str, Any] = {"lstm": (32,), "width": 64, "blocks": 4, "heads": 4, "key": 16, "inner": 128}
TINY: dict[str, Any] = {**BARE, "lstm": (8,), "lookback": 20, "burn_in": 10, "epochs": 8}
PLAN_TRAINING: dict[str, Any] = {
    "residual": "last_return",
    "skip": "none",
    "loss": "directional_mse",
    "weight_decay": 0.0,
    "learning_rate": 1e-3,
    "epochs": 50,
    "stop_patience": 30,
    "plateau_patience": 10,
    "patience_unit": "epochs",
    "start_counts": False,
}
# What trees fit where l2 lets them.
WEAK_L2: dict[str, Any] = {"max_trees": 300, "depth": 6, "min_leaf_rows": 20}


def _bare(name: str, group: str, question: str, *, base: str = "bare", **of: Any) -> Arm:
    return _net(name, group, question, base=base, **{**BARE, **of})


ARMS: tuple[Arm, ...] = (
    Arm("ridge", "yardstick", "ridge", "What does a line through one day's features learn?"),
    Arm("lgb", "yardstick", "lgb", "What do LightGBM's trees learn?", "ridge"),
    Arm("xgb", "yardstick", "xgb", "What do XGBoost's trees learn?", "ridge"),
    Arm("catboost", "yardstick", "catboost", "What do CatBoost's trees learn?", "ridge"),
    Arm("lstm", "yardstick", "lstm", "The LSTM-Transformer of recipe default, one seed.", "ridge"),
    Arm("lstm-3", "yardstick", "lstm", "The same, three seeds.", "ridge", {"seeds": 3}),
    #
    _net("screened", "skip", "Pairs and delays that stand out join a fixed ridge.", base="ridge"),
    _net("skip-none", "skip", "The network alone.", skip="none"),
    _net("skip-zeros", "skip", "A line of the day's features is learned beside it.", skip="zeros"),
    _net("skip-ridge", "skip", "Ridge is held fixed beside it, nothing is screened.", skip="ridge"),
    #
    _bare("bare", "loss", "The network by itself, squared error, standardised target.", base=""),
    _bare("loss-huber", "loss", "Does bounding the pull of wild days help?", loss="huber"),
    _bare("loss-huber-directional", "loss", "And with a directional part?", loss="huber_directional"),
    _bare("loss-consistent", "loss", "Does a directional part that keeps the mean help?", loss="consistent"),
    _bare("loss-directional-mse", "loss", "The plan's loss, weight 0.5.", loss="directional_mse"),
    _bare("loss-plan-mix", "loss", "The plan's 0.6 directional + 0.4 MSE.", loss="plan_mix"),
    _bare("loss-gmadl", "loss", "Does rewarding the traded sign help?", loss="gmadl"),
    _bare("loss-adjmse2", "loss", "Does punishing the wrong side help?", loss="adjmse2"),
    _bare("loss-adjmse4", "loss", "And where it changes smoothly?", loss="adjmse4"),
    #
    _bare("raw", "target unit", "Returns as they are.", **RAW),
    _bare("raw-plan-loss", "target unit", "The plan's loss on raw returns.", loss="directional_mse", **RAW),
    _bare("raw-plan-mix", "target unit", "The plan's mixture on raw returns.", loss="plan_mix", **RAW),
    #
    _bare("head-direct", "head", "The change is the forecast.", residual="direct"),
    _bare("head-last-return", "head", "The change is added to the last return.", residual="last_return"),
    #
    _bare("decay-1e-3", "weight decay, standardised", "A light penalty.", weight_decay=1e-3),
    _bare("decay-1e-2", "weight decay, standardised", "A clear penalty.", weight_decay=1e-2),
    _bare("decay-1e-1", "weight decay, standardised", "A heavy penalty.", weight_decay=1e-1),
    _bare("raw-decay-1e-4", "weight decay, raw", "A hint.", base="raw", weight_decay=1e-4, **RAW),
    _bare("raw-decay-1e-3", "weight decay, raw", "A light penalty.", base="raw", weight_decay=1e-3, **RAW),
    _bare("raw-decay-1e-2", "weight decay, raw", "A clear penalty.", base="raw", weight_decay=1e-2, **RAW),
    _bare("raw-decay-1e-1", "weight decay, raw", "A heavy penalty.", base="raw", weight_decay=1e-1, **RAW),
    #
    _net("feed-dense", "feeding", "Every day of a stretch is a target.", base="", few=True, **TINY),
    _net(
        "feed-windows",
        "feeding",
        "A window a target, the LSTM warmed up as many days before.",
        base="feed-dense",
        few=True,
        **{**TINY, "feeding": "windows"},
    ),
    Arm(
        "lstm-windows",
        "feeding",
        "lstm",
        "The network of recipe default, fed by windows.",
        "lstm",
        {"lstm": {"feeding": "windows"}},
    ),
    #
    _net("rate-1e-3", "stopping", "The plan's learning rate.", learning_rate=1e-3),
    _net("epochs-5", "stopping", "5 epochs, whatever the validation rows say.", epochs=5, **FIXED),
    _net("epochs-20", "stopping", "20 epochs, whatever the validation rows say.", epochs=20, **FIXED),
    _net("margin-1", "stopping", "An epoch must win by a standard error.", start_margin=1.0),
    _net("refit-on", "stopping", "The chosen epochs once more, on all rows.", refit=True),
    #
    _bare("lookback-20", "memory", "A month of attention.", lookback=20),
    _bare("lookback-120", "memory", "Half a year of attention.", lookback=120),
    _bare("memory-10", "memory", "The LSTM starts 10 days before each day.", burn_in=10),
    _bare("memory-60", "memory", "The LSTM starts 60 days before: long memory.", burn_in=60),
    _bare("memory-stacked", "memory", "Two LSTMs, one on the other.", lstm=(16, 16)),
    #
    _bare("dropout-0", "size", "Nothing is dropped while training.", dropout=0.0),
    _bare("size-plan", "size", "The plan's four blocks.", **PLAN_SIZE),
    #
    Arm("xlstm", "xlstm", "xlstm", "What does xLSTM-TS learn?", "ridge"),
    _net("xlstm-wavelet", "xlstm", "Causal wavelets.", base="xlstm", model="xlstm", smoothing="wavelet"),
    #
    _net("plan-dense", "recipe", "The plan's training, fed densely, on the small network.", **PLAN_TRAINING),
    Arm("plan-lstm", "recipe", "lstm", "The plan as a whole.", "lstm", recipe="plan", few=True),
    Arm("plan-lgb", "recipe", "lgb", "The plan as a whole.", "lgb", recipe="plan"),
    Arm("plan-xgb", "recipe", "xgb", "The plan as a whole.", "xgb", recipe="plan"),
    Arm("plan-catboost", "recipe", "catboost", "The plan as a whole.", "catboost", recipe="plan"),
    #
    _boost(
        "catboost-plain", "Is ordered boosting worth it?", base="catboost", model="catboost", ordered=False
    ),
    _boost("lgb-l2-20", "Deep trees, strong L2.", base="lgb", model="lgb", l2=20.0, **WEAK_L2),
    _boost("lgb-l2-0.01", "The plan's L2.", base="lgb-l2-20", model="lgb", l2=0.01, **WEAK_L2),
    _boost("lgb-l2-0.0001", "Next to none.", base="lgb-l2-20", model="lgb", l2=0.0001, **WEAK_L2),
    _boost("lgb-stop-early", "Do validation rows choose well?", base="lgb", model="lgb", early_stopping=50),
    #
    Arm(
        "ridge-simple", "target", "ridge", "Simple returns in place of log returns.", "ridge", target="simple"
    ),
    Arm("lgb-simple", "target", "lgb", "Simple returns in place of log returns.", "lgb", target="simple"),
)
