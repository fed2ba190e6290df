# SPDX-License-Identifier: BSD-2-Clause
"""mmap of files and of memory, shared with a child and private; sqlite3 on a file, two processes at it."""

import mmap
import os
import sqlite3
import tempfile


def check_file(path):
    with open(path, "w+b") as f:
        f.truncate(3 * mmap.PAGESIZE)
        with mmap.mmap(f.fileno(), 0) as area:
            area[4090:4100] = b"0123456789"
            area.flush()
            f.seek(4090)
            assert f.read(10) == b"0123456789"
            assert area.find(b"456") == 4094
            area.resize(8 * mmap.PAGESIZE)
            assert len(area) == 8 * mmap.PAGESIZE == os.fstat(f.fileno()).st_size
            area[-1:] = b"!"
            area.madvise(mmap.MADV_SEQUENTIAL)
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as private:
            private[:4] = b"mine"
        with mmap.mmap(f.fileno(), mmap.PAGESIZE, access=mmap.ACCESS_READ, offset=7 * mmap.PAGESIZE) as tail:
            assert tail[-1:] == b"!"
        f.seek(0)
        assert f.read(4) == bytes(4)


def check_shared():
    shared, private = mmap.mmap(-1, 65536), mmap.mmap(-1, 65536, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pid = os.fork()
    if pid == 0:
        shared[:5] = private[:5] = b"child"
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert shared[:5] == b"child" and private[:5] == bytes(5)


def insert(path, who, rows):
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    for n in range(rows):
        database.execute("insert into words values (?, ?)", (who, n))
    database.close()


def check_database(path, journal):
    database = sqlite3.connect(path, isolation_level=None)
    assert database.execute("pragma journal_mode = " + journal).fetchone() == (journal,)
    database.execute("create table words (who text, n integer, primary key (who, n))")
    pid = os.fork()
    if pid == 0:
        insert(path, "child", 200)
        os._exit(0)
    insert(path, "parent", 200)
    assert os.waitpid(pid, 0)[1] == 0
    found = database.execute("select who, count(*), sum(n) from words group by who order by who").fetchall()
    assert found == [("child", 200, 19900), ("parent", 200, 19900)], found
    database.execute("begin")
    database.execute("delete from words")
    database.execute("rollback")
    assert database.execute("select count(*) from words").fetchone() == (400,)
    database.execute("begin exclusive")
    other = sqlite3.connect(path, timeout=0)
    try:
        other.execute("insert into words values ('late', 1)")
        raise AssertionError("two writers at once")
    except sqlite3.OperationalError as error:
        assert "locked" in str(error), error
    database.execute("commit")
    other.close()
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()


with tempfile.TemporaryDirectory() as folder:
    check_file(os.path.join(folder, "mapped"))
    check_shared()
    check_database(os.path.join(folder, "delete.db"), "delete")
    check_database(os.path.join(folder, "wal.db"), "wal")
