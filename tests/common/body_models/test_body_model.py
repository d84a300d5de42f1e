"""What holds for every body model, whatever its numbers: tried on small ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.body_models.skin_points import Points, SkinPoints
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import BodyLayout, JointSet
from common.structures import Body, BodyParams

PARENTS = [-1, 0, 1, 2, 1, 0, 5]
VERTICES, BETAS, EXPRESSION = 60, 4, 3
TURNING = JointSet("turning_7", tuple("abcdefg"))


def small_body(dtype: torch.dtype = torch.float32, share: float = 1.0) -> BodyModel:
    """A body of 7 joints and 60 vertices; `share` of its pose corrections are not zero."""
    random = np.random.default_rng(0)
    count = len(PARENTS)
    weights = random.random((VERTICES, count)) ** 4
    regressor = random.random((count, VERTICES)) ** 8
    corrections = random.normal(0, 0.02, (VERTICES, 3, (count - 1) * 9))
    faces = random.integers(0, VERTICES, (90, 3))
    arrays = {
        "v_template": random.normal(size=(VERTICES, 3)),
        "f": faces.astype(np.uint32),
        "shapedirs": random.normal(0, 0.1, (VERTICES, 3, BETAS + EXPRESSION)),
        "posedirs": corrections * (random.random(corrections.shape) <= share),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(count)], np.uint32),
        "mean_pose": random.normal(0, 0.3, (count, 3)) * (np.arange(count) > 4)[:, None],
    }
    contour = Points.on_faces(faces, random.integers(0, 90, (79, 2)), random.random((79, 2, 3)))
    layout = BodyLayout("small", TURNING, BETAS, EXPRESSION)
    reported = JointSet("reported_10", (*TURNING.names, "tip", "left", "right"))
    points = SkinPoints(Points.at_vertices((11,)), contour, turning=2, dtype=dtype)
    return BodyModel(layout, reported, "small", arrays, points, dtype)


def drawn(count: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> BodyParams:
    generator = torch.Generator().manual_seed(seed)
    pose = torch.randn(count, len(PARENTS), 3, dtype=dtype, generator=generator)
    betas, expression = torch.randn(count, BETAS + EXPRESSION, dtype=dtype, generator=generator).split(
        [BETAS, EXPRESSION], 1
    )
    return BodyParams(matrix_from_axis_angle(pose), betas, expression)


def assert_same(one: Body, other: Body, tolerance: float = 2e-6) -> None:
    for name in ("vertices", "joints", "rest"):
        found, wanted = getattr(one, name), getattr(other, name)
        torch.testing.assert_close(found, wanted.to(found.dtype), atol=tolerance, rtol=0)


@pytest.fixture(params=[1.0, 0.05], ids=["dense", "sparse"])
def body(request: pytest.FixtureRequest) -> BodyModel:
    return small_body(share=request.param)


def test_unturned_joints_leave_the_rest_shape(body: BodyModel) -> None:
    params = drawn(3)
    params.rotations = torch.eye(3).expand(3, len(PARENTS), 3, 3)
    posed = body(params)
    torch.testing.assert_close(posed.vertices, posed.rest, atol=1e-6, rtol=0)


def test_the_root_turns_the_whole_body_about_itself(body: BodyModel) -> None:
    params, turn = drawn(3), matrix_from_axis_angle(torch.tensor([0.3, -1.0, 2.0]))
    before = body(params)
    params.rotations = torch.cat([turn @ params.rotations[:, :1], params.rotations[:, 1:]], 1)
    after, root = body(params), before.joints[:, :1]
    torch.testing.assert_close(after.vertices, (before.vertices - root) @ turn.mT + root, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        after.joints[:, :7], (before.joints[:, :7] - root) @ turn.mT + root, atol=1e-5, rtol=0
    )


def test_bones_keep_their_lengths(body: BodyModel) -> None:
    params = drawn(4)
    posed, bones = (
        body(params).joints,
        [(child, parent) for child, parent in enumerate(PARENTS) if parent >= 0],
    )
    params.rotations = torch.eye(3).expand_as(params.rotations)
    rest = body(params).joints
    for child, parent in bones:
        length = (rest[:, child] - rest[:, parent]).norm(dim=-1)
        torch.testing.assert_close(
            (posed[:, child] - posed[:, parent]).norm(dim=-1), length, atol=1e-5, rtol=0
        )


def test_a_batch_is_its_bodies_one_by_one(body: BodyModel) -> None:
    params = drawn(5)
    with torch.no_grad():
        together = body(params)
        alone = Body.stack(
            [body(params.map(lambda t, i=i: t[i : i + 1])).map(lambda t: t[0]) for i in range(5)]
        )
    assert_same(together, alone)


def test_an_empty_batch_gives_no_bodies(body: BodyModel) -> None:
    posed = body(drawn(0))
    assert posed.vertices.shape == (0, VERTICES, 3)
    assert posed.joints.shape == (0, len(body.joint_set), 3)
    with torch.no_grad():
        assert body(drawn(0)).vertices.shape == (0, VERTICES, 3)


@pytest.mark.parametrize("count", [1, 6])
def test_bodies_are_the_same_with_and_without_gradients(body: BodyModel, count: int) -> None:
    with_gradients = body(drawn(count))
    with torch.no_grad():
        assert_same(body(drawn(count)), with_gradients)


def test_first_and_second_derivatives_are_right() -> None:
    body = small_body(torch.float64, share=0.05)
    leaves = tuple(tensor.requires_grad_() for tensor in vars(drawn(2, torch.float64)).values())

    def few_points(*numbers: Tensor) -> Tensor:
        posed = body(BodyParams(*numbers))
        return torch.cat([posed.vertices[:, :3], posed.joints[:, :8]], 1)

    assert torch.autograd.gradcheck(few_points, leaves)
    assert torch.autograd.gradgradcheck(few_points, leaves, rtol=1e-2)


def test_forward_derivatives_are_there_too() -> None:
    body, params = small_body(torch.float64), drawn(1, torch.float64)

    def vertices(betas: Tensor) -> Tensor:
        return body(BodyParams(params.rotations, betas, params.expression)).vertices

    ahead, behind = torch.func.jacfwd(vertices)(params.betas), torch.func.jacrev(vertices)(params.betas)
    torch.testing.assert_close(ahead, behind)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("gradients", [False, True])
def test_compiles_as_one_graph(count: int, gradients: bool) -> None:
    body, params = small_body(share=0.05), drawn(count)
    with torch.set_grad_enabled(gradients):
        compiled = torch.compile(body, fullgraph=True, backend="aot_eager")
        assert_same(compiled(params), body(params))


def test_double_precision_is_kept() -> None:
    single, double = small_body(), small_body(torch.float64)
    assert_same(single(drawn(3, torch.float64)), double(drawn(3, torch.float64)), tolerance=1e-5)
    posed = double(drawn(3, torch.float64))
    assert posed.vertices.dtype == posed.joints.dtype == posed.rest.dtype == torch.float64
    turn = matrix_from_axis_angle(torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64))
    params = drawn(3, torch.float64)
    params.rotations = torch.cat([turn @ params.rotations[:, :1], params.rotations[:, 1:]], 1)
    root = posed.joints[:, :1]
    turned = (posed.joints[:, :7] - root) @ turn.mT + root
    torch.testing.assert_close(double(params).joints[:, :7], turned, atol=1e-14, rtol=0)


def test_autocast_does_not_reach_the_body(body: BodyModel) -> None:
    params = drawn(3)
    expected = body(params)
    with torch.autocast("cpu", torch.bfloat16):
        posed = body(params)
    assert posed.vertices.dtype == torch.float32
    assert_same(posed, expected, tolerance=0)


def test_a_network_in_half_precision_poses_its_body_in_float32() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.body = nn.Linear(2, 2), small_body()

    network, expected = Network().to(torch.bfloat16), small_body()(drawn(2))
    assert network.layer.weight.dtype == torch.bfloat16
    assert_same(network.body(drawn(2)), expected, tolerance=0)
    assert network.half().double().body.template.dtype == torch.float64


def test_checkpoints_hold_no_body(body: BodyModel) -> None:
    assert not body.state_dict()
    assert not list(body.parameters())


def test_annotations_come_back_from_what_they_posed(body: BodyModel) -> None:
    pose = 0.5 * torch.randn(4, len(PARENTS), 3, generator=torch.Generator().manual_seed(0))
    params = body.params(
        pose, torch.zeros(4, BETAS), torch.zeros(4, EXPRESSION), torch.zeros(4, dtype=torch.bool)
    )
    torch.testing.assert_close(body.axis_angle(params), pose, atol=1e-5, rtol=0)


def test_each_person_says_whether_the_hands_are_flat(body: BodyModel) -> None:
    flat = torch.tensor([True, False])
    pose = torch.zeros(2, len(PARENTS), 3)
    turned = body.params(pose, torch.zeros(2, BETAS), torch.zeros(2, EXPRESSION), flat).rotations
    torch.testing.assert_close(turned[0], torch.eye(3).expand(len(PARENTS), 3, 3))
    torch.testing.assert_close(turned[1], matrix_from_axis_angle(body.mean_pose))
    assert body.mean_pose.abs().sum() > 0


def test_wrong_numbers_of_coefficients_are_named(body: BodyModel) -> None:
    params = drawn(2)
    params.betas = params.betas[:, :2]
    with pytest.raises(
        ValueError, match=r"7 rotations, 4 betas and 3 expression coefficients, not 7, 2 and 3"
    ):
        body(params)


def test_a_vertex_moves_as_a_blend_of_its_joints(body: BodyModel) -> None:
    vertex, params = 17, drawn(1)
    posed, turned = body(params), (params.rotations[:, 1:] - torch.eye(3)).flatten(1)
    bent = (posed.rest[0, vertex] + (turned @ body.corrections_of(vertex))[0])[:, None]
    resting = body(
        BodyParams(torch.eye(3).expand_as(params.rotations), params.betas, params.expression)
    ).joints[0]
    expected, turns = torch.zeros(3, 1), []
    for joint, parent in enumerate(PARENTS):
        turns.append(params.rotations[0, joint] if parent < 0 else turns[parent] @ params.rotations[0, joint])
        moved = turns[joint] @ (bent - resting[joint][:, None]) + posed.joints[0, joint][:, None]
        expected += body.weights[vertex, joint] * moved
    torch.testing.assert_close(posed.vertices[0, vertex], expected[:, 0], atol=1e-5, rtol=0)
