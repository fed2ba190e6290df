# SPDX-License-Identifier: BSD-2-Clause
"""An unmodified busybox ash under `caprun --ro /srv --rw /tmp` reads /srv, writes /tmp and reaches nothing else.

Each attack is a test.  All are made in one machine, from the same scene: once confined, where the attack must fail, and
once not confined, where the same command must succeed, or its failure would say nothing.  /srv, /tmp and /etc are on
one file system, so that links and renames could lead from one to the other.
"""

import re

import pytest

from machine import serix

ATTACK = "/srv/confine_attack "

# Commands for ash.  $VICTIM is a process outside; descriptor 8 is /etc/secret and 9 is /etc, open since before.
SHELL_ATTACKS = {
    # out of the roots by name
    "absolute": "cat /etc/secret",
    "dotdot": "cat /srv/../etc/secret",
    "dotdot from the working directory": "cd /tmp && cat ../etc/secret",
    "dotdot many times": "cd /srv/sub && cat ../../../../../../etc/secret",
    "stat outside": "stat /etc/secret",
    "list outside": "ls /etc",
    "list the root": "ls /",
    "what is in the root, from its attributes": "test $(stat -c %h /tmp/..) -gt 1",
    "file system of the root": "stat -f /",
    "test -e outside": "test -e /etc/secret",
    "change directory": "cd /etc",
    "change directory to the root": "cd /",
    "read a link outside": "readlink /etc/pointer",
    "file system outside": "stat -f /etc",
    "glob outside": "set -- /etc/sec*; test $1 = /etc/secret",
    "shell input": "read line </etc/secret",
    "source": ". /etc/script",
    "inherited working directory": "cd /tmp; cat secret 2>/dev/null || cat $OLDPWD/secret",
    # symbolic links
    "old symlink to a file": "cat /tmp/old-link",
    "old symlink to a directory": "cat /tmp/old-dir/secret",
    "old symlink in the readable root": "cat /srv/out/secret",
    "own symlink to a file": "ln -s /etc/secret /tmp/own; cat /tmp/own",
    "own symlink to a directory": "ln -s /etc /tmp/own; ls /tmp/own/",
    "own relative symlink": "ln -s ../etc/secret /tmp/own; cat /tmp/own",
    "chain of symlinks": "ln -s /etc /tmp/a; ln -s a/secret /tmp/b; cat /tmp/b",
    "create through a symlink": "ln -s /etc/created /tmp/own; echo x >/tmp/own",
    "write through a symlink": "ln -s /etc/secret /tmp/own; echo x >/tmp/own",
    # hard links and renames
    "hard link to a secret": "ln /etc/secret /tmp/hard",
    "hard link out of /srv, to write it": "ln /srv/data /tmp/hard",
    "hard link into /srv": "echo x >/tmp/x; ln /tmp/x /srv/x",
    "hard link to the outside": "echo x >/tmp/x; ln /tmp/x /etc/x",
    "rename out of /srv": "mv /srv/data /tmp/data",
    "rename a directory out of /srv": "mv /srv/sub /tmp/sub",
    "rename into /srv": "echo x >/tmp/x; mv /tmp/x /srv/x",
    "rename over a file in /srv": "echo x >/tmp/x; mv -f /tmp/x /srv/data",
    "rename to the outside": "echo x >/tmp/x; mv /tmp/x /etc/x",
    "rename a secret in": "mv /etc/secret /tmp/x",
    "rename the root itself": "mv /tmp /gone && mv /gone /tmp",
    # /proc
    "working directory by /proc": "cat /proc/self/cwd/../etc/secret",
    "own root by /proc": "cat /proc/self/root/etc/secret",
    "init's root": "cat /proc/1/root/etc/secret",
    "init's working directory": "ls /proc/1/cwd/",
    "victim's root": "cat /proc/$VICTIM/root/etc/secret",
    "victim's status": "cat /proc/$VICTIM/status",
    "init's environment": "cat /proc/1/environ",
    "processes": "ls /proc/1",
    "descriptor again": "cat /proc/self/fd/8",
    "descriptor again by /dev": "cat /dev/fd/8",
    "through a directory descriptor": "cat /proc/self/fd/9/secret",
    "kernel settings": "echo 0 >/proc/sys/vm/overcommit_memory",
    # /srv is for reading
    "write": "echo x >>/srv/data",
    "overwrite": "echo x >/srv/data",
    "create": "echo x >/srv/new",
    "mkdir": "mkdir /srv/new",
    "mkfifo": "mkfifo /srv/new",
    "symlink": "ln -s x /srv/new",
    "unlink": "rm -f /srv/data && ! test -e /srv/data",
    "rmdir": "rmdir /srv/empty",
    "chmod": "chmod 666 /srv/data",
    "chown": "chown 1 /srv/data",
    "touch": "touch /srv/data",
    "truncate": "truncate -s 0 /srv/data",
    "sed -i": "sed -i s/data/x/ /srv/data",
    # devices
    "kernel log": "echo x >/dev/kmsg",
    "console": ": >/dev/console",
    "serial port": ": </dev/ttyS1",
    "make a device": "mknod /tmp/made c 1 11",
    "open a device that was left": ": </tmp/kmsg",
    # programs
    "run a script": "printf '#!/bin/busybox true\\n' >/tmp/script; chmod +x /tmp/script; /tmp/script",
    "run a copy": "cat /srv/confine_attack >/tmp/copy; chmod +x /tmp/copy; /tmp/copy nothing",
    "run a link to a copy": "cat /srv/confine_attack >/tmp/copy; chmod +x /tmp/copy; ln -s copy /tmp/l; /tmp/l nothing",
    "run a program outside": "/usr/bin/program nothing",
    "run a script from there": "/etc/script",
    # others, and the machine
    "signal init": "kill -0 1",
    "signal the victim": "kill -0 $VICTIM",
    "mount": "mkdir /tmp/m; mount -t tmpfs none /tmp/m && umount /tmp/m",
    "bind mount": "mkdir /tmp/m; mount -o bind /etc /tmp/m && cat /tmp/m/secret && umount /tmp/m",
    "remount": "mount -o remount,rw /proc",
    "unmount": "umount /mnt && mount -t tmpfs none /mnt",
    "chroot": "cat /srv/confine_attack >/tmp/c; chmod +x /tmp/c; chroot /tmp /c nothing",
    "host name": "hostname other",
    "user id": "setuidgid 1 true 2>/dev/null || su nobody -s /bin/true",
    "renice": "renice -n 0 -p $VICTIM",
    "nice": "renice -n -5 -p $$",
    "set-user-id": "echo >/tmp/s; chmod 4755 /tmp/s && test -u /tmp/s",
}

C_ATTACKS = [
    "reopen", "reopen_by_dev", "below_inherited_directory", "into_inherited_directory", "link_inherited",
    "chown_inherited_by_empty_path", "chmod_open", "chown_open", "touch_open", "open_to_write", "open_to_truncate",
    "truncate_path", "exchange", "run_memfd", "run_copy", "map_memfd", "map_written", "protect_written", "kill_victim",
    "tgkill_victim", "queue_to_victim", "pidfd_victim", "limit_victim", "renice_victim",
    "move_victim", "realtime", "nicer", "change_root", "mount_over", "bind_tree", "set_clock", "host_name", "other_user",
    "raise_limit", "set_user_id", "connect_outside", "connect_by_link", "connect_abstract", "send_to_abstract",
    "bind_outside", "bind_abstract", "bind_any", "make_device", "open_device", "race_link", "race_dotdot",
]
# Refused to everybody: there is nothing to compare with.
REFUSED = ["type_for_others", "network"]

ATTACKS = dict(SHELL_ATTACKS)
ATTACKS.update((name, ATTACK + name) for name in C_ATTACKS)

# What must work when confined.
USES = {
    "read": "test \"$(cat /srv/data)\" = data",
    "list": "ls /srv/sub",
    "read below": "cat /srv/sub/deep",
    "write": "echo x >/tmp/new && test $(cat /tmp/new) = x",
    "append": "echo y >>/tmp/new",
    "make and remove": "mkdir -p /tmp/a/b/c && touch /tmp/a/b/c/d && mv /tmp/a/b /tmp/e && rm -r /tmp/a /tmp/e",
    "hard link": "echo x >/tmp/x && ln /tmp/x /tmp/y && cat /tmp/y",
    "symlink": "ln -s /srv/data /tmp/l && cat /tmp/l",
    "symlink through the outside": "cat /etc/way/data",
    "dotdot between the roots": "cd /srv/sub && cat ../data && echo x >../../tmp/x",
    "chmod": "touch /tmp/x && chmod 600 /tmp/x && chown 0:0 /tmp/x",
    "fifo": "mkfifo /tmp/f && { echo x >/tmp/f & } && cat /tmp/f",
    "null": "echo x >/dev/null && cat /dev/null",
    "random": "head -c 8 /dev/urandom | wc -c",
    "pipe": "echo x | cat | grep x",
    "children": "(exit 0) & wait $!",
    "signal own": "sleep 100 & kill $!",
    "program in a readable root": ATTACK + "nothing",
    "inherited descriptor": "read line <&8 && test $line = secret",
    "own program by /proc": "head -c 4 /proc/self/exe",
    "applet by name": "busybox true",
    "socket in a writable root": ATTACK + "own_socket",
}

SCENE = r"""
scene() {
	rm -rf /srv /tmp/* /etc/x /etc/created /etc/secret /etc/way
	mkdir -p /srv/sub /srv/empty
	echo secret >/etc/secret
	echo data >/srv/data
	echo deep >/srv/sub/deep
	ln -s /etc /srv/out
	ln -s /etc/secret /tmp/old-link
	ln -s /etc /tmp/old-dir
	ln -s /srv /etc/way
	ln -sf secret /etc/pointer
	printf '#!/bin/busybox true\n' >/etc/script
	chmod +x /etc/script
	cp /usr/lib/serix/tests/confine_attack /srv
	mkdir -p /usr/bin
	cp /usr/lib/serix/tests/confine_attack /usr/bin/program
	ln -sf /bin/busybox /usr/bin/nothing
	mknod /tmp/kmsg c 1 11
	cd /etc
}
umount /tmp 2>/dev/null
mkdir -p /mnt
mount -t tmpfs none /mnt
sleep 100000 &
export VICTIM=$!
/usr/lib/serix/tests/confine_attack serve
attempt() {
	scene
	exec 8</etc/secret 9</etc
	caprun --ro /srv --rw /tmp -- busybox ash -c "($2) || exit 77" >/dev/null 2>&1 </dev/null
	confined=$?
	secret=$(cat /etc/secret) data=$(cat /srv/data)
	scene
	exec 8</etc/secret 9</etc
	busybox ash -c "($2) || exit 77" >/dev/null 2>&1 </dev/null
	echo "RESULT $1 $confined $? $secret:$data"
	hostname serix
}
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """By kind and name: exit statuses confined and not, and what the files outside contained afterwards."""
    attempts = [("attack", n, c) for n, c in ATTACKS.items()] + [("use", n, c) for n, c in USES.items()] + \
               [("refused", n, ATTACK + n) for n in REFUSED]
    overlay = tmp_path_factory.mktemp("scene")
    script = SCENE + "".join("attempt %d %s\n" % (i, quoted(c)) for i, (_, _, c) in enumerate(attempts))
    (overlay / "attacks.sh").write_text(script)
    got = serix("busybox", "ash", "/attacks.sh", options=["--overlay", overlay, "--smp", 2], timeout=300)
    found = re.findall(r"^RESULT (\d+) (\d+) (\d+) (.*)$", got.out.decode("utf-8", "replace"), re.M)
    assert len(found) == len(attempts), got.out.decode("utf-8", "replace")[-2000:] + got.err
    return {attempts[int(i)][:2]: (int(confined), int(free), left) for i, confined, free, left in found}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_fails(results, name):
    confined, free, left = results["attack", name]
    assert free == 0, "the attack does not even work unconfined"
    assert confined == 77, "the attack worked" if confined == 0 else "it was not made"
    assert left == "secret:data", "what is out of reach has changed"


@pytest.mark.parametrize("name", REFUSED)
def test_refused_to_everybody(results, name):
    confined, _, left = results["refused", name]
    assert confined == 77 and left == "secret:data"


@pytest.mark.parametrize("name", USES)
def test_use_works(results, name):
    confined, free, left = results["use", name]
    assert (confined, free, left) == (0, 0, "secret:data")
