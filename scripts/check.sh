#!/usr/bin/env bash
# Format, vet, staticcheck, layers and all tests. CI runs this and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

echo "== format"
bad=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
if [ -n "$bad" ]; then
    printf 'not formatted (make fmt):\n%s\n' "$bad" >&2
    exit 1
fi

echo "== modules"
"$GO" mod tidy -diff

echo "== vet"
"$GO" vet ./...

echo "== staticcheck"
"$GO" tool staticcheck ./...

echo "== tests"
make test

# The program that can load ONNX Runtime; tests that need the library skip
# without it (scripts/ort.sh installs it).
echo "== program with ONNX Runtime"
"$GO" vet -tags ort ./engine/ort ./internal/cli ./cmd/lethe
"$GO" tool staticcheck -tags ort ./engine/ort ./internal/cli ./cmd/lethe
"$GO" test -tags ort ./engine/ort
"$GO" test -tags ort -run Runtime ./internal/cli

# The race detector needs cgo and is several times slower: it runs where
# goroutines share memory. engine/kernel starts none, and takes minutes.
echo "== race"
CGO_ENABLED=1 "$GO" test -race -short -timeout 30m ./audit/... ./dataset/... ./engine ./engine/op ./infer/... ./prediction/... ./stat/countboot/... ./internal/cli/...
