#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes .venv with edgekit in it and installs the compilers and the emulator where that is allowed.
# Safe to run again: what is there already is left alone.
# Usage: scripts/set-up.sh EXTRA [riscv]     (EXTRA: demo or dev; riscv: also for qemu-virt-rv32)
set -eu

extra=${1:-demo}
also=${2:-}
cd "$(dirname "$0")/.."

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
  .venv/bin/python -c 'import pip' 2>/dev/null && return
  python=$(find_python)
  [ -n "$python" ] || fail "no Python 3.11, 3.12 or 3.13 found" \
    "apt-get install python3 python3-venv, or set PYTHON=/path/to/python3.11"
  say "set-up: making .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv || fail "'$python -m venv' failed" "apt-get install python3-venv"
}

# The folder counts too: the commands in .venv/bin hold its full path, and checkouts are moved.
install_python_packages() {
  stamp=.venv/.edgekit-$extra
  wanted=$({ pwd && cat pyproject.toml scripts/set-up.sh; } | cksum)
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

has() { command -v "$1" >/dev/null 2>&1; }

# Debian packages of the tools that are missing, on one line.
missing_packages() {
  has cc || printf 'gcc libc6-dev '
  if ! has arm-none-eabi-gcc || [ "$(arm-none-eabi-gcc -print-file-name=nano.specs)" = nano.specs ]
  then
    printf 'gcc-arm-none-eabi libnewlib-arm-none-eabi '
  fi
  if [ "$extra" = dev ]; then
    has avr-g++ || printf 'gcc-avr avr-libc arduino-core-avr '
    has cmake || printf 'cmake '
  fi
  has qemu-system-arm || printf 'qemu-system-arm '
  [ "$also" = riscv ] || return 0
  has riscv64-unknown-elf-gcc || printf 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf '
  has qemu-system-riscv32 || printf 'qemu-system-misc '
}

# Says what happens without the missing tools.
go_on() {
  if has cc; then
    say "  going on with the board 'native', this machine itself"
  else
    say "  without a C compiler no board can be used, not even 'native'"
  fi
}

install_tools() {
  packages=$(missing_packages)
  packages=${packages% }
  [ -n "$packages" ] || return 0
  install="apt-get install -y --no-install-recommends $packages"
  if ! has apt-get; then
    say "set-up: missing, and no apt-get here to install them; in Debian the packages are:"
    say "  $packages"
    go_on
    return
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=""
  elif sudo -n true 2>/dev/null; then
    as_root="sudo "
  else
    say "set-up: tools are missing, and this user may not install them; to get them:"
    say "  sudo $install"
    go_on
    return
  fi
  say "set-up: ${as_root}apt-get update; $as_root$install"
  ${as_root}apt-get update -qq >/dev/null || say "set-up: apt-get update failed"
  if ! ${as_root}env DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null; then
    say "set-up: apt-get failed, see the lines above"
    go_on
  fi
}

make_environment
install_python_packages
install_tools
