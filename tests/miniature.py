"""Data sets of a few people of noise in the official formats, and SMPLer-X-S trained on them.

    PYTHONPATH=. python tests/miniature.py FOLDER         # then train FOLDER/smpler_x_s_miniature.py, with
    export HUMAN_MODEL_FILES=FOLDER/human_model_files     # stand-ins of the official body files

EHF (COCO json and meshes), MS COCO (whole-body json and NeuralAnnot fits) and SynBody (HumanData).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import standins

from data.formats.humandata import ANNOTATIONS
from data.mscoco import MSCOCO
from data.synbody import SynBody

WIDTH, HEIGHT = 320, 240
BODY = {
    "root_pose": 3,
    "body_pose": 63,
    "lhand_pose": 45,
    "rhand_pose": 45,
    "jaw_pose": 3,
    "shape": 10,
    "expr": 10,
}
HUMANDATA = {
    "global_orient": (3,), "body_pose": (21, 3), "left_hand_pose": (15, 3), "right_hand_pose": (15, 3),
    "jaw_pose": (3,), "leye_pose": (3,), "reye_pose": (3,), "expression": (10,), "betas": (10,),
    "transl": (3,),
}  # fmt: skip
POINTS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
BOX, PARTS = (
    [80, 20, 120, 200],
    {"lefthand": [90, 90, 30, 30], "righthand": [150, 90, 30, 30], "face": [120, 30, 30, 40]},
)
CONFIG = '''"""SMPLer-X-S on miniature data sets: two epochs, on the CPU a matter of a minute."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from config.smpler_x.smpler_x_s32 import experiment as base
from data import ehf
from data.ehf import EHF
from data.loading.mixture import Balanced
from data.mscoco import MSCOCO
from data.synbody import SynBody

ROOT = Path(__file__).parent / "dataset"
experiment = replace(
    base,
    name="smpler_x_s_miniature",
    train=Balanced([MSCOCO("train", root=ROOT)], [SynBody(root=ROOT)]),
    test=(replace(ehf.benchmark(), dataset=EHF(root=ROOT, padding=0.96, part_padding=1.2), count=None),),
    weights={},
    optimizer=partial(base.optimizer.func, lr=1e-4),
    batch_size=4,
    epochs=2,
    workers=1,
)
'''


def picture(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.uint8(255 * standins.input_image(name, 3, HEIGHT, WIDTH).transpose(1, 2, 0)))


def ehf(root: Path, persons: int) -> None:
    """Pictures, a COCO json, and a mesh of the stand-in body for each person."""
    folder, images, annotations = root / "EHF" / "data", [], []
    for number in range(persons):
        picture(folder / f"{number:02}_img.png", f"ehf:{number}")
        mesh = standins.smplx_arrays()["v_template"] * (1 + 0.1 * number)
        header = f"ply\nformat ascii 1.0\nelement vertex {len(mesh)}\n"
        header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
        rows = "".join(f"{x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in mesh)
        (folder / f"{number:02}_align.ply").write_text(header + rows)
        images.append({"id": number, "file_name": f"{number:02}_img.png", "width": WIDTH, "height": HEIGHT})
        parts = {f"{part}_bbox": box for part, box in PARTS.items()}
        annotations.append({"id": number, "image_id": number, "body_bbox": BOX, **parts})
    (folder / "EHF.json").write_text(json.dumps({"images": images, "annotations": annotations}))


def coco(root: Path, persons: int) -> None:
    """Pictures, whole-body annotations, and a fit for each person."""
    dice, folder = np.random.default_rng(1), root / "MSCOCO"
    images, annotations, fits = [], [], {}
    for number in range(1, persons + 1):
        picture(folder / "images" / "train2017" / f"{number:012}.jpg", f"coco:{number}")
        images.append({"id": number, "file_name": f"{number:012}.jpg", "width": WIDTH, "height": HEIGHT})
        annotations.append(_coco_person(dice, number))
        body = {name: dice.normal(0, 0.2, size).tolist() for name, size in BODY.items()}
        camera = {"focal": [300, 300], "princpt": [WIDTH / 2, HEIGHT / 2]}
        fits[str(number)] = {"smplx_param": body | {"trans": [0.0, 0.0, 4.0]}, "cam_param": camera}
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    file = folder / "annotations" / MSCOCO.annotations["train"]
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    (folder / "annotations" / MSCOCO.fit_files[0]).write_text(json.dumps(fits))


def _coco_person(dice: np.random.Generator, number: int) -> dict[str, Any]:
    corner, size = np.array(BOX[:2]), np.array(BOX[2:])
    points = {
        name: np.c_[corner + size * dice.random((count, 2)), np.full(count, 2)].ravel().tolist()
        for name, count in POINTS.items()
    }
    parts = {f"{part}_box": box for part, box in PARTS.items()} | {f"{part}_valid": True for part in PARTS}
    person = {"id": number, "image_id": number, "iscrowd": 0, "num_keypoints": 17, "bbox": BOX}
    return person | points | parts


def humandata(root: Path, persons: int) -> None:
    """Pictures, and an .npz of points and bodies."""
    dice = np.random.default_rng(2)
    names = [f"20230101/{number:06}.jpeg" for number in range(persons)]
    for name in names:
        picture(root / SynBody.images / name, name)
    mask = (np.arange(190) < 144).astype(int)
    places = np.array(BOX[:2]) + np.array(BOX[2:]) * dice.random((persons, 190, 2))
    parts = {"lhand": "lefthand", "rhand": "righthand", "face": "face"}
    file = root / ANNOTATIONS / SynBody.annotations["train"]
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        file,
        __data_len__=persons,
        __keypoints_compressed__=False,
        image_path=np.array(names),
        bbox_xywh=np.tile([*BOX, 1.0], (persons, 1)),
        **{f"{ours}_bbox_xywh": np.tile([*PARTS[part], 1.0], (persons, 1)) for ours, part in parts.items()},
        keypoints2d_smplx=np.concatenate([places, np.ones((persons, 190, 1))], 2),
        keypoints3d_smplx=np.concatenate(
            [dice.normal(0, 0.3, (persons, 190, 3)), np.ones((persons, 190, 1))], 2
        ),
        keypoints2d_smplx_mask=mask,
        keypoints3d_smplx_mask=mask,
        smplx={
            name: dice.normal(0, 0.2, (persons, *shape)).astype(np.float32)
            for name, shape in HUMANDATA.items()
        },
        meta={"height": [HEIGHT] * persons, "width": [WIDTH] * persons},
    )


def write(folder: Path, persons: int = 8) -> Path:
    """All of it below a folder; the config. `persons` are those of each training set, a quarter of EHF."""
    coco(folder / "dataset", persons)
    humandata(folder / "dataset", persons)
    ehf(folder / "dataset", max(2, persons // 4))
    standins.write(folder / "human_model_files")
    (folder / "smpler_x_s_miniature.py").write_text(CONFIG)
    return folder / "smpler_x_s_miniature.py"


if __name__ == "__main__":
    print(write(Path(sys.argv[1]).absolute()))
