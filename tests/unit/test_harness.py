# SPDX-License-Identifier: Apache-2.0
"""The harness against a fake device that keeps state and computes its answers."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.errors import DeviceError, EdgekitError, Interrupted
from edgekit.measure.harness import (
    RunOp,
    check_tensors,
    first_difference,
    golden_outputs,
    profile_ops,
    run_samples,
    sample_count,
)
from edgekit.tflite.graph import Graph, Op, Tensor


def graph() -> Graph:
    """Two ops on four int8 values: y = x + 1, z = y + 1."""
    tensors = tuple(Tensor(i, f"t{i}", (1, 4), "int8") for i in range(3))
    ops = (
        Op(0, "ADD", (0,), (1,), layer="first"),
        Op(1, "ADD", (1,), (2,), layer="second"),
    )
    return Graph("fake", tensors, ops, (0,), (2,))


OFFSETS = {0: 0, 1: 4, 2: 8}


class FakeDevice:
    """Adds one per op in a 12-byte arena; `wrong_op` adds two instead."""

    def __init__(
        self, *, wrong_op: int = -1, short: bool = False, cuts: tuple[int, ...] = ()
    ) -> None:
        self.cuts = list(cuts)
        self.arena = bytearray(12)
        self.wrong_op = wrong_op
        self.short = short
        self.runs = 0

    def load(self, index: int, data: bytes) -> None:
        self.arena[0:4] = data

    def run_ops(self, first: int, last: int) -> None:
        for op in range(first, last + 1):
            step = 2 if op == self.wrong_op else 1
            values = np.frombuffer(bytes(self.arena[4 * op : 4 * op + 4]), np.int8) + np.int8(step)
            self.arena[4 * op + 4 : 4 * op + 8] = values.tobytes()

    def profile(self) -> list[int]:
        self.runs += 1
        self.run_ops(0, 1)
        return [100 + self.runs % 3, 200 + self.runs % 3 * 2]

    def run(self) -> int:
        self.runs += 1
        self.run_ops(0, 1)
        return 10 + self.runs

    def sample(self, inputs: Sequence[bytes]) -> tuple[int, list[bytes]]:
        self.load(0, inputs[0])
        ticks = self.run()
        if self.cuts and self.runs in self.cuts:
            self.cuts.remove(self.runs)
            raise Interrupted("the board was reset", hint="hold it still")
        return ticks, [bytes(self.arena[8:11] if self.short else self.arena[8:12])]

    def read_arena(self, offset: int, length: int) -> bytes:
        return bytes(self.arena[offset : offset + length])


def samples(count: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(-100, 100, (count, 4), np.int8)


def test_every_sample_comes_back_and_warm_up_is_not_timed():
    device, x = FakeDevice(), samples()
    run = run_samples(device, graph(), [x], warmup=2)
    assert np.array_equal(run.outputs[0], x + 2)
    assert run.outputs[0].dtype == np.int8
    assert run.ticks == (13, 14, 15, 16, 17)
    assert run.warmup == 2


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 7])
def test_an_interrupted_run_goes_on_from_the_last_confirmed_sample(cut: int):
    """Lost in the `cut`th run, warm-up counted: it warms up anew and repeats that sample alone."""
    x = samples()
    run = run_samples(FakeDevice(cuts=(cut,)), graph(), [x], warmup=2)
    assert np.array_equal(run.outputs[0], x + 2)
    assert len(run.ticks) == 5 and len(set(run.ticks)) == 5
    sample = max(0, cut - 3)
    assert run.interrupted == (f"sample {sample}: the board was reset",)
    assert run.ticks[sample] == 10 + cut + 3  # two runs to warm up, then the one that counts


def test_a_device_that_is_always_lost_is_given_up():
    with pytest.raises(
        DeviceError, match="sample 0 was interrupted 12 times in a row; at last: the"
    ):
        run_samples(FakeDevice(cuts=tuple(range(1, 50))), graph(), [samples()])


def test_an_answer_of_the_wrong_size_is_an_error():
    with pytest.raises(DeviceError, match="sent 3 bytes"):
        run_samples(FakeDevice(short=True), graph(), [samples()])


def test_inputs_have_to_agree_on_the_number_of_samples():
    with pytest.raises(EdgekitError):
        sample_count([np.zeros((3, 1)), np.zeros((2, 1))])
    with pytest.raises(EdgekitError):
        sample_count([np.zeros((0, 1))])


def test_golden_outputs_have_the_shape_of_a_run():
    x = samples()
    golden = golden_outputs(lambda one: [one[0].reshape(1, 4) + np.int8(2)], graph(), [x])
    assert np.array_equal(golden[0], x + 2)


@pytest.mark.parametrize(("wrong_op", "layer"), [(0, "first"), (1, "second")])
def test_the_first_layer_that_differs_is_named(wrong_op, layer):
    x = samples()

    def golden(index: int) -> np.ndarray:
        return (x[3] + np.int8(index)).reshape(1, 4)

    found = first_difference(FakeDevice(wrong_op=wrong_op), graph(), OFFSETS, golden, [x], 3)
    assert (found.layer, found.sample, found.index) == (layer, 3, wrong_op)
    assert found.max_abs_diff == 1


@pytest.mark.parametrize("wrong_op", [0, 1])
def test_ops_whose_outputs_exist_on_the_device_alone_are_named_with_the_next(wrong_op):
    """A pass changed the first op's tensor: an error there shows in the second."""
    x = samples()
    ops = (RunOp((0,), ()), RunOp((1,), (2,)))

    def golden(index: int) -> np.ndarray:
        return (x[3] + np.int8(index)).reshape(1, 4)

    found = first_difference(FakeDevice(wrong_op=wrong_op), graph(), OFFSETS, golden, [x], 3, ops)
    assert (found.layer, found.index) == ("second", 1)
    assert found.reason == "or before it: first"


def test_ops_that_stand_for_several_go_by_the_first():
    x = samples()
    ops = (RunOp((1, 0), (1,)), RunOp((0,), (2,)))

    def golden(index: int) -> np.ndarray:
        return (x[3] + np.int8(index)).reshape(1, 4)

    found = first_difference(FakeDevice(wrong_op=0), graph(), OFFSETS, golden, [x], 3, ops)
    assert (found.layer, found.reason) == ("second", "")


def test_no_layer_is_blamed_where_all_are_equal():
    x = samples()
    found = first_difference(
        FakeDevice(), graph(), OFFSETS, lambda i: (x[0] + np.int8(i)).reshape(1, 4), [x], 0
    )
    assert (found.layer, found.index) == ("", -1)
    assert "every layer is equal" in found.reason


def test_profile_is_the_median_of_rounds():
    device = FakeDevice()
    assert profile_ops(device, [samples()], 2, repeats=3) == (101, 202)
    with pytest.raises(DeviceError, match="timed 2 ops"):
        profile_ops(device, [samples()], 3)


def test_tensors_have_to_be_the_models():
    right = SimpleNamespace(dtype="int8", bytes=4)
    check_tensors(graph(), [right], [right])
    with pytest.raises(DeviceError, match="outputs"):
        check_tensors(graph(), [right], [SimpleNamespace(dtype="int8", bytes=8)])
