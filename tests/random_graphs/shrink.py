# SPDX-License-Identifier: Apache-2.0
"""Makes a failing model small: fewer Keras steps, smaller inputs, then the fewest TFLite ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from edgekit.tflite.graph import Graph, Tensor
from edgekit.tflite.reader import read_graph
from tests.random_graphs.spec import Spec, without_step
from tests.support.tflite_builder import ModelBuilder

Fails = Callable[[bytes], bool]


def shrink_spec(spec: Spec, convert: Callable[[Spec], bytes], fails: Fails) -> bytes:
    """The file of the smallest spec found that still fails, its ops then thinned out."""

    def still(candidate: Spec) -> bytes:
        try:
            data = convert(candidate)
        except Exception:  # a candidate that does not build is simply not smaller
            return b""
        return data if fails(data) else b""

    best = convert(spec)
    shrinking = True
    while shrinking:
        shrinking = False
        for candidate in _smaller(spec):
            if data := still(candidate):
                spec, best, shrinking = candidate, data, True
                break
    return shrink_ops(best, fails)


def _smaller(spec: Spec) -> Iterator[Spec]:
    for output in spec.outputs if len(spec.outputs) > 1 else ():
        yield replace(spec, outputs=(output,))
    last = len(spec.inputs) + len(spec.steps) - 1
    if last > len(spec.inputs):
        yield replace(spec, steps=spec.steps[:-1], outputs=(last - 1,))
    for position in range(len(spec.steps)):
        if len(spec.steps) > 1:
            yield without_step(spec, position)
    for which, shape in enumerate(spec.inputs):
        for axis, side in enumerate(shape):
            if side > 1:
                halved = (*shape[:axis], side // 2, *shape[axis + 1 :])
                yield replace(
                    spec, inputs=(*spec.inputs[:which], halved, *spec.inputs[which + 1 :])
                )


def shrink_ops(data: bytes, fails: Fails) -> bytes:
    """The shortest run of `data`'s ops that fails alone; `data` where none does."""
    graph = read_graph(data)
    count = len(graph.ops)
    for length in range(1, count):
        for first in range(count - length + 1):
            part = cut(graph, first, first + length)
            if part and fails(part):
                return part
    return data


def cut(graph: Graph, first: int, stop: int) -> bytes:
    """A model of ops `first` up to `stop`; activations made elsewhere become its inputs."""
    builder, known = ModelBuilder(), dict[int, int]()
    ops = graph.ops[first:stop]
    made = {index for op in ops for index in op.outputs}
    for index in dict.fromkeys(i for op in ops for i in op.inputs if i >= 0):
        tensor = graph.tensor(index)
        if tensor.is_constant:
            known[index] = builder.tensor(tensor.shape, data=tensor.data, **_rest(tensor))
        elif index not in made:
            known[index] = builder.input(tensor.shape, **_rest(tensor))
    if not any(i in known and not graph.tensor(i).is_constant for op in ops for i in op.inputs):
        return b""
    for op in ops:
        inputs = [known[i] if i >= 0 else -1 for i in op.inputs]
        outputs = [graph.tensor(i) for i in op.outputs]
        new = [builder.tensor(t.shape, **_rest(t)) for t in outputs]
        builder.add_op(op.kind, inputs, new, op.options, op.version)
        known |= dict(zip(op.outputs, new, strict=True))
    read_later = {i for op in ops for i in op.inputs}
    return builder.finish([known[i] for i in sorted(made - read_later)])


def _rest(tensor: Tensor) -> dict[str, object]:
    if tensor.quant is None:
        return {"dtype": tensor.dtype, "name": tensor.name}
    return {
        "dtype": tensor.dtype,
        "name": tensor.name,
        "scales": tensor.quant.scales,
        "zero_point": tensor.quant.zero_point,
        "axis": tensor.quant.axis,
    }
