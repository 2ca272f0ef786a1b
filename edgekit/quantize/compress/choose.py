# SPDX-License-Identifier: Apache-2.0
"""Which constants of a graph are worth encoding, and in which mode."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import EdgekitError
from edgekit.quantize.compress.encoding import Encoding
from edgekit.quantize.compress.inputs import why_not
from edgekit.quantize.compress.mask import mask_encoding
from edgekit.quantize.compress.table import table_encoding
from edgekit.tflite.graph import Graph, Op, Tensor

MODES = ("prune", "lut", "auto")
_ENCODERS = {"prune": mask_encoding, "lut": table_encoding}
_DTYPES = ("int8", "int16")
# What a DECODE op, its tensors and buffer take in the file; a test measures that it is no less.
OVERHEAD_BYTES = 160


@dataclass(frozen=True, slots=True)
class Coding:
    """One weight tensor: stored bytes as it was and as it is, and why it is so.

    `mode` is "plain", "prune" or "lut", `bits` what an element takes beside a table; `reason`
    says why it is plain. `decoded_bytes` lie in the arena while each of `consumers` ops runs,
    `decoded_elements` are written per inference.
    """

    tensor: int
    name: str
    layer: str
    op: str
    dtype: str
    shape: tuple[int, ...]
    bytes_before: int
    bytes_after: int
    mode: str
    bits: int
    consumers: int
    decoded_bytes: int
    decoded_elements: int
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The encodings by tensor index, and a row for every weight tensor."""

    encodings: dict[int, Encoding]
    rows: tuple[Coding, ...]


def check_mode(mode: str) -> None:
    """EdgekitError for a way of compressing that there is not."""
    if mode and mode not in MODES:
        raise EdgekitError(
            f"there is no compression '{mode}'",
            hint=f"one of {', '.join(MODES)}; auto takes what is smaller for each tensor",
        )


def choose_encodings(graph: Graph, mode: str) -> Choice:
    """What to encode of a graph read without decoding; only what makes the file smaller.

    Bytes that a tensor shares with one that stays plain would stay in the file, so such a tensor
    stays plain too.
    """
    allowed = tuple(_ENCODERS) if mode == "auto" else (mode,)
    found: dict[int, Encoding] = {}
    reasons: dict[int, str] = {}
    uses = _uses(graph)
    for index, users in uses.items():
        tensor = graph.tensor(index)
        reason = _refusal(tensor, users, graph)
        best = None if reason else _smallest(tensor, allowed)
        if best is None:
            reasons[index] = reason or f"it holds more different values than {mode} mode stores"
        elif (encoded := best.bytes + OVERHEAD_BYTES * len(users)) >= tensor.bytes:
            reasons[index] = f"encoded: {encoded} bytes with its op"
        else:
            found[index] = best
    _leave_shared(graph, found, reasons, uses)
    rows = [_row(graph, i, users, found.get(i), reasons.get(i, "")) for i, users in uses.items()]
    return Choice(found, tuple(rows))


def _uses(graph: Graph) -> dict[int, list[tuple[Op, int]]]:
    """Weight tensors with the ops that read them; parameters such as shapes are no weights."""
    uses: dict[int, list[tuple[Op, int]]] = {}
    for op in graph.ops:
        for position, index in enumerate(op.inputs):
            if index >= 0 and _is_weights(graph.tensor(index)):
                uses.setdefault(index, []).append((op, position))
    return uses


def _is_weights(tensor: Tensor) -> bool:
    """A constant that is quantized, other than a bias."""
    biases = ("int32", "int64")
    return tensor.is_constant and tensor.quant is not None and tensor.dtype not in biases


def _refusal(tensor: Tensor, users: list[tuple[Op, int]], graph: Graph) -> str:
    if tensor.stored_dtype not in _DTYPES:
        return f"DECODE gives no {tensor.stored_dtype}"
    if tensor.index in graph.outputs:
        return "it is an output of the model"
    quant = tensor.quant
    if quant and quant.per_channel and quant.axis not in (0, len(tensor.shape) - 1):
        return f"its channels are axis {quant.axis}, and DECODE knows the first and the last only"
    return next(filter(None, (why_not(op.kind, position) for op, position in users)), "")


def _smallest(tensor: Tensor, modes: tuple[str, ...]) -> Encoding | None:
    found = [form for mode in modes if (form := _ENCODERS[mode](tensor)) is not None]
    return min(found, key=lambda form: form.bytes, default=None)


def _leave_shared(
    graph: Graph,
    found: dict[int, Encoding],
    reasons: dict[int, str],
    uses: dict[int, list[tuple[Op, int]]],
) -> None:
    """Take out what has equal bytes with a constant that stays."""
    plain = {_content(t): t.name for t in graph.tensors if t.is_constant and t.index not in found}
    for index in [i for i in uses if i in found and _content(graph.tensor(i)) in plain]:
        other = plain[_content(graph.tensor(index))]
        reasons[index] = f"its bytes are shared with '{other}', which stays plain"
        del found[index]


def _content(tensor: Tensor) -> bytes:
    return b"" if tensor.data is None else tensor.data.tobytes()


def _row(
    graph: Graph,
    index: int,
    users: list[tuple[Op, int]],
    encoding: Encoding | None,
    reason: str,
) -> Coding:
    tensor, first = graph.tensor(index), users[0][0]
    consumers = len({op.index for op, _ in users})
    stored = tensor.data.nbytes if tensor.data is not None else 0
    if tensor.encoded is not None:
        stored = tensor.encoded.stored_bytes
    return Coding(
        tensor=index,
        name=tensor.name,
        layer=first.layer,
        op=first.kind,
        dtype=tensor.stored_dtype,
        shape=tensor.shape,
        bytes_before=stored,
        bytes_after=encoding.bytes if encoding else stored,
        mode=encoding.mode if encoding else "plain",
        bits=encoding.bits if encoding else 8 * stored // max(1, tensor.elements),
        consumers=consumers,
        decoded_bytes=tensor.bytes if encoding else 0,
        decoded_elements=tensor.elements * consumers if encoding else 0,
        reason=reason,
    )
