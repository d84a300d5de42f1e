#!/bin/sh
usage='Train one experiment under Slurm:

    sh main/slurm_train.sh JOB NUM_GPU CONFIG [flags and key=value of train.py]

The run goes to output/train_JOB_DATE, with the config in code/ and what the job says in log/slurm_NUMBER.txt.
Before the time limit, or preempted, it saves itself, is queued again and goes on to the bit.
A run that has ended goes on with: sh main/slurm_train.sh JOB NUM_GPU CONFIG --continue'
. "$(dirname "$0")/slurm.sh"
expect 3 $# "${1-}"
job=$1 count=$2 config=$3
shift 3
[ -f "$config" ] && config=$(cd "$(dirname "$config")" && pwd)/$(basename "$config")
cd "$root"

# made now, so that a misspelled key is said at once rather than when the job begins
set -- --config "$config" --exp_name "$job" "$@"
folder=$("$python" -m main.train --only_folder "$@")
submit "$folder/log/slurm_%j.txt" "$count" main.train --folder "$folder" "$@"
