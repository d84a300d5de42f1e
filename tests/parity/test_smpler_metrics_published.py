"""Human3.6M (protocol 2) and 3DPW say of the same people what the published evaluation of SMPLer says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from published_smpler import inputs, network
from standins import dice
from torch import Tensor

from common.body_models.regressors import regressor_matrix
from common.geometry.align import procrustes
from common.joints import H36M_17, LSP_14, SMPL, SPIN_24
from common.metrics.point_error import PointError
from common.metrics.points import Vertices
from common.structures import Body
from data import human36m_tsv, pw3d_tsv
from data.loading.dataset import Benchmark, bodies

Array = np.ndarray

GOLDEN = Path(__file__).parent / "smpler_metrics.npz"
PUBLISHED = np.load(GOLDEN)
MILLIMETERS = 1e-3  # the published tolerance is 1e-6 m
LSP = list(LSP_14.taken_from(H36M_17))
BENCHMARKS = pytest.mark.parametrize(
    ("benchmark", "regressor"),
    [(human36m_tsv.benchmark, "h36m_correct"), (pw3d_tsv.benchmark, "3dpw")],
    ids=["h36m", "3dpw"],
)

pytestmark = pytest.mark.usefixtures("human_model_files")


def body(vertices: Tensor) -> Body:
    return Body(vertices, vertices[:, :24], vertices, "smpl")


def with_joints(joints: Array, regressor: str) -> Body:
    """(B, 14, 3) -> bodies whose 14 regressed points these are."""
    rows = regressor_matrix("smpl", regressor).toarray()[LSP]
    return body(torch.from_numpy(np.einsum("vj,bjc->bvc", np.linalg.pinv(rows), joints)).float())


def annotated(joints: Array, known: Array) -> SimpleNamespace:
    """(B, 14, 3) as a batch of a benchmark."""
    count = len(joints)
    batch = bodies(tuple(map(str, range(count))), torch.arange(count), H36M_17, SMPL)
    points = torch.zeros(count, 17, 4)
    points[:, LSP, :3] = torch.from_numpy(joints).float()
    points[:, LSP, 3:] = torch.from_numpy(known).float()[:, None, None].expand(-1, 14, -1)
    target = replace(batch.target, joints_3d=points, body=body(torch.zeros(count, 6890, 3)))
    return SimpleNamespace(target=target, inputs=SimpleNamespace(crops={}))


def measured(benchmark: Benchmark, guess: Body, batch: SimpleNamespace) -> dict[str, Tensor]:
    rows: dict[str, Tensor] = {}
    for metric in benchmark.metrics:
        rows |= metric.measure(SimpleNamespace(body=guess, camera=None), batch)
    return rows


@BENCHMARKS
def test_joints_are_measured_person_by_person(benchmark: Callable[[], Benchmark], regressor: str) -> None:
    known = PUBLISHED["has_3d_joints"]
    guess = with_joints(PUBLISHED["pred_joints"], regressor)
    rows = measured(benchmark(), guess, annotated(PUBLISHED["gt_joints"][..., :3], known))
    published = {
        "mpjpe": PUBLISHED["mpjpe_per_sample"],
        "pa_mpjpe": PUBLISHED["pa_mpjpe_per_sample"][known > 0],
    }
    for name, theirs in published.items():
        np.testing.assert_allclose(rows[name][known > 0], 1000 * theirs, rtol=0, atol=MILLIMETERS)
        assert rows[name][known == 0].isnan().all(), "published: PA counts those without truth as well"


def test_the_published_alignment_of_people_without_truth_is_ours_too() -> None:
    guess = with_joints(PUBLISHED["pred_joints"], "3dpw")
    batch = annotated(PUBLISHED["gt_joints"][..., :3], np.ones(6))
    rows = measured(pw3d_tsv.benchmark(), guess, batch)
    np.testing.assert_allclose(rows["pa_mpjpe"], 1000 * PUBLISHED["pa_mpjpe_per_sample"], atol=MILLIMETERS)


def test_points_are_aligned_as_published() -> None:
    guess, truth = (torch.from_numpy(PUBLISHED[name][..., :3]) for name in ("pred_joints", "gt_joints"))
    found = procrustes(guess, truth)
    np.testing.assert_allclose(found, PUBLISHED["pa_aligned"], rtol=0, atol=1e-6)
    apart = (found - truth).norm(dim=-1)
    np.testing.assert_allclose(apart, PUBLISHED["pa_torch_per_joint"], rtol=0, atol=1e-6)


def test_meshes_are_measured_as_published() -> None:
    drawn = dice(f"{PUBLISHED['seed']}/vertices")
    truth = (drawn.standard_normal((2, 6890, 3)) * 0.4).astype(np.float32)
    guess = truth + drawn.standard_normal((2, 6890, 3)).astype(np.float32) * np.float32(0.06)
    metric = PointError("mpvpe", Vertices(root=()))
    batch = SimpleNamespace(target=SimpleNamespace(body=body(torch.from_numpy(truth))))
    found = metric.measure(SimpleNamespace(body=body(torch.from_numpy(guess))), batch)["mpvpe"]
    np.testing.assert_allclose(found, 1000 * PUBLISHED["mpve_per_sample"], rtol=0, atol=MILLIMETERS)


def test_meshes_are_seen_from_the_regressed_pelvis_and_count_where_the_body_is_known() -> None:
    drawn = dice("smpler/meshes")
    truth, guess = (torch.from_numpy(drawn.standard_normal((3, 6890, 3))).float() for _ in range(2))
    batch = annotated(np.zeros((3, 14, 3)), np.ones(3))
    known = torch.ones(3, 26)
    known[1, 24], known[2, 25] = 0, 0  # the shape; an expression, which SMPL has not
    target = replace(batch.target, body=body(truth), known=known)
    rows = measured(pw3d_tsv.benchmark(), body(guess), SimpleNamespace(target=target))
    pelvis = torch.from_numpy(regressor_matrix("smpl", "3dpw").toarray()[0]).float()
    moved = [mesh - (pelvis @ mesh)[:, None] for mesh in (guess, truth)]
    expected = 1000 * (moved[0] - moved[1]).norm(dim=-1).mean(1)
    torch.testing.assert_close(rows["mpvpe"][[0, 2]], expected[[0, 2]], rtol=1e-5, atol=0)
    assert rows["mpvpe"][1].isnan()


def people(number: int, known: bool) -> tuple[SimpleNamespace, str]:
    """A batch of the published evaluation and its picture; `known`: only points that are annotated count."""
    given = {
        name.split("/")[2]: PUBLISHED[name] for name in PUBLISHED if name.startswith(f"loop/batch{number}/")
    }
    count = len(given["pose"])
    batch = bodies(tuple(map(str, range(count))), torch.arange(count), H36M_17, SMPL)
    points = torch.from_numpy(given["joints_3d"])[:, list(H36M_17.taken_from(SPIN_24))]
    counted = torch.from_numpy(given["has_3d_joints"]).float() if known else torch.ones(count)
    points = torch.cat([points[..., :3], counted[:, None, None].expand(-1, 17, 1)], -1)
    pose, betas = (torch.from_numpy(given[name]) for name in ("pose", "betas"))
    target = replace(
        batch.target,
        joints_3d=points,
        pose=pose.reshape(count, 24, 3),
        betas=betas,
        known=torch.from_numpy(given["has_smpl"]).float()[:, None].expand(-1, 26),
    )
    return replace(batch, target=target), str(given["image_name"])


@BENCHMARKS
def test_a_network_is_measured_over_all_people_as_published(
    benchmark: Callable[[], Benchmark], regressor: str
) -> None:
    model = network(32, 3, regressor)
    prepare = benchmark().prepare(model, SMPL)
    sums = torch.zeros(3, dtype=torch.float64)
    for number in (0, 1):
        batch, name = people(number, known=True)
        everybody, _ = people(number, known=False)
        with torch.no_grad():
            guess = model(inputs(name, len(batch.name), 3, 224, 224))
        rows = measured(benchmark(), guess.body, prepare(batch))
        # Published: persons without annotated points add to the sum of PA, which the others divide.
        rows["pa_mpjpe"] = measured(benchmark(), guess.body, prepare(everybody))["pa_mpjpe"]
        sums += torch.stack([rows.get(key, rows["mpjpe"]).nansum() for key in ("mpvpe", "mpjpe", "pa_mpjpe")])
    loop = "loop_3dpw" if regressor == "3dpw" else "loop_h36m"
    theirs, said = PUBLISHED[f"{loop}/sums"], PUBLISHED[f"{loop}/mpve_mpjpe_pampjpe_mm"]
    if "mpvpe" in rows:
        assert sums[0] == pytest.approx(1000 * theirs[0], abs=0.02)
        assert sums[0] / theirs[1] == pytest.approx(said[0], abs=0.02)
    assert sums[1] == pytest.approx(1000 * theirs[2], abs=0.02)
    assert sums[2] == pytest.approx(1000 * theirs[3], abs=0.02)
    assert sums[1:] / theirs[4] == pytest.approx(said[1:], abs=0.02)
