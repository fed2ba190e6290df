/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv: a key-value service whose clients may do what their capabilities say.
 *
 * Each message shows the rights and the badge of the capability that it came through.  The server chose
 * them when it made that one, and no client can add to them: there is no table of who may do what.
 *
 *	KV_READ, KV_WRITE, KV_ADMIN	rights of the port whose meaning is this server's own
 *	badge				which client it is
 *
 * Everybody may connect by the service's name in /dev/ports, and may then read.  The administrator has a
 * connection that makes capabilities with other rights, which may expire, to hand them to clients, and that
 * revokes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <time.h>

#include "example.h"

#define NAME "example.kv"

#define KV_READ  PORT_RIGHT_USER(0)
#define KV_WRITE PORT_RIGHT_USER(1)
#define KV_ADMIN PORT_RIGHT_USER(2)

/* What a message's tag asks for; the tag of the answer is 0 or a negative errno. */
enum kv_call { KV_GET, KV_PUT, KV_GRANT, KV_REVOKE, KV_CALLS };

struct kv_data {
	char key[24], value[64];
	uint64_t client;     /* get: who wrote it; grant: who it is for now; revoke: whose */
	uint64_t expires_ns; /* grant */
	uint32_t rights;     /* grant */
};

/* --- the server ------------------------------------------------------------------------------------ */

#define ENTRIES 16
#define CLIENTS 16 /* badges 1 and up; those who came by name have 0 */

static struct {
	cap_handle_t port;
	struct kv_data entries[ENTRIES];
	cap_handle_t given[CLIENTS]; /* what the client's capabilities were derived from */
	unsigned clients;
} server;

static struct kv_data *find(const char *key)
{
	for (int i = 0; i < ENTRIES; i++)
		if (strcmp(server.entries[i].key, key) == 0)
			return &server.entries[i];
	return NULL;
}

static int get(struct kv_data *d)
{
	const struct kv_data *entry = find(d->key);

	if (!entry || !d->key[0])
		return -ENOENT;
	*d = *entry;
	return 0;
}

static int put(const struct kv_data *d, uint64_t badge)
{
	struct kv_data *entry = find(d->key);

	if (!d->key[0])
		return -EINVAL;
	if (!entry)
		entry = find("");
	if (!entry)
		return -ENOSPC;
	*entry = *d;
	entry->client = badge;
	return 0;
}

/* A capability for a new client.  Nothing above KV_READ and KV_WRITE is handed on. */
static int grant(struct kv_data *d, cap_handle_t *out)
{
	struct cap_derive how = {
		.rights = PORT_RIGHT_CALL | CAP_RIGHT_GRANT | (d->rights & (KV_READ | KV_WRITE)),
		.flags = CAP_DERIVE_BADGE | CAP_DERIVE_CLOEXEC,
		.expires_ns = d->expires_ns,
		.badge = server.clients + 1,
	};

	if (server.clients == CLIENTS)
		return -ENOSPC;
	*out = cap_derive(server.port, &how);
	if (*out < 0)
		return (int)*out;
	server.given[server.clients++] = *out;
	d->client = how.badge;
	return 0;
}

/* All that came of the client's capability ends, whoever holds it by now. */
static int revoke(const struct kv_data *d)
{
	if (d->client == 0 || d->client > server.clients)
		return -ENOENT;
	return cap_revoke(server.given[d->client - 1], 0);
}

static int perform(struct message *m, struct kv_data *d, cap_handle_t *out)
{
	static const uint32_t needs[KV_CALLS] = { KV_READ, KV_WRITE, KV_ADMIN, KV_ADMIN };

	if (m->tag >= KV_CALLS || m->size != sizeof(*d))
		return -EINVAL;
	if (!(m->rights & needs[m->tag]))
		return -EPERM;
	d->key[sizeof(d->key) - 1] = d->value[sizeof(d->value) - 1] = '\0';
	switch ((enum kv_call)m->tag) {
	case KV_GET:
		return get(d);
	case KV_PUT:
		return put(d, m->badge);
	case KV_GRANT:
		return grant(d, out);
	case KV_REVOKE:
		return revoke(d);
	case KV_CALLS:
		break;
	}
	return -EINVAL;
}

/* Room for whatever may be sent: what is too large would stay in the queue, the next one for ever. */
static union {
	struct kv_data data;
	char any[MESSAGE_MAX];
} in;

static int serve(void)
{
	cap_handle_t given;
	struct message m = { .data = &in, .capacity = sizeof(in), .caps = &given };
	int err = port_receive(server.port, &m, PULSE_FOREVER);

	while (err == 0) {
		given = -1;
		m.tag = (uint64_t)(int64_t)perform(&m, &in.data, &given);
		m.cap_count = given >= 0;
		err = port_reply_wait(server.port, &m, PULSE_FOREVER);
		if (err == -EMSGSIZE) { /* a caller that left no room for it */
			m.size = 0;
			err = port_reply_wait(server.port, &m, PULSE_FOREVER);
		}
	}
	return err != -EPIPE;
}

/* --- the client's side of each call ---------------------------------------------------------------- */

static int kv_call(cap_handle_t kv, enum kv_call what, struct kv_data *d, cap_handle_t *got)
{
	struct message m = {
		.tag = what,
		.data = d,
		.size = sizeof(*d),
		.capacity = sizeof(*d),
		.caps = got,
		.cap_capacity = got ? 1 : 0,
	};
	int err = port_call(kv, &m, PULSE_FOREVER);

	return err < 0 ? err : (int)(int64_t)m.tag;
}

static int kv_put(cap_handle_t kv, const char *key, const char *value)
{
	struct kv_data d = { .client = 0 };

	snprintf(d.key, sizeof(d.key), "%s", key);
	snprintf(d.value, sizeof(d.value), "%s", value);
	return kv_call(kv, KV_PUT, &d, NULL);
}

static int kv_get(cap_handle_t kv, const char *key, struct kv_data *d)
{
	snprintf(d->key, sizeof(d->key), "%s", key);
	return kv_call(kv, KV_GET, d, NULL);
}

static cap_handle_t kv_grant(cap_handle_t kv, uint32_t rights, uint64_t expires_ns, uint64_t *client)
{
	struct kv_data d = { .rights = rights, .expires_ns = expires_ns };
	cap_handle_t got = -1;
	int err = kv_call(kv, KV_GRANT, &d, &got);

	*client = d.client;
	return err < 0 ? err : got;
}

static int kv_revoke(cap_handle_t kv, uint64_t client)
{
	struct kv_data d = { .client = client };

	return kv_call(kv, KV_REVOKE, &d, NULL);
}

/* --- clients --------------------------------------------------------------------------------------- */

static cap_handle_t admin; /* the administrator's connection */
static cap_handle_t step;  /* by which a client says that it got so far */

/* How a client is handed what the administrator has for it. */
static cap_handle_t take(cap_handle_t inbox)
{
	cap_handle_t got = -1;
	struct message m = { .caps = &got, .cap_capacity = 1 };

	must(port_receive(inbox, &m, PULSE_FOREVER), "a capability");
	return got;
}

static void hand_over(cap_handle_t inbox, cap_handle_t what)
{
	struct message m = { .caps = &what, .cap_count = 1, .flags = MESSAGE_MOVE_CAPS };

	must(port_send(inbox, &m, PULSE_FOREVER), "handing over");
}

static int writer(cap_handle_t inbox)
{
	cap_handle_t kv = take(inbox), reader;
	struct kv_data d;
	int err;

	must(kv_put(kv, "colour", "blue"), "put");
	must(kv_get(kv, "colour", &d), "get");
	printf("writer: colour is %s, written by client %lu\n", d.value, d.client);
	check(kv_grant(kv, KV_READ, CAP_FOREVER, &d.client) == -EPERM, "a writer is no administrator");

	/* It may pass on less than it has. */
	reader = must(cap_reduce(kv, PORT_RIGHT_CALL | KV_READ), "a capability to read");
	check(kv_put(reader, "colour", "red") == -EPERM, "a reader does not write");

	must(notification_signal(step, 1), "step");
	do
		err = kv_put(kv, "shape", "round");
	while (err == 0);
	check(err == -EBADF && kv_get(reader, "colour", &d) == -EBADF, "revoked, and what came of it");
	printf("writer: revoked\n");
	return 0;
}

static int anybody(cap_handle_t inbox)
{
	cap_handle_t kv = must(port_open(NAME), "the name");
	struct kv_data d;

	(void)inbox;
	must(kv_get(kv, "colour", &d), "get");
	check(strcmp(d.value, "blue") == 0, "the value");
	check(kv_put(kv, "colour", "red") == -EPERM, "by name one only reads");
	printf("anybody: by name, colour is %s; to write it is refused\n", d.value);
	return 0;
}

static int visitor(cap_handle_t inbox)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	cap_handle_t kv = take(inbox);
	struct kv_data d;
	int err;

	while ((err = kv_get(kv, "colour", &d)) == 0)
		nanosleep(&pause, NULL);
	check(err == -EBADF, "it has expired");
	printf("visitor: expired\n");
	return 0;
}

static pid_t start_client(int (*body)(cap_handle_t inbox), cap_handle_t *inbox)
{
	cap_handle_t port = must(port_create(NULL), "an inbox");
	pid_t pid = start();

	if (pid == 0) {
		close(cap_fd(admin)); /* fork has copied it */
		exit(body(port));
	}
	*inbox = must(cap_reduce(port, PORT_RIGHT_SEND), "the way to the inbox");
	close(cap_fd(port)); /* the client's alone */
	return pid;
}

/* --- the demonstration ----------------------------------------------------------------------------- */

static void administrate(void)
{
	cap_handle_t inbox;
	uint64_t client, bits;
	pid_t pid = start_client(writer, &inbox), other;

	hand_over(inbox, must(kv_grant(admin, KV_READ | KV_WRITE, CAP_FOREVER, &client), "grant"));
	printf("admin: client %lu may read and write\n", client);
	must(notification_wait(step, 1, &bits, PULSE_FOREVER), "step");
	other = start_client(anybody, &inbox);
	finish(other);
	must(kv_revoke(admin, client), "revoke");
	finish(pid);

	pid = start_client(visitor, &inbox);
	hand_over(inbox, must(kv_grant(admin, KV_READ, 500000000, &client), "grant"));
	printf("admin: client %lu may read, for half a second\n", client);
	finish(pid);
}

static cap_handle_t offer(cap_handle_t port)
{
	int registry = open("/dev/ports", O_RDWR | O_CLOEXEC);
	cap_handle_t offered =
		must(cap_reduce(port, PORT_RIGHT_CALL | PORT_RIGHT_CONTROL | KV_READ), "the offer");

	check(registry >= 0, "/dev/ports can be opened for writing");
	must(port_register(registry, offered, NAME), "registering " NAME);
	close(registry);
	return offered;
}

int main(void)
{
	cap_handle_t offered;
	pid_t pid;

	server.port = must(port_create(NULL), "a port");
	offered = offer(server.port);
	step = must(notification_create(0), "a notification");
	pid = start();
	if (pid == 0)
		return serve();
	admin = must(cap_reduce(server.port, PORT_RIGHT_CALL | PORT_RIGHT_CONTROL | KV_ADMIN),
		     "the administrator's");
	close(cap_fd(server.port));
	administrate();
	must(port_close(admin), "closing");
	finish(pid);
	check(port_open(NAME) == -ENOENT, "the name went with the port");
	close(cap_fd(offered));
	printf("admin: closed\n");
	return 0;
}
