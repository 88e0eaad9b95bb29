"""Compare two batches of files without event time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.batches.compare import Batch, compare_batches
from driftline.config import ConfigError, Problem, Tests
from driftline.config.errors import did_you_mean
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.normalise import normalise
from driftline.feature_spec import FeatureSpec
from driftline.pipelines.batch_files import pattern_of
from driftline.pipelines.looked_at_files import sample
from driftline.suggest.batch_features import BatchFeatures, batch_features
from driftline.suggest.facts import facts_of
from driftline.transforms.sources.files.read_files import batches_of_files

if TYPE_CHECKING:
    from driftline.batches.compare import Compared

_LOOKED_AT: Final = 200_000
_ALL: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two batches, compared.

    Parameters
    ----------
    features
        What was compared and what not.
    rows
        Of reference and current batch.
    rejected
        Records that could not be read, by batch and reason.
    tests
        What is significant, large, and too few rows.
    """

    features: BatchFeatures
    rows: tuple[int, int]
    rejected: dict[str, dict[str, int]]
    found: Compared
    group: str | None
    tests: Tests


def compare_files(reference: str, current: str, group: str | None = None) -> Comparison:
    """Compare the rows of some files with those of others.

    Parameters
    ----------
    reference, current
        A file, a pattern of files or a folder, of any format that the jobs read.
    group
        Column whose values are the independent units, such as a user or a day.

    Raises
    ------
    ConfigError
        If there are no such files, they cannot be read or hold no rows, no column can be compared, or there
        is no such group.
    """
    patterns = {"REFERENCE": pattern_of(reference, "REFERENCE"), "CURRENT": pattern_of(current, "CURRENT")}
    columns = {key: sample(pattern, None, _LOOKED_AT, ("compare", key)) for key, pattern in patterns.items()}
    if group is not None:
        for key, known in columns.items():
            if group not in known:
                close = did_you_mean(group, list(known))
                remedy = f"did you mean {close!r}?" if close else f"its columns are {', '.join(known)}"
                raise _refused("--group", f"{key} has no such column", remedy, group)
    facts = {
        key: {name: facts_of(name, column) for name, column in known.items()}
        for key, known in columns.items()
    }
    features = batch_features(facts["REFERENCE"], facts["CURRENT"], group)
    if not features.kinds:
        why = "; ".join(f"{name}: {reason}" for name, reason in features.left_out.items())
        remedy = "name files with columns of numbers, or of words that repeat"
        raise _refused("REFERENCE", f"has no column that could be compared: {why}", remedy, reference)
    if len(features.gone) == len(features.kinds):
        added = ", ".join(features.added) or "none besides"
        raise _refused(
            "CURRENT",
            f"has none of the features of REFERENCE; it has {added}",
            "name files with the same columns",
            current,
        )
    specs = [FeatureSpec(name, kind, name) for name, kind in features.kinds.items()]
    read = {key: _read(pattern, specs, group) for key, pattern in patterns.items()}
    for key, (batch, rejected) in read.items():
        if not len(batch.events):
            why = ", ".join(f"{reason}: {count:,}" for reason, count in rejected.items()) or "no rows"
            raise _refused(
                key, f"holds no row that can be read ({why})", "name files with rows", patterns[key]
            )
    tests = Tests()
    before, now = read["REFERENCE"][0], read["CURRENT"][0]
    return Comparison(
        features,
        (len(before.events), len(now.events)),
        {key: dict(rejected) for key, (_, rejected) in read.items() if rejected},
        compare_batches(before, now, specs, tests),
        group,
        tests,
    )


def _read(pattern: str, specs: list[FeatureSpec], group: str | None) -> tuple[Batch, Counter[str]]:
    """Read every row of some files as events."""
    schema = EventSchema(group or specs[0].column, segments=(group,) if group else (), features=tuple(specs))
    rejected: Counter[str] = Counter()
    tables: list[pa.Table] = []
    for file in batches_of_files(pattern, None, schema, most=_ALL):
        for batch in file:
            rejected.update(str(reject.reason) for reject in batch.decoded.rejects)
            for part in batch.decoded.parts:
                read = normalise(part.records, schema, np.zeros(part.records.num_rows, np.int64))
                rejected.update(str(reject.reason) for reject in read.rejects)
                tables.append(pa.Table.from_batches([read.events]))
    if not tables:
        return Batch(pa.table({"time": pa.array([], pa.int64())})), rejected
    events = _joined(tables)
    if group is None:
        return Batch(events), rejected
    place = events.schema.get_field_index(f"segment.{group}")
    return Batch(events.remove_column(place), events.column(place)), rejected


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Put tables below each other; those that lack a column of invalid values have none."""
    events = pa.concat_tables(tables, promote_options="default")
    for place, field in enumerate(events.schema):
        if pa.types.is_boolean(field.type) and events.column(place).null_count:
            events = events.set_column(place, field.name, pc.fill_null(events.column(place), False))
    return events


def _refused(key: str, message: str, remedy: str, value: str) -> ConfigError:
    return ConfigError("compare", [Problem(key, message, remedy, value)])
