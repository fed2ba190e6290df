/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The i8042 controller and its keyboard.  The controller may be missing, emulated by firmware or slow:
 * every wait is bounded, and a step that fails leaves the keyboard out with one line in the log.  The
 * keyboard runs in scancode set 2, which the controller translates to set 1.
 */
#include <kernel/keyboard.h>

#include "fbterm/fbterm.h"
#include "keymap.h"

#include <arch/io.h>
#include <arch/platform.h>
#include <kernel/fbterm.h>
#include <kernel/irq.h>
#include <kernel/power.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <kernel/tty.h>

#define PS2_DATA    0x60
#define PS2_STATUS  0x64 /* read */
#define PS2_COMMAND 0x64 /* write */

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL  0x02
#define STATUS_AUX         0x20 /* the byte came from the mouse */

#define CMD_READ_CONFIG  0x20
#define CMD_WRITE_CONFIG 0x60
#define CMD_DISABLE_AUX  0xa7
#define CMD_SELF_TEST    0xaa
#define CMD_TEST_PORT    0xab
#define CMD_DISABLE_KBD  0xad
#define CMD_ENABLE_KBD   0xae

#define CONFIG_IRQ_KBD   0x01
#define CONFIG_IRQ_AUX   0x02
#define CONFIG_NO_KBD    0x10
#define CONFIG_NO_AUX    0x20
#define CONFIG_TRANSLATE 0x40

#define KBD_SET_LEDS 0xed
#define KBD_ENABLE   0xf4
#define KBD_ACK      0xfa
#define KBD_RESEND   0xfe

#define KEYBOARD_LINE     1
#define FADT_8042_PRESENT (1u << 1)
#define STEP_US           50
#define STEPS             2000 /* 100 ms */
#define BYTES_PER_IRQ     32

static struct keyboard keyboard; /* the interrupt handler's own */
static struct tty *keyboard_tty;
static uint8_t leds_shown, leds_wanted;
static bool led_byte_due; /* SET_LEDS was sent: its argument follows the ACK */

static bool wait_input_empty(void)
{
	for (int i = 0; i < STEPS; i++) {
		if (!(arch_in8(PS2_STATUS) & STATUS_INPUT_FULL))
			return true;
		delay_us(STEP_US);
	}
	return false;
}

static int read_byte(void)
{
	for (int i = 0; i < STEPS; i++) {
		if (arch_in8(PS2_STATUS) & STATUS_OUTPUT_FULL)
			return arch_in8(PS2_DATA);
		delay_us(STEP_US);
	}
	return -1;
}

static bool command(uint8_t cmd)
{
	if (!wait_input_empty())
		return false;
	arch_out8(PS2_COMMAND, cmd);
	return true;
}

static bool send_data(uint8_t value)
{
	if (!wait_input_empty())
		return false;
	arch_out8(PS2_DATA, value);
	return true;
}

static void discard_output(void)
{
	for (int i = 0; i < 64 && (arch_in8(PS2_STATUS) & STATUS_OUTPUT_FULL); i++) {
		(void)arch_in8(PS2_DATA);
		delay_us(STEP_US);
	}
}

/* A byte to the keyboard itself; it answers ACK, perhaps after keys that were pressed meanwhile. */
static bool keyboard_command(uint8_t value)
{
	for (int attempt = 0; attempt < 3; attempt++) {
		int answer = 0;

		if (!send_data(value))
			return false;
		for (int i = 0; i < 8 && answer != KBD_ACK && answer != KBD_RESEND && answer >= 0; i++)
			answer = read_byte();
		if (answer == KBD_ACK)
			return true;
	}
	return false;
}

/* NULL, or the step that failed. */
static const char *controller_start(void)
{
	int config, test;

	if (!command(CMD_DISABLE_KBD) || !command(CMD_DISABLE_AUX))
		return "the controller takes no commands";
	discard_output();
	if (!command(CMD_SELF_TEST))
		return "the controller takes no commands";
	test = read_byte();
	if (test != 0x55)
		return "the controller's self test fails";
	if (!command(CMD_READ_CONFIG))
		return "the configuration cannot be read";
	config = read_byte();
	if (config < 0)
		return "the configuration cannot be read";
	if (!command(CMD_TEST_PORT) || read_byte() != 0)
		return "the keyboard port's test fails";
	config = (config & ~(CONFIG_IRQ_AUX | CONFIG_NO_KBD)) | CONFIG_IRQ_KBD | CONFIG_NO_AUX |
		 CONFIG_TRANSLATE;
	if (!command(CMD_WRITE_CONFIG) || !send_data((uint8_t)config) || !command(CMD_ENABLE_KBD))
		return "the configuration cannot be written";
	return NULL;
}

/* --- running ---------------------------------------------------------------------------------------- */

/* The LEDs change by a dialogue: SET_LEDS, ACK, value, ACK.  Each ACK arrives as an interrupt. */
static void leds_update(void)
{
	if (led_byte_due || leds_wanted == leds_shown || (arch_in8(PS2_STATUS) & STATUS_INPUT_FULL))
		return;
	led_byte_due = true;
	arch_out8(PS2_DATA, KBD_SET_LEDS);
}

static bool leds_answer(uint8_t code)
{
	if (code != KBD_ACK && code != KBD_RESEND)
		return false;
	if (code == KBD_ACK && led_byte_due) {
		arch_out8(PS2_DATA, leds_wanted);
		leds_shown = leds_wanted;
	}
	led_byte_due = false;
	return true;
}

static void act(enum key_action action)
{
	switch (action) {
	case KEY_ACTION_NONE:
		break;
	case KEY_ACTION_REBOOT:
		power_request_reboot();
		break;
	case KEY_ACTION_PAGE_UP:
		fbterm_scroll(-1);
		break;
	case KEY_ACTION_PAGE_DOWN:
		fbterm_scroll(1);
		break;
	case KEY_ACTION_LOCKS:
		leds_wanted = keyboard.locks;
		leds_update();
		break;
	}
}

static void keyboard_byte(uint8_t code)
{
	struct key_event event;

	if (leds_answer(code))
		return;
	keyboard.application_cursor = fbterm_application_cursor();
	keymap_feed(&keyboard, code, &event);
	act(event.action);
	if (event.len)
		tty_input(keyboard_tty, event.bytes, event.len);
}

static void keyboard_interrupt(void *arg)
{
	uint8_t status;

	(void)arg;
	for (int i = 0; i < BYTES_PER_IRQ; i++) {
		status = arch_in8(PS2_STATUS);
		if (!(status & STATUS_OUTPUT_FULL))
			break;
		if (status & STATUS_AUX)
			(void)arch_in8(PS2_DATA);
		else
			keyboard_byte(arch_in8(PS2_DATA));
	}
}

static bool controller_present(void)
{
	if (platform.iapc_boot_flags_valid && !(platform.iapc_boot_flags & FADT_8042_PRESENT))
		return false;
	return arch_in8(PS2_STATUS) != 0xff;
}

void keyboard_init(void)
{
	const char *wrong;

	keyboard_tty = tty_find("tty1");
	if (!keyboard_tty || !controller_present())
		return;
	wrong = controller_start();
	if (!wrong && !keyboard_command(KBD_ENABLE))
		wrong = "no keyboard answers";
	if (wrong) {
		pr_notice("ps2: %s; no PS/2 keyboard\n", wrong);
		return;
	}
	discard_output();
	if (irq_request_isa(KEYBOARD_LINE, "keyboard", keyboard_interrupt, NULL) < 0) {
		pr_warn("ps2: interrupt line %d is not available; no PS/2 keyboard\n", KEYBOARD_LINE);
		return;
	}
	/* A byte that came in before the line was routed holds the edge back: take it out by hand. */
	discard_output();
	pr_info("ps2: keyboard\n");
}
