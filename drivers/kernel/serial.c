/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four PC serial ports: finding them, and the polled console for the kernel log.
 *
 * The console and the port's terminal write to the same transmitter without waiting for each other, so that
 * the log works whatever state the rest is in: the console writes one byte each time the FIFO is empty, and
 * the terminal fills it only up to one byte below its depth.
 */
#include <kernel/serial.h>

#include "console_select.h"
#include "serial_priv.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/boot_info.h>
#include <kernel/printk.h>

/* Reads of LSR before a port counts as dead.  A read takes about a microsecond on real hardware, where a full
 * FIFO at 115200 baud drains in 1.4 ms; but an emulated port waits for a reader that its host may keep from
 * running for a good part of a second, and the end of a panic must not be what is lost. */
#define TX_WAIT_READS 1000000

#define UART(port_, irq_)                                                                          \
	{                                                                                          \
		.port = (port_), .irq = (irq_), .line_lock = SPINLOCK_INIT("uart line", RANK_UART) \
	}

struct uart uarts[UART_COUNT] = {
	UART(0x3f8, 4),
	UART(0x2f8, 3),
	UART(0x3e8, 4),
	UART(0x2e8, 3),
};

static const char *const uart_names[UART_COUNT] = { "ttyS0", "ttyS1", "ttyS2", "ttyS3" };

static struct console serial_consoles[UART_COUNT];

void uart_set_line(struct uart *u, unsigned divisor, uint8_t lcr)
{
	uint64_t flags = spin_lock_irqsave(&u->line_lock);

	arch_out8(u->port + UART_LCR, lcr | LCR_DLAB);
	arch_out8(u->port + UART_DLL, divisor & 0xff);
	arch_out8(u->port + UART_DLM, divisor >> 8);
	arch_out8(u->port + UART_LCR, lcr);
	spin_unlock_irqrestore(&u->line_lock, flags);
}

/* The interrupt-enable register keeps its low four bits, and in loop-back mode the modem outputs come
 * back as the modem inputs.  Neither needs the line to be paced, and no bus float passes both. */
static bool uart_probe(const struct uart *u)
{
	uint8_t cleared, set, loop;

	arch_out8(u->port + UART_LCR, LCR_8N1);
	arch_out8(u->port + UART_IER, 0);
	cleared = arch_in8(u->port + UART_IER);
	arch_out8(u->port + UART_IER, 0x0f);
	set = arch_in8(u->port + UART_IER);
	arch_out8(u->port + UART_IER, 0);
	if ((cleared & 0x0f) != 0 || (set & 0x0f) != 0x0f || set == 0xff)
		return false;
	arch_out8(u->port + UART_MCR, MCR_LOOP | MCR_OUT2 | MCR_RTS);
	loop = arch_in8(u->port + UART_MSR) & 0xf0;
	arch_out8(u->port + UART_MCR, MCR_DTR | MCR_RTS);
	return loop == 0x90;
}

static void uart_setup(struct uart *u)
{
	uart_set_line(u, 1, LCR_8N1);
	arch_out8(u->port + UART_FCR, FCR_ENABLE);
	u->fifo = (arch_in8(u->port + UART_IIR) & 0xc0) == 0xc0;
	arch_out8(u->port + UART_FCR, u->fifo ? FCR_ENABLE | FCR_CLEAR | FCR_RX_8 : 0);
	arch_out8(u->port + UART_MCR, MCR_DTR | MCR_RTS);
}

/* In a panic without the lock: the CPU that holds it may be halted, with the divisor where THR should be. */
static void uart_send(struct uart *u, char c)
{
	uint64_t flags;

	if (console_in_panic()) {
		arch_out8(u->port + UART_LCR, LCR_8N1);
		arch_out8(u->port + UART_THR, (uint8_t)c);
		return;
	}
	flags = spin_lock_irqsave(&u->line_lock);
	arch_out8(u->port + UART_THR, (uint8_t)c);
	spin_unlock_irqrestore(&u->line_lock, flags);
}

/* A port whose transmitter got stuck once is only looked at, not waited for, until it moves again. */
static void uart_put(struct uart *u, char c)
{
	unsigned reads = u->stuck ? 1 : TX_WAIT_READS;

	while ((arch_in8(u->port + UART_LSR) & LSR_THRE) == 0) {
		if (--reads == 0) {
			u->stuck = true;
			return;
		}
		arch_cpu_relax();
	}
	u->stuck = false;
	uart_send(u, c);
}

static void serial_console_write(struct console *con, const char *text, size_t len)
{
	struct uart *u = &uarts[con - serial_consoles];

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			uart_put(u, '\r');
		uart_put(u, text[i]);
	}
}

void serial_early_init(void)
{
	for (unsigned i = 0; i < UART_COUNT; i++) {
		struct uart *u = &uarts[i];

		u->present = uart_probe(u);
		if (!u->present)
			continue;
		uart_setup(u);
		if (!log_wanted(boot_info.cmdline, uart_names[i]))
			continue;
		serial_consoles[i].name = uart_names[i];
		serial_consoles[i].write = serial_console_write;
		console_register(&serial_consoles[i]);
	}
}
