"""A worker: takes jobs and runs them in threads, until it is told to stop.

SIGTERM and SIGINT let the running jobs end. A worker that is killed leaves its jobs marked as being
done; the scheduler process finds it silent (``core/scheduler.py``) and they are taken up again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from concurrent.futures import ThreadPoolExecutor

from core import jobs
from core.settings import Settings

log = logging.getLogger("yupana.worker")
GARBAGE_EVERY = 20_000  # objects made between two searches; Python's own 700 suit small programs
HEARTBEATS = 5  # a worker speaks so many times before it would count as dead


def run(url: str, settings: Settings, *, wait: bool = True) -> None:
    """Work on the database at ``url`` (run-time login). Without ``wait``: until nothing is due."""
    stalled_after = settings.stalled_after_seconds
    app = jobs.procrastinate_app(
        url, heartbeat=stalled_after / HEARTBEATS, stalled_after=stalled_after * 10
    )

    async def work() -> None:
        threads = ThreadPoolExecutor(settings.worker_threads + 4, thread_name_prefix="job")
        asyncio.get_running_loop().set_default_executor(threads)
        async with app.open_async():
            _look_for_garbage_less()
            log.info("worker ready: %s jobs at a time", settings.worker_threads)
            await app.run_worker_async(
                concurrency=settings.worker_threads,
                wait=wait,
                fetch_job_polling_interval=settings.worker_poll_seconds,
                delete_jobs="successful",
                listen_notify=wait,
                install_signal_handlers=wait,
            )

    asyncio.run(work())


def _look_for_garbage_less() -> None:
    """Leave what a worker has loaded out of every search for cyclic garbage.

    Modules, mapped classes and schemas live as long as the process; searching them over and over took
    a fifteenth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY, 20, 20)
