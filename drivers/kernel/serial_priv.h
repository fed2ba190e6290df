/* SPDX-License-Identifier: BSD-2-Clause */
/* What the polled console (serial.c) and the terminals (serial_tty.c) share: the ports and registers. */
#pragma once

#include <kernel/spinlock.h>
#include <kernel/types.h>

#define UART_COUNT 4

/* Register offsets; DLL and DLM stand in for RBR/THR and IER while LCR_DLAB is set. */
#define UART_RBR 0
#define UART_THR 0
#define UART_DLL 0
#define UART_IER 1
#define UART_DLM 1
#define UART_IIR 2
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6

#define IER_RX     0x01
#define IER_TX     0x02
#define IER_LINE   0x04
#define IIR_NONE   0x01
#define FCR_ENABLE 0x01
#define FCR_CLEAR  0x06
#define FCR_RX_8   0x80 /* interrupt at 8 bytes, or 4 character times after the last */
#define LCR_8N1    0x03
#define LCR_DLAB   0x80
#define MCR_DTR    0x01
#define MCR_RTS    0x02
#define MCR_OUT2   0x08 /* gates the interrupt line on PCs */
#define MCR_LOOP   0x10
#define LSR_DATA   0x01
#define LSR_PARITY 0x04
#define LSR_FRAME  0x08
#define LSR_BREAK  0x10
#define LSR_THRE   0x20 /* transmit FIFO empty */
#define LSR_TEMT   0x40

#define UART_BASE_BAUD 115200u

struct uart {
	uint16_t port;
	uint8_t irq;
	bool present; /* [i] after serial_early_init */
	bool fifo;    /* [i] a 16550A: 16 bytes each way */
	bool stuck;   /* the transmitter did not become free in time: stop waiting for it */
	/* RANK_UART.  A byte from the log goes to THR, or the divisor stands there: never both. */
	struct spinlock line_lock;
};

extern struct uart uarts[UART_COUNT];

/* Divisor and line format; interrupts of the port are left as they are. */
void uart_set_line(struct uart *u, unsigned divisor, uint8_t lcr);
