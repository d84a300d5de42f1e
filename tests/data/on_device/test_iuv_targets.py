"""Maps are drawn where the annotated points have the body, and show each pixel's place on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from scipy.io import loadmat

from common.body_models.mano import MANO
from common.joints import MANO_21, RIGHT_HAND_21
from common.structures import Batch, Body, View
from data.loading.dataset import bodies
from data.on_device.iuv_targets import FOCAL, CoordinateTargets, chart

COUNT, SIDE = 2, 224
PLACES = [
    MANO_21.index(name.removeprefix("right_").replace("hand_root", "wrist")) for name in RIGHT_HAND_21.names
]
AWAY = torch.tensor([[0.01, -0.02, 12.0], [-0.03, 0.01, 15.0]])  # meters, of each from the camera


def read(body: Body) -> torch.Tensor:
    return body.joints[:, PLACES]


@pytest.fixture
def drawn(human_model_files: Path) -> tuple[CoordinateTargets, Batch]:
    """Two hands seen from `AWAY`, of the second of whom nothing but points is known."""
    hand = MANO()
    views = {"right_hand": View((SIDE, SIDE))}
    model = SimpleNamespace(views=views, joint_set=RIGHT_HAND_21, body_model=hand, read_joints=read)
    targets = CoordinateTargets(model, hand.layout, "right_hand")
    batch = bodies(("a", "b"), torch.arange(COUNT), RIGHT_HAND_21, hand.layout)
    torch.manual_seed(0)
    target = replace(
        batch.target,
        pose=0.2 * torch.randn(COUNT, 16, 3),
        known=torch.ones(COUNT, 18) * torch.tensor([[1.0], [0.0]]),
    )
    points = read(hand(hand.params(target.pose, target.betas, target.expression, target.flat_hand)))
    points = points + AWAY[:, None]
    pixels = points[..., :2] / points[..., 2:] * FOCAL + SIDE / 2
    target = replace(target, joints_2d=torch.cat([pixels, torch.ones(COUNT, 21, 1)], 2))
    return targets, replace(batch, target=target)


def test_the_camera_is_where_points_and_body_say(drawn: tuple[CoordinateTargets, Batch]) -> None:
    targets, batch = drawn
    target = targets.posed(batch).target
    torch.testing.assert_close(targets.camera(target), AWAY, atol=2e-2, rtol=1e-3)


def test_maps_show_the_places_of_the_faces_seen(drawn: tuple[CoordinateTargets, Batch]) -> None:
    targets, batch = drawn
    target = targets.posed(batch).target
    assert target.body is not None
    targets.faces = targets.faces[:1]  # of one face alone, which is large enough to be seen
    corners = targets.faces[0]
    picture = targets.draw(replace(target, body=grown(target.body, corners)))[0]
    colors = targets.colors[corners]
    seen = picture[:, picture.sum(0) > 0]
    assert seen.shape[1] > 20
    # every color is a mean of the corners' colors
    shares = torch.linalg.lstsq(
        torch.cat([colors.T, torch.ones(1, 3)]), torch.cat([seen, torch.ones(1, seen.shape[1])])
    )
    assert (shares.solution >= -1e-3).all() and (shares.solution <= 1 + 1e-3).all()


def grown(body: Body, corners: torch.Tensor) -> Body:
    """With a face across the picture."""
    vertices = body.vertices.clone()
    vertices[:, corners] = torch.tensor([[-0.2, -0.2, 0.0], [0.2, -0.2, 0.1], [0.0, 0.2, 0.0]])
    return replace(body, vertices=vertices)


def test_nobody_unknown_is_drawn(drawn: tuple[CoordinateTargets, Batch]) -> None:
    targets, batch = drawn
    extras = targets(batch).target.extras
    assert extras["map"].shape == (COUNT, 3, 56, 56) and extras["map_known"].tolist() == [1.0, 0.0]
    assert extras["map"][0].any() and not extras["map"][1].any()
    assert extras["map"].min() >= 0 and extras["map"].max() <= 1


def test_resting_coordinates_reach_from_nought_to_one(drawn: tuple[CoordinateTargets, Batch]) -> None:
    colors = drawn[0].colors
    assert 0 < colors.min() < 0.01 and 0.99 < colors.max() < 1


def test_a_corner_has_the_surface_of_its_first_face(human_model_files: Path) -> None:
    vertices, faces, colors = chart(human_model_files)
    assert vertices.shape == (7829,) and faces.shape == (13774, 3) and colors.shape == (7829, 3)
    surfaces = (24 * colors[:, 0]).round().long()
    first: dict[int, int] = {}
    for number, face in enumerate(faces[:3000].tolist()):
        for corner in face:
            first.setdefault(corner, number)
    given = loadmat(human_model_files / "smpl" / "UV_Processed.mat")["All_FaceIndices"].reshape(-1)
    assert all(surfaces[corner] == given[number] for corner, number in first.items())


def test_a_missing_chart_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"UV_Processed\.mat is missing: it comes from .*DensePose"):
        chart(tmp_path)
