# SPDX-License-Identifier: Apache-2.0
"""Embedding as one GATHER: Keras's also wraps negative numbers, with ops TFLite Micro lacks."""

from __future__ import annotations

from typing import Any

from edgekit.model.tf import tensorflow
from edgekit.quantize.rewrite.change import Change


def plain_gather(layer: Any) -> Change | None:
    if type(layer).__name__ != "Embedding":
        return None

    def call(inputs: Any, *_: Any, **__: Any) -> Any:
        tf = tensorflow()
        return tf.gather(tf.convert_to_tensor(layer.embeddings), tf.cast(inputs, tf.int32))

    return Change({"call": call})
