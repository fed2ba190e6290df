/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: making and finding them, opening and closing, and what drivers call.
 */
#include "tty_priv.h"

#include "../console_select.h"

#include <kernel/cmdline.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define TTY_MAJOR    4
#define TTYAUX_MAJOR 5

static struct tty *all_ttys;    /* written during start-up only */
static struct tty *console_tty; /* chosen at the first use */
static struct slab_cache *file_cache;

/* --- the discipline's device ------------------------------------------------------------------------ */

static size_t device_write(void *ctx, const char *text, size_t len)
{
	struct tty *tty = ctx;

	return tty->ops->write(tty, text, len);
}

static void device_flush(void *ctx)
{
	struct tty *tty = ctx;

	if (tty->ops->flush_output)
		tty->ops->flush_output(tty);
}

static void device_event(void *ctx, uint8_t event)
{
	struct tty *tty = ctx;

	if (tty->ops->event)
		tty->ops->event(tty, event);
}

static const struct ldisc_device ldisc_device = { .write = device_write,
						  .flush = device_flush,
						  .event = device_event };

/* --- what drivers call ------------------------------------------------------------------------------ */

static void send_signals(pid_t group, unsigned signals)
{
	if (group == 0)
		return;
	if (signals & LDISC_SIGINT)
		signal_group(group, SIGINT, NULL);
	if (signals & LDISC_SIGQUIT)
		signal_group(group, SIGQUIT, NULL);
	if (signals & LDISC_SIGTSTP)
		signal_group(group, SIGTSTP, NULL);
}

void tty_after_input(struct tty *tty, unsigned signals, uint64_t flags)
{
	bool readable = ldisc_readable(&tty->ldisc, 1), writable = ldisc_writable(&tty->ldisc);
	uint32_t end = ldisc_readable_end(&tty->ldisc);
	bool more = readable && end != tty->told;
	pid_t group = tty->foreground;

	tty->told = end;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (readable)
		wake_up_all(&tty->read_wq);
	if (more)
		async_tell(&tty->async, POLL_IN);
	if (writable)
		wake_up_all(&tty->write_wq);
	if (signals)
		send_signals(group, signals);
}

void tty_input(struct tty *tty, const char *bytes, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	tty_after_input(tty, ldisc_input(&tty->ldisc, bytes, len), flags);
}

void tty_break(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	tty_after_input(tty, ldisc_break(&tty->ldisc), flags);
}

size_t tty_input_room(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t room = ldisc_room(&tty->ldisc);

	tty->throttled = room < LDISC_INPUT / 4;
	spin_unlock_irqrestore(&tty->lock, flags);
	return room;
}

void tty_output_ready(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool writable;

	ldisc_drain(&tty->ldisc);
	writable = ldisc_writable(&tty->ldisc);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (writable)
		wake_up_all(&tty->write_wq);
}

void tty_set_winsize(struct tty *tty, uint16_t rows, uint16_t cols)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool changed = tty->winsize.row != rows || tty->winsize.col != cols;
	pid_t group = tty->foreground;

	tty->winsize.row = rows;
	tty->winsize.col = cols;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (changed && group)
		signal_group(group, SIGWINCH, NULL);
}

/* --- open files ------------------------------------------------------------------------------------- */

bool tty_file_hung_up(const struct tty_file *tf)
{
	return !tf->console && READ_ONCE(tf->tty->hangups) != tf->hangups;
}

int tty_open_file(struct file *file, struct tty *tty, bool console)
{
	struct tty_file *tf;
	uint64_t flags;
	int err = 0;

	if (!tty)
		return -ENXIO;
	tf = slab_alloc(file_cache);
	if (!tf)
		return -ENOMEM;
	flags = spin_lock_irqsave(&tty->lock);
	if (tty->exclusive && !cred_has_privilege(PRIV_SYS_ADMIN))
		err = -EBUSY;
	if (err == 0 && tty->ops->opened)
		err = tty->ops->opened(tty);
	if (err == 0) {
		tty->open_count++;
		*tf = (struct tty_file){ .tty = tty, .hangups = tty->hangups, .console = console };
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	if (err < 0) {
		slab_free(file_cache, tf);
		return err;
	}
	tty_get(tty);
	file->private = tf;
	return 0;
}

static int tty_open(struct file *file)
{
	struct tty *tty = file->private;
	int err = tty_open_file(file, tty, false);

	if (err == 0 && !(file->flags & O_NOCTTY) && (file->access & CAP_READ))
		tty_open_controlling(tty);
	return err;
}

/* /dev/tty: whatever terminal the process has. */
static int tty_open_own(struct file *file)
{
	struct tty *tty = tty_own();
	int err = tty_open_file(file, tty, false);

	tty_put(tty);
	return err;
}

static int tty_open_console(struct file *file)
{
	return tty_open_file(file, tty_console(), true);
}

static int tty_open_screen(struct file *file)
{
	return tty_open_file(file, tty_find("tty1"), false);
}

void tty_release(struct file *file)
{
	struct tty_file *tf = tty_file_of(file);
	struct tty *tty = tf->tty;
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	if (--tty->open_count == 0) {
		tty->exclusive = false;
		tty_forget_locked_settings(tty);
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	slab_free(file_cache, tf);
	if (tty->ops->closed)
		tty->ops->closed(tty);
	tty_put(tty);
}

#define TTY_FILE_OPS(open_fn)                                                                \
	{                                                                                    \
		.open = (open_fn), .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, \
		.poll = tty_poll, .async = tty_async, .release = tty_release,                \
	}

const struct file_ops tty_file_ops = TTY_FILE_OPS(tty_open);
static const struct file_ops own_ops = TTY_FILE_OPS(tty_open_own);
static const struct file_ops console_ops = TTY_FILE_OPS(tty_open_console);
static const struct file_ops screen_ops = TTY_FILE_OPS(tty_open_screen);

static struct char_device own_device = { .name = "tty", .mode = 0666, .ops = &own_ops };
static struct char_device console_device = { .name = "console", .mode = 0600, .ops = &console_ops };
static struct char_device screen_device = { .name = "tty0", .mode = 0620, .ops = &screen_ops };

/* --- making and finding ----------------------------------------------------------------------------- */

static void register_device(struct char_device *device)
{
	if (char_device_register(device) < 0)
		pr_err("tty: /dev/%s exists already\n", device->name);
}

void tty_init(void)
{
	file_cache = slab_create("tty_file", sizeof(struct tty_file), 0);
	own_device.dev = makedev(TTYAUX_MAJOR, 0);
	console_device.dev = makedev(TTYAUX_MAJOR, 1);
	screen_device.dev = makedev(TTY_MAJOR, 0);
	register_device(&own_device);
	register_device(&console_device);
	register_device(&screen_device);
}

void tty_setup(struct tty *tty, const char *name, dev_t dev, const struct tty_driver_ops *ops,
	       void *driver_data)
{
	refcount_set(&tty->refs, 1);
	spin_init(&tty->lock, "tty", RANK_TTY_INPUT);
	waitqueue_init(&tty->read_wq);
	waitqueue_init(&tty->write_wq);
	strlcpy(tty->name, name, sizeof(tty->name));
	tty->ops = ops;
	tty->driver_data = driver_data;
	tty->device.dev = dev;
	ldisc_init(&tty->ldisc, &ldisc_device, tty);
}

void tty_get(struct tty *tty)
{
	refcount_get(&tty->refs);
}

void tty_put(struct tty *tty)
{
	if (tty && refcount_put(&tty->refs))
		tty->ops->destroy(tty);
}

struct tty *tty_create(const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver_data)
{
	struct tty *tty = kzalloc(sizeof(*tty)), **end = &all_ttys;

	if (!tty)
		return NULL;
	tty_setup(tty, name, dev, ops, driver_data);
	tty->device = (struct char_device){
		.name = tty->name,
		.dev = dev,
		.mode = 0620,
		.ops = &tty_file_ops,
		.private = tty,
	};
	if (char_device_register(&tty->device) < 0) {
		kfree(tty);
		return NULL;
	}
	while (*end)
		end = &(*end)->next;
	*end = tty;
	return tty;
}

void *tty_driver_data(struct tty *tty)
{
	return tty->driver_data;
}

struct tty *tty_find(const char *name)
{
	struct tty *tty;

	for (tty = all_ttys; tty; tty = tty->next) {
		if (strcmp(tty->name, name) == 0)
			return tty;
	}
	return NULL;
}

/* console= may be given several times: the last one that names a terminal counts. */
static struct tty *console_from_cmdline(void)
{
	static const char key[] = "console=";
	char word[64], name[TTY_NAME_LEN];
	struct tty *found = NULL;

	for (size_t n = 0;; n++) {
		int err = cmdline_word(cmdline(), n, word, sizeof(word));
		struct tty *tty;

		if (err == -ENOENT)
			return found;
		if (err < 0 || strncmp(word, key, sizeof(key) - 1) != 0)
			continue;
		console_name(word + sizeof(key) - 1, name, sizeof(name));
		tty = tty_find(name);
		if (tty)
			found = tty;
	}
}

struct tty *tty_console(void)
{
	struct tty *tty = READ_ONCE(console_tty);

	if (tty)
		return tty;
	tty = console_from_cmdline();
	if (!tty)
		tty = tty_find("tty1");
	if (!tty)
		tty = tty_find("ttyS0");
	if (!tty)
		tty = all_ttys;
	WRITE_ONCE(console_tty, tty);
	return tty;
}

dev_t tty_dev(const struct tty *tty)
{
	return tty->device.dev;
}

pid_t tty_foreground(const struct tty *tty)
{
	return READ_ONCE(tty->foreground);
}
