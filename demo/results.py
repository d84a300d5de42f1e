"""What the demo leaves behind for each picture: an overlay, parameters and meshes in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from common.body_models.body_model import BodyModel
from common.body_models.measurements import Measurements
from common.rendering.overlay import overlay, sheet
from common.structures import Perspective
from common.utils.errors import UserError
from common.utils.files import written_beside
from demo.drawing import detections
from demo.exporters.mesh import write_mesh
from demo.exporters.npz import SavedBodies, bodies_in_picture, write_npz
from demo.exporters.table import write_table
from demo.predict import Found

NO_CAMERA = Perspective(torch.ones(1, 2), torch.zeros(1, 2), torch.zeros(1, 3))  # of a picture without people


class Results:
    """A folder of results; what lies in it already is never overwritten."""

    def __init__(
        self,
        folder: Path,
        exports: Sequence[str],
        side_views: bool = False,
        show_detections: bool = False,
    ) -> None:
        """Raises UserError where the folder cannot be written, before any work is done."""
        self.folder, self.side_views, self.show_detections = folder, side_views, show_detections
        self.parameters = "npz" in exports
        self.meshes = [kind for kind in exports if kind not in ("npz", "pkl")]
        self.written = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--output {folder} cannot be made ({error.strerror}); choose another."
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f"--output {folder} cannot be written; choose another, or see who owns it.")

    @property
    def shown(self) -> str:
        """The folder, from where the user stands if that is shorter."""
        here = Path.cwd()
        return str(self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder)

    def place(self, name: str) -> Path:
        """A new folder for one picture or video; UserError where it holds results already."""
        place = self.folder / name
        if place.exists() and any(place.iterdir()):
            raise UserError(f"{place} holds results already; they are kept: give another --output.")
        return place

    def single(self, name: str) -> Path:
        """A file of all pictures; UserError where there is one already."""
        path = self.folder / name
        if path.exists():
            raise UserError(f"{path} is there already; it is kept: give another --output.")
        return path

    def picture(
        self,
        name: str,
        image: np.ndarray,
        found: Found,
        body_model: BodyModel,
        measures: Measurements | None = None,
    ) -> None:
        """Write all that was asked for of one picture (H, W, 3) RGB."""
        place = self.place(name)
        write_image(place / "overlay.jpg", self.drawn(image, found, body_model))
        if self.show_detections:
            write_image(place / "detections.jpg", detections(image, found.people))
        if measures is not None:
            write_table(place / "measurements.csv", name, measures)
        if self.parameters:
            write_npz(place / "persons.npz", rows(found, body_model, name, image))
        self.mesh_files(place, "", found, body_model)
        self.written = True

    def mesh_files(
        self, place: Path, before: str, found: Found, body_model: BodyModel, ids: Sequence[int] | None = None
    ) -> None:
        """A mesh for each person, before the camera of the picture, where meshes were asked for."""
        vertices = found.body.vertices + found.scene.translation[:, None]
        for identity, mesh in zip(ids or range(len(found)), vertices, strict=True):
            for kind in self.meshes:
                write_mesh(place / f"{before}person_{identity}.{kind}", mesh, body_model.faces)

    def drawn(
        self, image: np.ndarray, found: Found | None, body_model: BodyModel, ids: Sequence[int] | None = None
    ) -> np.ndarray:
        """The picture with its bodies, and on request the bodies from the side and from above."""
        draw = sheet if self.side_views else overlay
        faces = body_model.faces.cpu()
        if not found:
            return draw(image, [], faces, NO_CAMERA)
        return draw(image, found.body.vertices, faces, found.scene if self.side_views else found.camera, ids)


def rows(
    found: Found, body_model: BodyModel, name: str, image: np.ndarray, ids: Sequence[int] | None = None
) -> SavedBodies:
    """The people of one picture as rows of the saved file."""
    size = (image.shape[1], image.shape[0])
    return bodies_in_picture(found.people, found.params, found.body, found.scene, body_model, name, size, ids)


def write_image(path: Path, image: np.ndarray) -> None:
    """(H, W, 3) uint8 RGB -> a file in the format of its ending, whole or not at all."""
    with written_beside(path) as beside:
        if not cv2.imwrite(
            str(beside), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92]
        ):
            raise UserError(f"{path} could not be written; is the disk full?")
