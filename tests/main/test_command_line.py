"""The commands as the field types them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from common.utils import paths
from common.utils.errors import UserError
from common.utils.paths import ROOT
from main import test as test_command
from main import train as train_command
from main.benchmarks import chosen, made
from main.command_line import sentences, training
from main.command_line import testing as read_test
from main.experiment import Experiment

TOY = str(ROOT / "tests" / "toy.py")


@pytest.fixture
def output(tmp_path: Path, monkeypatch) -> Path:
    """Runs go to a temporary folder."""
    monkeypatch.setattr(paths, "OUTPUT", tmp_path / "output")
    return tmp_path / "output"


def train(*arguments: str) -> int:
    return train_command.main(["--config", TOY, "evaluate_every=0", "epochs=1", *arguments])


@pytest.fixture
def run(output: Path) -> Path:
    assert train("--exp_name", "mine", "epochs=2") == 0
    return next(output.glob("train_mine_*"))


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        (".", ["main/train.py"]),
        ("main", ["train.py"]),
        (".", ["-m", "main.train"]),
        ("main", ["test.py"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_the_commands_run_from_wherever_they_are_typed(folder: str, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command, "--help"], cwd=ROOT / folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and "--config" in done.stdout, done.stderr


def test_flags_are_sugar_for_dotted_overrides(output: Path) -> None:
    experiment, folder = training(
        [
            "--config",
            TOY,
            "--lr",
            "3e-5",
            "--end_epoch",
            "9",
            "--train_batch_size",
            "6",
            "--exp_name",
            "mine",
            "clip=2",
        ]
    )
    assert experiment.optimizer.keywords["lr"] == 3e-5
    assert (experiment.epochs, experiment.batch_size, experiment.name, experiment.clip) == (9, 6, "mine", 2.0)
    assert folder.parent == output and folder.name.startswith("train_mine_")
    command = json.loads((folder / "code" / "command.json").read_text())
    assert command["overrides"] == ["name=mine", "optimizer.lr=3e-5", "epochs=9", "batch_size=6", "clip=2"]
    assert "optimizer.lr = 3e-05" in (folder / "code" / "experiment.txt").read_text()


def test_overrides_may_stand_before_between_and_after_flags(output: Path) -> None:
    experiment, _ = training(["clip=2", "--config", TOY, "seed=4", "--lr=1", "keep=9"])
    assert (experiment.clip, experiment.seed, experiment.keep) == (2.0, 4, 9)


def test_two_runs_of_one_second_have_two_folders(output: Path) -> None:
    folders = {training(["--config", TOY])[1] for _ in range(3)}
    assert len(folders) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--confg", "x"], "train.py: there is no flag --confg; did you mean '--config'?"),
        (["--config", TOY, "--learning-rate", "3"], "train.py: there is no flag --learning-rate"),
        (["--config", TOY, "epochs"], "'epochs' is neither a flag nor of the form key=value"),
        ([], "say which experiment, such as --config config/lifter/lifter.py"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(arguments, sentence: str, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        train_command.main(arguments)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert sentence in told and "Traceback" not in told and len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--config", "nowhere.py"], "There is no config nowhere.py"),
        (["--config", TOY, "epochs=ten"], "epochs takes a whole number, not 'ten'"),
        (["--config", TOY, "batch_size=50"], "Toy has 24 persons"),
    ],
)
def test_what_a_user_can_put_right_is_one_sentence_and_status_1(
    output, arguments, sentence: str, capsys
) -> None:
    with pytest.raises(SystemExit) as caught:
        train_command.main(arguments)
    assert caught.value.code == 1
    told = capsys.readouterr().err
    assert sentence in told and "Traceback" not in told and len(told.splitlines()) == 1


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), sentences():
        _ = 1 / 0
    with pytest.raises(SystemExit) as caught, sentences():
        raise torch.OutOfMemoryError("CUDA out of memory.\nmany words")
    assert caught.value.code == 1


def test_an_output_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(paths, "OUTPUT", tmp_path / "file")
    with pytest.raises(SystemExit):
        train()
    assert "cannot be made" in capsys.readouterr().err


def test_continue_goes_on_with_the_newest_run_of_that_name(run: Path, output: Path, capsys) -> None:
    before = (run / "log" / "train.jsonl").read_text()
    assert train("--exp_name", "mine", "--end_epoch", "3", "--continue", "epochs=3") == 0
    assert [path.name for path in output.iterdir()] == [run.name]
    assert (run / "log" / "train.jsonl").read_text().startswith(before)
    assert (run / "model_dump" / "snapshot_3").is_dir()
    assert "changed since that run began: epochs: 2 -> 3" in capsys.readouterr().err
    assert train("--exp_name", "other", "--continue") == 0  # there is none: it begins
    assert len(list(output.iterdir())) == 2


def test_a_folder_can_be_made_before_the_run_and_named(output: Path, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        train("--exp_name", "mine", "--only_folder", "--num_gpus", "4")
    folder = Path(capsys.readouterr().out.strip())
    assert caught.value.code == 0 and folder.parent == output and not (folder / "log").exists()
    for epochs in (1, 2):  # begins there, then goes on there
        assert train("--folder", str(folder), f"epochs={epochs}") == 0
        assert (folder / "model_dump" / f"snapshot_{epochs}").is_dir()
    assert [path.name for path in output.iterdir()] == [folder.name]
    assert "epochs: 1 -> 2" in capsys.readouterr().err


def test_a_run_is_tested_by_its_folder(run: Path, output: Path, capsys) -> None:
    for place in (str(run), run.name):  # as a path, or by its name below output/
        assert test_command.main(["--result_path", place]) == 0
    printed = capsys.readouterr().out
    assert "ours" in printed and "published" in printed and "70.00" in printed and "Toy/mpvpe" in printed
    results = sorted(output.glob("test_mine_*/result/Toy.json"))
    assert len(results) == 2
    content = json.loads(results[0].read_text())
    assert content["about"]["weights"].endswith("snapshot_2") and len(content["persons"]) == 7


def test_predictions_can_be_drawn(run: Path, output: Path) -> None:
    assert test_command.main(["--result_path", str(run), "--vis", "--test_batch_size", "4"]) == 0
    pictures = next(output.glob("test_mine_*")) / "vis" / "Toy"
    assert sorted(path.name for path in pictures.iterdir()) == ["ToyTest_0.jpg", "ToyTest_4.jpg"]


def test_any_snapshot_can_be_chosen(run: Path) -> None:
    assert read_test(["--result_path", str(run)]).weights.name == "snapshot_2"
    test = read_test(["--result_path", str(run), "--ckpt_idx", "1"])
    assert test.weights.name == "snapshot_1" and test.job == "mine_ep1"
    with pytest.raises(UserError, match="has no snapshot 7; it has 1, 2"):
        read_test(["--result_path", str(run), "--ckpt_idx", "7"])
    with pytest.raises(UserError, match="has no snapshot best"):
        read_test(["--result_path", str(run), "--ckpt_idx", "best"])


def test_a_file_of_weights_is_tested_with_its_config(run: Path) -> None:
    file = run / "model_dump" / "snapshot_1" / "model.safetensors"
    test = read_test(
        ["--config", TOY, "--pretrained_model_path", str(file), "--testset", "Toy", "test.Toy.count=7"]
    )
    assert test.weights == file and [benchmark.count for benchmark in test.experiment.test] == [7]


def test_released_weights_are_the_default(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="toy has no released weights"):
        read_test(["--config", TOY])
    assert read_test(["--config", TOY, f"released={run}"]).weights == run


def test_flags_that_contradict_each_other_are_misuse(run: Path, capsys) -> None:
    for arguments in (["--config", TOY, "--result_path", str(run)], ["--config", TOY, "--ckpt_idx", "3"]):
        with pytest.raises(SystemExit) as caught:
            read_test(arguments)
        assert caught.value.code == 2 and capsys.readouterr().err.startswith("test.py: --c")


def test_one_benchmark_that_fails_stops_no_other(run: Path, output: Path, capsys) -> None:
    arguments = ["--result_path", str(run), "--testset", "Toy,Toy", "test.1.dataset.broken=(3,)"]
    assert test_command.main(arguments) == 1
    told = capsys.readouterr()
    assert "Toy/mpvpe" in told.out and "ToyTest, person 3, cannot be used" in told.err


def test_benchmarks_on_request_are_tested_by_name_alone(toy: Experiment, tmp_path: Path, monkeypatch) -> None:
    asked = replace(toy.test[0], name="EHF")
    monkeypatch.setattr("main.command_line.load", lambda path: replace(toy, on_request=(asked,)))
    command = ["--config", TOY, "--pretrained_model_path", str(tmp_path)]
    assert read_test(command).experiment.test == toy.test
    assert read_test([*command, "--testset", "EHF,Toy"]).experiment.test == (asked, *toy.test)


def test_benchmarks_are_found_by_name(toy: Experiment, tmp_path: Path, monkeypatch) -> None:
    assert chosen(toy.test, []) == toy.test and chosen(toy.test, ["Toy"]) == toy.test
    with pytest.raises(UserError, match="There is no benchmark 'Toi'; did you mean 'Toy'"):
        chosen(toy.test, ["Toi"])
    with pytest.raises(UserError, match="name one with --testset"):
        chosen((), [])
    calls = []

    class Module:
        @staticmethod
        def benchmark(split: str = "whole", as_published: bool = False):
            calls.append((split, as_published))

    monkeypatch.setattr("main.benchmarks._modules", lambda: ["egobody", "mpi_inf_3dhp", "synthetic"])
    monkeypatch.setattr("main.benchmarks.import_module", lambda name: calls.append(name) or Module)
    made("EgoBody_Kinect")
    made("MPI_INF_3DHP")
    made("MPI_INF_3DHP_test", as_published=True)
    assert calls == [
        "data.egobody", ("kinect", False), "data.mpi_inf_3dhp", ("whole", False),
        "data.mpi_inf_3dhp", ("test", True),
    ]  # fmt: skip
    monkeypatch.setattr(Module, "benchmark", staticmethod(lambda: None))
    with pytest.raises(UserError, match="no published bug"):
        made("Synthetic", as_published=True)


def test_agora_and_published_bugs_have_flags_of_their_own(run: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        "main.command_line.chosen", lambda own, names, bugs: asked.append((names, bugs)) or tuple(own)
    )
    read_test(["--result_path", str(run), "--agora_benchmark"])
    read_test(
        [
            "--result_path",
            str(run),
            "--agora_benchmark",
            "validation",
            "--as_published",
            "--testset",
            "EHF,PW3D",
        ]
    )
    assert asked == [(["AGORA_test"], False), (["EHF", "PW3D", "AGORA_validation"], True)]


def test_several_gpus_start_several_processes(monkeypatch) -> None:
    started = []
    monkeypatch.setattr("main.command_line.launch", lambda *some: started.append(some) or 75)
    arguments = ["--config", TOY, "--num_gpus", "4", "epochs=1"]
    for read in (training, read_test):
        with pytest.raises(SystemExit) as caught:
            read(arguments)
        assert caught.value.code == 75
    assert started == [(4, "main.train", arguments), (4, "main.test", arguments)]
    monkeypatch.setenv("WORLD_SIZE", "4")  # in one of the four
    monkeypatch.setattr("main.command_line.distributed.once", lambda make: Path())
    assert training(arguments)[0].epochs == 1
