"""People drawn at random from MakeHuman's parameters: adults, children, and the neutral template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Local changes vary by this much about none: as diverse as ten shape directions can tell to five millimeters.
_LOCAL_CHANGE = 0.17
_AGES = {"adult": (0.6, 1.0), "child": (0.05, 0.3)}  # MakeHuman: 0 a baby, 1/3 a child, 2/3 young, 1 old
_GENDERS = {"male": (0.0, 0.15), "female": (0.85, 1.0)}


@dataclass(frozen=True)
class Labels:
    """The names of MakeHuman's parameters."""

    phenotypes: tuple[str, ...]
    changes: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """S people, as MakeHuman's parameters."""

    phenotypes: Tensor  # (S, 11) in [0, 1]
    changes: Tensor  # (S, 254) in [-1, 1]
    actions: Tensor  # (S, 52) of the face, in [0, 1]

    def __len__(self) -> int:
        return len(self.phenotypes)

    def __getitem__(self, chosen: slice) -> People:
        return People(self.phenotypes[chosen], self.changes[chosen], self.actions[chosen])


def template(labels: Labels, actions: Tensor | None = None) -> People:
    """The neutral adult, once or once for each row of `actions` (S, 52)."""
    if actions is None:
        actions = torch.zeros(1, len(labels.actions))
    person = torch.full((len(actions), len(labels.phenotypes)), 0.5)
    person[:, labels.phenotypes.index("age")] = 0.72
    person[:, labels.phenotypes.index("height")] = 0.42
    return People(person, torch.zeros(len(actions), len(labels.changes)), actions)


def draw(labels: Labels, count: int, seed: int, gender: str = "neutral", age: str = "adult") -> People:
    """`count` symmetric people of one gender ("neutral": mostly of either) and age ("adult", "child")."""
    random = np.random.default_rng(seed)
    drawn = {
        "gender": random.beta(0.3, 0.3, count)
        if gender == "neutral"
        else random.uniform(*_GENDERS[gender], count),
        "age": random.uniform(*_AGES[age], count),
    }
    for name, mean, deviation in (("muscle", 0.5, 0.22), ("weight", 0.5, 0.22), ("height", 0.40, 0.075)):
        drawn[name] = np.clip(random.normal(mean, deviation, count), 0, 1)
    drawn["proportions"] = random.uniform(0.1, 0.8, count)
    drawn["cupsize"] = np.clip(random.normal(0.45, 0.2, count), 0, 1)
    drawn["firmness"] = random.uniform(0.2, 0.9, count)
    origins = random.dirichlet([0.6] * 3, count)
    drawn |= {name: origins[:, k] for k, name in enumerate(("african", "asian", "caucasian"))}
    phenotypes = np.stack([drawn[name] for name in labels.phenotypes], 1).astype(np.float32)
    changes = random.normal(0, _LOCAL_CHANGE, (count, len(labels.changes))).clip(-1, 1)
    changes = _plausible(changes, labels.changes).astype(np.float32)
    nothing = torch.zeros(count, len(labels.actions))
    return People(torch.from_numpy(phenotypes), torch.from_numpy(changes), nothing)


def _plausible(changes: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Random local changes, the right as the left and those tamed that shift or stretch whole parts."""
    place = {name: k for k, name in enumerate(names)}
    tamed = changes.copy()
    for name, k in place.items():
        if name.startswith("r-") and "l-" + name[2:] in place:
            tamed[:, k] = changes[:, place["l-" + name[2:]]]
        if name.endswith("trans-out") and name[:2] not in ("l-", "r-"):
            tamed[:, k] = 0
        if any(part in name for part in ("head-trans", "neck-trans", "torso-trans", "hip-trans")):
            tamed[:, k] *= 0.2
        if "pregnant" in name:
            tamed[:, k] = 0.2 * np.abs(tamed[:, k])
        elif "bulge" in name:
            tamed[:, k] = 0
        if any(part in name for part in ("scale-vert", "height", "length", "-dist-")):
            tamed[:, k] *= 0.5
        if any(part in name for part in ("hand", "foot", "ear")):
            tamed[:, k] *= 0.5
    return tamed
