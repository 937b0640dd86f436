#!/usr/bin/env bash
# Puts the finished members of a run beside its experiment, with their
# predictions (class and confidence, no images):
#
#   scripts/bundle.sh RUN BUNDLE DATA
#   scripts/bundle.sh out/cifar10-resnet8 examples/cifar10-resnet8 \
#       'cifar10:cifar-10-batches-bin?mean=.4914,.4822,.4465&std=.2470,.2435,.2616'
#
# Predictions are those of the members that every variant has.
set -euo pipefail
run=$1 bundle=$2 data=$3
lethe=${LETHE:-bin/lethe}

mkdir -p "$bundle"
for kind in train compress; do
    [ -d "$run/done/$kind" ] || continue
    mkdir -p "$bundle/done/$kind"
    cp -r "$run/done/$kind/." "$bundle/done/$kind/"
done
find "$bundle/done" -name '*.json' | sort | while read -r record; do
    grep -oE '"path": "[^"]+"' "$record" | cut -d'"' -f4 | while read -r file; do
        mkdir -p "$bundle/$(dirname "$file")"
        cp "$run/$file" "$bundle/$file"
    done
done

# Members that all variants have, in the order of the plan.
variants=$(grep -oE '"id": "(train|compress)/[^/]+/00"' "$run/plan.json" | cut -d/ -f2)
members=$(for v in $variants; do (cd "$bundle/models/$v" 2>/dev/null && ls ./*.onnx) || true; done |
    sort | uniq -c | awk -v n="$(wc -w <<<"$variants")" '$1 == n {print $2}')
[ -n "$members" ] || { echo "no member is there of every variant yet" >&2; exit 0; }
args=()
for v in $variants; do
    files=""
    for m in $members; do files+="${files:+,}models/$v/$(basename "$m")"; done
    args+=("$v=$files")
done
lethe=$(realpath "$lethe")
cd "$bundle"
rm -rf predictions
"$lethe" predict "${args[@]}" --data "$data" --scores none -o predictions
