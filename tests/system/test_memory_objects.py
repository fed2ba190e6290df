# SPDX-License-Identifier: BSD-2-Clause
"""Secure memory where processors differ: several at once, and one without AES instructions."""

import pytest

from machine import serix

SECRET = "/usr/lib/serix/tests/secret"


def passes(got):
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert b"not ok" not in got.out and b"ok 4" in got.out


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_secrets_on_four_processors(build):
    passes(serix(SECRET, options=["--smp", 4, build], timeout=180))


@pytest.mark.parametrize("cpu", ["qemu64", "max,-aes"])
def test_secure_memory_is_refused_without_aes(cpu):
    passes(serix(SECRET, "noaes", options=["--cpu", cpu]))
