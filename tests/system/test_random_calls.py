# SPDX-License-Identifier: BSD-2-Clause
"""Linux's calls with arguments of the right kind and of any, from processes that meet on four CPUs: user/tests/call_fuzz.c.

Proves that the kernel does not stop or complain, that everybody can be killed and that memory comes back; on the KASAN
build, that no access to memory was wrong.  By hand, with another seed:

    tools/run --san kasan --smp 4 --mem 1G --timeout 300 -- /usr/lib/serix/tests/call_fuzz 60 7 nobody
"""

import random

import pytest

from machine import serix
from test_load import complaints

FUZZER = "/usr/lib/serix/tests/call_fuzz"


def make_calls(log, build, who, seconds, seed):
    got = serix(FUZZER, str(seconds), str(seed), who, timeout=seconds + 300,
                options=build + ["--smp", 4, "--mem", "1G", "--log", log])
    out = got.out.decode("utf-8", "replace")
    print(out)
    assert got.status == 0, out + got.err
    assert complaints(log) == []


def test_random_calls_on_kasan(log):
    """Of a user without privileges."""
    make_calls(log, ["--san", "kasan"], "nobody", 60, 1)


def test_random_calls_of_root(log):
    """Without those that end or change the machine."""
    make_calls(log, ["--debug"], "root", 30, 1)


@pytest.mark.soak
@pytest.mark.parametrize("who", ("nobody", "root"))
def test_soak_calls(log, soak_seconds, who):
    make_calls(log, ["--san", "kasan"], who, soak_seconds, random.randrange(1 << 32))
