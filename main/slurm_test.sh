#!/bin/sh
usage='Measure a run under Slurm:

    sh main/slurm_test.sh JOB NUM_GPU TRAIN_OUTPUT_DIR CKPT_ID [flags of test.py]

TRAIN_OUTPUT_DIR is the folder of a run, or its name below output/; CKPT_ID an epoch, "best" or "last".
The benchmarks are those of its config, or --testset EHF,UBody. Results go to output/test_JOB_..., what the
job says to output/slurm/JOB_NUMBER.txt.'
. "$(dirname "$0")/slurm.sh"
expect 4 $# "${1-}"
job=$1 count=$2 run=$3 snapshot=$4
shift 4

[ -d "$output/$(basename "$run")" ] && [ ! -d "$run" ] && run=$output/$(basename "$run")
[ -d "$run" ] || stop "$run is no folder of a run."
run=$(cd "$run" && pwd)
set -- --result_path "$run" --ckpt_idx "$snapshot" --exp_name "$job" "$@"
submit "$output/slurm/${job}_%j.txt" "$count" main.test "$@"
