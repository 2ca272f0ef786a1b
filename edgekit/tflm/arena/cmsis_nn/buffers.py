# SPDX-License-Identifier: Apache-2.0
"""Sizes of CMSIS-NN's working buffers, int8, by what it is compiled for.

Source/ConvolutionFunctions/arm_*_get_buffer_sizes_*.c of CMSIS-NN 4ab83cc, built by GCC (Arm's own
compiler takes a few more bytes for 1x1 convolutions). `extension` is "", "dsp" or "mve".
"""

from __future__ import annotations

from dataclasses import dataclass

MVE, DSP = "mve", "dsp"
# Include/arm_nnsupportfunctions.h
_CH_IN_BLOCK_MVE = 124
_REVERSE_ABOVE_CHANNELS = 16
# GCC's value; for Arm's compiler it is 8.
_CONVERT_DW_ABOVE_CHANNELS = 1


@dataclass(frozen=True, slots=True)
class Window:
    """Geometry of a convolution; pairs are (height, width)."""

    batches: int
    input: tuple[int, int]
    output: tuple[int, int]
    kernel: tuple[int, int]
    input_channels: int
    filter_channels: int
    output_channels: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]


def conv_bytes(window: Window, extension: str) -> int:
    """arm_convolve_wrapper_s8_get_buffer_size"""
    grouped = window.input_channels != window.filter_channels
    undilated = window.dilation == (1, 1)
    if window.kernel == (1, 1) and window.padding == (0, 0) and undilated and not grouped:
        return 0
    one_row = window.input[0] == 1 and window.kernel[0] == 1 and window.dilation[1] == 1
    aligned = window.stride[1] * window.input_channels % 4 == 0
    if one_row and aligned and not grouped and extension == MVE:
        return _one_row_mve_bytes(window)
    return im2col_bytes(window.input_channels, window.kernel, extension)


def im2col_bytes(channels: int, kernel: tuple[int, int], extension: str) -> int:
    """arm_convolve_s8_get_buffer_size: four columns of int8 or two of int16."""
    column = channels * kernel[0] * kernel[1]
    if extension == MVE:
        return 4 * 16 * -(-column // 16)
    return 2 * 2 * 4 * -(-column // 4)


def _one_row_mve_bytes(window: Window) -> int:
    """arm_convolve_1_x_n_s8_get_buffer_size_mve"""
    channels, pad, kernel = window.input_channels, window.padding[1], window.kernel[1]
    stride, output = window.stride[1], window.output[1]
    total = (output - 1) * stride + kernel - window.input[1]
    uneven = _c_remainder(total, 2)
    right = max(1, (pad + uneven + stride - 1) // stride) if pad + uneven else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    if right + max(output - right - left, 0) + left != output:
        return im2col_bytes(channels, window.kernel, MVE)
    pad_right = right if uneven else pad
    return max(kernel + pad, kernel - 1 + pad_right) * channels


def _c_remainder(value: int, divisor: int) -> int:
    """Remainder as C has it: of the sign of `value`."""
    return value % divisor if value >= 0 else -(-value % divisor)


def depthwise_bytes(window: Window, extension: str) -> int:
    """arm_depthwise_conv_wrapper_s8_get_buffer_size"""
    taps = window.kernel[0] * window.kernel[1]
    channels = window.output_channels
    if extension == MVE and window.input_channels == 1 and channels > _CONVERT_DW_ABOVE_CHANNELS:
        # Run as a convolution of one input channel. TFLM leaves its stride unset, so that whether
        # it counts as one row is not decided; the columns are the larger buffer.
        one = window.kernel == (1, 1) and window.padding == (0, 0) and window.dilation == (1, 1)
        return channels * taps + (0 if one else im2col_bytes(1, window.kernel, MVE))
    same = window.input_channels == channels and window.batches == 1
    if not same or window.dilation != (1, 1):
        return 0
    if extension == MVE:
        return 4 * _CH_IN_BLOCK_MVE * taps
    if extension != DSP or (window.kernel == (3, 3) and max(window.padding) <= 1):
        return 0
    return 2 * window.input_channels * taps


def depthwise_int4_bytes(window: Window, extension: str) -> int:
    """arm_depthwise_conv_wrapper_s4_get_buffer_size"""
    taps = window.kernel[0] * window.kernel[1]
    same = window.input_channels == window.output_channels and window.batches == 1
    if not same or window.dilation != (1, 1):
        return 0
    return 4 * _CH_IN_BLOCK_MVE * taps if extension == MVE else 2 * window.input_channels * taps


def conv_int16_bytes(window: Window, extension: str) -> int:
    """arm_convolve_wrapper_s16_get_buffer_size"""
    column = window.input_channels * window.kernel[0] * window.kernel[1]
    return 4 * 8 * 2 * -(-column // 8) if extension == MVE else 2 * 2 * column


def transpose_conv_bytes(window: Window, extension: str) -> tuple[int, int]:
    """Buffers of sums or columns, and of the turned filter (arm_transpose_conv_s8_get_...)."""
    channels, (height, width) = window.input_channels, window.kernel
    if max(window.stride) <= 2 and channels > _REVERSE_ABOVE_CHANNELS:
        turned = channels * height * width * window.output_channels
        return im2col_bytes(channels, window.kernel, extension), turned
    # Both maxima are with the stride's height, as in the library.
    row = (window.input[1] - 1) * window.stride[1] + max(width, window.stride[0])
    return 4 * row * window.output_channels * max(height, window.stride[0]), 0


def average_pool_bytes(channels: int, extension: str) -> int:
    """arm_avgpool_s8_get_buffer_size, and of s16"""
    return 4 * channels if extension == DSP else 0


def kernel_sum_bytes(outputs: int, extension: str) -> int:
    """arm_fully_connected_s8_get_buffer_size, arm_svdf_s8_get_buffer_size"""
    return 4 * outputs if extension == MVE else 0
