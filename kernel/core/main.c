/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot order, as a list.  The machine's entry code has checked and copied boot_info, put the kernel on
 * page tables of its own and set up this CPU's per-CPU block; everything else starts here.
 */
#include <kernel/main.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/platform.h>
#include <kernel/acpi.h>
#include <kernel/aio.h>
#include <kernel/boot_info.h>
#include <kernel/cap.h>
#include <kernel/cap_mapping.h>
#include <kernel/chardev.h>
#include <kernel/cmdline.h>
#include <kernel/fbterm.h>
#include <kernel/kbench.h>
#include <kernel/idle.h>
#include <kernel/ipc.h>
#include <kernel/kasan.h>
#include <kernel/keyboard.h>
#include <kernel/keys.h>
#include <kernel/ktest.h>
#include <kernel/panic.h>
#include <kernel/pci.h>
#include <kernel/panic_test.h>
#include <kernel/pmm.h>
#include <kernel/power.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/reclaim.h>
#include <kernel/rtc.h>
#include <kernel/sched.h>
#include <kernel/serial.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/socket.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/topology.h>
#include <kernel/tty.h>
#include <kernel/version.h>
#include <kernel/vdso.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <kernel/watchdog.h>

static void start(void *unused);

/* loglevel=1..8: only lines of a lower level appear on the consoles, as on Linux; all are in dmesg. */
static void choose_log_level(void)
{
	uint64_t level;

	if (cmdline_get_u64("loglevel", &level) == 0 && level > 0)
		console_set_level((enum log_level)(MIN(level, LOG_DEBUG + 1ul) - 1));
}

void kernel_main(const struct boot_info *bi)
{
	choose_log_level();
	serial_early_init(); /* from here on the log is seen */
	pr_notice("%s %s, %s", KERNEL_NAME, KERNEL_RELEASE, KERNEL_VERSION);
	boot_info_print(bi);
	arch_cpu_init_early();                     /* exceptions are reported from here on */
	random_init(bi->entropy, bi->entropy_len); /* the allocators draw secrets and addresses */

	topology_init_memory(); /* NUMA nodes */
	pmm_init(bi);           /* frames */
	arch_paging_init(bi);   /* the final kernel half */
	kasan_init();           /* sanitizer builds: accesses are judged from here on */
	slab_init();            /* kmalloc */
	vmalloc_init();         /* stacks, device windows */
	fbterm_init();          /* the log on the screen */
	arch_cpu_init();        /* exception stacks, FPU, system-call entry */

	acpi_init(); /* fills in `platform` */
	arch_interrupts_init();
	time_init(arch_calibrate_cycles());
	arch_timer_init();
	topology_init_this_cpu();
	idle_init();  /* how to wait */
	sched_init(); /* this context becomes the idle task */
	arch_irq_enable();

	if (!kthread_create("start", start, NULL))
		panic("no memory for the first thread");
	sched_idle();
}

/* What may sleep: everything from the file systems on, in a thread of its own. */
static void start_subsystems(void)
{
	vm_init();
	cap_init();
	cap_mapping_init();
	ipc_init();
	vfs_init();
	vdso_init();
	process_init();
	power_init();
	pci_init();
	rtc_init();

	tty_init();
	fbterm_tty_init();
	serial_init();
	keyboard_init();
	chardev_init();
}

/* Each module is an archive for the root file system; its memory is free once it is unpacked. */
static void unpack_modules(void)
{
	for (uint32_t i = 0; i < boot_info.module_count; i++) {
		const struct boot_module *module = &boot_info.modules[i];

		if (initramfs_take(module->base, module->length, module->name) < 0)
			pr_err("initramfs: module %u (%s) was not unpacked completely", i, module->name);
	}
}

/* The command line asks for tests or benchmarks instead of programs: run them and power off. */
static void run_tests(void)
{
	char filter[32];

	if (cmdline_get("ktest", filter, sizeof(filter)) == 0)
		ktest_run(filter);
	else if (cmdline_get("kbench", filter, sizeof(filter)) == 0)
		kbench_run(filter);
	else
		return;
	power_off();
}

static void start_first_program(void)
{
	static const char *const candidates[] = { "/init",     "/sbin/init", "/etc/init",
						  "/bin/init", "/bin/sh",    NULL };
	char chosen[256];
	bool given = cmdline_get("init", chosen, sizeof(chosen)) == 0;
	int err = process_start_init(candidates, given ? chosen : NULL);

	if (err < 0)
		system_stop("no program to start as init (error %d): see the initrd, or give init=", -err);
}

static void start(void *unused)
{
	(void)unused;
	smp_init();
	topology_init_cpus();
	reclaim_init();
	cap_expire_start();
	keys_start();
	socket_start();
	aio_start();
	watchdog_init();
	start_subsystems();
	unpack_modules();
	arch_seal();
	panic_test();
	run_tests();
	start_first_program();
}
