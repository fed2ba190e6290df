# SPDX-License-Identifier: BSD-2-Clause
"""Writing newc cpio archives, the format of the initial root file system.

Everything is owned by root.  Archives may be concatenated: the later one wins, so an archive is also how
files are laid over the standard root for one boot.

The contents of files of a page or more begin on a page, by NULs behind their names: then the kernel need not copy
them (fs/initramfs.c).  That holds for an archive whose own first byte lies on a page.
"""

import os
import stat

PAGE = 4096  # archives end on a page, so that the next one may follow directly
HEADER_SIZE, NAME_LIMIT = 110, 4096


class Writer:
    """Appends entries to a binary stream.  Call finish() once at the end."""

    def __init__(self, stream):
        self.stream = stream
        self.offset = 0
        self.next_inode = 1

    def add(self, name, mode, data=b"", mtime=0, inode=None, nlink=1, rdev=0):
        """Add one entry.  `mode` carries the file type; `data` is a symlink's target for a link."""
        if inode is None:
            inode = self.take_inode()
        raw_name = os.fsencode(name.lstrip("/")) + b"\0"
        if stat.S_ISREG(mode) and len(data) >= PAGE:
            padding = -(self.offset + HEADER_SIZE + len(raw_name)) % PAGE
            if len(raw_name) + padding <= NAME_LIMIT:
                raw_name += b"\0" * padding
        major, minor = (os.major(rdev), os.minor(rdev)) if rdev else (0, 0)
        fields = (inode, mode, 0, 0, nlink, int(mtime), len(data), 0, 0, major, minor, len(raw_name), 0)
        self._write(b"070701" + b"".join(b"%08X" % (f & 0xFFFFFFFF) for f in fields))
        self._write(raw_name)
        self._pad(4)
        self._write(data)
        self._pad(4)

    def directory(self, name, mode=0o755):
        self.add(name, stat.S_IFDIR | mode, nlink=2)

    def file(self, name, data, mode=0o644):
        self.add(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def tree(self, root, reproducible=False):
        """Add everything below `root` (not `root` itself), with modes, symlinks and hard links.

        Reproducible: without the time stamps and the group's write bit, which differ between checkouts.
        """
        links = {}
        for where, dirs, files in os.walk(os.fspath(root)):
            dirs.sort()
            for name in sorted(dirs + files):
                path = os.path.join(where, name)
                self._add_path(path, os.path.relpath(path, root), links, reproducible)

    def finish(self):
        self.add("TRAILER!!!", 0, inode=0)
        self._pad(PAGE)

    def take_inode(self):
        self.next_inode += 1
        return self.next_inode - 1

    def _add_path(self, path, name, links, reproducible):
        st = os.lstat(path)
        kind = stat.S_IFMT(st.st_mode)
        if kind == stat.S_IFSOCK:
            return
        mode = st.st_mode & ~0o022 if reproducible and kind != stat.S_IFLNK else st.st_mode
        mtime = 0 if reproducible else st.st_mtime
        data, inode, nlink, rdev = b"", None, 1, 0
        if kind == stat.S_IFLNK:
            data = os.fsencode(os.readlink(path))
        elif kind == stat.S_IFREG:
            # Of hard links the first entry carries the data, the others have the same inode and none.
            key = (st.st_dev, st.st_ino)
            if st.st_nlink > 1:
                nlink = st.st_nlink
                inode = links.get(key)
            if inode is None:
                with open(path, "rb") as f:
                    data = f.read()
                inode = links[key] = self.take_inode()
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            rdev = st.st_rdev
        self.add(name, mode, data, mtime, inode, nlink, rdev)

    def _write(self, data):
        self.stream.write(data)
        self.offset += len(data)

    def _pad(self, to):
        self._write(b"\0" * (-self.offset % to))
