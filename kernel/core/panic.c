/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic: say what broke, where, and stop.  Runs with whatever is broken already broken, so it takes no
 * locks (console_enter_panic) and a second panic while the first prints just halts.
 */
#include <kernel/panic.h>

#include <stdatomic.h>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <kernel/assert.h>
#include <kernel/cmdline.h>
#include <kernel/format.h>
#include <kernel/ksyms.h>
#include <kernel/power.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/string.h>

#define TRACE_MAX 24

static _Atomic uint32_t panicking;

static void print_lines(char *text)
{
	while (*text) {
		char *end = strchr(text, '\n');

		if (end)
			*end = '\0';
		printk(LOG_EMERG, "%s", text);
		if (!end)
			return;
		text = end + 1;
	}
}

/* `exact`: the first address is where the CPU is; all others are return addresses. */
static void print_places(enum log_level level, const uintptr_t *trace, size_t n, bool exact)
{
	for (size_t i = 0; i < n; i++) {
		/* Behind a call that never returns may begin the next function: look at the call instead. */
		uintptr_t back = exact && i == 0 ? 0 : 1, offset = 0;
		const char *name = ksym_lookup(trace[i] - back, &offset);

		printk(level, "  %016lx  %s+0x%lx", trace[i], name ? name : "?", offset + back);
	}
}

static void print_trace(uint64_t pc, uint64_t frame_pointer)
{
	uintptr_t trace[TRACE_MAX];
	size_t n = 0;

	if (pc)
		trace[n++] = pc;
	n += arch_backtrace(frame_pointer, trace + n, TRACE_MAX - n);
	printk(LOG_EMERG, "stack trace:");
	print_places(LOG_EMERG, trace, n, pc != 0);
}

void cpus_print_where(enum log_level level)
{
	uint32_t self = arch_this_cpu()->id;

	cpumask_for_each(id, &cpus_online)
	{
		const struct task *task = READ_ONCE(cpus[id]->current);
		uintptr_t trace[TRACE_MAX];
		size_t n;

		if (id == self)
			continue;
		n = arch_cpu_where(id, trace, TRACE_MAX);
		printk(level, "cpu %u, task %s%s", id, task->name, n ? ":" : ": does not answer");
		print_places(level, trace, n, true);
	}
}

/* The other CPUs stand still.  Halt, or reset if panic= on the command line says so. */
static void __noreturn finish(const char *who)
{
	char how[16];

	if (cmdline_get("panic", how, sizeof(how)) == 0 && how[0] != '0' && how[0] != '\0') {
		printk(LOG_EMERG, "%s: resetting, as panic=%s asks", who, how);
		power_reset();
	}
	printk(LOG_EMERG, "%s: halted", who);
	arch_cpu_halt();
}

static void __noreturn vpanic(const struct arch_regs *regs, const char *fmt, va_list args)
{
	static char text[1536];

	arch_irq_disable();
	if (atomic_exchange(&panicking, 1))
		arch_cpu_halt();
	smp_stop_others();
	console_enter_panic();

	vsnprintf(text, sizeof(text), fmt, args);
	printk(LOG_EMERG, "panic: %s", text);
	printk(LOG_EMERG, "cpu %u, task %s", arch_this_cpu()->id,
	       current_task() ? current_task()->name : "(none yet)");
	if (regs) {
		arch_regs_describe(regs, text, sizeof(text));
		print_lines(text);
		print_trace(arch_regs_pc(regs), arch_regs_frame_pointer(regs));
	} else {
		print_trace(0, (uintptr_t)__builtin_frame_address(0));
	}
	cpus_print_where(LOG_EMERG);
	finish("panic");
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vpanic(NULL, fmt, args);
}

void panic_regs(const struct arch_regs *regs, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vpanic(regs, fmt, args);
}

void system_stop(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printk(LOG_EMERG, "stopped: %s", text);
	smp_stop_others();
	finish("stopped");
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("assertion failed: %s, %s:%d", expr, file, line);
}

/* Called by compiler-generated code when a stack canary was overwritten. */
void __stack_chk_fail(void) __noreturn;
void __stack_chk_fail(void)
{
	panic("stack canary overwritten, called from %p", __builtin_return_address(0));
}
