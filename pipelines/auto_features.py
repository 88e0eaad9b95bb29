"""Features that are not named: every column that can be one, of the baseline or of the data's first rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apache_beam.io.filesystems import FileSystems

from driftline.config.errors import ConfigError, Problem, did_you_mean
from driftline.config.files_source import FilesSource
from driftline.feature_spec import PREDICTION
from driftline.pipelines.looked_at_files import sample
from driftline.suggest.facts import facts_of
from driftline.suggest.roles import kind_of
from driftline.transforms.spine.baseline_source import read_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.config import Config
    from driftline.suggest.facts import Facts

_ROWS: Final = 20_000


def with_auto_features(config: Config, *, learn: bool) -> tuple[Config, list[str]]:
    """Name the features of a configuration that says ``features: auto``.

    Parameters
    ----------
    learn
        Whether a baseline is to be built: then they are those of the data, else of the baseline if there is
        one.

    Returns
    -------
    Config
        The configuration, its features named; the same if they were.
    list of str
        Which columns are none, and why.

    Raises
    ------
    ConfigError
        If the columns cannot be looked at, none can be a feature, or ``exclude`` names one that is not there.
    BaselineError
        If the baseline cannot be read.
    """
    if not config.auto_features:
        return config, []
    if not learn and FileSystems.exists(config.baseline.path):
        baseline = read_baseline(config.baseline.path)
        kinds = {feature.name: block.kind for block in baseline.layout.blocks for feature in block.features}
        if config.prediction is not None:
            kinds.pop(PREDICTION, None)
        return config.with_features(
            {name: kinds[name] for name in sorted(kinds) if name not in config.exclude}
        ), []
    facts = {name: facts_of(name, column) for name, column in _columns(config).items()}
    kinds, left_out = chosen(facts, config)
    remarks = [f"features: auto: column {name!r} is left out: {why}" for name, why in left_out.items()]
    return config.with_features(kinds), remarks


def chosen(facts: Mapping[str, Facts], config: Config) -> tuple[dict[str, str], dict[str, str]]:
    """Take every column that can be a feature and is not used otherwise.

    Returns
    -------
    dict of str to str
        Kind by column.
    dict of str to str
        Of the others that are not named in the configuration, why they are none.
    """
    for name in config.exclude:
        if name not in facts:
            close = did_you_mean(name, list(facts))
            remedy = f"did you mean {close!r}?" if close else "remove it"
            raise ConfigError(
                config.name, [Problem("exclude", "names a column that is not there", remedy, name)]
            )
    labels = config.labels
    used = {config.event_time.column, config.request_id, config.prediction, config.variant, *config.segments}
    used |= {labels.column} if labels is not None and labels.source is None else set()
    kinds: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, fact in facts.items():
        if name in used or name in config.exclude:
            continue
        why = fact.unfit()
        if why is None or fact.distinct == 1:  # what is one value now is a finding when it is two
            kinds[name] = kind_of(fact)
        else:
            left_out[name] = why
    if not kinds and config.prediction is None:
        listed = "; ".join(f"{name}: {why}" for name, why in left_out.items()) or "all are used otherwise"
        remedy = "name a feature, such as `features: {distance: numeric}`"
        raise ConfigError(config.name, [Problem("features", f"finds no column: {listed}", remedy, "auto")])
    return kinds, left_out


def _columns(config: Config) -> dict[str, Any]:
    settings = config.source.settings
    if not isinstance(settings, FilesSource):
        remedy = "build the baseline from files with --input: it keeps the list; or name the features"
        problem = Problem(
            "features", f"needs data that can be looked at, and {config.source.kind} cannot", remedy, "auto"
        )
        raise ConfigError(config.name, [problem])
    pattern = settings.pattern
    key = config.source.key("source")
    return sample(
        pattern,
        settings.format_for(pattern),
        _ROWS,
        (config.name, key if key.startswith("--") else f"{key}.pattern"),
        settings.csv,
    )
