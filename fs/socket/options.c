/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of level SOL_SOCKET.  The rows below say what each is; what only a family knows (SO_PEERCRED), and
 * other levels, it is asked for.  What is in no row is -ENOPROTOOPT.
 */
#include "socket_priv.h"

#include <arch/usercopy.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/errno.h>

#define ROOM_MAX      212992u /* what a program may ask for; it gets twice that, as on Linux */
#define LEAST_SEND    4608u
#define LEAST_RECEIVE 2304u
#define VALUE_MAX     64u

/* A value on its way, as the program has it. */
union value {
	int32_t number;
	uint64_t cookie;
	struct abi_linger linger;
	struct abi_timeval time;
	uint8_t bytes[VALUE_MAX];
};

/* Those that are on or off: nothing but remembered, unless the family looks at them. */
static const struct {
	int option;
	uint32_t flag;
} switches[] = {
	{ SO_DEBUG, SOCKET_DEBUG },         { SO_REUSEADDR, SOCKET_REUSEADDR },
	{ SO_DONTROUTE, SOCKET_DONTROUTE }, { SO_BROADCAST, SOCKET_BROADCAST },
	{ SO_KEEPALIVE, SOCKET_KEEPALIVE }, { SO_OOBINLINE, SOCKET_OOBINLINE },
	{ SO_REUSEPORT, SOCKET_REUSEPORT }, { SO_PASSCRED, SOCKET_PASSCRED },
};

static uint32_t switch_of(int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (switches[i].option == option)
			return switches[i].flag;
	return 0;
}

/* --- setting ------------------------------------------------------------------------------------------- */

static void set_switch(struct socket *s, uint32_t flag, bool on)
{
	if (on)
		atomic_fetch_or(&s->flags, flag);
	else
		atomic_fetch_and(&s->flags, ~flag);
}

/* Twice what is asked for: half of it is thought to be spent on keeping the data.  Who waits for room looks
 * again. */
static void set_room(struct socket *s, _Atomic uint32_t *room, int32_t wanted, bool force, uint32_t least)
{
	uint32_t most = force ? INT32_MAX / 2 : ROOM_MAX;
	uint32_t value = MIN((uint32_t)wanted, most) * 2;

	if (force && wanted < 0)
		value = 0;
	atomic_store(room, MAX(value, least));
	wake_up_all(&s->writable);
}

static int set_timeout(_Atomic uint64_t *timeout, const struct abi_timeval *t)
{
	uint64_t ns;

	if (t->usec < 0 || t->usec >= 1000000)
		return -EDOM;
	if (t->sec < 0) /* a time that is over is no time at all */
		ns = 0;
	else if (t->sec == 0 && t->usec == 0)
		ns = WAIT_FOREVER;
	else if (mul_overflows((uint64_t)t->sec, NSEC_PER_SEC, &ns) ||
		 add_overflows(ns, (uint64_t)t->usec * 1000, &ns))
		ns = WAIT_FOREVER;
	atomic_store(timeout, ns);
	return 0;
}

static int set_linger(struct socket *s, const struct abi_linger *linger)
{
	set_switch(s, SOCKET_LINGER, linger->on);
	if (linger->on)
		atomic_store(&s->linger_seconds, (uint32_t)linger->seconds);
	return 0;
}

static int set_number(struct socket *s, int option, int32_t number)
{
	uint32_t flag = switch_of(option);

	if (flag == SOCKET_DEBUG && number && !cred_has_privilege(PRIV_NET_ADMIN))
		return -EACCES;
	if (flag) {
		set_switch(s, flag, number);
		return 0;
	}
	switch (option) {
	case SO_SNDBUF:
		set_room(s, &s->send_room, number, false, LEAST_SEND);
		return 0;
	case SO_RCVBUF:
		set_room(s, &s->receive_room, number, false, LEAST_RECEIVE);
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!cred_has_privilege(PRIV_NET_ADMIN))
			return -EPERM;
		if (option == SO_SNDBUFFORCE)
			set_room(s, &s->send_room, number, true, LEAST_SEND);
		else
			set_room(s, &s->receive_room, number, true, LEAST_RECEIVE);
		return 0;
	case SO_PRIORITY:
		if ((number < 0 || number > 6) && !cred_has_privilege(PRIV_NET_ADMIN) &&
		    !cred_has_privilege(PRIV_NET_RAW))
			return -EPERM;
		atomic_store(&s->priority, (uint32_t)number);
		return 0;
	case SO_RCVLOWAT:
		atomic_store(&s->receive_low, number < 0 ? INT32_MAX : MAX((uint32_t)number, 1u));
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_own(struct socket *s, int option, const union value *v, uint32_t length)
{
	switch (option) {
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return length < sizeof(v->time) ? -EINVAL : set_timeout(&s->receive_timeout_ns, &v->time);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return length < sizeof(v->time) ? -EINVAL : set_timeout(&s->send_timeout_ns, &v->time);
	case SO_LINGER:
		return length < sizeof(v->linger) ? -EINVAL : set_linger(s, &v->linger);
	default:
		return set_number(s, option, v->number);
	}
}

int socket_set_option(struct socket *s, int level, int option, uaddr_t user, uint32_t length)
{
	union value v = { .bytes = { 0 } };
	uint32_t used = MIN(length, VALUE_MAX);
	int err;

	if ((int32_t)length < 0)
		return -EINVAL;
	if (level != SOL_SOCKET && !s->ops->set_option)
		return -EOPNOTSUPP;
	if (level == SOL_SOCKET && length < sizeof(v.number))
		return -EINVAL;
	if (copy_from_user(v.bytes, user, used) < 0)
		return -EFAULT;
	err = level == SOL_SOCKET ? set_own(s, option, &v, length) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && s->ops->set_option)
		err = s->ops->set_option(s, level, option, v.bytes, used);
	return err;
}

/* --- asking -------------------------------------------------------------------------------------------- */

static struct abi_timeval time_of(uint64_t ns)
{
	if (ns == WAIT_FOREVER)
		ns = 0;
	return (struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

static int get_number(struct socket *s, int option, int32_t *number)
{
	uint32_t flag = switch_of(option);

	if (flag) {
		*number = socket_has(s, flag);
		return 0;
	}
	switch (option) {
	case SO_TYPE:
		*number = s->type;
		return 0;
	case SO_DOMAIN:
		*number = s->ops->family;
		return 0;
	case SO_PROTOCOL:
		*number = s->protocol;
		return 0;
	case SO_ERROR:
		*number = -socket_take_error(s);
		return 0;
	case SO_SNDBUF:
		*number = (int32_t)atomic_load(&s->send_room);
		return 0;
	case SO_RCVBUF:
		*number = (int32_t)atomic_load(&s->receive_room);
		return 0;
	case SO_PRIORITY:
		*number = (int32_t)atomic_load(&s->priority);
		return 0;
	case SO_RCVLOWAT:
		*number = (int32_t)atomic_load(&s->receive_low);
		return 0;
	case SO_SNDLOWAT:
		*number = 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* *length: of the value, at most what the program has room for.  What is asked for as a number or a flag has
 * four bytes. */
static int get_own(struct socket *s, int option, union value *v, uint32_t *length)
{
	uint32_t size;
	int err = 0;

	switch (option) {
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		v->time = time_of(atomic_load(&s->receive_timeout_ns));
		size = sizeof(v->time);
		break;
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		v->time = time_of(atomic_load(&s->send_timeout_ns));
		size = sizeof(v->time);
		break;
	case SO_LINGER:
		v->linger.on = socket_has(s, SOCKET_LINGER);
		v->linger.seconds = (int32_t)atomic_load(&s->linger_seconds);
		size = sizeof(v->linger);
		break;
	case SO_COOKIE:
		if (*length < sizeof(v->cookie))
			return -EINVAL;
		v->cookie = s->id;
		size = sizeof(v->cookie);
		break;
	default:
		err = get_number(s, option, &v->number);
		size = sizeof(v->number);
	}
	if (err == 0)
		*length = MIN(*length, size);
	return err;
}

int socket_get_option(struct socket *s, int level, int option, uaddr_t user, uaddr_t user_length)
{
	union value v = { .bytes = { 0 } };
	uint32_t length;
	int err;

	if (get_user_u32(user_length, &length) < 0)
		return -EFAULT;
	if ((int32_t)length < 0)
		return -EINVAL;
	length = MIN(length, VALUE_MAX);
	if (level != SOL_SOCKET && !s->ops->get_option)
		return -EOPNOTSUPP;
	err = level == SOL_SOCKET ? get_own(s, option, &v, &length) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && s->ops->get_option)
		err = s->ops->get_option(s, level, option, v.bytes, &length);
	if (err < 0)
		return err;
	if (copy_to_user(user, v.bytes, length) < 0 || put_user_u32(user_length, length) < 0)
		return -EFAULT;
	return 0;
}
