# SPDX-License-Identifier: Apache-2.0
"""`python -m edgekit` is the `edgekit` command."""

from edgekit.cli.app import main

if __name__ == "__main__":
    main()
