# SPDX-License-Identifier: Apache-2.0
"""Weights stored encoded in a .tflite, for TFLite Micro's DECODE operator to give back."""
