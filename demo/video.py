"""All people in every frame of a video: found, followed, smoothed on request, drawn, saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from common.networks.model import Model
from common.structures import Body, BodyParams
from common.utils.errors import UserError
from common.utils.files import written_beside
from demo.exporters.npz import joined, write_npz
from demo.exporters.pickled import PICKLED, Pickled
from demo.exporters.table import in_words, write_table
from demo.measuring import Measuring
from demo.options import Options
from demo.pictures import Video
from demo.predict import Found, Predictor
from demo.results import Results, rows
from demo.smoothing import Smoother
from demo.tracking import Tracker


def predict_video(
    video: Video,
    options: Options,
    predictor: Predictor,
    results: Results,
    measuring: Measuring | None = None,
    pickled: Pickled | None = None,
) -> None:
    """Writes overlay.mp4, persons.npz of all frames, and meshes frame by frame where asked for."""
    detector, tracker = options.detector(predictor.model.views), Tracker()
    body_model = predictor.model.body_model
    motion = Motion(predictor.model, video.frames_per_second) if options.smooth else None
    place = results.place(video.path.stem)
    saved = []
    with written_video(place / "overlay.mp4", video.frames_per_second) as show:
        for number, image in enumerate(tqdm(video, desc=video.path.name, unit="frame")):
            name = f"{video.path.stem}/{number:06d}"
            people = options.placed(detector(image, name), image)
            ids = tracker(np.array([person.box for person in people]))
            found = predictor(people)
            if found and motion:
                found = motion(found, ids)
            show(results.drawn(image, found, body_model, ids))
            if found:
                saved.append(rows(found, body_model, name, image, ids))
                results.mesh_files(place, f"frame_{number:06d}_", found, body_model, ids)
            if found and pickled:
                pickled.add(found, video.path.stem, number, ids)
    if saved and results.parameters:
        write_npz(place / "persons.npz", joined(saved))
    if pickled:
        pickled.write(place / PICKLED)
    results.written = True
    people_seen = len({identity for part in saved for identity in part.person.tolist()})
    print(f"{video.path}: {people_seen} people in {sum(map(len, saved))} places")
    if saved and measuring:
        frames = joined(saved)
        people, measures = measuring.of_tracks(torch.tensor(frames.betas), torch.tensor(frames.person))
        write_table(place / "measurements.csv", video.path.stem, measures, people)
        for row, person in enumerate(people):
            print(f"  person {person}: {in_words(measures, row)}")


class Motion:
    """Everyone's motion, each smoothed by a filter of their own."""

    def __init__(self, model: Model, frames_per_second: float) -> None:
        self.model, self.rate = model, frames_per_second
        self.smoothers: dict[int, Smoother] = {}

    def _posed(self, params: BodyParams) -> Body:
        """On the processor, by the network's body where that is."""
        return self.model.pose(params.to(self.model.body_model.faces.device)).to("cpu")

    @torch.inference_mode()
    def __call__(self, found: Found, ids: list[int]) -> Found:
        """The same people, smoothed and posed again; both cameras move alike."""
        smooth = []
        for place, identity in enumerate(ids):
            smoother = self.smoothers.setdefault(identity, Smoother(self.rate))
            params = found.params.map(lambda tensor, place=place: tensor[place : place + 1])
            smooth.append(smoother(params, found.scene.translation[place : place + 1]))
        params = replace(
            found.params,
            **{
                name: torch.cat([getattr(one, name) for one, _ in smooth])
                for name in ("rotations", "betas", "expression")
            },
        )
        scene = replace(found.scene, translation=torch.cat([translation for _, translation in smooth]))
        camera = scene.at_focal(found.camera.focal, found.camera.center)
        return replace(found, params=params, body=self._posed(params), scene=scene, camera=camera)


@contextmanager
def written_video(path: Path, frames_per_second: float) -> Iterator:
    """Yield a function that takes the next frame (H, W, 3) RGB; the file appears once all are written."""
    with written_beside(path) as beside:
        writer: cv2.VideoWriter | None = None

        def show(image: np.ndarray) -> None:
            nonlocal writer
            height, width = (side - side % 2 for side in image.shape[:2])  # the format wants even sides
            if writer is None:
                codec = cv2.VideoWriter_fourcc(*"mp4v")
                writer = cv2.VideoWriter(str(beside), codec, frames_per_second, (width, height))
                if not writer.isOpened():
                    raise UserError(f"{path} cannot be written: this OpenCV has no MPEG-4 encoder.")
            writer.write(cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2BGR))

        try:
            yield show
        finally:
            if writer is not None:
                writer.release()
