"""Find the bad items of a batch when the reader only says that the batch is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def bisect_good(
    size: int, attempt: Callable[[int, int], T], errors: tuple[type[BaseException], ...]
) -> tuple[list[tuple[int, T]], list[tuple[int, BaseException]]]:
    """Split a range until every part either succeeds or is one bad item.

    With k bad items among n this costs about 2 k log2(n/k) attempts on ever smaller parts.

    Parameters
    ----------
    attempt
        Takes start and stop, returns the result for those items or raises.
    errors
        What `attempt` raises for bad items.

    Returns
    -------
    tuple of two lists
        ``(start, result)`` of the parts that succeeded in order, and ``(index, error)`` of the bad items.

    Examples
    --------
    >>> numbers = ["1", "2", "x", "4"]
    >>> good, bad = bisect_good(4, lambda i, j: [int(n) for n in numbers[i:j]], (ValueError,))
    >>> good
    [(0, [1, 2]), (3, [4])]
    >>> [index for index, _ in bad]
    [2]
    """
    good: list[tuple[int, T]] = []
    bad: list[tuple[int, BaseException]] = []
    pending = [(0, size)] if size else []
    while pending:
        start, stop = pending.pop()
        try:
            good.append((start, attempt(start, stop)))
        except errors as error:
            if stop - start == 1:
                bad.append((start, error))
            else:
                middle = (start + stop) // 2
                pending += [(middle, stop), (start, middle)]
    return good, bad
