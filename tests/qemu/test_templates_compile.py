# SPDX-License-Identifier: Apache-2.0
"""What platforms' projects hold compiles without a warning: the app, the generated sources and the
model array for Cortex-M, Arduino's platform file against Arduino's own core for AVR."""

import subprocess
from pathlib import Path

import pytest

from tests.support.rendered import PROJECTS, render

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-fsyntax-only")
CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
# Debian's package arduino-core-avr.
AVR_CORE = Path("/usr/share/arduino/hardware/arduino/avr")
BY_PLATFORM = [each for each in PROJECTS if each[0] not in ("make", "cmake")]


def _compile(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.needs_gcc
@pytest.mark.parametrize(("template", "runtime"), BY_PLATFORM)
def test_app_and_model_compile_for_cortex_m(tmp_path: Path, template: str, runtime: str) -> None:
    project = render(template, runtime, tmp_path)
    folders = sorted({path.parent for path in project.rglob("*.h")})
    sources = [path for path in sorted(project.rglob("*.c")) if "ek_port_" not in path.name]
    names = {path.name for path in sources}
    assert "ek_commands.c" in names
    assert ("tiny_aot.c" if runtime == "aot" else "tiny_model.c") in names
    _compile("arm-none-eabi-gcc", *CPU, *STRICT, *(f"-I{folder}" for folder in folders), *sources)


@pytest.mark.needs_avr
@pytest.mark.parametrize(("chip", "variant"), [("atmega328p", "standard"), ("atmega2560", "mega")])
def test_arduinos_platform_file_compiles_for_avr(tmp_path: Path, chip: str, variant: str) -> None:
    if not (AVR_CORE / "cores/arduino/Arduino.h").is_file():
        pytest.skip("no Arduino core for AVR: apt-get install arduino-core-avr")
    project = render("arduino", "aot", tmp_path)
    # as Arduino does: for AVR, -isystem would make C of the core's C++
    core = [f"-I{AVR_CORE / folder}" for folder in ("cores/arduino", f"variants/{variant}")]
    macros = ("-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_ARCH_AVR")
    flags = ("-std=gnu++11", "-Os", "-Wall", "-Wextra", "-Werror", "-fsyntax-only")
    source = project / "src" / "ek_port_arduino.cpp"
    sketch = project / "examples" / "tiny" / "tiny.ino"
    for each in (("-x", "c++", source), ("-x", "c++", "-include", "Arduino.h", sketch)):
        _compile("avr-g++", f"-mmcu={chip}", *macros, *flags, *core, f"-I{project / 'src'}", *each)
