"""Adam over all weights at once equals Keras' Adam over each variable."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mmnet.training.optimizer import build_adam

SHAPES = [(3, 3, 2), (1,), (5, 7)]


def _steps(optimizer, steps: int, order: int = 1) -> list[np.ndarray]:
    """Return the weights and their averages after some steps along the same gradients, passed in the given order."""
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    optimizer.build(variables)
    for _ in range(steps):
        gradients = [random.normal(size=shape).astype(np.float32) * 10.0 ** random.integers(-6, 2) for shape in SHAPES]
        optimizer.apply_gradients(
            list(zip(map(keras.ops.convert_to_tensor, gradients), variables, strict=True))[::order]
        )
    weights = [variable.numpy() for variable in variables]
    # Keras writes the averages over the weights at the end of `fit` with this method.
    getattr(optimizer, "write_averages", lambda: optimizer.finalize_variable_values(variables))()
    return [*weights, *(variable.numpy() for variable in variables)]


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_weights_and_averages_are_those_of_keras(steps: int) -> None:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    expected = _steps(keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.9), steps)
    found = _steps(build_adam(keras, rate, average=0.9), steps)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_order_of_the_gradients_does_not_matter() -> None:
    ours, turned = (_steps(build_adam(keras, 0.1, average=0.9), 3, order) for order in (1, -1))
    for one, other in zip(ours, turned, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_an_average_none_is_kept() -> None:
    optimizer = build_adam(keras, 0.1)
    optimizer.build([keras.Variable(np.zeros(3, np.float32))])
    assert {variable.name for variable in optimizer.variables} == {"iteration", "learning_rate", "mean", "square"}


def test_fit_builds_it() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=build_adam(keras, 0.1), loss="mse")
    points = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    before = model.get_weights()
    model.fit(points, points.sum(axis=1), epochs=1, verbose=0)
    assert all((after != old).any() for after, old in zip(model.get_weights(), before, strict=True))
