"""PyMAF-X: experts of body, hands and face, each looking again where its mesh was (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from common.body_models import files
from common.geometry.rotation import matrix_from_6d
from common.networks.layers.precision import full_precision
from common.networks.model import Model
from common.networks.pymaf_x import cameras, dialect, experts, integration, posing
from common.networks.pymaf_x.bodies import ALL, bodies, hand_vertices, smplx_file
from common.networks.pymaf_x.dense import CoordinateMap, SurfaceMaps
from common.networks.pymaf_x.given import OF, Given, free_readers, readers
from common.networks.pymaf_x.joints import Joints
from common.networks.pymaf_x.meshes import BodyMesh, OwnMeshes
from common.networks.pymaf_x.posing import Estimate
from common.networks.pymaf_x.regressors import Numbers
from common.structures import Body, BodyParams, Camera, Inputs, Prediction, View

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
PADDING = {"body": 1.2, "left_hand": 1.44, "right_hand": 1.44, "face": 1.68}  # of the published demo
SHOWN = {"body": ("body",), "hand": ("left_hand", "right_hand"), "face": ("face",)}
IDENTITY = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)  # in the 6D form
HEAD_SEEN = 0.5  # how sure a detector has to be of a face that turns the head


class PyMAFX(Model):
    """Three stages: each looks at the maps where the meshes of the one before were, and corrects it.

    With all parts the body is SMPL-X; of hands alone it is MANO's right one, of faces alone FLAME. A left
    hand is looked at in a mirror. The last stage puts the hands' own wrists on the body, but for hands that
    are not visible: by a detector's score or, where none looked, by its own guess; those take the mean pose.

    Published: the body is posed without its expression, which `params` has all the same; until the last stage
    it is posed with mean hands, although `params` has those that are said.

    stages: the estimates of the first two stages, in training or with `every_stage`.
    extras:
        scale         (B, 1) of the camera
        visibility    (B, 2) whether left and right hand are seen; of the last stage, with body and hands
        surface...    see `SurfaceMaps`, and `coordinates`, see `CoordinateMap`: where there are stages
    """

    published: ClassVar = dialect.PUBLISHED
    unpublished: ClassVar = dialect.UNPUBLISHED

    def __init__(
        self,
        parts: tuple[str, ...] = ALL,
        body: str = "smplx",
        backbone: str = "hrnet",
        *,
        own_meshes: bool = True,
        dense_face: bool = True,
        expression: int = 50,
        adaptive: bool = True,
        turns_head: bool = False,
        visible_from: float = 0.1,
        coordinates: bool = False,
        full_picture: bool = False,
        expressive: bool = False,
        every_stage: bool = False,
        file: str | Path | None = None,
        free: files.Free = "never",
    ) -> None:
        """`parts` that there are experts of: all, or one alone. `body`, where there is one: "smplx" or
        "smpl"; `backbone` of it: "hrnet" (W48) or "resnet" (50).

        `own_meshes`: hands and face are looked at where their own meshes are, else, as in the first release
        (1.0), where the body's is; that release has `expression=10` and looks at 68 landmarks of the face
        instead of 708 vertices, `dense_face=False`. `adaptive`: the forearm turns with a wrist. `turns_head`:
        the face's own view turns the head. `visible_from`: scores of visible hands are above. `coordinates`:
        an expert alone is taught by a map of them. `full_picture`: the camera stands before the full picture,
        behind the lens that is given. `expressive`: the body has its expression, unlike published.
        `every_stage`: also in evaluation. `file` of SMPL-X. `free`: whether the free body may stand in for
        the official one, where there is an expert of the body alone; its points are its own.

        Raises ValueError for parts that do not go together, FileNotFoundError where a body model is missing.
        """
        super().__init__()
        parts = tuple(parts)
        if parts not in (ALL, ("body",), ("hand",), ("face",)):
            raise ValueError(f"PyMAF-X has all of {', '.join(ALL)} or one of them, not {', '.join(parts)}.")
        if coordinates and parts not in (("hand",), ("face",)):
            raise ValueError("A map of coordinates teaches a hand or a face that is trained alone.")
        self.parts, self.own_meshes = parts, own_meshes or parts != ALL
        self.adaptive, self.turns_head, self.visible_from = adaptive, turns_head, visible_from
        self.full_picture, self.expressive, self.every_stage = full_picture, expressive, every_stage
        shown = (
            ("right_hand",) if parts == ("hand",) else tuple(view for part in parts for view in SHOWN[part])
        )
        self.views = {name: _view(name) for name in shown}
        self.free: files.Free = free
        models = bodies(parts, body, self.own_meshes, expression, file, free)
        self.body_model, self.hand_model, self.face_model, self.to_smpl = models
        self.joints = Joints(self.body_model, self.to_smpl)
        self.joint_set = self.joints.joint_set
        self._add_experts(backbone, dense_face, expression, coordinates)
        self._add_given(dense_face, file)

    def _add_experts(self, backbone: str, dense_face: bool, expression: int, coordinates: bool) -> None:
        self.expression = expression
        self.encoders = nn.ModuleDict({part: experts.encoder(part, backbone) for part in self.parts})
        channels = {part: encoder.channels for part, encoder in self.encoders.items()}
        self.alignment = nn.ModuleDict(
            {part: experts.looks(part, channels[part], dense_face) for part in self.parts}
        )
        widths = {part: [look.width for look in looks] for part, looks in self.alignment.items()}
        self.regressors = experts.regressors(self.parts, widths, expression, self.own_meshes)
        self.dense = nn.ModuleDict()
        if "body" in self.parts:
            self.dense["body"] = SurfaceMaps(channels["body"][-1])
        elif coordinates:
            self.dense[self.parts[0]] = CoordinateMap(channels[self.parts[0]][-1])

    def _add_given(self, dense_face: bool, file: str | Path | None) -> None:
        needed = [name for name, of in OF.items() if set(of) & set(self.parts)]
        if self.parts == ("body",) and self.body_model.layout.name == "smplx":
            needed.append("hand")
        if "face" in self.parts and not dense_face:
            needed.remove("face_samples")
        file = file or smplx_file(self.parts, self.own_meshes)
        smplx = partial(files.find, "smplx", "neutral", free=self.free, file=file)
        is_free = "body" in self.parts and self.body_model.topology not in files.FAMILIES
        known = free_readers(self.body_model, smplx) if is_free else readers(smplx)
        self.given = Given(tuple(needed), known)
        if self.own_meshes:
            seen = (self.body_model if "body" in self.parts else None, self.hand_model, self.face_model)
            self.meshes: nn.Module = OwnMeshes(*seen, self.to_smpl)
        else:
            self.meshes = BodyMesh(self.body_model, self.to_smpl, hand_vertices())
        self.given.register_load_state_dict_post_hook(lambda given, _: self._take(given))
        self._take(self.given)

    def _take(self, given: Given) -> None:
        """What follows from the constants: anew when weights have brought others along."""
        self.meshes.look_at(given)
        if "body" in self.parts:
            self.joints.set_extra(given.extra_joints)

    def translate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:  # type: ignore[override]
        """In our shapes, without the parts that this network lacks."""
        return dialect.ours(state, set(self.state_dict()))

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        return dialect.variant(state)

    def read_joints(self, body: Body) -> Tensor:
        """(B, J, 3)."""
        return self.joints(body)

    def pose(self, params: BodyParams) -> Body:
        """The body, without its expression unless the network is `expressive`; a hand or a face as it is."""
        as_it_is = self.expressive or "body" not in self.parts
        return self.body_model(params if as_it_is else posing.without_expression(params))

    def forward(self, inputs: Inputs) -> Prediction:
        """Raises FileNotFoundError where a constant came neither from a file nor with the weights."""
        self.given.check()
        maps = {part: self._maps(part, inputs) for part in self.parts}
        with full_precision(next(iter(inputs.views.values())).device.type):
            return self._refined(maps, inputs)

    def _maps(self, part: str, inputs: Inputs) -> list[Tensor]:
        """What an encoder sees; of both hands one batch, right ones, then left ones in a mirror."""
        if part == "hand" and self.parts == ALL:
            pictures = [inputs.views["right_hand"], inputs.views["left_hand"].flip(3)]
        else:
            pictures = [inputs.views["right_hand" if part == "hand" else part]]
        if self.training:  # whose norms are of the whole batch
            pictures = [torch.cat(pictures)]
        seen = [self.encoders[part](picture) for picture in pictures]  # one by one, which takes less memory
        return [torch.cat(level).float() for level in zip(*seen, strict=True)]

    def _refined(self, maps: Mapping[str, list[Tensor]], inputs: Inputs) -> Prediction:
        estimate = self.start(len(next(iter(inputs.views.values()))))
        lens = cameras.told(inputs, self.full_picture) if "body" in self.parts else None
        is_taught = self.training or self.every_stage
        points: dict[str, Tensor] = {}
        hidden: dict[str, Tensor] = {}
        stages = []
        for place, regressors in enumerate(self.regressors):
            for part in self.parts:
                seen = self.alignment[part][place](maps[part][place], points.get(part))
                known = (seen, estimate[part], lens) if part == "body" else (seen, estimate[part])
                estimate[part], hidden[part] = regressors[part](*known)
            if place < experts.STAGES - 1:
                stages += [self.predicted(estimate, inputs)] if is_taught else []
                estimate = {part: numbers.map(Tensor.detach) for part, numbers in estimate.items()}
                points = self._points(estimate, inputs)
        prediction = self.predicted(estimate, inputs, hidden)
        if is_taught:
            for part, heads in self.dense.items():
                prediction.extras.update(heads(maps[part][-1]))
            prediction.stages = tuple(stages)
        return prediction

    def start(self, batch: int) -> Estimate:
        """Where the first stage begins: the mean body, both hands as the mean right one, a face at rest."""
        given, result = self.given, {}
        rest = given.camera.new_tensor(IDENTITY)
        poses = {
            "hand": (getattr(given, "hand", None), 10, 0),
            "face": (rest.repeat(3), 100, self.expression),
        }
        for part in self.parts:
            if part == "body":
                numbers = Numbers(given.pose, rest[:0], given.betas, rest[:0], given.camera)
            else:
                pose, betas, expression = poses[part]
                others = rest.new_zeros(betas), rest.new_zeros(expression)
                numbers = Numbers(pose, given.root, *others, given.camera)
            count = 2 * batch if part == "hand" and self.parts == ALL else batch
            result[part] = numbers.map(lambda tensor, n=count: tensor.expand(n, -1))
        return result

    def _points(self, estimate: Estimate, inputs: Inputs) -> dict[str, Tensor]:
        """Where the next stage looks."""
        if "body" not in self.parts:
            return self.meshes(estimate, None, None)
        camera, carried = self._camera(estimate, inputs), self._carried(estimate)
        if not self.expressive:
            carried = posing.without_expression(carried)
        if self.own_meshes:
            return self.meshes(estimate, carried, camera)
        return self.meshes(carried, camera, inputs.crops)

    def predicted(
        self, estimate: Estimate, inputs: Inputs, hidden: Mapping[str, Tensor] | None = None
    ) -> Prediction:
        """What an estimate amounts to; with what the last stage thought, the experts are put together."""
        if "body" not in self.parts:
            return self._of_one(estimate)
        extras = {"scale": estimate["body"].camera[:, :1]}
        carried = params = self._carried(estimate)
        if self.parts == ALL:
            params = posing.with_hands(carried, posing.both_hands(estimate["hand"].pose))
            if hidden is not None:
                extras["visibility"] = self._visibility(hidden)
                carried = params = self._put_together(estimate, params, extras["visibility"], inputs)
        posed = self.pose(carried)
        return Prediction(
            params, posed, self.read_joints(posed), self._camera(estimate, inputs), extras=extras
        )

    def _carried(self, estimate: Estimate) -> BodyParams:
        """The body as it stands until the last stage, its hands being mean ones."""
        body = estimate["body"]
        rotations = posing.turns(body.pose)
        if self.body_model.layout.name == "smpl":
            return BodyParams(rotations, body.betas, body.expression)
        if self.parts != ALL:
            return posing.resting(rotations, body.betas, self.given.hand, self.body_model.layout.expression)
        hand = estimate["hand"].pose
        hands = (
            posing.mean_hands(self.given.hand, len(rotations)) if self.own_meshes else posing.both_hands(hand)
        )
        return posing.whole(rotations, body.betas, hands, estimate["face"])

    def _visibility(self, hidden: Mapping[str, Tensor]) -> Tensor:
        """(B, 2) whether left and right hand are seen, as the network has it."""
        right, left = hidden["hand"].chunk(2)
        return self.regressors[-1]["visibility"](hidden["body"], left, right)

    def _put_together(
        self, estimate: Estimate, params: BodyParams, visibility: Tensor, inputs: Inputs
    ) -> BodyParams:
        """Hands that are seen with the wrists of their own views; the others as the mean hand."""
        scores = inputs.part_scores.to(visibility.dtype)
        visible = torch.where(scores[:, :2] < 0, visibility, scores[:, :2]) > self.visible_from
        right, left = matrix_from_6d(estimate["hand"].root).chunk(2)
        roots = torch.stack([integration.mirrored(left), right], 1)
        body = params.rotations
        turned = integration.with_hands(body, roots, self._forearms(params.betas), visible, self.adaptive)
        if self.turns_head:
            # in the frame of the body as it was before (published: as it is, for nothing above it has turned)
            face = matrix_from_6d(estimate["face"].root)
            turned = integration.with_head(turned, face, (scores[:, 2] < 0) | (scores[:, 2] > HEAD_SEEN))
        hands = turned[:, 25:].unflatten(1, (2, -1))
        mean = posing.mean_hands(self.given.hand, len(hands))
        hands = torch.where(visible[..., None, None, None], hands, mean)
        return replace(params, rotations=torch.cat([turned[:, :25], hands.flatten(1, 2)], 1))

    def _forearms(self, betas: Tensor) -> Tensor:
        """(B, 2, 3) from elbow to wrist in the rest pose."""
        model = self.body_model
        directions = model.joint_directions[: betas.shape[1]]
        joints = torch.addmm(model.rest_joints, betas, directions).unflatten(-1, (-1, 3))
        return joints[:, list(integration.WRISTS)] - joints[:, list(integration.ELBOWS)]

    def _of_one(self, estimate: Estimate) -> Prediction:
        """A hand or a face alone."""
        (part,) = self.parts
        numbers = estimate[part]
        params = posing.hand_params(numbers) if part == "hand" else posing.face_params(numbers)
        posed, seen = self.body_model(params), cameras.nearer(numbers.camera)
        extras = {"scale": seen[:, :1]}
        return Prediction(params, posed, self.read_joints(posed), cameras.far(seen), extras=extras)

    def _camera(self, estimate: Estimate, inputs: Inputs) -> Camera:
        numbers = estimate["body"].camera
        if self.full_picture:
            return cameras.in_picture(numbers, inputs.crops["body"], inputs.intrinsics)
        return cameras.far(numbers)


def _view(name: str) -> View:
    size = (cameras.SIDE, cameras.SIDE)
    return View(size, name, padding=PADDING[name], sampling="resize_cubic", mean=MEAN, std=STD)
