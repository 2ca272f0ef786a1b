# SPDX-License-Identifier: Apache-2.0
"""Functions of one value that int8 kernels lack, as tables of 256 entries.

Ops that together make one tensor from another, value by value (softplus, selu, x / (1 + |x|)), are
found in the converter's float file and given to its quantizer as one op that it leaves in float.
In the int8 file that op becomes ELU, where it is one, or else QUANTIZE to the integers 0..255 and
GATHER of a constant, which TFLite Micro runs in int8. An entry is the function of the input's
real value, rounded once: nothing in between is quantized.
"""

from edgekit.quantize.tables.find import Island, find_islands
from edgekit.quantize.tables.read import float_graph
from edgekit.quantize.tables.swap import collapsed, with_tables

__all__ = ["Island", "collapsed", "find_islands", "float_graph", "with_tables"]
