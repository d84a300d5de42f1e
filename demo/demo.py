"""Pictures or a video in, bodies out:  python demo/demo.py --img_path photo.jpg"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

# `python demo/demo.py` makes Python search this folder first, where `demo` is this file and not the package.
__path__ = [str(Path(__file__).parent)]

from tqdm import tqdm

from common.utils.errors import UserError
from demo.exporters.pickled import PICKLED, Pickled
from demo.exporters.table import in_words
from demo.measuring import Measuring
from demo.options import Options, options_of
from demo.pictures import Picture, Video
from demo.predict import Predictor
from demo.results import Results
from demo.video import predict_video
from main.command_line import FAILED, sentences


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where all went well, 1 where a picture could not be used, 2 for a wrong command."""
    with sentences():
        options = options_of(arguments)
        results = Results(options.output, options.exports, options.side_views, options.show_detections)
        predictor = Predictor(options.model(), options.device, options.batch_size)
        measuring, pickled = options.measuring(predictor.model), options.pickled(predictor.model)
        if options.video is not None:
            predict_video(Video(options.video), options, predictor, results, measuring, pickled)
            broken = 0
        else:
            broken = predict_pictures(options.pictures, options, predictor, results, measuring, pickled)
        print(f"Written to {results.shown}" if results.written else "Nothing was written.")
    return FAILED if broken else 0


def predict_pictures(
    pictures: Sequence[Picture],
    options: Options,
    predictor: Predictor,
    results: Results,
    measuring: Measuring | None = None,
    pickled: Pickled | None = None,
) -> int:
    """All that can be done is done; how many pictures could not be used."""
    detector = options.detector(predictor.model.views)
    broken, single = 0, results.single(PICKLED) if pickled else None
    silent = len(pictures) < 2 or not sys.stderr.isatty()
    for place, picture in enumerate(tqdm(pictures, desc="pictures", disable=silent)):
        try:
            image = picture.read()
            people = options.placed(detector(image, picture.name), image)
            found = predictor(people)
            measures = measuring(found.params.betas) if found and measuring else None
            if found:
                results.picture(picture.name, image, found, predictor.model.body_model, measures)
            if found and pickled:
                pickled.add(found, picture.name, place)
            tqdm.write(f"{picture.path}: {_counted(len(people))}")
            for number in range(len(measures.height) if measures else 0):
                tqdm.write(f"  person {number}: {in_words(measures, number)}")
        except UserError as error:
            broken += 1
            tqdm.write(f"demo.py: {error}", file=sys.stderr)
    if pickled and single:
        pickled.write(single)
    return broken


def _counted(people: int) -> str:
    return {0: "nobody found", 1: "1 person"}.get(people, f"{people} people")


if __name__ == "__main__":
    raise SystemExit(main())
