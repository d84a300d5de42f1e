"""A benchmark's people are found once, and a network of silhouettes is measured on what was found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from common.joints import COCO_17
from common.preprocess.views import cut
from common.structures import View
from common.utils.errors import UserError
from common.utils.paths import ROOT
from data import pw3d
from data.formats.detections import Detections
from data.pw3d import PW3D
from demo import detect
from main.evaluator import evaluate
from main.experiment import load

PORTRAIT = ROOT / "demo" / "images" / "photographer.jpg"
VIEW = View((128, 128), content="proxy", joint_set=COCO_17, padding=1.2, least_confidence=0.3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3DPW of one picture with one person."""
    folder = tmp_path_factory.mktemp("dataset")
    pictures = folder / "PW3D" / "data" / "imageFiles" / "street"
    pictures.mkdir(parents=True)
    picture = Image.open(PORTRAIT).convert("RGB")
    picture.save(pictures / "1.png")
    width, height = picture.size
    lens = {"focal": [1000.0, 1000.0], "princpt": [width / 2, height / 2]}
    image = {"id": 1, "sequence": "street", "file_name": "1.png", "width": width, "height": height}
    body = {"pose": [np.pi, *[0.0] * 71], "shape": [0.1] * 10, "trans": [0, 0, 4.0], "gender": "female"}
    person = {"id": 1, "image_id": 1, "bbox": [0.0, 0.0, float(width), float(height)], "smpl_param": body}
    table = {"images": [{**image, "cam_param": lens}], "annotations": [person]}
    (folder / "PW3D" / "data" / "3DPW_test.json").write_text(json.dumps(table))
    return folder


@pytest.fixture(scope="module")
def found(root: Path) -> Path:
    path = root / "found.columns"
    detect.main(["PW3D_LSP14", f"root={root}", "--output", str(path), "--device", "cpu"])
    return path


def test_everybody_is_found_in_the_own_box(root: Path, found: Path) -> None:
    assert len(Detections(found)) == 1
    person = PW3D("test", root=root, detections=found)[0]
    assert person.mask.mean() > 0.05 and (person.joints_2d[:, 2] > 0.5).sum() > 5
    seen, _ = cut(person, VIEW)
    assert seen[0].mean() > 0.05 and (seen[1:].flatten(1).amax(1) > 0).sum() > 5


def test_what_was_found_is_never_overwritten(root: Path, found: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        detect.main(["PW3D_LSP14", f"root={root}", "--output", str(found)])
    assert "is kept" in capsys.readouterr().err


@pytest.mark.usefixtures("human_model_files")
def test_a_network_of_silhouettes_is_measured_on_3dpw(root: Path, found: Path) -> None:
    torch.manual_seed(0)
    model = load("config/straps/straps.py", ["model.size=64"]).model()
    benchmark = replace(pw3d.benchmark("lsp14"), count=1)
    with pytest.raises(UserError, match=r"demo\.detect"):
        evaluate(model, replace(benchmark, dataset=PW3D("test", root=root)))
    result = evaluate(model, replace(benchmark, dataset=PW3D("test", root=root, detections=found)))
    numbers = result.numbers
    assert set(numbers) == {"mpjpe", "mpjpe_sc", "pa_mpjpe"}
    assert 0 < numbers["pa_mpjpe"] <= numbers["mpjpe_sc"] * 1.01
    assert result.about["persons"] == 1
