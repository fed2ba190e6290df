/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals, the log device, ACPI's results and the clock, on the running kernel. */
#include <kernel/ktest.h>

#include <arch/platform.h>
#include <kernel/acpi.h>
#include <kernel/device.h>
#include <kernel/file.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <serix/errno.h>

/* --- a terminal whose device is a buffer ------------------------------------------------------------- */

static char sent[256];
static size_t sent_len, room = sizeof(sent);

static size_t buffer_write(struct tty *tty, const char *text, size_t len)
{
	(void)tty;
	len = MIN(len, room - sent_len);
	memcpy(sent + sent_len, text, len);
	sent_len += len;
	return len;
}

static const struct tty_driver_ops buffer_ops = { .write = buffer_write };

static struct tty *test_tty(void)
{
	struct tty *tty = tty_find("ttytest");

	return tty ? tty : tty_create("ttytest", makedev(4, 250), &buffer_ops, NULL);
}

/* The open file that a program would have. */
static struct file *open_device(dev_t dev, uint32_t flags)
{
	struct char_device *device = char_device_find(dev);
	struct file *file = device ? file_create(device->ops, flags, device->private) : NULL;

	if (file && device->ops->open && device->ops->open(file) < 0)
		return NULL;
	return file;
}

static bool sent_is(const char *text)
{
	bool same = sent_len == strlen(text) && memcmp(sent, text, sent_len) == 0;

	sent_len = 0;
	return same;
}

static void typing_is_echoed_and_read_by_line(void)
{
	struct tty *tty = test_tty();
	struct file *file = open_device(makedev(4, 250), O_RDWR | O_NONBLOCK);
	char buf[32];

	KTEST_EXPECT(tty && file);
	sent_len = 0;
	KTEST_EXPECT(file_read_kernel(file, buf, sizeof(buf), 0) == -EAGAIN);
	tty_input(tty, "ab\177c", 4);
	KTEST_EXPECT(file_read_kernel(file, buf, sizeof(buf), 0) == -EAGAIN);
	tty_input(tty, "\r", 1);
	KTEST_EXPECT(file_read_kernel(file, buf, sizeof(buf), 0) == 3);
	KTEST_EXPECT(memcmp(buf, "ac\n", 3) == 0);
	KTEST_EXPECT(sent_is("ab\b \bc\r\n"));
	file_put(file);
}

/* A reader sleeps until an interrupt brings the line. */
static struct timer key_timer;

static void press_enter(struct timer *timer)
{
	(void)timer;
	tty_input(test_tty(), "x\n", 2);
}

static void reader_sleeps_until_a_line_comes(void)
{
	struct file *file = open_device(makedev(4, 250), O_RDWR);
	uint64_t start = time_now_ns();
	char buf[2]; /* file_read_kernel goes on until it is full */

	timer_init(&key_timer, press_enter);
	timer_arm(&key_timer, start + 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(file_read_kernel(file, buf, sizeof(buf), 0) == 2);
	KTEST_EXPECT(time_now_ns() - start >= 20 * NSEC_PER_MSEC);
	sent_len = 0;
	file_put(file);
}

/* A writer takes what fits and goes on when the device has room. */
static void make_room(struct timer *timer)
{
	(void)timer;
	sent_len = 0;
	tty_output_ready(test_tty());
	if (time_now_ns() < key_timer.deadline_ns + 5 * NSEC_PER_SEC)
		timer_arm(&key_timer, time_now_ns() + NSEC_PER_MSEC);
}

static void writer_waits_for_room(void)
{
	struct file *file = open_device(makedev(4, 250), O_RDWR);
	static char text[8192];

	memset(text, 'w', sizeof(text));
	timer_init(&key_timer, make_room);
	timer_arm(&key_timer, time_now_ns() + NSEC_PER_MSEC);
	KTEST_EXPECT(file_write_kernel(file, text, sizeof(text), 0) == sizeof(text));
	timer_cancel(&key_timer);
	sent_len = 0;
	tty_output_ready(test_tty());
	sent_len = 0;
	file_put(file);
}

static void hang_up_ends_reads_and_refuses_writes(void)
{
	struct file *file = open_device(makedev(4, 250), O_RDWR | O_NONBLOCK);
	char c;

	KTEST_EXPECT(file_write_kernel(file, "a", 1, 0) == 1);
	tty_release_session(test_tty(), 0); /* nobody's session */
	KTEST_EXPECT(file_read_kernel(file, &c, 1, 0) == 0);
	KTEST_EXPECT(file_write_kernel(file, "a", 1, 0) == -EIO);
	file_put(file);
	file = open_device(makedev(4, 250), O_RDWR | O_NONBLOCK);
	KTEST_EXPECT(file_write_kernel(file, "a", 1, 0) == 1);
	file_put(file);
	sent_len = 0;
}

/* --- devices without hardware ------------------------------------------------------------------------ */

static void null_zero_full_random_behave(void)
{
	struct file *null = open_device(makedev(1, 3), O_RDWR), *zero = open_device(makedev(1, 5), O_RDWR);
	struct file *full = open_device(makedev(1, 7), O_RDWR), *random = open_device(makedev(1, 9), O_RDWR);
	uint8_t a[32], b[32], zeros[32] = { 0 };

	KTEST_EXPECT(null && zero && full && random);
	KTEST_EXPECT(file_read_kernel(null, a, sizeof(a), 0) == 0);
	KTEST_EXPECT(file_write_kernel(null, a, sizeof(a), 0) == sizeof(a));
	memset(a, 1, sizeof(a));
	KTEST_EXPECT(file_read_kernel(zero, a, sizeof(a), 0) == sizeof(a) &&
		     memcmp(a, zeros, sizeof(a)) == 0);
	KTEST_EXPECT(file_write_kernel(full, a, sizeof(a), 0) == -ENOSPC);
	KTEST_EXPECT(file_read_kernel(random, a, sizeof(a), 0) == sizeof(a));
	KTEST_EXPECT(file_read_kernel(random, b, sizeof(b), 0) == sizeof(b) && memcmp(a, b, sizeof(a)) != 0);
	file_put(null);
	file_put(zero);
	file_put(full);
	file_put(random);
}

static void log_device_returns_what_was_written(void)
{
	struct file *kmsg = open_device(makedev(1, 11), O_RDWR | O_NONBLOCK);
	static char line[1024];
	ssize_t n;

	KTEST_EXPECT(kmsg != NULL);
	KTEST_EXPECT(kmsg->ops->seek(kmsg, 0, SEEK_END) >= 0);
	KTEST_EXPECT(file_write_kernel(kmsg, "<5>a line for the log\n", 22, 0) == 22);
	n = file_read_kernel(kmsg, line, sizeof(line) - 1, 0);
	KTEST_EXPECT(n > 0);
	line[MAX(n, (ssize_t)0)] = '\0';
	KTEST_EXPECT(line[0] == '5' && strstr(line, ",-;a line for the log\n") != NULL);
	KTEST_EXPECT(kmsg->ops->poll(kmsg, NULL) & POLLOUT);
	file_put(kmsg);
}

/* --- the machine ------------------------------------------------------------------------------------- */

static void platform_was_filled_in(void)
{
	KTEST_EXPECT(platform.lapic_address != 0);
	KTEST_EXPECT(!acpi.present || platform.cpu_count >= 1);
	KTEST_EXPECT(!acpi.present || platform.ioapic_count >= 1);
}

static void clock_shows_a_plausible_date(void)
{
	KTEST_EXPECT(time_real_ns() / NSEC_PER_SEC > 1600000000);
}

static const struct ktest_case cases[] = {
	{ "typing is echoed and read by line", typing_is_echoed_and_read_by_line },
	{ "a reader sleeps until a line comes", reader_sleeps_until_a_line_comes },
	{ "a writer waits for room", writer_waits_for_room },
	{ "a hang-up ends reads and refuses writes", hang_up_ends_reads_and_refuses_writes },
	{ "null, zero, full and random behave", null_zero_full_random_behave },
	{ "the log device returns what was written", log_device_returns_what_was_written },
	{ "the platform was filled in", platform_was_filled_in },
	{ "the clock shows a plausible date", clock_shows_a_plausible_date },
};

KTEST_SUITE("drivers", cases);
