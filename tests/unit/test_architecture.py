# SPDX-License-Identifier: Apache-2.0
"""The shape of the code, read from its syntax: who imports whom, who prints, what is too long."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "edgekit"

BOTTOM = {"errors", "wait", "progress", "resources", "artifacts", "tools", "boards"}
BOTTOM |= {"board_file", "board_rules"}
# The way of the data, as design and folders have it.
STAGES = (
    "model",
    "prune",
    "quantize",
    "tflite",
    "tflm",
    "lower",
    "emit",
    "build",
    "flash",
    "link",
    "measure",
    "report",
)
# Records and types that stages hand to each other; they import no stage but for such types.
TYPES = {"tflite.graph", "lower.program", "model.info"}
# What several stages need and only one can hold -> those that may import it: TensorFlow is
# imported in one way, silenced, by the stages that use it.
SHARED = {"model.tf": {"prune", "quantize"}}
ABOVE = {"verbs", "cli"}

FILE_LINES, FUNCTION_LINES = 300, 40

# Heavy or special packages -> the folders that may import them.
ONLY_IN = {
    "tensorflow": {"model", "prune", "quantize"},
    "keras": {"model", "prune", "quantize"},
    "tf_keras": {"model", "prune", "quantize"},
    "tensorflow_model_optimization": {"prune"},
    "serial": {"link"},
    "typer": {"cli"},
    "rich": {"cli"},
}
INSIDE_FUNCTIONS = {
    "tensorflow",
    "keras",
    "tf_keras",
    "tensorflow_model_optimization",
    "tflite_micro",
}


def _python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _module(path: Path) -> str:
    """Dotted name below edgekit: "lower.ops.add", "boards", "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _imports(node: ast.AST, *, inside: bool = False) -> Iterator[tuple[str, bool, int]]:
    """(full dotted name, whether inside a function, line) of all that is imported at run time."""
    for child in ast.iter_child_nodes(node):
        if _is_type_checking(child):
            continue
        if isinstance(child, ast.Import):
            yield from ((name.name, inside, child.lineno) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield from (
                (f"{child.module}.{name.name}", inside, child.lineno) for name in child.names
            )
        else:
            is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, inside=inside or is_function)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _is_in(imported: str, module: str) -> bool:
    return imported == module or imported.startswith(f"{module}.")


def _allowed(importer: str, imported: str) -> bool:
    """Whether module `importer` may import `imported`, both dotted below edgekit."""
    here, there = importer.partition(".")[0], imported.partition(".")[0]
    if there in ("", "__version__") or here == there:
        return True
    if here in BOTTOM:
        return there in BOTTOM
    if here in STAGES:
        shared = {name for name, users in SHARED.items() if here in users}
        return there in BOTTOM or any(_is_in(imported, name) for name in TYPES | shared)
    if here == "verbs":
        return there != "cli"
    return here in ("cli", "__main__", "")


def _wrong_imports(path: Path) -> list[str]:
    module = _module(path)
    inner = [
        (name.removeprefix("edgekit").lstrip("."), line)
        for name, _, line in _imports(_tree(path))
        if name.partition(".")[0] == "edgekit"
    ]
    return [
        f"{path.relative_to(ROOT)}:{line}: {module} imports {name}"
        for name, line in inner
        if not _allowed(module, name)
    ]


def test_every_folder_has_its_place() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert folders == {*STAGES, *ABOVE}
    assert modules == BOTTOM


def test_imports_go_one_way() -> None:
    assert [wrong for path in _python_files() for wrong in _wrong_imports(path)] == []


def test_types_import_no_stage() -> None:
    for name in TYPES:
        path = PACKAGE / f"{name.replace('.', '/')}.py"
        for imported, _, _ in _imports(_tree(path)):
            below = imported.removeprefix("edgekit.")
            stage = imported.startswith("edgekit.") and below.partition(".")[0] in STAGES
            assert not stage or any(below.startswith(other) for other in TYPES), (name, imported)


@pytest.mark.parametrize("path", _python_files(), ids=_module)
def test_heavy_packages_stay_where_they_belong(path: Path) -> None:
    folder = _module(path).partition(".")[0]
    for name, inside, line in _imports(_tree(path)):
        package = name.partition(".")[0]
        where = f"{path.relative_to(ROOT)}:{line} imports {package}"
        assert folder in ONLY_IN.get(package, {folder}), where
        assert inside or package not in INSIDE_FUNCTIONS, f"{where} outside of a function"


@pytest.mark.parametrize("path", _python_files(), ids=_module)
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if _module(path).partition(".")[0] in ("cli", "__main__"):
        return
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "sys.exit", "exit", "sys.stdout.write"), (
                f"{path.relative_to(ROOT)}:{node.lineno} calls {called}"
            )


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef, *, command: bool) -> int:
    """Lines from `def` to the end, without the docstring.

    The parameters of a `command` are its options, which are a list and not code.
    """
    first = function.body[0]
    begin = first.lineno if command else function.lineno
    end = function.end_lineno or begin
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    doc = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return end - begin + 1 - doc


def _long_functions(path: Path) -> list[str]:
    command = path.parent == PACKAGE / "cli"
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for node in ast.walk(_tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := _lines_of(node, command=command)) > FUNCTION_LINES
    ]


def _all_sources() -> list[Path]:
    python = [*_python_files(), *sorted((ROOT / "tests").rglob("*.py"))]
    firmware = ROOT / "firmware"
    return [
        *python,
        *sorted(path for path in firmware.rglob("*") if path.suffix in (".c", ".cpp", ".h")),
    ]


def test_functions_are_short() -> None:
    python = [path for path in _all_sources() if path.suffix == ".py"]
    assert [long for path in python for long in _long_functions(path)] == []


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _all_sources()}
    long = {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > FILE_LINES}
    assert long == {}


def test_files_begin_with_their_licence() -> None:
    lacking = [
        str(path.relative_to(ROOT))
        for path in _all_sources()
        if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:200]
    ]
    assert lacking == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("emit.aot", "lower.program", True),
        ("emit.aot", "lower.program.Program", True),
        ("emit.aot", "lower.build.lower_graph", False),
        ("lower.ops.add", "lower.opkind", True),
        ("measure.harness", "link.device", False),
        ("quantize.convert", "model.tf.quiet", True),
        ("emit.aot", "model.tf.quiet", False),
        ("quantize.convert", "model.load", False),
        ("boards", "tflite.graph", False),
        ("model.load", "verbs.convert", False),
        ("verbs.build", "build.firmware", True),
        ("verbs.build", "cli.app", False),
        ("cli.app", "verbs.build", True),
        ("build.size", "boards.Board", True),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert _allowed(importer, imported) is allowed
