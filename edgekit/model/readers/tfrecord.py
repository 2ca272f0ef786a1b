# SPDX-License-Identifier: Apache-2.0
"""`.tfrecord`: tf.train.Example records with features `x` and, optionally, `y`."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec
from edgekit.model.readers.raw import Raw
from edgekit.model.tf import quiet, tensorflow


def read_tfrecord(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """`x`: floats, integers, raw bytes (uint8 or float32) or an encoded image; `y`: a number."""
    if len(inputs) != 1:
        raise EdgekitError(
            f"a .tfrecord feeds one input, and this model has {len(inputs)}",
            hint="give an .npz with an array named after each input",
        )
    tf = tensorflow()
    try:
        with quiet():
            records = [bytes(r.numpy()) for r in tf.data.TFRecordDataset(str(path))]
            examples = [tf.train.Example.FromString(record) for record in records]
    except Exception as error:
        raise EdgekitError(
            f"'{path}' cannot be read as TFRecord: {str(error).splitlines()[0][:120]}",
            hint="write it with tf.io.TFRecordWriter, one tf.train.Example per sample",
        ) from error
    if not examples:
        raise EdgekitError(f"'{path}' is empty", hint="give at least one sample")
    x = np.stack([_sample(e.features.feature, inputs[0], path) for e in examples])
    labels = [_values(e.features.feature["y"]) for e in examples if "y" in e.features.feature]
    if not labels:
        return Raw({"x": x}, ("x", ""), source=str(path))
    if len(labels) != len(examples):
        raise EdgekitError(
            f"'{path}' has labels for {len(labels)} of {len(examples)} samples",
            hint="give each record a feature y, or none",
        )
    arrays: dict[str, Samples] = {
        "x": x,
        "y": np.squeeze(np.array(labels), axis=-1) if len(labels[0]) == 1 else np.array(labels),
    }
    return Raw(arrays, ("x", "y"), source=str(path))


def _values(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def _sample(features: Any, spec: InputSpec, path: Path) -> np.ndarray:
    if "x" not in features:
        raise EdgekitError(
            f"a record of '{path}' has no feature 'x'",
            hint=f"it has: {', '.join(sorted(features))}",
        )
    values = _values(features["x"])
    if values and isinstance(values[0], bytes):
        return _from_bytes(values[0], spec)
    kind = np.int64 if values and isinstance(values[0], int) else np.float32
    return np.array(values, kind)


def _from_bytes(data: bytes, spec: InputSpec) -> np.ndarray:
    elements = math.prod(side or 1 for side in spec.shape)
    if len(data) == elements:
        return np.frombuffer(data, np.uint8)
    if len(data) == 4 * elements:
        return np.frombuffer(data, "<f4")
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(data)))
    except OSError as error:
        raise EdgekitError(
            f"{len(data)} bytes are neither an image nor a sample of shape {spec.words()}",
            hint="store x as floats, raw uint8 or float32 bytes, or an encoded image",
        ) from error
