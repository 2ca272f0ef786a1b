# SPDX-License-Identifier: Apache-2.0
"""Runs samples on a device and finds the first layer that differs. Nothing here is skipped quietly.

The device is anything with the methods of `Runner`: the link's client over a serial port, or a
fake in a test.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgekit.errors import DeviceError, EdgekitError, Interrupted
from edgekit.measure.steady import steadily
from edgekit.progress import SILENT, Progress
from edgekit.tflite.graph import Graph, Tensor

WARMUP_RUNS = 2
PROFILE_RUNS = 3


class Runner(Protocol):
    """What the harness needs of a device."""

    def sample(self, inputs: Sequence[bytes]) -> tuple[int, list[bytes]]: ...

    def load(self, index: int, data: bytes) -> None: ...

    def profile(self) -> list[int]: ...

    def memory(self) -> Any: ...

    def run_ops(self, first: int, last: int) -> None: ...

    def read_arena(self, offset: int, length: int) -> bytes: ...

    def read_op_output(self, position: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came back: one array `[samples, ...]` per output, and the ticks of each inference.

    `interrupted` says in words how often and how the device was lost and found again.
    """

    outputs: tuple[np.ndarray, ...]
    ticks: tuple[int, ...]
    warmup: int
    interrupted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first op whose output differs on `sample`; `index` is -1 where none could be named."""

    layer: str
    sample: int
    index: int = -1
    op: str = ""
    max_abs_diff: float | None = None
    reason: str = ""


def check_tensors(graph: Graph, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Raises DeviceError where the device's tensors are not the graph's.

    `inputs` and `outputs` describe themselves by `dtype` and `bytes`.
    """
    for side, wanted, got in (
        ("input", graph.inputs, inputs),
        ("output", graph.outputs, outputs),
    ):
        expected = [(graph.tensor(i).dtype, graph.tensor(i).bytes) for i in wanted]
        reported = [(tensor.dtype, tensor.bytes) for tensor in got]
        if expected != reported:
            raise DeviceError(
                f"the device's {side}s are {reported}, and the model's are {expected}",
                hint="the firmware is of another model or damaged; build it again",
            )


def run_samples(
    device: Runner,
    graph: Graph,
    inputs: Sequence[np.ndarray],
    *,
    warmup: int = WARMUP_RUNS,
    progress: Progress = SILENT,
) -> Run:
    """Sends every sample, runs it once, reads every output back.

    `inputs` holds one quantized array `[samples, ...]` per model input. The first sample runs
    `warmup` times beforehand, untimed. Where the device is lost and found again, what was not
    confirmed by the last byte of its outputs is done anew, after as many runs to warm up. Raises
    DeviceError for an answer of the wrong size, and where the device does not come back.
    """
    count = sample_count(inputs)
    received: list[list[np.ndarray]] = [[] for _ in graph.outputs]
    ticks = []
    cuts: list[str] = []
    with progress.task("on the device", count) as task:
        cold = True
        for sample in range(count):
            before = len(cuts)

            def once(sample: int = sample, cold: bool = cold, before: int = before) -> _Answer:
                runs = warmup if cold or len(cuts) > before else 0
                return _run_once(device, inputs, sample, runs)

            taken, outputs = steadily(once, f"sample {sample}", cuts)
            cold = False
            for position, index in enumerate(graph.outputs):
                received[position].append(_as_array(outputs[position], graph.tensor(index)))
            ticks.append(taken)
            task.advance()
    return Run(tuple(np.stack(rows) for rows in received), tuple(ticks), warmup, tuple(cuts))


_Answer = tuple[int, list[bytes]]


def _run_once(
    device: Runner, inputs: Sequence[np.ndarray], sample: int, warmup: int
) -> tuple[int, list[bytes]]:
    """Ticks and outputs of the last of `warmup` + 1 runs; the inputs are sent anew before each, as
    a model may use their memory for other tensors."""
    data = [np.ascontiguousarray(array[sample]).tobytes() for array in inputs]
    for _ in range(warmup):
        device.sample(data)
    return device.sample(data)


def read_memory(device: Runner, inputs: Sequence[np.ndarray]) -> Any:
    """What `device.memory()` gives, after a run of the first sample where the device was restarted
    meanwhile: its marks are of this start."""
    try:
        return device.memory()
    except Interrupted:

        def once() -> Any:
            _run_once(device, inputs, 0, 0)
            return device.memory()

        return steadily(once, "memory")


def profile_ops(
    device: Runner, inputs: Sequence[np.ndarray], ops: int, *, repeats: int = PROFILE_RUNS
) -> tuple[int, ...]:
    """Ticks of each op on the first sample: the median of `repeats` runs, op by op."""

    def once() -> list[int]:
        _load(device, inputs, 0)
        return device.profile()

    rounds = [steadily(once, "the profile") for _ in range(repeats)]
    if any(len(ticks) != ops for ticks in rounds):
        raise DeviceError(
            f"the device timed {len(rounds[0])} ops of a model that has {ops}",
            hint="the firmware is of another model; build it again",
        )
    return tuple(round(statistics.median(column)) for column in zip(*rounds, strict=True))


def sample_count(inputs: Sequence[np.ndarray]) -> int:
    """Samples in `inputs`; EdgekitError where there are none or the arrays disagree."""
    counts = {array.shape[0] for array in inputs}
    if len(counts) != 1 or 0 in counts:
        raise EdgekitError(
            f"the model's inputs have {sorted(counts)} samples",
            hint="give every input the same number of samples, at least one",
        )
    return counts.pop()


def _load(device: Runner, inputs: Sequence[np.ndarray], sample: int) -> None:
    for index, array in enumerate(inputs):
        device.load(index, np.ascontiguousarray(array[sample]).tobytes())


def sample_shape(tensor: Tensor) -> tuple[int, ...]:
    """Shape of one sample of a tensor: its own without a leading batch axis of 1."""
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape


def _as_array(data: bytes, tensor: Tensor) -> np.ndarray:
    """Bytes from the device as the values of one sample of `tensor`."""
    if len(data) != tensor.bytes:
        raise DeviceError(
            f"the device sent {len(data)} bytes for '{tensor.name}', which has {tensor.bytes}",
            hint="the firmware is of another model; build it again",
        )
    return np.frombuffer(data, dtype=tensor.dtype).reshape(sample_shape(tensor))


def golden_outputs(
    run: Callable[[list[np.ndarray]], list[np.ndarray]],
    graph: Graph,
    inputs: Sequence[np.ndarray],
    *,
    progress: Progress = SILENT,
) -> tuple[np.ndarray, ...]:
    """Golden outputs of every sample: one array `[samples, ...]` per output, as `run_samples`."""
    shapes = [sample_shape(graph.tensor(index)) for index in graph.outputs]
    rows = []
    count = sample_count(inputs)
    with progress.task("golden outputs", count) as task:
        for sample in range(count):
            one = run([array[sample] for array in inputs])
            rows.append([v.reshape(shape) for v, shape in zip(one, shapes, strict=True)])
            task.advance()
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


@dataclass(frozen=True, slots=True)
class RunOp:
    """One op as the device runs it: the ops of the file that it stands for, first the one that
    names it, and the tensors of the file that it leaves as they are there."""

    origin: tuple[int, ...]
    outputs: tuple[int, ...]


def as_in_file(graph: Graph) -> tuple[RunOp, ...]:
    """The ops of a device that runs the file's ops one for one."""
    return tuple(RunOp((op.index,), op.outputs) for op in graph.ops)


def first_difference(
    device: Runner,
    graph: Graph,
    offsets: Mapping[int, int],
    golden_tensor: Callable[[int], np.ndarray],
    inputs: Sequence[np.ndarray],
    sample: int,
    ops: Sequence[RunOp] = (),
) -> Difference:
    """Runs `sample` op by op on the device and names the first op whose output differs.

    `offsets` are bytes in the arena of each tensor that can be compared; empty where the device
    shows the outputs of the op that ran last instead. `golden_tensor(index)`
    gives the golden values of a tensor after a run on this very sample. `ops` are those of the
    device, where they are not the file's. Ops since the last equal tensor whose outputs exist
    on the device alone may be the guilty ones as well: `reason` names them.
    """
    return steadily(
        lambda: _first_difference(device, graph, offsets, golden_tensor, inputs, sample, ops),
        f"sample {sample}, op by op",
    )


def _first_difference(
    device: Runner,
    graph: Graph,
    offsets: Mapping[int, int],
    golden_tensor: Callable[[int], np.ndarray],
    inputs: Sequence[np.ndarray],
    sample: int,
    ops: Sequence[RunOp],
) -> Difference:
    _load(device, inputs, sample)
    unseen: list[str] = []
    for position, run in enumerate(ops or as_in_file(graph)):
        device.run_ops(position, position)
        op = graph.ops[run.origin[0]]
        seen = [i for i in run.outputs if not graph.tensor(i).is_constant]
        seen = [i for i in seen if i in offsets or not offsets]
        if not seen:
            unseen.append(op.layer or op.kind)
            continue
        for index in seen:
            tensor = graph.tensor(index)
            if offsets:
                data = device.read_arena(offsets[index], tensor.bytes)
            else:
                data = device.read_op_output(run.outputs.index(index), tensor.bytes)
            worst = _off_by(data, tensor, golden_tensor(index))
            if worst is not None:
                reason = f"or before it: {', '.join(unseen)}" if unseen else ""
                return Difference(op.layer or op.kind, sample, op.index, op.kind, worst, reason)
        unseen = []
    return Difference(
        "", sample, reason="every layer is equal when run one by one; only whole runs differ"
    )


def _off_by(data: bytes, tensor: Tensor, golden: np.ndarray) -> float | None:
    """Largest difference of a tensor of the device from its golden; None where none differs."""
    ours = _as_array(data, tensor)
    theirs = golden.astype(tensor.dtype).reshape(ours.shape)
    if ours.tobytes() == theirs.tobytes():
        return None
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
