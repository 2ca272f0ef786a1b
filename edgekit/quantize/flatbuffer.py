# SPDX-License-Identifier: Apache-2.0
"""A .tflite file as Python objects to change, and back to bytes: aligned, and nothing twice.

The objects are those of TensorFlow's own schema module, which stands alone: it is loaded by its
path, because importing TensorFlow for it takes seconds.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np

from edgekit.errors import EdgekitError, ToolMissing

IDENTIFIER = b"TFL3"
# What TFLite's schema asks of every buffer's data (force_align), and what kernels rely on.
ALIGNMENT = 16


@cache
def schema() -> ModuleType:
    """TensorFlow's generated classes of the TFLite schema (`ModelT`, `TensorT`, ...)."""
    loaded = sys.modules.get("tensorflow.lite.python.schema_py_generated")
    if loaded is not None:
        return loaded
    package = importlib.util.find_spec("tensorflow")
    places = package.submodule_search_locations if package else None
    for place in places or ():
        path = Path(place) / "lite" / "python" / "schema_py_generated.py"
        spec = importlib.util.spec_from_file_location("edgekit_tflite_schema", path)
        if path.exists() and spec and spec.loader:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise ToolMissing("TensorFlow's TFLite schema module is missing", hint="pip install tensorflow")


def unpack(data: bytes) -> Any:
    """The `ModelT` of a file that `read_graph` accepts.

    EdgekitError for a file that keeps constants behind the flatbuffer, as those over 2 GB do:
    TFLite Micro reads none of them there.
    """
    model = schema().ModelT.InitFromPackedBuf(data, 0)
    ops = [op for subgraph in model.subgraphs for op in subgraph.operators]
    if any(buffer.offset for buffer in model.buffers) or any(
        op.largeCustomOptionsOffset for op in ops
    ):
        raise EdgekitError(
            "this .tflite keeps constants outside of its flatbuffer",
            hint="convert the model again without _experimental_use_buffer_offset",
        )
    return model


def pack(model: Any) -> bytes:
    """The file of a `ModelT`. It is used up: its parts are replaced by ones that share.

    Buffer data begin at multiples of 16 bytes. Vectors of numbers, quantization parameters and
    options that are equal are stored once; readers see no difference, for they only read.
    """
    builder = _SharingBuilder()
    model.buffers = [_Buffer(buffer.data) for buffer in model.buffers]
    known: dict[Any, _Once] = {}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.quantization = _once(tensor.quantization, known)
        for op in subgraph.operators:
            op.builtinOptions = _once(op.builtinOptions, known)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Writes a vector of plain values that is there already by pointing to the first one."""

    def __init__(self) -> None:
        super().__init__(1024)
        self._vectors: dict[tuple[int, int, bytes], int] = {}
        self._begin: tuple[int, int, int, int] | None = None
        self._points = False

    def StartVector(self, elem_size: int, count: int, alignment: int) -> Any:  # noqa: N802
        self._begin = (self.Offset(), elem_size, count, alignment)
        self._points = False
        return super().StartVector(elem_size, count, alignment)

    def PrependUOffsetTRelative(self, offset: int) -> Any:  # noqa: N802
        self._points = True  # relative offsets: equal bytes elsewhere lead elsewhere
        return super().PrependUOffsetTRelative(offset)

    def EndVector(self, *count: int) -> Any:  # noqa: N802
        begin, self._begin = self._begin, None
        if begin is None or self._points:  # strings end like vectors, and begin otherwise
            return super().EndVector(*count)
        before, elem_size, elements, alignment = begin
        head = int(self.Head())
        content = bytes(self.Bytes[head : head + elem_size * elements])
        end = super().EndVector(*count)
        key = (elem_size, alignment, content)
        if key in self._vectors:
            self.head = len(self.Bytes) - before
            return self._vectors[key]
        self._vectors[key] = end
        return end


class _Buffer:
    """A buffer whose data are aligned, which the generated code does not do."""

    def __init__(self, data: Any) -> None:
        self._data = b"" if data is None else np.asarray(data, np.uint8).tobytes()

    def Pack(self, builder: Any) -> Any:  # noqa: N802
        vector = None
        if self._data:
            builder.StartVector(1, len(self._data), ALIGNMENT)
            builder.head -= len(self._data)
            builder.Bytes[builder.head : builder.head + len(self._data)] = self._data
            vector = builder.EndVector()
        schema().BufferStart(builder)
        if vector is not None:
            schema().BufferAddData(builder, vector)
        return schema().BufferEnd(builder)


class _Once:
    """A table that is written at its first use and pointed to afterwards."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._offset: int | None = None

    def Pack(self, builder: Any) -> Any:  # noqa: N802
        if self._offset is None:
            self._offset = self._table.Pack(builder)
        return self._offset


def _once(table: Any, known: dict[Any, _Once]) -> Any:
    if table is None:
        return None
    key = (type(table).__name__, _content(table))
    return known.setdefault(key, _Once(table))


def _content(value: Any) -> Any:
    """A hashable equal for equal tables."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (list, tuple)):
        return tuple(_content(item) for item in value)
    if hasattr(value, "__dict__"):
        return tuple((name, _content(part)) for name, part in sorted(vars(value).items()))
    return value
