/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files that are no paths. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/file_handle.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "user_path.h"

#define HANDLE_BYTES_MAX 128u

/* An identifier in the room that the user has for one; -EOVERFLOW, and how much it takes. */
static int64_t give_handle(const struct file_id *id, uaddr_t to, uint32_t room)
{
	struct {
		struct abi_file_handle head;
		uint32_t words[FILE_ID_BYTES / 4];
	} h = { .head = { FILE_ID_BYTES, FILE_ID_TYPE } };

	if (room < FILE_ID_BYTES) {
		h.head.type = FILE_ID_INVALID;
		return copy_to_user(to, &h.head, sizeof(h.head)) < 0 ? -EFAULT : -EOVERFLOW;
	}
	file_id_pack(id, h.words);
	return copy_to_user(to, &h, sizeof(h));
}

static int64_t name_to_handle(const struct path *path, uaddr_t handle, uaddr_t mount_id)
{
	struct abi_file_handle head;
	struct file_id id;
	uint32_t mount;
	int64_t result;
	int err = vfs_identify(path, &id, &mount);

	if (err < 0)
		return err;
	if (copy_from_user(&head, handle, sizeof(head)) < 0)
		return -EFAULT;
	if (head.bytes > HANDLE_BYTES_MAX)
		return -EINVAL;
	result = give_handle(&id, handle, head.bytes);
	return put_user_u32(mount_id, mount) < 0 ? -EFAULT : result;
}

/* takes: AT_* in FLAGS, else EINVAL */
SYSCALL(name_to_handle_at)
{
#define FLAGS (AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)
	uint32_t flags = ARG(4, uint32_t);
	unsigned walk =
		(flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path path;
	USER_PATH(name);
	int64_t result;

	if (flags & ~(uint32_t)FLAGS)
		return -EINVAL;
	result = user_path_get(&name, ARG(1, uaddr_t));
	if (result < 0)
		return result;
	result = vfs_walk(ARG(0, int), name.text, walk, CAP_STAT, &path);
	user_path_put(&name);
	if (result < 0)
		return result;
	result = name_to_handle(&path, ARG(2, uaddr_t), ARG(3, uaddr_t));
	path_put(&path);
	return result;
}

/* A handle of another kind names nothing here. */
static int get_handle(uaddr_t from, struct file_id *id)
{
	uint32_t words[FILE_ID_BYTES / 4];
	struct abi_file_handle head;

	if (copy_from_user(&head, from, sizeof(head)) < 0)
		return -EFAULT;
	if (head.bytes == 0 || head.bytes > HANDLE_BYTES_MAX)
		return -EINVAL;
	if (head.bytes < sizeof(words))
		return -ESTALE;
	if (copy_from_user(words, from + sizeof(head), sizeof(words)) < 0)
		return -EFAULT;
	file_id_unpack(words, id);
	return 0;
}

/* takes: O_* in OPEN_FLAGS, else ignored
 * lacks: O_TMPFILE, which is EOPNOTSUPP */
SYSCALL(open_by_handle_at)
{
#define OPEN_FLAGS                                                                                      \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | \
	 O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH)
	uint32_t flags = ARG(2, uint32_t);
	struct capability *via;
	struct file_id id;
	struct file *file;
	int fd, err = vfs_may_open_by_id() ? get_handle(ARG(1, uaddr_t), &id) : -EPERM;

	if (err == 0)
		err = vfs_open_by_id(ARG(0, int), &id, flags | O_LARGEFILE, &file, &via);
	if (err < 0)
		return err;
	fd = file_install_via(file, flags & O_CLOEXEC, via);
	if (fd < 0)
		file_put(file);
	return fd;
}
