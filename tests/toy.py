"""A toy experiment: the outlines of a real one, at a size that trains in a second; as a user writes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from common.geometry.rotation import matrix_from_6d, matrix_from_axis_angle
from common.joints import SMPL, JointSet
from common.losses.joints import Joints2D, Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Betas, Rotations
from common.losses.vertices import Vertices
from common.metrics.metric import Metric
from common.networks.model import Model
from common.preprocess.augment import Augment
from common.structures import Batch, Body, BodyParams, Inputs, Person, Prediction, View, WeakPerspective
from data.loading.dataset import Benchmark
from main.experiment import Experiment
from main.schedules import cosine

POINTS = JointSet("points", ("nose", "left_eye", "right_eye", "left_hip", "right_hip"))


class ToyBody(nn.Module):
    """A hundred points that all follow the mean of the rotations."""

    layout, topology = SMPL, "toy"
    template: Tensor
    faces: Tensor

    def __init__(self) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(3)
        self.register_buffer("template", torch.randn(100, 3, generator=dice), persistent=False)
        self.register_buffer("mean_pose", torch.zeros(24, 3), persistent=False)
        self.register_buffer("faces", torch.randint(100, (50, 3), generator=dice), persistent=False)

    def params(self, pose: Tensor, betas: Tensor, expression: Tensor, flat_hand: Tensor) -> BodyParams:
        return BodyParams(matrix_from_axis_angle(pose), betas, expression)

    def forward(self, params: BodyParams) -> Body:
        rest = self.template * (1 + 0.1 * params.betas.mean(-1)[:, None, None])
        posed = rest @ params.rotations.mean(1).mT
        return Body(posed, posed[:, :24], rest, self.topology)


class ToyModel(Model):
    def __init__(self, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        self.views, self.joint_set, self.body_model = {"body": View((16, 12))}, POINTS, ToyBody()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * 16 * 12, width), nn.GELU(), nn.Dropout(dropout)
        )
        self.head = nn.Linear(width, 24 * 6 + 10 + 3)

    def read_joints(self, body: Body) -> Tensor:
        return body.joints[:, : len(POINTS)]

    def forward(self, inputs: Inputs) -> Prediction:
        numbers = self.head(self.encoder(inputs.views["body"])).float()
        pose, betas, camera = numbers.split([24 * 6, 10, 3], -1)
        params = BodyParams(matrix_from_6d(pose.unflatten(-1, (24, 6))), betas, betas[:, :0])
        body = self.body_model(params)
        size = camera.new_tensor([12.0, 16.0]).expand(len(camera), 2)
        return Prediction(
            params, body, self.read_joints(body), WeakPerspective(camera[:, 0] + 1, camera[:, 1:], size)
        )


@dataclass(frozen=True)
class ToyPersons:
    """Persons with noise for a picture; a broken one has a picture that is none."""

    name: str = "Toy"
    count: int = 24
    broken: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Person:
        dice = np.random.default_rng(index)
        picture = dice.integers(0, 255, (32, 24, 3), dtype=np.uint8)
        return Person(
            name=f"{self.name}/{index}",
            image=b"no picture" if index in self.broken else picture,
            box=np.array([2.0, 2, 20, 28], np.float32),
            joint_set=POINTS,
            joints_2d=dice.random((5, 3)).astype(np.float32) * [24, 32, 1],
            joints_3d=dice.random((5, 4)).astype(np.float32),
            body=SMPL,
            pose=0.3 * dice.standard_normal((24, 3)).astype(np.float32),
            betas=dice.standard_normal(10).astype(np.float32),
        )


@dataclass(frozen=True)
class VertexError(Metric):
    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        assert batch.target.body is not None
        distance = (prediction.body.vertices - batch.target.body.vertices).norm(dim=-1)
        return {"mpvpe": 1000 * distance.mean(1)}


benchmark = Benchmark(
    name="Toy", dataset=ToyPersons("ToyTest", 7), metrics=(VertexError(),), joint_set=POINTS, body=SMPL
)

experiment = Experiment(
    name="toy",
    model=partial(ToyModel, width=16),
    objective=partial(
        WeightedSum,
        terms={
            "vertices": Term(1.0, Vertices()),
            "rotations": Term(1.0, Rotations()),
            "betas": Term(0.1, Betas()),
            "joints_2d": Term(0.01, Joints2D()),
            "joints_3d": Term(1.0, Joints3D()),
        },
    ),
    train=ToyPersons(),
    test=(benchmark,),
    published={"Toy/mpvpe": 70.0},
    augment=Augment(),
    optimizer=partial(Adam, lr=1e-3),
    schedule=partial(cosine, floor=1e-5),
    epochs=3,
    batch_size=4,
    workers=0,
)
