"""whylogs on the shuffled days: `calculate_drift_scores` of profiles, with its default test and thresholds.

Usage (in whylogs' own venv): shuffled_flights_whylogs.py DAYS.parquet REFERENCE_DAYS COLUMN ...
"""

import json
import os
import sys
import warnings

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"
warnings.filterwarnings("ignore")

import pandas as pd
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

path, reference_days, *columns = sys.argv[1:]
flights = pd.read_parquet(path)
old = flights["position"] < int(reference_days)
shift = 0.25 * flights.loc[old, columns].std()
reference = why.log(pandas=flights.loc[old, columns]).view()
days = [day[columns] for _, day in flights[~old].groupby("position")]


def share(change):
    """Share of days in the category DRIFT, by column."""
    count = dict.fromkeys(columns, 0)
    for day in days:
        target = why.log(pandas=day + change).view()
        scores = calculate_drift_scores(target_view=target, reference_view=reference, with_thresholds=True)
        for column in columns:
            count[column] += scores[column]["drift_category"] == "DRIFT"
    return {column: count[column] / len(days) for column in columns}


quiet, shifted = share(0.0), share(shift)
name = f"whylogs {why.__version__}: KS of sketches, p < .05 (default)"
print(json.dumps({name: {column: [quiet[column], shifted[column]] for column in columns}}))
