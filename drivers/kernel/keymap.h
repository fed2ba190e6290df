/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From scancodes (set 1) to what a terminal receives: US layout, modifiers, locks, function and cursor
 * keys as xterm sends them.  Pure.
 */
#pragma once

#include <kernel/compiler.h>

#define KEYMAP_MAX_OUTPUT 8

/* Bits of keyboard.modifiers. */
#define KEY_SHIFT 0x03 /* left 1, right 2 */
#define KEY_CTRL  0x0c
#define KEY_ALT   0x10 /* the left one: ESC prefix */
#define KEY_ALTGR 0x20

/* Lock bits, as the LED command of the keyboard wants them. */
#define KEY_SCROLL_LOCK 0x01
#define KEY_NUM_LOCK    0x02
#define KEY_CAPS_LOCK   0x04

enum key_action {
	KEY_ACTION_NONE,
	KEY_ACTION_REBOOT,  /* Ctrl-Alt-Del */
	KEY_ACTION_PAGE_UP, /* Shift-PageUp: the view */
	KEY_ACTION_PAGE_DOWN,
	KEY_ACTION_LOCKS, /* keyboard.locks changed */
};

struct keyboard {
	uint8_t modifiers;
	uint8_t locks;
	uint8_t locks_down;      /* lock keys that are held: a repeat does not toggle again */
	uint8_t prefix;          /* 0xe0 or 0xe1 seen */
	uint8_t pause_left;      /* bytes of the Pause key still to come */
	bool application_cursor; /* set by the terminal: DECCKM */
};

struct key_event {
	enum key_action action;
	size_t len;
	char bytes[KEYMAP_MAX_OUTPUT];
};

/* One scancode byte. */
void keymap_feed(struct keyboard *kb, uint8_t code, struct key_event *event);
