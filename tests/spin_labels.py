"""Miniature data sets in the official format of the SPIN family's label files, with their pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import standins

from data.formats.spin_columns import PLACES

Array = np.ndarray

SIZE = (240, 180)  # width, height of every picture
BODY, RIGHT_HAND, FACE = "coco-full_train_eft.npz", "freihand_training.npz", "vggface2.npz"
BOTH_HANDS, CAPTURED = "interhand-full_train.npz", "h36m_mosh_train.npz"
FILES = (BODY, CAPTURED, RIGHT_HAND, BOTH_HANDS, FACE)


def write(root: Path, persons: int = 8) -> Path:
    """All of FILES below `root`, each of so many persons, who stand in the same smooth pictures.

    Read them with `folder=""`: COCOFull("train", root=root, folder=""). Points lie in the boxes, poses are
    small turns, everything is known; of the body's file, the first person's left hand is not.
    """
    (root / "images").mkdir(parents=True)
    (root / "dataset_extras").mkdir()
    for person in range(persons):
        picture = standins.input_image(f"spin-labels-{person}", 3, SIZE[1], SIZE[0])
        cv2.imwrite(str(root / f"images/{person:06}.png"), np.uint8(255 * picture.transpose(1, 2, 0)))
    for file in FILES:
        np.savez(root / "dataset_extras" / file, **labels(file, persons))
    return root


def labels(file: str, persons: int) -> dict[str, Array]:
    """The entries of one file."""
    dice = np.random.default_rng(len(file))
    middles = np.array(SIZE) / 2 + dice.uniform(-15, 15, (persons, 2))
    sides = dice.uniform(100, 140, persons)
    entries: dict[str, Array] = {
        "imgname": np.array([f"images/{person:06}.png" for person in range(persons)]),
        "center": middles,
        "scale": sides / 200,
    }

    def turned(joints: int) -> Array:
        return dice.normal(0, 0.15, (persons, 3 * joints))

    def seen(name: str, around: tuple[float, float] = (0.0, 0.0), reach: float = 0.35) -> Array:
        """(N, K, 3) points in the box, about a place in it where it reaches from -0.5 to 0.5."""
        count = PLACES[name].stop - PLACES[name].start
        spots = np.array(around) + dice.uniform(-reach, reach, (persons, count, 2))
        points = middles[:, None] + spots * sides[:, None, None]
        return np.concatenate([points, np.ones((persons, count, 1))], -1)

    def placed(count: int, reach: float) -> Array:
        """(N, K, 4) points in space."""
        points = dice.normal(0, reach, (persons, count, 3))
        return np.concatenate([points, np.ones((persons, count, 1))], -1)

    def faces() -> dict[str, Array]:
        return {f"{name}_pose": turned(1) for name in ("jaw", "leye", "reye")} | {
            "expression": dice.normal(0, 0.5, (persons, 50))
        }

    hands = {"left_hand_pose": turned(15), "right_hand_pose": turned(15)}
    shape = dice.normal(0, 0.5, (persons, 10))
    if file in (BODY, CAPTURED):
        entries |= {"part": seen("part"), "openpose": seen("openpose"), "S": placed(24, 0.3)}
        entries |= {"pose": turned(24), "shape": shape, "gender": np.array((["m", "f"] * persons)[:persons])}
    if file == CAPTURED:
        return entries | {"has_smpl": np.ones(persons)}
    if file == BODY:
        known = np.ones(persons)
        return (
            entries
            | {"xpose": turned(24), "xshape": shape, "valid_fit": known, **hands, **faces()}
            | {f"valid_fit_{part}": known for part in ("rh", "fa")}
            | {"valid_fit_lh": (np.arange(persons) > 0).astype(float)}
            | {
                "lhand_kp2d": seen("lhand_kp2d", (0.25, 0.1), 0.08),
                "rhand_kp2d": seen("rhand_kp2d", (-0.25, 0.1), 0.08),
                "face_kp2d": seen("face_kp2d", (0.0, -0.3), 0.08),
                "feet_kp2d": seen("feet_kp2d", (0.0, 0.4), 0.1),
            }
        )
    if file == FACE:
        turn, points = {"fa_global_orient": turned(1)}, {"face_kp2d": seen("face_kp2d")}
        return entries | turn | points | faces() | {"fa_shape": dice.normal(0, 0.5, (persons, 100))}
    sides_of = ("l", "r") if file == BOTH_HANDS else ("r",)
    for side in sides_of:
        name = {"l": "left", "r": "right"}[side]
        entries |= {
            f"{side}hand_kp2d": seen(f"{side}hand_kp2d", (0.2 if side == "l" else -0.2, 0.0), 0.2),
            f"{side}hand_kp3d": placed(21, 0.05),
            f"{name}_hand_pose": hands[f"{name}_hand_pose"],
            f"{side}h_global_orient": turned(1),
            f"{side}h_shape": shape,
        }
    return entries
