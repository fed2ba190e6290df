# SPDX-License-Identifier: BSD-2-Clause
"""signal and selectors: handlers, masks, timers, waits with values, a wake-up descriptor; every selector there is."""

import os
import selectors
import signal
import socket
import time

came = []
signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
assert came == [signal.SIGUSR1] * 2, came

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGRTMIN])
os.kill(os.getpid(), signal.SIGUSR1)
assert len(came) == 2 and signal.sigpending() == {signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
assert len(came) == 3
os.kill(os.getpid(), signal.SIGRTMIN)
info = signal.sigwaitinfo([signal.SIGRTMIN])
assert (info.si_signo, info.si_pid, info.si_uid) == (signal.SIGRTMIN, os.getpid(), os.getuid())
assert signal.sigtimedwait([signal.SIGRTMIN], 0.1) is None

signal.signal(signal.SIGALRM, lambda number, frame: came.append(number))
begun = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.1)
time.sleep(0.3)  # goes on after the handler
assert came[-1] == signal.SIGALRM and time.monotonic() - begun >= 0.3
signal.signal(signal.SIGVTALRM, lambda number, frame: came.append(number))
signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
while came[-1] != signal.SIGVTALRM:
    pass

ours, theirs = socket.socketpair()
theirs.setblocking(False)
signal.set_wakeup_fd(theirs.fileno())
pid = os.fork()
if pid == 0:
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
assert ours.recv(1) == bytes([signal.SIGUSR1])
os.waitpid(pid, 0)
signal.set_wakeup_fd(-1)

pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pause()
for stop, ended in ((signal.SIGSTOP, os.WIFSTOPPED), (signal.SIGCONT, os.WIFCONTINUED), (signal.SIGKILL, os.WIFSIGNALED)):
    os.kill(pid, stop)
    assert ended(os.waitpid(pid, os.WUNTRACED | os.WCONTINUED)[1])

for kind in (selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector):
    pairs = [socket.socketpair() for _ in range(50)]
    with kind() as selector:
        for n, (reader, writer) in enumerate(pairs):
            selector.register(reader, selectors.EVENT_READ, n)
        begun = time.monotonic()
        assert selector.select(0.1) == [] and time.monotonic() - begun >= 0.1
        for n in (3, 30, 47):
            pairs[n][1].send(b"x")
        assert sorted(key.data for key, _ in selector.select()) == [3, 30, 47]
        selector.modify(pairs[3][0], selectors.EVENT_READ | selectors.EVENT_WRITE, 3)
        events = {key.data: mask for key, mask in selector.select()}
        assert events == {3: selectors.EVENT_READ | selectors.EVENT_WRITE, 30: 1, 47: 1}, events
        pairs[7][1].close()
        selector.unregister(pairs[30][0])
        assert sorted(key.data for key, _ in selector.select()) == [3, 7, 47]
    for reader, writer in pairs:
        reader.close()
        writer.close()
