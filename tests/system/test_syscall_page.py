# SPDX-License-Identifier: BSD-2-Clause
"""What docs/syscalls.md says a call takes is read from the code: notes that the code does not bear out are mistakes."""

import subprocess
import sys

import pytest

from machine import TOP  # also makes tools/pylib importable

import handlers

CODE = """\
#define KNOWN (AT_ONE | AT_TWO)

static int check(unsigned flags)
{
	switch (flags) {
	case AT_THREE: /* not yet */
		return -EOPNOTSUPP;
	}
	return flags & ~KNOWN ? -EINVAL : 0;
}

/* %s */
SYSCALL(call)
{
	return check(ARG(0, unsigned)%s);
}
"""


def read(tmp_path, note, more=""):
    folder = tmp_path / "kernel/syscall"
    folder.mkdir(parents=True)
    (folder / "area.c").write_text(CODE % (note, more))
    return handlers.read(str(tmp_path), "kernel/syscall")


def test_flags_come_from_the_code(tmp_path):
    notes, owners, mistakes = read(tmp_path, "takes: AT_* in check, not AT_FOUR (EINVAL), else EINVAL\nlacks: much")
    assert not mistakes and owners == {"call": "area"} and notes["call"].lacks == "much"
    family, = notes["call"].takes
    assert family.accepted == ["AT_ONE", "AT_TWO"] and family.refused == {"EOPNOTSUPP": ["AT_THREE"]}
    assert family.unknown == {"EINVAL": ["AT_FOUR"]} and family.rest == "EINVAL"


@pytest.mark.parametrize("note, complaint", [
    ("takes: AT_* in nowhere", "nothing is called nowhere"),
    ("takes: MS_* in check", "no MS_"),
    ("takes: AT_* in check, not AT_TWO (EINVAL)", "AT_TWO is looked at"),
    ("takes: AT_* in check, else ENOSYS", "ENOSYS is not what check answers"),
    ("takes: all of them", "cannot read"),
])
def test_untrue_notes_are_mistakes(tmp_path, note, complaint):
    _, _, mistakes = read(tmp_path, note)
    assert len(mistakes) == 1 and complaint in mistakes[0]


def test_flags_without_a_note_are_a_mistake(tmp_path):
    _, _, mistakes = read(tmp_path, "nothing to say", " & ~AT_ONE")
    assert len(mistakes) == 1 and "takes" in mistakes[0]


def test_the_page_is_up_to_date():
    assert subprocess.run([sys.executable, TOP + "/tools/gen-syscall-docs", "--check"], check=False).returncode == 0
