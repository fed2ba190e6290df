/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of local sockets.  A path name is a vnode of type S_IFSOCK that binding makes and that says nothing
 * by itself: who connects there finds the socket by the vnode.  An abstract name begins with a zero byte and
 * lives as long as its socket; it is a global name, so who is confined to places or denied the network has
 * none.
 */
#include "unix_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "../vfs_priv.h"

#define NAME_DIGITS 5 /* of the names that the kernel chooses */
#define NAME_COUNT  (1u << 4 * NAME_DIGITS)

static struct spinlock names_lock = SPINLOCK_INIT("unix names", RANK_SOCKET_NAMES);
static struct unix_names names; /* [names_lock] */
static _Atomic uint32_t next_name;

void unix_names_start(void)
{
	unix_names_init(&names, (uint32_t)random_u64());
}

/* --- addresses ----------------------------------------------------------------------------------------- */

int unix_check_address(const struct socket_address *address)
{
	if (address->length <= PATH_START || address->length > SUN_SIZE || address->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct socket_address *address)
{
	return address->bytes[PATH_START] == 0;
}

/* Abstract names belong to nobody and are everybody's. */
static int may_use_abstract(void)
{
	if (confine_capability_mode() || confine_denies(CONFINE_NO_NETWORK | CONFINE_NO_PATHS)) {
		cap_audit(CAP_EVENT_DENIAL, NULL, "abstract socket name");
		return confine_capability_mode() ? -EPERM : -EACCES;
	}
	return 0;
}

struct path_text {
	char text[SUN_SIZE - PATH_START + 1];
};

/* The path ends at its first zero byte, or where the address ends. */
static void get_path(const struct socket_address *address, struct path_text *out)
{
	size_t len = address->length - PATH_START;

	memcpy(out->text, address->bytes + PATH_START, len);
	out->text[len] = '\0';
}

static struct unix_address *make_address(const struct socket_address *value)
{
	struct unix_address *a = kmalloc(sizeof(*a));

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	a->path = (struct path){ NULL, NULL };
	a->value = *value;
	return a;
}

void unix_address_put(struct unix_address *a)
{
	if (!a || !refcount_put(&a->refs))
		return;
	if (a->path.dentry)
		path_put(&a->path);
	kfree(a);
}

void unix_sender_name(const struct unix_socket *s, struct socket_address *out)
{
	const struct unix_address *a = atomic_load_explicit(&s->address, memory_order_acquire);

	if (a)
		*out = a->value;
	else
		out->length = 0;
}

void unix_name_of(const struct unix_socket *s, struct socket_address *out)
{
	unix_sender_name(s, out);
	if (out->length == 0) {
		out->length = PATH_START;
		out->family = AF_UNIX;
	}
}

static struct unix_key key_of(const struct unix_address *a, uint16_t type)
{
	struct unix_key key = { .type = type };

	if (a->path.dentry) {
		key.vnode = path_vnode(&a->path);
	} else {
		key.length = a->value.length - PATH_START;
		key.bytes = a->value.bytes + PATH_START;
	}
	return key;
}

/* --- binding ------------------------------------------------------------------------------------------- */

/* Takes the address over on success.  `binding` is held, and the socket has no name yet. */
static int publish(struct unix_socket *s, struct unix_address *a)
{
	int err = 0;

	s->entry.key = key_of(a, s->socket.type);
	spin_lock(&names_lock);
	if (unix_names_find(&names, &s->entry.key)) {
		err = -EADDRINUSE;
	} else {
		unix_names_add(&names, &s->entry);
		atomic_store_explicit(&s->address, a, memory_order_release);
	}
	spin_unlock(&names_lock);
	return err;
}

static int bind_abstract(struct unix_socket *s, const struct socket_address *value)
{
	struct unix_address *a;
	int err = may_use_abstract();

	if (err < 0)
		return err;
	a = make_address(value);
	if (!a)
		return -ENOMEM;
	err = publish(s, a);
	if (err < 0)
		unix_address_put(a);
	return err;
}

/* The name in the tree gets the socket's own mode, less the umask: whoever calls fchmod first means that. */
static int bind_path(struct unix_socket *s, const struct socket_address *value)
{
	struct unix_address *a;
	struct path_text path;
	struct path at;
	int err;

	a = make_address(value);
	if (!a)
		return -ENOMEM;
	get_path(value, &path);
	err = vfs_make_socket(path.text, s->socket.file->vnode->mode & 07777, &at);
	if (err < 0) {
		unix_address_put(a);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	a->path = at;
	/* As Linux tells it: with its zero byte, and nothing behind. */
	a->value.length = (uint32_t)(PATH_START + strlen(path.text) + 1);
	if (a->value.length <= ADDR_SIZE)
		a->value.bytes[a->value.length - 1] = '\0';
	return publish(s, a);
}

static int autobind_locked(struct unix_socket *s)
{
	struct socket_address value = { .length = PATH_START + 1 + NAME_DIGITS, .family = AF_UNIX };
	int err = -EADDRINUSE;

	for (uint32_t tries = 0; err == -EADDRINUSE && tries < NAME_COUNT; tries++) {
		uint32_t n = atomic_fetch_add(&next_name, 1) % NAME_COUNT;

		value.bytes[PATH_START] = 0;
		for (int i = NAME_DIGITS; i > 0; i--, n /= 16)
			value.bytes[PATH_START + i] = (uint8_t) "0123456789abcdef"[n % 16];
		err = bind_abstract(s, &value);
	}
	return err == -EADDRINUSE ? -ENOSPC : err;
}

int unix_autobind(struct unix_socket *s)
{
	int err = 0;

	mutex_lock(&s->binding);
	if (!atomic_load(&s->address))
		err = autobind_locked(s);
	mutex_unlock(&s->binding);
	return err;
}

int unix_bind(struct socket *base, const struct socket_address *address)
{
	struct unix_socket *s = unix_of(base);
	int err;

	if (address->length == PATH_START && address->family == AF_UNIX)
		return unix_autobind(s);
	err = unix_check_address(address);
	if (err < 0)
		return err;
	mutex_lock(&s->binding);
	if (atomic_load(&s->address))
		err = -EINVAL;
	else if (is_abstract(address))
		err = bind_abstract(s, address);
	else
		err = bind_path(s, address);
	mutex_unlock(&s->binding);
	return err;
}

/* The name is free; a path name's vnode stays until somebody removes it, and leads nowhere. */
void unix_unbind(struct unix_socket *s)
{
	spin_lock(&names_lock);
	unix_names_remove(&s->entry);
	spin_unlock(&names_lock);
}

/* --- finding ------------------------------------------------------------------------------------------- */

static struct unix_socket *look_up(const struct unix_key *key)
{
	struct unix_socket *s = NULL;
	struct unix_entry *entry;

	spin_lock(&names_lock);
	entry = unix_names_find(&names, key);
	if (entry) {
		s = container_of(entry, struct unix_socket, entry);
		socket_get(&s->socket);
	}
	spin_unlock(&names_lock);
	return s;
}

static int find_path(const struct socket_address *address, uint16_t type, struct unix_socket **out)
{
	struct unix_key key = { .type = type };
	struct unix_socket *s = NULL;
	struct path_text text;
	struct path path;
	int err;

	get_path(address, &text);
	err = vfs_walk(AT_FDCWD, text.text, 0, CAP_WRITE, &path);
	if (err < 0)
		return err;
	key.vnode = path_vnode(&path);
	err = vfs_access(path_vnode(&path), MAY_WRITE);
	if (err == 0) {
		s = look_up(&key);
		err = s ? 0 : -ECONNREFUSED;
	}
	path_put(&path);
	if (s && s->socket.type != type) {
		socket_put(&s->socket);
		return -EPROTOTYPE;
	}
	if (err == 0)
		*out = s;
	return err;
}

int unix_find(const struct socket_address *address, uint16_t type, struct unix_socket **out)
{
	struct unix_key key = { .type = type,
				.length = address->length - PATH_START,
				.bytes = address->bytes + PATH_START };
	struct unix_socket *s;
	int err;

	if (!is_abstract(address))
		return find_path(address, type, out);
	err = may_use_abstract();
	if (err < 0)
		return err;
	s = look_up(&key);
	if (!s)
		return -ECONNREFUSED;
	*out = s;
	return 0;
}
