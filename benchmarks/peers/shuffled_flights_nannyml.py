"""NannyML on the shuffled days: the univariate drift calculator, with the default threshold of each method.

Usage (in NannyML's own venv): shuffled_flights_nannyml.py DAYS.parquet REFERENCE_DAYS COLUMN ...
"""

import json
import logging
import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")

import nannyml
import pandas as pd

logging.disable(logging.WARNING)
METHODS = {
    "jensen_shannon": "Jensen-Shannon (default)",
    "kolmogorov_smirnov": "KS",
    "wasserstein": "Wasserstein",
}
path, reference_days, *columns = sys.argv[1:]
flights = pd.read_parquet(path)
flights["day"] = pd.Timestamp("2013-01-01") + pd.to_timedelta(flights["position"], unit="D")
old = flights["position"] < int(reference_days)
shift = 0.25 * flights.loc[old, columns].std()
live, moved = flights[~old], flights[~old].copy()
moved[columns] += shift
calculator = nannyml.UnivariateDriftCalculator(
    column_names=columns, timestamp_column_name="day", chunk_period="D", continuous_methods=list(METHODS)
)
calculator.fit(flights[old])


def share(data):
    """(method, column): share of days with an alert."""
    result = calculator.calculate(data).filter(period="analysis").to_df()
    return {(m, c): float(result[(c, m, "alert")].mean()) for m in METHODS for c in columns}


quiet, shifted = share(live), share(moved)
print(
    json.dumps(
        {
            f"NannyML {nannyml.__version__}: {label}": {c: [quiet[m, c], shifted[m, c]] for c in columns}
            for m, label in METHODS.items()
        }
    )
)
