"""One spelling of a category whatever type a source gave it: that of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiles.number_text import canonical_text

if TYPE_CHECKING:
    from driftline.profiles.binned_features import CategoricalFeature

_TRUE: Final = ("true", "True", "TRUE", "1")
_FALSE: Final = ("false", "False", "FALSE", "0")


def as_in_reference(feature: CategoricalFeature, texts: Any) -> Any:
    """Spell values that are none of a feature's categories as the reference spells them, if it does.

    Numbers are compared as numbers: ``1.50`` is the reference's ``1.5``. Where all categories are those of a
    boolean, ``true`` is also ``1`` and the other way round.

    Parameters
    ----------
    texts : pyarrow.StringArray
        Values without a bin, no nulls.

    Returns
    -------
    pyarrow.StringArray
        Categories of the feature where a value is one of them; else its `canonical_text`.

    Examples
    --------
    >>> from driftline.profiles.binned_features import CategoricalFeature
    >>> as_in_reference(CategoricalFeature("member", ("true", "false")), pa.array(["1", "x"])).to_pylist()
    ['true', 'x']
    """
    spelt = canonical_text(texts)
    categories = pa.array(feature.categories, spelt.type)
    spelt = pc.coalesce(_category(spelt, canonical_text(categories), categories), spelt)
    if categories and all(each in {*_TRUE, *_FALSE} for each in feature.categories):
        spelt = pc.coalesce(_category(_boolean(spelt), _boolean(categories), categories), spelt)
    return spelt


def _category(values: Any, keys: Any, categories: Any) -> Any:
    """Find values among keys of the categories; null where there is none. The first of equal keys counts."""
    return categories.take(pc.index_in(values, value_set=keys, skip_nulls=True))


def _boolean(texts: Any) -> Any:
    """Write true as 1 and false as 0, however they are spelt; null of all else."""
    true, false = (pc.is_in(texts, value_set=pa.array(each, texts.type)) for each in (_TRUE, _FALSE))
    return pc.if_else(true, "1", pc.if_else(false, "0", None)).cast(texts.type)
