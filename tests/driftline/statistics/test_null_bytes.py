"""What may be written of a null."""

from __future__ import annotations

import numpy as np
import pytest

from driftline.statistics.null import lookup_grid, null_bytes


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool"])
def test_arrays_that_could_not_be_read_back_are_not_written(dtype):
    sizes, levels = len(lookup_grid.SIZE_GRID), len(lookup_grid.P_GRID)
    quantiles, numbers = np.zeros((1, 1, sizes, levels), np.float32), np.zeros((5, 1, 1))
    for fits in ("int16", "float32", ">i2"):
        arrays = {"mine": {"ends": np.ones((1, 3), fits)}}
        decoded = null_bytes.decode(null_bytes.encode(["mine"], quantiles, numbers, arrays))
        assert decoded[3]["mine"]["ends"].tolist() == [[1, 1, 1]]
    with pytest.raises(ValueError, match=f"statistic `mine`: the array `ends` of its null is {dtype}, and a"):
        null_bytes.encode(["mine"], quantiles, numbers, {"mine": {"ends": np.ones((1, 3), dtype)}})
