#!/usr/bin/env bash
# Makes a Python environment with what a file of requirements lists, unless it is there:
#
#   bash tests/python.sh FOLDER REQUIREMENTS
#
# uv installs it. pip takes twenty times as much of the processors, most of it to compile modules that
# nobody imports.
set -euo pipefail

folder=$1
requirements=$2
if cmp -s "$requirements" "$folder/installed"; then
    exit
fi
command -v python3 >/dev/null || {
    echo "python3 is missing: install Python 3.10 or newer, with venv" >&2
    exit 1
}
version=0.13.9
tools=$(dirname "$0")/../target/tools
uv=$tools/uv-$version
if [[ ! -e $uv ]]; then
    mkdir -p "$tools"
    # Others may do the same meanwhile: whoever is last puts the same program there at once.
    made=$(mktemp -d "$tools/uv.XXXXXX")
    trap 'rm -rf "$made"' EXIT
    python3 -m venv "$made"
    "$made/bin/pip" install --quiet --disable-pip-version-check --no-compile "uv==$version"
    mv "$made/bin/uv" "$uv"
fi
# It refuses a folder with anything but an environment in it.
"$uv" venv --quiet --clear --no-python-downloads --python "$(command -v python3)" "$folder"
"$uv" pip install --quiet --python "$folder" --requirement "$requirements"
cp "$requirements" "$folder/installed"
