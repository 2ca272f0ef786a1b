# SPDX-License-Identifier: Apache-2.0
"""Formats of layers other than int8 throughout: 16-bit activations, 4-bit weights, by layer."""
