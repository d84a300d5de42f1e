"""InstaVariety: frames of short videos (Kanazawa et al., 2019), fitted by NeuralAnnot."""

from __future__ import annotations

from data.formats.humandata import HumanData


class InstaVariety(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "insta_variety_neural_annot_train.npz"}
    images = "InstaVariety"
    image_size = (224, 224)
    source = "Get it from https://github.com/akanazawa/human_dynamics; see dataset/README.md."
