"""Runs on a real Slurm: one machine as two nodes, started and stopped by tests/slurm_cluster.sh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import miniature
import pytest

from common.utils.paths import ROOT

MISSING = [name for name in ("sbatch", "munged", "slurmctld", "slurmd") if not shutil.which(name, path=(
    os.environ["PATH"] + ":/usr/sbin:/sbin"))]  # fmt: skip
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"no Slurm here ({', '.join(MISSING)}): apt-get install slurm-wlm munge"
)
PATIENCE = 300.0  # seconds
LIFTER = '''"""The lifter, small, with data that take long enough for a run to be disturbed."""

import time
from dataclasses import dataclass, replace

from config.lifter.lifter import experiment as lifter
from data.synthetic import SyntheticPeople


@dataclass(frozen=True)
class Slow(SyntheticPeople):
    def batch(self, *asked):
        time.sleep(0.05)
        return super().batch(*asked)


experiment = replace(
    lifter, train=Slow(count=1280), batch_size=16, epochs=2, workers=1, evaluate_every=0, save_minutes=9.0
)
'''


@dataclass(frozen=True)
class Cluster:
    """Slurm's commands and ours, on that cluster."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submit(self, script: str, *words: str) -> str:
        """The job's number."""
        return self.run("sh", f"main/{script}", *words).split()[1].rstrip(":")

    def train(self, name: str, count: str = "2", *words: str) -> str:
        return self.submit("slurm_train.sh", name, count, f"{self.folder}/slow.py", "model.width=32", *words)

    def state(self, job: str) -> str:
        return self.run("scontrol", "--oneliner", "show", "job", job).split("JobState=")[1].split()[0]

    def until(self, there: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not there():
            assert time.monotonic() < end, f"no {what}: {self.run('squeue')} {self.told()}"
            time.sleep(0.1)

    def ended(self, job: str) -> str:
        """How a job ended; one that was queued again does not wait its two minutes."""
        hurried = False

        def over() -> bool:
            nonlocal hurried
            state = self.state(job)
            if state == "PENDING" and not hurried:
                self.hurry(job)
            hurried = state == "PENDING"
            return state in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")

        self.until(over, f"end of job {job}")
        return self.state(job)

    def hurry(self, job: str) -> None:
        """Let a waiting job start soon, but not in the second it ended in: its nodes would refuse it."""
        self.run("scontrol", "update", f"jobid={job}", "starttime=now+3")

    def output(self, name: str) -> Path:
        (found,) = (self.folder / "output").glob(f"{name}_*")
        return found

    def steps(self, name: str) -> list[str]:
        log = self.output(f"train_{name}") / "log" / "train.jsonl"
        return log.read_text().splitlines() if log.exists() else []

    def told(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.rglob("*_[0-9]*.txt")))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="slurm_", dir="/tmp"))  # sockets want short paths
    script = ["sh", str(ROOT / "tests" / "slurm_cluster.sh")]
    started = subprocess.run([*script, "start", str(folder)], capture_output=True, text=True, timeout=120)
    settings = {
        "SLURM_CONF": str(folder / "slurm.conf"), "HUMANMESH_OUTPUT": str(folder / "output"),
        "PYTHON": sys.executable, "GPUS_PER_NODE": "1",
    }  # fmt: skip
    (folder / "slow.py").write_text(LIFTER)
    try:
        assert started.returncode == 0, started.stderr
        yield Cluster(folder, {**os.environ, **settings})
    finally:
        subprocess.run([*script, "stop", str(folder)], capture_output=True, timeout=60)
        time.sleep(1)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def uninterrupted(cluster: Cluster) -> list[str]:
    assert cluster.ended(cluster.train("whole")) == "COMPLETED", cluster.told()
    return cluster.steps("whole")


def test_two_nodes_train_into_one_folder(cluster: Cluster, uninterrupted: list[str]) -> None:
    run = cluster.output("train_whole")
    assert len(uninterrupted) == 160 and len(list(cluster.folder.glob("output/train_*"))) == 1
    assert {path.name for path in (run / "code").iterdir()} == {"slow.py", "command.json", "experiment.txt"}
    assert (run / "model_dump" / "snapshot_2").is_dir() and "on 2 x cpu" in cluster.told()


def test_preempted_and_told_of_the_limit_it_goes_on_to_the_bit(
    cluster: Cluster, uninterrupted: list[str]
) -> None:
    job = cluster.train("disturbed")
    cluster.until(lambda: len(cluster.steps("disturbed")) > 5, "first steps")
    urgent = ["sbatch", "--partition=urgent", "--nodes=2", "--ntasks=2", "--cpus-per-task=2"]
    cluster.run(*urgent, f"--output={cluster.folder}/urgent", "--wrap=hostname")  # takes both nodes
    cluster.until(lambda: cluster.state(job) == "PENDING", "preemption")
    stopped = len(cluster.steps("disturbed"))
    cluster.hurry(job)
    cluster.until(lambda: len(cluster.steps("disturbed")) > stopped, "steps after it")
    cluster.run("scancel", "--signal=USR1", job)  # as Slurm does shortly before the limit
    assert cluster.ended(job) == "COMPLETED", cluster.told()
    assert cluster.steps("disturbed") == uninterrupted
    (log,) = cluster.output("train_disturbed").glob("log/slurm_*.txt")
    assert log.read_text().count("Ended by a signal") == 2 == log.read_text().count("goes on from snapshot")


def test_its_result_is_measured_on_two_nodes(cluster: Cluster, uninterrupted: list[str]) -> None:
    few = ["--testset", "synthetic", "test.synthetic.dataset.count=33", "test.synthetic.count=None"]
    run = cluster.output("train_whole")
    job = cluster.submit("slurm_test.sh", "measured", "2", run.name, "2", *few)
    assert cluster.ended(job) == "COMPLETED", cluster.told()
    result = json.loads((cluster.output("test_measured") / "result" / "synthetic.json").read_text())
    assert len(result["persons"]) == 33 and result["about"]["weights"].endswith("snapshot_2")
    assert "synthetic/mpjpe" in (cluster.folder / "output" / "slurm" / f"measured_{job}.txt").read_text()


def test_smpler_x_trains_on_official_formats_is_told_to_stop_and_measured(cluster: Cluster) -> None:
    config = miniature.write(cluster.folder / "miniature", persons=4)
    files = {"HUMAN_MODEL_FILES": str(config.parent / "human_model_files")}
    there = Cluster(cluster.folder, cluster.environment | files)
    job = there.submit("slurm_train.sh", "smpler_x", "2", str(config))
    there.until(lambda: len(there.steps("smpler_x")) > 0, "first step")
    there.run("scancel", "--signal=USR1", job)
    assert there.ended(job) == "COMPLETED", there.told()
    assert len(there.steps("smpler_x")) == 4 and "goes on from snapshot" in there.told()
    run = there.output("train_smpler_x")
    job = there.submit("slurm_test.sh", "smpler_x_result", "2", str(run), "last")
    assert there.ended(job) == "COMPLETED", there.told()
    result = json.loads((there.output("test_smpler_x_result") / "result" / "EHF.json").read_text())
    assert set(result["persons"]) == {"EHF/00", "EHF/01"} and result["numbers"]["mpvpe"] > 0


def test_a_job_that_is_canceled_saves_itself_and_stays_canceled(cluster: Cluster) -> None:
    job = cluster.train("canceled", "1", "epochs=99")
    cluster.until(lambda: len(cluster.steps("canceled")) > 2, "first steps")
    cluster.run("scancel", job)
    cluster.until(lambda: "Ended by a signal" in cluster.told().rsplit("canceled begins", 1)[-1], "end")
    cluster.until(lambda: not cluster.run("squeue", "--noheader"), "empty queue")
    assert cluster.state(job) == "CANCELLED"
