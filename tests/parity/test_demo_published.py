"""The demo with published files of OSX, SMPLer-X and SMPLer: random weights, so geometry is judged alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published_smpler
import pytest
import torch
from PIL import Image
from published_networks import weights

from common.checkpoint import load_weights
from common.geometry.crop import padded
from common.networks.osx import OSX
from common.networks.smpler import SMPLer
from common.networks.smpler_x import SMPLerX
from common.preprocess.sample import make_sample
from common.preprocess.views import cut
from common.structures import Person, Sample
from common.utils.paths import ROOT
from demo.demo import main
from demo.exporters.npz import read_npz
from demo.predict import Predictor

PORTRAIT = ROOT / "demo" / "images" / "astronaut.jpg"
SIZE = (96, 96)  # small, for the stand-in's faces lie all over the picture and take long to draw
BOXES = ((20.0, 4.0, 80.0, 95.0), (0.0, 10.0, 30.0, 90.0))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPLer-X-S in the envelope it was published in."""
    path = tmp_path_factory.mktemp("published") / "smpler_x_s32.pth.tar"
    state = {f"module.{name}": tensor for name, tensor in weights("smpler_x/s").items()}
    torch.save({"epoch": 9, "network": state, "optimizer": {"state": {}, "param_groups": []}}, path)
    return path


@pytest.fixture(scope="module")
def of_smpler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPLer in the envelope it was published in."""
    path = tmp_path_factory.mktemp("smpler") / "SMPLer_h36m.pt"
    torch.save({"model": published_smpler.weights(), "optimizer": {}, "epoch": 9, "global_iter": 90}, path)
    return path


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "small.png"
    Image.open(PORTRAIT).convert("RGB").resize(SIZE).save(path)
    return path


@pytest.mark.parametrize(
    ("config", "file"), [("smpler_x/smpler_x_s32", "published"), ("smpler/smpler", "of_smpler")]
)
def test_the_demo_runs_on_a_published_file(
    config: str,
    file: str,
    human_model_files: Path,
    picture: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    boxes = [f"--bbox={','.join(map(str, box))}" for box in BOXES]
    weights = str(request.getfixturevalue(file))
    command = ["--config", f"config/{config}.py", "--pretrained_model_path", weights]
    where = [
        "--img_path",
        str(picture),
        "--output",
        str(tmp_path / "out"),
        "--export",
        "npz",
        "--device",
        "cpu",
    ]
    assert main([*command, *where, *boxes]) == 0
    saved = read_npz(tmp_path / "out" / "small" / "persons.npz")
    assert len(saved) == 2
    assert (tmp_path / "out" / "small" / "overlay.jpg").is_file()


@pytest.mark.parametrize("network", ["smpler_x", "osx", "smpler"])
def test_the_camera_of_the_picture_sees_joints_where_that_of_the_crop_does(
    human_model_files: Path, published: Path, network: str
) -> None:
    if network == "smpler":
        model = published_smpler.network()
    else:
        model = SMPLerX("small") if network == "smpler_x" else OSX("small", True, False)
    if network == "smpler_x":
        load_weights(model, published)
    image = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    people = [Person(f"p/{i}", image, box=np.array(box) * 5) for i, box in enumerate(BOXES)]
    found = Predictor(model)(people)
    assert found is not None
    samples = [make_sample(p, model.views, model.joint_set, model.body_model.layout) for p in people]
    inputs = Sample.stack(samples).inputs
    with torch.inference_mode():
        prediction = model(inputs)
    joints = prediction.joints
    in_crop = prediction.camera.project(joints)
    in_picture = found.camera.project(joints)
    torch.testing.assert_close(inputs.crops["body"].points(in_picture), in_crop, rtol=1e-4, atol=0.02)


def test_a_person_is_cropped_as_smpler_was_taught_not_squeezed(human_model_files: Path) -> None:
    """A square of 1.2 of the longer side, of the person's own middle."""
    view = SMPLer(refinements=0).views["body"]
    image = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    box = np.array([100.0, 50, 220, 350])
    _, crop = cut(Person("p", image, box=box), view)
    corners = torch.tensor([[[160.0 - 180, 200 - 180], [160 + 180, 200 + 180]]])
    seen = crop.map(lambda tensor: tensor[None]).points(corners)[0]
    torch.testing.assert_close(seen, torch.tensor([[0.0, 0], [224, 224]]), rtol=0, atol=1e-3)


def test_the_lens_of_the_picture_is_the_published_one(human_model_files: Path, published: Path) -> None:
    model = SMPLerX("small")
    load_weights(model, published)
    image = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    box = np.array(BOXES[0]) * 5
    found = Predictor(model)([Person("p", image, box=box)])
    assert found is not None
    x0, y0, x1, y1 = padded(box, 0.75, 1.25)
    width, height = x1 - x0, y1 - y0
    focal = torch.tensor([[5000 / 192 * width, 5000 / 256 * height]], dtype=torch.float32)
    center = torch.tensor([[96 / 192 * width + x0, 128 / 256 * height + y0]], dtype=torch.float32)
    torch.testing.assert_close(found.camera.focal, focal, rtol=1e-5, atol=0)
    torch.testing.assert_close(found.camera.center, center, rtol=0, atol=1e-2)
