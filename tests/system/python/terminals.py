# SPDX-License-Identifier: BSD-2-Clause
"""pty and termios: a shell behind a pseudo-terminal, its echo, its size, ^C and ^D, raw mode, hanging up."""

import fcntl
import os
import pty
import signal
import struct
import termios
import tty


def read_until(fd, word):
    text = b""
    while word not in text:
        text += os.read(fd, 1000)
    return text


pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "ready> "
    os.execv("/bin/dash", ["dash", "-i"])
read_until(fd, b"ready> ")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 37, 91, 0, 0))
os.write(fd, b"stty size; tty\n")
text = read_until(fd, b"/dev/pts/")
assert b"stty size; tty\r\n" in text and b"37 91\r\n" in text, text  # the echo, and its answer
read_until(fd, b"ready> ")
os.write(fd, b"sleep 60\n")
read_until(fd, b"sleep 60\r\n")
while os.tcgetpgrp(fd) == pid:  # until sleep has the terminal
    pass
os.write(fd, b"\x03")
read_until(fd, b"ready> ")
os.write(fd, b"echo status $?\n")
read_until(fd, b"status 130\r\nready> ")
os.write(fd, b"\x04")
assert os.WIFEXITED(os.waitpid(pid, 0)[1])
os.close(fd)

ours, theirs = pty.openpty()
assert os.isatty(theirs) and os.ttyname(theirs).startswith("/dev/pts/")
os.write(ours, b"line\n")
assert os.read(theirs, 100) == b"line\n" and os.read(ours, 100) == b"line\r\n"
tty.setraw(theirs)
assert not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
os.write(ours, b"a\x03\r")
assert os.read(theirs, 100) == b"a\x03\r"
os.write(theirs, b"out\n")
assert os.read(ours, 100) == b"out\n"
os.close(theirs)
try:
    os.read(ours, 1)
    raise AssertionError("read from a terminal that nobody has open")
except OSError as error:
    assert error.errno == 5, error
os.close(ours)

pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.write(1, b"here")
    signal.pause()
read_until(fd, b"here")
os.close(fd)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP
