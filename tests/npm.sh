#!/usr/bin/env bash
# Puts what a folder's package-lock.json lists into another folder, unless it is there:
#
#   bash tests/npm.sh FOLDER SOURCE
set -euo pipefail

folder=$1
source=$2
if cmp -s "$source/package-lock.json" "$folder/node_modules/installed"; then
    exit
fi
command -v npm >/dev/null || {
    echo "npm is missing: install Node.js 20.19 or newer, which brings it" >&2
    exit 1
}
mkdir -p "$folder"
cp "$source/package.json" "$source/package-lock.json" "$folder/"
npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$folder"
cp "$source/package-lock.json" "$folder/node_modules/installed"
