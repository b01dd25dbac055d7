"""Networks made again from what was saved: settings and shapes are checked before anything is allocated.

Where the forecast of these settings is kept, see `exported`, the shapes stand beside it and no layer is made.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from geiger.errors import MissingLibrary, SettingError, did_you_mean
from geiger.models.base import COMMON_FACTS, restore_common
from geiger.models.nets.exported import Shapes, find
from geiger.models.nets.forecaster import NETWORKS, NetPredictor, Network, fresh_net, kept_forecast, known_by
from geiger.models.screen import Screened, restore_screened
from geiger.models.state import LARGEST, State
from geiger.settings import as_dict, override
from geiger.settings.model_settings import BodySettings
from geiger.settings.setting import known_settings

THREADS = "threads"  # stands among the settings of a saved network
SIZES = ("width", "heads", "key", "inner")  # settings that are a length of some weight, or divide one
MAX_SETTING = 1_000_000_000
MAX_BATCH = 2**31  # numbers in the largest array of one batch: more than any machine could have trained with

T = TypeVar("T")


def restore_network(state: State) -> NetPredictor:
    """Return the network behind a saved state.

    Raises
    ------
    DataError
        If a setting or weight is missing, unknown, of another type or shape, or infinite.
    MissingLibrary
        If Keras or JAX is not installed.
    """
    names = [name for name in state.arrays if name.startswith(("trainable_", "other_"))]
    state.require(
        "network",
        facts=(*COMMON_FACTS, "model", "settings"),
        arrays=("fit_rows",),
        optional=("importances", *names),
        parts=len(state.parts[:1]),
    )
    common = restore_common(state)
    features = state.whole("features")
    network = _network(state)
    _require_sizes(state, network, names)
    exported = find(known_by(network, features))
    if exported is None:
        history, trainable, others = _tried(state, lambda: _shapes(network, features))
    else:
        history, trainable, others = exported.history, exported.trainable, exported.others
    weights = (_weights(state, "trainable", trainable), _weights(state, "other", others))
    if len(names) != len(trainable) + len(others):
        raise state.fault(f"{len(trainable) + len(others)} weights expected, got {len(names)}")
    _require_small_batch(state, network, history)
    offset = _offset(state, network, features, history)
    if exported is None:
        exported = _tried(state, lambda: kept_forecast(network, features))
    return NetPredictor(
        network=network, features=features, weights=weights, offset=offset, exported=exported, **common
    )


def _network(state: State) -> Network:
    """Return the settings, each of its own type, by way of the record that checks them."""
    model, settings = state.text("model"), state.facts["settings"]
    if model not in NETWORKS:
        raise state.fault(f"unknown network {model!r}: {did_you_mean(model, NETWORKS)}")
    if not isinstance(settings, Mapping):
        raise state.fault(f"settings must be names and values, got {reprlib.repr(settings)}")
    kind: Callable[..., Network] = NETWORKS[model]
    default = NETWORKS[model]().settings
    known = [*known_settings(type(default)), THREADS]
    for name, value in settings.items():
        if name not in known:
            hint = did_you_mean(name[:100], known)
            raise state.fault(f"{model} has no setting {reprlib.repr(name)}: {hint}")
        if not _small(value):
            raise state.fault(f"setting {name} cannot be {reprlib.repr(value)}")
    for name in known:
        if name not in settings:
            raise state.fault(f"setting {name} is missing")
    threads = settings[THREADS]
    if type(threads) is not int or threads < 1:
        raise state.fault(f"setting {THREADS} cannot be {reprlib.repr(threads)}")
    given = {name: value for name, value in settings.items() if name != THREADS}
    try:
        made: BodySettings = override(default, given)
    except SettingError as error:
        raise state.fault(str(error)) from None
    return kind(made, threads)


def _small(value: Any) -> bool:
    """Whether every number of a value is one that a setting can have; the record itself checks the rest."""
    if isinstance(value, list | tuple):
        return all(_small(entry) for entry in value if not isinstance(entry, list | tuple))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return bool(abs(value) <= (MAX_SETTING if isinstance(value, int) else LARGEST))


def _require_sizes(state: State, network: Network, names: list[str]) -> None:
    """Refuse sizes that the given weights cannot have: even their shapes would take long to work out."""
    longest = max((size for name in names for size in state.arrays[name].shape), default=0)
    given = as_dict(network.settings)
    sizes = {name: given[name] for name in SIZES if name in given}
    for name in ("lstm", "slstm_at"):
        values = given.get(name, ())
        if len(values) > len(names):
            raise state.fault(f"setting {name} has more entries than there are weights")
        sizes |= {f"{name} {i}": value for i, value in enumerate(values)}
    for name, size in sizes.items():
        if size > longest:
            raise state.fault(f"setting {name} is {size}, the longest weight has {longest}")
    if network.settings.blocks > len(names):
        raise state.fault(f"setting blocks is {network.settings.blocks}, there are {len(names)} weights")


@lru_cache(maxsize=8)
def _shapes(network: Network, features: int) -> tuple[int, Shapes, Shapes]:
    """Return days of history, and the trainable and other weights that these settings make.

    Nothing is allocated: JAX only works the shapes out.
    """
    from geiger.models.nets.backend import jax  # with Keras, whose layers work the shapes out

    histories: list[int] = []

    def build() -> tuple[list[Any], list[Any]]:
        net = fresh_net(network, 0)
        histories.append(int(net.body.history))
        net.build((1, histories[0] + 1, features), (1, 1))
        return [v.value for v in net.trainable_variables], [v.value for v in net.non_trainable_variables]

    found = jax.eval_shape(build)
    trainable, others = (tuple((tuple(a.shape), str(a.dtype)) for a in arrays) for arrays in found)
    return histories[0], trainable, others


def _weights(state: State, role: str, shapes: Shapes) -> list[Any]:
    found = []
    for i, (shape, dtype) in enumerate(shapes):
        name = f"{role}_{i}"
        if name not in state.arrays:
            raise state.fault(f"array {name!r} is missing")
        found.append(state.array(name, dtype, shape))
    return found


def _require_small_batch(state: State, network: Network, history: int) -> None:
    length = network.settings.stretch if network.settings.feeding == "dense" else 1
    days = max(1, network.settings.batch_size // length) * (history + length)
    longest = max(size for array in state.arrays.values() for size in array.shape)
    if history < 0 or days * max(longest, 2 * network.settings.lookback * network.settings.heads) > MAX_BATCH:
        raise state.fault(f"a batch of {days} days is more than any machine can hold")


def _offset(state: State, network: Network, features: int, history: int) -> Screened | None:
    """Return the linear part that the settings ask for: of the same features, within the network's reach."""
    if len(state.parts) != (network.settings.skip in ("ridge", "screened")):
        raise state.fault(f"skip {network.settings.skip!r} does not go with {len(state.parts)} linear parts")
    if not state.parts:
        return None
    offset = restore_screened(state.parts[0])
    if state.parts[0].facts["features"] != features:
        raise state.fault("its linear part is for another number of features")
    if any(term.delay > history for term in offset.terms):
        raise state.fault(f"its linear part looks back further than the network, {history} days")
    return offset


def _tried(state: State, make: Callable[[], T]) -> T:
    try:
        return make()
    except MissingLibrary:
        raise
    except Exception as error:  # Keras and JAX answer settings that do not fit each other with many types
        line = str(error).partition("\n")[0][:200]
        raise state.fault(f"its settings make no network ({type(error).__name__}: {line})") from None
