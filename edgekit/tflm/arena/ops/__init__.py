# SPDX-License-Identifier: Apache-2.0
"""What TFLM's reference kernels ask for, by op kind.

A module here holds `USES`, kind -> Use, and is found by itself; a new op is a line of one of them.
Layouts follow lite/core/c/builtin_op_data.h and the op data structs of micro/kernels.
"""
