# SPDX-License-Identifier: Apache-2.0
"""LSTM as one op, UNIDIRECTIONAL_SEQUENCE_LSTM, which TFLite Micro runs in int8 with int16 cells.

TensorFlow's converter makes that op of a function that says by its attribute `api_implements` that
it is Keras's LSTM (arguments: inputs, both states, kernel, recurrent kernel, bias; results: last
output, all outputs, both states, a number). Keras 3 no longer traces one, so it is traced here.
"""

from __future__ import annotations

from typing import Any

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.rewrite.change import Change, operations

MARK = "api_implements"


def is_fusable(layer: Any) -> bool:
    """Whether `layer` is an LSTM as the op computes it, and is not to be unrolled."""
    if type(layer).__name__ != "LSTM" or layer.unroll:
        return False
    activations = keras().activations
    cell = layer.cell
    plain = cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
    others = layer.stateful or layer.go_backwards or layer.return_state or not cell.use_bias
    return plain and not others and not _is_told_more(layer)


def _is_told_more(layer: Any) -> bool:
    """Whether a functional model gives it a first state, or a mask."""
    for node in layer._inbound_nodes:
        masked = any(getattr(t, "_keras_mask", None) is not None for t in node.input_tensors)
        if masked or len(node.input_tensors) > 1:
            return True
    return False


def fused(layer: Any) -> Change | None:
    """None for any layer but an LSTM that the op can stand for."""
    if not is_fusable(layer):
        return None
    cell, whole = layer.cell, layer.return_sequences
    units = cell.units
    constants = [v.value.numpy() for v in (cell.kernel, cell.recurrent_kernel, cell.bias)]

    def call(sequences: Any, initial_state: Any = None, mask: Any = None, **_: Any) -> Any:
        if initial_state is not None or mask is not None:
            raise EdgekitError(
                f"layer '{layer.name}' is given a first state or a mask, which the fused op lacks",
                hint="make that layer with unroll=True",
            )
        zeros = tensorflow().zeros((sequences.shape[0], units))
        last, every, *_rest = _marked(layer.name)(sequences, zeros, zeros, *constants)
        return every if whole else last

    remark = (
        f"layer '{layer.name}' is one op that keeps its state: call the interpreter's Reset() "
        "before each Invoke(), as edgekit's firmware does"
    )
    return Change({"call": call}, remark)


def _marked(name: str) -> Any:
    """Keras's LSTM as a function that the converter knows by its attributes."""
    attributes = {
        MARK: f"lstm_{name}",
        "api_preferred_device": "CPU",
        "time_major": False,
        "go_backwards": False,
    }
    return tensorflow().function(_lstm, autograph=False, experimental_attributes=attributes)


def _lstm(inputs: Any, state: Any, cells: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """What the op computes, in a loop: whatever does not know the mark gets the same."""
    tf = tensorflow()
    steps = inputs.shape[1]

    def step(at: Any, h: Any, c: Any, outputs: Any) -> Any:
        gates = tf.matmul(inputs[:, at], kernel) + tf.matmul(h, recurrent) + bias
        taken, kept, candidate, given = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(kept) * c + tf.sigmoid(taken) * tf.tanh(candidate)
        h = tf.sigmoid(given) * tf.tanh(c)
        return at + 1, h, c, outputs.write(at, h)

    outputs = tf.TensorArray(inputs.dtype, size=steps, element_shape=state.shape)
    first = (tf.constant(0), state, cells, outputs)
    _, h, c, outputs = tf.while_loop(lambda at, *_: at < steps, step, first)
    return h, tf.transpose(outputs.stack(), (1, 0, 2)), h, c, tf.constant(1.0)


def input_kernels(model: Any) -> dict[str, Any]:
    """Of every LSTM in a Keras `model` that becomes one op: its name -> the input gate's kernel,
    units x inputs, by which the op is known again."""
    found = {}
    for layer in operations(model) if model is not None else ():
        if is_fusable(layer):
            kernel = layer.cell.kernel.value.numpy()
            found[str(layer.name)] = kernel[:, : layer.cell.units].T
    return found
