/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The framebuffer terminal: the kernel log and /dev/tty1 on one screen.
 *
 * Writers change only the grid of cells, under screen_lock.  A thread draws what differs from the screen,
 * at most every FRAME_NS, so that fast output scrolls without drawing every line.  Before the thread runs
 * and in a panic, log lines are drawn at once.  Log lines never wake the thread themselves, because
 * printk may be called with any lock held: the thread also waits for new log records.
 */
#include <kernel/fbterm.h>

#include "../console_select.h"
#include "fb_draw.h"
#include "fbterm.h"
#include "psf.h"
#include "vt.h"

#include <stdatomic.h>

#include <arch/paging.h>
#include <kernel/boot_info.h>
#include <kernel/device.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <kernel/vmalloc.h>
#include <kernel/wait.h>

#define HISTORY_LINES 256
#define FRAME_NS      (10 * NSEC_PER_MSEC)
#define TTY_MAJOR     4

extern const uint8_t console_font[], console_font_end[];

static struct spinlock screen_lock = SPINLOCK_INIT("screen", RANK_SCREEN);
static struct vt vt;              /* [screen_lock] */
static struct fb_surface surface; /* [screen_lock] shadow and pixels */
static struct psf_font font;      /* [i] */
static bool ready;                /* [i] after fbterm_init */
static _Atomic bool draw_later;   /* log lines wait for the thread, or for the end of show_log */
static _Atomic bool draw_pending;
static struct waitqueue draw_wq = WAITQUEUE_INIT(draw_wq);
static struct tty *screen_tty;

/* --- drawing: under screen_lock, or without it in a panic ---------------------------------------- */

static void draw_row(unsigned row)
{
	unsigned x, y;
	int cursor = vt_view_cursor(&vt, &x, &y) && y == row ? (int)x : -1;

	vt.dirty[row / 64] &= ~(1ull << (row % 64));
	fb_draw_row(&surface, row, vt_view_line(&vt, row), cursor);
}

static bool row_dirty(unsigned row)
{
	return vt.dirty[row / 64] >> (row % 64) & 1;
}

static void draw_all(void)
{
	for (unsigned row = 0; row < vt.rows; row++) {
		if (row_dirty(row))
			draw_row(row);
	}
}

/* The lock is dropped between rows, so that interrupts are never off for a whole screen. */
static void draw_by_rows(void)
{
	for (unsigned row = 0; row < vt.rows; row++) {
		uint64_t flags = spin_lock_irqsave(&screen_lock);

		if (row_dirty(row))
			draw_row(row);
		spin_unlock_irqrestore(&screen_lock, flags);
	}
}

static void request_draw(void)
{
	if (!atomic_exchange(&draw_pending, true))
		wake_up(&draw_wq);
}

/* --- the kernel log --------------------------------------------------------------------------------- */

/* No lock: the CPU that holds it may be the one that panics.  The first line frees the screen from what
 * a program has set up on it. */
static void panic_write(const char *text, size_t len)
{
	static bool freed;

	if (!freed)
		vt_feed(&vt, "\033[!p\033[999H", 10);
	freed = true;
	vt_feed_log(&vt, text, len);
	draw_all();
}

static void log_write(struct console *con, const char *text, size_t len)
{
	uint64_t flags;

	(void)con;
	if (console_in_panic()) {
		panic_write(text, len);
		return;
	}
	flags = spin_lock_irqsave(&screen_lock);
	vt_feed_log(&vt, text, len);
	if (!atomic_load(&draw_later))
		draw_all();
	spin_unlock_irqrestore(&screen_lock, flags);
	atomic_store(&draw_pending, true);
}

static struct console screen_console = { .name = "tty1", .write = log_write };

/* The older lines are shown together, not one by one. */
static void show_log(void)
{
	atomic_store(&draw_later, true);
	console_register(&screen_console);
	atomic_store(&draw_later, false);
	draw_by_rows();
}

/* --- the terminal ----------------------------------------------------------------------------------- */

static size_t screen_write(struct tty *tty, const char *text, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&screen_lock);

	(void)tty;
	vt_feed(&vt, text, len);
	spin_unlock_irqrestore(&screen_lock, flags);
	request_draw();
	return len;
}

static const struct tty_driver_ops screen_ops = { .write = screen_write };

/* What the program asked the terminal for comes back as input. */
static void deliver_replies(void)
{
	char text[VT_MAX_REPLY];
	uint64_t flags = spin_lock_irqsave(&screen_lock);
	size_t len = vt.reply_len;

	for (size_t i = 0; i < len; i++)
		text[i] = vt.reply[i];
	vt.reply_len = 0;
	spin_unlock_irqrestore(&screen_lock, flags);
	if (len)
		tty_input(screen_tty, text, len);
}

static void draw_thread(void *arg)
{
	struct waiter log_waiter;

	(void)arg;
	waiter_init(&log_waiter, false);
	wait_add(log_waitqueue(), &log_waiter);
	atomic_store(&draw_later, true);
	for (;;) {
		wait_event(&draw_wq, atomic_load(&draw_pending));
		atomic_store(&draw_pending, false);
		draw_by_rows();
		deliver_replies();
		sleep_until(time_now_ns() + FRAME_NS, false);
	}
}

void fbterm_scroll(int pages)
{
	uint64_t flags;

	if (!ready)
		return;
	flags = spin_lock_irqsave(&screen_lock);
	vt_scroll_view(&vt, -pages * (int)(vt.rows / 2));
	spin_unlock_irqrestore(&screen_lock, flags);
	request_draw();
}

bool fbterm_application_cursor(void)
{
	return READ_ONCE(vt.application_cursor);
}

/* --- start-up --------------------------------------------------------------------------------------- */

/* NULL, or what is missing. */
static const char *screen_setup(const struct boot_framebuffer *fb)
{
	const char *wrong = psf_parse(console_font, (size_t)(console_font_end - console_font), &font);
	void *cells;

	if (wrong)
		return wrong;
	surface = (struct fb_surface){
		.width = fb->width,
		.height = fb->height,
		.stride = fb->pitch / 4,
		.red = fb->red,
		.green = fb->green,
		.blue = fb->blue,
		.font = &font,
	};
	if (!fb_layout(&surface))
		return "it is smaller than one character";
	cells = vmalloc(vt_memory_size(surface.cols, surface.rows, HISTORY_LINES));
	surface.shadow = vmalloc((size_t)surface.cols * surface.rows * sizeof(struct vt_cell));
	surface.pixels = mmio_map(fb->base, (size_t)fb->pitch * fb->height, PT_READ | PT_WRITE | PT_WC);
	if (!cells || !surface.shadow || !surface.pixels)
		return "no memory for it";
	vt_init(&vt, cells, surface.cols, surface.rows, HISTORY_LINES);
	fb_clear(&surface);
	return NULL;
}

void fbterm_init(void)
{
	const struct boot_framebuffer *fb = &boot_info.framebuffer;
	const char *wrong;

	if (fb->base == 0)
		return;
	wrong = fb_check(fb);
	if (!wrong)
		wrong = screen_setup(fb);
	if (wrong) {
		pr_warn("fbterm: the framebuffer is not used: %s\n", wrong);
		return;
	}
	ready = true;
	if (log_wanted(boot_info.cmdline, screen_console.name))
		show_log();
	pr_info("fbterm: %ux%u pixels, %ux%u characters\n", fb->width, fb->height, vt.cols, vt.rows);
}

void fbterm_tty_init(void)
{
	if (!ready)
		return;
	screen_tty = tty_create("tty1", makedev(TTY_MAJOR, 1), &screen_ops, NULL);
	if (!screen_tty || !kthread_create("fbterm", draw_thread, NULL)) {
		pr_err("fbterm: no memory for /dev/tty1\n");
		return;
	}
	tty_set_winsize(screen_tty, (uint16_t)vt.rows, (uint16_t)vt.cols);
}
