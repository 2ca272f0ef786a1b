# SPDX-License-Identifier: Apache-2.0
"""Templates of firmware projects: one folder of firmware/templates each, described by its
template.toml. docs/adding_a_template.md says what the keys mean.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from edgekit.boards import Board, all_boards
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

RUNTIMES = ("aot", "tflm")
DEFAULT_TEMPLATES = {"aot": "make", "tflm": "cmake"}
BUILDERS = ("make", "cmake", "")
PARTS = ("app", "runtime", "port", "model", "tflm", "board")


@dataclass(frozen=True, slots=True)
class Tflm:
    """Where a template's TFLite Micro comes from. `decode`: whether that package has the DECODE
    operator of compressed weights, as far as its version that `source` names was read. `boards`
    are patterns of board ids for which the package says that it is made; empty where any goes."""

    package: str
    source: str
    decode: bool
    boards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of project. `builder` is the program that `edgekit build` drives, "" where the
    platform's own tool builds it. `platform` is a key of a board file's [platforms], "" where the
    app runs on a chip port. `cores` are patterns, `layout` says in which folder each part of the
    firmware goes, `tried` how far each runtime was tried. `only` are files of one runtime alone.
    """

    name: str
    folder: Path
    title: str
    builder: str
    tried: dict[str, str]
    cores: tuple[str, ...]
    platform: str = ""
    platform_files: str = ""
    layout: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    only: dict[str, str] = field(default_factory=dict)
    tflm: Tflm | None = None

    @property
    def runtimes(self) -> tuple[str, ...]:
        return tuple(self.tried)

    @property
    def chip_port(self) -> bool:
        """Whether the app runs on a port of firmware/port, and not on a platform's API."""
        return not self.platform

    def place(self, part: str) -> str:
        """Folder of the project that `part` of the firmware goes to; "" is the project itself."""
        return self.layout.get(part, "" if part == "board" else part)


def template_names() -> list[str]:
    """Names of the templates that come with edgekit, sorted."""
    found = (resource_dir("firmware") / "templates").glob("*/template.toml")
    return sorted(path.parent.name for path in found)


def load_template(name: str) -> Template:
    """The template of this name; EdgekitError, with the nearest names, where there is none."""
    names = template_names()
    if name not in names:
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        raise EdgekitError(
            f"unknown template '{name}'",
            hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}",
        )
    folder = resource_dir("firmware") / "templates" / name
    table = tomllib.loads((folder / "template.toml").read_text(encoding="utf-8"))
    return _read(name, folder, table)


def all_templates() -> list[Template]:
    """Every template that comes with edgekit, sorted by name."""
    return [load_template(name) for name in template_names()]


def _read(name: str, folder: Path, table: dict[str, Any]) -> Template:
    known = {item.name for item in fields(Template)} - {"name", "folder"}
    if unknown := sorted(set(table) - known):
        raise _bad(name, f"unknown key '{unknown[0]}'", f"known keys: {', '.join(sorted(known))}")
    if missing := sorted({"title", "builder", "tried", "cores"} - set(table)):
        raise _bad(name, f"the key '{missing[0]}' is missing", "see docs/adding_a_template.md")
    if table["builder"] not in BUILDERS:
        raise _bad(name, f"'builder' is '{table['builder']}'", f"one of: {', '.join(BUILDERS)}")
    values: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in table.items()
    }
    if "tflm" in table:
        facts = dict(table["tflm"])
        values["tflm"] = Tflm(**facts | {"boards": tuple(facts.get("boards", ()))})
    return Template(name=name, folder=folder, **values)


def _bad(name: str, what: str, hint: str) -> EdgekitError:
    return EdgekitError(f"templates/{name}/template.toml: {what}", hint=hint)


def platform_name(template: Template, board: Board) -> str:
    """What the template's ecosystem calls `board`; "" where the board file does not say."""
    return str(getattr(board.platforms, template.platform, "")) if template.platform else ""


def suits(template: Template, board: Board) -> bool:
    """Whether a project of `template` can be made for `board`."""
    if template.chip_port:
        return board.buildable and _fits_core(template, board)
    return bool(platform_name(template, board)) or _fits_core(template, board)


def _fits_core(template: Template, board: Board) -> bool:
    return any(fnmatch(board.core, pattern) for pattern in template.cores)


def check_template(template: Template, board: Board, runtime: str) -> None:
    """EdgekitError where template, board and runtime do not go together, saying which do."""
    if runtime not in template.runtimes:
        raise EdgekitError(
            f"the template '{template.name}' has no runtime '{runtime}'",
            hint=f"take --template {_with_runtime(runtime, board)}",
        )
    if suits(template, board):
        return
    boards = [other.id for other in all_boards() if suits(template, other)]
    others = [other.name for other in all_templates() if suits(other, board)]
    why = "has no chip port" if template.chip_port and not board.buildable else f"is {board.core}"
    raise EdgekitError(
        f"the template '{template.name}' is not for {board.id}, which {why}",
        hint=f"boards for {template.name}: {_listed(boards)}; "
        f"templates for {board.id}: {_listed(others)}",
    )


def _with_runtime(runtime: str, board: Board) -> str:
    fitting = [each.name for each in all_templates() if runtime in each.runtimes]
    return " or ".join(name for name in fitting if suits(load_template(name), board)) or "none"


def _listed(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def package_doubt(template: Template, board: Board, runtime: str) -> str:
    """Words where the template's TFLite Micro package is not made for `board`; "" elsewhere."""
    package = template.tflm if runtime == "tflm" else None
    if package is None or not package.boards:
        return ""
    if any(fnmatch(board.id, pattern) for pattern in package.boards):
        return ""
    return (
        f"{package.package}, from which this project takes TFLite Micro, names no support for "
        f"{board.id}: it may not build; --runtime aot needs no package"
    )


def check_decode(template: Template, needs_decode: bool) -> None:
    """EdgekitError where the model has compressed weights that the package cannot decode."""
    if not needs_decode or template.tflm is None or template.tflm.decode:
        return
    raise EdgekitError(
        f"the model's weights are compressed, and the TFLite Micro of the template "
        f"'{template.name}' ({template.tflm.package}) has no DECODE operator",
        hint="convert it without --compress, or take --runtime aot, which needs no TFLite Micro",
    )
