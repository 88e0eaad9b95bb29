"""The configuration of one model's monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from driftline.config.baseline import Baseline  # noqa: TC001  # pydantic reads the annotation
from driftline.config.budgets import AlarmBudget
from driftline.config.detectors import Watch, check_watches
from driftline.config.durations import parse_length
from driftline.config.errors import ConfigError, Problem
from driftline.config.event_time import EventTime  # noqa: TC001  # pydantic reads the annotation
from driftline.config.features import Feature
from driftline.config.file_suffixes import format_of
from driftline.config.files_source import FilesSource
from driftline.config.labels import Labels  # noqa: TC001  # pydantic reads the annotation
from driftline.config.measures import Measures
from driftline.config.sinks import Sink, check_places
from driftline.config.sources import Source, files_source
from driftline.config.value_types import (
    Budget,
    Count,
    Duration,
    Length,
    Level,
    Section,
    Share,
    Text,
    Threshold,
    Zone,
    below,
    mistake,
)
from driftline.feature_spec import PREDICTION, FeatureSpec, probability_of
from driftline.measures.measure_registry import measure
from driftline.windows.calendar import DAY, IN_UTC, MONTH, UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO: Final = "auto"
EVERY_COLUMN: Final = "*"
"""Stands for the features until they are known, where the configuration says `auto`."""

RESERVED = ("metrics", "policy", "responses")
"""Keys that a later release will give a meaning."""


class Windows(Section):
    """What is judged: sliding windows of event time, by the epoch in UTC or local days, weeks and months."""

    size: Length = Field(
        default="30m",
        description="Length of a window, a multiple of `every`; `1w` is a week from Monday, `1mo` a month of "
        "the calendar.",
        examples=["7d"],
        validate_default=True,
    )
    every: Length = Field(
        default="15m",
        description="Time from the start of one window to the start of the next; in months where `size` is.",
        examples=["1d"],
        validate_default=True,
    )
    allowed_lateness: Duration = Field(
        default="10m",
        description="How long after its end a window still accepts late rows, each correcting its result.",
        examples=["1h"],
        validate_default=True,
    )

    @field_validator("size", "every")
    @classmethod
    def _is_positive(cls, value: int) -> int:
        if value == 0:
            raise mistake("must be longer than 0", "write a duration such as 30m")
        return value

    _counted_in: str = PrivateAttr("")

    @model_validator(mode="wrap")
    @classmethod
    def _remember_units(cls, data: Any, handler: ModelWrapValidatorHandler[Windows]) -> Windows:
        made = handler(data)
        if isinstance(data, dict):
            texts = [data[name] for name in ("size", "every") if isinstance(data.get(name), str)]
            made._counted_in = max((parse_length(text)[1] for text in texts), default="")  # noqa: SLF001  # its own
        return made

    def calendar(self, zone: str) -> Calendar:
        """Say what windows follow in a time zone."""
        if self._counted_in:
            return Calendar(self._counted_in, zone)
        return Calendar("day", zone) if self.size % DAY == 0 and zone != UTC else IN_UTC

    @field_validator("every")
    @classmethod
    def _divides_the_size(cls, value: int, info: ValidationInfo) -> int:
        size = info.data.get("size")
        if size and (size % MONTH == 0) != (value % MONTH == 0):
            raise mistake(
                "and windows.size are not both in months",
                "write both in months, for example `every: 1mo`, or neither: no day divides every month",
            )
        if size and size % value:
            raise mistake(
                "does not divide windows.size",
                "make size a multiple of every: a window is put together from slices",
            )
        return value


class Tests(Section):
    """When a result is significant, when it is large, and when it is judged at all."""

    __test__ = False  # no test class, whatever its name looks like to pytest

    alpha: Level = Field(default=0.01, description="A result is significant if `p_adjusted` is below this.")
    psi: Threshold = Field(default=0.25, description="A result is large if its PSI is above this ...")
    wasserstein_iqr: Threshold = Field(
        default=0.1,
        description="... or its Wasserstein distance is, in interquartile ranges of the reference ...",
    )
    rate_change: Threshold = Field(
        default=0.1,
        description="... or a share changes by more (of missing values, a category, values out of range) ...",
    )
    rate_ratio: Threshold = Field(
        default=2.0, description="... or becomes more than so many times larger or smaller, and by a point."
    )
    min_n: Count = Field(
        default=200, description="Windows with fewer rows of the segment are `insufficient`."
    )
    min_coverage: Share = Field(
        default=0.5,
        description="Windows of which a smaller share of what usually holds rows does are `partial`.",
    )
    false_alarms: Budget = Field(
        default=AlarmBudget(1.0, "quarter"),
        description="How many false alarms the model's trends may raise together, and its detectors too.",
        examples=["1 per quarter"],
    )


class Config(Section):
    """Everything one model's monitoring needs to know."""

    model: Text = Field(description="Name of the model, in every row.", examples=["flights"])
    event_time: EventTime = Field(
        description="When a request happened: a column, or a column and its unit.",
        examples=["{column: time_hour, unit: s}"],
    )
    request_id: Text | None = Field(
        default=None, description="Column with the request's id.", examples=["id"]
    )
    prediction: Text | None = Field(
        default=None,
        description="Column with the model's output, monitored as the numeric feature `prediction`.",
        examples=["score"],
    )
    variant: Text | None = Field(
        default=None,
        description="Column with the model's variant. It is not used by this release; comparisons of "
        "variants come later.",
        examples=["variant"],
    )
    segments: tuple[Text, ...] = Field(
        default=(),
        description="Columns whose combinations of values are monitored one by one, next to all traffic.",
        examples=["[origin]"],
    )
    features: dict[Text, Feature] = Field(
        default_factory=dict,
        description="What is monitored: `name: kind`, or `name: {kind: ..., column: ..., bins: ...}`. "
        "`auto`: every column that can be a feature and is not named otherwise; the baseline keeps the list.",
        examples=["{distance: numeric, carrier: categorical}"],
        validate_default=True,
    )
    exclude: tuple[Text, ...] = Field(
        default=(),
        description="Columns that are no features, beside `features: auto`.",
        examples=["[free_text]"],
    )
    windows: Windows = Field(default_factory=Windows, description="What is judged, and how often.")
    timezone: Zone = Field(
        default=UTC,
        description="Whose midnight windows of a day and more begin at, days of 23 and 25 hours included, "
        "and whose clock event times without a zone are of.",
        examples=["Europe/Berlin"],
    )
    source: Source = Field(
        description="Where events come from.", examples=["{files: {pattern: data/*.parquet}}"]
    )
    baseline: Baseline = Field(
        description="What windows are compared with.", examples=["{path: baseline.avro}"]
    )
    tests: Tests = Field(default_factory=Tests, description="What counts as drift.")
    labels: Labels | None = Field(
        default=None, description="Where labels come from, to see whether the model is still right."
    )
    detectors: tuple[Watch, ...] = Field(
        default=(),
        description="Change detectors that follow a signal for ever, each a mapping.",
        examples=["[{signal: loss, detector: adwin}]"],
    )
    sinks: tuple[Sink, ...] = Field(
        default=(),
        description="Where rows are written, each a mapping with one key.",
        examples=["[files: {path: out/}]"],
    )
    measures: Measures = Field(
        default_factory=Measures, description="Measures of whole rows that ride along, by name."
    )
    max_segments: Count = Field(
        default=1000,
        description="The largest segments of the baseline that are monitored; the rest is `(other)`.",
    )

    _name: str = PrivateAttr("configuration")

    @field_validator("segments")
    @classmethod
    def _segments_are_different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({column for column in value if value.count(column) > 1})
        if twice:
            raise mistake("has a column more than once", "name every segment column once")
        return value

    @field_validator("features", mode="before")
    @classmethod
    def _all_columns(cls, value: Any) -> Any:
        return {EVERY_COLUMN: Feature(kind="numeric")} if value == AUTO else value

    @field_validator("exclude")
    @classmethod
    def _excludes_of_all(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and EVERY_COLUMN not in info.data.get("features", (EVERY_COLUMN,)):
            raise mistake("has no meaning where features are named", "remove it, or write features: auto")
        return value

    @field_validator("features")
    @classmethod
    def _features_are_enough(cls, value: dict[str, Feature], info: ValidationInfo) -> dict[str, Feature]:
        if "prediction" not in info.data:
            return value
        if info.data["prediction"] is not None and PREDICTION in value:
            raise mistake(
                "has a feature named prediction, and the key prediction makes one of that name",
                "rename the feature, or remove the key prediction",
            )
        return value

    @field_validator("source")
    @classmethod
    def _duplicates_have_an_id(cls, value: Source, info: ValidationInfo) -> Source:
        if value.settings.drops_duplicates and info.data.get("request_id", "") is None:
            raise mistake(
                "needs the column that tells requests apart",
                "add for example `request_id: id`, at the top level",
                below=(value.kind, "deduplicate"),
            )
        return value

    @field_validator("labels")
    @classmethod
    def _labels_have_predictions(cls, value: Labels | None, info: ValidationInfo) -> Labels | None:
        if value is None:
            return value
        if info.data.get("prediction", "") is None and not value.probabilities:
            raise mistake("has no prediction to compare with", "add for example `prediction: score`")
        if value.source is not None and info.data.get("request_id", "") is None:
            raise mistake(
                "needs the column that tells which prediction a label belongs to",
                "add for example `request_id: id`, at the top level",
            )
        return value

    @field_validator("detectors")
    @classmethod
    def _signals_exist(cls, value: tuple[Watch, ...], info: ValidationInfo) -> tuple[Watch, ...]:
        if "labels" not in info.data or "features" not in info.data:
            return value  # these have mistakes of their own, which would only be said again
        if EVERY_COLUMN in info.data["features"]:
            return value  # they are not known yet
        features = {name: feature.kind for name, feature in info.data["features"].items()}
        if info.data.get("prediction") is not None:
            labels = info.data["labels"]
            named = labels is not None and not (labels.numeric or labels.binary)
            features[PREDICTION] = "categorical" if named else "numeric"
        if info.data["labels"] is not None:
            features |= {probability_of(name): "numeric" for name in info.data["labels"].probabilities}
        check_watches(value, features, info.data["labels"])
        return value

    @field_validator("sinks")
    @classmethod
    def _places_are_different(cls, value: tuple[Sink, ...], info: ValidationInfo) -> tuple[Sink, ...]:
        labels = info.data.get("labels")
        sources = (info.data.get("source"), labels.source if labels is not None else None)
        check_places(value, [source for source in sources if source is not None])
        return value

    @model_validator(mode="after")
    def _something_is_monitored(self) -> Config:
        if not self.feature_specs:
            remedy = "name at least one feature to monitor"
            raise mistake("is empty, and there is no prediction", remedy, below=("features",))
        twice = {probability_of(name) for name in (self.labels.probabilities if self.labels else ())}
        if clash := sorted(twice & {*self.features}):
            remedy = "rename the feature: labels.probabilities makes one of that name"
            raise mistake(f"has a feature named {clash[0]}", remedy, below=("features",))
        return self

    @model_validator(mode="after")
    def _measures_fit(self) -> Config:
        for name, settings in self.measures.asked().items():
            with below("measures", name):
                measure(name).check(settings, self)
        return self

    @property
    def name(self) -> str:
        """The file that was read, for messages."""
        return self._name

    def named(self, name: str) -> Config:
        """Return the same configuration under the name of another file."""
        copy = self.model_copy()
        copy._name = name  # noqa: SLF001  # its own
        return copy

    @property
    def auto_features(self) -> bool:
        """Whether features are every column that can be one, and not yet named."""
        return EVERY_COLUMN in self.features

    def with_features(self, kinds: Mapping[str, str]) -> Config:
        """Return the same configuration with other features.

        Parameters
        ----------
        kinds : mapping of str to str
            Kind by column.

        Raises
        ------
        ConfigError
            If a detector watches one that is not among them.
        """
        known = dict(kinds)
        if self.prediction is not None:
            known[PREDICTION] = "numeric"
        try:
            check_watches(self.detectors, known, self.labels)
        except PydanticCustomError as error:
            context = error.context or {}
            problem = Problem("detectors", str(context.get("message")), str(context.get("remedy")))
            raise ConfigError(self.name, [problem]) from None
        return self.model_copy(
            update={"features": {name: Feature(kind=kind) for name, kind in kinds.items()}}
        )

    @property
    def feature_specs(self) -> tuple[FeatureSpec, ...]:
        """The features in configured order; the prediction, where configured, is the last."""
        specs = [feature.spec(name) for name, feature in self.features.items()]
        if self.prediction is not None:
            named = self.labels is not None and not (self.labels.numeric or self.labels.binary)
            specs.append(FeatureSpec(PREDICTION, "categorical" if named else "numeric", self.prediction))
        if self.labels is not None:
            given = self.labels.probabilities
            specs += [FeatureSpec(probability_of(name), "numeric", given[name]) for name in given]
        return tuple(specs)

    @property
    def segment_columns(self) -> tuple[str, ...]:
        """The segment columns, in configured order."""
        return self.segments

    @property
    def calendar(self) -> Calendar:
        """What the windows follow."""
        return self.windows.calendar(self.timezone)

    @property
    def excluded(self) -> tuple[tuple[int, int], ...]:
        """Spans from which nothing is learned, microseconds on the line of `calendar`."""
        on_line = self.calendar.on_line
        return tuple((on_line(begin), on_line(end)) for begin, end in self.baseline.excluded)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is accepted and has no effect yet, one sentence each."""
        if self.variant is None:
            return ()
        what = f"variant: column {self.variant!r} is not used by this release"
        return (f"{what}; comparisons of variants come later",)

    def with_label_files(self, pattern: str) -> Config:
        """Return the same configuration with labels from other files.

        Raises
        ------
        ConfigError
            If labels come with the events, or nothing tells the files' format or when a label was known.
        """
        source = self.labels.source if self.labels is not None else None
        if self.labels is None or source is None:
            remedy = "remove it, or add labels.source to the configuration"
            raise ConfigError(
                "command line", [Problem("--labels", "has no source to replace", remedy, pattern)]
            )
        if self.labels.time is None:
            remedy = "add for example `labels: {time: {column: landed_at, unit: s}}`"
            raise ConfigError(self._name, [Problem("labels.time", "is missing, and files need it", remedy)])
        found = _format_like(source, pattern)
        if found is None:
            remedy = "name files that end in .avro, .parquet, .jsonl, .csv, .tsv or .arrow"
            problem = Problem("--labels", "has no suffix that tells the file format", remedy, pattern)
            raise ConfigError("command line", [problem])
        files = files_source(pattern, found, "--labels", source.settings)
        return self.model_copy(update={"labels": self.labels.model_copy(update={"source": files})})

    def with_input_files(self, pattern: str) -> Config:
        """Return the same configuration with events from other files.

        Raises
        ------
        ConfigError
            If nothing tells the files' format.
        """
        files = files_source(pattern, self.input_format(pattern), "--input", self.source.settings)
        return self.model_copy(update={"source": files})

    def input_format(self, pattern: str) -> str:
        """Tell the format of the files to read.

        Parameters
        ----------
        pattern : str
            The configured pattern, or the one of ``--input``.

        Returns
        -------
        str
            ``avro``, ``parquet``, ``jsonl``, ``csv``, ``tsv`` or ``arrow``.

        Raises
        ------
        ConfigError
            If neither the suffix nor the configuration tells.
        """
        found = _format_like(self.source, pattern)
        if found is None:
            remedy = (
                "name files that end in .avro, .parquet, .jsonl, .csv, .tsv or .arrow, or set "
                "source.files.format; other formats must be converted first"
            )
            problem = Problem("--input", "has no suffix that tells the file format", remedy, pattern)
            raise ConfigError("command line", [problem])
        return found


def _format_like(source: Source, pattern: str) -> str | None:
    """Tell the format of files that are read instead of a source."""
    settings = source.settings
    return settings.format_for(pattern) if isinstance(settings, FilesSource) else format_of(pattern)
