"""Every name of every published checkpoint is loaded, or dropped by name; what does not fit is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from published_networks import checkpoints, shapes_of, weights
from torch import Tensor

from common.checkpoint import load_weights, translated
from common.networks.backbones.vit import Size, ViT
from common.networks.model import Model
from common.networks.osx import OSX
from common.networks.smpler_x import SMPLerX
from common.networks.smplest_x import SMPLestX
from common.utils.errors import UserError

SIZES = {"s": "small", "b": "base", "l": "large", "h": "huge"}
DECODERS = {"normal": (True, True), "wo_face_decoder": (True, False), "wo_decoder": (False, False)}
NETWORKS = [name for name in checkpoints() if not name.startswith("vitpose/") and not name.endswith(".pth")]
ENCODERS = [name for name in checkpoints() if name not in NETWORKS]
# what nothing ever reads: a ResNet, flows and heads of OSX's decoders, layers of SMPLest-X's
DROPPED = re.compile(
    r"_decoder\.backbone\.|keypoint_head\.(?:enc|dec)_flow|keypoint_head\.fc_|transformer\.(?:fc_|pos_trans)"
    r"|to_token_embedding|dec_(?:hand_cam|face_root_pose|face_cam)\."
)


def network(checkpoint: str) -> Model:
    """What a checkpoint is of, without numbers."""
    system, variant = checkpoint.split("/")
    with torch.device("meta"):
        if system == "osx":
            size, decoders = variant.split(".")
            return OSX(SIZES[size[-1]], *DECODERS[decoders])
        if system == "smpler_x":
            return SMPLerX(SIZES[variant])
        return SMPLestX(Size(384, 4, 6, 0.0) if variant == "small" else "huge")


def saved(path: Path, state: dict[str, Tensor], **beside: object) -> Path:
    """A file as it was published, with the optimizer in it."""
    moments = {0: {"exp_avg": torch.zeros(2)}}
    optimizer = {"state": moments, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    torch.save({"epoch": 13, "network": state, "optimizer": optimizer, **beside}, path)
    return path


@pytest.mark.parametrize("checkpoint", NETWORKS)
def test_every_name_is_accounted_for(human_model_files: Path, checkpoint: str) -> None:
    model = network(checkpoint)
    published, ours = shapes_of(checkpoint), model.state_dict()
    found = translated(model, published)
    assert found.keys() == ours.keys()
    assert {name: found[name].shape for name in found} == {name: ours[name].shape for name in ours}
    kept = {name for name in published if translated(model, _alone(name, published))}
    assert all(DROPPED.search(name) for name in published.keys() - kept)
    assert not any(DROPPED.search(name) for name in kept)
    assert len(kept) == len(ours)


def _alone(name: str, published: dict[str, Tensor]) -> dict[str, Tensor]:
    """One published tensor, with those that its translation looks at."""
    partner = name.replace("value_proj_weight", "value_proj_bias")
    return (
        {partner: published[partner], name: published[name]} if partner != name else {name: published[name]}
    )


@pytest.mark.parametrize("checkpoint", ENCODERS)
def test_an_encoder_of_vitpose_lacks_nothing_but_the_task_tokens(checkpoint: str) -> None:
    size = {"osx_vit_b.pth": "base", "osx_vit_l.pth": "large"}.get(
        checkpoint.split("/")[1], checkpoint.split("/")[1]
    )
    with torch.device("meta"):
        encoder = ViT(size)
    found = translated(encoder, shapes_of(checkpoint))
    ours = {name: tensor.shape for name, tensor in encoder.state_dict().items()}
    given = {name: tensor.shape for name, tensor in found.items() if name != "task_tokens"}
    assert given == {name: shape for name, shape in ours.items() if name != "task_tokens"}


@pytest.mark.parametrize("checkpoint", NETWORKS)
def test_a_checkpoint_tells_what_it_is_of(human_model_files: Path, checkpoint: str) -> None:
    model = network(checkpoint)
    told = type(model).variant(translated(model, shapes_of(checkpoint)))
    system, variant = checkpoint.split("/")
    if system == "osx":
        hands, face = DECODERS[variant.split(".")[1]]
        assert told == f"OSX(encoder='{SIZES[variant[4]]}', hand_decoder={hands}, face_decoder={face})"
    elif system == "smpler_x":
        assert told == f"SMPLerX(encoder='{SIZES[variant]}')"


def test_names_of_older_files_are_known(human_model_files: Path) -> None:
    model = network("smpler_x/s")
    older = {}
    for name, tensor in shapes_of("smpler_x/s").items():
        name = re.sub(r"^encoder\.", "backbone.", name)
        older[re.sub(r"^(body|hand)_regressor\.", r"\1_rotation_net.", name)] = tensor
    assert translated(model, older).keys() == model.state_dict().keys()


@pytest.fixture(scope="module")
def small(human_model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPLer-X-S as it was published."""
    state = {f"module.{name}": tensor for name, tensor in weights("smpler_x/s").items()}
    return saved(tmp_path_factory.mktemp("published") / "smpler_x_s32.pth.tar", state)


def test_a_published_file_is_loaded_to_the_last_number(human_model_files: Path, small: Path) -> None:
    model = SMPLerX("small")
    load_weights(model, small)
    given, ours = weights("smpler_x/s"), model.state_dict()
    assert torch.equal(ours["encoder.pos_embed"], given["encoder.pos_embed"])
    for name, tensor in translated(model, given).items():
        assert torch.equal(ours[name], tensor), name


def test_all_three_systems_take_their_encoder_from_a_file_of_vitpose(
    human_model_files: Path, tmp_path: Path
) -> None:
    given = {name: tensor for name, tensor in weights("vitpose/small").items()}
    path = tmp_path / "vitpose_small.pth"
    torch.save({"state_dict": given, "meta": {"epoch": 210}}, path)
    for model in (SMPLerX("small"), OSX("small", False, False), SMPLestX("small")):
        before = model.encoder.task_tokens.clone()
        load_weights(model, path, part="encoder")
        assert torch.equal(model.encoder.task_tokens, before)
        assert torch.equal(model.encoder.pos_embed, given["backbone.pos_embed"])
        assert torch.equal(
            model.encoder.blocks[11].mlp.fc2.weight, given["backbone.blocks.11.mlp.fc2.weight"]
        )


def test_what_does_not_fit_is_told_with_the_variant_it_is_of(human_model_files: Path, small: Path) -> None:
    with pytest.raises(
        UserError, match=r"does not fit OSX: it looks like OSX\(encoder='small', hand_decoder=False"
    ):
        load_weights(OSX("small", True, False), small)
    with pytest.raises(UserError, match=r"have another shape(.|\n)*encoder"):
        load_weights(SMPLerX("base"), small)


def test_an_encoder_of_another_size_is_refused(human_model_files: Path, tmp_path: Path) -> None:
    path = tmp_path / "vitpose_small.pth"
    torch.save({"state_dict": weights("vitpose/small")}, path)
    with pytest.raises(UserError, match="another shape"):
        load_weights(SMPLerX("base"), path, part="encoder")


def test_without_the_official_body_a_network_says_what_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match="SMPLX_NEUTRAL"):
        SMPLerX("small")


def test_the_free_body_stands_in_where_it_is_asked_to() -> None:
    with torch.device("meta"):
        model = SMPLerX("small", free="allow")
    assert model.body_model.topology != "smplx"
