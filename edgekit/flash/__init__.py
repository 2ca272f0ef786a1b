# SPDX-License-Identifier: Apache-2.0
"""Writing firmware to boards: a plan of steps as data, and the programs that carry it out."""
