# SPDX-License-Identifier: Apache-2.0
"""Rounding of weights: grids, zeros, means, moments, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.quantize.rounding import ROUNDINGS
from edgekit.quantize.rounding.base import Inputs
from edgekit.quantize.rounding.kernel import as_matrix, from_matrix, round_kernel

WAYS = tuple(ROUNDINGS)


def _kernel(seed: int = 0, shape: tuple[int, ...] = (3, 3, 8, 12)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, shape).astype(np.float32)


def _inputs(rows: int, groups: int = 1, seed: int = 1) -> tuple[Inputs, np.ndarray]:
    """Moments of non-negative inputs that depend on each other, and the inputs."""
    rng = np.random.default_rng(seed)
    hidden = np.abs(rng.normal(size=(groups, 500, rows // 2)))
    x = hidden @ np.abs(rng.normal(size=(groups, rows // 2, rows)))
    gram = np.stack([part.T @ part / len(part) for part in x])
    return Inputs(x.mean(axis=1), gram, 500), x


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("scale", ["max", "mse"])
def test_every_way_stays_on_the_grid_and_keeps_zeros(way: str, bits: int, scale: str) -> None:
    kernel = _kernel()
    pruned = np.random.default_rng(3).random(kernel.shape) < 0.6
    kernel[pruned] = 0
    inputs, _ = _inputs(72)
    done = round_kernel(kernel, (3,), rounding=way, bits=bits, weight_scale=scale, inputs=inputs)
    limit = 2 ** (bits - 1) - 1
    assert np.array_equal(np.abs(done.q).max(axis=(0, 1, 2)), np.full(12, limit))
    assert not done.q[pruned].any()
    assert not np.signbit(done.values[done.q == 0]).any()
    assert np.allclose(done.values, done.q * done.scales, rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_a_kernel_that_is_on_its_grid_stays(way: str) -> None:
    q = np.random.default_rng(0).integers(-7, 8, (20, 5))
    q[3] = 7
    inputs, _ = _inputs(20)
    done = round_kernel(q * np.float32(0.031), (1,), rounding=way, bits=4, inputs=inputs)
    assert np.array_equal(done.q, q)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_integers(way: str) -> None:
    kernel, inputs = _kernel(), _inputs(72)[0]
    first, again = (round_kernel(kernel, (3,), rounding=way, bits=4, inputs=inputs) for _ in "ab")
    assert np.array_equal(first.q, again.q)


def test_nearest_is_what_the_converter_does() -> None:
    kernel = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 127.0]], np.float32).T
    assert round_kernel(kernel, (1,)).q.ravel().tolist() == [1, 2, 3, -1, -2, 127]


@pytest.mark.parametrize("bits", [8, 4])
def test_mean_rounding_keeps_each_channels_sum(bits: int) -> None:
    kernel = _kernel()
    nearest = round_kernel(kernel, (3,), bits=bits)
    mean = round_kernel(kernel, (3,), bits=bits, rounding="mean")
    sums = [as_matrix(d.values - kernel, (3,)).sum(axis=0) / d.scales for d in (nearest, mean)]
    assert np.abs(sums[1]).max() <= 0.5 + 1e-3 < np.abs(sums[0]).max()
    moved = np.abs(mean.q.astype(int) - nearest.q)
    assert moved.max() == 1
    # no weight is farther away than its second nearest whole number
    assert np.abs(mean.values - kernel).max() <= mean.scales.max()


def test_stochastic_rounding_is_right_on_average() -> None:
    kernel = np.full((4000, 1), 0.3, np.float32)
    kernel[0] = 7.0
    done = round_kernel(kernel, (1,), rounding="stochastic", bits=4)
    assert set(done.q[1:].ravel()) == {0, 1}
    assert abs(done.q[1:].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_gptq_leaves_less_error_in_the_outputs_than_any_other() -> None:
    kernel = _kernel(shape=(40, 12))
    inputs, x = _inputs(40)
    errors = {}
    for way in WAYS:
        done = round_kernel(kernel, (1,), rounding=way, bits=4, inputs=inputs)
        errors[way] = float(np.mean((x[0] @ (done.values - kernel)) ** 2))
    assert min(errors, key=errors.__getitem__) == "gptq"
    assert errors["gptq"] < 0.5 * errors["nearest"]


def test_gptq_takes_the_moments_of_each_group() -> None:
    kernel = _kernel(shape=(9, 6))
    inputs, x = _inputs(9, groups=3)
    together = round_kernel(kernel, (1,), rounding="gptq", bits=3, inputs=inputs)
    for group in range(3):
        one = Inputs(inputs.mean[group : group + 1], inputs.gram[group : group + 1], 500)
        part = slice(2 * group, 2 * group + 2)
        alone = round_kernel(kernel[:, part], (1,), rounding="gptq", bits=3, inputs=one)
        assert np.array_equal(alone.q, together.q[:, part])
    assert x.shape[0] == 3


def test_gptq_bears_inputs_that_are_always_zero() -> None:
    kernel = _kernel(shape=(10, 4))
    inputs = Inputs(np.zeros((1, 10)), np.zeros((1, 10, 10)), 5)
    done = round_kernel(kernel, (1,), rounding="gptq", bits=4, inputs=inputs)
    assert np.array_equal(done.q, round_kernel(kernel, (1,), bits=4).q)


def test_mse_scales_leave_less_error_than_the_largest_weight() -> None:
    kernel = np.random.default_rng(0).standard_t(3, (500, 6)).astype(np.float32)
    errors = [
        np.sum((round_kernel(kernel, (1,), bits=4, weight_scale=s).values - kernel) ** 2, axis=0)
        for s in ("max", "mse")
    ]
    assert (errors[1] < errors[0]).all()


def test_one_scale_for_all_channels() -> None:
    kernel = _kernel()
    kernel[..., 0] *= 5
    done = round_kernel(kernel, (3,), one_scale=True)
    assert done.scales.shape == (1,)
    assert np.abs(done.q).max() == 127 > np.abs(done.q[..., 1:]).max()


@pytest.mark.parametrize("way", WAYS)
def test_channels_without_weights(way: str) -> None:
    kernel = _kernel(shape=(6, 3))
    kernel[:, 1] = 0
    kernel[:, 2] = 1e-42  # too small for a scale in float32
    done = round_kernel(kernel, (1,), rounding=way, inputs=_inputs(6)[0])
    assert not done.q[:, 1].any()
    assert np.isfinite(done.scales).all() and (done.scales > 0).all()


@pytest.mark.parametrize("axes", [(3,), (2,), (2, 3), (0,), ()])
def test_kernels_as_matrices_and_back(axes: tuple[int, ...]) -> None:
    kernel = _kernel(shape=(2, 3, 4, 5))
    matrix = as_matrix(kernel, axes)
    assert matrix.shape[1] == int(np.prod([kernel.shape[a] for a in axes]))
    assert np.array_equal(from_matrix(matrix, kernel.shape, axes), kernel)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rounding": "up"}, "there is no rounding 'up'"),
        ({"weight_scale": "median"}, "there is no weight scale 'median'"),
        ({"bits": 1}, "weights of 1 bits"),
        ({"bits": 9}, "weights of 9 bits"),
        ({"rounding": "gptq"}, "needs samples"),
    ],
)
def test_what_there_is_not(options: dict[str, object], said: str) -> None:
    with pytest.raises(EdgekitError, match=said) as caught:
        round_kernel(_kernel(), (3,), **options)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(value: float) -> None:
    kernel = _kernel()
    kernel[0, 0, 0, 0] = value
    with pytest.raises(EdgekitError, match="NaN or infinity"):
        round_kernel(kernel, (3,))
