"""What the demo was asked for: its flags, checked before any work begins."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from common.checkpoint import load_weights
from common.networks.model import Model
from common.structures import Person, View
from common.utils import paths
from common.utils.errors import UserError
from demo.detectors.detector import Detector
from demo.detectors.main_person import main_person
from demo.detectors.parts import are_wanted
from demo.exporters.mesh import FORMATS as MESH_ENDINGS
from demo.exporters.pickled import Pickled
from demo.measuring import Measuring
from demo.pictures import Picture, named, pictures_in
from demo.predict import intrinsics_of
from main.command_line import DEFAULT, Parser, new_folder
from main.experiment import Experiment, load

BUNDLED = paths.ROOT / "demo" / "images" / "astronaut.jpg"
DETECTORS = ("people", "torchvision", "torchvision_boxes", "torchvision_keypoints", "torchvision_masks")
FORMATS = ("npz", *(ending.removeprefix(".") for ending in MESH_ENDINGS), "pkl")


@dataclass(frozen=True)
class Options:
    """The command line, read."""

    experiment: Experiment
    weights: Path
    pictures: Sequence[Picture]
    video: Path | None
    output: Path
    exports: tuple[str, ...]
    side_views: bool
    boxes: np.ndarray | None  # (N, 4) given instead of detected
    detector_name: str
    keypoints: Path | None  # an ONNX file that reads them instead of the detector
    focal: float | None
    field_of_view: float | None
    smooth: bool
    main_person: bool
    show_detections: bool
    measure: bool
    height: float | None  # meters
    device: str
    batch_size: int

    def model(self) -> Model:
        """The network with its weights."""
        model = self.experiment.model()
        load_weights(model, self.weights)
        return model

    def detector(self, views: Mapping[str, View]) -> Detector:
        """Who finds the people for a network with these views: its silhouettes, hands and faces as well."""
        found = self._finder(with_mask=any(view.content == "proxy" for view in views.values()))
        if self.keypoints is not None:
            from demo.detectors.onnx_keypoints import OnnxKeypoints

            found = OnnxKeypoints(self.keypoints, found)
        if not are_wanted(views):
            return found
        from demo.detectors.whole_body import WholeBody

        return WholeBody(found, device=self.device)

    def _finder(self, with_mask: bool) -> Detector:
        """Who finds the people."""
        if self.boxes is not None:
            from demo.detectors.given_boxes import GivenBoxes

            return GivenBoxes(self.boxes, with_mask=with_mask, device=self.device)
        if self.detector_name.startswith("torchvision"):
            from demo.detectors.torchvision_models import TorchvisionDetector

            chosen = self.detector_name.removeprefix("torchvision").lstrip("_")
            reader = ("blazepose" if chosen in ("keypoints", "boxes") else "mask_rcnn") if with_mask else None
            return TorchvisionDetector(chosen or "keypoints", mask_by=reader, device=self.device)
        from demo.detectors.people import PeopleDetector

        return PeopleDetector(with_mask=with_mask, device=self.device)

    def measuring(self, model: Model) -> Measuring | None:
        """Who measures the bodies, if that is wanted; it is of a network that looks at silhouettes."""
        sees_shape = any(view.content == "proxy" for view in model.views.values())
        return Measuring(model.body_model, self.height) if self.measure or sees_shape else None

    def pickled(self, model: Model) -> Pickled | None:
        """Who gathers the people for `output.pkl`, if that is wanted."""
        return Pickled(model) if "pkl" in self.exports else None

    def placed(self, people: Sequence[Person], image: np.ndarray) -> list[Person]:
        """The people asked for, with the picture's camera, as given or assumed."""
        intrinsics = intrinsics_of(image, self.focal, self.field_of_view)
        people = main_person(people, (image.shape[1], image.shape[0])) if self.main_person else people
        return [replace(person, intrinsics=intrinsics) for person in people]


def parser() -> Parser:
    """Of the demo's command line."""
    wanted = Parser("demo.py", "Pictures or a video in, bodies out; with no arguments, a bundled picture.")
    source = wanted.add_mutually_exclusive_group()
    source.add_argument(
        "--img_path", action="append", type=Path, metavar="FILE", help="a picture; again for more"
    )
    source.add_argument("--image_folder", type=Path, metavar="DIR", help="all pictures of a folder")
    source.add_argument("--vid_file", type=Path, metavar="FILE", help="all people in every frame of a video")
    wanted.add_argument("--output", type=Path, metavar="DIR", help="default: output/demo_<name>_<date_time>")
    wanted.add_argument("--config", default=DEFAULT, help="which network: a file below config/, or your own")
    wanted.add_argument(
        "--pretrained_model_path", type=Path, metavar="FILE", help="weights, ours or published"
    )
    wanted.add_argument("--detector", choices=DETECTORS, default=DETECTORS[0], help="who finds the people")
    wanted.add_argument(
        "--keypoints", type=Path, metavar="FILE", help="your ONNX file (RTMPose) that reads their key points"
    )
    wanted.add_argument(
        "--bbox",
        action="append",
        type=box,
        metavar="X0,Y0,X1,Y1",
        help="a person's box; again for more people",
    )
    lens = wanted.add_mutually_exclusive_group()
    lens.add_argument("--focal", type=_positive, metavar="PIXELS", help="the lens's focal length, if known")
    lens.add_argument(
        "--fov", type=_positive, metavar="DEGREES", help="or the field of view of the longer side"
    )
    wanted.add_argument("--export", default="npz,obj", metavar="KIND[,KIND]", help=f"of {', '.join(FORMATS)}")
    wanted.add_argument(
        "--side_views", action="store_true", help="draw the bodies from the side and top as well"
    )
    wanted.add_argument("--main_person", action="store_true", help="only who is large and near the middle")
    wanted.add_argument(
        "--show_detections", action="store_true", help="draw what the detector found: detections.jpg"
    )
    wanted.add_argument(
        "--measure", action="store_true", help="height, girths, volume; always so from silhouettes"
    )
    wanted.add_argument(
        "--height", type=_positive, metavar="METERS", help="how tall the person is, to give measures a scale"
    )
    wanted.add_sugar(
        "--hand_vis_th", "model.visible_from", "a hand less sure to be seen keeps the body's wrist, at rest"
    )
    wanted.add_argument("--smooth", action="store_true", help="smooth motion in a video")
    wanted.add_argument("--device", help="cpu, cuda or mps; default: the best there is")
    wanted.add_argument("--batch_size", type=int, default=16, metavar="N", help="people at once (16)")
    return wanted


def options_of(arguments: Sequence[str] | None) -> Options:
    """The flags as given; exits with status 2 for a wrong one, raises UserError for what cannot be done."""
    reader = parser()
    given = reader.parse(arguments)
    exports = tuple(kind for kind in given.export.lower().split(",") if kind)
    if unknown := set(exports) - set(FORMATS):
        reader.error(f"--export knows {', '.join(FORMATS)}, not {', '.join(sorted(unknown))}")
    if given.vid_file and given.bbox:
        reader.error("--bbox is for pictures; people in a video move")
    experiment = load(given.config, given.overrides)
    weights = given.pretrained_model_path or experiment.released
    if weights is None:
        raise UserError(f"{experiment.name} comes without weights; name a file with --pretrained_model_path.")
    return Options(
        experiment=experiment,
        weights=paths.found(weights),
        pictures=() if given.vid_file else pictures_asked(given),
        video=given.vid_file,
        output=given.output or new_folder("demo", experiment.name),
        exports=exports,
        side_views=given.side_views,
        boxes=np.array(given.bbox) if given.bbox else None,
        detector_name=given.detector,
        keypoints=given.keypoints,
        focal=given.focal,
        field_of_view=given.fov,
        smooth=given.smooth,
        main_person=given.main_person,
        show_detections=given.show_detections,
        measure=given.measure or given.height is not None,
        height=given.height,
        device=device_of(given.device),
        batch_size=max(1, given.batch_size),
    )


def pictures_asked(given: argparse.Namespace) -> list[Picture]:
    """The pictures named, those of the folder, or the bundled one."""
    if given.image_folder:
        return pictures_in(given.image_folder)
    return named(given.img_path or [BUNDLED])


def device_of(name: str | None) -> str:
    """The device asked for, or the best there is; UserError where torch knows no such device here."""
    if name is None:
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--device {name} cannot be used here ({reason}); try --device cpu.") from error
    return name


def box(text: str) -> list[float]:
    """x0,y0,x1,y1 as numbers; argparse shows the text of the error."""
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) != 4 or numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
        raise argparse.ArgumentTypeError(f"{text} is no box: give x0,y0,x1,y1 with x0 < x1 and y0 < y1")
    return numbers


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} must be greater than 0")
    return number
