# SPDX-License-Identifier: BSD-2-Clause
"""A small client of QEMU's machine protocol, over an already connected socket."""

import json
import time

PLAIN = {" ": "spc", "\n": "ret", "\x1b": "esc", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ",": "comma",
         ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", "[": "bracket_left",
         "]": "bracket_right", "\t": "tab", "\b": "backspace"}
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"<>?~', "1234567890-=[]\\;',./`"))


def key_names(char):
    """The keys that type a character, by QEMU's names."""
    if char in SHIFTED or char.isupper():
        return ("shift",) + key_names(SHIFTED.get(char, char.lower()))
    return (PLAIN.get(char, char),)


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
        """Save the screen; the name's ending says how: .png or .ppm."""
        self.call("screendump", filename=path, format=path.rpartition(".")[2])

    def keys(self, *names):
        """Press and release keys together, by QEMU's names: keys('ctrl', 'c')."""
        self.call("send-key", **{"hold-time": 20}, keys=[{"type": "qcode", "data": name} for name in names])

    def type(self, text, seconds_between=0.12):
        """Type on the guest's keyboard, which has the US layout.  The controller keeps only a few bytes that the
        guest has not fetched: faster typing loses keys on a loaded host."""
        for char in text:
            self.keys(*key_names(char))
            time.sleep(seconds_between)

    def _next(self):
        line = self.lines.readline()
        if not line:
            raise OSError("QEMU closed its control connection")
        return json.loads(line)
