"""Pictures of the free body with all there is to know of them, as a HumanData file:

    python -m tool.prepare.rendered_people
    python -m tool.prepare.rendered_people --count 1000 --seed 3

Each shows one person in a captured pose, of a shape and with a face of its own, in front of colors. It is
enough to see a network learn (config/smpler_x/smpler_x_s_rendered.py), and an example of the format.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from common.body_models.regressors import part_vertices
from common.body_models.smplx import SMPLX
from common.joints import SMPLX as LAYOUT
from common.joints import SMPLX_144
from common.rendering.overlay import overlay
from common.structures import Body, Perspective
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import DATASET, shown
from common.utils.random import normal
from data.formats.humandata import ANNOTATIONS
from data.formats.humandata_columns import ALL_POINTS, PLACES
from data.rendered import Rendered
from data.synthetic import SyntheticPeople
from main.command_line import sentences

Array = np.ndarray

WIDTH, HEIGHT, FOCAL = 360, 480, 600.0  # pixels
FILLED = 0.8  # of the picture, by the person's longer side
PARTS = {"lhand": "left_hand", "rhand": "right_hand", "face": "head"}


def people(count: int, seed: int) -> tuple[SMPLX, dict[str, Array], Body, Perspective]:
    """The body model; the parameters by HumanData's names; the bodies posed; the camera of each."""
    model = SMPLX(free="only")
    drawn = SyntheticPeople(split="test", count=seed * count + count, captured=1.0)
    persons = [drawn[seed * count + number] for number in range(count)]
    pose = torch.from_numpy(np.stack([person.pose for person in persons]))
    betas = torch.from_numpy(np.stack([person.betas for person in persons]))
    expression = normal(torch.arange(count) + seed * count, LAYOUT.expression)
    body = model(model.params(pose, betas, expression, torch.zeros(count, dtype=torch.bool)))
    low, high = body.vertices.amin(1), body.vertices.amax(1)
    distance = FOCAL * ((high - low)[:, :2] / torch.tensor([WIDTH, HEIGHT])).amax(1) / FILLED
    middle = (low + high)[:, :2] / 2
    translation = torch.cat([-middle, (distance - low[:, 2])[:, None]], 1)
    camera = Perspective(
        focal=torch.tensor([[FOCAL, FOCAL]]).expand(count, 2),
        center=torch.tensor([[(WIDTH - 1) / 2, (HEIGHT - 1) / 2]]).expand(count, 2),
        translation=translation,
    )
    parameters = {name: pose[:, places].flatten(1).numpy() for name, places in PLACES[LAYOUT.name].items()}
    shape = {"betas": betas, "expression": expression, "transl": translation}
    return model, parameters | {name: tensor.numpy() for name, tensor in shape.items()}, body, camera


def colors(dice: np.random.Generator) -> Array:
    """(HEIGHT, WIDTH, 3) what stands behind a person: large soft patches and some grain."""
    soft = cv2.resize(dice.uniform(40, 215, (5, 4, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + dice.normal(0, 6, soft.shape), 0, 255).astype(np.uint8)


def boxes(points: Array) -> Array:
    """(N, V, 2) pixels -> (N, 5) x, y, width, height of what lies around them, and a confidence of 1."""
    low, high = points.min(1), points.max(1)
    return np.concatenate([low, high - low, np.ones((len(points), 1))], 1)


def annotations(
    model: SMPLX, parameters: dict[str, Array], body: Body, camera: Perspective
) -> dict[str, object]:
    """The entries of a HumanData file, but for the pictures' names."""
    count = len(body.vertices)
    seen = camera.project(body.vertices).numpy()
    surfaces = {part: seen[:, part_vertices(model.topology, name).numpy()] for part, name in PARTS.items()}
    joints = (body.joints + camera.translation[:, None]).numpy()
    points = {"keypoints2d_smplx": camera.project(body.joints).numpy(), "keypoints3d_smplx": joints}
    filled = {}
    for name, some in points.items():
        filled[name] = np.zeros((count, ALL_POINTS, some.shape[-1] + 1), np.float32)
        filled[name][:, : len(SMPLX_144)] = np.concatenate([some, np.ones((*some.shape[:2], 1))], -1)
        filled[f"{name}_mask"] = (np.arange(ALL_POINTS) < len(SMPLX_144)).astype(int)
    return {
        "__data_len__": count,
        "__keypoints_compressed__": False,
        "bbox_xywh": boxes(seen),
        **{f"{part}_bbox_xywh": boxes(there) for part, there in surfaces.items()},
        **filled,
        "smplx": parameters,
        "meta": {"height": [HEIGHT] * count, "width": [WIDTH] * count},
    }


def write(root: Path, count: int, seed: int) -> Path:
    """Pictures, then the file that names them; UserError where that is there already."""
    file = root / ANNOTATIONS / str(Rendered.annotations["train"])
    if file.exists():
        raise UserError(f"{shown(file)} is there already; delete it to have others drawn.")
    model, parameters, body, camera = people(count, seed)
    names = [f"{number:06}.jpg" for number in range(count)]
    for number, name in enumerate(tqdm(names, desc="drawing", disable=None)):
        behind = colors(np.random.default_rng([seed, number]))
        some = slice(number, number + 1)
        picture = overlay(
            behind, body.vertices[some], model.faces, camera.map(lambda each, some=some: each[some])
        )
        with written_beside(root / Rendered.images / name) as path:
            cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    entries = annotations(model, parameters, body, camera)
    with written_beside(file) as path:
        np.savez_compressed(path, image_path=np.array(names), **entries)
    return file


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=16, help="pictures (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="others have other people (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=DATASET, help="default: dataset")
    given = parser.parse_args(arguments)
    with sentences(), torch.inference_mode():
        print(f"{given.count} persons are in {shown(write(given.root, given.count, given.seed))}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
