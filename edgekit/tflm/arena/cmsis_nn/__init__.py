# SPDX-License-Identifier: Apache-2.0
"""What TFLM's CMSIS-NN kernels ask for where that differs from the reference kernels.

As in `ops`, `USES` of every module is found by itself. Built with KERNELS_OPTIMIZED_FOR_SPEED.
"""
