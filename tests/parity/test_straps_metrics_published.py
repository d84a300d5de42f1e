"""Every number of STRAPS's evaluation, person by person and summed up: as its trackers say it.

straps_metrics.npz holds their numbers and what they were given besides points, which follow from a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from standins import filled
from torch import Tensor

from common.body_models.smpl import SMPL
from common.geometry import align
from common.joints import COCO_17, SMPL_45
from common.metrics.keypoint_error import KeypointError
from common.metrics.metric import Metric
from common.metrics.parameter_error import ParameterError
from common.metrics.point_error import PointError
from common.metrics.points import Measured, Points, Vertices
from common.metrics.shapes import RestMesh
from common.metrics.silhouette_iou import SilhouetteIoU, intersection_over_union, overlap
from common.structures import Body, BodyParams

PUBLISHED = np.load(Path(__file__).parent / "straps_metrics.npz")
TOLERANCE = 1e-5  # of the number
COUNT = 5
EVERY = 97  # vertices, of which one is kept


@dataclass(frozen=True)
class Given(Points):
    """The 14 points, which the trackers are given as they are."""

    def read(self, body: Body) -> Measured:
        points = body.joints[:, :14]
        return Measured(points, torch.zeros_like(points[:, :1]), "given")


MESH = Vertices(root=())
METRICS = {  # ours by the published names
    "pves": PointError("e", MESH, "none"),
    "pves_sc": PointError("e", MESH, "scale"),
    "pves_pa": PointError("e", MESH, "procrustes"),
    "pve-ts": PointError("e", RestMesh(), "none"),
    "pve-ts_sc": PointError("e", RestMesh(), "scale"),
    "mpjpes": PointError("e", Given(), "none"),
    "mpjpes_sc": PointError("e", Given(), "scale"),
    "mpjpes_pa": PointError("e", Given(), "procrustes"),
    "pose_mses": ParameterError("e", "rotations"),
    "shape_mses": ParameterError("e", "betas"),
    "joints2D_l2es": KeypointError("e", COCO_17),
}
UNITS = {name: 1000.0 for name in METRICS if name.startswith(("pve", "mpj"))}  # meters there


@cache
def points(name: str, count: int) -> tuple[Tensor, Tensor]:
    """(guess, truth) in float32, (5, count, 3)."""
    size = np.sqrt(3 * count)

    def drawn(kind: str) -> np.ndarray:
        return size * filled(f"straps/metrics/{name}/{kind}", (COUNT, count, 3)).astype(np.float64)

    truth = 0.3 * drawn("target")
    turn = Rotation.from_rotvec([0, 0, 0.3]).as_matrix()
    guess = 1.1 * truth @ turn.T + [0.02, -0.03, 0.05] + 0.02 * drawn("noise")
    return torch.tensor(guess).float(), torch.tensor(truth).float()


def of(name: str) -> Tensor:
    return torch.from_numpy(PUBLISHED[f"in/{name}"])


@cache
def case() -> tuple[SimpleNamespace, SimpleNamespace]:
    """What the trackers were given, as a prediction and a batch."""
    meshes, rests, joints = points("verts", 6890), points("reposed", 6890), points("joints3D", 14)
    bodies = [Body(meshes[i], _in_smpl(joints[i]), rests[i], "smpl") for i in (0, 1)]
    params = [
        BodyParams(of(f"{kind}_rotmats"), of(f"{kind}_shape"), torch.zeros(COUNT, 0))
        for kind in ("pred", "target")
    ]
    seen = (of("pred_joints2D_norm") + 1) * 128
    points_2d = torch.cat([of("target_joints2D_px"), torch.ones(COUNT, 17, 1)], -1)
    target = SimpleNamespace(
        body=bodies[1], params=params[1], joints_2d=points_2d, known=torch.ones(COUNT, 26)
    )
    camera = SimpleNamespace(project=lambda _: seen)
    return SimpleNamespace(body=bodies[0], params=params[0], camera=camera), SimpleNamespace(target=target)


def _in_smpl(joints: Tensor) -> Tensor:
    """As many joints as SMPL reports, the first of them those given."""
    return torch.cat([joints, joints.new_zeros(COUNT, len(SMPL_45) - 14, 3)], 1)


def numbers(metric: Metric) -> Tensor:
    return metric.measure(*case())["e"]


def test_the_points_are_those_that_were_measured() -> None:
    for name, count in (("verts", 6890), ("reposed", 6890), ("joints3D", 14)):
        for kind, ours in zip(("pred", "target"), points(name, count), strict=True):
            theirs = PUBLISHED[f"in/{kind}_{name}" + ("" if count == 14 else "_0_97")]
            ours = ours if count == 14 else ours[0, ::EVERY]
            np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", METRICS)
def test_each_number_of_each_person_and_of_all(name: str) -> None:
    rows = numbers(METRICS[name]) / UNITS.get(name, 1.0)
    if f"eval/per_frame/{name}" in PUBLISHED:
        np.testing.assert_allclose(rows, PUBLISHED[f"eval/per_frame/{name}"], rtol=TOLERANCE)
    whole = METRICS[name].summary({"e": rows})["e"]
    np.testing.assert_allclose(whole, PUBLISHED[f"eval/final/{name}"], rtol=TOLERANCE)
    np.testing.assert_allclose(whole, PUBLISHED[f"train_tracker/history/val_{name}"][0], rtol=TOLERANCE)


@pytest.mark.parametrize("name", METRICS)
def test_the_published_sums_are_over_points_or_numbers(name: str) -> None:
    share = {"pve": 6890, "mpj": 14, "pos": 216, "sha": 10, "joi": 17}[name[:3]]
    total = numbers(METRICS[name]).double().sum() / UNITS.get(name, 1.0) * share
    np.testing.assert_allclose(total, PUBLISHED[f"eval/sums/{name}"], rtol=TOLERANCE)


def test_points_are_aligned_as_published_and_never_mirrored() -> None:
    guess, truth = points("verts", 6890)
    theirs = PUBLISHED["eval/scaled_translated_verts_97"]
    np.testing.assert_allclose(align.scaled(guess, truth)[:, ::EVERY], theirs, atol=3e-5)
    guess, truth = points("joints3D", 14)
    mirrored = truth * torch.tensor([-1.0, 1.0, 1.0])
    for points_14, name in ((guess, "joints14"), (mirrored, "of_mirrored_joints14")):
        theirs = PUBLISHED[f"eval/procrustes_{name}"]
        np.testing.assert_allclose(align.procrustes(points_14, truth), theirs, atol=1e-5, err_msg=name)


def silhouettes() -> tuple[Tensor, Tensor]:
    """(guess, truth), (5, 256, 256): ellipses that wander apart."""
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    truth = [((y - 128 - 4 * i) / 80) ** 2 + ((x - 128 + 3 * i) / 40) ** 2 < 1 for i in range(COUNT)]
    guess = [
        ((y - 120 - 4 * i) / 75) ** 2 + ((x - 130 + 5 * i) / (38 + 2 * i)) ** 2 < 1 for i in range(COUNT)
    ]
    return torch.stack(guess), torch.stack(truth)


def test_silhouettes_of_each_person_and_of_all_pixels() -> None:
    counts = overlap(*silhouettes())
    for name, pixels in counts.items():
        assert pixels.sum() == PUBLISHED[f"eval/sums/num_{name}"], name
    iou = intersection_over_union(counts)
    np.testing.assert_allclose(iou, PUBLISHED["eval/per_frame/silhouette_ious"], rtol=TOLERANCE)
    summary = SilhouetteIoU().summary(counts)
    np.testing.assert_allclose(
        summary["silhouette_iou"], PUBLISHED["eval/final/silhouette_ious"], rtol=TOLERANCE
    )
    np.testing.assert_allclose(
        summary["mean_silhouette_iou"],
        PUBLISHED["eval/per_frame/silhouette_ious"].mean(),
        rtol=TOLERANCE,
    )


@pytest.mark.usefixtures("human_model_files")
def test_both_readings_of_ssp3d() -> None:
    """The target's gender for both bodies, and neutral against gendered."""
    guess, truth = of("pred_shape")[:1], of("target_shape")[:1]
    neutral = SMPL(free="never")
    params = BodyParams(torch.eye(3).expand(1, 24, 3, 3), guess, torch.zeros(1, 0))
    prediction = SimpleNamespace(body=neutral(params), params=params)
    for number, (letter, gender) in enumerate((("f", "female"), ("m", "male")), start=1):
        rest = SMPL(gender, free="never").standing(truth)[0]
        body = Body(rest, rest[:, :45], rest, "smpl")
        batch = SimpleNamespace(target=SimpleNamespace(body=body, gender=torch.tensor([number])))
        gendered, plain = (
            PointError("e", RestMesh(gendered=asked), "scale").measure(prediction, batch)["e"].item() / 1000
            for asked in (True, False)
        )
        np.testing.assert_allclose(gendered, PUBLISHED[f"ssp3d/pve_t_sc_mean_{letter}"], rtol=1e-4)
        if letter == "f":
            theirs = PUBLISHED["ssp3d/pve_t_sc_mean_neutral_pred_vs_female_target"]
            np.testing.assert_allclose(plain, theirs, rtol=TOLERANCE)
        model = RestMesh(gendered=True).pair(prediction, batch)[0].points
        distance = (align.scaled(model, rest) - rest).norm(dim=-1)[:, ::EVERY]
        np.testing.assert_allclose(distance, PUBLISHED[f"ssp3d/pve_t_sc_per_vertex_{letter}_97"], atol=1e-6)
