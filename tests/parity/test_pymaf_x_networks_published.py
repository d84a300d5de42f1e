"""PyMAF-X filled as the published network was says what that said, in every mode, at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from published_pymaf_x import HERE, SHARED, crop, filled, inputs, network, pictures, weights, whole
from pymaf_x_words import Said, listened, spoken
from torch import Tensor

from common.geometry.rotation import matrix_from_axis_angle
from common.networks.pymaf_x import cameras, integration, posing
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.networks.pymaf_x.regressors import Numbers

Table = dict[str, np.ndarray]

ALL = ("body", "left_hand", "right_hand", "face")
CASES = {  # the checkpoint, the views
    "full_body": ("full_body_v1.1", ALL),
    "full_body_box": ("full_body_v1.0", ALL),
    "hand_only_mano": ("hand_only_mano_aux", ("right_hand",)),
    "face_only_flame": ("face_only_flame_aux", ("face",)),
    "body_only_smpl_res50": ("body_only_smpl_res50", ("body",)),
    "body_only_smplx_hr48": ("body_only_smplx_hr48", ("body",)),
}
RELATIVE = ("encoder.", "sample.", "attention.", "reduced.", "dp_head")  # to an array's largest value
PLACES = ("vert", "kp", "joints", "points")  # meters and halves of a view
# hands and faces of a body alone are not said, but rest
SAYS_NOTHING = ("pred_lhand", "pred_rhand", "pred_face", "pred_exp")

pytestmark = pytest.mark.usefixtures("human_model_files")


@pytest.fixture(scope="module")
def table() -> Table:
    """All published arrays, or the copies that are in every clone."""
    path = SHARED / "forward.npz"
    return dict(np.load(path if path.exists() else HERE / "pymaf_x_forward.npz"))


def needs(case: str, table: Table) -> None:
    if not any(key.startswith(case) for key in table):
        pytest.skip("the published arrays of this mode are not in the clone, and not beside it")


def hold(said: Said, table: Table, case: str, unsaid: tuple[str, ...] = ()) -> None:
    """Every published array of a case but its inputs: within 2e-4, places within 5e-4."""
    names = [key.split("/", 1)[1] for key in table if key.startswith(f"{case}/")]
    names = [name for name in names if not name.startswith("in.")]
    unknown = [name for name in names if name not in said and name.split(".", 1)[-1] not in unsaid]
    assert names and not unknown, unknown
    for name in names:
        if name not in said:
            continue
        truth, ours = table[f"{case}/{name}"], said[name].detach().numpy()
        assert truth.shape == ours.shape, name
        scale = np.abs(truth).max() if name.startswith(RELATIVE) and "points" not in name else 1.0
        within = 5e-4 if any(word in name for word in PLACES) else 2e-4
        assert np.abs(truth - ours).max() <= within * scale, (case, name, np.abs(truth - ours).max())


def scores(table: Table, case: str) -> Tensor:
    """A detector's trust in left hand, right hand and face; -1 where it is not given."""
    names = [f"{case}/in.vis_{part}" for part in ("lhand", "rhand", "face")]
    count = len(table[names[0]])
    columns = [torch.from_numpy(table[n]) if n in table else torch.full((count,), -1.0) for n in names]
    return torch.stack(columns, 1)


@pytest.mark.parametrize("case", ["hand_only_mano", "face_only_flame", "body_only_smpl_res50"])
def test_an_expert_alone_says_what_the_published_one_said(case: str, table: Table) -> None:
    checkpoint, views = CASES[case]
    _, said = listened(network(checkpoint), inputs(pictures(views)))
    hold(said, table, case)


def test_a_body_of_smplx_alone_has_resting_hands_and_face(table: Table) -> None:
    case = "body_only_smplx_hr48"
    needs(case, table)
    _, said = listened(network(case), inputs(pictures(("body",))))
    hold(said, table, case, SAYS_NOTHING)


def test_a_face_is_looked_at_by_its_landmarks_where_that_is_asked_for(table: Table) -> None:
    case = "face_only_flame_sparse"
    needs(case, table)
    model = PyMAFX(("face",), dense_face=False, coordinates=True, every_stage=True)
    fewer = {f"align_attention.face.{place}.position_embeddings.weight": (900, 64) for place in (0, 1)}
    fewer |= {f"att_feat_reduce.face.{place}.weight": (1024, 5 * (441 + 68)) for place in (0, 1)}
    state = weights("face_only_flame_aux", **fewer)
    _, said = listened(filled(model, state), inputs(pictures(("face",))))
    hold(said, table, case)


def test_a_body_of_smpl_is_seen_by_hrnet_too(table: Table) -> None:
    case = "body_only_smpl_hr48"
    needs(case, table)
    _, said = listened(network(case), inputs(pictures(("body",))))
    hold(said, table, case)


@pytest.fixture(scope="module")
def full(human_model_files: Any) -> PyMAFX:
    return network("full_body_v1.1")


def test_all_parts_together_say_what_the_published_network_said(full: PyMAFX, table: Table) -> None:
    given = inputs(pictures(ALL), scores(table, "full_body"))
    told, said = listened(full, given)
    said |= twists(full, said)
    hold(said, table, "full_body")
    assert [stage.joints.shape for stage in told.stages] == [(2, 159, 3)] * 2


def twists(model: PyMAFX, said: Said) -> Said:
    """How far both wrists would twist, as the hands' own views have it."""
    body = posing.turns(said["out3.pred_pose"])
    roots = [posing.turns(said[f"out3.pred_orient_{side}h"])[:, 0] for side in "lr"]
    hands = torch.stack([integration.mirrored(roots[0]), roots[1]], 1)
    above = torch.stack([integration.in_space(body, chain) for chain in integration.CHAINS], 1)
    axes = torch.nn.functional.normalize(model._forearms(said["out3.pred_shape"]), dim=-1)
    angles = integration.twist(above.mT @ hands, axes)
    return {f"twist.{side}.angle": angles[:, side] for side in (0, 1)}


def test_where_no_detector_looked_the_network_says_which_hands_are_seen(full: PyMAFX, table: Table) -> None:
    _, said = listened(full, inputs(pictures(ALL)))
    hold(said, table, "full_body_novis")


def test_the_first_release_looks_where_the_body_has_its_hands_and_face(table: Table) -> None:
    case, (checkpoint, views) = "full_body_box", CASES["full_body_box"]
    crops = {"body": whole(2)}
    for view, name in (("left_hand", "lhand"), ("right_hand", "rhand"), ("face", "face")):
        turn, shift = torch.from_numpy(table[f"{case}/in.{name}_theta_inv"]).split([2, 1], 2)
        shift = 112 * (
            shift + 1 - turn.sum(2, keepdim=True)
        )  # it counts from the middle, in halves of a view
        crops[view] = crop(torch.cat([turn, shift], 2), (224, 224))
    _, said = listened(network(checkpoint), inputs(pictures(views), scores(table, case), crops))
    hold(said, table, case)


def test_a_lens_on_the_full_picture(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published: the camera may also be pitched, which is no input here; the test turns the body instead."""
    case = "body_only_smpl_res50_camera"
    taken = {name.split("in.")[1]: torch.from_numpy(table[name]) for name in table if f"{case}/in." in name}
    zoom = 224 / (200 * taken["bbox_scale"])
    matrix = torch.diag_embed(zoom[:, None].expand(-1, 2))
    matrix = torch.cat([matrix, (112 - taken["bbox_center"] * zoom[:, None])[..., None]], 2)
    crops = {"body": crop(matrix, tuple(taken["image_size"].tolist()))}
    given = inputs(pictures(("body",)), crops=crops, intrinsics=taken["cam_intrinsics"])
    lens = torch.cat(
        [torch.stack([taken["vfov"], taken["crop_ratio"]], 1), taken["bbox_center"] / taken["image_size"]], 1
    )
    # the field of view is that of the picture's height; the crop's height is the box's, in whole pixels
    np.testing.assert_allclose(cameras.told(given, True), lens, atol=1e-3)
    straight: Callable[..., Any] = cameras.in_picture

    def pitched(*others: Any) -> Any:
        camera = straight(*others)
        project = camera.project
        camera.project = lambda points: project(points @ taken["cam_rotmat"].mT)
        return camera

    monkeypatch.setattr(cameras, "in_picture", pitched)
    _, said = listened(network("body_only_smpl_res50", full_picture=True), given)
    hold(said, table, case)


@pytest.mark.parametrize("case", ["full", "predicted_visibility", "no_adapt", "head", "first_iteration"])
def test_the_hands_wrists_are_put_on_the_body(full: PyMAFX, table: Table, case: str) -> None:
    """The last stage alone, from random states."""
    taken = {
        name.split("in.")[1]: torch.from_numpy(table[name]) for name in table if "integration/in." in name
    }
    estimate, hidden = corrected(full, taken)
    parts = torch.stack([taken[f"vis_{part}"] for part in ("lhand", "rhand", "face")], 1)
    if case == "predicted_visibility":
        parts = torch.full_like(parts, -1.0)
    given = inputs({"body": torch.zeros(len(parts), 3, 1, 1)}, parts)
    full.adaptive, full.turns_head = case != "no_adapt", case == "head"
    try:
        with torch.no_grad():
            told = full.predicted(estimate, given, None if case == "first_iteration" else hidden)
    finally:
        full.adaptive, full.turns_head = True, False
    said = spoken(full, estimate, told, every=997)
    said["pred_vis_hands"] = parts[:, :2].T.flatten()
    if case == "predicted_visibility":
        said["pred_vis_hands"] = told.extras["visibility"]
    if case == "full":
        said |= wrists(full, said)
    named = {f"{case}.{name}": values for name, values in said.items()}
    of_case = {key: values for key, values in table.items() if key.startswith(f"integration/{case}.")}
    hold(named, of_case, "integration")


def corrected(model: PyMAFX, taken: Said) -> tuple[dict[str, Numbers], Said]:
    """What the last stage makes of the given states and features."""
    stage, count = model.regressors[2], len(taken["x"])
    nothing = torch.zeros(count, 0)

    def both(name: str) -> Tensor:
        return torch.cat([taken[name.format(side)] for side in "rl"])

    start = {
        "body": Numbers(taken["init_pose"], nothing, taken["init_shape"], nothing, taken["init_cam"]),
        "hand": Numbers(
            both("init_{}hand"), both("init_orient_{}h"), both("init_shape_{}h"), torch.zeros(2 * count, 0),
            both("init_cam_{}h"),
        ),
        "face": Numbers(
            taken["init_face"], taken["init_orient_fa"], taken["init_shape_fa"], taken["init_exp"],
            taken["init_cam_fa"],
        ),
    }  # fmt: skip
    lens = torch.tensor(cameras.UNKNOWN).expand(count, -1)
    with torch.no_grad():
        pairs = {
            "body": stage["body"](taken["x"], start["body"], lens),
            "hand": stage["hand"](both("xc_{}hand"), start["hand"]),
            "face": stage["face"](taken["xc_face"], start["face"]),
        }
    return {part: pair[0] for part, pair in pairs.items()}, {part: pair[1] for part, pair in pairs.items()}


def wrists(model: PyMAFX, said: Said) -> Said:
    """The steps of the integration: wrists as the hands have them, and how they twist about the forearms."""
    body = posing.turns(said["pred_pose"])
    result: Said = {}
    forearms = model._forearms(said["pred_shape"])
    for place, side in enumerate("lr"):
        hand = posing.turns(said[f"pred_orient_{side}h"])[:, 0]
        hand = integration.mirrored(hand) if side == "l" else hand
        wrist = integration.in_space(body, integration.CHAINS[place]).mT @ hand
        axis = torch.nn.functional.normalize(forearms[:, place], dim=-1)
        angle = integration.twist(wrist, axis)
        result |= {
            f"wrist_before.{side}": wrist, f"twist_axis.{side}": axis, f"twist_angle.{side}": angle,
            f"twist_rotation.{side}": matrix_from_axis_angle(axis * angle),
        }  # fmt: skip
    return result
