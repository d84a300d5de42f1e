"""The mixture that METRO, Mesh Graphormer and SMPLer are trained on, each person once an epoch."""

from __future__ import annotations

from data.formats.metro_tsv import MetroTsv


class H36MMixed(MetroTsv):
    """Human3.6M (SMPL fitted to it), 40,000 persons of COCO, MuCo, UP-3D and MPII (points alone).

    How many of each there are is said by the composite yaml and its line list: nobody is shown more often.
    """

    annotations = {"train": "Tax-H36m-coco40k-Muco-UP-Mpii/train.yaml"}
    source = (
        "The download of METRO (https://github.com/microsoft/MeshTransformer) is gone; make it with "
        "`python -m tool.prepare.tsv`, see dataset/README.md."
    )
