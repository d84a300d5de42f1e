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
from common.preprocess.proxy import deviation, proxy
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


STAGES = {  # channels, rows and columns of each map that are on record: every so many
    "conv1": (16, 16), "maxpool": (16, 8), "layer1": (16, 8), "layer2": (16, 8),
    "layer3": (32, 4), "layer4": (64, 2),
}  # fmt: skip


def hold(case: str, picture: torch.Tensor, table: dict[str, np.ndarray]) -> None:
    """Every number within 1e-5 of the largest of its array, pixels within 2e-4."""
    model = published.network(int(case[6:8]))
    maps: dict[str, torch.Tensor] = {}
    for name in STAGES:
        stage = model.encoder.get_submodule(name)
        stage.register_forward_hook(lambda module, given, told, name=name: maps.update({name: told}))
    with torch.no_grad():
        features = model.encoder(picture)
        told = model(Inputs({"proxy": picture}, {}, torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3)))
    steps, size = told.extras["steps"], picture.shape[-1]
    stages = {
        name: maps[name][:, ::channels, ::pixels, ::pixels]
        for name, (channels, pixels) in STAGES.items()
        if f"{case}/{name}" in table
    }
    start = model.feedback.start
    said = stages | {
        "features": features,
        "ief_init": start,
        "ief_delta": steps.diff(dim=1, prepend=start.expand(2, 1, -1)).transpose(0, 1),
        "pose6d": steps[:, -1, 3:147],
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
        if f"{case}/{name}" not in table:  # the golden copies are some of them
            continue
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
    picture = torch.from_numpy(standins.input_image(name, 2, 18, side, side))
    with np.load(GOLDEN) as table:
        hold(case, picture, table)


@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_it_does_so_at_every_stage(case: str) -> None:
    if not published.SHARED.is_dir():
        pytest.skip("the published arrays beside the project are not here; the golden copies are compared")
    name, side = (CASES | MORE)[case]
    picture = torch.from_numpy(standins.input_image(name, 2, 18, side, side))
    with np.load(published.SHARED / "forward.npz") as table:
        assert set(STAGES) <= {name.split("/")[-1] for name in table if name.startswith(case)}
        hold(case, picture, table)


def test_a_proxy_is_drawn_and_answered_as_published() -> None:
    with np.load(GOLDEN) as table:
        mask = np.unpackbits(table["proxy/input_mask_bits"]).reshape(2, 256, 256) > 0
        points = torch.from_numpy(table["proxy/input_joints2D_px256"])
        drawn = proxy(torch.from_numpy(mask), points, torch.ones(2, 17, dtype=torch.bool), deviation(256))
        sums = drawn.double().sum((2, 3)).numpy()
        np.testing.assert_allclose(sums, table["proxy/input_check_sum_per_channel"], rtol=1e-6)
        hold("resnet18/proxy", drawn, table)


@pytest.mark.parametrize(("depth", "count"), [(18, 11_909_789), (50, 27_024_541)])
def test_there_are_as_many_weights_as_published(depth: int, count: int) -> None:
    with torch.device("meta"):
        model = STRAPS(depth)
    assert sum(weight.numel() for weight in model.parameters()) == count


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
    picture = torch.from_numpy(standins.input_image("straps/forward", 2, 18, 256, 256))
    with torch.no_grad(), np.load(published.SHARED / "forward.npz") as table:
        body = model(Inputs({"proxy": picture}, {}, torch.eye(3), torch.zeros(2, 3))).body
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
