"""Human3.6M and 3DPW, person by person: as PyMAF-X's evaluation says them of the same meshes.

`pymaf_x_metrics.npz` beside this file is what `../shared/parity` holds, but for the meshes, which follow from
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from standins import dice

from common.body_models.build import body_model
from common.body_models.regressors import Regressor
from common.geometry import align
from common.joints import LSP_14, SMPL, SPIN_24
from common.metrics import on_smpl
from common.structures import Body, Sample
from common.utils.paths import ROOT
from data import human36m_spin, pw3d_spin
from data.loading.dataset import Benchmark, bodies

SHARED = ROOT.parent / "shared" / "parity" / "pymaf_x" / "metrics.npz"
GOLDEN = Path(__file__).with_name("pymaf_x_metrics.npz")
MILLIMETERS = 1e-3
GENDERS = {"male": 2, "female": 1}  # in a Target; published: 0 and 1


@pytest.fixture(scope="module", params=["golden", "shared"])
def published(request) -> Mapping[str, np.ndarray]:
    if request.param == "golden":
        return dict(np.load(GOLDEN))
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there: only the part that tests/parity keeps is checked")
    return dict(np.load(SHARED))


@pytest.fixture
def regressor(human_model_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published numbers' own regressor of Human3.6M's joints."""
    drawn, matrix = dice("pymafx-h36m"), np.zeros((17, 6890))
    for row in matrix:
        pulls = drawn.rand(12)
        row[drawn.choice(6890, 12, replace=False)] = pulls / pulls.sum()
    (tmp_path / "smpl").mkdir()
    np.save(tmp_path / "smpl" / "J_regressor_h36m.npy", matrix)
    monkeypatch.setattr(
        on_smpl, "shared_regressor", lambda topology, name, _: Regressor(topology, name, tmp_path)
    )


def truth(published: Mapping[str, np.ndarray], benchmark: Benchmark) -> Sample:
    """The annotated persons, prepared as the benchmark says."""
    count = len(published["in.pose"])
    genders = [GENDERS[name] for name in np.array(["male", "female"])[published["in.gender"]]]
    batch = bodies(
        tuple(map(str, range(count))),
        torch.arange(count),
        benchmark.joint_set,
        SMPL,
        pose=torch.tensor(published["in.pose"]).reshape(count, 24, 3),
        betas=torch.tensor(published["in.betas"]),
        gender=torch.tensor(genders),
    )
    if len(benchmark.joint_set) == len(SPIN_24):
        joints = torch.tensor(published["in.pose_3d"])
        batch = replace(batch, target=replace(batch.target, joints_3d=joints))
    network = SimpleNamespace(views={"body": None}, body_model=body_model(SMPL))
    return benchmark.prepare(network, SMPL)(batch)


def guesses(vertices: torch.Tensor) -> list[torch.Tensor]:
    """The meshes that were measured, one for each of three iterations."""
    noise = 0.02 * dice("metric-noise").standard_normal((6, 6890, 3)).astype(np.float32)
    found = []
    for step in (1, 2, 3):
        cos, sin = np.cos(0.1 * step), np.sin(0.1 * step)
        turn = torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float32)
        found.append((vertices * (1 + 0.05 * step) + torch.tensor(noise) * (4 - step)) @ turn)
    return found


@pytest.mark.parametrize(
    ("make", "name"), [(human36m_spin.benchmark, "h36m-p2-mosh"), (pw3d_spin.benchmark, "3dpw")]
)
def test_every_person_is_measured_as_published(make, name, published, regressor):
    benchmark = make()
    batch = truth(published, benchmark)
    names = {"mpjpe": "errors", "pa_mpjpe": "errors_pa", "pve": "errors_pve"}
    for step, vertices in enumerate(guesses(batch.target.body.vertices)):
        unknown = torch.full((6, 45, 3), torch.nan)
        if f"{name}.pred_verts_97" in published:
            theirs = published[f"{name}.pred_verts_97"][step]
            np.testing.assert_allclose(vertices[:, ::97], theirs, atol=1e-5)
        prediction = SimpleNamespace(body=Body(vertices, unknown, unknown, "smpl"))
        measured = on_smpl.LSPOnSMPL().read(prediction.body)
        np.testing.assert_allclose(
            measured.points - measured.origin, published[f"{name}.pred_kp_3d"][step], atol=1e-5
        )
        for metric in benchmark.metrics:
            ours = metric.measure(prediction, batch)
            theirs = 1000 * published[f"{name}.{names[metric.name]}"][step]
            np.testing.assert_allclose(ours[metric.name], theirs, rtol=1e-5, atol=MILLIMETERS)
            kind = metric.name.replace("_", "-")
            total = published[f"{name}.{kind}_{step - 3}"]
            assert metric.summary(ours)[metric.name] == pytest.approx(float(total), rel=1e-5)


def test_the_best_model_is_chosen_by_mpjpe(published):
    for name in ("h36m-p2-mosh", "3dpw"):
        assert published[f"{name}.selection_value"] == published[f"{name}.mpjpe_-1"]


def test_a_mirror_image_is_aligned_without_a_mirror_as_published(published):
    points, goal = (torch.tensor(published[f"procrustes.{name}"]) for name in "ab")
    aligned = align.procrustes(points, goal)
    np.testing.assert_allclose(aligned, published["procrustes.aligned"], atol=1e-6)
    errors = (aligned - goal).norm(dim=-1).mean(1)
    np.testing.assert_allclose(errors, published["procrustes.error"], atol=1e-6)


def test_joints_are_chosen_by_the_published_rows():
    tables = ROOT.parent / "shared" / "parity" / "pymaf_x" / "preprocess.npz"
    if not tables.exists():
        pytest.skip(f"{tables} is not there: nothing to compare with")
    tables = np.load(tables)
    assert list(LSP_14.taken_from(on_smpl.SPINS_H36M)) == tables["index.H36M_TO_J14"].tolist()
    assert [SPIN_24.index(name) for name in on_smpl.HIPS] == [2, 3]
