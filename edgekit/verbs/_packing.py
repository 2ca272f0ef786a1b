# SPDX-License-Identifier: Apache-2.0
"""The part of `convert` that rewrites the finished .tflite: tidied, stripped, compressed, checked.

A file that was rewritten must say the same op by op and give the same bytes in TFLite Micro's
interpreter; everything else is an error, for nothing is to be gained by a smaller wrong model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.boards import Board
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.progress import Progress
from edgekit.quantize.compress.choose import Coding
from edgekit.tflite.graph import Graph, Op, Tensor
from edgekit.tflite.lookups import lookup_limit
from edgekit.tflite.reader import read_graph
from edgekit.verbs._arena import tflm_arena
from edgekit.verbs.golden import NOT_CHECKED, try_tflm

if TYPE_CHECKING:
    from edgekit.tflite.golden import TflmGolden

CHECKED_SAMPLES = 4  # every one costs two runs of TFLM's reference kernels


@dataclass(frozen=True, slots=True)
class Compression:
    """What `--compress` did. `weight_bytes` are all weights in the file, `{before, after}`.

    `arena_extra_bytes` is what the decoded weights add to TFLM's arena on the board's core,
    `decoded_elements` how many values DECODE writes in each inference. Both cost only under
    TFLite Micro: the aot runtime holds plain weights.
    """

    mode: str
    tensors: tuple[Coding, ...]
    weight_bytes: dict[str, int]
    arena_extra_bytes: int
    decoded_elements: int


@dataclass(frozen=True, slots=True)
class Packing:
    """How the file was rewritten. `given_bytes` is what the converter or the user gave,
    `tidy_bytes` the same without what nothing uses, `bytes` with compression too.

    `dropped` counts parts that went. `checked` says by whom outputs were compared, and on how
    many generated inputs; None where no TFLM interpreter runs the model, and only the graphs
    were compared.
    """

    given_bytes: int
    tidy_bytes: int
    bytes: int
    strip: bool
    dropped: dict[str, int]
    compression: Compression | None
    checked: dict[str, str | int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The file as rewritten, its graph with the names that it had before, and the record."""

    tflite: bytes
    graph: Graph
    record: Packing
    warnings: tuple[str, ...] = ()


def pack_model(
    tflite: bytes,
    graph: Graph,
    *,
    compress: str,
    strip: bool,
    seed: int,
    board: Board | None = None,
    progress: Progress,
) -> Packed:
    """`tflite`, whose graph is `graph`, tidied, and stripped and compressed where asked.

    EdgekitError where the result is not the same model; ToolMissing where weights are to be
    compressed and no TFLM interpreter is there to prove the result.
    """
    from edgekit.quantize.hygiene import tidy_file

    if compress:
        progress.say("encoding the weights")
    tidy = tidy_file(tflite, strip=strip)
    data, rows = (
        (tidy.data, ()) if not compress else _compressed(tflite, tidy.data, compress, strip)
    )
    after = read_graph(data, name=graph.name)
    plain, packed = _check(tflite, graph, data, after, compress=compress, seed=seed)
    done = None
    if compress:
        arena_extra = _arena(data, board, packed) - _arena(tflite, board, plain)
        done = _compression(compress, rows, arena_extra)
    record = Packing(
        given_bytes=len(tflite),
        tidy_bytes=len(tidy.data),
        bytes=len(data),
        strip=strip,
        dropped=tidy.dropped,
        compression=done,
        checked=_checked(plain),
    )
    return Packed(data, _named(after, graph), record, tuple(_warnings(record)))


def _compressed(
    given: bytes, tidy: bytes, mode: str, strip: bool
) -> tuple[bytes, tuple[Coding, ...]]:
    """The compressed file, or `tidy` where that is smaller; rows by the names in `given`."""
    from edgekit.quantize.compress.choose import choose_encodings
    from edgekit.quantize.compress.surgery import insert_decodes
    from edgekit.quantize.flatbuffer import unpack
    from edgekit.quantize.hygiene import has_offline_plan, tidy_file, tidy_model

    named = tidy_file(given, strip=False).data
    model = unpack(named)
    if has_offline_plan(model):
        raise EdgekitError(
            "this .tflite fixes where its tensors lie in the arena, and DECODE would add tensors",
            hint="leave --compress out, or make the file without OfflineMemoryAllocation metadata",
        )
    choice = choose_encodings(read_graph(named, decode=False), mode)
    if not choice.encodings:
        return tidy, choice.rows
    insert_decodes(model, choice.encodings)
    data = tidy_model(model, strip=strip).data
    if len(data) >= len(tidy):
        raise EdgekitError(
            f"compressed weights make this file larger: {len(data)} bytes instead of {len(tidy)}",
            hint="leave --compress out; report the model, for edgekit had reckoned otherwise",
        )
    return data, choice.rows


def _arena(data: bytes, board: Board | None, tflm: TflmGolden | None) -> int:
    """Bytes of TFLM's arena for a file on the board's core."""
    arena = tflm_arena(read_graph(data, decode=False), board, tflm)
    return arena.arena_bytes if arena else 0


def _checked(plain: TflmGolden | None) -> dict[str, str | int] | None:
    if plain is None:
        return None
    return {"by": plain.by, "version": plain.version, "samples": CHECKED_SAMPLES}


def _check(
    before: bytes, graph: Graph, data: bytes, after: Graph, *, compress: str, seed: int
) -> tuple[TflmGolden | None, TflmGolden | None]:
    """TFLM with either file in it, None where that cannot run them; EdgekitError if not equal."""
    from edgekit.quantize.same import difference

    if found := difference(graph, after):
        raise _changed(found)
    plain, reason = try_tflm(before, graph)
    if plain is None:
        if compress:
            raise _cannot_prove(reason)
        return None, None
    packed, reason = try_tflm(data, after)
    if packed is None:
        raise _changed(f"TFLite Micro refuses it: {reason}")
    for inputs in _generated(graph, seed):
        _compare(plain, packed, inputs)
    return plain, packed


def _compare(plain: TflmGolden, packed: TflmGolden, inputs: list[np.ndarray]) -> None:
    pairs = zip(plain.run(inputs), packed.run(inputs), strict=True)
    for position, (expected, actual) in enumerate(pairs):
        if expected.tobytes() != actual.tobytes():
            raise _changed(f"output {position} differs in TFLite Micro")


def _changed(what: str) -> EdgekitError:
    return EdgekitError(
        f"the rewritten .tflite is not the same model: {what}",
        hint="leave --strip and --compress out, and report the model",
    )


def _cannot_prove(reason: str) -> EdgekitError:
    if reason == NOT_CHECKED:
        return ToolMissing(
            "compressed weights are only written where TFLite Micro's interpreter can prove them",
            hint="pip install tflite-micro (Linux x86-64 only), or leave --compress out",
        )
    return EdgekitError(
        f"compressed weights are for TFLite Micro, which cannot run this model: {reason}",
        hint="leave --compress out",
    )


def _generated(graph: Graph, seed: int) -> list[list[np.ndarray]]:
    """Seeded inputs over the whole range of each input's type."""
    rng = np.random.default_rng(seed)
    return [
        [_random(graph.tensor(index), rng, lookup_limit(graph, index)) for index in graph.inputs]
        for _ in range(CHECKED_SAMPLES)
    ]


def _random(tensor: Tensor, rng: np.random.Generator, limit: int) -> np.ndarray:
    """Values of the whole type, or below a `limit` that is not 0."""
    if limit:
        return rng.integers(0, limit, tensor.shape, tensor.dtype)
    if tensor.dtype in ("float32", "bool"):
        return rng.normal(size=tensor.shape).astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    return rng.integers(limits.min, limits.max, tensor.shape, tensor.dtype, endpoint=True)


def _compression(mode: str, rows: tuple[Coding, ...], arena_extra: int) -> Compression:
    return Compression(
        mode=mode,
        tensors=rows,
        weight_bytes={
            "before": sum(row.bytes_before for row in rows),
            "after": sum(row.bytes_after for row in rows),
        },
        arena_extra_bytes=arena_extra,
        decoded_elements=sum(row.decoded_elements for row in rows),
    )


def _warnings(record: Packing) -> list[str]:
    done = record.compression
    if done is None:
        return []
    saved = record.tidy_bytes - record.bytes
    if not saved:
        return ["no weight tensor is smaller compressed: the file holds them plain"]
    if done.arena_extra_bytes > saved:
        return [
            f"compression saves {saved} bytes of flash and takes {done.arena_extra_bytes} bytes"
            " more RAM under TFLite Micro"
        ]
    return []


def _named(after: Graph, before: Graph) -> Graph:
    """`after` with the tensor names and layers of `before`: the same ops in the same order."""
    names: dict[int, str] = {}
    ops: list[Op] = []
    for old, new in zip(before.ops, after.ops, strict=True):
        pairs = [*zip(old.inputs, new.inputs, strict=True)]
        pairs += zip(old.outputs, new.outputs, strict=True)
        names |= {there: before.tensor(here).name for here, there in pairs if here >= 0}
        ops.append(replace(new, layer=old.layer))
    for here, there in zip(
        (*before.inputs, *before.outputs), (*after.inputs, *after.outputs), strict=True
    ):
        names[there] = before.tensor(here).name
    tensors = tuple(replace(t, name=names.get(t.index, t.name)) for t in after.tensors)
    return replace(after, tensors=tensors, ops=tuple(ops))
