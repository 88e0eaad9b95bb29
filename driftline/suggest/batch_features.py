"""Features of two batches, when nothing but their columns is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline.suggest.roles import is_id, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.suggest.facts import Facts

_MOST_ID: Final = 100


@dataclass
class BatchFeatures:
    """What of two batches is compared.

    Parameters
    ----------
    kinds
        Kind by column.
    left_out
        Why, by column.
    gone, added
        Features that only the reference has, and columns that only the current batch has.
    other_types
        Of features whose columns are of different types in the two, both.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    other_types: dict[str, tuple[str, str]] = field(default_factory=dict)


def batch_features(
    reference: Mapping[str, Facts], current: Mapping[str, Facts], group: str | None
) -> BatchFeatures:
    """Take every column of a reference that can be a feature.

    Parameters
    ----------
    reference, current
        By column, in the order of the data.
    group
        Column of groups, which is no feature.

    Notes
    -----
    A column of one value is a feature: it is a finding when it is two. So is one without values in the
    reference, if it has some now.
    """
    found = BatchFeatures(added=[name for name in current if name not in reference and name != group])
    for name, before in reference.items():
        if name == group:
            continue
        now = current.get(name)
        fact = now if now is not None and not before.known and now.known else before
        why = fact.unfit()
        if why is not None and fact.distinct != 1:
            found.left_out[name] = why
            continue
        if is_id(name) and fact.distinct > _MOST_ID:
            found.left_out[name] = f"an id by its name ({fact.distinct:,} different values)"
            continue
        found.kinds[name] = kind_of(fact)
        if now is None:
            found.gone.append(name)
        elif before.known and now.known and kind_of(before) != kind_of(now):
            found.other_types[name] = (str(before.kind), str(now.kind))
    return found
