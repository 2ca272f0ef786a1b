#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes .venv with edgekit in it and installs the cross compiler and the emulator where that is
# allowed. Safe to run again: what is there already is left alone.
# Usage: scripts/set-up.sh EXTRA     (EXTRA: demo or dev)
set -eu

extra=${1:-demo}
cd "$(dirname "$0")/.."
packages="gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "set-up: $1"
  say "  $2"
  exit "${3:-2}"
}

find_python() {
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
      2>/dev/null || continue
    command -v "$candidate"
    return
  done
}

make_environment() {
  [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null && return
  python=$(find_python)
  [ -n "$python" ] || fail "no Python 3.11, 3.12 or 3.13 found" \
    "apt-get install python3 python3-venv, or set PYTHON=/path/to/python3.11"
  say "set-up: making .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv || fail "'$python -m venv' failed" "apt-get install python3-venv"
}

install_python_packages() {
  stamp=.venv/.edgekit-$extra
  wanted=$(cat pyproject.toml scripts/set-up.sh | cksum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "set-up: installing the Python packages (TensorFlow is 600 MB; some minutes the first time)"
  if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python .venv/bin/python -e ".[$extra]"
  else
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extra]"
  fi || fail "installing the Python packages failed" "see the lines above; run it again when mended" 3
  printf '%s' "$wanted" >"$stamp"
  [ "$extra" = demo ] || cp "$stamp" .venv/.edgekit-demo
}

tools_present() {
  command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null &&
    [ "$(arm-none-eabi-gcc -print-file-name=nano.specs)" != nano.specs ]
}

install_tools() {
  tools_present && return
  if ! command -v apt-get >/dev/null; then
    say "set-up: no apt-get here; install arm-none-eabi-gcc with newlib, and qemu-system-arm"
    say "  going on with the board 'native'"
    return
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=""
  elif sudo -n true 2>/dev/null; then
    as_root="sudo "
  else
    say "set-up: the cross compiler and the emulator are missing, and this user may not install them:"
    say "  sudo apt-get install -y $packages"
    say "  going on with the board 'native'"
    return
  fi
  say "set-up: ${as_root}apt-get install -y $packages"
  if ! { ${as_root}apt-get update -qq && ${as_root}env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $packages; } >/dev/null; then
    say "set-up: apt-get failed; going on with the board 'native'"
  fi
}

make_environment
install_python_packages
install_tools
