# SPDX-License-Identifier: BSD-2-Clause
"""Whole-machine tests: what they share.

Tests that take long are marked `full` and run with --full only; those marked `soak` run for as long as they are
told, with --soak SECONDS, which runs nothing else.  --shard I/N runs every Nth test, so that
several pytest processes can share the work; tests that are marked `together` with the same word, because they share a
machine, count as one.
"""

import pytest


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the whole matrix")
    parser.addoption("--soak", metavar="SECONDS", type=int, help="only the long loads, each for so long")
    parser.addoption("--shard", metavar="I/N", help="only every Nth test, starting with the Ith")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes long; only with --full")
    config.addinivalue_line("markers", "soak: takes --soak seconds")
    config.addinivalue_line("markers", "together(word): in one process with the others of that word")


def wanted(config, item):
    soak = item.get_closest_marker("soak") is not None
    if config.getoption("--soak") or soak:
        return soak and config.getoption("--soak")
    return config.getoption("--full") or item.get_closest_marker("full") is None


def shard(items, index, count):
    """The index-th share of the tests."""
    units = {}
    for item in items:
        mark = item.get_closest_marker("together")
        units.setdefault(mark.args[0] if mark else item.nodeid, []).append(item)
    return [item for unit in list(units.values())[index::count] for item in unit]


def pytest_collection_modifyitems(config, items):
    kept = [item for item in items if wanted(config, item)]
    if config.getoption("--shard"):
        index, count = (int(n) for n in config.getoption("--shard").split("/"))
        kept = shard(kept, index, count)
    dropped = [item for item in items if item not in set(kept)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    """Which test failed is told at once: whoever stops the run has not long to wait for the summary."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        print("\nFAILED %s: %s" % (report.nodeid, (crash.message if crash else "").partition("\n")[0][:200]), flush=True)


@pytest.fixture
def log(tmp_path):
    """Where a test has tools/run put the kernel messages."""
    return tmp_path / "kernel.log"


@pytest.fixture
def soak_seconds(request):
    return request.config.getoption("--soak")
