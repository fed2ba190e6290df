/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that duplicate and control descriptors: dup, fcntl, flock, ioctl. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/async.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/inotify.h>
#include <kernel/lease.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/socket.h>
#include <kernel/string.h>
#include <kernel/unsupported.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/termios.h>

static struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

SYSCALL(dup)
{
	return cap_dup(current_caps(), ARG(0, int), 0, 0);
}

SYSCALL(dup2)
{
	int from = ARG(0, int), to = ARG(1, int);
	uint32_t flags;

	if (from == to)
		return cap_get_flags(current_caps(), from, &flags) < 0 ? -EBADF : to;
	return cap_dup_to(current_caps(), from, to, 0);
}

/* takes: O_*, else EINVAL */
SYSCALL(dup3)
{
	int from = ARG(0, int), to = ARG(1, int);
	uint32_t flags = ARG(2, uint32_t);

	if (from == to || (flags & ~(uint32_t)O_CLOEXEC))
		return -EINVAL;
	return cap_dup_to(current_caps(), from, to, flags & O_CLOEXEC ? CAP_CLOEXEC : 0);
}

static int64_t dup_above(int fd, uint64_t min, uint32_t flags)
{
	if ((uint32_t)min >= current_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	return cap_dup(current_caps(), fd, (uint32_t)min, flags);
}

#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int64_t set_status_flags(const struct file_use *use, int fd, uint32_t wanted)
{
	struct file *file = use->file;
	uint32_t flags = atomic_load(&file->flags);
	int err;

	if ((wanted & O_NOATIME) && !(flags & O_NOATIME) && file->vnode && !vnode_owner(file->vnode))
		return -EPERM;
	err = async_set(use, fd, wanted & O_ASYNC, false);
	if (err < 0)
		return err;
	while (!atomic_compare_exchange_weak(&file->flags, &flags,
					     (flags & ~(uint32_t)SETTABLE_FLAGS) | (wanted & SETTABLE_FLAGS)))
		;
	return 0;
}

static int64_t record_lock(struct file *file, int fd, int cmd, uaddr_t user)
{
	struct abi_flock lock;
	int err;

	if (copy_from_user(&lock, user, sizeof(lock)) < 0)
		return -EFAULT;
	err = file_lock_record(file, fd, cmd, &lock);
	if (err == 0 && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		err = copy_to_user(user, &lock, sizeof(lock));
	return err;
}

static int64_t get_owner(struct file *file, uaddr_t user)
{
	struct abi_file_owner owner;

	async_get_owner(file, &owner);
	return copy_to_user(user, &owner, sizeof(owner));
}

static int64_t set_owner(struct file *file, uaddr_t user)
{
	struct abi_file_owner owner;

	if (copy_from_user(&owner, user, sizeof(owner)) < 0)
		return -EFAULT;
	return async_set_owner(file, &owner);
}

/* How long the contents are expected to live is kept for who asks. */
static int64_t get_hint(struct file *file, uaddr_t user)
{
	uint64_t hint = file->vnode ? atomic_load(&file->vnode->write_hint) : 0;

	return put_user_u64(user, hint);
}

static int64_t set_hint(struct file *file, uaddr_t user)
{
	uint64_t hint;

	if (get_user_u64(user, &hint) < 0)
		return -EFAULT;
	if (hint > RWH_WRITE_LIFE_EXTREME || !file->vnode)
		return -EINVAL;
	atomic_store(&file->vnode->write_hint, (uint8_t)hint);
	return 0;
}

/* Whom the file tells of its events, and how. */
static int64_t signal_control(struct file *file, int cmd, uint64_t arg)
{
	switch (cmd) {
	case F_SETOWN:
		return async_set_owner_number(file, (int32_t)arg);
	case F_GETOWN:
		return async_owner_number(file);
	case F_SETOWN_EX:
		return set_owner(file, arg);
	case F_GETOWN_EX:
		return get_owner(file, arg);
	case F_SETSIG:
		return async_set_signal(file, arg);
	case F_GETSIG:
		return async_signal(file);
	default:
		unsupported_note(UNSUPPORTED_FCNTL, (uint32_t)cmd, NULL);
		return -EINVAL;
	}
}

/* Commands that need the open file itself, and the rights that they take: IOCTL for what changes the open
 * file for all who share it. */
static uint32_t rights_to_control(int cmd)
{
	switch (cmd) {
	case F_SETFL:
	case F_SETPIPE_SZ:
	case F_SETOWN:
	case F_SETOWN_EX:
	case F_SETSIG:
	case F_NOTIFY:
	case F_SET_RW_HINT:
		return CAP_IOCTL;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
	case F_SETLEASE:
	case F_GETLEASE:
		return CAP_LOCK;
	case F_ADD_SEALS:
		return CAP_SEAL;
	case F_GET_SEALS:
	case F_GETPIPE_SZ:
	case F_GET_RW_HINT:
		return CAP_STAT;
	default:
		return 0;
	}
}

static int64_t file_control(const struct file_use *use, int fd, int cmd, uint64_t arg)
{
	struct file *file = use->file;

	if (cmd == F_GETFL)
		return atomic_load(&file->flags);
	if (atomic_load(&file->flags) & O_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_status_flags(use, fd, (uint32_t)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return record_lock(file, fd, cmd, arg);
	case F_ADD_SEALS:
		return file_add_seals(file, (uint32_t)arg);
	case F_GET_SEALS:
		return file_get_seals(file);
	case F_GETPIPE_SZ:
		return pipe_capacity(file);
	case F_SETPIPE_SZ:
		return pipe_set_capacity(file, (uint32_t)arg);
	case F_NOTIFY:
		return dnotify_set(use, fd, (uint32_t)arg);
	case F_GET_RW_HINT:
		return get_hint(file, arg);
	case F_SET_RW_HINT:
		return set_hint(file, arg);
	case F_SETLEASE:
		return lease_set(file, fd, (int)arg);
	case F_GETLEASE:
		return lease_get(file);
	default:
		return signal_control(file, cmd, arg);
	}
}

/* What is no file has no status flags but O_NONBLOCK, and that only where calls on it look at it. */
static int64_t object_control(int fd, int cmd, uint64_t arg)
{
	struct capability *cap;
	int64_t result = -EBADF;
	int err = cap_use(current_caps(), fd, OBJECT_NONE, 0, &cap);

	if (err < 0)
		return err;
	if (cap->type == OBJECT_PROCESS || cap->type == OBJECT_THREAD)
		result = pidfd_control(cap, cmd, arg);
	else if (!object_is_file(cap->object))
		result = cmd == F_GETFL ? O_RDWR : -EINVAL;
	cap_done(cap);
	return result;
}

/*
 * takes: F_* in here file_control signal_control, but F_OWNER_TID F_OWNER_PID F_OWNER_PGRP, else
 * EINVAL; status flags: O_* in SETTABLE_FLAGS set_status_flags, else ignored; seals: F_SEAL_* in
 * file_add_seals, else EINVAL
 */
SYSCALL(fcntl)
{
	int fd = ARG(0, int), cmd = ARG(1, int);
	uint64_t arg = ARG(2, uint64_t);
	struct file_use use;
	uint32_t flags;
	int64_t result;
	int err;

	switch (cmd) {
	case F_DUPFD:
		return dup_above(fd, arg, 0);
	case F_DUPFD_CLOEXEC:
		return dup_above(fd, arg, CAP_CLOEXEC);
	case F_GETFD:
		err = cap_get_flags(current_caps(), fd, &flags);
		return err < 0 ? err : flags & CAP_CLOEXEC ? FD_CLOEXEC : 0;
	case F_SETFD:
		return cap_set_flags(current_caps(), fd, arg & FD_CLOEXEC ? CAP_CLOEXEC : 0);
	default:
		break;
	}
	err = file_use(fd, rights_to_control(cmd), &use);
	if (err < 0)
		return err == -EBADF ? object_control(fd, cmd, arg) : err;
	result = file_control(&use, fd, cmd, arg);
	file_done(&use);
	return result;
}

/* takes: LOCK_* in file_lock_whole, else EINVAL */
SYSCALL(flock)
{
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_LOCK, &use);

	if (err < 0)
		return err;
	err = file_lock_whole(use.file, ARG(1, unsigned));
	file_done(&use);
	return err;
}

/* Commands that type, paste or redirect for others, whoever owns the terminal. */
static bool injects(uint32_t cmd)
{
	switch (cmd) {
	case TIOCSTI:
	case TIOCLINUX:
	case TIOCCONS:
	case TIOCSETD:
		return true;
	default:
		return false;
	}
}

/* Sockets have the owner among their commands, too. */
static int64_t socket_owner(struct file *file, uint32_t cmd, uint64_t arg)
{
	uint32_t number;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		if (get_user_u32(arg, &number) < 0)
			return -EFAULT;
		return async_set_owner_number(file, (int32_t)number);
	case FIOGETOWN:
	case SIOCGPGRP:
		return put_user_u32(arg, (uint32_t)async_owner_number(file));
	default:
		return file->ops->ioctl ? file->ops->ioctl(file, cmd, arg) : -ENOTTY;
	}
}

/* Commands that every descriptor knows. */
static int64_t common_ioctl(int fd, const struct file_use *use, uint32_t cmd, uint64_t arg)
{
	struct file *file = use->file;
	uint32_t value;

	switch (cmd) {
	case FIOCLEX:
		return cap_set_flags(current_caps(), fd, CAP_CLOEXEC);
	case FIONCLEX:
		return cap_set_flags(current_caps(), fd, 0);
	case FIONBIO:
		if (get_user_u32(arg, &value) < 0)
			return -EFAULT;
		if (value)
			atomic_fetch_or(&file->flags, O_NONBLOCK);
		else
			atomic_fetch_and(&file->flags, ~(uint32_t)O_NONBLOCK);
		return 0;
	case FIOASYNC:
		if (get_user_u32(arg, &value) < 0)
			return -EFAULT;
		return async_set(use, fd, value, true);
	case FIONREAD:
		if (file->vnode && S_ISREG(file->vnode->mode))
			return put_user_u32(arg, (uint32_t)(file->vnode->size - (uint64_t)file->pos));
		break;
	default:
		break;
	}
	if (file_is_socket(file))
		return socket_owner(file, cmd, arg);
	return file->ops->ioctl ? file->ops->ioctl(file, cmd, arg) : -ENOTTY;
}

/*
 * takes: any file: FIO* in common_ioctl, else ENOTTY; terminals: TC* TIOC* FIO* in
 * drivers/kernel/tty/tty_ioctl.c tty_termios_ioctl, but TCIFLUSH TCOFLUSH TCIOFLUSH TCION TCIOFF TCOON
 * TCOOFF, else ENOTTY; the other ends of terminals: TIOC* TC* FIO* in pty_master_ioctl, else as terminals;
 * sockets: SIOC* FIO* in unix_ioctl socket_owner, else ENOTTY
 * lacks: what other devices of Linux's know
 */
SYSCALL(ioctl)
{
	struct file_use use;
	int64_t result;
	int err = file_use(ARG(0, int), CAP_IOCTL, &use);

	if (err < 0)
		return err;
	if (unlikely(current_confine() != NULL) && injects(ARG(1, uint32_t)))
		result = -EPERM;
	else
		result = common_ioctl(ARG(0, int), &use, ARG(1, uint32_t), ARG(2, uint64_t));
	/* Whether a file is a terminal is asked of every file. */
	if (result == -ENOTTY && (ARG(1, uint32_t) >> 8 & 0xff) != 'T')
		unsupported_note(UNSUPPORTED_IOCTL, ARG(1, uint32_t), NULL);
	file_done(&use);
	return result;
}
