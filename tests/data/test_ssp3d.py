"""SSP-3D, measured from its files to the table, as a user would: with any network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from toy import ToyModel

from common.body_models.smpl import SMPL as SMPLBody
from common.geometry import align
from common.metrics import silhouette_iou
from common.metrics.silhouette_iou import COUNTS
from common.rendering.rasterizer import visible_faces
from common.structures import Body, BodyParams, Inputs, Prediction, View, WeakPerspective
from common.utils.errors import UserError
from data import ssp3d
from data.loading.dataset import Benchmark
from data.ssp3d import FRAME, SSP3DSilhouettes
from main.evaluator import evaluate

PERSONS = 2
BETAS = 0.5 * np.random.default_rng(1).standard_normal((PERSONS, 10))
SIDE = np.array([300.0, 360.0])
MIDDLE = np.array([[250.0, 262.0], [270.0, 240.0]])  # row, column
SIZE = 64


@cache
def smpl(gender: str = "neutral") -> SMPLBody:
    return SMPLBody(gender, free="never")


def few_faces(_: str = "") -> torch.Tensor:
    """Of the stand-in body: its faces lie anywhere, and all of them take minutes to draw."""
    return smpl().faces[:150]


@pytest.fixture(autouse=True)
def _fewer_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silhouette_iou, "faces_of", few_faces)


class Upright(ToyModel):
    """Everybody stands upright in the middle of the view, of the mean shape."""

    def __init__(self) -> None:
        super().__init__()
        self.views = {"body": View((SIZE, SIZE), padding=1.2)}
        self.body_model = smpl()

    def read_joints(self, body: Body) -> torch.Tensor:
        return body.joints[:, : len(self.joint_set)]

    def forward(self, inputs: Inputs) -> Prediction:
        return upright(self.body_model, torch.zeros(len(inputs.views["body"]), 10))


def upright(model: SMPLBody, betas: torch.Tensor) -> Prediction:
    count = len(betas)
    turns = torch.eye(3).expand(count, 24, 3, 3).clone()
    turns[:, 0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    params = BodyParams(turns, betas, torch.zeros(count, 0))
    body = model(params)
    size = torch.full((count, 2), float(SIZE))
    camera = WeakPerspective(torch.full((count,), 0.9), torch.tensor([[0.0, 0.2]]).expand(count, 2), size)
    return Prediction(params, body, body.joints[:, :5], camera)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, human_model_files: Path) -> Path:
    """A data root: two persons whose silhouettes are those of the answers, the second's in another place."""
    folder = tmp_path_factory.mktemp("data") / "SSP3D"
    names = np.array([f"{place}.png" for place in range(PERSONS)])
    body = upright(smpl(), torch.zeros(PERSONS, 10))
    flat = body.camera.project(body.body.vertices)
    for place, name in enumerate(names):
        zoom = 1.2 * SIDE[place] / SIZE
        pixels = flat[place] * zoom + torch.tensor(MIDDLE[place, ::-1] - 0.6 * SIDE[place]).float()
        points = torch.cat([pixels, torch.ones_like(pixels[:, :1])], 1)[None]
        mask = (visible_faces(points, few_faces(), (512, 512))[0] >= 0).numpy()
        for kind, picture in (("silhouettes", np.roll(mask, 20 * place, 1)), ("images", 99 * mask)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / kind / str(name)), picture.astype(np.uint8))
    np.savez(
        folder / "labels.npz", fnames=names, shapes=BETAS, poses=np.zeros((PERSONS, 72)),
        joints2D=np.full((PERSONS, 17, 3), 100.5), cam_trans=np.tile([[0.0, 0.2, 40.0]], (PERSONS, 1)),
        genders=np.array(["f", "m"]), bbox_centres=MIDDLE, bbox_whs=SIDE,
    )  # fmt: skip
    return folder.parent


def benchmark(root: Path, reading: str = "") -> Benchmark:
    made = ssp3d.benchmark(reading)
    return replace(made, dataset=SSP3DSilhouettes(root=root), count=PERSONS)


def test_a_network_is_measured_on_its_shape_and_its_silhouettes(root: Path) -> None:
    result = evaluate(Upright(), benchmark(root), batch_size=2)
    neutral = smpl().standing(torch.zeros(PERSONS, 10))[0]
    truth = torch.cat(
        [
            smpl(gender).standing(torch.tensor(BETAS[place : place + 1]))[0]
            for place, gender in enumerate(("female", "male"))
        ]
    )
    expected = 1000 * (align.scaled(neutral, truth) - truth).norm(dim=-1).mean()
    assert result.numbers["pve_t_sc"] == pytest.approx(expected.item(), rel=1e-4)
    first, second = (result.rows[f"SSP3DSilhouettes/{place}"] for place in range(PERSONS))
    assert first["false_negatives"] + first["false_positives"] < 0.02 * first["true_positives"]
    assert second["false_negatives"] > 0.1 * second["true_positives"]  # somebody stands aside
    assert sum(first[name] for name in COUNTS) == FRAME**2
    assert 0.5 < result.numbers["silhouette_iou"] < result.numbers["mean_silhouette_iou"] + 0.2 < 1.2


def test_the_gendered_reading_takes_the_coefficients_alone(root: Path) -> None:
    result = evaluate(Upright(), benchmark(root, "gendered"), batch_size=2)
    errors = []
    for place, gender in enumerate(("female", "male")):
        model = smpl(gender)
        guess, truth = (model.standing(torch.tensor(b)[None])[0] for b in (np.zeros(10), BETAS[place]))
        errors.append(1000 * (align.scaled(guess, truth) - truth).norm(dim=-1).mean())
    assert result.numbers["pve_t_sc"] == pytest.approx(sum(errors).item() / 2, rel=1e-4)
    assert result.numbers["pve_t_sc"] < evaluate(Upright(), benchmark(root), batch_size=2).numbers["pve_t_sc"]


def test_a_network_on_another_mesh_is_measured_by_its_silhouettes_alone(root: Path) -> None:
    class OnFreeBody(Upright):
        def __init__(self) -> None:
            super().__init__()
            self.body_model = SMPLBody(free="only")

    with pytest.raises(UserError, match="cannot compare the humanmesh-6890 mesh with the smpl mesh"):
        evaluate(OnFreeBody(), benchmark(root))
    numbers = evaluate(OnFreeBody(), benchmark(root, "silhouettes")).numbers
    assert set(numbers) == {"silhouette_iou", "mean_silhouette_iou", "joints_2d_pixels"}
    assert all(number == number for number in numbers.values())


def test_fewer_persons_than_the_protocol_has_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="311 persons by its protocol, but 2"):
        evaluate(Upright(), replace(benchmark(root), count=ssp3d.PERSONS))
