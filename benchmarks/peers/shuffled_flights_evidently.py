"""Evidently on the shuffled days: the data drift preset with its default test and threshold per column.

Usage (in Evidently's own venv): shuffled_flights_evidently.py DAYS.parquet REFERENCE_DAYS COLUMN ...
"""

import json
import sys
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

path, reference_days, *columns = sys.argv[1:]
flights = pd.read_parquet(path)
old = flights["position"] < int(reference_days)
shift = 0.25 * flights.loc[old, columns].std()
definition = DataDefinition(numerical_columns=columns)
reference = Dataset.from_pandas(flights.loc[old, columns], data_definition=definition)
days = [day[columns] for _, day in flights[~old].groupby("position")]
methods = set()


def share(change):
    """Share of days called drifted, by column."""
    count = dict.fromkeys(columns, 0)
    for day in days:
        current = Dataset.from_pandas(day + change, data_definition=definition)
        report = Report([DataDriftPreset(columns=columns)], include_tests=False).run(current, reference)
        for metric in report.dict()["metrics"]:
            settings = metric["config"]
            if settings.get("column") in columns:
                methods.add((settings["method"], settings["threshold"]))
                count[settings["column"]] += drifted(
                    settings["method"], metric["value"], settings["threshold"]
                )
    return {column: count[column] / len(days) for column in columns}


def drifted(method, value, threshold):
    """Evidently's rule: a p-value below the threshold, or a distance at or above it."""
    return value < threshold if "p_value" in method else value >= threshold


quiet, shifted = share(0.0), share(shift)
rule = ", ".join(f"{method} at {threshold}" for method, threshold in sorted(methods))
name = f"Evidently {version('evidently')}: {rule} (default)"
print(json.dumps({name: {column: [quiet[column], shifted[column]] for column in columns}}))
