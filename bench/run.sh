#!/usr/bin/env bash
# The measurements of bench/README.md, in the order of its tables. Run it on a
# machine that does nothing else. About 15 minutes and 3 GB of disk; without the
# step to 1e9 predictions: BENCH_MAX=1e8 bash bench/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
OUT=${BENCH_OUT:-out/bench}
MAX=${BENCH_MAX:-1e9}
PYTHON=${PYTHON:-/usr/bin/python3}
mkdir -p "$OUT"

for tool in gen measure growth; do
    "$GO" build -o "bin/$tool" "./bench/$tool"
done
make build
measure() { bin/measure "$@"; }

echo "## Machine"
"$GO" version
grep -m1 'model name' /proc/cpuinfo 2>/dev/null || true
nproc 2>/dev/null || true

echo "## Programs"
bin/measure -header
measure -n 50 -name "start-up" -- bin/lethe --version

bin/gen --examples 1000000 --classes 1000 --members 10 --format dir -o "$OUT/dir"
measure -n 3 -name "60 x 1,000,000 x 1,000 from Parquet to HTML, no resampling" -- \
    bin/lethe audit "$OUT/dir" -o "$OUT/audit" --force --no-copy --quiet --no-resample
measure -n 3 -name "the same, with noise floor, permutations and cross-fitting" -- \
    bin/lethe audit "$OUT/dir" -o "$OUT/audit" --force --no-copy --quiet

bin/gen --examples 50000 --classes 1000 --members 10 --format csv -o "$OUT/long.csv"
measure -n 5 -name "60 x 50,000 from CSV to HTML" -- \
    bin/lethe audit "$OUT/long.csv" -o "$OUT/audit" --force --no-copy --quiet

bin/gen --examples 136000 --format lm-eval -o "$OUT/lm-eval"
measure -n 3 -name "1 GB of sample logs of two language models, audited" -- \
    bin/lethe audit --baseline "fp16=$OUT/lm-eval/fp16" --candidate "int4=$OUT/lm-eval/int4" \
    -o "$OUT/audit" --force --no-copy --quiet --no-resample
rm -rf "$OUT/lm-eval"

echo "## Yardstick (NumPy, pandas, SciPy) and the same two checks"
bin/gen --examples 1000000 --classes 1000 --members 10 --format npy -o "$OUT/npy"
members() { # NAME=file,file,...
    local files
    files=$(ls -v "$OUT"/npy/"$1"-*.npy | paste -sd,)
    echo "$1=$files"
}
candidates=()
for v in pruned-30 pruned-50 pruned-70 pruned-90 pruned-95; do
    candidates+=(--candidate "$(members "$v")")
done
bin/measure -header
if "$PYTHON" -c 'import numpy, pandas, scipy' 2>/dev/null; then
    measure -n 3 -name "yardstick, 60 x 1,000,000 npy" -- "$PYTHON" bench/yardstick/pie_welch.py npy "$OUT/npy"
    measure -n 3 -name "yardstick, 60 x 50,000 CSV" -- "$PYTHON" bench/yardstick/pie_welch.py csv "$OUT/long.csv"
else
    echo "yardstick left out: $PYTHON has no numpy, pandas and scipy" >&2
fi
measure -n 3 -name "lethe --checks classimpact,pie, 60 x 1,000,000 npy" -- \
    bin/lethe audit --labels "$OUT/npy/labels.npy" --baseline "$(members dense)" "${candidates[@]}" \
    -o "$OUT/audit" --force --no-copy --quiet --no-resample --checks classimpact,pie
measure -n 3 -name "lethe --checks classimpact,pie, 60 x 50,000 CSV" -- \
    bin/lethe audit "$OUT/long.csv" -o "$OUT/audit" --force --no-copy --quiet --no-resample --checks classimpact,pie

echo "## Growth"
svg=$OUT/growth.svg
[ "$MAX" != 1e9 ] || svg=bench/growth.svg # the picture of README.md shows the whole range
bin/growth --lethe bin/lethe --gen bin/gen --work "$OUT/growth" --svg "$svg" --max "$MAX"

echo "## Predictions from JPEG files"
"$GO" run ./bench/decode --rounds 5

echo "## Go benchmarks"
"$GO" test ./bench -run '^$' -bench . -benchtime 3x -timeout 60m

rm -rf "$OUT/npy" "$OUT/dir" "$OUT/audit" "$OUT/long.csv"
