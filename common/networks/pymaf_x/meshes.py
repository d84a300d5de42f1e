"""Where the meshes of an estimate have the points that the next look is taken at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.body_models.regressors import Regressor
from common.body_models.some_vertices import SomeVertices
from common.networks.pymaf_x import cameras
from common.networks.pymaf_x.given import Given
from common.networks.pymaf_x.posing import Estimate, face_params, hand_params
from common.structures import BodyParams, Camera, Crop

LANDMARKS = 68  # of a face: the last joints that SMPL-X and FLAME report
ROOTS = {"left_hand": 20, "right_hand": 21, "face": 55 + 21 + 16}  # of SMPL-X: wrists, and below the nose
SIDES = ("right_hand", "left_hand")  # in the order of the hands' batch


class Samples(nn.Module):
    """Some vertices of a mesh, posed without the rest; of SMPL's mesh also off a body of SMPL-X."""

    weights: Tensor  # (N, K) of the vertices that each point is a mean of

    def __init__(self, body: BodyModel, chosen: Tensor, transfer: Regressor | None = None) -> None:
        """`chosen` (N,) vertices of the mesh or, with a `transfer`, of the mesh it reads."""
        super().__init__()
        vertices, weights = chosen[:, None], torch.ones(len(chosen), 1, device=chosen.device)
        if transfer is not None:
            vertices, weights = transfer.vertices[chosen], transfer.weights[chosen]
        self.vertices = SomeVertices(body, vertices.flatten())
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, params: BodyParams) -> Tensor:
        """(B, N, 3)."""
        corners = self.vertices(params).unflatten(1, self.weights.shape)
        return (corners * self.weights[..., None]).sum(2)


class OwnMeshes(nn.Module):
    """Body, hands and face each have a mesh and a camera of their own."""

    def __init__(
        self,
        body: BodyModel | None,
        hand: BodyModel | None,
        face: BodyModel | None,
        to_smpl: Regressor | None,
    ) -> None:
        """The models of the parts that there are."""
        super().__init__()
        self.models = {"body": body, "hand": hand, "face": face}  # not modules: the network has them
        self.to_smpl = to_smpl
        self.samples = nn.ModuleDict()

    def look_at(self, given: Given) -> None:
        """Chooses the vertices; again whenever weights have brought others along."""
        for part, model in self.models.items():
            chosen = getattr(given, f"{part}_samples", None)
            if model is not None and chosen is not None:
                transfer = self.to_smpl if part == "body" else None
                self.samples[part] = Samples(model, chosen.to(model.template.device), transfer)

    @torch.no_grad()
    def forward(
        self, estimate: Estimate, body: BodyParams | None, camera: Camera | None
    ) -> dict[str, Tensor]:
        """(B, N, 2) of each part, -1 to 1 over its view; `body` as its mesh stands, seen by `camera`."""
        points = {}
        if body is not None and camera is not None:
            points["body"] = cameras.on_view(camera, self.samples["body"](body))
        if "hand" in estimate:
            seen = cameras.far(cameras.nearer(estimate["hand"].camera))
            points["hand"] = cameras.on_view(seen, self.samples["hand"](hand_params(estimate["hand"])))
        if "face" in estimate:
            seen = cameras.far(cameras.nearer(estimate["face"].camera))
            points["face"] = cameras.on_view(seen, self._face(face_params(estimate["face"])))
        return points

    def _face(self, params: BodyParams) -> Tensor:
        if "face" in self.samples:
            return self.samples["face"](params)
        assert self.models["face"] is not None
        return self.models["face"](params).joints[:, -LANDMARKS:]


class BodyMesh(nn.Module):
    """Hands and face lie on the body's mesh and are seen by its camera, as in the first release."""

    hands: Tensor  # (2, N) their vertices on SMPL's mesh, the right one's first

    def __init__(self, body: BodyModel, to_smpl: Regressor, hands: Tensor) -> None:
        """`hands` (2, 778) vertices of SMPL's mesh, in the order of MANO, the right one's first."""
        super().__init__()
        self.model, self.to_smpl = (body,), to_smpl  # in a tuple, for the network has it as a module
        self.whole_hands = hands
        self.register_buffer("hands", hands[:, :0], persistent=False)
        self.register_buffer("body", hands[0, :0], persistent=False)

    def look_at(self, given: Given) -> None:
        """Chooses the vertices; again whenever weights have brought others along."""
        device = self.hands.device
        self.hands = self.whole_hands.to(device)[:, given.hand_samples.to(device)]
        self.body = given.body_samples.to(device)

    @torch.no_grad()
    def forward(self, params: BodyParams, camera: Camera, crops: dict[str, Crop]) -> dict[str, Tensor]:
        """(B, N, 2) of each part, -1 to 1 over its view; of a hand (2 B, N, 2)."""
        body = self.model[0](params)
        mesh = self.to_smpl.read(body.vertices)
        points = {"body": mesh[:, self.body]}
        points |= {side: mesh[:, ids] for side, ids in zip(SIDES, self.hands, strict=True)}
        points["face"] = body.joints[:, -LANDMARKS:]
        seen = {"body": cameras.on_view(camera, points.pop("body"))}
        for part, its in points.items():
            whole = torch.cat([its, body.joints[:, ROOTS[part], None]], 1)
            inside = _into(crops[part], crops["body"], camera.project(whole))
            if part == "left_hand":
                inside = inside * inside.new_tensor([-1.0, 1.0])
            middle = (inside.amax(1, keepdim=True) + inside.amin(1, keepdim=True)) / 2
            seen[part] = (inside - middle)[:, :-1]
        return {
            "body": seen["body"],
            "hand": torch.cat([seen[side] for side in SIDES]),
            "face": seen["face"],
        }


def _into(view: Crop, other: Crop, pixels: Tensor) -> Tensor:
    """(B, N, 2) pixels of another view -> -1 to 1 over this one."""
    return view.points(other.back(pixels)) / (cameras.SIDE / 2) - 1
