"""The worker processes of a server, and the requests that wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue

import cv2
import numpy as np

from mmnet.batch.isolated import IsolatedProcess, ProcessDiedError
from mmnet.closing import Closing
from mmnet.serve.errors import BusyError, ServeError
from mmnet.serve.options import MatteRequest, ServerLimits
from mmnet.serve.rendering import PhotoRenderer, RenderedPhoto

_Process = IsolatedProcess[[bytes, MatteRequest], RenderedPhoto]


class WorkerPool(Closing):
    """Worker processes that render photos. One that crashes, or takes too long, is replaced.

        with WorkerPool(default_model(), ServerLimits(workers=2)) as pool:
            with pool.place():
                result = await pool.render(data, MatteRequest())

    Attributes:
        limits: the limits of the server.
    """

    def __init__(self, model: bytes, limits: ServerLimits) -> None:
        """Start the processes.

        Args:
            model: the bytes of a .tflite.
            limits: how many processes, and what they may do.

        Raises:
            ModelError: the model cannot be used.
            ServeError: a process does not start.
        """
        self.limits = limits
        self._replaced = 0
        self._places = threading.BoundedSemaphore(limits.workers + limits.queue)
        self._threads = ThreadPoolExecutor(limits.workers, thread_name_prefix="mmnet-serve")
        self._all = [IsolatedProcess(PhotoRenderer, model, limits.max_pixels) for _ in range(limits.workers)]
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        for process in self._all:
            self._idle.put(process)
        try:
            self._warm_up()
        except BaseException:
            self.close()
            raise

    @property
    def replaced(self) -> int:
        """The number of processes that crashed or took too long."""
        return self._replaced

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold the place of a request, among those that are worked on or wait, while the context lasts.

        Raises:
            BusyError: there is none left.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("the server is busy; try again in a moment")
        try:
            yield
        finally:
            self._places.release()

    async def render(self, data: bytes, request: MatteRequest) -> RenderedPhoto:
        """Render a photo in a process that is idle, or as soon as one is.

        Raises:
            ProcessTimeoutError, ProcessDiedError: the process was killed, or crashed.
            Exception: see `PhotoRenderer`.
        """
        return await asyncio.wrap_future(self._submit(data, request))

    def close(self) -> None:
        """Wait for the photos that are being rendered, and end the processes."""
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            process.close()

    def _submit(self, data: bytes, request: MatteRequest) -> Future[RenderedPhoto]:
        return self._threads.submit(self._render, data, request)

    def _render(self, data: bytes, request: MatteRequest) -> RenderedPhoto:
        process = self._idle.get()
        try:
            return process(data, request)
        except ProcessDiedError:
            self._replaced += 1
            raise
        finally:
            self._idle.put(process)

    def _warm_up(self) -> None:
        """Let every process load the model, so that a bad model is told at the start, and no first request waits."""
        photo = cv2.imencode(".png", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
        started = [self._submit(photo, MatteRequest()) for _ in self._all]
        wait(started)
        for future in started:
            try:
                future.result()
            except ProcessDiedError as error:
                raise ServeError(
                    'a worker does not start; in a script, create the server behind: if __name__ == "__main__":'
                ) from error
        for process in self._all:
            process.timeout = self.limits.seconds
