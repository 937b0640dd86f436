#!/usr/bin/env bash
# Installs ONNX Runtime for tests and benchmarks, and prints the path of its
# library: ONNXRUNTIME_LIB=$(scripts/ort.sh). It comes with npm's
# onnxruntime-node and goes to LETHE_ORT_DIR (default: a folder of the user's
# cache), where the tests look for it; they skip without it.
# --ignore-scripts: the package's own script would fetch GPU files.
set -euo pipefail
VERSION=1.30.0
DIR=${LETHE_ORT_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lethe/onnxruntime}

if [ "$(cat "$DIR/VERSION" 2>/dev/null)" != "$VERSION" ]; then
    if ! command -v npm >/dev/null; then
        echo "ort.sh: npm is needed to install ONNX Runtime" >&2
        exit 2
    fi
    mkdir -p "$DIR"
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$DIR" "onnxruntime-node@$VERSION" >&2
    echo "$VERSION" >"$DIR/VERSION"
fi

case $(uname -s) in
    Linux) os=linux lib=libonnxruntime.so.1 ;;
    Darwin) os=darwin lib=libonnxruntime.1.dylib ;;
    *) echo "ort.sh: no library for $(uname -s) is known here" >&2; exit 2 ;;
esac
case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) echo "ort.sh: no library for $(uname -m) is known here" >&2; exit 2 ;;
esac
for path in "$DIR"/node_modules/onnxruntime-node/bin/napi-v*/"$os/$arch/$lib"; do
    if [ -f "$path" ]; then
        echo "$path"
        exit 0
    fi
done
echo "ort.sh: $DIR holds no $lib for $os/$arch" >&2
exit 2
