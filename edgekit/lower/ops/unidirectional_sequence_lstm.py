# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM on int8 with int16 cells: kernel ek_lstm.

Arithmetic of TFLM's lstm_eval.cc: each gate is two products, both brought to int16 in 1/4096
steps; gates come out in 1/32768 steps. Operands are numbered as in lstm_shared.h. Every inference
begins with states of 0: TFLM's, too, once its interpreter is reset.
"""

from __future__ import annotations

import math

import numpy as np

from edgekit.lower.fixed import float32, quantize_multiplier
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

INPUTS = 24
# Of the input, forget, cell and output gate.
IN_WEIGHTS, STATE_WEIGHTS, BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
STATE, CELLS = 18, 19
ABSENT = (9, 10, 11, 16, 17, 20, 21, 22, 23)
TANH = 4  # ActivationFunctionType
GATE_IN, GATE_OUT = 2.0**-12, 2.0**-15
LEAST_POWER, MOST_POWER = -28, 0  # of a cell's scale
STEPS_PER_ONE = 24.0  # of the table
LARGEST = (1 << 31) - 1


def _power(cells: Tensor) -> int | None:
    """The cells' scale as a power of two; None where it is none."""
    fraction, power = math.frexp(cells.q.scale)
    return power - 1 if fraction == 0.5 else None


def _sides(op: Op, graph: Graph) -> tuple[int, int, int, int]:
    """Batches, steps, inputs of a step, units."""
    batches, steps, inputs = graph.input_of(op).shape
    if op.options["time_major"]:
        batches, steps = steps, batches
    return batches, steps, inputs, graph.output_of(op).shape[-1]


class UnidirectionalSequenceLstm(OpKind):
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    states = (STATE, CELLS)

    def refuse(self, op: Op, graph: Graph) -> str:
        if len(op.inputs) != INPUTS or any(op.inputs[i] >= 0 for i in ABSENT):
            return "it has peepholes, a projection or a normalization"
        source, output = graph.input_of(op), graph.output_of(op)
        state, cells = graph.input_of(op, STATE), graph.input_of(op, CELLS)
        if reason := not_int8(source, output, state):
            return reason
        if not (state.variable and cells.variable):
            return "a state is no variable"
        if state.q != output.q:
            return "its output and its state differ in scale"
        if cells.dtype != "int16" or cells.quant is None:
            return f"its cells are {cells.dtype}, not int16"
        power = _power(cells)
        if power is None or not LEAST_POWER <= power <= MOST_POWER:
            return "the scale of its cells is not a power of two that fits"
        if op.options["fused_activation_function"] != TANH:
            return "its activation is not tanh"
        return _unfit_shapes(op, graph) or _unfit_weights(op, graph)

    def macs(self, op: Op, graph: Graph) -> int:
        batches, steps, inputs, units = _sides(op, graph)
        return batches * steps * units * 4 * (inputs + units)

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        batches, steps, inputs, units = _sides(op, graph)
        power = _power(graph.input_of(op, CELLS))
        assert power is not None
        shift = 12 + power
        return KernelCall(
            kernel="lstm",
            params={
                "batches": batches,
                "steps": steps,
                "inputs": inputs,
                "units": units,
                "tanh_multiplier": 3 << shift if shift >= 0 else 3,
                "tanh_shift": max(-shift, 0),
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(
                Const("in_weights", _abreast(op, graph, IN_WEIGHTS)),
                Const("state_weights", _abreast(op, graph, STATE_WEIGHTS)),
                Const("biases", _biases(op, graph).astype(np.int32)),
                Const("gates", _gates(op, graph), struct="ek_lstm_gate"),
                Const("quant", _quant(op, graph), struct="ek_lstm_quant"),
                Const("half", half_logistic()),
            ),
            scratch_bytes=3 * units,
        )


def _unfit_shapes(op: Op, graph: Graph) -> str:
    source, output = graph.input_of(op), graph.output_of(op)
    if len(source.shape) != 3 or len(output.shape) != 3:
        return "its input or output does not have three axes"
    batches, _, inputs, units = _sides(op, graph)
    if op.options["time_major"] and batches > 1:
        return "its batches lie inside its steps"
    wanted: dict[int, tuple[int, ...]] = dict.fromkeys(IN_WEIGHTS, (units, inputs))
    wanted |= dict.fromkeys(STATE_WEIGHTS, (units, units)) | dict.fromkeys(BIASES, (units,))
    same = all(graph.input_of(op, i).shape == shape for i, shape in wanted.items())
    states = all(graph.input_of(op, i).elements == batches * units for i in (STATE, CELLS))
    return "" if same and states and source.shape[:2] == output.shape[:2] else "its shapes disagree"


def _unfit_weights(op: Op, graph: Graph) -> str:
    weights = [graph.input_of(op, i) for i in IN_WEIGHTS + STATE_WEIGHTS]
    if reason := not_int8(*weights):
        return reason
    if any(tensor.data is None for tensor in weights):
        return "its weights are not constant"
    if any(tensor.q.per_channel or tensor.q.zero_point for tensor in weights):
        return "its weights have more than one scale, or a zero point that is not 0"
    biases = [graph.input_of(op, i) for i in BIASES]
    if any(tensor.dtype != "int32" or tensor.data is None for tensor in biases):
        return "its biases are not constant int32"
    sizes = [abs(tensor.data.astype(np.int64)) for tensor in weights if tensor.data is not None]
    most = 128 * max(size.sum(axis=1).max() for size in sizes)
    fits = abs(_biases(op, graph)).max() + most <= LARGEST
    return "" if fits else "its products and biases do not fit 32 bits"


def _values(op: Op, graph: Graph, positions: tuple[int, ...]) -> np.ndarray:
    """Constants of the four gates, gates first."""
    found = [graph.input_of(op, i).data for i in positions]
    return np.stack([data for data in found if data is not None])


def _abreast(op: Op, graph: Graph, positions: tuple[int, ...]) -> np.ndarray:
    """Weights (gate, unit, input) as unit, input, gate."""
    return np.ascontiguousarray(_values(op, graph, positions).transpose(1, 2, 0)).reshape(-1)


def _biases(op: Op, graph: Graph) -> np.ndarray:
    """int64, unit by unit: of each gate's input, then of its state, zero points included."""
    rows = []
    sides = ((IN_WEIGHTS, graph.input_of(op)), (STATE_WEIGHTS, graph.input_of(op, STATE)))
    for positions, source in sides:
        weights = _values(op, graph, positions).astype(np.int64)
        rows.append(-source.q.zero_point * weights.sum(axis=2))
    rows[0] = rows[0] + _values(op, graph, BIASES)
    return np.concatenate(rows).T.reshape(-1)


def _gates(op: Op, graph: Graph) -> np.ndarray:
    source, state = graph.input_of(op), graph.input_of(op, STATE)
    rows = []
    for ours, theirs in zip(IN_WEIGHTS, STATE_WEIGHTS, strict=True):
        row: list[int] = []
        for tensor, position in ((source, ours), (state, theirs)):
            product = float32(tensor.q.scale * graph.input_of(op, position).q.scale)
            row += quantize_multiplier(product / GATE_IN)
        rows.append(row)
    return np.array(rows, np.int32)


def _quant(op: Op, graph: Graph) -> np.ndarray:
    state, cells = graph.input_of(op, STATE).q, graph.input_of(op, CELLS).q
    clip = float(op.options.get("cell_clip", 0.0))
    row = [state.zero_point, int(min(clip / cells.scale, 32767.0)) if clip > 0 else 0]
    row += quantize_multiplier(GATE_OUT * cells.scale / cells.scale)
    row += quantize_multiplier(GATE_OUT * GATE_OUT / cells.scale)
    row += quantize_multiplier(GATE_OUT * GATE_OUT / state.scale)
    return np.array([row], np.int32)


def half_logistic() -> np.ndarray:
    """The table of ek_curve16.h, int16 [256].

    Each entry is raised by a sixteenth of the second derivative, so that straight lines between
    them are half as far off; the last is 1, where the curve ends.
    """
    value = 1.0 / (1.0 + np.exp(-np.arange(256) / STEPS_PER_ONE))
    bend = value * (1.0 - value) * (1.0 - 2.0 * value) / STEPS_PER_ONE**2
    steps = np.floor(65536.0 * (value - bend / 16.0 - 0.5) + 0.5)
    steps[-1] = 32767
    return steps.astype(np.int16)
