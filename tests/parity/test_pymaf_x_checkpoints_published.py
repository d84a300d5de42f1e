"""Every name of every published checkpoint of PyMAF-X is loaded, used otherwise, or dropped by name."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from published_pymaf_x import NETWORKS, checkpoints, shapes_of, weights
from torch import Tensor

from common.checkpoint import load_weights, translated
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.utils.errors import UserError

# a way back from thinned meshes, nine copies of the way down that nobody reads, whole SMPLs, constant starts
DROPPED = re.compile(
    r"^maf_extractor\..*\.[DU]map$|Umap$|^grid_points$|^regressor\.[12]\.(?:init_|body_model\.)"
    r"|^regressor\.0\.init_(?:lhand|face|exp|shape_rh|shape_fa)$"
    r"|^regressor\.0\.body_model\.(?!J_regressor_extra)"
)
GIVEN = {  # constants that the files bring along, and how they are called here
    "regressor.0.init_pose": "pose", "regressor.0.init_shape": "betas", "regressor.0.init_cam": "camera",
    "regressor.0.init_orient": "root", "regressor.0.init_rhand": "hand", "mesh_sampler.Dmap": "body_samples",
    "mano_sampler.Dmap": "hand_samples", "flame_sampler.sampling_idx": "face_samples",
    "regressor.0.body_model.J_regressor_extra": "extra_joints",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("human_model_files")


def network(checkpoint: str) -> PyMAFX:
    """What a checkpoint is of, without numbers."""
    return built(**NETWORKS[checkpoint])


@cache
def built(**arguments: Any) -> PyMAFX:
    with torch.device("meta"):
        return PyMAFX(**arguments)


@pytest.mark.parametrize("checkpoint", NETWORKS)
def test_every_name_is_accounted_for(checkpoint: str) -> None:
    model = network(checkpoint)
    published, ours = shapes_of(checkpoint), model.state_dict()
    found = translated(model, published)
    lacking = ours.keys() - found.keys()
    assert all(any(re.search(rule, name) for rule in model.unpublished) for name in lacking), lacking
    assert all(found[name].shape == ours[name].shape for name in found)
    assert found.keys() | lacking == ours.keys()
    kept = [name for name in published if not DROPPED.search(name)]
    # an expert alone has no use for all that its file says of where others start
    idle = [name for name in kept if name in GIVEN and not hasattr(model.given, GIVEN[name])]
    assert idle == [] or len(model.parts) == 1
    assert len(kept) - len(idle) == len(found)


def test_there_are_as_many_as_published() -> None:
    assert len(checkpoints()["full_body_v1.1"]) == 2888
    assert checkpoints().keys() == NETWORKS.keys()


@pytest.mark.parametrize("part", ["body", "hand", "face"])
def test_the_released_file_holds_each_expert(part: str) -> None:
    """Published: one had to load it loosely."""
    model = built(parts=(part,))
    found = translated(model, shapes_of("full_body_v1.1"))
    assert found.keys() == model.state_dict().keys()


@pytest.mark.parametrize("checkpoint", ["full_body_v1.1", "full_body_v1.0", "body_only_smplx_res50"])
def test_a_checkpoint_tells_what_it_is_of(checkpoint: str) -> None:
    model = network(checkpoint)
    told = PyMAFX.variant(translated(model, shapes_of(checkpoint)))
    assert told is not None
    assert arguments(told).items() <= NETWORKS[checkpoint].items()


def arguments(call: str) -> dict[str, Any]:
    """The keyword arguments of a call as it is told."""
    (expression,) = ast.parse(call).body
    assert isinstance(expression, ast.Expr) and isinstance(expression.value, ast.Call)
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in expression.value.keywords}


@pytest.fixture(scope="module")
def released(
    human_model_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Tensor]]:
    """A hand's file as it was saved, with constants that are not those of the files."""
    state = weights("hand_only_mano")
    down = torch.zeros(195, 778)
    chosen = torch.arange(195) * 3 + 7
    down[torch.arange(195), chosen] = 1
    state |= {
        "regressor.0.init_rhand": torch.linspace(-1, 1, 90)[None],
        "regressor.0.init_orient": torch.tensor([[1.0, 0, 0, -1, 0, 0]]),
        "regressor.0.init_cam": torch.tensor([[0.8, 0.1, 0.2]]),
        "mano_sampler.Dmap": down,
        "mano_sampler.Umap": torch.zeros(778, 195),
        **{name: torch.tensor(5) for name in checkpoints()["hand_only_mano"] if name.endswith("_tracked")},
    }
    path = tmp_path_factory.mktemp("published") / "PyMAF-X_hand.pt"
    torch.save({"model": state, "epoch": 3, "batch_idx": 0, "batch_size": 64, "total_step_count": 99}, path)
    return path, state | {"chosen": chosen}


def test_a_file_is_loaded_with_its_constants(released: tuple[Path, dict[str, Tensor]]) -> None:
    path, state = released
    model = PyMAFX(parts=("hand",))
    load_weights(model, path)
    given = model.given
    assert torch.equal(given.hand, state["regressor.0.init_rhand"][0])
    assert torch.equal(given.hand_samples, state["chosen"])
    assert torch.equal(model.start(2)["hand"].camera[1], torch.tensor([0.8, 0.1, 0.2]))
    mesh = model.meshes.samples["hand"].vertices
    vertices = model.hand_model.template.unflatten(0, (-1, 3))[state["chosen"]]
    assert torch.equal(mesh.template.unflatten(0, (-1, 3)), vertices), "points are taken from the new choice"
    ours = model.state_dict()
    assert torch.equal(ours["encoders.hand.conv1.weight"], state["encoders.hand.conv1.weight"])


def test_who_has_the_weights_needs_no_files_of_constants(
    released: tuple[Path, dict[str, Tensor]],
    human_model_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("smplx/SMPLX_NEUTRAL.npz", "mano/MANO_RIGHT.pkl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).symlink_to(human_model_files / name)
    monkeypatch.setenv("HUMAN_MODEL_FILES", str(tmp_path))
    model = PyMAFX(parts=("hand",))
    with pytest.raises(
        FileNotFoundError, match=r"mano_downsampling\.npz is missing.*weights hold it as well"
    ):
        model.given.check()
    load_weights(model, released[0])
    model.given.check()


def test_a_file_of_another_part_is_refused_by_name(released: tuple[Path, dict[str, Tensor]]) -> None:
    with pytest.raises(UserError, match=r"PyMAFX\(parts=\('hand',\)\)"):
        load_weights(built(parts=("face",)), released[0])


def test_parts_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="body, hand, face or one of them, not body, hand"):
        PyMAFX(parts=("body", "hand"))
