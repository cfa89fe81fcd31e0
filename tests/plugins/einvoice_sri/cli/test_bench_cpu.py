"""The counting of CPU time: what a process and its children have used is seen, by this or by another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugins.einvoice_sri.cli import bench_cpu

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="Linux only")
BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def test_the_times_of_this_process_are_those_it_knows():
    while time.process_time() < 0.1:
        pass
    known = sum(os.times()[:4])
    assert bench_cpu.of_process(os.getpid()) == pytest.approx(known, abs=0.2)


def test_a_family_counts_children_that_run_and_that_have_ended():
    before = bench_cpu.of_family(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = bench_cpu.of_family(os.getpid())
        assert bench_cpu.of_process(child.pid) >= 0.25
        child.communicate(b"\n", timeout=60)
    assert running - before >= 0.25
    assert bench_cpu.of_family(os.getpid()) - before >= 0.25
