# SPDX-License-Identifier: BSD-2-Clause
"""Archives of folders that are laid over the root, kept for as long as the folder stays the same.

The archive of a large folder is a file of CACHE: its name has a sum of where the folder is and one of what lstat
says of everything in it.  Runs side by side may make the same one at once; whoever has it open keeps it.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile

import cpio

LARGE = 16 << 20  # below this, reading the files takes no longer than reading the archive


def survey(directory):
    """A sum of what is in the folder, and its size in bytes."""
    total, digest = 0, hashlib.sha256()
    for where, dirs, files in os.walk(directory):
        dirs.sort()
        for name in sorted(dirs + files):
            path = os.path.join(where, name)
            st = os.lstat(path)
            digest.update(repr((path, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns, st.st_ino)).encode(
                "utf-8", "surrogateescape"))
            total += st.st_size
    return digest.hexdigest()[:24], total


def write(directory, out):
    """Append the folder's archive to the stream, at the start of a page."""
    archive = cpio.Writer(out)
    archive.tree(directory)
    archive.finish()


def cached(directory, cache, sum_):
    """The open archive of a large folder."""
    place = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    path = os.path.join(cache, "%s-%s.cpio" % (place, sum_))
    try:
        return open(path, "rb")
    except FileNotFoundError:
        pass
    os.makedirs(cache, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, prefix="new-", delete=False) as out:
        try:
            write(directory, out)
            out.flush()
            os.rename(out.name, path)
        except BaseException:
            os.unlink(out.name)
            raise
    archive = open(path, "rb")
    for name in os.listdir(cache):  # what the folder was before
        if name.startswith(place + "-") and name != os.path.basename(path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(cache, name))
    return archive


def append(directory, out, cache):
    """Append the folder's archive to the stream, which is at the start of a page."""
    directory = os.path.realpath(directory)
    sum_, size = survey(directory)
    if size < LARGE:
        write(directory, out)
        return
    with cached(directory, cache, sum_) as archive:
        out.flush()
        left = os.fstat(archive.fileno()).st_size
        while left > 0:  # within the kernel
            left -= os.sendfile(out.fileno(), archive.fileno(), None, left)
        out.seek(0, os.SEEK_END)
