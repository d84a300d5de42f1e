"""What Slurm's three scripts ask Slurm for; on no cluster, so that they are checked everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.utils.paths import ROOT
from demo import options
from main import command_line

TOY = str(ROOT / "tests" / "toy.py")
SCRIPTS = ("slurm_train.sh", "slurm_test.sh", "slurm_inference.sh")


@pytest.fixture
def asked(tmp_path: Path):
    """Run a script beside stand-ins of Slurm's commands: what it said, and what sbatch was given."""
    commands = {"sbatch": 'printf "%s\\n" "$@" >"$ASKED"; echo 7', "sinfo": 'echo "${HAS:-gpu:8(S:0)}"'}
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    words = tmp_path / "words"

    def run(*line: str, **settings: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        given = {"ASKED": str(words), "HUMANMESH_OUTPUT": str(tmp_path / "output"), "PYTHON": sys.executable}
        path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        command = ["sh", str(ROOT / "main" / line[0]), *line[1:]]
        environment = {**os.environ, **given, **path, **settings}
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        return done, words.read_text().splitlines() if words.exists() else []

    return run


@pytest.mark.parametrize(
    ("count", "settings", "shape"),
    [
        (1, {}, "--gres=gpu:1 --nodes=1 --ntasks=1 --ntasks-per-node=1"),
        (8, {}, "--gres=gpu:8 --nodes=1 --ntasks=8 --ntasks-per-node=8"),
        (16, {}, "--gres=gpu:8 --nodes=2 --ntasks=16 --ntasks-per-node=8"),
        (12, {}, "--gres=gpu:6 --nodes=2 --ntasks=12 --ntasks-per-node=6"),
        (8, {"GPUS_PER_NODE": "4", "GRES": "gpu:a100"}, "--gres=gpu:a100:4 --nodes=2 --ntasks=8"),
        (4, {"HAS": "(null)"}, "--cpus-per-task=1 --nodes=1 --ntasks=4 --ntasks-per-node=4"),
        (2, {"SBATCH_OPTIONS": "--mem=9G --exclude=a"}, "--mem=9G --exclude=a"),
        (2, {"SIGNAL_SECONDS": "600"}, "--signal=USR1@600 --requeue --open-mode=append --job-name=mine"),
    ],
)
def test_nodes_are_filled_before_another_is_taken(asked, tmp_path: Path, count, settings, shape) -> None:
    (tmp_path / "run").mkdir()
    done, words = asked("slurm_test.sh", "mine", str(count), "run", "last", **settings)
    assert done.returncode == 0, done.stderr
    assert set(shape.split()) <= set(words)
    assert not [word for word in words if re.match("--(partition|account|qos)", word)]


def test_training_has_its_folder_before_the_job_begins(asked, tmp_path: Path) -> None:
    done, words = asked("slurm_train.sh", "mine", "8", TOY, "epochs=1", "--lr", "3e-5")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "output").glob("train_mine_*")
    assert (folder / "code" / "toy.py").read_text() == Path(TOY).read_text()
    assert f"--output={folder}/log/slurm_%j.txt" in words and f"{folder}/log/slurm_7.txt" in done.stdout
    program = words[words.index(str(ROOT / "main" / "slurm_job.sh")) + 1 :]
    assert program[:2] == [sys.executable, "main.train"]
    found = command_line.train_parser().parse(program[2:])
    assert (found.folder, found.overrides) == (folder, ["name=mine", "optimizer.lr=3e-5", "epochs=1"])


def test_a_misspelled_key_is_said_at_once(asked) -> None:
    done, words = asked("slurm_train.sh", "mine", "8", TOY, "epocs=1")
    assert done.returncode == 1 and "did you mean 'epochs'" in done.stderr and not words


def test_a_video_is_looked_for_where_it_always_was(asked, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("")
    done, words = asked("slurm_inference.sh", "clip", "mp4", "30", "smpler_x_h32", "--smooth")
    assert done.returncode == 0, done.stderr
    program = words[words.index("demo.demo") + 1 :]
    found = options.parser().parse(program)
    assert found.vid_file == tmp_path / "clip.mp4" and found.config == "smpler_x_h32.py" and found.smooth
    assert str(found.pretrained_model_path) == "pretrained_models/smpler_x_h32.pth.tar"
    assert "--ntasks=1" in words
    done, _ = asked("slurm_inference.sh", "no_clip", "mp4", "30", "smpler_x_h32")
    assert done.returncode == 2 and "there is no no_clip.mp4" in done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_lists_what_the_environment_sets(asked, script: str) -> None:
    done, words = asked(script, "-h")
    assert done.returncode == 0 and not words
    read = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "main" / "slurm.sh").read_text()))
    assert read - {"VIRTUAL_ENV", "CONDA_PREFIX"} <= set(re.findall(r"[A-Z_]{4,}", done.stdout))
    assert "SBATCH_PARTITION" in done.stdout and "SBATCH_ACCOUNT" in done.stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["slurm_train.sh", "mine", "8"], "2 arguments are too few"),
        (["slurm_test.sh", "mine", "8", "gone", "last"], "gone is no folder of a run"),
        (["slurm_test.sh", "mine", "9", ".", "last"], "9 processes do not share 2 nodes evenly"),
        (["slurm_test.sh", "mine", "all", ".", "last"], "'all' is no number of GPUs"),
    ],
)
def test_what_cannot_be_queued_is_a_sentence(asked, line: list[str], sentence: str) -> None:
    done, words = asked(*line)
    assert done.returncode == 2 and sentence in done.stderr and not words
