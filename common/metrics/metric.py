"""The contract of a metric: measure each person, sum up once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from common.structures import Batch, Prediction


class Metric:
    """Numbers of each person, and what becomes of them over a data set. Frozen dataclasses, as losses are."""

    def asking(self, dataset: Any) -> Metric:
        """This metric, with what it asks the data set that is measured, by a person's name; mostly none."""
        return self

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        """(B, ...) per person, by name; NaN where it does not apply, such as a hand out of the picture."""
        raise NotImplementedError

    def summary(self, table: Mapping[str, Tensor]) -> dict[str, float]:
        """(N, ...) of all persons -> numbers, by name: the mean of what applies, unless overridden.

        `table` holds this metric's columns alone, of every person once.
        """
        return {name: values.double().nanmean().item() for name, values in table.items()}
