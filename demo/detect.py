"""Points and silhouettes of a benchmark's people, found in their boxes:  python -m demo.detect PW3D_LSP14

For networks that look at these instead of pictures. The file goes to dataset/detections; to measure with it:
python main/test.py --testset PW3D_LSP14 test.3DPW_LSP14.dataset.detections=FILE
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.preprocess.pictures import read_picture
from common.structures import Person
from common.utils.errors import UserError
from common.utils.paths import DATASET, shown
from data.formats.detections import write_detections
from data.loading.dataset import Dataset
from demo.detectors import persons
from demo.detectors.blazepose import BlazePose
from demo.options import device_of
from main.benchmarks import made
from main.command_line import sentences
from main.overrides import changed


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="detect.py", description=__doc__.splitlines()[0])
    parser.add_argument("testset", help="a benchmark, by the name that --testset knows")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="of its data set, such as root=DIR")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: dataset/detections/NAME.columns"
    )
    parser.add_argument("--device", help="cpu, cuda or mps; default: the best there is")
    given = parser.parse_args(arguments)
    with sentences():
        benchmark = made(given.testset)
        dataset = benchmark.dataset
        for override in given.overrides:
            dataset = changed(dataset, override)
        output = given.output or DATASET / "detections" / f"{benchmark.name}.columns"
        if output.exists():
            raise UserError(f"{shown(output)} is there already and is kept; give another --output.")
        blazepose = BlazePose(device=device_of(given.device))
        count = write_detections(
            output, tqdm(found_in(dataset, blazepose), total=len(dataset), disable=not sys.stderr.isatty())
        )
        print(f"{shown(output)}: {count} people")


def found_in(dataset: Dataset, blazepose: BlazePose) -> Iterator[Person]:
    """Every person of a data set with the points and the silhouette that were read in its own box.

    Raises UserError for a person without picture or box.
    """
    for index in range(len(dataset)):
        person = dataset[index]
        if person.image is None or person.box is None:
            raise UserError(f"{person.name} has no picture or no box: nothing can be found there.")
        image = read_picture(person.image, name=person.name)
        box = np.asarray(person.box, np.float64)[None]
        (read,) = persons.read_inside(blazepose, image, person.name, box, with_mask=True)
        yield replace(read, name=person.name, image=None)


if __name__ == "__main__":
    main()
