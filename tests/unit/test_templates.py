# SPDX-License-Identifier: Apache-2.0
"""Templates: what they render is the same every time and as the golden files have it; what does
not go together is refused, and their pages claim no more than was tried."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import edgekit
from edgekit.artifacts import hash_tree
from edgekit.boards import load_board
from edgekit.emit.template import (
    Template,
    all_templates,
    check_decode,
    load_template,
    package_doubt,
    suits,
    template_names,
)
from edgekit.errors import EdgekitError, LimitBroken
from tests.support.rendered import (
    BOARDS,
    GOLDEN,
    HASHES,
    PROJECTS,
    digest,
    held,
    render,
    shown,
    tiny_model,
)

ROOT = Path(__file__).parents[2]
RENEW = "python -m tests.support.rendered"
PARTS = {"app", "runtime", "port", "model", "tflm", "board", "aot"}
BY_PLATFORM = [each for each in all_templates() if not each.builder]


Rendered = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Each project, rendered once, to be read only."""
    folder = tmp_path_factory.mktemp("rendered")
    return cache(lambda template, runtime: render(template, runtime, folder))


@pytest.mark.parametrize(("template", "runtime"), PROJECTS)
def test_it_is_the_same_every_time_and_as_golden(
    rendered: Rendered, tmp_path: Path, template: str, runtime: str
) -> None:
    project = rendered(template, runtime)
    again = render(template, runtime, tmp_path / "two")
    trees = [hash_tree(folder) for folder in (project, again)]
    assert trees[0] == trees[1]
    for name, text in shown(project).items():
        assert (GOLDEN / name).read_text() == text, f"differs: {name}; meant? {RENEW}"
    hashes = {name: digest(text) for name, text in held(project).items()}
    assert hashes == json.loads(HASHES.read_text())[project.name], f"meant? {RENEW}"


@pytest.mark.parametrize(("template", "runtime"), PROJECTS)
def test_nothing_is_left_unfilled_and_nothing_is_of_this_machine(
    rendered: Rendered, template: str, runtime: str
) -> None:
    project = rendered(template, runtime)
    for path in project.rglob("*"):
        if not path.is_file() or path.suffix in (".tflite", ".json"):
            continue
        text = path.read_text()
        assert str(project.parent) not in text, path
        assert "{{" not in text and "{%" not in text and "__name__" not in str(path), path


def test_the_golden_files_are_those_of_these_templates() -> None:
    wanted = {f"{template}-{runtime}" for template, runtime in PROJECTS}
    assert set(json.loads(HASHES.read_text())) == wanted
    assert {name for name, _ in PROJECTS} == set(BOARDS) == set(template_names())


def test_aot_projects_need_no_tflite_micro(rendered: Rendered) -> None:
    for template, runtime in PROJECTS:
        if runtime != "aot":
            continue
        for path in rendered(template, runtime).rglob("*"):
            if path.is_file() and path.suffix not in (".tflite", ".json", ".md", ".toml"):
                text = path.read_text()
                assert "#include <tensorflow" not in text and "micro_interpreter" not in text
                assert "tflmicro" not in text.lower() and "esp-tflite-micro" not in text


@pytest.mark.parametrize("template", BY_PLATFORM, ids=lambda each: each.name)
def test_their_pages_claim_no_more_than_was_tried(rendered: Rendered, template: Template) -> None:
    for runtime, tried in template.tried.items():
        assert tried == "not built", "say here what was done, and what proves it"
        page = (rendered(template.name, runtime) / "README.md").read_text()
        assert "**Not built here**" in page
        for word in ("## Build", "lash", "## Connect", "edgekit bench . --port PORT"):
            assert word in page, word
        assert max(map(len, page.splitlines())) < 260


def test_the_app_is_one_and_the_same(rendered: Rendered) -> None:
    firmware = ROOT / "firmware"
    for template, runtime in PROJECTS:
        project = rendered(template, runtime)
        place = load_template(template).place("app")
        for name in ("ek_app.c", "ek_commands.c", "ek_timing.c", "ek_messages.h"):
            copied = (project / place / name).read_bytes()
            assert copied == (firmware / "app" / name).read_bytes(), (template, name)


@pytest.mark.parametrize("template", BY_PLATFORM, ids=lambda each: each.name)
def test_every_source_is_in_the_build_files(rendered: Rendered, template: Template) -> None:
    """Where a build system takes a list, every C and C++ file of the project is on it."""
    for runtime in template.runtimes:
        project = rendered(template.name, runtime)
        lists = [path.read_text() for path in project.rglob("CMakeLists.txt")]
        if not lists:
            continue
        for path in project.rglob("*.c*"):
            if path.suffix in (".c", ".cpp"):
                relative = path.relative_to(project).as_posix().removeprefix("main/")
                assert any(f" {relative}\n" in text for text in lists), relative


@pytest.mark.parametrize(
    ("template", "board", "said", "hint"),
    [
        ("make", "esp32-devkitc", "not for esp32-devkitc, which has no chip port", "arduino"),
        ("cmake", "esp32-s3-devkitc", "has no chip port", "templates for esp32-s3-devkitc"),
        ("esp-idf", "nucleo-l4r5zi", "which is cortex-m4", "boards for esp-idf: esp32"),
        ("pico-sdk", "qemu-mps2-an386", "which is cortex-m4", "boards for pico-sdk: pico"),
        ("arduino", "native", "which is host", "templates for native: cmake, make"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, template: str, board: str, said: str, hint: str
) -> None:
    model = tiny_model(tmp_path / "tiny.tflite")
    with pytest.raises(EdgekitError, match=said) as caught:
        edgekit.firmware(model, board=board, template=template, out=tmp_path / "fw")
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2
    assert not (tmp_path / "fw").exists()


def test_a_board_that_the_platform_does_not_know_is_said_out_loud(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny.tflite")
    record = edgekit.firmware(model, template="arduino", out=tmp_path / "fw")
    assert "qemu-mps2-an386 is no board" in record.warnings[0]
    page = (tmp_path / "fw" / "README.md").read_text()
    assert "choose yours in the IDE" in page and "--fqbn FQBN" in page


def test_edits_are_not_overwritten(tmp_path: Path) -> None:
    project = render("zephyr", "aot", tmp_path)
    (project / "prj.conf").write_text("CONFIG_MINE=y\n")
    with pytest.raises(EdgekitError, match=r"changed: prj\.conf") as caught:
        render("zephyr", "aot", tmp_path)
    assert "--force" in caught.value.hint
    assert (project / "prj.conf").read_text() == "CONFIG_MINE=y\n"


def test_the_platforms_own_tool_builds(tmp_path: Path) -> None:
    project = render("pico-sdk", "aot", tmp_path)
    with pytest.raises(EdgekitError, match="own tool builds") as caught:
        edgekit.build(project)
    assert "README.md" in caught.value.hint
    with pytest.raises(EdgekitError, match=r"serial port|does not build"):
        edgekit.bench(project)


def test_a_package_that_is_not_made_for_the_board_is_doubted() -> None:
    arduino = load_template("arduino")
    assert arduino.tflm is not None
    assert arduino.tflm.package in package_doubt(arduino, load_board("teensy-4-1"), "tflm")
    assert package_doubt(arduino, load_board("arduino-nano-33-ble"), "tflm") == ""
    assert package_doubt(arduino, load_board("teensy-4-1"), "aot") == ""
    assert package_doubt(load_template("cmake"), load_board("qemu-mps2-an386"), "tflm") == ""


def test_compressed_weights_need_decode() -> None:
    for template in all_templates():
        if template.tflm is None or template.tflm.decode:
            check_decode(template, True)
            continue
        check_decode(template, False)
        with pytest.raises(EdgekitError, match=template.name) as caught:
            check_decode(template, True)
        assert template.tflm.package in str(caught.value)
        assert "--compress" in caught.value.hint


def test_an_arena_larger_than_the_board(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny.tflite")
    with pytest.raises(LimitBroken, match="tensor arena alone needs 5,000,000 bytes, 805,696 more"):
        edgekit.firmware(model, runtime="tflm", arena_bytes=5_000_000, out=tmp_path / "fw")
    assert not (tmp_path / "fw").exists()


def test_the_arena_is_where_the_program_reads_it(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny.tflite")
    record = edgekit.firmware(model, runtime="tflm", arena_bytes=4096, out=tmp_path / "fw")
    assert record.arena_bytes == 4096 and record.arena_plans["reference"] < 4096
    assert "#define TINY_ARENA_BYTES 4096u" in (tmp_path / "fw/model/tiny_model.h").read_text()
    config = (tmp_path / "fw" / "model" / "ek_tflm_model.h").read_text()
    assert re.search(r"#define EK_TFLM_ARENA_BYTES TINY_ARENA_BYTES$", config, re.MULTILINE)


def test_every_template_suits_some_board() -> None:
    for template in all_templates():
        assert suits(template, load_board(BOARDS[template.name]))


def test_the_page_on_templates_names_every_key() -> None:
    page = (ROOT / "docs" / "adding_a_template.md").read_text()
    tables = [path.read_text() for path in (ROOT / "firmware/templates").glob("*/template.toml")]
    keys = {key for text in tables for key in re.findall(r"^(\w+) =", text, re.MULTILINE)}
    tables_of = {name for text in tables for name in re.findall(r"^\[(\w+)\]", text, re.MULTILINE)}
    for key in sorted((keys | tables_of) - PARTS):
        assert f"`{key}`" in page or f"`[{key}]`" in page, key
    for name in template_names():
        assert f"`{name}`" in page, name
