"""A pipeline of stages that run at the same time, each in a thread: it keeps the order and bounds the memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

DEPTH = 1  # items that wait between two stages; frames are large, and one is enough to keep both stages busy


def pipelined(
    source: Iterable[Any],
    *stages: Callable[[Any], Any],
    depth: int = DEPTH,
    stop: threading.Event | None = None,
) -> Generator[Any, None, None]:
    """Compute stages[-1](… stages[0](item)) for every item of `source`, in order; each stage has a thread.

    The results are those of a plain loop. It is faster than a loop if the stages release the interpreter lock, as
    OpenCV, LiteRT, FFmpeg and large NumPy operations do.

    Args:
        source: is read in a thread of its own; a generator is closed in that thread.
        stages: each is called by one thread only, with one item at a time.
        depth: how many items may wait in front of each stage, >= 1.
        stop: once it is set, no further item is read; items that were read still pass all stages.

    Yields:
        The results of the last stage. Closing the iterator ends all threads.

    Raises:
        Exception: what the source or a stage raised, after the results of the items before.
    """
    channels = [_Channel(depth) for _ in range(len(stages) + 1)]
    threads = [threading.Thread(target=_read, args=(source, channels[0], stop), daemon=True, name="mmnet-read")]
    for number, stage in enumerate(stages):
        threads.append(
            threading.Thread(
                target=_work, args=(stage, *channels[number : number + 2]), daemon=True, name=f"mmnet-stage-{number}"
            )
        )
    for thread in threads:
        thread.start()
    try:
        yield from channels[-1]
    finally:
        for channel in channels:
            channel.close()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class _End:
    """The last item of a channel: the end of the source, or of everything because of `error`."""

    error: BaseException | None = None


class _ClosedError(Exception):
    """A channel that was closed."""


class _Channel:
    """A bounded queue that can be closed from either side (`queue.Queue.shutdown` does so from Python 3.13 on)."""

    def __init__(self, depth: int) -> None:
        self._items: deque[Any] = deque()
        self._depth = depth
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Any) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._depth)
            if self._closed:
                raise _ClosedError
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._items)
                if self._closed:
                    raise _ClosedError
                item = self._items.popleft()
                self._changed.notify_all()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item


def _read(source: Iterable[Any], outbox: _Channel, stop: threading.Event | None) -> None:
    def items() -> Iterator[Any]:
        iterator = iter(source)
        with closing(iterator) if isinstance(iterator, Generator) else nullcontext():
            while stop is None or not stop.is_set():
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                yield item

    _pass_on(items(), outbox)


def _work(stage: Callable[[Any], Any], inbox: _Channel, outbox: _Channel) -> None:
    # With `map`, a StopIteration raised by the stage would end the pipeline silently.
    _pass_on((stage(item) for item in inbox), outbox)


def _pass_on(results: Iterable[Any], outbox: _Channel) -> None:
    try:
        for result in results:
            outbox.put(result)
        outbox.put(_End())
    except _ClosedError:
        pass
    except BaseException as error:
        with suppress(_ClosedError):
            outbox.put(_End(error))
