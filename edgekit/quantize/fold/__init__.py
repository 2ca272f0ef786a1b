# SPDX-License-Identifier: Apache-2.0
"""A Keras model made flat: no nested models, no batch norm, and a name for every activation."""

from edgekit.quantize.fold.flatten import can_flatten
from edgekit.quantize.fold.model import Folded, fold_model
from edgekit.quantize.fold.parts import Kernel, Point

__all__ = ["Folded", "Kernel", "Point", "can_flatten", "fold_model"]
