/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of fanotify: how they are made and end, and what limits them. */
#include "fanotify_priv.h"

#include <arch/usercopy.h>
#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#include "../vfs_priv.h"
#include "events_priv.h"

_Atomic uint32_t fanotify_max_events = 16384;
_Atomic uint32_t fanotify_max_groups = 128;
_Atomic uint32_t fanotify_max_marks = 8192;

struct list fan_groups = LIST_INIT(fan_groups);
static uint64_t last_group; /* [watch_lock] */

/* --- making --------------------------------------------------------------------------------------------- */

#define USER_FLAGS (FAN_CLOEXEC | FAN_NONBLOCK | FAN_FID_BITS)
#define ADMIN_FLAGS \
	(FAN_CLASSES | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID | FAN_REPORT_PIDFD)
#define EVENT_F_FLAGS \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME)

static bool fids_make_sense(uint32_t flags)
{
	uint32_t fids = flags & FAN_FID_BITS;

	if (fids && (flags & FAN_CLASSES))
		return false;
	if ((fids & FAN_REPORT_NAME) && !(fids & FAN_REPORT_DIR_FID))
		return false;
	return !(fids & FAN_REPORT_TARGET_FID) || ((fids & FAN_REPORT_NAME) && (fids & FAN_REPORT_FID));
}

static int check_flags(uint32_t flags, uint32_t event_flags, bool privileged)
{
	/* Who is not privileged hears of handles only, within limits. */
	if (!privileged && ((flags & ADMIN_FLAGS) || !(flags & FAN_FID_BITS)))
		return -EPERM;
	if ((flags & ~(USER_FLAGS | ADMIN_FLAGS)) || (event_flags & ~(uint32_t)EVENT_F_FLAGS) ||
	    (event_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if ((flags & FAN_REPORT_PIDFD) && (flags & FAN_REPORT_TID))
		return -EINVAL;
	return fids_make_sense(flags) && (flags & FAN_CLASSES) != FAN_CLASSES ? 0 : -EINVAL;
}

/* Higher classes first, older groups first. */
static uint64_t order_of(uint32_t flags, uint64_t number)
{
	uint64_t class = flags & FAN_CLASS_PRE_CONTENT ? 0 : flags & FAN_CLASS_CONTENT ? 1 : 2;

	return class << 62 | number;
}

static int enlist(struct fan_group *g)
{
	const struct fan_group *other;
	uint32_t same = 0;
	int err = 0;

	spin_lock(&watch_lock);
	list_for_each (other, &fan_groups, link)
		same += other->uid == g->uid;
	if (same >= atomic_load(&fanotify_max_groups))
		err = -EMFILE;
	else
		list_add_tail(&fan_groups, &g->link);
	g->order = order_of(g->flags, ++last_group);
	spin_unlock(&watch_lock);
	return err;
}

static struct fan_group *group_create(uint32_t flags, uint32_t event_flags)
{
	struct fan_group *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->flags = flags;
	g->event_flags = event_flags;
	g->uid = current_cred()->euid;
	g->limit = flags & FAN_UNLIMITED_QUEUE ? UINT32_MAX : atomic_load(&fanotify_max_events);
	list_init(&g->link);
	list_init(&g->marks);
	list_init(&g->events);
	list_init(&g->inquiries);
	list_init(&g->listener.link);
	g->listener.conclude = fan_conclude_locked;
	waitqueue_init(&g->readers);
	return g;
}

/* --- ending --------------------------------------------------------------------------------------------- */

static void end_marks(struct fan_group *g, uint32_t type)
{
	struct fan_mark *m, *found;

	do { /* one at a time: there may be many */
		found = NULL;
		spin_lock(&watch_lock);
		list_for_each (m, &g->marks, link) {
			if (m->type != type)
				continue;
			found = m;
			break;
		}
		if (found)
			fan_mark_end_locked(found);
		spin_unlock(&watch_lock);
	} while (found);
}

/* No mark tells it anything, so nothing is queued any more. */
static void group_free(struct fan_group *g)
{
	struct fan_event *e, *next;

	fan_answer_all(g);
	list_for_each_safe (e, next, &g->events, link) {
		list_del(&e->link);
		fan_event_free(e);
	}
	kfree(g);
}

static void fanotify_release(struct file *file)
{
	struct fan_group *g = fan_group_of(file);

	fanotify_flush(file, FAN_MARK_INODE);
	fanotify_flush(file, FAN_MARK_MOUNT);
	fanotify_flush(file, FAN_MARK_FILESYSTEM);
	spin_lock(&watch_lock);
	list_del(&g->link);
	spin_unlock(&watch_lock);
	group_free(g);
}

void fanotify_flush(struct file *file, uint32_t type)
{
	end_marks(fan_group_of(file), type);
}

/* --- as a file ------------------------------------------------------------------------------------------ */

static uint64_t bytes_waiting(struct fan_group *g)
{
	const struct fan_event *e;
	uint64_t bytes;

	spin_lock(&watch_lock);
	bytes = g->overflowed ? sizeof(struct abi_fanotify_event) : 0;
	list_for_each (e, &g->events, link)
		bytes += sizeof(struct abi_fanotify_event);
	spin_unlock(&watch_lock);
	return bytes;
}

static int64_t fanotify_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, (uint32_t)bytes_waiting(fan_group_of(file)));
}

static void fanotify_info(struct file *file, char *buf, size_t size)
{
	const struct fan_group *g = fan_group_of(file);
	size_t used =
		(size_t)scnprintf(buf, size, "fanotify flags:%x event-flags:%x\n", g->flags, g->event_flags);

	spin_lock(&watch_lock);
	fan_marks_text_locked(g, buf + used, size - used);
	spin_unlock(&watch_lock);
}

static const struct file_ops fanotify_ops = {
	.name = "anon_inode:[fanotify]",
	.read = fan_read,
	.write = fan_write,
	.seek = event_seek,
	.poll = fan_poll,
	.poll_is_plain = true,
	.ioctl = fanotify_ioctl,
	.info = fanotify_info,
	.release = fanotify_release,
};

struct fan_group *fan_group_of(const struct file *file)
{
	return file->private;
}

bool file_is_fanotify(const struct file *file)
{
	return file->ops == &fanotify_ops;
}

int fanotify_create(uint32_t flags, uint32_t event_flags, struct file **out)
{
	bool privileged = cred_has_privilege(PRIV_SYS_ADMIN);
	int err = check_flags(flags, event_flags, privileged);
	struct fan_group *g;

	if (err < 0)
		return err;
	g = group_create(flags, event_flags);
	if (!g)
		return -ENOMEM;
	g->unprivileged = !privileged;
	err = enlist(g);
	if (err < 0) {
		kfree(g);
		return err;
	}
	*out = event_file(&fanotify_ops, O_RDWR | (flags & FAN_NONBLOCK ? O_NONBLOCK : 0), g);
	if (*out)
		return 0;
	spin_lock(&watch_lock);
	list_del(&g->link);
	spin_unlock(&watch_lock);
	kfree(g);
	return -ENOMEM;
}
