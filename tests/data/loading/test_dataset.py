"""How persons become batches of samples."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import pytest
import torch

from common.joints import SMPL, SMPLX, JointSet
from common.structures import Person, Sample
from common.utils.errors import UserError
from data.loading.dataset import Samples, bodies
from main.experiment import Experiment


def samples(toy: Experiment, augment: bool = True, **changes) -> Samples:
    model = toy.model()
    dataset = replace(toy.train, **changes)
    return Samples(dataset, model, model.joint_set, SMPL, toy.augment if augment else None, forgiving=augment)


def test_a_batch_holds_the_persons_asked_for(toy: Experiment) -> None:
    batch = samples(toy).__getitems__([(3, 100), (0, 101), (3, 102)])
    assert isinstance(batch, Sample) and batch.name == ("Toy/3", "Toy/0", "Toy/3")
    assert batch.seed.tolist() == [100, 101, 102]
    assert batch.inputs.views["body"].shape == (3, 3, 16, 12)
    assert batch.target.pose.shape == (3, 24, 3) and batch.target.known.all(0)[:25].all()


def test_how_a_person_is_shown_follows_from_the_seed(toy: Experiment) -> None:
    some = samples(toy)
    batch = some.__getitems__([(3, 100), (3, 100), (3, 102)])
    one, same, other = batch.inputs.views["body"]
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_without_augmentation_nothing_is_left_to_chance(toy: Experiment) -> None:
    batch = samples(toy, augment=False).__getitems__([(3, 100), (3, 102)])
    one, other = batch.inputs.views["body"]
    assert torch.equal(one, other) and not batch.inputs.crops["body"].flipped.any()


def test_in_training_another_person_takes_a_broken_one_s_place(toy: Experiment, caplog) -> None:
    some = samples(toy, broken=(3, 5))
    with caplog.at_level(logging.WARNING):
        batch = some.__getitems__([(3, 100), (4, 101)])
    assert batch.name[1] == "Toy/4" and batch.name[0] not in ("Toy/3", "Toy/5")
    assert "Toy, person 3" in caplog.text
    assert some.__getitems__([(3, 100)]).name[0] == batch.name[0]  # the same one every time
    assert some.replaced == 2  # it is counted each time


def test_a_broken_person_ends_a_benchmark(toy: Experiment) -> None:
    error = samples(toy, augment=False, broken=(3,)).__getitems__([(2, 0), (3, 0)])
    assert isinstance(error, UserError) and "person 3" in str(error) and "measured whole" in str(error)


def test_a_set_of_broken_persons_ends_training(toy: Experiment) -> None:
    error = samples(toy, broken=tuple(range(24))).__getitems__([(3, 100)])
    assert isinstance(error, UserError) and "in a row" in str(error)


POINTS = JointSet("points", ("nose",))


@dataclass(frozen=True)
class Columns:
    """Poses without pictures, many at once."""

    name: str = "Columns"

    def __len__(self) -> int:
        return 50

    def __getitem__(self, index: int) -> Person:
        pose = torch.full((55, 3), float(index))
        return Person(f"{self.name}/{index}", body=SMPLX, pose=pose.numpy(), betas=pose[:10, 0].numpy())

    def batch(self, indices, seeds, joint_set, body):
        names = tuple(f"{self.name}/{index}" for index in indices.tolist())
        pose = indices.float()[:, None, None].expand(-1, 55, 3)
        return bodies(names, seeds, joint_set, body, pose=pose, betas=pose[:, :10, 0])


def test_poses_come_as_whole_batches_and_equal_the_long_road(toy: Experiment) -> None:
    keys = [(7, 1), (0, 2), (49, 3)]
    model = toy.model()
    fast = Samples(Columns(), model, POINTS, SMPLX)
    slow = Sample.stack([fast.sample(index, seed) for index, seed in keys])
    batch = fast.__getitems__(keys)
    assert batch.name == slow.name and batch.seed.tolist() == [1, 2, 3]
    for name in (
        "pose",
        "betas",
        "expression",
        "known",
        "joints_2d",
        "joints_3d",
        "flat_hand",
        "gender",
        "vertices",
    ):
        one, other = getattr(batch.target, name), getattr(slow.target, name)
        assert one.shape == other.shape and one.dtype == other.dtype, name
        assert torch.equal(one, other), name
    assert batch.inputs.views == {} and batch.inputs.part_scores.eq(-1).all()


def test_what_a_body_is_not_given_is_not_known() -> None:
    batch = bodies(("a", "b"), torch.tensor([1, 2]), POINTS, SMPLX, betas=torch.ones(2, 10))
    assert batch.target.known.tolist() == [[0.0] * 55 + [1.0, 0.0]] * 2
    with pytest.raises(TypeError, match="poses"):
        bodies(("a",), torch.tensor([1]), POINTS, SMPLX, poses=torch.ones(1, 55, 3))
