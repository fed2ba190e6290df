/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole: names, memory, log, randomness, power. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/format.h>
#include <kernel/pmm.h>
#include <kernel/power.h>
#include <kernel/printk.h>
#include <kernel/proc_calls.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/version.h>
#include <serix/errno.h>

SYSCALL(uname)
{
	struct abi_utsname uts;

	uts_get(&uts);
	if ((current_thread()->persona & PERSONA_TYPE) == PERSONA_LINUX32)
		strlcpy(uts.machine, KERNEL_MACHINE_32, sizeof(uts.machine));
	return copy_to_user(ARG(0, uaddr_t), &uts, sizeof(uts));
}

static int64_t set_uts_name(const struct syscall_args *args, int (*set)(const char *name, size_t len))
{
	char name[64];
	int len = ARG(1, int), err;

	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || (size_t)len > sizeof(name))
		return -EINVAL;
	err = copy_from_user(name, ARG(0, uaddr_t), (size_t)len);
	return err < 0 ? err : set(name, (size_t)len);
}

SYSCALL(sethostname)
{
	return set_uts_name(args, uts_set_nodename);
}

SYSCALL(setdomainname)
{
	return set_uts_name(args, uts_set_domainname);
}

/* Load averages have 11 fraction bits in the scheduler and 16 here. */
#define LOAD_SHIFT 5

/* lacks: shared and buffer memory and swap, which are 0 */
SYSCALL(sysinfo)
{
	struct abi_sysinfo info = { .mem_unit = 1 };
	struct sched_stats sched;

	sched_get_stats(&sched);
	info.uptime = (int64_t)(time_now_ns() / NSEC_PER_SEC);
	for (size_t i = 0; i < ARRAY_SIZE(info.loads); i++)
		info.loads[i] = (uint64_t)sched.load[i] << LOAD_SHIFT;
	info.totalram = pmm_total_memory();
	info.freeram = pmm_free_memory();
	info.procs = (uint16_t)MIN(process_count(), 0xffffu);
	return copy_to_user(ARG(0, uaddr_t), &info, sizeof(info));
}

/* --- randomness ---------------------------------------------------------------------------------- */

#define GRND_NONBLOCK 1u
#define GRND_RANDOM   2u
#define GRND_INSECURE 4u
#define RANDOM_CHUNK  256u

/* takes: GRND_*, else EINVAL */
SYSCALL(getrandom)
{
	unsigned flags = ARG(2, unsigned);
	uint64_t len = MIN(args->a[1], (uint64_t)INT32_MAX), done = 0;
	uint8_t chunk[RANDOM_CHUNK];

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & GRND_INSECURE) && (flags & GRND_RANDOM))
		return -EINVAL;
	while (done < len) {
		size_t part = MIN(len - done, (uint64_t)sizeof(chunk));

		random_bytes(chunk, part);
		if (copy_to_user(ARG(0, uaddr_t) + done, chunk, part) < 0) {
			memwipe(chunk, sizeof(chunk));
			return done ? (int64_t)done : -EFAULT;
		}
		done += part;
		if (signal_pending() && done < len)
			break;
	}
	memwipe(chunk, sizeof(chunk));
	return (int64_t)done;
}

/* --- the log ------------------------------------------------------------------------------------- */

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

#define LOG_TEXT_MAX    1024u
#define LOG_LINE_MAX    (LOG_TEXT_MAX + 32)
#define LOG_BUFFER_SIZE (1u << 17) /* what dmesg(1) makes room for */
#define DEFAULT_CONSOLE LOG_INFO

static _Atomic uint64_t syslog_cleared;  /* SYSLOG_READ_ALL starts here */
static _Atomic uint64_t syslog_read_seq; /* SYSLOG_READ goes on here */

struct log_line {
	char text[LOG_TEXT_MAX];
	char line[LOG_LINE_MAX];
	int length;
};

/* The record at *seq as "<level>[time] text\n".  False at the end of the log. */
static bool next_line(struct log_line *l, uint64_t *seq)
{
	struct log_record rec;

	if (log_read(seq, &rec, l->text, sizeof(l->text)) < 0)
		return false;
	l->length = scnprintf(l->line, sizeof(l->line), "<%u>[%5llu.%06llu] %.*s\n", rec.level,
			      rec.time_ns / NSEC_PER_SEC, rec.time_ns % NSEC_PER_SEC / NSEC_PER_USEC,
			      (int)rec.len, rec.text);
	return true;
}

static uint64_t text_size(struct log_line *l, uint64_t seq)
{
	uint64_t total = 0;

	while (next_line(l, &seq))
		total += (uint64_t)l->length;
	return total;
}

/* The last `size` bytes of whole lines since the last clear. */
static int64_t log_tail(struct log_line *l, uaddr_t buf, uint64_t size)
{
	uint64_t seq = atomic_load(&syslog_cleared), skip, total = text_size(l, seq), done = 0;

	skip = total > size ? total - size : 0;
	while (next_line(l, &seq) && done + (uint64_t)l->length <= size) {
		if (skip > 0) {
			skip -= MIN(skip, (uint64_t)l->length);
			continue;
		}
		if (copy_to_user(buf + done, l->line, (size_t)l->length) < 0)
			return -EFAULT;
		done += (uint64_t)l->length;
	}
	return (int64_t)done;
}

static int64_t log_follow(struct log_line *l, uaddr_t buf, uint64_t size)
{
	uint64_t seq, done = 0;
	struct waitqueue *wq = log_waitqueue();

	if (wq && wait_event_interruptible(wq, log_next_seq() > atomic_load(&syslog_read_seq)) < 0)
		return -ERESTARTSYS;
	seq = atomic_load(&syslog_read_seq);
	while (next_line(l, &seq) && done + (uint64_t)l->length <= size) {
		if (copy_to_user(buf + done, l->line, (size_t)l->length) < 0)
			return done ? (int64_t)done : -EFAULT;
		done += (uint64_t)l->length;
		atomic_store(&syslog_read_seq, seq);
	}
	return (int64_t)done;
}

static int64_t syslog_text(int type, uaddr_t buf, int len)
{
	struct log_line *l;
	int64_t result;

	if (!buf || len < 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	l = kmalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	result = type == SYSLOG_READ ? log_follow(l, buf, (uint64_t)len) : log_tail(l, buf, (uint64_t)len);
	kfree(l);
	if (result >= 0 && type == SYSLOG_READ_CLEAR)
		atomic_store(&syslog_cleared, log_next_seq());
	return result;
}

static int64_t syslog_unread(void)
{
	struct log_line *l = kmalloc(sizeof(*l));
	int64_t size;

	if (!l)
		return -ENOMEM;
	size = (int64_t)text_size(l, atomic_load(&syslog_read_seq));
	kfree(l);
	return size;
}

/* takes: SYSLOG_*, else EINVAL */
SYSCALL(syslog)
{
	int type = ARG(0, int), len = ARG(2, int);

	if (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER && !cred_has_privilege(PRIV_SYSLOG) &&
	    !cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return syslog_text(type, ARG(1, uaddr_t), len);
	case SYSLOG_CLEAR:
		atomic_store(&syslog_cleared, log_next_seq());
		return 0;
	case SYSLOG_CONSOLE_OFF:
		console_set_level(LOG_EMERG);
		return 0;
	case SYSLOG_CONSOLE_ON:
		console_set_level(DEFAULT_CONSOLE);
		return 0;
	case SYSLOG_CONSOLE_LEVEL:
		if (len < 1 || len > LOG_DEBUG + 1)
			return -EINVAL;
		console_set_level((enum log_level)(len - 1)); /* less urgent than level len: not shown */
		return 0;
	case SYSLOG_SIZE_UNREAD:
		return syslog_unread();
	case SYSLOG_SIZE_BUFFER:
		return LOG_BUFFER_SIZE;
	}
	return -EINVAL;
}

/* --- power --------------------------------------------------------------------------------------- */

#define REBOOT_MAGIC1       0xfee1deadu
#define REBOOT_MAGIC2       672274793u
#define REBOOT_MAGIC2A      85072278u
#define REBOOT_MAGIC2B      369367448u
#define REBOOT_MAGIC2C      537993216u
#define REBOOT_CMD_RESTART  0x01234567u
#define REBOOT_CMD_HALT     0xcdef0123u
#define REBOOT_CMD_CAD_ON   0x89abcdefu
#define REBOOT_CMD_CAD_OFF  0x00000000u
#define REBOOT_CMD_POWEROFF 0x4321fedcu
#define REBOOT_CMD_RESTART2 0xa1b2c3d4u

static bool reboot_magic_right(uint32_t magic1, uint32_t magic2)
{
	return magic1 == REBOOT_MAGIC1 && (magic2 == REBOOT_MAGIC2 || magic2 == REBOOT_MAGIC2A ||
					   magic2 == REBOOT_MAGIC2B || magic2 == REBOOT_MAGIC2C);
}

/* takes: REBOOT_CMD_*, not REBOOT_CMD_KEXEC REBOOT_CMD_SW_SUSPEND (EINVAL), else EINVAL */
SYSCALL(reboot)
{
	if (!cred_has_privilege(PRIV_SYS_BOOT))
		return -EPERM;
	if (!reboot_magic_right(ARG(0, uint32_t), ARG(1, uint32_t)))
		return -EINVAL;
	switch (ARG(2, uint32_t)) {
	case REBOOT_CMD_RESTART:
	case REBOOT_CMD_RESTART2:
		power_reset();
	case REBOOT_CMD_HALT:
		power_halt();
	case REBOOT_CMD_POWEROFF:
		power_off();
	case REBOOT_CMD_CAD_ON:
	case REBOOT_CMD_CAD_OFF:
		/* Ctrl-Alt-Del always asks init, which decides. */
		return 0;
	}
	return -EINVAL;
}
