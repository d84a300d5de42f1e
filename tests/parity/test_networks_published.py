"""Networks filled as the published ones were say what the published ones said."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import standins
import torch
from published_networks import weights
from torch import Tensor

from common.checkpoint import translated
from common.networks.backbones.vit import Size
from common.networks.model import Model
from common.networks.osx import OSX
from common.networks.smpler_x import SMPLerX
from common.networks.smplest_x import SMPLestX
from common.structures import Inputs, Prediction
from common.utils.paths import ROOT

Table = dict[str, np.ndarray]

SHARED = ROOT.parent / "shared" / "parity"
GOLDEN = Path(__file__).with_name("networks.npz")
HERE = ("s_sharp", "smplest_x_small", "osx_b.normal", "osx_b.wo_decoder")  # in every clone
MORE = ("b_sharp", "h_sharp", "smplest_x_h", "osx_b.wo_face_decoder", "osx_l.normal", "osx_l.wo_decoder")
SIZES = {"s": "small", "b": "base", "l": "large", "h": "huge"}
DECODERS = {"normal": (True, True), "wo_face_decoder": (True, False), "wo_decoder": (False, False)}
TURNS = {  # of extras["pose"]
    "root_pose": slice(0, 1), "body_pose": slice(1, 22), "jaw_pose": slice(22, 23),
    "lhand_pose": slice(23, 38), "rhand_pose": slice(38, 53),
}  # fmt: skip
BOXES = ("lhand_bbox", "rhand_bbox", "face_bbox")
# OSX: as the published arrays' own description has it, in pixels, cells, meters
WITHIN = {"joint_proj": 1e-3, "mesh_cam_s97": 5e-5, "joint_img": 5e-4, "cam_trans": 5e-5} | dict.fromkeys(
    BOXES, 1e-3
)


def network(case: str) -> tuple[Model, str]:
    """The network of a case, without numbers, and the checkpoint it is filled from."""
    if case.startswith("osx"):
        size, decoders = case.split(".")
        return OSX(SIZES[size[-1]], *DECODERS[decoders]), f"osx/{case}"
    if case.startswith("smplest"):
        size = case.removeprefix("smplest_x_")
        return SMPLestX(Size(384, 4, 6, 0.1) if size == "small" else "huge"), f"smplest_x/{size}"
    return SMPLerX(SIZES[case[0]]), f"smpler_x/{case[0]}"


def said(case: str) -> tuple[Prediction, dict[str, Tensor]]:
    """What a network says of the published picture, and the first tensor of what each of its modules said."""
    with torch.device("meta"):  # nothing is drawn that is replaced at once
        model, checkpoint = network(case)
    model.load_state_dict(translated(model, weights(checkpoint)), assign=True)
    heard: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda m, given, told, name=name: heard.update({name: _first(told)}))
    count = 1 if case in ("h_sharp", "smplest_x_h") else 2
    picture = standins.input_image("osx:img" if case.startswith("osx") else "smpler_x/img", 2, 3, 512, 384)
    view = {"body": torch.from_numpy(picture[:count])}
    with torch.no_grad():
        inputs = Inputs(view, {}, torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3))
        return model.eval()(inputs), heard


def _first(told: object) -> object:
    return told[0] if isinstance(told, tuple | list) else told


def outputs(told: Prediction) -> dict[str, Tensor]:
    """What a prediction says, in the published units, under one name for all systems."""
    given = {name: told.extras["pose"][:, turns].flatten(1) for name, turns in TURNS.items()}
    given |= {
        "cam_trans": told.camera.translation,
        "joint_proj": told.camera.project(told.joints) / 32,
        "mesh_cam_s97": told.body.vertices[:, ::97] + told.camera.translation[:, None],
    }
    if "part_boxes" in told.extras:
        given |= {name: told.extras["part_boxes"][:, place] for place, name in enumerate(BOXES)}
        given["joint_img"] = torch.cat(
            [told.extras["positions_2d"] / 32, told.extras["positions"][..., 2:]], 2
        )
    return given


def published(table: Table, case: str, name: str) -> np.ndarray:
    spellings = (f"out/smplx_{name}", f"out/{name}", f"out_smplx_{name}", f"out_{name}", name)
    return next(table[f"{case}/{spelled}"] for spelled in spellings if f"{case}/{spelled}" in table)


def hold_outputs(case: str, told: Prediction, table: Table) -> None:
    for name, values in outputs(told).items():
        truth = published(table, case, name)
        apart = np.abs(values.numpy() - truth)
        if name in ("lhand_pose", "rhand_pose") and case in (
            "osx_b.normal",
            "osx_b.wo_face_decoder",
            "osx_l.normal",
        ):
            # In float64 the same numbers come out up to 2e-3 from the published ones: peaked heat maps and a
            # finger whose 6D columns nearly coincide amplify float32's rounding, theirs as well as ours.
            assert (apart <= 1e-3).mean() > 0.95, (name, apart.max())
            assert apart.max() < 5e-3, (name, apart.max())
        elif name in TURNS:
            assert apart.max() <= 1e-3, (name, apart.max())
        else:
            relative = 5e-4 if case in ("h_sharp", "smplest_x_h") else 1e-4
            within = WITHIN[name] if case.startswith("osx") else relative * np.abs(truth).max()
            assert apart.max() <= within, (name, apart.max())


def hold_stages(case: str, model_said: dict[str, Tensor], table: Table) -> int:
    """What comes before any heat map, to 1e-5 of its largest number; -> how many stages were compared."""
    stages = {
        f"patch_embed/out{PICK}": model_said["encoder.patch_embed"][:, ::8, ::32],
        **{
            f"block{depth}/out{PICK}": model_said[f"encoder.blocks.{depth}"][:, ::8, ::32]
            for depth in (0, 6, 11, 12, 23)
            if f"encoder.blocks.{depth}" in model_said
        },
        "encoder/task_tokens_s16": model_said["encoder"][..., ::16],
    }
    found = {name: values for name, values in stages.items() if f"{case}/{name}" in table}
    for name, values in found.items():
        truth = table[f"{case}/{name}"]
        assert np.abs(values.numpy() - truth).max() <= 1e-5 * np.abs(truth).max(), name
    return len(found)


PICK = "_s8_s32"  # every eighth token, every thirty-second channel


@cache
def shared(system: str) -> Table:
    return dict(np.load(SHARED / system / "forward.npz"))


def system_of(case: str) -> str:
    return "osx" if case.startswith("osx") else "smpler_x"


@pytest.mark.parametrize("case", HERE)
def test_a_network_says_what_the_published_one_said(human_model_files: Path, case: str) -> None:
    told, heard = said(case)
    hold_outputs(case, told, dict(np.load(GOLDEN)))
    if system_of(case) == "osx" and SHARED.exists():
        assert hold_stages(case, heard, shared("osx")) == 5


@pytest.mark.parametrize("case", MORE)
def test_so_do_the_other_sizes_and_variants(human_model_files: Path, case: str) -> None:
    if not (SHARED / system_of(case)).exists():
        pytest.skip(
            f"{SHARED / system_of(case)} is not there: the project keeps the numbers of four cases itself"
        )
    told, heard = said(case)
    hold_outputs(case, told, shared(system_of(case)))
    if system_of(case) == "osx":
        assert hold_stages(case, heard, shared("osx")) == 5


def test_the_numbers_kept_here_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    kept = np.load(GOLDEN)
    assert {key.split("/")[0] for key in kept} == set(HERE)
    for key in kept:
        assert np.array_equal(kept[key], shared(system_of(key))[key]), key
