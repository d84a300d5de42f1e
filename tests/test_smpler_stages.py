"""The three stages of SMPLer, one command each, on a miniature of its data sets, and its tests after them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from standins import input_image

from common.checkpoint import read_weights
from common.joints import SMPL
from common.networks.backbones.hrnet import HRNet
from common.structures import Person
from common.utils import paths
from main import test as test_command
from main import train as train_command
from tool.prepare.tsv import write_mixture, write_set
from tool.prepare.tsv_labels import Labels

PERSONS = 2
SMALL = ("model.width=18", "batch_size=2", "workers=0", "epochs=1")  # the smallest network of this kind


@dataclass(frozen=True)
class Posed:
    """People of random poses in pictures of anything."""

    name: str

    def __len__(self) -> int:
        return PERSONS

    def __getitem__(self, index: int) -> Person:
        drawn = np.random.default_rng(index)
        return Person(
            name=f"{self.name}/{index}",
            image=np.uint8(255 * input_image(f"{self.name}:{index}", 3, 96, 80).transpose(1, 2, 0)),
            box=np.array([10.0, 5, 60, 90]),
            joints_are_fitted=True,
            body=SMPL,
            pose=drawn.normal(0, 0.2, (24, 3)),
            betas=drawn.normal(0, 1, 10),
            translation=np.array([0, 0, 5.0]),
            intrinsics=np.array([[200.0, 0, 40], [0, 200, 48], [0, 0, 1]]),
        )


@pytest.fixture(scope="module")
def data(human_model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the mixture, 3DPW, and the tests on Human3.6M and 3DPW."""
    root = tmp_path_factory.mktemp("data")
    sets = {"coco_smpl/train": "h36m_correct", "human3.6m/valid.protocol2": "h36m_correct"}
    for name, regressor in {**sets, "3dpw/train": "3dpw", "3dpw/test_has_gender": "3dpw"}.items():
        write_set(Posed(name), root / "TSV" / f"{name}.yaml", Labels(regressor))
    mixture = root / "TSV" / "Tax-H36m-coco40k-Muco-UP-Mpii" / "train.yaml"
    write_mixture(mixture, [(root / "TSV" / "coco_smpl" / "train.yaml", None)])
    return root


@pytest.fixture(scope="module")
def pose_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An HRNet that knows key points, as published: it lacks most of the last fusion, and has a head."""
    state = HRNet(18).state_dict()
    missing = tuple(f"stage4.2.fuse_layers.{scale}" for scale in (1, 2, 3))
    state = {name: tensor for name, tensor in state.items() if not name.startswith(missing)}
    path = tmp_path_factory.mktemp("hrnet") / "pose_hrnet.pth"
    torch.save(state | {"final_layer.weight": torch.zeros(16, 18, 1, 1)}, path)
    return path


def train(config: str, folder: Path, *overrides: str) -> Path:
    """The command as the handbook has it; the snapshot that it leaves."""
    command = ["--config", f"config/smpler/{config}.py", "--folder", str(folder), *SMALL, *overrides]
    assert train_command.main(command) == 0
    return folder / "model_dump" / "snapshot_1"


def parts_of(snapshot: Path) -> set[str]:
    return {name.split(".")[0] for name in read_weights(snapshot)}


def test_each_stage_starts_from_the_one_before_and_the_last_is_measured(
    data: Path,
    pose_network: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(paths, "OUTPUT", tmp_path / "output")
    here = (f"train.root={data}", "evaluate_every=0")
    first = train("smpler_backbone", tmp_path / "first", *here, f"weights.backbone={pose_network}")
    second = train(
        "smpler", tmp_path / "second", *here, f"weights.backbone={first}", f"weights.first={first}"
    )
    third = train("smpler_3dpw", tmp_path / "third", *here, f"weights.={second}")
    assert parts_of(first) < parts_of(second) == parts_of(third)
    for stage in ("first", "second", "third"):
        (line,) = (tmp_path / stage / "log" / "train.jsonl").read_text().splitlines()
        assert np.isfinite(json.loads(line)["loss"])
    roots = [f"test.{name}.dataset.root={data}" for name in ("Human36M", "PW3D")]
    command = ["--result_path", str(tmp_path / "third"), "--testset", "Human36M,PW3D", *roots]
    assert test_command.main([*command, "workers=0", "test.PW3D.count=None"]) == 0, capsys.readouterr().err
    (written,) = (tmp_path / "output").glob("*/result/PW3D.json")
    numbers = json.loads(written.read_text())["numbers"]
    assert set(numbers) == {"mpjpe", "pa_mpjpe", "mpvpe"} and all(np.isfinite(list(numbers.values())))
    (written,) = (tmp_path / "output").glob("*/result/Human36M.json")
    assert set(json.loads(written.read_text())["numbers"]) == {"mpjpe", "pa_mpjpe"}
