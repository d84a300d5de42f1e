"""How soon a benchmark's numbers are known, beside the published way: person by person in plain numpy.

Bar: at least ten times as many persons a second. Both compare the same meshes and say the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import torch

from common.body_models.build import body_model
from common.body_models.regressors import part_vertices, regressor_matrix
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPLX, SMPLX_144
from common.metrics.whole_body import HAND_JOINTS
from common.networks.whole_body import WholeBody
from common.structures import Body, BodyParams, Crop, Perspective
from common.utils.timing import milliseconds
from data import agora, ehf, ubody
from data.loading.dataset import Benchmark

Array = np.ndarray
Numbers = dict[str, float]

PERSONS = 32  # in a batch, as tests measure them
DEPTH = 6.0  # meters to the camera
TIMES = 1000.0  # meters -> millimeters
PELVIS, NECK, WRISTS = 0, 12, (20, 21)


@dataclass(frozen=True)
class People:
    """A batch, true and guessed, and how it is seen."""

    truth: Body
    guess: Body
    crop: Crop
    lens: Perspective


def people() -> People:
    """Bodies in poses of noise, some of them out of the picture."""
    model = body_model(SMPLX, free="only")
    drawn = torch.Generator().manual_seed(0)
    pose, change = 0.2 * torch.randn(2, PERSONS, len(SMPLX.joints), 3, generator=drawn)
    betas = torch.randn(2, PERSONS, SMPLX.betas, generator=drawn)
    still = torch.zeros(PERSONS, SMPLX.expression)
    with torch.no_grad():
        truth, guess = (
            model(BodyParams(matrix_from_axis_angle(turns), shape, still))
            for turns, shape in ((pose, betas[0]), (pose + change, betas[1]))
        )
    across = torch.linspace(-1, 1, PERSONS)
    crop = Crop(
        torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]).repeat(PERSONS, 1, 1),
        torch.zeros(PERSONS),
        torch.zeros(PERSONS, dtype=torch.bool),
        torch.tensor([768.0, 1024.0]).repeat(PERSONS, 1),
    )
    place = torch.stack([across, 0 * across, 0 * across + DEPTH], 1)
    lens = WholeBody("only").camera(torch.zeros(PERSONS, 3))
    return People(truth, guess, crop, replace(lens, translation=place))


def ours(benchmark: Benchmark, seen: People) -> dict[str, Array]:
    """(B,) numbers by name, all persons at once."""
    prediction = SimpleNamespace(body=seen.guess, camera=seen.lens)
    target = SimpleNamespace(body=seen.truth, translation=seen.lens.translation)
    batch = SimpleNamespace(target=target, inputs=SimpleNamespace(crops={"image": seen.crop}))
    rows: dict[str, Array] = {}
    for metric in benchmark.metrics:
        rows |= {name: values.numpy() for name, values in metric.measure(prediction, batch).items()}
    return rows


class PublishedWay:
    """One person after the other; joints are regressed once from each mesh, by dense matrices in float64."""

    def __init__(self, topology: str) -> None:
        self.joints = regressor_matrix(topology, "joints").toarray()
        self.body = regressor_matrix(topology, "j14").toarray()
        parts = ("left_hand", "right_hand", "head")
        self.left, self.right, self.face = (part_vertices(topology, part).numpy() for part in parts)
        self.fingers = tuple(np.array(SMPLX_144.indices(hand.names)) for hand in HAND_JOINTS)

    def measured(self, seen: People, whole: bool, in_picture: bool) -> dict[str, Array]:
        """(B,) numbers by name; joints too if `whole`, only what is `in_picture` if that is asked."""
        rows = []
        for person in range(PERSONS):
            truth, guess = (body.vertices[person].numpy() for body in (seen.truth, seen.guess))
            skins = tuple(body.joints[person].numpy() for body in (seen.truth, seen.guess))
            inside = partial(self._inside, seen, person) if in_picture else _everywhere
            joints = tuple(
                np.concatenate([self.joints @ mesh, skin[len(self.joints) :]])
                for mesh, skin in zip((truth, guess), skins, strict=True)
            )
            numbers = dict(self._meshes(truth, guess, joints, inside))
            if whole:
                numbers |= self._joints(truth, guess, joints, inside)
            rows.append(numbers)
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _meshes(
        self, truth: Array, guess: Array, joints: tuple[Array, Array], inside: Callable
    ) -> Iterator[tuple[str, float]]:
        parts = {"hands": ((self.left, WRISTS[0]), (self.right, WRISTS[1])), "face": ((self.face, NECK),)}
        parts = {"": ((slice(None), PELVIS),), **parts}
        for name, choices in parts.items():
            ending = f"_{name}" if name else ""
            at_root, aligned = [], []
            for vertices, root in choices:
                goal, start = (each[root] for each in joints)
                counts = inside(truth[vertices])
                at_root.append(_error(guess[vertices] - start, truth[vertices] - goal, counts))
                aligned.append(_error(_aligned(guess[vertices], truth[vertices]), truth[vertices], counts))
            yield f"mpvpe{ending}", _mean(at_root)
            yield f"pa_mpvpe{ending}", _mean(aligned)

    def _joints(self, truth: Array, guess: Array, joints: tuple[Array, Array], inside: Callable) -> Numbers:
        goal, start = self.body @ truth, self.body @ guess
        hands = []
        for rows in self.fingers:
            wanted, points = (each[rows] for each in joints)
            hands.append(_error(_aligned(points, wanted), wanted, inside(wanted)))
        body = _error(_aligned(start, goal), goal, inside(goal))
        return {"pa_mpjpe_body": body, "pa_mpjpe_hands": _mean(hands)}

    def _inside(self, seen: People, person: int, points: Array) -> Array:
        """(N,) whether points lie in the picture, through the lens and back through the crop."""
        lens, crop = seen.lens, seen.crop
        place = points + lens.translation[person].numpy()
        flat = place[:, :2] / (place[:, 2:] + lens.epsilon)
        pixels = flat * lens.focal[person].numpy() + lens.center[person].numpy()
        matrix = crop.matrix[person].numpy()
        pixels = (pixels - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        return ((pixels > 0) & (pixels < crop.image_size[person].numpy())).all(1)


def _everywhere(points: Array) -> Array:
    return np.ones(len(points), bool)


def _error(points: Array, truth: Array, counts: Array) -> float:
    if not counts.any():
        return float("nan")
    return float(TIMES * np.sqrt(((points - truth) ** 2).sum(1))[counts].mean())


def _mean(errors: list[float]) -> float:
    known = [error for error in errors if not np.isnan(error)]
    return float(np.mean(known)) if known else float("nan")


def _aligned(points: Array, truth: Array) -> Array:
    """The best similarity of one point set."""
    center, goal = points.mean(0), truth.mean(0)
    moved, wanted = points - center, truth - goal
    left, sizes, right = np.linalg.svd(moved.T @ wanted / len(points))
    if np.linalg.det(left @ right) < 0:
        sizes[-1], right[-1] = -sizes[-1], -right[-1]
    scale = sizes.sum() / moved.var(0).sum()
    return scale * moved @ (left @ right) + goal


def measure() -> list[tuple[str, str]]:
    """Rows of what and figure; processor time of one thread."""
    seen = people()
    way = PublishedWay(seen.truth.topology)
    rows = []
    for benchmark in (ehf.benchmark(), agora.benchmark(), ubody.benchmark()):
        name = benchmark.name
        batched = partial(ours, benchmark, seen)
        single = partial(way.measured, seen, whole=name != "AGORA", in_picture=name == "UBody")
        mine, published = milliseconds(batched, 7) / PERSONS, milliseconds(single, 3) / PERSONS
        found, expected = batched(), single()
        off = max(float(np.nanmax(np.abs(found[key] - expected[key]))) for key in expected)
        rows += [
            (f"{name}: a person, {PERSONS} at once", f"{mine:.2f} ms"),
            (f"{name}: a person, one by one", f"{published:.2f} ms, {published / mine:.1f} times as long"),
            (f"{name}: largest difference", f"{off:.4f} mm of {len(expected)} numbers"),
        ]
    return rows
