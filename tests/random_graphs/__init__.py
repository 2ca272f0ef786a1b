# SPDX-License-Identifier: Apache-2.0
"""Random models, run by TFLM and by the ahead-of-time runtime, and made small where they differ."""
