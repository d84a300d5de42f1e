"""Named points belong to a topology: they are read off it, and off no other."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from common.body_models.regressors import Regressor, part_vertices
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.joints import H36M_17, LSP_14
from common.structures import Body, BodyParams


def body(vertices: int, topology: str) -> Body:
    return Body(torch.randn(2, vertices, 3), torch.zeros(2, 0, 3), torch.zeros(2, 0, 3), topology)


def test_points_are_weighted_means_of_vertices(human_model_files: Path) -> None:
    with (human_model_files / "smplx/SMPLX_to_J14.pkl").open("rb") as file:
        matrix = torch.tensor(pickle.load(file), dtype=torch.float32)
    mesh = body(10475, "smplx")
    torch.testing.assert_close(Regressor("smplx", "j14")(mesh), matrix @ mesh.vertices, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["smplx", "smpl"])
def test_joints_are_those_of_the_body_at_rest(human_model_files: Path, family: str) -> None:
    model = SMPLX() if family == "smplx" else SMPL()
    count = len(model.layout.joints)
    params = BodyParams(
        torch.eye(3).expand(2, count, 3, 3), torch.randn(2, 10), torch.randn(2, model.layout.expression)
    )
    posed = model(params)
    torch.testing.assert_close(Regressor(family, "joints")(posed), posed.joints[:, :count], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["smplx2smpl.pkl", "smplx2smpl_deftrafo_setup.pkl"])
def test_a_smplx_mesh_becomes_a_smpl_mesh(tmp_path: Path, name: str) -> None:
    random = np.random.default_rng(0)
    rows, columns = np.repeat(np.arange(6890), 3), random.integers(0, 10475, 3 * 6890)
    matrix = scipy.sparse.coo_matrix((random.random(3 * 6890), (rows, columns)), (6890, 10475)).tocsc()
    content = {"matrix": matrix.toarray().astype(np.float32)}
    if "deftrafo" in name:
        content = {"mtx": scipy.sparse.hstack([matrix, 0 * matrix]).tocsc()}
    (tmp_path / "smplx").mkdir()
    (tmp_path / "smplx" / name).write_bytes(pickle.dumps(content, protocol=4))
    mesh = body(10475, "smplx")
    found = Regressor("smplx", "smpl", tmp_path)(mesh)
    wanted = torch.stack([torch.from_numpy(matrix @ one.double().numpy()) for one in mesh.vertices])
    torch.testing.assert_close(found, wanted.float(), atol=1e-5, rtol=0)


def test_hands_and_head_are_lists_of_vertices(human_model_files: Path) -> None:
    hands = [part_vertices("smplx", f"{side}_hand") for side in ("left", "right")]
    assert [len(hand) for hand in hands] == [778, 778]
    assert len(part_vertices("smplx", "head")) == 5023


def test_the_free_body_has_its_own_points() -> None:
    model = SMPLX(free="only")
    mesh = body(10475, model.topology)
    assert Regressor(model.topology, "h36m")(mesh).shape == (2, len(H36M_17), 3)
    assert Regressor(model.topology, "j14")(mesh).shape == (2, len(LSP_14), 3)
    assert Regressor(model.topology, "joints")(mesh).shape == (2, 55, 3)
    assert len(part_vertices(model.topology, "head")) > 1000
    small = SMPL(free="only").topology
    assert Regressor(small, "h36m")(body(6890, small)).shape == (2, 17, 3)


def test_points_are_not_read_off_another_mesh(human_model_files: Path) -> None:
    with pytest.raises(ValueError, match="Points of a smplx mesh cannot be read off a humanmesh-10475 mesh"):
        Regressor("smplx", "j14")(body(10475, "humanmesh-10475"))


@pytest.mark.parametrize(
    ("topology", "name", "sentence"),
    [
        ("smpl", "hd", "'hd' is not defined on smpl meshes, only joints, extra, h36m"),
        (
            "humanmesh-10475",
            "smpl",
            "'smpl' is not defined on humanmesh-10475 meshes, only joints, h36m, j14",
        ),
        ("humanmesh-6890", "extra", "'extra' is not defined on humanmesh-6890 meshes"),
        ("star", "joints", "'joints' is not defined on star meshes, nor is anything else"),
    ],
)
def test_what_a_mesh_does_not_define_is_refused_in_words(topology: str, name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Regressor(topology, name)


def test_a_missing_regressor_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"smpl/J_regressor_extra\.npy is missing: it comes from .*SPIN"
    ):
        Regressor("smpl", "extra", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"MANO_SMPLX_vertex_ids\.pkl is missing"):
        part_vertices("smplx", "left_hand", tmp_path)
