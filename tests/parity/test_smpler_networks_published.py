"""SMPLer filled as the published networks were says what they said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import published_smpler as published
import pytest
import standins
import torch
from published_smpler import HERE, SHARED, Table
from torch import Tensor

from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle
from common.networks.backbones import hrnet
from common.networks.layers.neighborhood import at_places, neighborhood
from common.networks.layers.sampling import at_points
from common.networks.smpler import SMPLer
from common.structures import Inputs, Prediction, WeakPerspective

GOLDEN = HERE / "smpler_forward.npz"
TOLERANCE = 5e-5  # of maps and tokens
RESULT_TOLERANCE = 2e-5  # of bodies and cameras
NEAR = 2e-6  # of places
CASES = {"w32": (32, "h36m_correct"), "w32_3dpw": (32, "3dpw"), "w48": (48, "h36m_correct")}

pytestmark = pytest.mark.usefixtures("human_model_files")


@cache
def said(width: int, regressor: str = "h36m_correct") -> dict[str, Tensor]:
    """All that a network says of the published pictures on the way to its bodies, by the published names.

    With gradients, that is by torch's plain layers; the norms folded into weights round differently.
    """
    model = published.network(width, 3, regressor)
    heard = listen(model)
    told = model(pictures(width))
    return {name: value.detach() for name, value in (heard | estimates(told, model)).items()}


def pictures(width: int) -> Inputs:
    return published.inputs(f"smpler/image-w{width}", 2 if width == 32 else 1, 3, 224, 224)


def listen(model: SMPLer) -> dict[str, Tensor]:
    """A table that fills with what the modules of a network are given and say, by the published names."""
    heard: dict[str, Tensor] = {}

    def keep(module: torch.nn.Module, **names: str) -> None:
        def hook(_: object, given: tuple[Tensor, ...], told: Tensor | tuple[Tensor, ...]) -> None:
            sources = {"given": given, "told": told if isinstance(told, tuple) else (told,)}
            for source, name in names.items():
                kind, place = source.split("_")
                heard[name] = sources[kind][int(place)]

        module.register_forward_hook(hook)

    def steps(_: object, given: tuple[Tensor, ...], told: Tensor) -> None:
        step = sum(name.startswith("predictor/") for name in heard)
        heard[f"predictor/dpose_iter{step}"] = told[:, :144]

    def maps(_: object, given: tuple[Tensor, ...], told: tuple[Tensor, ...]) -> None:
        heard.update({f"feat{scale}": each for scale, each in enumerate(told)})
        heard["global_feat"] = told[-1].mean((2, 3))
        x = model.backbone.stem(given[0])
        heard["stem/layer1"] = x
        coarse = hrnet.exchange(
            model.backbone.stage2, [hrnet.through(each, x) for each in model.backbone.transition1]
        )
        heard["stage2_branch0"] = coarse[0]
        new = hrnet.through(model.backbone.transition2[-1], coarse[-1])
        heard["stage3_branch2"] = hrnet.exchange(model.backbone.stage3, [*coarse, new])[2]

    model.first.layers.register_forward_hook(steps)
    model.backbone.register_forward_hook(maps)
    for number, block in enumerate(model.refinements):
        at = f"block{number}"
        deltas = {f"told_{i}": f"{at}/delta_{each}" for i, each in enumerate(("rotmat", "beta", "cam"), 1)}
        keep(block, given_0=f"{at}/query_in", told_0=f"{at}/query_out", **deltas)
        for scale, project in enumerate(block.project):
            keep(project, told_0=f"{at}/projected_scale{scale}")
        keep(block.joint_feature, given_0=f"{at}/joint_feat")
        keep(block.residual, given_0=f"{at}/query_with_joint_feature")
        keep(block.rotation, told_0=f"{at}/theta6d")
        keep(
            block.units[0],
            given_0=f"{at}/query_embedded",
            given_2=f"{at}/sampled_feat",
            given_3=f"{at}/sample_offset",
        )
        for unit, layers in enumerate(block.units):
            name = f"{at}/unit{unit}"
            for scale, layer in enumerate(layers.multi_scale):
                keep(layer, told_0=f"{name}/global_scale{scale}")
            keep(layers.multi_scale[0].attention.proj, given_0=f"{name}/global_scale0_context")
            keep(layers.joint_aware, told_0=f"{name}/local")
            keep(layers.among, told_0=f"{name}/self")
    return heard


def estimates(told: Prediction, model: SMPLer) -> dict[str, Tensor]:
    """The first estimate and all refined ones, and the places that the next stage looks at."""
    result = {}
    for number, each in enumerate((*told.stages, told)):
        pelvis = model.regressor(each.body)[:, :1]
        turning = each.body.joints[:, :24]
        seen = {
            "theta": each.params.rotations,
            "beta": each.params.betas,
            "cam": torch.cat([each.camera.scale[:, None], each.camera.shift], 1),
            "smpl_joints": turning,
            "smpl_joints2d": each.camera.project(turning) / 112 - 1,
            "joints": each.joints,
            "joints_minus_pelvis": each.joints - pelvis,
            "joints2d": each.camera.project(each.joints) / 112 - 1,
            "vertices": each.body.vertices,
            "vertices_minus_pelvis": each.body.vertices - pelvis,
            "vertices_mean": each.body.vertices.mean(1),
        }
        result |= {f"out{number}/{name}": value for name, value in seen.items()}
        if number < 3:
            result[f"block{number}/sample_grid"] = grid(seen["smpl_joints2d"])
    return result


def grid(joints: Tensor) -> Tensor:
    """(B, 24, 2) from -1 to 1 -> (B, 24, 64, 2) the cells around them, from -1 to 1."""
    places, _ = neighborhood((joints + 1) / 2 * 55, (56, 56), 4)
    return torch.stack([places % 56, places // 56], -1) / 55 * 2 - 1


def published_layout(name: str, value: Tensor) -> Tensor:
    """Features as the published code lays them out: channels before places."""
    leaf = name.rsplit("/", 1)[-1]
    if leaf.startswith("projected_scale"):
        side = int(value.shape[1] ** 0.5)
        return value.mT.unflatten(2, (side, side))
    if leaf == "joint_feat":
        return value.mT
    if leaf == "sampled_feat":
        return value.permute(0, 3, 1, 2)
    return value[:, 0].unflatten(0, (-1, 24)) if leaf == "local" else value


def hold(case: str, told: Mapping[str, Tensor], table: Table) -> int:
    """How many arrays of a case were compared."""
    keys = [key for key in table if key.startswith(f"{case}/") and "/image_" not in key]
    for key in keys:
        name, cut = re.fullmatch(r"[^/]*/([^\[]*)(?:\[(.*)\])?", key).groups()
        value = published_layout(name, told[name])
        if cut:
            steps = [each.strip().removeprefix("::") for each in cut.split(",")]
            value = value[tuple(slice(None, None, int(step) if step != ":" else None) for step in steps)]
        within = NEAR if "sample_grid" in name or "sample_offset" in name else TOLERANCE
        within = RESULT_TOLERANCE if re.search(r"^out|delta|theta6d|dpose", name) else within
        np.testing.assert_allclose(value.numpy(), table[key], rtol=0, atol=within, err_msg=key)
    return len(keys)


@pytest.mark.parametrize("case", CASES)
def test_the_network_says_what_the_published_one_said(case: str) -> None:
    model = published.network(CASES[case][0], 3, CASES[case][1])
    with torch.no_grad():
        told = model(pictures(CASES[case][0]))
    table = {key: value for key, value in np.load(GOLDEN).items() if f"{case}/out" in key}
    assert hold(case, estimates(told, model), table) == len(table) > 3


@pytest.mark.parametrize("case", CASES)
def test_so_it_does_on_the_way_there_and_with_gradients(case: str) -> None:
    assert hold(case, said(*CASES[case]), dict(np.load(GOLDEN))) > 3
    if SHARED.exists():
        assert hold(case, said(*CASES[case]), shared()) > 3


def test_without_refinements_it_is_the_network_of_the_first_stage() -> None:
    model = published.network(32, refinements=0)
    with torch.no_grad():
        told = model(pictures(32))
    assert told.stages == ()
    table = {key: value for key, value in np.load(GOLDEN).items() if key.startswith("w32/out0/")}
    assert hold("w32", estimates(told, model), table) == len(table) > 5


def test_a_joint_looks_around_itself_at_the_borders_too() -> None:
    """Joints inside, on and beyond the border of random features."""
    table = dict(np.load(GOLDEN))
    drawn = standins.dice(str(table["sampling/seed"]))
    features = torch.from_numpy(drawn.standard_normal((1, 128, 56, 56)).astype(np.float32))
    drawn.uniform(-1.3, 1.3, (1, 24, 2))
    tokens = torch.from_numpy(drawn.standard_normal((1, 26, 128)).astype(np.float32))
    joints = torch.from_numpy(table["sampling/joints2d"])
    cells = (joints + 1) / 2 * 55
    places, offsets = neighborhood(cells, (56, 56), 4)
    around = at_places(features.flatten(2).mT, places)
    unit = published.network(32).refinements[1].units[1]
    with torch.no_grad():
        bias = unit.bias(offsets)
        local = unit.joint_aware(tokens[:, :24].flatten(0, 1)[:, None], around.flatten(0, 1), bias)
    said = {
        "joint_feat": at_points(features, cells),
        "sample_grid": grid(joints),
        "sampled_feat": around,
        "sample_offset": offsets,
        "relative_bias": bias[:, :, 0].unflatten(0, (1, 24)).transpose(1, 2),
        "local_out": local[:, 0][None],
    }
    wanted = {key: value for key, value in table.items() if "/seed" not in key and "/joints2d" not in key}
    assert hold("sampling", said, wanted) == 6


def test_rotations_are_the_published_ones() -> None:
    table = dict(np.load(GOLDEN))
    turns = matrix_from_6d(torch.from_numpy(table["geometry/rot6d"]))
    np.testing.assert_allclose(turns.numpy(), table["geometry/rot6d_to_rotmat"], atol=RESULT_TOLERANCE)
    turns = matrix_from_axis_angle(torch.from_numpy(table["geometry/axis_angle"]).unflatten(1, (24, 3)))
    np.testing.assert_allclose(turns.numpy(), table["geometry/axis_angle_to_rotmat"], atol=RESULT_TOLERANCE)


def test_the_camera_projects_as_the_published_one() -> None:
    table = {key: torch.from_numpy(np.load(GOLDEN)[f"geometry/{key}"]) for key in ("cam", "projected")}
    points = torch.from_numpy(np.load(GOLDEN)["geometry/fit_joints3d"])
    camera = WeakPerspective(table["cam"][:, 0], table["cam"][:, 1:], points.new_tensor([[224.0, 224.0]]))
    torch.testing.assert_close(
        camera.project(points) / 112 - 1, table["projected"], rtol=0, atol=RESULT_TOLERANCE
    )


@cache
def shared() -> Table:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there: the project keeps the results and some of the way itself")
    return dict(np.load(SHARED / "forward.npz"))


def test_the_numbers_kept_here_are_the_published_ones() -> None:
    kept = np.load(GOLDEN)
    for key in kept:
        assert np.array_equal(kept[key], shared()[key]), key
