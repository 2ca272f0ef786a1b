# SPDX-License-Identifier: Apache-2.0
"""Layouts of the structs that TFLM's interpreter itself keeps in the arena."""

from edgekit.tflm.arena.abi import Abi

# lite/core/c/common.h with TF_LITE_STATIC_MEMORY. TfLiteQuantizationType is an int in C++.
TENSOR = "(ip)(2i)2pz2eb"
AFFINE = "2pi"
EVAL_TENSOR = "2pe"
NODE_AND_REGISTRATION = "(6pi)p"

# micro_allocator.h, micro_allocator.cc, micro_allocation_info.h
SCRATCH_HANDLE = "p"
SCRATCH_REQUEST = "z2i"
BUILTIN_DATA_ALLOCATOR = "2p"
ALLOCATION_INFO = "zp3ib"
MOST_SCRATCHES_PER_OP = 12

# memory_planner/greedy_memory_planner.h; its room holds requirements, two arrays of the sort, a
# list entry and an offset for each buffer.
GREEDY_PLANNER = "p2i4p2ipb"
GREEDY_BYTES_PER_BUFFER = 16 + 4 + 4 + 12 + 4

_SINGLE_ARENA_ALLOCATOR = "2p5ppi"
_MICRO_ALLOCATOR = "4ppbzpz"
# recording_*.h: four sizes; a pointer and eight records of three sizes each.
_RECORDING_ARENA_ALLOCATOR = f"({_SINGLE_ARENA_ALLOCATOR})4z"
_RECORDING_MICRO_ALLOCATOR = f"({_MICRO_ALLOCATOR})p24z"


def arena_allocator(abi: Abi) -> str:
    return _RECORDING_ARENA_ALLOCATOR if abi.python_package else _SINGLE_ARENA_ALLOCATOR


def micro_allocator(abi: Abi) -> str:
    return _RECORDING_MICRO_ALLOCATOR if abi.python_package else _MICRO_ALLOCATOR


def subgraph_allocations(abi: Abi) -> str:
    """Pointers to nodes and tensors, and with compression to the list of compressed ones."""
    return "3p" if abi.python_package else "2p"
