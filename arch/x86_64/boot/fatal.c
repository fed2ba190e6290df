/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot code's only voice.  Works with no serial port, no screen, or neither. */
#include "boot.h"

#define COM1          0x3f8
#define UART_DIVISOR  0
#define UART_IER      1
#define UART_FCR      2
#define UART_LCR      3
#define UART_LSR      5
#define LCR_8N1       0x03
#define LCR_DLAB      0x80
#define LSR_THR_EMPTY 0x20
#define UART_PATIENCE 100000

#define VGA_TEXT      0xb8000ull
#define VGA_COLUMNS   80
#define VGA_WHITE_RED 0x4f00

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void serial_init(void)
{
	out8(COM1 + UART_IER, 0);
	out8(COM1 + UART_LCR, LCR_DLAB);
	out8(COM1 + UART_DIVISOR, 1); /* 115200 */
	out8(COM1 + UART_IER, 0);
	out8(COM1 + UART_LCR, LCR_8N1);
	out8(COM1 + UART_FCR, 0x01);
}

static void serial_put(char c)
{
	/* A port that is absent reads as all ones: ready.  One that is stuck costs a bounded wait. */
	for (unsigned i = 0; i < UART_PATIENCE && !(in8(COM1 + UART_LSR) & LSR_THR_EMPTY); i++)
		;
	out8(COM1, (uint8_t)c);
}

static unsigned put_text(const char *text, unsigned column)
{
	volatile uint16_t *vga = (volatile uint16_t *)VGA_TEXT;

	for (; *text; text++) {
		serial_put(*text);
		if (column < VGA_COLUMNS)
			vga[column++] = (uint16_t)(VGA_WHITE_RED | (uint8_t)*text);
	}
	return column;
}

void boot_fatal(const char *who, const char *what)
{
	unsigned column;

	serial_init();
	column = put_text("serix: ", 0);
	column = put_text(who, column);
	column = put_text(": ", column);
	put_text(what, column);
	serial_put('\r');
	serial_put('\n');
	for (;;)
		__asm__ volatile("cli; hlt");
}
