"""SPEC-SYN: synthetic people seen by tilted cameras (Kocabas et al., 2021), in SMPL."""

from __future__ import annotations

from data.formats.humandata import HumanData


class SPEC(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "spec_train_smpl.npz", "test": "spec_test_smpl.npz"}
    images = "SPEC"
    image_size = (1920, 1080)
    source = "Register at https://spec.is.tue.mpg.de; see dataset/README.md."
