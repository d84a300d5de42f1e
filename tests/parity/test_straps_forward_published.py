"""STRAPS filled as the published network was says what the published one said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published_straps as published
import pytest
import standins
import torch

from common.body_models.regressors import Regressor
from common.checkpoint import load_weights
from common.networks.straps import STRAPS
from common.structures import Inputs
from common.utils.errors import UserError

GOLDEN = published.HERE / "straps_forward.npz"
CASES = {  # of the name of a picture and its side
    "resnet18/image128": ("straps/forward-small", 128),
    "resnet50/image": ("straps/forward", 256),
}
MORE = {"resnet18/image": ("straps/forward", 256)}
REGRESSED = {"extra": slice(45, 54), "cocoplus": slice(54, 73), "h36m": slice(73, 90)}

pytestmark = pytest.mark.usefixtures("human_model_files")


def hold(case: str, proxy: torch.Tensor, table: dict[str, np.ndarray]) -> None:
    """Every number within 1e-5 of the largest of its array, pixels within 2e-4."""
    model = published.network(int(case[6:8]))
    with torch.no_grad():
        features = model.encoder(proxy)
        told = model(Inputs({"proxy": proxy}, {}, torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3)))
    steps, size = told.extras["steps"], proxy.shape[-1]
    said = {
        "features": features,
        "ief_params": steps.transpose(0, 1),
        "cam": steps[:, -1, :3],
        "shape": told.params.betas,
        "rotmats": told.params.rotations,
        "vertices_97": told.body.vertices[:, ::97],
        "reposed_vertices_97": told.body.rest[:, ::97],
        "joints_coco17": told.joints[:, model.joint_set.parts["coco"]],
        "joints_h36mlsp14": told.joints[:, model.joint_set.parts["lsp"]],
    }
    for name, values in said.items():
        truth = table[f"{case}/{name}"]
        assert np.abs(values.numpy() - truth).max() <= 1e-5 * np.abs(truth).max(), name
    pixels = told.camera.project(told.joints[:, :17]) * (256 / size)
    np.testing.assert_allclose(pixels.numpy(), table[f"{case}/joints2D_px256"], atol=2e-4, rtol=0)
    pixels = told.camera.project(told.body.vertices[:, ::97]) * (512 / size)
    np.testing.assert_allclose(pixels.numpy(), table[f"{case}/vertices2D_px512_97"], atol=2e-4, rtol=0)
    lens = told.camera.shift, 2 * 5000 / (256 * told.camera.scale[:, None] + 1e-9)
    np.testing.assert_allclose(torch.cat(lens, 1).numpy(), table[f"{case}/cam_t_f5000_wh256"], rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_the_network_says_what_the_published_one_said(case: str) -> None:
    name, side = CASES[case]
    proxy = torch.from_numpy(standins.input_image(name, 2, 18, side, side))
    with np.load(GOLDEN) as table:
        hold(case, proxy, table)


@pytest.mark.parametrize("case", MORE)
def test_so_do_the_larger_ones(case: str) -> None:
    if not published.SHARED.is_dir():
        pytest.skip("the published arrays beside the project are not here; the golden copies are compared")
    name, side = MORE[case]
    proxy = torch.from_numpy(standins.input_image(name, 2, 18, side, side))
    with np.load(published.SHARED / "forward.npz") as table:
        hold(case, proxy, table)


def test_the_further_joints_of_the_published_body_are_read_by_their_files(
    tmp_path: Path, human_model_files: Path
) -> None:
    """SPIN's extra joints, COCO's and Human3.6M's, all from the posed mesh."""
    if not published.SHARED.is_dir():
        pytest.skip("the published arrays beside the project are not here")
    folder = tmp_path / "smpl"
    folder.mkdir()
    np.save(folder / "J_regressor_extra.npy", standins.joint_regressor("extra", 9))
    np.save(folder / "cocoplus_regressor.npy", standins.joint_regressor("cocoplus", 19))
    np.save(folder / "J_regressor_h36m.npy", standins.joint_regressor("h36m", 17))
    model = published.network()
    proxy = torch.from_numpy(standins.input_image("straps/forward", 2, 18, 256, 256))
    with torch.no_grad(), np.load(published.SHARED / "forward.npz") as table:
        body = model(Inputs({"proxy": proxy}, {}, torch.eye(3), torch.zeros(2, 3))).body
        truth = table["resnet18/image/joints90"]
        np.testing.assert_allclose(body.joints.numpy(), truth[:, :45], atol=1e-5)
        for name, rows in REGRESSED.items():
            read = Regressor("smpl", name, tmp_path)(body)
            np.testing.assert_allclose(read.numpy(), truth[:, rows], atol=1e-5, err_msg=name)


def test_a_published_checkpoint_is_loaded_whole_its_best_weights_taken(tmp_path: Path) -> None:
    file = tmp_path / "straps_model_checkpoint.tar"
    torch.save(published.checkpoint(), file)
    model = STRAPS()
    start = model.feedback.start.clone()
    load_weights(model, file)
    filled = published.network().state_dict()
    assert all(torch.equal(tensor, filled[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model.feedback.start, start), "the means are not in the file and must stay"


def test_a_checkpoint_of_another_depth_is_refused_by_name(tmp_path: Path) -> None:
    torch.save(published.checkpoint(18), tmp_path / "resnet18.tar")
    with pytest.raises(UserError, match=r"STRAPS\(depth=18\)"):
        load_weights(STRAPS(50), tmp_path / "resnet18.tar")
