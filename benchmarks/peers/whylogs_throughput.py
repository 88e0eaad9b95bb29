"""Rows/s of whylogs on ready-made DataFrames: per-segment profiles in chunks and merged, and in one piece.

Usage (in whylogs' own venv): whylogs_throughput.py ROWS.npz. Prints one line of JSON.
whylogs is not charged for decoding, for the time column, or for windows; a little warm-up runs first.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
import whylogs as why
from whylogs.core.schema import DatasetSchema
from whylogs.core.segmentation_partition import segment_on_column

CHUNK = 10_000


def main(path: str) -> None:
    """Measure both ways."""
    stored = np.load(path)
    frame = pd.DataFrame(stored["values"], columns=[f"f{i:03d}" for i in range(stored["values"].shape[1])])
    frame["segment"] = stored["segment"]
    schema = DatasetSchema(segments=segment_on_column("segment"))
    why.log(pandas=frame.iloc[:500], schema=schema)

    start = time.perf_counter(), time.process_time()
    merged = None
    for first in range(0, len(frame), CHUNK):
        profile = why.log(pandas=frame.iloc[first : first + CHUNK], schema=schema)
        merged = profile if merged is None else merged.merge(profile)
    chunked = time.perf_counter() - start[0], time.process_time() - start[1]

    start = time.perf_counter(), time.process_time()
    whole = why.log(pandas=frame, schema=schema)
    piece = time.perf_counter() - start[0], time.process_time() - start[1]
    assert len(merged.segments()) == len(whole.segments())
    result = {
        "rows": len(frame),
        "chunked_s": chunked,
        "one_piece_s": piece,
        "segments": len(whole.segments()),
    }
    print(json.dumps(result | {"version": why.__version__}))


if __name__ == "__main__":
    main(sys.argv[1])
