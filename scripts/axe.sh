#!/usr/bin/env bash
# Installs axe-core, which audits pages for accessibility in tests, from npm and
# prints the path of its script: LETHE_AXE=$(scripts/axe.sh). It goes to
# LETHE_AXE_DIR (default: out/, where the tests look for it).
set -euo pipefail
VERSION=4.14.1
DIR=${LETHE_AXE_DIR:-$(cd "$(dirname "$0")/.." && pwd)/out}
FILE=$DIR/node_modules/axe-core/axe.min.js

if ! grep -q "\"version\": \"$VERSION\"" "$DIR/node_modules/axe-core/package.json" 2>/dev/null; then
    if ! command -v npm >/dev/null; then
        echo "axe.sh: npm is needed to install axe-core" >&2
        exit 2
    fi
    mkdir -p "$DIR"
    npm install --silent --no-fund --no-audit --no-save --ignore-scripts --prefix "$DIR" "axe-core@$VERSION" >&2
fi
if [ ! -f "$FILE" ]; then
    echo "axe.sh: no $FILE after the installation" >&2
    exit 2
fi
echo "$FILE"
