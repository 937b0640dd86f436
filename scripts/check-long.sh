#!/usr/bin/env bash
# Everything that takes too long for make check: fuzzing of every target, then
# the simulation study with all its seeds. FUZZTIME is the time for each target.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-30s}

git ls-files '*_test.go' | xargs grep -lE '^func Fuzz' | sort | while read -r file; do
    dir=./$(dirname "$file")
    grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/^func //' | while read -r target; do
        echo "== fuzz $dir $target"
        "$GO" test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME"
    done
done

echo "== compressed networks against ONNX Runtime on all test images"
LETHE_LONG=1 "$GO" test ./compress/... -run '^TestAgreement$' -timeout 60m

echo "== accuracy over all corruptions and severities, all test images"
LETHE_LONG=1 "$GO" test ./bench/trend -run '^TestTrend$' -timeout 60m

echo "== an experiment that is killed ten times"
if [ -n "${LETHE_CIFAR10:-}" ]; then
    LETHE_LONG=1 "$GO" test ./internal/cli -run '^TestRunKilled$' -v -timeout 30m
else
    echo "skipped: LETHE_CIFAR10 names no folder with CIFAR-10's binary files"
fi

echo "== simulation study, 1,000 seeds"
"$GO" run ./bench/simulate --seeds 1000 --mode all

echo "== arm64 kernels under qemu-user"
if qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64); then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    GOARCH=arm64 CGO_ENABLED=0 "$GO" test -c -o "$out/kernel.test" ./engine/kernel
    "$qemu" "$out/kernel.test"
else
    echo "skipped: qemu-aarch64 is not installed (Debian: qemu-user-static)"
fi
