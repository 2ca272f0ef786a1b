# SPDX-License-Identifier: Apache-2.0
"""One file per kind of data; each gives a Raw."""
