"""The contract of a network: inputs in, a Prediction out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.joints import JointSet
from common.structures import Body, BodyParams, Inputs, Prediction, View


class Model(nn.Module):
    """A network that looks at one person's views and says which body is in them.

    A subclass sets `views`, `joint_set` and `body_model` in its constructor, which takes plain arguments,
    and speaks its published checkpoint's dialect at the bottom of its own file: `published`, and `translate`
    where a table of names is not enough.
    """

    views: Mapping[
        str, View
    ]  # the pictures it wants, the main one first: targets and cameras speak its pixels
    joint_set: JointSet  # of `Prediction.joints`: the joints it is supervised on
    body_model: BodyModel
    published: ClassVar[
        tuple[tuple[str, str | None], ...]
    ] = ()  # regex pairs: published name -> ours; None drops
    unpublished: ClassVar[
        tuple[str, ...]
    ] = ()  # regexes of ours that a published file may lack: they keep their start

    @classmethod
    def translate(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Published tensors, renamed by `published` already -> ours; for what names cannot say."""
        return dict(state)

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        """The constructor call a checkpoint looks like, "OSX(encoder='large')"; None where unknown."""
        return None

    def read_joints(self, body: Body) -> Tensor:
        """(B, J, 3): this network's joint set, read off its own bodies and off true ones."""
        raise NotImplementedError

    def pose(self, params: BodyParams) -> Body:
        """The body that the network means by these numbers; overridden where it leaves some of them aside."""
        return self.body_model(params)

    def forward(self, inputs: Inputs) -> Prediction:
        raise NotImplementedError
