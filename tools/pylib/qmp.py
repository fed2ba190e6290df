# SPDX-License-Identifier: BSD-2-Clause
"""A small client of QEMU's machine protocol, over an already connected socket."""

import json


class Qmp:
    def __init__(self, sock):
        self.lines = sock.makefile("rw", encoding="utf-8", newline="\n")
        self._next()  # the greeting
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        """Run one command and return its result; events that arrive meanwhile are dropped."""
        self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            reply = self._next()
            if "error" in reply:
                raise OSError("%s: %s" % (command, reply["error"]["desc"]))
            if "return" in reply:
                return reply["return"]

    def screenshot(self, path):
        self.call("screendump", filename=path, format="png")

    def keys(self, *names):
        """Press and release keys together, by QEMU's names: keys('ctrl', 'c')."""
        self.call("send-key", keys=[{"type": "qcode", "data": name} for name in names])

    def _next(self):
        line = self.lines.readline()
        if not line:
            raise OSError("QEMU closed its control connection")
        return json.loads(line)
