"""Person -> Sample: the one road every picture takes, in training, tests and the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from common.geometry.camera import assumed_intrinsics
from common.joints import BodyLayout, JointSet
from common.preprocess import parts_of_body
from common.preprocess.augment import Chance
from common.preprocess.pictures import Picture
from common.preprocess.targets import make_target
from common.preprocess.views import TWINS, cut, filling, opened
from common.structures import Crop, Inputs, Person, Sample, View


def make_sample(
    person: Person,
    views: Mapping[str, View],
    joint_set: JointSet,
    body: BodyLayout,
    chance: Chance | None = None,
    seed: int = 0,
) -> Sample:
    """One person as a network wants to see it: annotated or merely detected, with a picture or with a pose
    alone.

    views: the network's, the main one first. joint_set, body: whose the target's numbers are. chance: what
    happens to the sample; nothing by default. seed: of what is drawn on the device. A person without
    picture and points has no views, and crops that change nothing. Raises BrokenPicture, which names the
    file and the person.
    """
    main_view = next(iter(views.values()))
    chance = filling(person, main_view, chance or Chance())
    picture = opened(person, views.values(), chance)
    if person.image is None and person.joints_2d is None:
        cuts: dict[str, Tensor] = {}
        crops = {name: _untouched(person) for name in views}
    else:
        pairs = _cut(person, views, chance, picture)
        cuts = {name: pair[0] for name, pair in pairs.items()}
        crops = {name: pair[1] for name, pair in pairs.items()}
    main = next(iter(crops.values()))
    inputs = Inputs(cuts, crops, _intrinsics(person, main), _part_scores(person, main))
    whole_within = main_view.size[1] if chance.whole_points else None
    target = make_target(_shown(person, main_view, chance), main, joint_set, body, whole_within)
    return Sample(person.name, torch.tensor(seed), inputs, target)


def _cut(
    person: Person, views: Mapping[str, View], chance: Chance, picture: Picture | None
) -> dict[str, tuple[Tensor, Crop]]:
    """Every view, and where it was cut."""
    if chance.parts_from_body and picture is not None and parts_of_body.apply(views):
        return parts_of_body.cut_with_parts(person, views, chance, picture)
    return {name: cut(person, view, chance, picture) for name, view in views.items()}


def _shown(person: Person, view: View, chance: Chance) -> Person:
    """The person whose body is that of the hand or face alone which the main view shows, if there is one."""
    name = TWINS.get(view.box, view.box) if chance.flipped else view.box
    part = (person.part_bodies or {}).get(name)
    return person if part is None else replace(person, **vars(part))


def _untouched(person: Person) -> Crop:
    """The crop of a person nobody photographed."""
    size = (1.0, 1.0) if person.intrinsics is None else 2 * person.intrinsics[:2, 2]
    return Crop(
        torch.eye(3)[:2], torch.tensor(0.0), torch.tensor(False), torch.as_tensor(size, dtype=torch.float32)
    )


def _intrinsics(person: Person, crop: Crop) -> Tensor:
    if person.intrinsics is not None:
        return torch.as_tensor(person.intrinsics, dtype=torch.float32)
    return assumed_intrinsics(*crop.image_size.tolist())


def _part_scores(person: Person, crop: Crop) -> Tensor:
    """(3,) in the view's own left and right, -1 where no detector looked."""
    if person.part_scores is None:
        return torch.full((3,), -1.0)
    scores = torch.as_tensor(person.part_scores, dtype=torch.float32)
    return scores[[1, 0, 2]] if crop.flipped else scores
