"""Ctrl-C while a job runs that ends: what it writes to is closed, then the process ends."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

INTERRUPTED: Final = 130
"""Exit status of a program ended by Ctrl-C."""

_Opened = TypeVar("_Opened")


@contextmanager
def closed_together(
    places: Sequence[AbstractContextManager[_Opened]], left: Callable[[], str]
) -> Iterator[list[_Opened]]:
    """Open what a job writes to, and close it when the job has ended or is interrupted.

    Parameters
    ----------
    places
        What to open. Each is closed with the exception if the job fails, with `KeyboardInterrupt` at Ctrl-C.
    left
        Says what an interrupted job left there.

    Yields
    ------
    list
        What the places gave.

    Notes
    -----
    At Ctrl-C the process ends here: the threads of Beam's local runner cannot be stopped, and what they raise
    in turn hides the interrupt. Once the job has succeeded Ctrl-C is ignored: what gets its final name in one
    place shall get it in all.
    """
    with _handler_of_ctrl_c() as set_handler, ExitStack() as stack:
        opened = [stack.enter_context(place) for place in places]
        set_handler(lambda *_: _end(stack, left))
        try:
            yield opened
        finally:
            set_handler(signal.SIG_IGN)


@contextmanager
def _handler_of_ctrl_c() -> Iterator[Callable[[Any], object]]:
    """Give what sets the handler, and in the end give back the one there was."""
    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield lambda _: None
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield lambda handler: signal.signal(signal.SIGINT, handler)
    finally:
        signal.signal(signal.SIGINT, before)


def _end(stack: ExitStack, left: Callable[[], str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a launcher may send it a second time
    text = ""
    try:
        stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        text = left()
    except BaseException as error:  # noqa: BLE001  # whatever a place throws, the program ends
        text = f"what the job wrote may not have been taken back: {type(error).__name__}: {error}"
    finally:
        os.write(2, f"\ninterrupted: {text}; start the job again\n".encode())
        os._exit(INTERRUPTED)
