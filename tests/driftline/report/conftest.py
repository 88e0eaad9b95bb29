"""Result rows made up for the report: a few by hand, or a year of flights with two faults and seasons."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from driftline.performance import (
    Loss,
    LossNull,
    LossPeriods,
    PerformanceProfile,
    PerformanceReference,
    performance_batch,
    performance_row,
)
from driftline.report import ReferenceDistribution, RunSummary
from driftline.tables import DETECTION, QUANTILES, RESULT, detection_id, row_id
from driftline.tables.trends import TABLE as TRENDS
from driftline.tables.trends import TREND

DAY = 86_400_000_000
APRIL = 1_364_774_400_000_000  # 2013-04-01
CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX")
DESTINATIONS = (
    "ORD", "ATL", "LAX", "BOS", "MCO", "CLT", "SFO", "FLL", "MIA", "DCA", "DTW", "DFW", "RDU", "TPA", "DEN",
    "IAH", "MSP", "PBI", "BNA", "LAS", "SJU", "IAD", "BUF", "PHL",
)  # fmt: skip


def make_run(**changes):
    values = {
        "model": "flights", "alpha": 0.01, "psi": 0.25, "wasserstein_iqr": 0.1, "min_n": 200,
        "min_coverage": 0.5, "window_size_us": DAY, "window_every_us": DAY, "decoded": 1000,
        "profiled": 1000, "dropped_late": 0, "runner": "DirectRunner", "started_us": APRIL, "seconds": 12.5,
        "baseline_path": "baseline.avro", "baseline_version": "3f2a", "reference_windows": 90,
    }  # fmt: skip
    return RunSummary(**(values | changes))


def make_row(day=0, feature="distance", segment="*", **changes):
    start = APRIL + day * DAY
    drifted = changes.get("drifted", False)
    status = changes.get("status", "ok")
    values = dict.fromkeys(RESULT.names) | {
        "row_id": row_id("flights", segment, feature, start, start + DAY),
        "model": "flights", "segment": segment, "segment_values": [], "feature": feature, "kind": "numeric",
        "window_start": start, "window_end": start + DAY, "pane": "on_time", "pane_index": 0,
        "emitted_at": start + DAY, "n": 900, "n_reference": 80_000, "coverage": 1.0, "status": status,
        "missing_rate": 0.0, "nonfinite_rate": 0.0, "psi": 0.9 if drifted else 0.02,
        "wasserstein_iqr": 0.5 if drifted else 0.02, "ks": 0.3 if drifted else 0.03,
        "p_value": 1e-6 if drifted else 0.6, "p_adjusted": 1e-5 if drifted else 0.8,
        "drifted": drifted if status == "ok" else None, "baseline_version": "3f2a",
    } | changes  # fmt: skip
    if values["status"] == "no_data":
        values |= dict.fromkeys(("psi", "wasserstein_iqr", "ks", "p_value", "p_adjusted", "missing_rate")) | {
            "n": 0
        }
    return values


def make_table(rows):
    return pa.Table.from_pylist(rows, schema=RESULT.arrow)


class Column:
    """One feature: how a day's values are drawn, and what the reference looks like."""

    def __init__(self, name, draw, random):
        self.name, self.draw = name, draw
        sample = np.concatenate([draw(random, 1000, day, "*") for day in range(-90, 0, 2)])
        self.categorical = sample.dtype.kind in "UO"
        if self.categorical:
            names, counts = np.unique(sample, return_counts=True)
            order = np.argsort(-counts)
            self.categories = tuple(names[order].tolist())
        else:
            present = np.sort(sample[np.isfinite(sample)])
            inner = np.quantile(present, np.arange(1, 64) / 64, method="inverted_cdf")
            values, counts = np.unique(present, return_counts=True)
            atoms = values[counts > len(present) / 64]
            self.edges = np.unique(np.concatenate([inner, atoms, np.nextafter(atoms, np.inf)]))

    def counts(self, values):
        if self.categorical:
            place = {name: i for i, name in enumerate(self.categories)}
            codes = [place.get(value, len(place)) for value in values.tolist()]
            return np.bincount(codes, minlength=len(place) + 1)
        present = values[np.isfinite(values)]
        return np.bincount(np.searchsorted(self.edges, present, side="right"), minlength=len(self.edges) + 1)

    def reference(self, values):
        kind = "categorical" if self.categorical else "numeric"
        missing = 0.0 if self.categorical else float(np.isnan(values).mean())
        if self.categorical:
            return ReferenceDistribution(
                kind, self.counts(values), categories=self.categories, missing_rate=missing
            )
        quantiles = {name: float(np.nanquantile(values, q)) for name, q in QUANTILES.items()}
        return ReferenceDistribution(
            kind, self.counts(values), edges=self.edges, quantiles=quantiles, missing_rate=missing
        )


def season(day):
    return np.sin(2 * np.pi * (day - 20) / 365)


def columns_of(random):
    routes = np.round(random.lognormal(6.8, 0.55, 90))

    def distance(r, n, day, segment):
        values = r.choice(routes, n)
        return values * 1.609 if segment == "origin=LGA" and day >= 150 else values

    def temp(r, n, day, segment):
        values = np.round(r.normal(52 + 24 * season(day), 9, n) / 0.9) * 0.9
        lost = day in range(185, 192) and segment == "origin=EWR"
        share = 1.0 if lost else 0.3 if day in range(185, 192) and segment == "*" else 0.002
        return np.where(r.random(n) < share, np.nan, values)

    def delay(scale, shift):
        def draw(r, n, day, _):
            storm = 1 + 1.8 * (r.random() < 0.04) * (day > 0)
            return np.round(
                np.where(r.random(n) < 0.6, r.normal(shift, 6, n), r.exponential(scale * storm, n))
            )

        return draw

    def air_time(r, n, day, segment):
        return np.round(r.choice(routes, n) / 7.4 + 18 + 14 * max(-season(day), 0) + r.normal(0, 6, n))

    def carrier(r, n, day, segment):
        weights = np.array([58, 54, 54, 48, 32, 26, 20, 18, 12, 5.0])
        if day > 230:
            weights[8] *= 2.4
        names = np.array([*CARRIERS, "G4"])
        return r.choice(
            names,
            n,
            p=np.append(weights, 40 if day > 255 and segment == "origin=JFK" else 0)
            / (weights.sum() + (40 if day > 255 and segment == "origin=JFK" else 0)),
        )

    def dest(r, n, day, segment):
        weights = 1 / (3 + np.arange(len(DESTINATIONS)))
        return r.choice(np.array(DESTINATIONS), n, p=weights / weights.sum())

    draws = {
        "air_time": air_time, "arr_delay": delay(38, -9), "carrier": carrier, "dep_delay": delay(34, -3),
        "dest": dest, "distance": distance, "temp": temp,
        "wind_speed": lambda r, n, day, s: np.round(r.gamma(4, 2.6, n) / 1.15) * 1.15,
        "prediction": lambda r, n, day, s: r.beta(2 + 0.3 * season(day), 7, n),
    }  # fmt: skip
    return [Column(name, draw, random) for name, draw in draws.items()]


def judge(column, reference, values, random):
    before, now = reference.shares, column.counts(values)
    missing = 0.0 if column.categorical else float(np.isnan(values).mean())
    coarse = (lambda x: x) if column.categorical else (lambda x: np.add.reduceat(x, np.arange(0, len(x), 7)))
    n = len(values)
    p = np.append(coarse(before) * (1 - reference.missing_rate), reference.missing_rate) * 50_000 + 0.5
    q = np.append(coarse(now.astype(float)), n * missing) + 0.5
    p, q = p / p.sum(), q / q.sum()
    psi = float(((q - p) * np.log(q / p)).sum())
    noise = len(p) / n * random.lognormal(0, 0.35)
    p_value = float(np.clip(np.exp(-max(psi / noise - 0.7, 0) * 2.2), 1e-9, 1))
    row = {
        "psi": psi,
        "p_value": p_value,
        "p_adjusted": min(p_value * 6, 1),
        "p_iid": p_value**2.2,
        "missing_rate": missing,
    }
    row["bin_counts"] = now.tolist()
    if column.categorical:
        fresh = now[-1] / n
        row |= {
            "kind": "categorical",
            "chi2": psi * n,
            "cardinality": int((now > 0).sum()),
            "new_category_rate": fresh,
        }
        row["new_categories"] = ["G4"] if fresh else []
    elif missing < 1:
        iqr = reference.quantiles["p75"] - reference.quantiles["p25"]
        quantiles = {name: float(np.nanquantile(values, q)) for name, q in QUANTILES.items()}
        gap = np.cumsum(now / max(now.sum(), 1) - before)
        middle = ("p05", "p25", "p50", "p75", "p95")
        shift = np.mean([abs(quantiles[name] - reference.quantiles[name]) for name in middle])
        row |= {
            "ks": float(np.abs(gap).max()),
            "wasserstein_iqr": float(shift / iqr),
            "quantiles": quantiles,
            "mean": float(np.nanmean(values)),
        }
    large = psi > 0.25 or row.get("wasserstein_iqr", 0) > 0.1
    return row | {"drifted": bool(row["p_adjusted"] < 0.01 and large)}


def make_flights(days=270, segments=("*", "origin=EWR", "origin=JFK", "origin=LGA"), seed=3):
    """A year of flights: miles become kilometres in LGA, temp is lost in EWR for a week, all have seasons."""
    random = np.random.default_rng(seed)
    columns = columns_of(random)
    references = {
        (segment, column.name): column.reference(
            np.concatenate([column.draw(random, 700, day, segment) for day in range(-90, 0, 3)])
        )
        for segment in segments
        for column in columns
    }
    rows = []
    for day in range(days):
        for segment in segments:
            n = int(random.poisson(900 if segment == "*" else 300))
            if segment == "origin=LGA" and day in {97, 240, 241}:
                n = int(random.integers(40, 190))
            for column in columns:
                if segment == "origin=JFK" and day == 63:
                    rows.append(
                        make_row(
                            day,
                            column.name,
                            segment,
                            status="no_data",
                            kind="categorical" if column.categorical else "numeric",
                        )
                    )
                    continue
                row = judge(
                    column, references[segment, column.name], column.draw(random, n, day, segment), random
                )
                status = "partial" if day in {0, days - 1} else "insufficient" if n < 200 else "ok"
                if status != "ok":
                    row["drifted"] = None
                coverage = 0.4 if status == "partial" else 1.0
                rows.append(make_row(day, column.name, segment, n=n, status=status, coverage=coverage, **row))
    run = make_run(
        decoded=336_776, profiled=335_300, dropped_late=12,
        rejected={"wrong_type": 1210, "missing_event_time": 254}, seconds=41.3,
        baseline_path="examples/flights/baseline.avro",
    )  # fmt: skip
    return make_table(rows), run, references


def make_profile(random, loss, *, n, labelled, wrong):
    known = round(n * labelled)
    scores = random.choice([0.1, 0.9], n)
    labels = np.where(np.arange(known) < round(known * wrong), scores[:known] < 0.5, scores[:known] > 0.5)
    delays = (random.exponential(6, known) * 3_600e6).astype(np.int64)
    made = PerformanceProfile.empty(Loss(loss)).add_predictions(scores)
    return made.add_outcomes(scores[:known], labels.astype(float), delays)


@cache
def make_reference(loss, wrong, windows, varies):
    profile = make_profile(np.random.default_rng(1), loss, n=20_000, labelled=1.0, wrong=wrong)
    days = np.arange(windows)
    usual = profile.losses.mean * (1 + varies * np.sin(days))
    periods = LossPeriods(DAY, days, np.full(windows, 1000), usual, np.full(windows, 1000))
    return PerformanceReference.of(profile, LossNull.fit(profile, periods, days * DAY, size=DAY, min_n=200))


def make_outcomes(
    day=0,
    segment="*",
    *,
    wrong=0.1,
    n=1000,
    labelled=1.0,
    normal=0.1,
    min_n=200,
    loss="zero_one",
    emitted=0,
    windows=60,
    varies=0.05,
):
    """The performance row of one day: a share `wrong` of the labelled predictions is of the wrong class."""
    random = np.random.default_rng([day + 1000, *segment.encode()])
    start = APRIL + day * DAY
    return performance_row(
        make_profile(random, loss, n=n, labelled=labelled, wrong=wrong),
        model="flights",
        segment=segment,
        window=(start, start + DAY),
        reference=None if normal is None else make_reference(loss, normal, windows, varies),
        min_n=min_n,
        emitted_at=start + DAY + emitted,
        rolling_error=wrong,
        baseline_version="3f2a",
    )


def make_detection(day=0, segment="*", **changes):
    at = APRIL + day * DAY
    values = {
        "model": "flights", "segment": segment, "signal": "loss", "detector": "adwin", "at": at,
        "detected_at": at + 2 * DAY, "before": 0.1, "after": 0.3, "width": 412, "emitted_at": at + 2 * DAY,
    } | changes  # fmt: skip
    identity = detection_id(
        *(values[name] for name in ("model", "segment", "signal", "detector")),
        at=values["at"],
        detected_at=values["detected_at"],
    )
    return {"row_id": identity} | values


def make_trend(day=0, feature="distance", segment="*", *, run=1, raised=None, **changes):
    """The trend of one day; `raised` is the day whose window raised the alarm."""
    start = APRIL + day * DAY
    values = {
        "model": "flights", "segment": segment, "feature": feature, "window_start": start,
        "window_end": start + DAY, "statistic": "smooth", "windows": run, "since": start - (run - 1) * DAY,
        "p_value": 0.5 if raised is None else 1e-5, "limit": 1e-3, "alarm": raised is not None,
        "alarm_since": None if raised is None else APRIL + (raised + 1) * DAY,
        "change": None if raised is None else "shift -0.6 sd", "baseline_version": "3f2a",
        "emitted_at": start + DAY,
    } | changes  # fmt: skip
    identity = (values[name] for name in TRENDS.identity)
    return {"row_id": TRENDS.row_id(*identity)} | values


def make_trends(rows):
    return pa.Table.from_pylist(rows, schema=TREND.arrow)


def make_performance(rows):
    return pa.Table.from_batches([performance_batch(rows)])


def make_detections(rows):
    return pa.Table.from_pylist(rows, schema=DETECTION.arrow)


def make_flip(days=40):
    """From day 25 on the meaning flips for one carrier; the labels of the last three days have not come."""
    rows = []
    for day in range(days):
        labelled = 0.0 if day >= days - 3 else 0.6 if day == days - 4 else 0.95
        for segment in ("*", "carrier=UA", "carrier=B6"):
            flipped = 0.0 if day < 25 or segment == "carrier=B6" else 0.5 if segment == "carrier=UA" else 0.04
            wrong = 0.1 + 0.01 * np.sin(day) + flipped
            n = 1000 if segment == "*" else 400
            rows.append(make_outcomes(day, segment, wrong=wrong, n=n, labelled=labelled))
    found = [
        make_detection(25, "carrier=UA", before=0.1, after=0.58),
        make_detection(25, "carrier=UA", detector="ddm", detected_at=APRIL + 29 * DAY, after=0.6),
        make_detection(26, "*", before=0.1, after=0.14, width=1800),
        make_detection(
            12, "carrier=B6", signal="feature.distance", detector="kswin", before=900.0, after=1200.0
        ),
        make_detection(
            9, "*", signal="psi.temp", detector="page_hinkley", before=0.02, after=0.4, width=None
        ),
        make_detection(27, "carrier=UA", signal="learning_gap", before=0.0, after=0.3),
    ]
    return make_performance(rows), make_detections(found)


@pytest.fixture(scope="session")
def made():
    """The builders of single runs, rows and tables."""
    return SimpleNamespace(
        run=make_run, row=make_row, table=make_table, flights=make_flights, outcomes=make_outcomes,
        detection=make_detection, performance=make_performance, detections=make_detections,
        trend=make_trend, trends=make_trends,
    )  # fmt: skip


@pytest.fixture(scope="session")
def flip():
    """Performance and detections of forty days in which one carrier's labels flip."""
    return make_flip()


@pytest.fixture(scope="session")
def flights():
    """Forty days of flights: results, run, references."""
    return make_flights(days=40)
