# SPDX-License-Identifier: BSD-2-Clause
"""AF_UNIX: socketserver's threads, processes and datagrams, descriptors sent over, credentials, abstract names."""

import array
import os
import socket
import socketserver
import struct
import tempfile
import threading


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class Back(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.read()[::-1])


def ask(path, word):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(word * 1000 + b"\n")
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").read() == word.upper() * 1000 + b"\n"


def check_streams(kind, path):
    with kind(path, Upper) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        clients = [threading.Thread(target=ask, args=(path, b"word%d" % n)) for n in range(10)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        server.shutdown()


class Forking(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    pass


def check_datagrams(path):
    with socketserver.UnixDatagramServer(path, Back) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.bind(path + ".client")
            client.sendto(b"abc", path)
            assert client.recvfrom(100) == (b"cba", path)
        server.shutdown()


def check_rights():
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        read, write = os.pipe()
        socket.send_fds(theirs, [b"pipe"], [write])
        os._exit(0 if os.read(read, 5) == b"hello" else 1)
    word, (fd,), _, _ = socket.recv_fds(ours, 100, 1)
    assert word == b"pipe" and os.write(fd, b"hello") == 5
    assert os.waitpid(pid, 0)[1] == 0

    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    theirs.send(b"who")
    _, ancillary, _, _ = ours.recvmsg(10, socket.CMSG_SPACE(12))
    level, kind, data = ancillary[0]
    assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
    assert struct.unpack("3i", data) == (os.getpid(), os.getuid(), os.getgid())
    peer = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    assert struct.unpack("3i", peer)[0] == os.getpid()


def check_abstract():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server, \
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        server.bind(b"\0of the test")
        server.listen()
        client.connect(b"\0of the test")
        peer, _ = server.accept()
        assert peer.getsockname() == b"\0of the test"
        client.send(b"one")
        client.sendmsg([b"t", b"w", b"o"])
        assert (peer.recv(10), peer.recv(10)) == (b"one", b"two")
        buffer = array.array("B", bytes(2))
        client.send(b"long")
        assert peer.recvmsg_into([buffer])[2] & socket.MSG_TRUNC
        peer.close()


with tempfile.TemporaryDirectory() as folder:
    check_streams(socketserver.ThreadingUnixStreamServer, os.path.join(folder, "threads"))
    check_streams(Forking, os.path.join(folder, "processes"))
    check_datagrams(os.path.join(folder, "datagrams"))
check_rights()
check_abstract()
