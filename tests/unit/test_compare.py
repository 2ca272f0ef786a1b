# SPDX-License-Identifier: Apache-2.0
"""Agreement and scores against values worked out by hand."""

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.measure.compare import compare_outputs, score


def int8(rows):
    return np.array(rows, np.int8)


def test_equal_outputs_are_bit_exact():
    same = int8([[1, 2], [3, 4]])
    found = compare_outputs([same], [same.copy()])
    assert (found.samples, found.bit_exact, found.max_abs_diff) == (2, 2, 0)
    assert found.exact
    assert found.first_sample is None
    assert found.cosine == pytest.approx(1.0)


def test_distances_are_in_lsb_and_do_not_wrap():
    found = compare_outputs([int8([[127, 0], [5, 5]])], [int8([[-128, 0], [5, 4]])])
    assert found.max_abs_diff == 255
    assert found.unit == "LSB"
    assert found.bit_exact == 0
    assert found.rmse == pytest.approx(np.sqrt((255**2 + 1) / 4))
    assert found.mae == pytest.approx(256 / 4)


def test_the_first_differing_sample_is_named():
    golden = int8([[0], [0], [0], [0]])
    device = int8([[0], [0], [1], [1]])
    found = compare_outputs([device], [golden])
    assert (found.first_sample, found.bit_exact) == (2, 2)


def test_a_sample_is_exact_only_if_all_its_outputs_are():
    first, second = int8([[1], [2]]), int8([[3], [4]])
    found = compare_outputs([first, second], [first, int8([[3], [5]])])
    assert (found.bit_exact, found.first_sample) == (1, 1)


def test_cosine_is_of_values_less_their_zero_points():
    found = compare_outputs([int8([[-127, -128]])], [int8([[-128, -127]])], zero_points=[-128])
    assert found.cosine == pytest.approx(0.0)


def test_float_outputs_compare_by_bits_and_say_real():
    found = compare_outputs([np.float32([[0.0, 1.5]])], [np.float32([[-0.0, 1.0]])])
    assert (found.unit, found.bit_exact, found.max_abs_diff) == ("real", 0, 0.5)


@pytest.mark.parametrize(
    ("device", "golden"),
    [
        ([int8([[1], [2]])], [int8([[1]])]),
        ([int8([[1]])], []),
        ([int8([[1]])], [np.array([[1]], np.uint8)]),
        ([np.zeros((0, 2), np.int8)], [np.zeros((0, 2), np.int8)]),
    ],
)
def test_what_cannot_be_compared_is_an_error(device, golden):
    with pytest.raises(EdgekitError):
        compare_outputs(device, golden)


def test_not_a_number_on_one_side_is_an_error():
    with pytest.raises(EdgekitError, match="not a number on one side"):
        compare_outputs([np.float32([[np.nan]])], [np.float32([[0.0]])])


def test_score_counts_true_by_predicted():
    outputs = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.6, 0.4, 0.0]])
    found = score(outputs, np.array([0, 2, 1, 1]))
    assert found.accuracy == 0.75
    assert found.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))


def test_score_takes_one_hot_labels_and_single_outputs():
    assert score(np.array([[0.2], [0.7]]), np.array([0, 1])).accuracy == 1.0
    one_hot = np.array([[0, 1], [1, 0]])
    assert score(np.array([[0.2, 0.8], [0.3, 0.7]]), one_hot).accuracy == 0.5


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([0, 7]), np.array([-1, 0])])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(EdgekitError, match="label"):
        score(np.array([[0.9, 0.1], [0.1, 0.9]]), labels)
