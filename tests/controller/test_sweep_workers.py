"""Who works on a sweep: processes that are killed, that hang, and a Dask cluster that loses a worker."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from controller.cli.recipes import capabilities
from controller.sweep.cluster import ClusterUnreachable, run_on_cluster
from controller.sweep.local import run_locally
from controller.sweep.options import SweepOptions
from controller.sweep.process import WORKER, started
from controller.sweep.run import Sweep, prepared
from controller.sweep.sample import Job, outcome
from tests.controller.recipes_for_tests import EXAMPLE, quick

DIES = "import os, sys; from multiprocessing.connection import Connection as C; C(int(sys.argv[1])).recv(); os._exit(7)"
TIMELESS = {"wall_s": 0.0, "cpu_s": 0.0}
HANGS = "import time; time.sleep(60)"
HANGS_ON_ONE = """
import sys, time
from multiprocessing.connection import Connection
from controller.sweep.sample import outcome
pipe = Connection(int(sys.argv[-1]))
while True:
    job = pipe.recv()
    time.sleep(60 if job.sample == 1 else 0)
    pipe.send(outcome(job))
"""


def small(recipe: Path, samples: int, vary: str = "densify.dwell=60..70s") -> Sweep:
    options = SweepOptions(recipe, (vary,), samples, 1, "nominal", 1)
    return prepared(options, capabilities(None))


def refusals(samples: int) -> list[Job]:
    """Samples that are quick because the line refuses them."""
    return list(small(EXAMPLE, samples, "join2.pressure=600..900MPa").jobs(without=()))


def worker_processes() -> list[int]:
    """Our own worker processes by their number."""

    def found() -> Iterator[int]:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"\nPPid:\t{os.getpid()}\n" in (folder / "status").read_text()
                if ours and b"controller.sweep.worker" in (folder / "cmdline").read_bytes():
                    yield int(folder.name)
            except OSError:
                continue

    return sorted(found())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for the workers in /proc")
def test_killed_workers_cost_nothing() -> None:
    rows = run_locally(refusals(60), 2)
    found = [next(rows)]
    for _ in range(2):  # a third time would be too often for a sample that lost its worker both times
        for victim in worker_processes():
            os.kill(victim, signal.SIGKILL)
        found.append(next(rows))
    found += rows
    assert sorted(row["sample"] for row in found) == list(range(60))
    assert {row["status"] for row in found} == {"refused"}
    assert worker_processes() == []


def test_a_sample_that_ends_every_worker_becomes_a_row_and_the_rest_goes_on() -> None:
    rows = list(run_locally(refusals(2), 1, program=(sys.executable, "-c", DIES)))
    assert [row["status"] for row in rows] == ["error", "error"]
    assert rows[0]["message"] == "given up: 3 worker processes ended on it, the last one with exit code 7"
    assert "join2.pressure_mpa" in rows[0]


def test_a_sample_that_hangs_is_given_up() -> None:
    begun = time.monotonic()
    rows = list(run_locally(refusals(2), 2, limit_s=0.2, program=(sys.executable, "-c", HANGS)))
    assert [row["message"] for row in rows] == ["given up: it took longer than 0.2 s"] * 2
    assert time.monotonic() - begun < 30.0


def test_no_worker_stays_when_nobody_wants_more_rows() -> None:
    rows = run_locally(refusals(50), 2)
    assert next(rows)["status"] == "refused"
    rows.close()
    assert worker_processes() == []


def test_a_process_gives_what_is_worked_out_here(tmp_path: Path) -> None:
    jobs = list(small(quick(tmp_path / "quick.yaml"), 1).jobs(without=()))
    alone = outcome(jobs[0])
    assert alone["status"] == "done"
    assert [row | TIMELESS for row in run_locally(jobs, 2)] == [alone | TIMELESS]


def test_a_fault_of_the_program_is_a_row_and_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in the middle")

    monkeypatch.setattr("controller.dryrun.dry_run", broken)
    job = next(small(EXAMPLE, 1).jobs(without=()))
    row = outcome(job)
    assert (row["status"], row["message"]) == ("error", "a fault of the program: ZeroDivisionError: in the middle")


def test_a_worker_with_other_rule_packs_does_not_judge() -> None:
    job = next(small(EXAMPLE, 1).jobs(without=()))
    other = Job(job.sample, job.seed, job.values, job.text, job.file, job.scenario, job.units, (("honda", "0" * 64),))
    row = outcome(other)
    assert row["status"] == "error"
    assert row["message"].startswith("the worker has other rule packs than the sweep")


def test_an_address_without_a_scheduler_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.sweep.cluster.CONNECT_S", 0.5)
    arguments = ["sweep", str(EXAMPLE), "--vary", "join2.pressure=600..900MPa", "--scheduler", "tcp://127.0.0.1:9"]
    result = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "out"), "--plots", "none"])
    assert result.exit_code == 3, result.output
    assert "no Dask scheduler at tcp://127.0.0.1:9" in result.stderr


def test_a_dask_cluster_gives_the_same_rows_and_survives_a_lost_worker() -> None:
    from distributed import LocalCluster

    jobs = refusals(60)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        rows = run_on_cluster(jobs, cluster.scheduler_address)
        found = [next(rows)]
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        found += rows
    found.sort(key=lambda row: int(row["sample"]))
    assert [row | TIMELESS for row in found] == [outcome(job) | TIMELESS for job in jobs]


def test_a_sample_that_hangs_on_a_cluster_is_given_up_and_the_sweep_goes_on(tmp_path: Path) -> None:
    """The process of sample 1 hangs; the ones before and after it, on the same Dask worker, are done."""
    from distributed import LocalCluster

    program = tmp_path / "worker.py"
    program.write_text(HANGS_ON_ONE, encoding="utf-8")
    jobs = refusals(4)
    begun = time.monotonic()
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        address = cluster.scheduler_address
        rows = list(run_on_cluster(jobs, address, limit_s=2.0, program=(sys.executable, str(program))))
    found = {row["sample"]: row for row in rows}
    assert (found[1]["status"], found[1]["message"]) == ("error", "given up: it took longer than 2 s")
    assert found[1]["join2.pressure_mpa"] == jobs[1].values["join2.pressure_mpa"]
    assert [found[number] | TIMELESS for number in (0, 2, 3)] == [outcome(jobs[n]) | TIMELESS for n in (0, 2, 3)]
    assert time.monotonic() - begun < 40.0


def test_a_sample_that_ends_every_process_beside_a_dask_worker_becomes_a_row() -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        rows = list(run_on_cluster(refusals(1), cluster.scheduler_address, program=(sys.executable, "-c", DIES)))
    assert rows[0]["message"] == "given up: 3 worker processes ended on it, the last one with exit code 7"


def test_a_kept_process_ends_by_itself_when_no_sample_comes() -> None:
    (job,) = refusals(1)  # made first: the process waits for no longer than 0.2 s
    worker = started((*WORKER, "0.2"))
    try:
        worker.give(job, 0)
        assert worker.pipe.recv()["status"] == "refused"
        assert worker.process.wait(timeout=20) == 0
    finally:
        worker.end()


def test_a_scheduler_that_is_lost_is_told() -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        rows = run_on_cluster(refusals(60), cluster.scheduler_address)
        next(rows)
    with pytest.raises(ClusterUnreachable, match="was lost"):
        list(rows)


def test_a_dry_run_on_a_cluster_is_the_one_of_this_process(tmp_path: Path) -> None:
    """Dask runs samples in a thread of its own, with an event loop that is not the main thread's."""
    from distributed import LocalCluster

    jobs = list(small(quick(tmp_path / "quick.yaml"), 1).jobs(without=()))
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        rows = list(run_on_cluster(jobs, cluster.scheduler_address))
    assert [row | TIMELESS for row in rows] == [outcome(jobs[0]) | TIMELESS]
