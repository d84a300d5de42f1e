"""Would AGORA's server take it?  python -m tool.check_agora output/agora/predictions_....zip

What `--testset AGORA_test` writes was checked already; this is for zips that were packed by hand.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.utils.paths import shown
from data.formats.agora_submission import check
from main.command_line import sentences


def main(arguments: Sequence[str] | None = None) -> None:
    """Say how many persons a submission holds, or end with the first thing that is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zip", type=Path, help="a folder `predictions` with a .pkl file a person, zipped")
    parser.add_argument("--persons", type=int, help="how many it should hold")
    options = parser.parse_args(arguments)
    with sentences():
        persons = check(options.zip, options.persons)
        print(f"{shown(options.zip)} is as the server wants it: {persons} persons.")


if __name__ == "__main__":
    main()
