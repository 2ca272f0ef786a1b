# SPDX-License-Identifier: Apache-2.0
"""Struct sizes from layouts, against what arm-none-eabi-g++ 12.2 and x86-64 g++ 12.2 say."""

from __future__ import annotations

import pytest

from edgekit.tflm.arena import structs
from edgekit.tflm.arena.abi import ARM, ILP32, LP64, PYTHON_PACKAGE, size_of
from edgekit.tflm.arena.kernels import CMSIS_NN, REFERENCE, uses_of

# sizeof() printed by the compilers, on tflite-micro 90b983c: (Arm, x86-64).
STRUCTS = {
    "TfLiteTensor": (structs.TENSOR, 32, 64),
    "TfLiteAffineQuantization": (structs.AFFINE, 12, 24),
    "TfLiteEvalTensor": (structs.EVAL_TENSOR, 12, 24),
    "NodeAndRegistration": (structs.NODE_AND_REGISTRATION, 32, 64),
    "SubgraphAllocations": (structs.subgraph_allocations(ARM), 8, 16),
    "ScratchBufferRequest": (structs.SCRATCH_REQUEST, 12, 16),
    "AllocationInfo": (structs.ALLOCATION_INFO, 24, 32),
    "GreedyMemoryPlanner": (structs.GREEDY_PLANNER, 44, 72),
    "SingleArenaBufferAllocator": (structs.arena_allocator(ARM), 36, 72),
    "MicroAllocator": (structs.micro_allocator(ARM), 36, 72),
    "RecordingSingleArenaBufferAllocator": (structs.arena_allocator(PYTHON_PACKAGE), 52, 104),
}
OPTIONS = {
    "ADD": (2, 8),
    "ARG_MAX": (1, 4),
    "AVERAGE_POOL_2D": (40, 40),
    "BATCH_MATMUL": (3, 3),
    "CAST": (2, 8),
    "CONCATENATION": (8, 8),
    "CONV_2D": (28, 28),
    "CUMSUM": (2, 2),
    "DEPTHWISE_CONV_2D": (28, 28),
    "DIV": (1, 4),
    "FULLY_CONNECTED": (5, 16),
    "GATHER": (8, 8),
    "LEAKY_RELU": (4, 4),
    "MIRROR_PAD": (1, 4),
    "RESHAPE": (36, 36),
    "RESIZE_BILINEAR": (2, 2),
    "SQUEEZE": (36, 36),
    "STRIDED_SLICE": (24, 24),
    "SUM": (1, 1),
    "SVDF": (8, 12),
    "TRANSPOSE_CONV": (16, 20),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (16, 16),
}
DATA = {
    "ABS": (28, 28),
    "ADD": (60, 60),
    "AVERAGE_POOL_2D": (32, 32),
    "BATCH_MATMUL": (16, 32),
    "CONCATENATION": (24, 40),
    "CONV_2D": (56, 72),
    "DEQUANTIZE": (32, 32),
    "EQUAL": (32, 32),
    "ELU": (256, 256),
    "FULLY_CONNECTED": (48, 64),
    "HARD_SWISH": (20, 20),
    "MEAN": (44, 44),
    "MUL": (36, 36),
    "PAD": (56, 56),
    "PRELU": (28, 28),
    "QUANTIZE": (32, 32),
    "SOFTMAX": (56, 80),
    "SQUARED_DIFFERENCE": (112, 112),
    "STRIDED_SLICE": (84, 84),
    "SUB": (52, 52),
    "SVDF": (36, 36),
    "TRANSPOSE_CONV": (72, 80),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (688, 688),
}
CMSIS_NN_DATA = {
    "ADD": (60, 60),
    "AVERAGE_POOL_2D": (36, 36),
    "BATCH_MATMUL": (36, 56),
    "CONV_2D": (60, 80),
    "DEPTHWISE_CONV_2D": (60, 80),
    "FULLY_CONNECTED": (72, 96),
    "SOFTMAX": (64, 88),
    "SVDF": (40, 48),
    "TRANSPOSE_CONV": (76, 88),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (912, 1008),
}


@pytest.mark.parametrize("name", STRUCTS)
def test_the_interpreters_structs(name: str) -> None:
    layout, arm, x86 = STRUCTS[name]
    assert (size_of(layout, ARM)[0], size_of(layout, LP64)[0]) == (arm, x86)


@pytest.mark.parametrize("kind", OPTIONS)
def test_builtin_options(kind: str) -> None:
    layout = uses_of(REFERENCE)[kind].options
    assert (size_of(layout, ARM)[0], size_of(layout, LP64)[0]) == OPTIONS[kind]


@pytest.mark.parametrize("kind", DATA)
def test_data_of_reference_kernels(kind: str) -> None:
    layout = uses_of(REFERENCE)[kind].data
    assert (size_of(layout, ARM)[0], size_of(layout, LP64)[0]) == DATA[kind]


@pytest.mark.parametrize("kind", CMSIS_NN_DATA)
def test_data_of_cmsis_nn_kernels(kind: str) -> None:
    layout = uses_of(CMSIS_NN)[kind].data
    assert (size_of(layout, ARM)[0], size_of(layout, LP64)[0]) == CMSIS_NN_DATA[kind]


def test_enums_are_ints_off_arm() -> None:
    assert size_of("2e", ARM) == (2, 1)
    assert size_of("2e", ILP32) == (8, 4)
    assert size_of(structs.TENSOR, ILP32)[0] == 40


def test_padding_inside_and_behind() -> None:
    assert size_of("bd", ARM) == (16, 8)
    assert size_of("2(ib)h", ARM) == (20, 4)
    assert size_of("p3i", LP64) == (24, 8)


@pytest.mark.parametrize("layout", ["x", "2", "(i", "i)", "i p"])
def test_no_layout(layout: str) -> None:
    with pytest.raises(ValueError):
        size_of(layout, ARM)


def test_every_table_entry_is_a_layout() -> None:
    for kernels in (REFERENCE, CMSIS_NN):
        for use in uses_of(kernels).values():
            for layout in filter(None, (use.options, use.data)):
                assert size_of(layout, ARM)[0] <= size_of(layout, PYTHON_PACKAGE)[0]
