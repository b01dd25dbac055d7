"""Each cause: it fires, it stays quiet where the cause is absent, and its threshold lies where it should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.checks.collapse import diagnose
from geiger.errors import DataError
from geiger.records import Cause, Diagnosis, Health, HealthCode, Training

SIGMA = 0.012  # of a daily log return

# A network on the standardised target that has learned what there is: R^2 of 2%, k and rho as small networks
# reach on planted signals.
GOOD = Training(
    loss="mse",
    target_unit="standardised",
    target_std=SIGMA,
    weight_decay=0.0,
    learning_rate=1e-3,
    final_learning_rate=2.5e-4,
    epochs=60,
    best_epoch=31,
    steps=960,
    head_gradient_first=0.4,
    head_gradient_last=0.2,
    k_train=0.19,
    rho_train=0.22,
    nrc1=0.4,
    nrc2=0.6,
    copies_yesterday=0.1,
)
FLAT = {"k_train": 0.0, "rho_train": None}  # the train side is a constant


def health(k: float, rho: float | None, code: HealthCode, *also: HealthCode) -> Health:
    return Health(code, also, "what the table says", 2000, k, rho, None, None if not rho else rho / k)


HEALTHY = health(0.173, 0.126, HealthCode.SHRUNK_OK)
SMALL = health(0.07, 0.06, HealthCode.SHRUNK_OK)
NOISE = health(0.03, -0.01, HealthCode.SHRUNK_OK, HealthCode.NO_SKILL)
CONSTANT = health(0.001, None, HealthCode.COLLAPSED_CONSTANT)
ONE_SIDED = health(0.02, 0.01, HealthCode.COLLAPSED_SIGN)
DRIFT = health(0.03, 0.04, HealthCode.DRIFT_ONLY, HealthCode.SHRUNK_OK)
WIDE = health(0.275, 0.056, HealthCode.OVERDISPERSED)
ECHO = health(0.745, -0.07, HealthCode.OVERDISPERSED)


def found(of: Health, **changes: object) -> Diagnosis:
    return diagnose(of, [replace(GOOD, **changes)])  # type: ignore[arg-type]


def cause(of: Health, **changes: object) -> Cause:
    return found(of, **changes).cause


# What is in order


@pytest.mark.parametrize(
    ("k", "rho", "changes"),
    [
        (0.173, 0.126, {}),
        (0.109, 0.112, {"loss": "directional_mse"}),
        (0.174, 0.127, {"loss": "consistent"}),
        (0.156, 0.139, {"weight_decay": 1e-3}),
        (0.128, 0.140, {"weight_decay": 1e-3, "target_unit": "raw"}),
        (0.138, 0.139, {"weight_decay": 1e-4, "target_unit": "raw"}),
    ],
)
def test_calibrated_networks_are_healthy(k: float, rho: float, changes: dict[str, object]) -> None:
    said = found(health(k, rho, HealthCode.SHRUNK_OK), **changes)
    assert said.cause is Cause.HEALTHY
    assert not said.fault


def test_small_and_calibrated_is_rightly_small() -> None:
    assert cause(SMALL) is Cause.RIGHTLY_SMALL
    assert cause(DRIFT) is Cause.RIGHTLY_SMALL
    assert not found(SMALL).fault
    assert cause(health(0.099, 0.1, HealthCode.SHRUNK_OK)) is Cause.RIGHTLY_SMALL
    assert cause(health(0.101, 0.1, HealthCode.SHRUNK_OK)) is Cause.HEALTHY


@pytest.mark.parametrize(
    "changes", [{"rho_train": 0.9}, {"k_train": 0.05, "rho_train": 0.4, "weight_decay": 0.6}]
)
def test_a_calibrated_forecast_is_no_fault_whatever_training_looked_like(changes: dict[str, object]) -> None:
    assert cause(SMALL, **changes) is Cause.RIGHTLY_SMALL


def test_a_small_forecast_within_the_noise_is_rightly_small_where_it_fits() -> None:
    fits = health(0.02, 0.02, HealthCode.SHRUNK_OK, HealthCode.NO_SKILL)
    assert cause(fits) is Cause.RIGHTLY_SMALL
    assert cause(health(0.03, 0.13, HealthCode.SHRUNK_OK)) is Cause.RIGHTLY_SMALL  # over-shrunk, with skill


# No signal


def test_what_holds_on_train_rows_only_is_no_signal() -> None:
    for of in (NOISE, CONSTANT, health(0.05, 0.0, HealthCode.NO_SKILL)):
        said = found(of)
        assert said.cause is Cause.NO_SIGNAL
        assert not said.fault
        assert "nothing to mend" in said.text


def test_an_untrained_start_that_stays_the_best_is_no_signal() -> None:
    said = found(CONSTANT, **FLAT, best_epoch=0, final_learning_rate=1e-6)
    assert said.cause is Cause.NO_SIGNAL
    assert said.evidence[0] == "The untrained start was best on the inner validation rows (1 of 1 members)."
    assert "untrained" not in " ".join(found(NOISE).evidence)


def test_no_signal_needs_a_train_side_without_fault() -> None:
    assert cause(CONSTANT, k_train=0.0051, rho_train=0.01, weight_decay=2.0) is Cause.NO_SIGNAL
    assert cause(CONSTANT, k_train=0.0049, rho_train=0.01, weight_decay=2.0) is Cause.DECAY
    assert cause(NOISE, k_train=0.05, rho_train=0.19, weight_decay=2.0) is Cause.NO_SIGNAL
    assert cause(NOISE, k_train=0.05, rho_train=0.21, weight_decay=2.0) is Cause.DECAY


# Loss scale


def test_a_directional_penalty_on_raw_returns_is_a_loss_scale() -> None:
    for loss, sigmas in (("directional_mse", "10.42"), ("plan_mix", "31.25")):
        said = found(CONSTANT, **FLAT, loss=loss, target_unit="raw")
        assert said.cause is Cause.LOSS_SCALE
        assert said.fault
        assert f"{sigmas} sigma" in said.evidence[0]


@pytest.mark.parametrize(
    ("k", "rho", "loss"), [(0.033, 0.023, "directional_mse"), (0.033, -0.026, "plan_mix")]
)
def test_noise_of_the_optimiser_does_not_hide_a_loss_that_forbids_forecasts(
    k: float, rho: float, loss: str
) -> None:
    noise = health(k, rho, HealthCode.SHRUNK_OK, HealthCode.NO_SKILL)
    assert cause(noise, loss=loss, target_unit="raw", k_train=0.04, rho_train=0.05) is Cause.LOSS_SCALE
    wide = health(k, rho, HealthCode.OVERDISPERSED, HealthCode.NO_SKILL)
    assert cause(wide, loss=loss, target_unit="raw") is Cause.LOSS_SCALE


def test_the_plans_mix_shrinks_thirteen_times_in_standard_units() -> None:
    shrunk = health(0.013, 0.096, HealthCode.SHRUNK_OK)
    assert cause(shrunk, loss="plan_mix", k_train=0.015, rho_train=0.2) is Cause.LOSS_SCALE
    assert cause(shrunk, loss="mse", k_train=0.015, rho_train=0.2) is Cause.RIGHTLY_SMALL


def test_a_directional_penalty_is_no_fault_where_training_went_well() -> None:
    assert cause(NOISE, loss="directional_mse") is Cause.NO_SIGNAL
    assert cause(NOISE, loss="plan_mix") is Cause.NO_SIGNAL
    assert cause(CONSTANT, **FLAT, loss="mse", target_unit="raw") is Cause.NO_SIGNAL


def test_the_border_of_a_forbidding_loss_is_one_sigma() -> None:
    raw = {"loss": "directional_mse", "target_unit": "raw"}
    assert cause(NOISE, **raw, target_std=0.124) is Cause.LOSS_SCALE
    assert cause(NOISE, **raw, target_std=0.126) is Cause.NO_SIGNAL


def test_the_border_for_a_starved_network_is_a_typical_signal() -> None:
    raw = {"loss": "directional_mse", "target_unit": "raw", **FLAT}  # threshold 0.125 of the target's unit
    assert cause(CONSTANT, **raw, target_std=1.24) is Cause.LOSS_SCALE
    assert cause(CONSTANT, **raw, target_std=1.26) is Cause.NO_SIGNAL


# Learning rate


def test_a_rate_that_cannot_move_the_head_is_named() -> None:
    for rate in (0.0, 1e-7, 1e-6):
        said = found(CONSTANT, **FLAT, learning_rate=rate, final_learning_rate=rate)
        assert said.cause is Cause.LEARNING_RATE
    assert "960 steps at rates from 1.0e-06 to 1.0e-06" in said.evidence[0]
    assert cause(CONSTANT, **FLAT, steps=0) is Cause.LEARNING_RATE


def test_a_plateau_that_cut_the_rate_before_anything_was_learned_is_named() -> None:
    rate = {"learning_rate": 1e-4, "steps": 100}  # uncut it moves a weight by 0.01
    assert cause(CONSTANT, **FLAT, **rate, final_learning_rate=1e-7) is Cause.LEARNING_RATE
    assert cause(CONSTANT, **FLAT, **rate, final_learning_rate=1e-4) is Cause.NO_SIGNAL


def test_a_slow_rate_that_still_improves_at_the_end_is_named() -> None:
    slow = {"learning_rate": 9e-6, "final_learning_rate": 9e-6, "head_gradient_last": 0.39, "best_epoch": 60}
    assert cause(CONSTANT, **FLAT, **slow) is Cause.LEARNING_RATE
    assert cause(CONSTANT, **FLAT, **{**slow, "head_gradient_last": 0.35}) is Cause.NO_SIGNAL
    assert cause(CONSTANT, **FLAT, **{**slow, "best_epoch": 59}) is Cause.NO_SIGNAL
    assert cause(CONSTANT, **FLAT, **{**slow, "learning_rate": 1.1e-5}) is Cause.NO_SIGNAL


def test_the_border_of_a_rate_lies_at_three_thousandths_of_a_sigma() -> None:
    for unit, sigma in (("standardised", 1.0), ("raw", SIGMA)):
        for reach, expected in ((2.9e-3, Cause.LEARNING_RATE), (3.1e-3, Cause.NO_SIGNAL)):
            rate = reach * sigma / 960
            rates = {"learning_rate": rate, "final_learning_rate": rate}
            assert cause(CONSTANT, **FLAT, **rates, target_unit=unit) is expected


def test_a_short_training_that_learned_is_not_blamed_on_its_rate() -> None:
    assert cause(NOISE, learning_rate=1e-6, final_learning_rate=1e-6) is Cause.NO_SIGNAL


# Weight decay


def test_a_penalty_as_large_as_the_target_is_named() -> None:
    said = found(CONSTANT, **FLAT, weight_decay=0.01, target_unit="raw")
    assert said.cause is Cause.DECAY
    assert "about 17% of the spread" in said.evidence[0]
    said = found(CONSTANT, **FLAT, weight_decay=0.02, target_unit="raw", final_learning_rate=1e-6)
    assert said.cause is Cause.DECAY
    assert "about 0% of the spread" in said.evidence[0]


def test_the_same_penalty_is_harmless_on_the_standardised_target() -> None:
    assert cause(CONSTANT, **FLAT, weight_decay=0.02) is Cause.NO_SIGNAL
    assert cause(CONSTANT, **FLAT, weight_decay=1e-3, target_unit="raw") is Cause.NO_SIGNAL
    assert cause(NOISE, weight_decay=0.02, target_unit="raw") is Cause.NO_SIGNAL  # the train side has learned


def test_the_border_of_a_penalty_is_half_the_spread() -> None:
    assert cause(CONSTANT, **FLAT, weight_decay=0.0061, target_unit="raw") is Cause.DECAY
    assert cause(CONSTANT, **FLAT, weight_decay=0.0059, target_unit="raw") is Cause.NO_SIGNAL


# Dead head


def test_a_head_without_gradient_is_dead() -> None:
    said = found(CONSTANT, **FLAT, head_gradient_first=0.0, head_gradient_last=0.0)
    assert said.cause is Cause.DEAD_HEAD
    assert "0.0e+00" in said.evidence[0]
    cut = {"final_learning_rate": 1e-6, "head_gradient_last": 0.0}  # the plateau follows, it is not the cause
    assert cause(CONSTANT, **FLAT, **cut) is Cause.DEAD_HEAD


def test_a_head_at_rest_after_learning_is_not_dead() -> None:
    assert cause(NOISE, head_gradient_last=0.0) is Cause.NO_SIGNAL
    assert cause(CONSTANT, **FLAT) is Cause.NO_SIGNAL
    assert cause(NOISE, k_train=0.01, rho_train=0.2, head_gradient_last=0.0) is not Cause.DEAD_HEAD


def test_the_border_of_a_dead_head_is_a_millionth_of_the_targets_unit() -> None:
    for unit, sigma in (("standardised", 1.0), ("raw", SIGMA)):
        dead, alive = {"head_gradient_last": 0.9e-6 * sigma}, {"head_gradient_last": 1.1e-6 * sigma}
        assert cause(CONSTANT, **FLAT, **dead, target_unit=unit) is Cause.DEAD_HEAD
        assert cause(CONSTANT, **FLAT, **alive, target_unit=unit) is Cause.NO_SIGNAL


# Copies of yesterday


def test_a_residual_on_the_last_return_copies_yesterday() -> None:
    said = found(ECHO, copies_yesterday=0.98, k_train=0.9, rho_train=-0.05)
    assert said.cause is Cause.COPIES_YESTERDAY
    assert "0.98" in said.evidence[0]
    assert cause(ECHO, copies_yesterday=-0.98) is Cause.COPIES_YESTERDAY


def test_reversal_and_wide_forecasts_of_other_things_are_no_copies() -> None:
    assert cause(health(0.10, 0.1, HealthCode.SHRUNK_OK), copies_yesterday=-0.99) is Cause.HEALTHY
    assert cause(ECHO, copies_yesterday=0.3) is Cause.OVERDISPERSED
    assert cause(ECHO, copies_yesterday=None) is Cause.OVERDISPERSED


def test_the_borders_of_a_copy() -> None:
    assert cause(ECHO, copies_yesterday=0.91) is Cause.COPIES_YESTERDAY
    assert cause(ECHO, copies_yesterday=0.89) is Cause.OVERDISPERSED
    for k, expected in ((0.31, Cause.COPIES_YESTERDAY), (0.29, Cause.OVERDISPERSED)):
        assert cause(health(k, 0.0, HealthCode.OVERDISPERSED), copies_yesterday=0.95) is expected


# Overdispersed, bias, diverged


def test_forecasts_that_swing_too_widely_are_overdispersed() -> None:
    for changes in ({}, {"target_unit": "raw"}, {"k_train": 0.1, "rho_train": 0.9, "weight_decay": 2.0}):
        said = found(WIDE, **changes)
        assert said.cause is Cause.OVERDISPERSED
        assert "rescale" in said.text
    wide_drift = health(0.3, 0.05, HealthCode.DRIFT_ONLY, HealthCode.OVERDISPERSED)
    assert cause(wide_drift) is Cause.OVERDISPERSED
    assert cause(HEALTHY) is not Cause.OVERDISPERSED


def test_one_sign_without_a_fault_of_training_is_a_bias() -> None:
    assert cause(ONE_SIDED) is Cause.BIAS
    assert found(ONE_SIDED).fault
    assert cause(DRIFT) is not Cause.BIAS
    assert cause(ONE_SIDED, **FLAT, weight_decay=0.02, target_unit="raw") is Cause.DECAY


def test_forecasts_that_are_not_finite_have_diverged() -> None:
    broken = Health(HealthCode.NONFINITE, (), "3 of 2000 forecasts are not finite", 2000)
    said = found(broken, loss="plan_mix", target_unit="raw", copies_yesterday=None)
    assert said.cause is Cause.DIVERGED
    assert said.evidence[0] == "3 of 2000 forecasts are not finite."


def test_a_gradient_that_is_not_finite_explains_a_collapse_and_nothing_else() -> None:
    nan = float("nan")
    assert cause(CONSTANT, **FLAT, head_gradient_last=nan) is Cause.DIVERGED
    assert cause(CONSTANT, **FLAT, head_gradient_last=float("inf"), weight_decay=2.0) is Cause.DIVERGED
    assert cause(SMALL, head_gradient_last=nan) is Cause.RIGHTLY_SMALL


# All members together


def test_a_fault_counts_where_most_members_show_it() -> None:
    dead = replace(GOOD, k_train=0.0, rho_train=None, head_gradient_last=0.0)
    said = diagnose(CONSTANT, [GOOD, dead, dead])
    assert said.cause is Cause.DEAD_HEAD
    assert said.evidence[0].endswith("(2 of 3 members).")
    assert diagnose(CONSTANT, [GOOD, GOOD, dead]).cause is Cause.NO_SIGNAL
    assert diagnose(CONSTANT, [GOOD, dead]).cause is Cause.NO_SIGNAL


def test_the_search_goes_from_the_loss_to_the_head() -> None:
    faults = {
        Cause.LOSS_SCALE: {"loss": "directional_mse"},
        Cause.LEARNING_RATE: {"learning_rate": 1e-7},
        Cause.DECAY: {"weight_decay": 2.0},
        Cause.DEAD_HEAD: {"head_gradient_last": 0.0},
    }
    for i, first in enumerate(faults):
        later = {name: value for fault in list(faults.values())[i:] for name, value in fault.items()}
        assert cause(CONSTANT, **FLAT, **later) is first


def test_a_train_side_that_was_not_measured_follows_the_test_side() -> None:
    unknown = {"k_train": None, "rho_train": None, "weight_decay": 2.0}
    assert cause(CONSTANT, **unknown) is Cause.DECAY
    assert cause(NOISE, **unknown) is Cause.NO_SIGNAL
    assert (
        "Train rows: k undefined, rho undefined, median of 1 members." in found(CONSTANT, **unknown).evidence
    )


def test_evidence_gives_the_numbers() -> None:
    said = diagnose(SMALL, [replace(GOOD, k_train=k, nrc1=0.01) for k in (0.1, 0.2, 0.4)])
    assert said.evidence == (
        "Test rows: k 0.0700, rho 0.0600, 2000 rows.",
        "Train rows: k 0.2000, rho 0.2200, median of 3 members.",
        "NRC1 0.010: the features lie on a line, as one target lets expect; no fault.",
    )
    assert not any("NRC1" in text for text in found(SMALL, nrc1=None).evidence)
    assert not any("NRC1" in text for text in found(SMALL, nrc1=0.03).evidence)


def test_every_cause_is_one_sentence_that_says_so() -> None:
    from geiger.checks.collapse import _TEXT

    assert set(_TEXT) == set(Cause)
    for text in _TEXT.values():
        assert text.endswith(".")
        assert text.count(". ") == 0


def test_a_network_without_trainings_is_refused() -> None:
    with pytest.raises(DataError, match="no trainings"):
        diagnose(HEALTHY, [])
