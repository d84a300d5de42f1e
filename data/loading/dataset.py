"""Data sets of persons, benchmarks, and how persons become batches of samples."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from common.joints import BodyLayout, JointSet
from common.metrics.metric import Metric
from common.networks.model import Model
from common.preprocess.augment import Augment
from common.preprocess.sample import make_sample
from common.structures import Batch, Inputs, Person, Sample, Target
from common.utils.errors import UserError
from common.utils.random import derived
from data.on_device.posed_targets import PosedTargets

Key = tuple[int, int]  # which person, and the seed that all chance of this showing follows from
ATTEMPTS = 20  # persons that are tried in place of one that cannot be read, before training gives up


class Dataset(Protocol):
    """Persons by number.

    A mixture also has `order(generator)`, the (len,) numbers shown in one epoch, which are below `persons`.
    """

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Person: ...


@runtime_checkable
class PoseDataset(Protocol):
    """Bodies without pictures, many at once: `prepare` makes the rest of their batch, from the seeds."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Person: ...

    def batch(self, indices: Tensor, seeds: Tensor, joint_set: JointSet, body: BodyLayout) -> Batch:
        """(B,) numbers and seeds -> a batch as `bodies` makes it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A data set and how it is measured; joints and body are the truth's, whoever is measured."""

    name: str
    dataset: Dataset
    metrics: tuple[Metric, ...]
    joint_set: JointSet
    body: BodyLayout
    count: int | None = None  # how many persons the protocol has
    prepare: Callable[[Model, BodyLayout], nn.Module] = PosedTargets
    published: Benchmark | None = None  # itself with its published bugs, where an experiment has its own


class Samples:
    """Persons as the batches a network asks for: as they are, or augmented by chance drawn from the seed.

    Where `forgiving`, as in training, a person that cannot be read is named and another one takes its place.
    """

    def __init__(
        self,
        dataset: Dataset,
        model: Model,
        joint_set: JointSet,
        body: BodyLayout,
        augment: Augment | None = None,
        forgiving: bool = False,
    ) -> None:
        self.dataset, self.augment, self.forgiving = dataset, augment, forgiving
        self.replaced = 0  # persons that could not be read, by this process
        self.views, self.joint_set, self.body = dict(model.views), joint_set, body

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, keys: Sequence[Key]) -> Batch | Exception:
        """A whole batch; an error for the user is handed over, for a worker would bury it in a traceback."""
        try:
            if isinstance(self.dataset, PoseDataset):
                indices, seeds = torch.tensor(keys).T
                return self.dataset.batch(indices, seeds, self.joint_set, self.body)
            return Sample.stack([self.sample(index, seed) for index, seed in keys])
        except (UserError, OSError) as error:
            return error

    def sample(self, index: int, seed: int) -> Sample:
        """One person; UserError where it cannot be read, nor, if that is allowed, any other in its place."""
        reasons: list[str] = []
        for attempt in range(ATTEMPTS):
            try:
                made = self._made(index, seed)
            except (OSError, ValueError) as error:
                reasons.append(f"{self.dataset.name}, person {index}, cannot be used: {error}")
            else:
                self._tell(reasons)
                return made
            if not self.forgiving:
                raise UserError(f"{reasons[0]} (a benchmark is measured whole or not at all)")
            index = derived(seed, attempt) % getattr(self.dataset, "persons", len(self.dataset))
        raise UserError(
            f"{ATTEMPTS} persons in a row cannot be used, the last for this reason: {reasons[-1]}"
        )

    def _tell(self, reasons: Sequence[str]) -> None:
        for reason in reasons:
            self.replaced += 1
            log = logging.getLogger(__name__)
            log.warning("%s; another one takes its place (%d so far, by this process)", reason, self.replaced)

    def _made(self, index: int, seed: int) -> Sample:
        chance = self.augment.draw(np.random.default_rng(seed)) if self.augment else None
        return make_sample(self.dataset[index], self.views, self.joint_set, self.body, chance, seed)


def bodies(
    names: tuple[str, ...], seeds: Tensor, joint_set: JointSet, body: BodyLayout, **known: Any
) -> Batch:
    """A batch of bodies without pictures or points: no views, no crops, confidence zero.

    `known` are fields of Target by name: pose (B, P, 3), betas (B, S), expression (B, E), translation (B, 3),
    flat_hand (B,) ...; what is given counts as known, the rest is zero and counts as unknown.
    """
    count, turning = len(seeds), len(body.joints)
    given = [1.0 if name in known else 0.0 for name in ("pose", "betas", "expression")]
    blank = Target(
        joints_2d=torch.zeros(count, len(joint_set), 3),
        joints_3d=torch.zeros(count, len(joint_set), 4),
        joints_are_fitted=torch.ones(count, dtype=torch.bool),
        part_boxes=torch.zeros(count, 3, 5),
        pose=torch.zeros(count, turning, 3),
        betas=torch.zeros(count, body.betas),
        expression=torch.zeros(count, body.expression),
        translation=torch.zeros(count, 3),
        known=torch.tensor(given).repeat_interleave(torch.tensor([turning, 1, 1])).expand(count, -1),
        flat_hand=torch.zeros(count, dtype=torch.bool),
        gender=torch.zeros(count, dtype=torch.int64),
        vertices=torch.zeros(count, 0, 3),
    )
    inputs = Inputs({}, {}, torch.eye(3).expand(count, 3, 3), torch.full((count, 3), -1.0))
    return Sample(names, seeds, inputs, replace(blank, **known))
