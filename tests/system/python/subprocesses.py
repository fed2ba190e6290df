# SPDX-License-Identifier: BSD-2-Clause
"""subprocess: pipes both ways, status and signal, time limits, environment, folder, descriptors, sessions."""

import os
import signal
import subprocess
import sys

BIG = b"0123456789abcdef" * 65536  # 1 MiB: many times what a pipe holds

done = subprocess.run(["cat"], input=BIG, stdout=subprocess.PIPE, check=True)
assert done.stdout == BIG

done = subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 7"], capture_output=True, text=True)
assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n"), done

assert subprocess.run(["sh", "-c", "kill -TERM $$"]).returncode == -signal.SIGTERM

try:
    subprocess.run(["sleep", "60"], timeout=0.3)
    raise AssertionError("sleep came back")
except subprocess.TimeoutExpired:
    pass

out = subprocess.check_output(["sh", "-c", "pwd; echo $WORD"], cwd="/usr/lib", env={"WORD": "hello"}, text=True)
assert out == "/usr/lib\nhello\n", out

try:
    subprocess.run(["/no/such/program"])
    raise AssertionError("a program that is not there ran")
except FileNotFoundError as error:
    assert error.filename == "/no/such/program"

read, write = os.pipe()
with subprocess.Popen(["sh", "-c", "echo through >&%d" % write], pass_fds=[write]) as child:
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"through\n"
assert child.returncode == 0

show = "import os; print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())"
assert subprocess.check_output([sys.executable, "-c", show], start_new_session=True, text=True) == "True True\n"
show = "import os, signal; print(os.getuid(), os.getgid(), os.umask(0))"
out = subprocess.check_output([sys.executable, "-c", show], user=1, group=2, extra_groups=[], umask=0o27, text=True)
assert out == "1 2 %d\n" % 0o27, out

first = subprocess.Popen(["yes", "line"], stdout=subprocess.PIPE)
second = subprocess.Popen(["head", "-n", "1000"], stdin=first.stdout, stdout=subprocess.PIPE)
first.stdout.close()
assert second.communicate()[0] == b"line\n" * 1000
assert first.wait() == -signal.SIGPIPE

children = [subprocess.Popen(["sh", "-c", "exit %d" % n]) for n in range(30)]
assert [child.wait() for child in children] == list(range(30))
