# SPDX-License-Identifier: BSD-2-Clause
"""What system calls take, read from the source of their handlers and from what the comments there point at.

The comment before a SYSCALL() may hold two sentences:

    takes: AT_* in chown_at, else EINVAL; ...
    lacks: what Linux's call can do and this one cannot

"takes" names families of constants and where they are looked at: functions, macros, enums, tables or whole
files ("here", or nothing: the handler itself).  Which constants there are is read there, so that the page
changes with the code; for `case` labels that lead straight to an error it tells the error.  "but NAME ..."
leaves out what is no flag, "not NAME ... (ERROR)" adds what Linux knows and is refused here, "else ..." tells
what becomes of the rest.  A word and a colon before the families say what they are about.

A note that names nothing, an error that the code does not answer, a flag said to be unknown that is looked at,
and a handler that looks at flags without a note are mistakes.
"""

import collections
import os
import re

FOLDERS = ("kernel", "fs", "drivers", "arch", "include")

Family = collections.namedtuple("Family", "about prefixes accepted refused unknown rest")
Notes = collections.namedtuple("Notes", "takes lacks")

HANDLER = re.compile(r"((?:/\*(?:[^*]|\*(?!/))*\*/\n)*)SYSCALL\((\w+)\)\n(\{\n.*?^\})", re.M | re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
SENTENCE = re.compile(r"\b(takes|lacks):\s*")
MACRO = re.compile(r"^#define (\w+)(?:\([^)\n]*\))?[ \t]+((?:[^\n]*\\\n)*[^\n]*)", re.M)
REFUSAL = re.compile(r"((?:case \w+:\s*)+)(?:unsupported_note\([^;]*;\s*)?return -(E\w+);")
PART = re.compile(r"(?:(?P<about>[a-z][a-z' ]*): )?(?P<families>\w+\*(?: \w+\*)*)(?: in (?P<places>[\w/. ]+))?"
                  r"(?:, but (?P<but>[\w ]+))?(?P<refused>(?:, not [\w ]+ \(\w+\))*)(?:, else (?P<rest>.+))?")


class Mistake(Exception):
    """A note that the code does not bear out."""


def plain(comment):
    """The text of comments, without their frame."""
    return " ".join(re.sub(r"\*/|/\*|^\s*\*(?!/)", " ", comment, flags=re.M).split())


class Source:
    """The files of the kernel, without comments, and what is defined in them."""

    def __init__(self, top):
        self.text = {}
        for folder in FOLDERS:
            for path, _, files in os.walk(os.path.join(top, folder)):
                for name in files:
                    if name.endswith((".c", ".h")):
                        full = os.path.join(path, name)
                        with open(full, encoding="utf-8") as f:
                            self.text[os.path.relpath(full, top)] = COMMENT.sub("", f.read())
        self.macros = {file: dict(MACRO.findall(text)) for file, text in self.text.items()}
        self.shared = collections.defaultdict(dict)
        for file, found in self.macros.items():
            if file.endswith(".h"):
                self.shared["include" if file.startswith("include/") else os.path.dirname(file)].update(found)

    def macro(self, name, file):
        """What a name stands for in a file: its own macro, one of its folder's headers or of include/."""
        for macros in (self.macros[file], self.shared[os.path.dirname(file)], self.shared["include"]):
            if name in macros:
                return macros[name]
        return None

    def _defined(self, name, file):
        """The text of a function, macro, enum or table in this file, or None."""
        text = self.text[file]
        if name in self.macros[file]:
            return self.macros[file][name]
        for pattern in (r"^[a-z][^\n;{}]*\b%s\((?:[^;{}])*\)\n\{\n.*?^\}", r"^enum %s \{.*?\};",
                        r"\b%s(?:\[\w*\])? = \{.*?\};"):
            found = re.search(pattern % name, text, re.M | re.S)
            if found:
                return found.group(0)
        return None

    def place(self, name, near):
        """(file, text) of what a note names; what the handler's own file defines goes first."""
        if "/" in name:
            if name not in self.text:
                raise Mistake("there is no file " + name)
            return name, self.text[name]
        for file in [near] + sorted(self.text):
            if name in self.text[file]:
                text = self._defined(name, file)
                if text:
                    return file, text
        raise Mistake("nothing is called " + name)

    def constants(self, text, families, file):
        """Those of the families that a text names, by way of macros, too; in the order of their names' first use."""
        found = {}
        for word in re.findall(r"\b[A-Z_]\w+", text):
            body = self.macro(word, file)
            inner = self.constants(body, families, file) if body and word not in body.split() else []
            if inner:
                found.update(dict.fromkeys(inner))
            elif word.startswith(families):
                found[word] = True
        return list(found)


def looked_at(names, source, file, body):
    """[(file, text)] of the places that a note names."""
    return [(file, body) if name == "here" else source.place(name, file) for name in (names or "here").split()]


def known(places, families, leave_out, source):
    """The constants that are taken, and {error: those that a switch refuses}."""
    accepted, refused = {}, collections.defaultdict(list)
    for file, text in places:
        accepted.update(dict.fromkeys(source.constants(text, families, file)))
        for labels, error in REFUSAL.findall(text):
            refused[error] += [name for name in re.findall(r"case (\w+):", labels)
                               if name.startswith(families) and name not in refused[error]]
    for name in leave_out + sum(refused.values(), []):
        accepted.pop(name, None)
    if not accepted:
        raise Mistake("no %s there" % " ".join(families))
    return list(accepted), {error: names for error, names in refused.items() if names}


def family_of(part, source, file, body):
    """One part of a "takes" sentence, looked up in the code."""
    words = PART.fullmatch(part)
    if not words:
        raise Mistake("cannot read \"%s\"" % part)
    families = tuple(words["families"].replace("*", "").split())
    places = looked_at(words["places"], source, file, body)
    accepted, refused = known(places, families, (words["but"] or "").split(), source)
    unknown = {error: names.split() for names, error in re.findall(r"not ([\w ]+) \((\w+)\)", words["refused"])}
    seen = {name for where, text in places for name in source.constants(text, families, where)}
    for name in sum(unknown.values(), []):
        if name in seen:
            raise Mistake(name + " is looked at, though it is said to be unknown")
    for error in list(unknown) + re.findall(r"\bE[A-Z]{3,}\b", words["rest"] or ""):
        if not any("-" + error in text for _, text in places + [(file, body)]):
            raise Mistake("%s is not what %s answers" % (error, words["places"] or "the handler"))
    return Family(words["about"], families, accepted, refused, unknown, words["rest"])


def notes_of(comment, source, file, body):
    parts = SENTENCE.split(plain(comment))
    said = {parts[i]: parts[i + 1].strip() for i in range(1, len(parts) - 1, 2)}
    takes = [family_of(part.strip(), source, file, body) for part in said.get("takes", "").split(";") if part.strip()]
    if not takes and re.search(r"&\s*~\(?\s*(?:\(\w+\)\s*\(?)?[A-Z]{2,}_|case [A-Z]+_", body):
        raise Mistake("flags or commands are looked at, but no \"takes:\" says which")
    return Notes(takes, said.get("lacks", ""))


def read(top, folder):
    """{call: Notes} and {call: file} of the handlers in a folder, and the mistakes found on the way."""
    source, notes, owners, mistakes = Source(top), {}, {}, []
    for name in sorted(os.listdir(os.path.join(top, folder))):
        file = folder + "/" + name
        if not name.endswith(".c"):
            continue
        with open(os.path.join(top, file), encoding="utf-8") as f:
            text = f.read()
        for comment, call, body in HANDLER.findall(text):
            owners[call] = name[:-len(".c")]
            try:
                notes[call] = notes_of(comment, source, file, COMMENT.sub("", body))
            except Mistake as mistake:
                mistakes.append("%s: %s: %s" % (file, call, mistake))
    return notes, owners, mistakes
