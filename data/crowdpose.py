"""CrowdPose: crowded photographs (Li et al., 2019), fitted by NeuralAnnot (Moon et al., 2022)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class CrowdPose(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "crowdpose_neural_annot_train_new.npz"}
    images = "CrowdPose"
    source = "Get it from https://github.com/Jeff-sjtu/CrowdPose; see dataset/README.md."
