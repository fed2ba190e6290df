# SPDX-License-Identifier: BSD-2-Clause
"""multiprocessing: Pool, Queue, Pipe, locks, shared memory, a manager, by fork, by spawn and by a fork server."""

import multiprocessing
import multiprocessing.shared_memory
import os
import signal

WAYS = ("fork", "spawn", "forkserver")


def square(n):
    return n * n


def whoami(_):
    return os.getpid()


def echo(inbox, outbox):
    for item in iter(inbox.get, None):
        outbox.put((item, os.getpid()))


def add(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1


def fill(name):
    block = multiprocessing.shared_memory.SharedMemory(name)
    block.buf[:5] = b"hello"
    block.close()


def answer(end):
    end.send([end.recv(), "back"])
    end.close()


def note(shared, n):
    shared[n] = n * n


def check(context):
    with context.Pool(4) as pool:
        assert pool.map(square, range(100)) == [n * n for n in range(100)]
        assert os.getpid() not in pool.map(whoami, range(10))
        assert pool.apply_async(square, (9,)).get(60) == 81

    inbox, outbox = context.Queue(), context.Queue()
    child = context.Process(target=echo, args=(inbox, outbox))
    child.start()
    big = b"x" * 300000  # more than a pipe holds
    for item in (1, "two", big, None):
        inbox.put(item)
    assert [outbox.get(timeout=60) for _ in range(3)] == [(1, child.pid), ("two", child.pid), (big, child.pid)]
    child.join()
    assert child.exitcode == 0

    value = context.Value("i", 0)
    children = [context.Process(target=add, args=(value, 300)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert value.value == 1200, value.value

    ours, theirs = context.Pipe()
    child = context.Process(target=answer, args=(theirs,))
    child.start()
    ours.send({"a": 1})
    assert ours.recv() == [{"a": 1}, "back"]
    child.join()

    block = multiprocessing.shared_memory.SharedMemory(create=True, size=8192)
    child = context.Process(target=fill, args=(block.name,))
    child.start()
    child.join()
    assert bytes(block.buf[:6]) == b"hello\0"
    assert os.path.exists("/dev/shm/" + block.name)
    block.close()
    block.unlink()
    assert not os.path.exists("/dev/shm/" + block.name)


def check_manager(context):
    with context.Manager() as manager:
        shared = manager.dict()
        children = [context.Process(target=note, args=(shared, n)) for n in range(5)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert dict(shared) == {n: n * n for n in range(5)}


def check_ending(context):
    child = context.Process(target=signal.pause)
    child.start()
    child.join(0.1)
    assert child.is_alive()
    child.terminate()
    child.join()
    assert child.exitcode == -signal.SIGTERM


if __name__ == "__main__":
    for way in WAYS:
        check(multiprocessing.get_context(way))
    check_manager(multiprocessing.get_context("fork"))
    check_ending(multiprocessing.get_context("fork"))
