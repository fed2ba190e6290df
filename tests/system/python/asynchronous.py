# SPDX-License-Identifier: BSD-2-Clause
"""asyncio: streams over AF_UNIX, subprocesses, pipes, signals, threads, time limits."""

import asyncio
import os
import signal
import tempfile


async def check_streams(folder):
    path = os.path.join(folder, "server")

    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    async def ask(n):
        reader, writer = await asyncio.open_unix_connection(path)
        for turn in range(10):
            writer.write(b"word %d %d\n" % (n, turn))
            assert await reader.readline() == b"WORD %d %d\n" % (n, turn)
        writer.write(b"b" * 50000 + b"\n")
        writer.write_eof()
        assert await reader.read() == b"B" * 50000 + b"\n"
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, path)
    async with server:
        await asyncio.gather(*(ask(n) for n in range(20)))


async def check_subprocesses():
    child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    big = b"z" * 500000
    assert (await child.communicate(big))[0] == big and child.returncode == 0
    children = [await asyncio.create_subprocess_shell("exit %d" % n) for n in range(8)]
    assert await asyncio.gather(*(child.wait() for child in children)) == list(range(8))
    child = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        await asyncio.wait_for(child.wait(), 0.2)
        raise AssertionError("sleep came back")
    except asyncio.TimeoutError:
        child.kill()
    assert await child.wait() == -signal.SIGKILL


async def check_pipe():
    read, write = os.pipe()
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb"))
    transport, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(write, "wb"))
    transport.write(b"p" * 300000)
    transport.close()
    assert await reader.read() == b"p" * 300000


async def check_events():
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, came.set)
    loop.call_later(0.05, os.kill, os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(came.wait(), 30)
    assert await asyncio.to_thread(os.getpid) == os.getpid()
    order = []
    await asyncio.gather(*(late(order, n) for n in (3, 1, 2)))
    assert order == [1, 2, 3], order


async def late(order, n):
    await asyncio.sleep(n * 0.15)
    order.append(n)


async def main():
    with tempfile.TemporaryDirectory() as folder:
        await check_streams(folder)
    await check_subprocesses()
    await check_pipe()
    await check_events()


asyncio.run(main())
