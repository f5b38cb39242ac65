"""Samples on the workers of a Dask cluster. Loads dask only here."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from controller.sweep.process import SAMPLE_LIMIT_S
from controller.sweep.sample import Job, Row, failed

AHEAD = 4
"""Samples that wait at the scheduler for each thread of the cluster, so that no worker idles between two."""
CONNECT_S = 10.0


class ClusterUnreachable(Exception):
    """There is no scheduler at the address, or it has gone. A retry makes sense when it is back."""


def run_on_cluster(
    jobs: Iterable[Job], scheduler: str, limit_s: float = SAMPLE_LIMIT_S, program: Sequence[str] = ()
) -> Generator[Row]:
    """Rows in the order in which they come in.

    limit_s are the wall seconds that one sample may take from when a worker begins it; program is another one than that
    of our processes beside the workers.

    What a lost worker had is given to another one by the scheduler; a sample that costs a cluster as many workers as it
    allows (`distributed.scheduler.allowed-failures`) becomes a row with its error.

    :raises ClusterUnreachable: if the scheduler cannot be reached, or is lost.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterUnreachable(f"no Dask scheduler at {scheduler}: {error}") from error
    with client:
        from controller.sweep.apart import Apart

        client.register_plugin(Apart(program))
        yield from _rows(client, iter(jobs), scheduler, limit_s)


def _rows(client: Any, jobs: Iterator[Job], scheduler: str, limit_s: float) -> Iterator[Row]:
    from distributed import as_completed
    from distributed.client import FutureCancelledError

    from controller.sweep.apart import outcome_apart

    given = {}
    room = AHEAD * max(1, sum(client.nthreads().values()))
    coming = as_completed(loop=client.loop)
    for job in islice(jobs, room):
        future = client.submit(outcome_apart, job, limit_s, pure=False)
        given[future.key] = job
        coming.add(future)
    for future in coming:
        job = given.pop(future.key)
        try:
            error = future.exception()
            row = future.result() if error is None else failed(job, f"given up by the cluster: {error}")
        except FutureCancelledError as error:
            raise ClusterUnreachable(f"the Dask scheduler at {scheduler} was lost: {error}") from error
        yield row
        future.release()
        if (following := next(jobs, None)) is not None:
            fresh = client.submit(outcome_apart, following, limit_s, pure=False)
            given[fresh.key] = following
            coming.add(fresh)
