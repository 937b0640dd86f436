#!/usr/bin/env bash
# Installs ONNX Runtime for tests and benchmarks: npm's onnxruntime-node, which
# carries the native library. It goes to LETHE_ORT_DIR (default: a folder of
# the user's cache), where the tests look for it; they skip without it.
# --ignore-scripts: the package's own script would fetch GPU files.
set -euo pipefail
VERSION=1.30.0
DIR=${LETHE_ORT_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lethe/onnxruntime}

if ! command -v npm >/dev/null; then
    echo "ort.sh: npm is needed to install ONNX Runtime" >&2
    exit 2
fi
if [ "$(cat "$DIR/VERSION" 2>/dev/null)" = "$VERSION" ]; then
    echo "ONNX Runtime $VERSION is in $DIR"
    exit 0
fi
mkdir -p "$DIR"
npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$DIR" "onnxruntime-node@$VERSION"
echo "$VERSION" >"$DIR/VERSION"
echo "ONNX Runtime $VERSION is in $DIR"
