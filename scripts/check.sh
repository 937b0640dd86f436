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

# The race detector needs cgo and is several times slower: it runs where
# goroutines share memory.
echo "== race"
CGO_ENABLED=1 "$GO" test -race -short ./audit/... ./prediction/... ./stat/countboot/... ./internal/cli/...
