"""From pictures and meshes on disk to a table of errors: EHF in miniature, by SMPLer-X-S."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from standins import fill_, input_image, smplx_arrays

from common.preprocess.sample import make_sample
from common.structures import Sample
from common.utils import paths
from config.smpler_x.smpler_x_s32 import experiment
from data.ehf import EHF, TO_CAMERA
from main import test as test_command

PERSONS = 2


@pytest.fixture
def pictured(tmp_path: Path) -> Path:
    """A data root: people of the mean shape, in pictures of anything."""
    folder, images, annotations = tmp_path / "dataset" / "EHF" / "data", [], []
    folder.mkdir(parents=True)
    for number in range(PERSONS):
        picture = input_image(f"ehf:{number}", 3, 240, 320).transpose(1, 2, 0)
        cv2.imwrite(str(folder / f"0{number}_img.png"), np.uint8(255 * picture))
        header = "ply\nformat ascii 1.0\nelement vertex 10475\n"
        header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
        mesh = smplx_arrays()["v_template"] * (1 + 0.1 * number)
        rows = "".join(f"{x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in mesh)
        (folder / f"0{number}_align.ply").write_text(header + rows)
        images.append({"id": number, "file_name": f"0{number}_img.png", "width": 320, "height": 240})
        parts = {f"{part}_bbox": [100, 60, 40, 40] for part in ("lefthand", "righthand", "face")}
        annotations.append({"id": number, "image_id": number, "body_bbox": [80, 20, 120, 200], **parts})
    (folder / "EHF.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return tmp_path / "dataset"


@pytest.fixture
def weights(human_model_files: Path, tmp_path: Path) -> Path:
    """Weights that follow from their names."""
    path = tmp_path / "weights.pth"
    torch.save(fill_(experiment.model(), skip=("body_model",)).state_dict(), path)
    return path


@torch.no_grad()
def expected(root: Path, weights: Path) -> float:
    """MPVPE in millimeters, from the pelvis that the mesh has: by hand."""
    model = experiment.model().eval()
    model.load_state_dict(torch.load(weights, weights_only=True))
    regressor = smplx_arrays()["J_regressor"][0]
    people = EHF(root=root, padding=0.96, part_padding=1.2)  # of the published 1.25: 1.2
    samples = [
        make_sample(people[n], model.views, model.joint_set, model.body_model.layout) for n in range(PERSONS)
    ]
    guesses = model(Sample.stack(samples).inputs).body.vertices.double().numpy()
    errors = []
    for number, guess in enumerate(guesses):
        truth = smplx_arrays()["v_template"] * (1 + 0.1 * number) @ cv2.Rodrigues(TO_CAMERA)[0].T
        difference = (guess - regressor @ guess) - (truth - regressor @ truth)
        errors.append(1000 * np.linalg.norm(difference, axis=1).mean())
    return float(np.mean(errors))


def test_ehf_is_measured_from_its_files_to_the_table(
    pictured: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(paths, "OUTPUT", tmp_path / "output")
    command = ["--config", "config/smpler_x/smpler_x_s32.py", "--testset", "EHF", "--test_batch_size", "2"]
    command += ["--pretrained_model_path", str(weights), f"test.EHF.dataset.root={pictured}"]
    assert test_command.main([*command, "test.EHF.count=None", "workers=0"]) == 0, capsys.readouterr().err
    assert "EHF/mpvpe" in capsys.readouterr().out
    (path,) = tmp_path.glob("output/*/result/EHF.json")
    found = json.loads(path.read_text())
    assert set(found["persons"]) == {"EHF/00", "EHF/01"} and found["about"]["persons"] == PERSONS
    assert len(found["numbers"]) == 8 and all(np.isfinite(list(found["numbers"].values())))
    assert found["numbers"]["mpvpe"] == pytest.approx(expected(pictured, weights), abs=0.01)
    assert found["numbers"]["pa_mpvpe"] < found["numbers"]["mpvpe"]
