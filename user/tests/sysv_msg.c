/* SPDX-License-Identifier: BSD-2-Clause */
/* System V messages as msgget(2), msgsnd(2), msgctl(2) have them.  Runs on Linux, too, with the same
 * outcome. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "child.h"
#include "tap.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define WORKERS        4
#define ROUNDS         1000
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct letter {
	long type;
	char text[8192];
};
static struct letter in, out;

static int make(void)
{
	return msgget(IPC_PRIVATE, 0600);
}

static int send(int id, long type, const char *text)
{
	out.type = type;
	strcpy(out.text, text);
	return msgsnd(id, &out, strlen(text) + 1, IPC_NOWAIT);
}

static long receive(int id, long type, int flags)
{
	memset(&in, 0, sizeof(in));
	return msgrcv(id, &in, sizeof(in.text), type, IPC_NOWAIT | flags);
}

static void removed(int id)
{
	need(msgctl(id, IPC_RMID, NULL) == 0);
}

static void child_ended_well(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void refusals(void)
{
	key_t key = 0x534d0000 ^ getpid();
	int id;

	need(FAILS(msgget(key, 0600), ENOENT));
	id = msgget(key, IPC_CREAT | 0600);
	need(id >= 0 && msgget(key, 0) == id && FAILS(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST));
	need(FAILS(send(id, 0, "x"), EINVAL) && FAILS(send(id, -1, "x"), EINVAL));
	out.type = 1;
	need(FAILS(msgsnd(id, &out, 8193, IPC_NOWAIT), EINVAL));
	need(FAILS(msgsnd(id, &out, -1ul, IPC_NOWAIT), EINVAL));
	need(FAILS(msgsnd(id, (void *)8, 1, IPC_NOWAIT), EFAULT));
	need(FAILS(msgsnd(-1, &out, 1, IPC_NOWAIT), EINVAL));
	need(FAILS(receive(id, 0, 0), ENOMSG));
	need(FAILS(msgrcv(id, &in, -1ul, 0, IPC_NOWAIT), EINVAL));
	need(FAILS(msgrcv(id, &in, 1, 0, MSG_COPY), EINVAL));
	need(FAILS(msgctl(id, 4711, NULL), EINVAL));
	removed(id);
	need(FAILS(send(id, 1, "x"), EINVAL) && FAILS(receive(id, 0, 0), EINVAL));
}

static void types(void)
{
	int id = make();

	need(send(id, 3, "three") == 0 && send(id, 1, "one") == 0 && send(id, 2, "two") == 0);
	need(send(id, 1, "uno") == 0);
	need(FAILS(receive(id, 7, 0), ENOMSG));
	need(receive(id, 2, 0) == 4 && in.type == 2 && strcmp(in.text, "two") == 0);
	need(receive(id, 3, MSG_EXCEPT) == 4 && strcmp(in.text, "one") == 0);
	need(receive(id, -3, 0) == 4 && in.type == 1 && strcmp(in.text, "uno") == 0);
	need(FAILS(receive(id, -2, 0), ENOMSG));
	need(receive(id, LONG_MIN, 0) == 6 && in.type == 3);
	removed(id);
}

static void in_order(void)
{
	int id = make();

	need(send(id, 9, "a") == 0 && send(id, 1, "b") == 0 && send(id, 9, "c") == 0);
	need(receive(id, 0, 0) == 2 && in.text[0] == 'a');
	need(receive(id, 0, 0) == 2 && in.text[0] == 'b');
	need(receive(id, 0, 0) == 2 && in.text[0] == 'c');
	removed(id);
}

static void sizes(void)
{
	int id = make();

	need(send(id, 1, "0123456789") == 0);
	need(FAILS(msgrcv(id, &in, 4, 0, IPC_NOWAIT), E2BIG));
	need(msgrcv(id, &in, 4, 0, IPC_NOWAIT | MSG_NOERROR) == 4 && memcmp(in.text, "0123", 4) == 0);
	need(FAILS(receive(id, 0, 0), ENOMSG)); /* the rest is lost */
	out.type = 5;
	need(msgsnd(id, &out, 0, 0) == 0 && receive(id, 0, 0) == 0 && in.type == 5);
	memset(out.text, 'z', sizeof(out.text));
	need(msgsnd(id, &out, sizeof(out.text), IPC_NOWAIT) == 0);
	need(receive(id, 0, 0) == sizeof(in.text) && memcmp(in.text, out.text, sizeof(in.text)) == 0);
	removed(id);
}

static void copies(void)
{
	int id = make();

	need(send(id, 1, "first") == 0 && send(id, 2, "second") == 0);
	need(receive(id, 1, MSG_COPY) == 7 && in.type == 2 && strcmp(in.text, "second") == 0);
	need(receive(id, 0, MSG_COPY) == 6 && in.type == 1);
	need(FAILS(receive(id, 2, MSG_COPY), ENOMSG));
	need(FAILS(receive(id, 0, MSG_COPY | MSG_EXCEPT), EINVAL));
	need(receive(id, 0, 0) == 6 && receive(id, 0, 0) == 7);
	removed(id);
}

static void full(void)
{
	struct msqid_ds ds;
	int id = make(), n = 0;

	out.type = 1;
	while (msgsnd(id, &out, 1024, IPC_NOWAIT) == 0)
		n++;
	need(errno == EAGAIN && n == 16);
	need(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 16 && ds.msg_qbytes == 16384);
	need(ds.__msg_cbytes == 16384 && ds.msg_lspid == getpid() && ds.msg_lrpid == 0 && ds.msg_stime != 0);
	/* The superuser makes it larger. */
	ds.msg_qbytes = 32768;
	need(msgctl(id, IPC_SET, &ds) == 0 && msgsnd(id, &out, 1024, IPC_NOWAIT) == 0);
	ds.msg_qbytes = 1;
	need(msgctl(id, IPC_SET, &ds) == 0 && FAILS(msgsnd(id, &out, 0, IPC_NOWAIT), EAGAIN));
	removed(id);
}

static void waits(void)
{
	int id = make();
	pid_t pid = fork();

	if (pid == 0) {
		need(msgrcv(id, &in, sizeof(in.text), 4, 0) == 3 && strcmp(in.text, "hi") == 0);
		out.type = 1;
		for (int i = 0; i < 20; i++)
			need(msgsnd(id, &out, 1024, 0) == 0);
		_exit(0);
	}
	usleep(20000);
	need(send(id, 5, "no") == 0 && send(id, 4, "hi") == 0);
	usleep(20000);
	for (int i = 0; i < 21; i++)
		need(msgrcv(id, &in, sizeof(in.text), 0, 0) >= 0);
	child_ended_well(pid);
	removed(id);
}

static void removal_wakes(void)
{
	int id = make();
	pid_t pid = fork();

	if (pid == 0)
		_exit(!FAILS(msgrcv(id, &in, 1, 0, 0), EIDRM));
	usleep(50000);
	removed(id);
	child_ended_well(pid);
}

static void nothing(int signo)
{
	(void)signo;
}

static void signal_interrupts(void)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	int id = make();

	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 0);
	need(FAILS(msgrcv(id, &in, 1, 0, 0), EINTR));
	removed(id);
}

static void others(void)
{
	int id = make(), open = msgget(IPC_PRIVATE, 0604);
	struct msqid_ds ds;
	pid_t pid = fork();

	if (pid == 0) {
		need(setgid(1000) == 0 && setuid(1000) == 0);
		need(FAILS(send(id, 1, "x"), EACCES) && FAILS(receive(id, 0, 0), EACCES));
		need(FAILS(msgctl(id, IPC_STAT, &ds), EACCES) && FAILS(msgctl(id, IPC_RMID, NULL), EPERM));
		need(FAILS(send(open, 1, "x"), EACCES) && FAILS(receive(open, 0, 0), ENOMSG));
		id = make();
		need(msgctl(id, IPC_STAT, &ds) == 0);
		ds.msg_qbytes++;
		need(FAILS(msgctl(id, IPC_SET, &ds), EPERM));
		removed(id);
		_exit(0);
	}
	child_ended_well(pid);
	removed(id);
	removed(open);
}

static void by_place(void)
{
	struct msginfo limits;
	struct msqid_ds ds;
	char line[256];
	FILE *f = fopen("/proc/sysvipc/msg", "r");
	int id = make(), last, found = 0, listed = 0;

	last = msgctl(0, IPC_INFO, (struct msqid_ds *)&limits);
	need(last >= 0 && limits.msgmax == 8192 && limits.msgmnb == 16384);
	for (int i = 0; i <= last; i++)
		found += msgctl(i, MSG_STAT, &ds) == id;
	need(found == 1);
	need(f && fgets(line, sizeof(line), f) &&
	     strstr(line, "msqid perms      cbytes       qnum lspid lrpid"));
	while (fgets(line, sizeof(line), f))
		listed += atoi(line + 10) == id;
	need(listed == 1);
	removed(id);
}

/* What goes in comes out, each once, whoever sends and receives. */
static void none_lost(void)
{
	int id = make(), status;
	pid_t senders[WORKERS], receivers[WORKERS];
	int results[2];
	long sum = 0, part;

	need(pipe(results) == 0);
	for (int w = 0; w < WORKERS; w++) {
		senders[w] = fork();
		if (senders[w] == 0) {
			for (int i = 1; i <= ROUNDS; i++) {
				out.type = 1 + w;
				memcpy(out.text, &i, sizeof(i));
				need(msgsnd(id, &out, 100, 0) == 0);
			}
			_exit(0);
		}
		receivers[w] = fork();
		if (receivers[w] == 0) {
			part = 0;
			for (int i = 0, n; i < ROUNDS; i++) {
				need(msgrcv(id, &in, sizeof(in.text), w % 2 ? 0 : -WORKERS, 0) == 100);
				memcpy(&n, in.text, sizeof(n));
				part += n;
			}
			_exit(write(results[1], &part, sizeof(part)) != sizeof(part));
		}
	}
	for (int w = 0; w < WORKERS; w++) {
		need(waitpid(senders[w], &status, 0) > 0 && status == 0);
		need(waitpid(receivers[w], &status, 0) > 0 && status == 0);
		need(read(results[0], &part, sizeof(part)) == sizeof(part));
		sum += part;
	}
	need(sum == (long)WORKERS * ROUNDS * (ROUNDS + 1) / 2);
	removed(id);
}

static void removal_races(void)
{
	for (int i = 0; i < 30; i++) {
		int id = make();
		pid_t pids[WORKERS];

		for (int w = 0; w < WORKERS; w++) {
			pids[w] = fork();
			if (pids[w] == 0) {
				out.type = 1;
				while ((w % 2 ? msgsnd(id, &out, 4000, 0) : msgrcv(id, &in, 8192, 0, 0)) >= 0)
					;
				_exit(errno != EIDRM && errno != EINVAL);
			}
		}
		usleep(300);
		removed(id);
		for (int w = 0; w < WORKERS; w++)
			child_ended_well(pids[w]);
	}
}

int main(void)
{
	tap(passes(refusals), "what is wrong is refused");
	tap(passes(types), "messages are chosen by type");
	tap(passes(in_order), "messages keep their order");
	tap(passes(sizes), "too large for the receiver, none, the largest");
	tap(passes(copies), "MSG_COPY leaves the message there");
	tap(passes(full), "a queue is full at its limit, which IPC_SET changes");
	tap(passes(waits), "receivers and senders wait");
	tap(passes(removal_wakes), "removal wakes with EIDRM");
	tap(passes(signal_interrupts), "a signal interrupts");
	tap(passes(others), "others get what the mode grants");
	tap(passes(by_place), "IPC_INFO, MSG_STAT, /proc/sysvipc/msg");
	tap(passes(none_lost), "none lost, none doubled between processes");
	tap(passes(removal_races), "removal under who waits");
	return tap_end();
}
