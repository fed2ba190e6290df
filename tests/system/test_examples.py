# SPDX-License-Identifier: BSD-2-Clause
"""The examples of user/examples do what they show, on one and on four CPUs.

Each verifies its own work and fails when anything is wrong; here is checked, too, that it came to show all of it.
"""

import os

import pytest

from machine import TOP, serix

SHOWN = {
    "echo": [
        "small: 11 bytes: hello, port",
        "large: 1000 bytes came back as they went",
        r"large: 8000 bytes came back as they went",
        "large: 64000 bytes came back as they went",
        "closed: the server has left",
    ],
    "kv": [
        "admin: client 1 may read and write",
        "writer: colour is blue, written by client 1",
        "anybody: by name, colour is blue; to write it is refused",
        "writer: revoked",
        "admin: client 2 may read, for half a second",
        "visitor: expired",
        "admin: closed",
    ],
    "fanout": [
        "publisher: 4 subscribers",
        "subscriber 0: leaves after some records",
        "subscriber 1: leaves after all records",
        "subscriber 2: leaves after all records",
        "subscriber 3: leaves after all records",
        "publisher: 2000 records published, 1 subscriber left early",
    ],
}


def test_every_example_is_here():
    names = {name[:-2] for name in os.listdir(os.path.join(TOP, "user/examples")) if name.endswith(".c")}
    assert names == set(SHOWN)


@pytest.mark.parametrize("cpus", (1, 4))
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_example(name, cpus):
    got = serix("/usr/lib/serix/examples/" + name, options=["--smp", cpus], timeout=90)
    out = got.out.decode("utf-8", "replace")
    assert got.status == 0, out + got.err
    lines = sorted(out.splitlines())
    assert lines == sorted(SHOWN[name])  # processes print in no certain order
