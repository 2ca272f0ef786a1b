# SPDX-License-Identifier: Apache-2.0
"""Which Keras layer an op came from, as far as the converter's tensor names tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NOISE = re.compile(r"^(StatefulPartitionedCall|PartitionedCall|Identity|serving_default)")


def layer_of(tensor_name: str, operand_names: Sequence[str] = ()) -> str:
    """Layer of the op that writes `tensor_name`; `operand_names` are those of its constants.

    An output that the converter renamed ("Identity") says nothing: the weights' name then does.
    """
    for name in (tensor_name, *operand_names):
        if _paths(name):
            return _layer_in(name)
    return tensor_name.split(";")[0]


def _paths(tensor_name: str) -> list[str]:
    """The parts of a name that lead to a layer."""
    parts = [part for part in tensor_name.split(";") if part.strip("/")]
    return [part for part in parts if "/" in part and not _NOISE.match(part)]


def _layer_in(tensor_name: str) -> str:
    """Layer path in a tensor name such as "model/conv2d_1/Relu;model/conv2d_1/BiasAdd;...".

    The converter joins the names of all ops that it fused with semicolons, the last compute op
    (convolution, matrix product) names the layer that holds the weights; the op's own name is cut
    off, and the model's name where every part shares it.
    """
    parts = _paths(tensor_name)
    compute = [part for part in parts if re.search(r"/(Conv2D|depthwise|MatMul|BiasAdd)", part)]
    path = (compute or parts)[0]
    for part in compute:
        if "BiasAdd" in part or "MatMul" in part:
            path = part
            break
    pieces = [piece for piece in path.split("/") if piece]
    layer = pieces[1:-1] if len(pieces) > 2 else pieces[:1]
    while layer and layer[-1] in ("BiasAdd", "ReadVariableOp", "Conv2D", "MatMul"):
        layer.pop()
    return "/".join(layer) if layer else pieces[0]
