# SPDX-License-Identifier: BSD-2-Clause
"""threading: locks, conditions, barriers, queues, timers, time limits, many threads, a process forked beside them."""

import concurrent.futures
import os
import queue
import threading
import time

total, lock = 0, threading.Lock()


def count(times):
    global total
    for _ in range(times):
        with lock:
            total += 1


threads = [threading.Thread(target=count, args=(2000,)) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert total == 32000, total

numbers, results = queue.Queue(maxsize=4), queue.Queue()


def square():
    for n in iter(numbers.get, None):
        results.put(n * n)


threads = [threading.Thread(target=square) for _ in range(4)]
for thread in threads:
    thread.start()
for n in range(500):
    numbers.put(n)
for thread in threads:
    numbers.put(None)
for thread in threads:
    thread.join()
assert sorted(results.get() for _ in range(500)) == [n * n for n in range(500)]

barrier, reached = threading.Barrier(8), []


def meet():
    for round_ in range(20):
        reached.append(round_)
        barrier.wait()


threads = [threading.Thread(target=meet) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert reached == sorted(reached) and len(reached) == 160

condition, begun = threading.Condition(), time.monotonic()
with condition:
    assert not condition.wait(0.2)
assert 0.2 <= time.monotonic() - begun < 10
assert not threading.Semaphore(0).acquire(timeout=0.1)

fired = threading.Event()
threading.Timer(0.1, fired.set).start()
assert fired.wait(30)

local, seen = threading.local(), []


def own(n):
    local.value = n
    time.sleep(0.01)
    seen.append(local.value == n and threading.get_native_id() != os.getpid())


threads = [threading.Thread(target=own, args=(n,)) for n in range(100)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert seen == [True] * 100

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert list(pool.map(lambda n: n + 1, range(200))) == list(range(1, 201))

stop = threading.Event()
spinning = threading.Thread(target=lambda: [count(10) for _ in iter(stop.is_set, True)])
spinning.start()
for n in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit(threading.active_count())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
stop.set()
spinning.join()
