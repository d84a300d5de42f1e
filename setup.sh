#!/bin/sh
# Sets HumanMesh up and, where asked, tries it:  sh setup.sh [demo | test]
#
# An active environment (venv or conda) is used as it is; else .venv is made beside this file. A torch that is
# already there and new enough is kept. Can be run again at any time. PYTHON=... chooses the interpreter.
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "setup: $*"; }
stop() { printf '%s\n' "setup: $*" >&2; exit 1; }

case "${1-}" in
    '' | demo | test) ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) stop "'$1' is not one of: demo, test (or nothing, which only sets up)." ;;
esac

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON-} python3.11 python3.12 python3.13 python3.14 python3 python; do
        if command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    stop "no Python 3.11 or newer was found; install one, or name it: PYTHON=/path/to/python3.11 sh setup.sh"
}

if [ -n "${VIRTUAL_ENV-}" ] && [ -x "$VIRTUAL_ENV/bin/python" ]; then
    python=$VIRTUAL_ENV/bin/python
    say "using the active environment $VIRTUAL_ENV"
elif [ -n "${CONDA_PREFIX-}" ] && [ -x "$CONDA_PREFIX/bin/python" ]; then
    python=$CONDA_PREFIX/bin/python
    say "using the active environment $CONDA_PREFIX"
else
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        base=$(find_python)
        say "making .venv with $base"
        "$base" -m venv --clear .venv ||
            stop "$base could not make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv"
    fi
    python=$PWD/.venv/bin/python
fi
new_enough "$python" || stop "$python is older than Python 3.11; leave that environment, or use another: PYTHON=..."

requirements=$(mktemp)
trap 'rm -f "$requirements" "$requirements.bak"' EXIT
if kept=$("$python" - 2>/dev/null <<'EOF'
import torch, torchvision
assert tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2]) >= (2, 6)
print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
EOF
); then
    say "keeping $kept"
    grep -v '^torch' requirements.txt >"$requirements"
else
    say "installing PyTorch and the rest; this can take some minutes"
    cp requirements.txt "$requirements"
fi
sed -i.bak "s|^-e \.|-e \"$PWD${1:+[$1]}\"|; s|\[demo\]||" "$requirements"
"$python" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
    stop "pip could not install the packages above; see its message, mend it, and run this again"
say "ready; to use it in this shell: . ${python%/python}/activate"

case "${1-}" in
    demo) "$python" demo/demo.py ;;
    test) "$python" -m pytest ;;
esac
