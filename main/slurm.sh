# What Slurm's three scripts have in common; read by them, with `usage` set.
#
# submit LOG COUNT MODULE ARGUMENTS...: a job of COUNT processes, each `python -m MODULE ARGUMENTS...`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
script=$(basename "$0")

settings='Settings are environment variables:
  SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_QOS, SBATCH_TIMELIMIT, SBATCH_CONSTRAINT and all others of sbatch
  SBATCH_OPTIONS    anything else for sbatch, such as "--mem=120G --exclude=node7"
  GPUS_PER_NODE     processes of a node, a GPU each, before another node is taken (8)
  GRES              what Slurm calls a GPU (gpu); none on a cluster without: processes on CPUs, over gloo
  CPUS_PER_TASK     cores of a process (8 beside a GPU, else 1); the experiment'"'"'s `workers` run on them too
  SIGNAL_SECONDS    how long before the time limit a run is told to save itself and queue again (120)
  PYTHON            the interpreter (the active environment'"'"'s, else that of .venv)
  HUMANMESH_OUTPUT  where runs and results go (output)
  HUMAN_MODEL_FILES where the official body files lie (pretrained_models/human_model_files)'

say() { printf '%s\n' "$script: $*" >&2; }
stop() { say "$*"; exit 2; }

expect() { # expect NEEDED GIVEN FIRST: help where it is asked for, or too little is given
    case ${3-} in
        -h | --help) printf '%s\n\n%s\n' "$usage" "$settings"; exit 0 ;;
    esac
    [ "$2" -ge "$1" ] || { printf '%s\n' "$usage" >&2; stop "$2 arguments are too few; -h says more."; }
}

python=${PYTHON:-}
[ -n "$python" ] || [ -z "${VIRTUAL_ENV:-}" ] || python=$VIRTUAL_ENV/bin/python
[ -n "$python" ] || [ -z "${CONDA_PREFIX:-}" ] || python=$CONDA_PREFIX/bin/python
[ -n "$python" ] || [ ! -x "$root/.venv/bin/python" ] || python=$root/.venv/bin/python
python=${python:-python3}
output=${HUMANMESH_OUTPUT:-$root/output}

submit() {
    log=$1 count=$2
    shift 2
    case $count in
        '' | *[!0-9]* | 0) stop "'$count' is no number of GPUs." ;;
    esac
    command -v sbatch >/dev/null ||
        stop "sbatch is not here; without Slurm: torchrun, or --num_gpus (docs/training.md)."
    most=${GPUS_PER_NODE:-8}
    nodes=$(((count + most - 1) / most))
    each=$((count / nodes))
    [ $((each * nodes)) -eq "$count" ] ||
        stop "$count processes do not share $nodes nodes evenly; choose another number."
    gres=${GRES:-$(sinfo --noheader --format=%G | grep -q gpu && echo gpu || echo none)}
    set -- --parsable --job-name="$job" --chdir="$root" --output="$log" --open-mode=append --requeue \
        --signal="USR1@${SIGNAL_SECONDS:-120}" --nodes="$nodes" --ntasks="$count" --ntasks-per-node="$each" \
        ${SBATCH_OPTIONS:-} "$root/main/slurm_job.sh" "$python" "$@"
    if [ "$gres" = none ]; then
        set -- --cpus-per-task="${CPUS_PER_TASK:-1}" "$@"
    else
        set -- --gres="$gres:$each" --cpus-per-task="${CPUS_PER_TASK:-8}" "$@"
    fi
    mkdir -p "$(dirname "$log")"
    number=$(sbatch "$@")
    number=${number%%;*}
    echo "job $number: $count processes on $nodes nodes; what it says: $(echo "$log" | sed "s/%j/$number/")"
}
