"""HBW's numbers, as the published evaluator says them of the same shapes; its data set and its file."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from standins import dice

from common.body_models.build import body_model
from common.joints import SMPLX
from common.metrics import body_measures
from common.metrics.body_measures import DENSITY, measures, standing
from common.utils.paths import ROOT
from data.formats.hbw_submission import HbwSubmission
from data.formats.humandata import ANNOTATIONS
from data.shapy import SHAPY, benchmark

PUBLISHED = np.load(Path(__file__).with_name("shapy.npz"))
SHARED = ROOT.parent / "shared" / "parity" / "smpler_x"
MILLIMETERS = 0.01
PICTURE = "HBW/images/val/001_26_02/Photos_in_the_Wild/00001.png"


def surface_points() -> csr_matrix:
    """(20000, 10475) three vertices a point."""
    drawn = dice("hbw-points")
    columns, weights = drawn.randint(0, 10475, (20000, 3)), drawn.rand(20000, 3)
    weights /= weights.sum(1, keepdims=True)
    rows = np.repeat(np.arange(20000), 3)
    return csr_matrix((weights.ravel(), (rows, columns.ravel())), (20000, 10475))


@pytest.fixture
def hd_file(human_model_files: Path) -> Path:
    path = human_model_files / "smplx" / "HD_SMPLX_from_SMPL.pkl"
    path.write_bytes(pickle.dumps(surface_points(), protocol=2))
    body_measures.shared_regressor.cache_clear()
    return path


def case() -> tuple[SimpleNamespace, SimpleNamespace]:
    """The published prediction and truth: betas alone."""
    truth, _ = body_model(SMPLX, free="never").standing(torch.from_numpy(PUBLISHED["shapy/in/betas_gt"]))
    params = SimpleNamespace(betas=torch.from_numpy(PUBLISHED["shapy/in/betas"]).float())
    prediction = SimpleNamespace(params=params, body=SimpleNamespace(topology="smplx"))
    return prediction, SimpleNamespace(target=SimpleNamespace(vertices=truth))


def test_shapes_are_as_far_apart_as_published(hd_file: Path) -> None:
    v2v, p2p, _ = benchmark().metrics
    theirs = {"v2v": "v2v_t_errors", "p2p_20k": "point_t_errors"}
    for metric in (v2v, p2p):
        ((name, values),) = metric.measure(*case()).items()
        np.testing.assert_allclose(values, 1000 * PUBLISHED[f"shapy/{theirs[name]}"], atol=MILLIMETERS)


def test_masses_are_the_published_ones(human_model_files: Path) -> None:
    prediction, batch = case()
    for meshes, name in ((standing(prediction), "mass"), (batch.target.vertices, "mass_gt")):
        found = DENSITY * measures(meshes).volume.abs()
        np.testing.assert_allclose(found, PUBLISHED[f"shapy/{name}"], rtol=1e-4)
    off = benchmark().metrics[2].measure(prediction, batch)
    expected = np.abs(PUBLISHED["shapy/mass"] - PUBLISHED["shapy/mass_gt"])
    np.testing.assert_allclose(off["mass_kg"], expected, rtol=1e-3)


def test_a_taller_truth_is_off_by_as_much(human_model_files: Path) -> None:
    prediction, batch = case()
    batch.target.vertices = 1.1 * standing(prediction)
    off = benchmark().metrics[2].measure(prediction, batch)
    height = measures(standing(prediction)).height
    torch.testing.assert_close(off["height"], 100 * height, rtol=1e-3, atol=0.1)


@pytest.fixture
def dataset(tmp_path: Path) -> SHAPY:
    folder = tmp_path / ANNOTATIONS
    folder.mkdir()
    for file in SHAPY.annotations.values():
        np.savez(
            folder / file, __data_len__=1, image_path=np.array([PICTURE]), bbox_xywh=[[10, 4, 34, 40, 1]]
        )
    return SHAPY(root=tmp_path)


def test_the_truth_is_the_shape_of_the_pictures_person(dataset: SHAPY) -> None:
    with pytest.raises(FileNotFoundError, match=r"001_26_02\.npy is missing"):
        dataset[0]
    mesh = np.full((10475, 3), 0.5)
    file = dataset.root / "SHAPY" / "HBW" / "smplx" / "val" / "001_26_02.npy"
    file.parent.mkdir(parents=True)
    np.save(file, mesh)
    np.testing.assert_array_equal(dataset[0].vertices, mesh)
    np.save(file, mesh[:5])
    with pytest.raises(ValueError, match="not the"):
        dataset[0]


def test_the_servers_file_names_pictures_by_their_last_four_parts(
    human_model_files: Path, dataset: SHAPY, tmp_path: Path
) -> None:
    metric = HbwSubmission(replace(dataset, split="test"), tmp_path / "sent")
    prediction, _ = case()
    prediction.params.betas = prediction.params.betas[:1]
    table = metric.measure(prediction, SimpleNamespace(name=("SHAPY/0",)))
    assert metric.summary(table) == {"submitted": 1.0}
    (sent,) = (tmp_path / "sent").iterdir()
    content = np.load(sent)
    assert content["image_name"].tolist() == ["val/001_26_02/Photos_in_the_Wild/00001.png"]
    np.testing.assert_allclose(content["v_shaped"], standing(prediction))


def test_the_numbers_kept_here_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    theirs = np.load(SHARED / "metrics.npz")
    for key in PUBLISHED:
        assert np.array_equal(PUBLISHED[key], theirs[key]), key
