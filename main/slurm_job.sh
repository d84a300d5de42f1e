#!/bin/sh
# What Slurm runs: `$1 -m $2 ...` in every task of the job, as torchrun would start them; queued by slurm.sh.
#
# A run that a signal ended has saved itself and says so by status 75 (or was told before it had begun: 138
# and 143); it is queued again, under the same number, and goes on. One that the user canceled is not.
set -u
python=$1
shift
trap : TERM USR1 # a signal is for the tasks; this shell waits for what they make of it

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_ADDR=$(scontrol --oneliner show node "$first" | tr ' ' '\n' | sed -n 's/^NodeAddr=//p')
export MASTER_ADDR="${MASTER_ADDR:-$first}" MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))
export WORLD_SIZE="$SLURM_NTASKS"
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}" # newer Slurms no longer pass it on
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$SRUN_CPUS_PER_TASK}"
export TORCH_CPP_LOG_LEVEL="${TORCH_CPP_LOG_LEVEL:-ERROR}" # who is gone is said once

# --wait: where one task ends alone, the others have a minute to notice
srun --kill-on-bad-exit=0 --wait=60 \
    sh -c 'export RANK="$SLURM_PROCID" LOCAL_RANK="$SLURM_LOCALID"; exec "$@"' task "$python" -m "$@"
status=$?
case $status in
    75 | 138 | 143)
        if [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; then
            echo "job $SLURM_JOB_ID was told to end, and is queued again"
            trap - TERM
            # then Slurm ends this shell: its own status might be taken for that of the next start
            scontrol requeue "$SLURM_JOB_ID" && sleep 600
        fi
        ;;
esac
exit $status
