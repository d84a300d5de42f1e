"""What a network is taught of one body, whole or in a flipped and turned view: as published."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from test_targets_published import published, recorded_crop  # noqa: F401 (the first is a fixture)

from common.joints import POSE_53, SMPLX, WHOLE_BODY_137
from common.losses.origins import origins
from common.losses.volume import PART_ROOTS, Volume
from common.networks.whole_body import WholeBody
from common.preprocess.targets import make_target
from common.structures import Inputs, Person, Sample
from data.on_device.fitted_targets import FittedTargets

PARTS = {
    "root": slice(0, 1), "body": slice(1, 22), "jaw": slice(22, 23),
    "lhand": slice(25, 40), "rhand": slice(40, 55),
}  # fmt: skip


def person(given: Mapping[str, np.ndarray], case: str) -> Person:
    pose, known = np.zeros((55, 3)), np.ones(57)
    for name, places in PARTS.items():
        pose[places] = given[f"model/in/{name}_pose"].reshape(-1, 3)
    known[PARTS["lhand"]] = float(given["model/in/lhand_valid"])
    known[PARTS["rhand"]] = float(given["model/in/rhand_valid"])
    known[PARTS["jaw"]] = known[-1] = float(given["model/in/face_valid"])
    pose[known[:55] == 0] = 0
    (fx, fy), (cx, cy) = given[f"model/{case}/cam_focal"], given[f"model/{case}/cam_princpt"]
    return Person(
        case, body=SMPLX, pose=pose, known=known,
        betas=given["model/in/shape"], expression=given["model/in/expr"],
        translation=given["model/in/trans"], intrinsics=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
    )  # fmt: skip


@pytest.mark.parametrize(("case", "flipped"), [("plain", False), ("flip_rot", True)])
def test_a_body_teaches_what_it_taught(
    published: Mapping[str, np.ndarray],  # noqa: F811
    human_model_files: Path,
    case: str,
    flipped: bool,
) -> None:
    who = person(published, case)
    record = recorded_crop(published[f"model/{case}/img2bb"], 128, flipped)
    record.angle = torch.tensor(math.radians(25) if flipped else 0.0)
    target = make_target(who, record, WHOLE_BODY_137, SMPLX)
    inputs = Inputs({}, {"body": record}, torch.tensor(who.intrinsics, dtype=torch.float32), torch.zeros(3))
    batch = Sample.stack([Sample(case, torch.tensor(0), inputs, target)])
    batch = batch.map(lambda each: each.float() if each.dtype == torch.float64 else each)
    network = WholeBody()
    taught = FittedTargets(network, SMPLX)(batch).target
    start = f"model/{case}/"
    wanted = {key.removeprefix(start): value for key, value in published.items() if key.startswith(start)}
    places = list(POSE_53.taken_from(SMPLX.joints))
    np.testing.assert_allclose(taught.pose[0, places].flatten(), wanted["pose"], atol=1e-5)
    np.testing.assert_allclose(taught.betas[0], wanted["shape"], atol=1e-6)
    np.testing.assert_allclose(taught.expression[0], wanted["expr"], atol=1e-6)
    known = wanted["coord_valid"].reshape(137) > 0
    np.testing.assert_array_equal(taught.fitted_3d[0, :, 3] > 0, known)
    cells = Volume(WHOLE_BODY_137).points(taught.fitted_2d, taught.fitted_3d)[0][0].numpy()
    np.testing.assert_allclose(cells[known], wanted["joint_img"][known], atol=1e-3)
    places_3d, sure = taught.fitted_3d.split([3, 1], -1)
    seen_from, _ = origins(places_3d, sure[..., 0], WHOLE_BODY_137, ("pelvis",), PART_ROOTS)
    moved = (places_3d - seen_from)[0].numpy()
    np.testing.assert_allclose(moved[known], wanted["joint_cam"][known], atol=1e-5)
    model = network.body_model  # the mesh is as annotated, neither flipped nor turned
    flat = torch.zeros(1, dtype=torch.bool)
    mesh = model(model.params(batch.target.pose, batch.target.betas, batch.target.expression, flat)).vertices
    seen = (mesh + batch.target.translation)[0, ::97].numpy()
    np.testing.assert_allclose(seen, wanted["mesh_cam_s97"], atol=1e-4)
