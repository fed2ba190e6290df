/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power-off and reset: first what the ACPI tables name, then the ways that PCs and emulators have had
 * for ever.  Everything runs with interrupts off and without locks, because panic() ends here too.
 */
#include <kernel/power.h>

#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <kernel/acpi.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/vmalloc.h>
#include <kernel/wait.h>

#define PM1_SCI_ENABLED   (1u << 0)
#define PM1_SLEEP_TYPE(t) ((unsigned)(t) << 10)
#define PM1_SLEEP_ENABLE  (1u << 13)

/* SLEEP_CONTROL_REG of reduced hardware. */
#define SLEEP_TYPE(t) ((unsigned)(t) << 2)
#define SLEEP_ENABLE  (1u << 5)

#define RESET_CONTROL_PORT 0xcf9
#define RESET_HARD         0x02
#define RESET_NOW          0x04

/* PM1 control ports of QEMU (q35, pc) and of Bochs, for machines without usable tables. */
static const uint16_t emulator_pm1_ports[] = { 0x604, 0xb004 };
/* QEMU's isa-debug-exit, the one way out of a microvm without ACPI. */
#define DEBUG_EXIT_PORT  0xf4
#define DEBUG_EXIT_VALUE 0x10

/* Windows to the registers that lie in memory, made at start-up: nothing is allocated on the way out. */
static void *reset_window, *sleep_window;

static void register_write(const struct acpi_register *reg, void *window, uint32_t value)
{
	if (reg->space == ACPI_SPACE_IO) {
		if (reg->bits == 32)
			arch_out32((uint16_t)reg->address, value);
		else if (reg->bits == 16)
			arch_out16((uint16_t)reg->address, (uint16_t)value);
		else
			arch_out8((uint16_t)reg->address, (uint8_t)value);
		return;
	}
	if (!window)
		return;
	if (reg->bits == 32)
		*(volatile uint32_t *)window = value;
	else if (reg->bits == 16)
		*(volatile uint16_t *)window = (uint16_t)value;
	else
		*(volatile uint8_t *)window = (uint8_t)value;
}

/* Firmware that starts in legacy mode ignores PM1 until it is told to hand the registers over. */
static void enable_acpi_mode(void)
{
	if (acpi.smi_command == 0 || acpi.acpi_enable == 0 ||
	    (arch_in16(acpi.pm1a_control) & PM1_SCI_ENABLED))
		return;
	arch_out8(acpi.smi_command, acpi.acpi_enable);
	for (int i = 0; i < 300 && !(arch_in16(acpi.pm1a_control) & PM1_SCI_ENABLED); i++)
		delay_us(1000);
}

static void pm1_sleep(uint16_t port, uint8_t type)
{
	uint16_t value = arch_in16(port);

	value = (uint16_t)((value & ~(PM1_SLEEP_TYPE(7) | PM1_SLEEP_ENABLE)) | PM1_SLEEP_TYPE(type));
	arch_out16(port, value);
	arch_out16(port, value | PM1_SLEEP_ENABLE);
}

static bool acpi_can_sleep(void)
{
	return acpi.s5_valid && (acpi.sleep_control.address != 0 || acpi.pm1a_control != 0);
}

static void acpi_power_off(void)
{
	if (acpi.hw_reduced || acpi.pm1a_control == 0) {
		register_write(&acpi.sleep_control, sleep_window, SLEEP_TYPE(acpi.s5_type_a) | SLEEP_ENABLE);
		return;
	}
	enable_acpi_mode();
	pm1_sleep(acpi.pm1a_control, acpi.s5_type_a);
	if (acpi.pm1b_control)
		pm1_sleep(acpi.pm1b_control, acpi.s5_type_b);
}

void power_off(void)
{
	printk(LOG_NOTICE, "power: off\n");
	arch_irq_disable();
	if (acpi_can_sleep()) {
		acpi_power_off();
		delay_us(500000);
		printk(LOG_WARNING, "power: the machine ignores the ACPI power-off\n");
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(emulator_pm1_ports); i++)
			arch_out16(emulator_pm1_ports[i], PM1_SLEEP_ENABLE);
		arch_out32(DEBUG_EXIT_PORT, DEBUG_EXIT_VALUE);
		printk(LOG_WARNING, "power: no way to switch this machine off is known\n");
	}
	power_halt();
}

void power_reset(void)
{
	printk(LOG_NOTICE, "power: reset\n");
	arch_irq_disable();
	if (acpi.reset.address) {
		register_write(&acpi.reset, reset_window, acpi.reset_value);
		delay_us(50000);
	}
	arch_out8(RESET_CONTROL_PORT, RESET_HARD);
	delay_us(10);
	arch_out8(RESET_CONTROL_PORT, RESET_HARD | RESET_NOW);
	delay_us(50000);
	arch_reset();
}

void power_halt(void)
{
	printk(LOG_NOTICE, "power: halted; the machine can be switched off now\n");
	arch_cpu_halt();
}

/* --- Ctrl-Alt-Del ----------------------------------------------------------------------------------- */

static struct waitqueue request_wq = WAITQUEUE_INIT(request_wq);
static _Atomic bool reboot_requested;

void power_request_reboot(void)
{
	atomic_store(&reboot_requested, true);
	wake_up(&request_wq);
}

static void request_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct process *init;

		wait_event(&request_wq, atomic_load(&reboot_requested));
		atomic_store(&reboot_requested, false);
		pr_notice("power: Ctrl-Alt-Del\n");
		init = process_find(1);
		if (!init)
			power_reset();
		signal_process(init, SIGINT, NULL);
		process_put(init);
	}
}

static void *window_for(const struct acpi_register *reg)
{
	if (reg->address == 0 || reg->space != ACPI_SPACE_MEMORY)
		return NULL;
	return mmio_map(reg->address, sizeof(uint32_t), PT_READ | PT_WRITE | PT_UNCACHED);
}

void power_init(void)
{
	reset_window = window_for(&acpi.reset);
	sleep_window = window_for(&acpi.sleep_control);
	if (!kthread_create("power", request_thread, NULL))
		pr_warn("power: no memory for the thread that serves Ctrl-Alt-Del\n");
}
