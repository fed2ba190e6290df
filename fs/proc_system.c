/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc outside the processes: the machine, memory, load, settings.  Formats are Linux's. */
#include "proc_priv.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/confine.h>
#include <kernel/program_policy.h>
#include <kernel/cmdline.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/irq.h>
#include <kernel/pmm.h>
#include <kernel/proc_calls.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/version.h>
#include <kernel/vm.h>

static int show_swaps(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* --- processors --- */

static int show_cpuinfo(struct proc_text *t, const struct proc_node *node)
{
	char *buf = kmalloc(4096);

	(void)node;
	if (!buf)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		int len = arch_cpu_describe(cpu, buf, 4096);

		text_add(t, buf, (size_t)MIN(MAX(len, 0), 4095));
	}
	kfree(buf);
	return 0;
}

/* --- what is there --- */

static int show_version(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%s version %s (%s) %s\n", KERNEL_NAME, KERNEL_RELEASE, KERNEL_MACHINE,
		    KERNEL_VERSION);
	return 0;
}

static int show_cmdline(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%s\n", cmdline());
	return 0;
}

static int show_filesystems(struct proc_text *t, const struct proc_node *node)
{
	char buf[1024];

	(void)node;
	text_add(t, buf, (size_t)vfs_filesystems_text(buf, sizeof(buf)));
	return 0;
}

static int readlink_self(const struct proc_node *node, char *buf, size_t size)
{
	(void)node;
	if (!in_user_thread())
		return -ENOENT;
	return scnprintf(buf, size, "%d", current_process()->pid);
}

static int readlink_thread_self(const struct proc_node *node, char *buf, size_t size)
{
	(void)node;
	if (!in_user_thread())
		return -ENOENT;
	return scnprintf(buf, size, "%d/task/%d", current_process()->pid, current_thread()->tid);
}

static int readlink_mounts(const struct proc_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "self/mounts");
}

/* --- sys/ --- */

static int show_hostname(struct proc_text *t, const struct proc_node *node)
{
	struct abi_utsname u;

	(void)node;
	uts_get(&u);
	text_printf(t, "%s\n", u.nodename);
	return 0;
}

static int store_hostname(const struct proc_node *node, const char *text, size_t len)
{
	(void)node;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	return uts_set_nodename(text, MIN(len, (size_t)64));
}

static int show_domainname(struct proc_text *t, const struct proc_node *node)
{
	struct abi_utsname u;

	(void)node;
	uts_get(&u);
	text_printf(t, "%s\n", u.domainname);
	return 0;
}

static int show_ostype(struct proc_text *t, const struct proc_node *node)
{
	struct abi_utsname u;

	(void)node;
	uts_get(&u);
	text_printf(t, "%s\n", u.sysname);
	return 0;
}

/* Linux's cannot be written.  Here cmake must hear "Linux" of uname(2) to build shared libraries. */
static int store_ostype(const struct proc_node *node, const char *text, size_t len)
{
	(void)node;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	return uts_set_sysname(text, len);
}

static int show_osrelease(struct proc_text *t, const struct proc_node *node)
{
	struct abi_utsname u;

	(void)node;
	uts_get(&u);
	text_printf(t, "%s\n", u.release);
	return 0;
}

static int show_sys_version(struct proc_text *t, const struct proc_node *node)
{
	struct abi_utsname u;

	(void)node;
	uts_get(&u);
	text_printf(t, "%s\n", u.version);
	return 0;
}

static void show_uuid_of(struct proc_text *t, const uint8_t *b)
{
	for (int i = 0; i < 16; i++)
		text_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	text_printf(t, "\n");
}

/* Random bits with the version (4) and variant of RFC 4122. */
static void make_uuid(uint8_t *b)
{
	random_bytes(b, 16);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
}

static int show_uuid(struct proc_text *t, const struct proc_node *node)
{
	uint8_t b[16];

	(void)node;
	make_uuid(b);
	show_uuid_of(t, b);
	return 0;
}

static int show_boot_id(struct proc_text *t, const struct proc_node *node)
{
	static struct mutex lock = MUTEX_INIT(lock, "boot id", RANK_TTY);
	static uint8_t id[16]; /* [lock] */

	(void)node;
	mutex_lock(&lock);
	if (!id[6]) /* the version bits are never zero once it is made */
		make_uuid(id);
	mutex_unlock(&lock);
	show_uuid_of(t, id);
	return 0;
}

/* Settings that are what they are. */
#define SHOW_CONSTANT(name, text)                                                 \
	static int show_##name(struct proc_text *t, const struct proc_node *node) \
	{                                                                         \
		(void)node;                                                       \
		text_printf(t, "%s\n", text);                                     \
		return 0;                                                         \
	}

#define NUMBER_(n) #n
#define NUMBER(n)  NUMBER_(n)
SHOW_CONSTANT(pid_max, NUMBER(PID_MAX))
SHOW_CONSTANT(ngroups_max, NUMBER(NGROUPS_MAX))
SHOW_CONSTANT(cap_last_cap, "40")
SHOW_CONSTANT(pool_bits, "256")
SHOW_CONSTANT(overflow_id, "65534")
SHOW_CONSTANT(tainted, "0")

static const struct proc_entry random_entries[] = {
	PROC_FILE("boot_id", 0444, show_boot_id),
	PROC_FILE("entropy_avail", 0444, show_pool_bits),
	PROC_FILE("poolsize", 0444, show_pool_bits),
	PROC_FILE("uuid", 0444, show_uuid),
};

#define IPC_LIMIT(n)                                                              \
	{                                                                         \
		.name = (n), .mode = S_IFREG | 0644, .show = proc_show_ipc_limit, \
		.store = proc_store_ipc_limit                                     \
	}

static const struct proc_entry kernel_entries[] = {
	PROC_FILE("cap_last_cap", 0444, show_cap_last_cap),
	{ .name = "core_pattern",
	  .mode = S_IFREG | 0644,
	  .show = proc_show_core_pattern,
	  .store = proc_store_core_pattern },
	{ .name = "core_uses_pid",
	  .mode = S_IFREG | 0644,
	  .show = proc_show_core_uses_pid,
	  .store = proc_store_core_uses_pid },
	PROC_FILE("domainname", 0444, show_domainname),
	{ .name = "hostname", .mode = S_IFREG | 0644, .show = show_hostname, .store = store_hostname },
	PROC_DIR("keys", proc_sys_keys_entries),
	IPC_LIMIT("msgmax"),
	IPC_LIMIT("msgmnb"),
	IPC_LIMIT("msgmni"),
	PROC_FILE("ngroups_max", 0444, show_ngroups_max),
	PROC_FILE("osrelease", 0444, show_osrelease),
	{ .name = "ostype", .mode = S_IFREG | 0644, .show = show_ostype, .store = store_ostype },
	PROC_FILE("overflowgid", 0444, show_overflow_id),
	PROC_FILE("overflowuid", 0444, show_overflow_id),
	PROC_FILE("pid_max", 0444, show_pid_max),
	PROC_DIR("random", random_entries),
	PROC_DIR("seccomp", proc_sys_seccomp_entries),
	{ .name = "sem",
	  .mode = S_IFREG | 0644,
	  .show = proc_show_sem_limits,
	  .store = proc_store_sem_limits },
	IPC_LIMIT("shmall"),
	IPC_LIMIT("shmmax"),
	IPC_LIMIT("shmmni"),
	PROC_FILE("tainted", 0444, show_tainted),
	PROC_FILE("version", 0444, show_sys_version),
};

static const struct proc_entry sys_entries[] = {
	PROC_DIR("fs", proc_sys_fs_entries),
	PROC_DIR("kernel", kernel_entries),
	PROC_DIR("net", proc_sys_net_entries),
	PROC_DIR("vm", proc_sys_vm_entries),
};

/* --- /proc/serix --- */

static int show_policy(struct proc_text *t, const struct proc_node *node)
{
	char text[128];

	(void)node;
	text_add(t, text, (size_t)program_policy_text(text, sizeof(text)));
	return 0;
}

static const struct proc_entry serix_entries[] = {
	PROC_FILE("audit", 0444, proc_show_audit),
	PROC_FILE("policy", 0444, show_policy),
	PROC_FILE("unsupported", 0444, proc_show_unsupported),
};

/* --- the root --- */

static int find_process(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	uint32_t pid;

	(void)dir;
	if (proc_parse_number(name, len, &pid) < 0)
		return -ENOENT;
	out->process = process_find((pid_t)pid);
	if (!out->process)
		return -ENOENT;
	if (!confine_may_touch(out->process)) { /* nor see: whoever is confined is alone with its own */
		process_put(out->process);
		return -ENOENT;
	}
	out->entry = &proc_pid_dir;
	return 0;
}

/* The first that may be seen. */
static struct process *visible_process(uint64_t from)
{
	struct process *p = from > INT32_MAX ? NULL : process_next((pid_t)from);

	while (p && !confine_may_touch(p)) {
		pid_t next = p->pid + 1;

		process_put(p);
		p = process_next(next);
	}
	return p;
}

static bool next_process(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	struct process *p = visible_process(*key);

	(void)dir;
	if (!p)
		return false;
	out->len = (size_t)scnprintf(out->text, sizeof(out->text), "%d", p->pid);
	out->entry = &proc_pid_dir;
	*key = (uint64_t)p->pid + 1;
	process_put(p);
	return true;
}

#define ROOT_LINK(n, fn)                                              \
	{                                                             \
		.name = (n), .mode = S_IFLNK | 0777, .readlink = (fn) \
	}

static const struct proc_entry tty_entries[] = { PROC_FILE("drivers", 0444, proc_show_tty_drivers) };

static const struct proc_entry root_entries[] = {
	PROC_FILE("buddyinfo", 0444, proc_show_buddyinfo),
	PROC_FILE("cmdline", 0444, show_cmdline),
	PROC_FILE("cpuinfo", 0444, show_cpuinfo),
	PROC_FILE("devices", 0444, proc_show_devices),
	PROC_FILE("diskstats", 0444, proc_show_no_disks),
	PROC_FILE("filesystems", 0444, show_filesystems),
	PROC_FILE("interrupts", 0444, proc_show_system_interrupts),
	PROC_DIR("serix", serix_entries),
	PROC_FILE("key-users", 0444, proc_show_key_users),
	PROC_FILE("keys", 0444, proc_show_keys),
	PROC_FILE("loadavg", 0444, proc_show_system_loadavg),
	PROC_FILE("locks", 0444, proc_show_locks),
	{ .name = "lock_stat",
	  .mode = S_IFREG | 0600,
	  .show = proc_show_lock_stat,
	  .store = proc_store_lock_stat },
	PROC_FILE("meminfo", 0444, proc_show_meminfo),
	ROOT_LINK("mounts", readlink_mounts),
	PROC_DIR("net", proc_net_entries),
	PROC_FILE("partitions", 0444, proc_show_no_disks),
	ROOT_LINK("self", readlink_self),
	PROC_FILE("slabinfo", 0400, proc_show_slabinfo),
	PROC_FILE("schedstat", 0444, proc_show_system_schedstat),
	PROC_FILE("softirqs", 0444, proc_show_softirqs),
	PROC_FILE("stat", 0444, proc_show_system_stat),
	PROC_FILE("swaps", 0444, show_swaps),
	PROC_DIR("sys", sys_entries),
	PROC_DIR("sysvipc", proc_sysvipc_entries),
	ROOT_LINK("thread-self", readlink_thread_self),
	PROC_DIR("tty", tty_entries),
	PROC_FILE("uptime", 0444, proc_show_system_uptime),
	PROC_FILE("version", 0444, show_version),
	PROC_FILE("vmstat", 0444, proc_show_vmstat),
	PROC_FILE("zoneinfo", 0444, proc_show_zoneinfo),
};

const struct proc_entry proc_root = {
	.name = "proc",
	.mode = S_IFDIR | 0555,
	.children = root_entries,
	.count = ARRAY_SIZE(root_entries),
	.find = find_process,
	.next = next_process,
};
