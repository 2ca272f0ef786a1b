# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training on Keras 3: fake-quantized kernels and points."""
