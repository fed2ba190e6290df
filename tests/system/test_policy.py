# SPDX-License-Identifier: BSD-2-Clause
"""/etc/serix/policy and policyctl: limits of unmodified programs by path and user, all or nothing.

Everything is tried once, in one machine; each test looks at what it is about.  The programs are busybox under other
names, so that what differs between two runs is only what the policy says of their paths.
"""

import re

import pytest

from machine import serix

POLICY = """\
# The first that fits counts.
program /opt/cat { read /srv/open; write /tmp }
program /opt/touch { read /srv/open
	write /tmp
}
program /opt/head user user { read /srv/open }
program /opt/tail user root { allow }
program /opt/tail { deny paths }
program /opt/script { read /srv/open /bin; }
program /opt/sh { class batch; deny signals }
program /opt/dd { memory 8M }
program /opt/sleep { expires 1s }
program /opt/below/* { read /srv/open }
"""
BAD = "program /opt/cat { allow }\nprogram /opt/head {\n\tread /srv\n\tnonsense 5\n}\n"
DENY = "default deny\nprogram /usr/bin/* { allow }\nprogram /opt/cat { read /srv/open }\n"

# name: (command, whether it must succeed)
CASES = {
    "reads its root": ("/opt/cat /srv/open/file", True),
    "reads nothing else": ("/opt/cat /etc/passwd", False),
    "reads nothing else by dotdot": ("/opt/cat /srv/open/../../etc/passwd", False),
    "the same program by another name is not limited": ("/bin/cat /etc/passwd", True),
    "a link to it is limited": ("/srv/link /etc/passwd", False),
    "writes its root": ("/opt/touch /tmp/made", True),
    "writes no readable root": ("/opt/touch /srv/open/made", False),
    "writes nothing else": ("/opt/touch /made", False),
    "limited for a user": ("su user -c '/opt/head -n 1 /etc/passwd'", False),
    "limited for a user, its root": ("su user -c '/opt/head -n 1 /srv/open/file'", True),
    "not limited for others": ("/opt/head -n 1 /etc/passwd", True),
    "the first entry counts": ("/opt/tail -n 1 /etc/passwd", True),
    "then the second": ("su user -c '/opt/tail -n 1 /srv/open/file'", False),
    "a script by its own path": ("/opt/script /etc/passwd", False),
    "a script's root": ("/opt/script /srv/open/file", True),
    "all below a directory": ("/opt/below/deep/cat /etc/passwd", False),
    "all below a directory, its root": ("/opt/below/deep/cat /srv/open/file", True),
    "class": ("/opt/sh -c 'test $(cut -d\" \" -f41 /proc/$$/stat) = 3'", True),
    "class of others": ("/bin/sh -c 'test $(cut -d\" \" -f41 /proc/$$/stat) = 3'", False),
    "signals to others": ("/opt/sh -c \"kill -0 $VICTIM\"", False),
    "signals of its own": ("/opt/sh -c 'kill -0 $$'", True),
    "memory": ("/opt/dd if=/dev/zero of=/dev/null bs=32M count=1", False),
    "memory below the limit": ("/opt/dd if=/dev/zero of=/dev/null bs=1M count=1", True),
    "expiry": ("/opt/sleep 100", False),
    "children inherit": ("/opt/sh -c \"sh -c 'kill -0 $VICTIM'\"", False),
    "a user loads nothing": ("su user -c 'policyctl load /policies/deny'", False),
    "who is limited loads nothing": ("caprun --ro / -- policyctl load /policies/deny", False),
}
BAD_CASES = {
    "check": ("policyctl check /policies/bad", False),
    "load": ("policyctl load /policies/bad", False),
    "cut off": ("head -c 20 /policies/bad >/policies/cut; policyctl load /policies/cut", False),
    "not there": ("policyctl load /policies/none", False),
    "the old one holds": ("/opt/cat /etc/passwd", False),
    "and allows what it did": ("/opt/cat /srv/open/file", True),
    "a good one is only checked": ("policyctl check /policies/deny && /opt/head -n 1 /etc/passwd", True),
}
DENY_CASES = {
    "what is named": ("/opt/cat /srv/open/file", True),
    "what is named, its limits": ("/opt/cat /etc/passwd", False),
    "all below a directory": ("/bin/true", True),
    "what is not named": ("/opt/head -n 1 /srv/open/file", False),
    "a copy": ("cp /bin/busybox /tmp/true; /tmp/true", False),
}
FREE_CASES = {
    "no limits any more": ("/opt/cat /etc/passwd", True),
    "what runs keeps its own": ("test \"$(tail -n 1 /tmp/verdict)\" = refused", True),
}
STAGES = {"policy": CASES, "bad": BAD_CASES, "deny": DENY_CASES, "free": FREE_CASES}

SCRIPT = r"""
mkdir -p /srv/open /opt/below/deep
echo file >/srv/open/file
chmod 755 / /srv /srv/open /opt /policies
for name in cat touch head tail sh dd sleep below/deep/cat; do cp /bin/busybox /opt/$name; done
ln -s /opt/cat /srv/link
printf '#!/bin/sh\nread line <$1\n' >/opt/script
chmod 755 /opt/script
sleep 100000 &
export VICTIM=$!
attempt() {
	busybox ash -c "$2" >/dev/null 2>/tmp/said </dev/null
	echo "RESULT $1 $?"
	sed "s|^|SAID $1 |" /tmp/said
}
state() {
	echo "STATE $1 $(tr '\n\t' '  ' </proc/serix/policy)"
}
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def attempts(stage):
    return "".join("attempt %s/%d %s\n" % (stage, i, quoted(command))
                   for i, (command, _) in enumerate(STAGES[stage].values())) + "state %s\n" % stage


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Exit statuses and what was said, by stage and name; what /proc/serix/policy told after each stage."""
    overlay = tmp_path_factory.mktemp("policies")
    (overlay / "policies").mkdir()
    for name, text in ("policy", POLICY), ("bad", BAD), ("deny", DENY), ("free", "default allow\n"):
        (overlay / "policies" / name).write_text(text)
    (overlay / "try.sh").write_text(
        SCRIPT + "policyctl load /policies/policy || exit 1\n" + attempts("policy") + attempts("bad") +
        "policyctl load /policies/deny || exit 1\n" + attempts("deny") +
        # Limited by the one, it acts only after the other is in force.
        "policyctl load /policies/policy || exit 1\nmkfifo /tmp/go\n"
        "/opt/sh -c \"touch /tmp/ready; read line </tmp/go; kill -0 $VICTIM || echo refused\" >/tmp/verdict 2>&1 &\n"
        "until test -e /tmp/ready; do sleep 0.1; done\n"
        "policyctl load /policies/free || exit 1\necho go >/tmp/go\nwait $!\n" + attempts("free"))
    got = serix("busybox", "ash", "/try.sh", options=["--overlay", overlay], timeout=180)
    text = got.out.decode("utf-8", "replace")
    found = re.findall(r"^RESULT (\w+)/(\d+) (\d+)$", text, re.M)
    assert len(found) == sum(len(cases) for cases in STAGES.values()), text[-2000:] + got.err
    statuses = {(stage, list(STAGES[stage])[int(i)]): int(status) for stage, i, status in found}
    said = {(stage, list(STAGES[stage])[int(i)]): line
            for stage, i, line in re.findall(r"^SAID (\w+)/(\d+) (.*)$", text, re.M)}
    return statuses, said, dict(re.findall(r"^STATE (\w+) (.*)$", text, re.M))


@pytest.mark.parametrize("stage, name", [(stage, name) for stage in STAGES for name in STAGES[stage]])
def test_case(results, stage, name):
    statuses, said, _ = results
    _, succeeds = STAGES[stage][name]
    assert (statuses[stage, name] == 0) == succeeds, said.get((stage, name), "")


def test_a_mistake_is_told_with_its_line(results):
    _, said, _ = results
    assert said["bad", "check"].startswith("/policies/bad:4: ") and said["bad", "load"].startswith("/policies/bad:4: ")


def test_expiry_kills(results):
    assert results[0]["policy", "expiry"] == 128 + 9


def test_a_mistake_changes_nothing(results):
    """Not even how often a policy was loaded."""
    assert results[2]["bad"] == results[2]["policy"]
    assert results[2]["deny"] != results[2]["policy"]
