#!/usr/bin/env bash
# Puts the finished members of a run beside its experiment, with their
# predictions (no images), for the test data and for corrupted ones:
#
#   scripts/bundle.sh RUN BUNDLE DATA [SHIFTS]
#   scripts/bundle.sh out/cifar10-resnet8 examples/cifar10-resnet8 \
#       'cifar10:cifar-10-batches-bin?mean=.4914,.4822,.4465&std=.2470,.2435,.2616' fog:1,fog:3,fog:5
#
# SHIFTS are corruptions as lethe predict --shift takes them; without it they are
# those of the run's plan, "" is none. The run may go on meanwhile, and need not
# be finished: each variant comes with the members that it has. Of clean data
# classes, confidences and scores of the true class are kept, of shifted data the
# classes alone. A script that was stopped goes on where it was.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
run=$1 bundle=$2 data=$3
lethe=$(realpath "${LETHE:-bin/lethe}")
if [ $# -ge 4 ]; then
    shifts=$4
else
    shifts=$(grep -oE '"id": "predict/[a-z_]+-[1-5]"' "$run/plan.json" | sed -E 's,.*/(.*)-([1-5])",\1:\2,' | paste -sd, - || true)
fi

# Records are read first: the outputs of a job are whole when its record is there.
mkdir -p "$bundle"
for kind in train compress; do
    [ -d "$run/done/$kind" ] || continue
    mkdir -p "$bundle/done/$kind"
    cp -r "$run/done/$kind/." "$bundle/done/$kind/"
done
find "$bundle/done" -name '*.json' | sort | while read -r record; do
    grep -oE '"path": "[^"]+"' "$record" | cut -d'"' -f4 | while read -r file; do
        [ -e "$run/$file" ] || continue # it came with an earlier bundle
        mkdir -p "$bundle/$(dirname "$file")"
        cp "$run/$file" "$bundle/$file"
    done
done

# Variants in the order of the plan, each with the members that it has.
args=()
for v in $(grep -oE '"id": "(train|compress)/[^/]+/' "$run/plan.json" | cut -d/ -f2 | awk '!seen[$0]++'); do
    files=$(cd "$bundle" && find "done/train/$v" "done/compress/$v" -name '*.json' 2>/dev/null |
        sed -E 's,^done/[a-z]+/(.*)\.json$,models/\1.onnx,' | sort | paste -sd, - || true)
    if [ -n "$files" ]; then
        args+=("$v=$files")
    elif [ ${#args[@]} = 0 ]; then
        echo "no member of the baseline is there yet: no predictions" >&2
        exit 0
    else
        echo "$v: no member is there yet" >&2
    fi
done
cd "$bundle"
shifted=()
[ -z "$shifts" ] || shifted=(--shift "$shifts" --brief)
rm -rf predictions.new
"$lethe" predict "${args[@]}" --data "$data" --scores none "${shifted[@]}" -o predictions.new
rm -rf predictions
mv predictions.new predictions
for part in models predictions .; do
    echo "$part: $(find "$part" -type f -exec cat {} + | wc -c) bytes in $(find "$part" -type f | wc -l) files"
done
