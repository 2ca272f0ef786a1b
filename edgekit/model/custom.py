# SPDX-License-Identifier: Apache-2.0
"""`--custom module:name`: the user's own layers and functions that a model needs to load."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.model.tf import quiet, set_environment


def import_object(spec: str, what: str) -> Any:
    """The object named by `package.module:name`, looked for in the working folder too."""
    module_name, _, name = spec.partition(":")
    if not module_name or not name.isidentifier():
        raise EdgekitError(
            f"{what} '{spec}' is not of the form package.module:name",
            hint="for example  mylayers:Swish",
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    set_environment()
    try:
        with quiet():  # it may import TensorFlow, and may print: stdout is for JSON alone
            module = importlib.import_module(module_name)
    except Exception as error:
        raise EdgekitError(
            f"cannot import '{module_name}' of {what} '{spec}': {type(error).__name__}: {error}",
            hint="run edgekit in the folder that holds the module, or install it",
        ) from error
    if not hasattr(module, name):
        raise EdgekitError(
            f"'{module_name}' has no '{name}'", hint=f"check the name given to {what}"
        )
    return getattr(module, name)


def custom_objects(custom: Iterable[str | type | Any]) -> dict[str, Any]:
    """Name -> object for `--custom` values; live classes and functions are taken as they are."""
    found = {}
    for item in custom:
        value = import_object(item, "--custom") if isinstance(item, str) else item
        found[str(getattr(value, "__name__", type(value).__name__))] = value
    return found
