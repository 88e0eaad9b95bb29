"""Features whose many windows are judged at once, as the job judges them one by one, and as others do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
from alarm_rules import Judged
from scipy.spatial.distance import jensenshannon

from driftline.measures.counts_of_rows import followed_vectors
from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
)
from driftline.statistics.categorical_comparison import CategoricalPair
from driftline.statistics.numeric_comparison import NumericPair
from driftline.trends import reference_runs

_AT_ONCE = 4_096


class Numbers:
    """A numeric feature.

    Parameters
    ----------
    windows : NumericCounts
        The W windows of its reference; `mean` is there.
    reference : NumericReference
        The whole of them, one feature.
    null : BlockNull
        Of one feature.
    coarse : ndarray of int, shape (W, C)
        Rows of the windows in the bins of NannyML.
    """

    def __init__(self, windows, reference, null, coarse):
        self.runs = reference_runs(null)
        self._null, self._reference = null, reference
        self._centre, self._scale = windows.mean.mean(), windows.mean.std(ddof=1)
        self.means = (windows.mean - self._centre) / self._scale
        self._coarse = coarse.sum(0)

    def judged(self, windows, coarse, when=None):
        """Judge V windows, whose middles are at `when` if the null has a season."""
        return Judged.joined(
            [
                self._at_once(_taken(windows, at), coarse[at], None if when is None else when[at])
                for at in np.array_split(np.arange(len(coarse)), -(-len(coarse) // _AT_ONCE))
            ]
        )

    def _at_once(self, windows, coarse, when):
        count = len(coarse)
        reference = repeated(self._reference, count)
        compared = compare_numeric(windows, reference, self._null.repeated(0, count), when)
        pair = NumericPair(windows, reference, when)
        return Judged(
            _scores(compared, coarse, self._coarse),
            (windows.mean - self._centre) / self._scale,
            *_vectors("numeric", pair, self._null, compared),
        )


class Categories:
    """A categorical feature.

    Parameters
    ----------
    counts : CategoricalCounts
        The W windows of its reference.
    season : SeasonOfWindows, optional
        When they were.
    """

    means = None

    def __init__(self, counts, season=None):
        self._null = BlockNull.stack([fit_categorical(counts.categories, counts.missing, season=season)])
        self.runs = reference_runs(self._null)
        self._whole = CategoricalCounts(counts.categories.sum(0)[None], counts.missing.sum()[None])

    def judged(self, counts, when=None):
        """Judge V windows, whose middles are at `when` if the null has a season."""
        count = len(counts.missing)
        reference = CategoricalReference(repeated(self._whole, count))
        compared = compare_categorical(counts, reference, self._null.repeated(0, count), when)
        pair = CategoricalPair(counts, reference, when)
        return Judged(
            _scores(compared, counts.categories, self._whole.categories[0]),
            None,
            *_vectors("categorical", pair, self._null, compared),
        )


def _scores(compared, coarse, reference):
    """Scores by rule; Jensen-Shannon has one more bin, of what the reference has no bin for."""
    rows = np.maximum(coarse.sum(1), 1)[:, None]
    distance = jensenshannon(
        coarse / rows, np.broadcast_to(reference / reference.sum(), coarse.shape), 2, axis=1
    )
    return {"p_value": -compared.p_value, "psi": compared.psi, "jensen_shannon": distance}


def _vectors(kind, pair, null, compared):
    """Vectors and p-values of the statistics that trends follow."""
    p = {name: column for name, column in compared.columns.items() if name.endswith("_p")}
    rows = pa.RecordBatch.from_pydict({name: np.asarray(column) for name, column in p.items()})
    vectors = followed_vectors(kind, pair, null, np.zeros(rows.num_rows, np.int64), rows)
    return vectors, {name: p[f"{name}_p"] for name in vectors}


def _taken(windows, at):
    """Keep some of the windows."""
    columns = {field.name: getattr(windows, field.name) for field in dataclasses.fields(windows)}
    return type(windows)(**{name: None if each is None else each[at] for name, each in columns.items()})


def repeated(one, count):
    """Pretend that one feature is `count` features."""
    columns = {}
    for field in dataclasses.fields(one):
        each = getattr(one, field.name)
        if dataclasses.is_dataclass(each):
            columns[field.name] = repeated(each, count)
        elif each is not None:
            columns[field.name] = np.broadcast_to(each, (count, *each.shape[1:]))
    return type(one)(**columns)
