/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/ttyS0 to ttyS3: the serial ports driven by interrupts.
 *
 * The terminal puts bytes into a ring; the transmit interrupt moves them to the FIFO and is switched off
 * when there is nothing to send.  When the terminal has no room for input, the receive interrupt is
 * switched off and the bytes stay in the port, which an emulator passes on to whoever sends.
 */
#include <kernel/serial.h>

#include "serial_priv.h"

#include <arch/io.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/irq.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <serix/termios.h>

#define TTY_MAJOR      4
#define SERIAL_MINOR   64
#define TX_RING        4096u
#define TX_LOW         1024u /* below it writers are woken */
#define RX_CHUNK       64u
#define FIFO_ROOM      15 /* of 16: the last one is the log's (serial.c) */
#define SERVICE_ROUNDS 64

/* Which ports an interrupt line serves: bit n, uarts[n]. */
struct serial_line {
	uint8_t irq;
	uint8_t ports;
};

struct serial_port {
	struct uart *uart;    /* [i] */
	struct tty *tty;      /* [i] */
	struct spinlock lock; /* RANK_DEVICE; everything below and the registers */
	uint8_t enabled;      /* IER as it should be */
	bool room_wanted;     /* a write was cut short, or somebody waits for the end */
	uint32_t head, tail;
	char ring[TX_RING];
};

static struct serial_port ports[UART_COUNT];
static struct serial_line lines[] = { { .irq = 4 }, { .irq = 3 } };

static void set_enabled_locked(struct serial_port *p, uint8_t enabled)
{
	assert_held(&p->lock);
	if (enabled != p->enabled) {
		p->enabled = enabled;
		arch_out8(p->uart->port + UART_IER, enabled);
	}
}

/* Fill the FIFO if it is empty.  Interrupts for it stay on while bytes are left. */
static void transmit_locked(struct serial_port *p)
{
	int room = p->uart->fifo ? FIFO_ROOM : 1;

	if (p->head != p->tail && (arch_in8(p->uart->port + UART_LSR) & LSR_THRE)) {
		for (; room > 0 && p->tail != p->head; room--)
			arch_out8(p->uart->port + UART_THR, (uint8_t)p->ring[p->tail++ % TX_RING]);
	}
	if (p->head != p->tail)
		set_enabled_locked(p, p->enabled | IER_TX);
	else
		set_enabled_locked(p, p->enabled & (uint8_t)~IER_TX);
}

/* --- what the terminal asks ------------------------------------------------------------------------- */

static size_t serial_write(struct tty *tty, const char *text, size_t len)
{
	struct serial_port *p = tty_driver_data(tty);
	uint64_t flags = spin_lock_irqsave(&p->lock);
	size_t n = MIN(len, (size_t)(TX_RING - (p->head - p->tail)));

	for (size_t i = 0; i < n; i++)
		p->ring[p->head++ % TX_RING] = text[i];
	p->room_wanted = true;
	transmit_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
	return n;
}

/* What is in the port's FIFO counts as sent. */
static size_t serial_unsent(struct tty *tty)
{
	struct serial_port *p = tty_driver_data(tty);
	uint64_t flags = spin_lock_irqsave(&p->lock);
	size_t n = p->head - p->tail;

	spin_unlock_irqrestore(&p->lock, flags);
	return n;
}

static void serial_flush_output(struct tty *tty)
{
	struct serial_port *p = tty_driver_data(tty);
	uint64_t flags = spin_lock_irqsave(&p->lock);

	p->tail = p->head;
	transmit_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static unsigned baud_of(uint32_t cflag)
{
	static const uint32_t slow[] = { 0,   50,   75,   110,  134,  150,  200,   300,
					 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };

	switch (cflag & CBAUD) {
	case B57600:
		return 57600;
	case B115200:
		return 115200;
	default:
		return (cflag & CBAUDEX) ? 115200 : slow[cflag & CBAUD & ~CBAUDEX];
	}
}

static uint8_t line_control(uint32_t cflag)
{
	uint8_t lcr = (uint8_t)((cflag & CSIZE) >> 4); /* 5 to 8 bits */

	if (cflag & CSTOPB)
		lcr |= 0x04;
	if (cflag & PARENB)
		lcr |= (cflag & PARODD) ? 0x08 : 0x18;
	return lcr;
}

/* B0 means: hang up the line. */
static void serial_set_termios(struct tty *tty, const struct abi_termios *t)
{
	struct serial_port *p = tty_driver_data(tty);
	unsigned baud = baud_of(t->cflag);
	uint64_t flags = spin_lock_irqsave(&p->lock);

	if (baud != 0)
		uart_set_line(p->uart, UART_BASE_BAUD / baud, line_control(t->cflag));
	arch_out8(p->uart->port + UART_MCR, MCR_OUT2 | (baud ? MCR_DTR | MCR_RTS : 0));
	spin_unlock_irqrestore(&p->lock, flags);
}

static void serial_unthrottle(struct tty *tty)
{
	struct serial_port *p = tty_driver_data(tty);
	uint64_t flags = spin_lock_irqsave(&p->lock);

	set_enabled_locked(p, p->enabled | IER_RX | IER_LINE);
	spin_unlock_irqrestore(&p->lock, flags);
}

static const struct tty_driver_ops serial_ops = {
	.write = serial_write,
	.unsent = serial_unsent,
	.flush_output = serial_flush_output,
	.set_termios = serial_set_termios,
	.unthrottle = serial_unthrottle,
};

/* --- interrupts ------------------------------------------------------------------------------------- */

/* Up to len bytes; a break ends the run. */
static size_t receive(struct serial_port *p, char *buf, size_t len, bool *was_break)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	size_t n = 0;

	*was_break = false;
	while (n < len && !*was_break) {
		uint8_t status = arch_in8(p->uart->port + UART_LSR);

		if (!(status & LSR_DATA))
			break;
		buf[n] = (char)arch_in8(p->uart->port + UART_RBR);
		if (status & LSR_BREAK)
			*was_break = true;
		else
			n++;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return n;
}

static void stop_receiving(struct serial_port *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	set_enabled_locked(p, p->enabled & (uint8_t) ~(IER_RX | IER_LINE));
	spin_unlock_irqrestore(&p->lock, flags);
}

static void service_input(struct serial_port *p)
{
	char buf[RX_CHUNK];
	bool was_break;
	size_t n;

	if (!(p->enabled & IER_RX))
		return;
	if (tty_input_room(p->tty) < RX_CHUNK) {
		/* A reader on another CPU may have made room before the terminal knew that we stopped. */
		stop_receiving(p);
		if (tty_input_room(p->tty) < RX_CHUNK)
			return;
		serial_unthrottle(p->tty);
	}
	n = receive(p, buf, sizeof(buf), &was_break);
	if (n)
		tty_input(p->tty, buf, n);
	if (was_break)
		tty_break(p->tty);
}

static void service_output(struct serial_port *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	bool tell;

	transmit_locked(p);
	tell = p->room_wanted && p->head - p->tail < TX_LOW;
	if (tell)
		p->room_wanted = p->head != p->tail;
	spin_unlock_irqrestore(&p->lock, flags);
	if (tell)
		tty_output_ready(p->tty);
}

static bool service_port(struct serial_port *p)
{
	if (arch_in8(p->uart->port + UART_IIR) & IIR_NONE)
		return false;
	service_input(p);
	service_output(p);
	return true;
}

/* The line is edge-triggered and shared: go on until no port asks, or the next edge never comes. */
static void serial_interrupt(void *arg)
{
	const struct serial_line *line = arg;
	bool again = true;

	for (int round = 0; again && round < SERVICE_ROUNDS; round++) {
		again = false;
		for (unsigned i = 0; i < UART_COUNT; i++) {
			if (line->ports & (1u << i))
				again |= service_port(&ports[i]);
		}
	}
}

/* --- start-up --------------------------------------------------------------------------------------- */

static bool port_init(unsigned i)
{
	struct serial_port *p = &ports[i];
	char name[8];

	spin_init(&p->lock, "serial", RANK_DEVICE);
	p->uart = &uarts[i];
	snprintf(name, sizeof(name), "ttyS%u", i);
	p->tty = tty_create(name, makedev(TTY_MAJOR, SERIAL_MINOR + i), &serial_ops, p);
	return p->tty != NULL;
}

static void port_start(struct serial_port *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	arch_out8(p->uart->port + UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	(void)arch_in8(p->uart->port + UART_RBR);
	(void)arch_in8(p->uart->port + UART_IIR);
	set_enabled_locked(p, IER_RX | IER_LINE);
	spin_unlock_irqrestore(&p->lock, flags);
	pr_info("serial: ttyS%u at port 0x%x, line %u%s\n", (unsigned)(p - ports), p->uart->port,
		p->uart->irq, p->uart->fifo ? "" : ", no FIFO");
}

void serial_init(void)
{
	for (unsigned i = 0; i < UART_COUNT; i++) {
		if (uarts[i].present && port_init(i))
			lines[uarts[i].irq == 4 ? 0 : 1].ports |= (uint8_t)(1u << i);
	}
	for (size_t l = 0; l < ARRAY_SIZE(lines); l++) {
		if (!lines[l].ports)
			continue;
		if (irq_request_isa(lines[l].irq, "serial", serial_interrupt, &lines[l]) < 0) {
			pr_warn("serial: interrupt line %u is not available\n", lines[l].irq);
			continue;
		}
		for (unsigned i = 0; i < UART_COUNT; i++) {
			if (lines[l].ports & (1u << i))
				port_start(&ports[i]);
		}
	}
}
