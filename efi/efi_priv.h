/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the UEFI loader share: the firmware's tables, text output, memory, and one
 * function or two from each file.
 *
 * Errors: a function that returns int gives 0, or a negative value after it has said on the screen
 * what is wrong; callers only pass that on.  Everything runs on one CPU, before ExitBootServices
 * unless said otherwise.
 */
#pragma once

#include <efi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <boot/boot_info.h>
#include <loader/config.h>

#define EFI_PAGE 4096u

extern EFI_HANDLE efi_image;
extern EFI_SYSTEM_TABLE *efi_st;
extern EFI_BOOT_SERVICES *efi_bs;

/* --- console.c: every output survives a firmware without screen, keyboard or serial port --- */

/* %s text, %t struct config_text by pointer, %u uint32_t, %x EFI_STATUS, %%; nothing else. */
void con_print(const char *format, ...);
void con_put(char c);
void con_clear(void);
uint32_t con_columns(void);
/* A line "Serix: error: " + message.  Returns -1 so that callers can return it. */
int con_error(const char *format, ...);
/* Take a key if there is one. */
bool con_poll_key(EFI_INPUT_KEY *key);
/* Wait at most `seconds` for a key (0: look once); for ever if CON_FOREVER. */
bool con_wait_key(uint32_t seconds, EFI_INPUT_KEY *key);
bool con_has_keyboard(void);
#define CON_FOREVER UINT32_MAX

/* --- memory.c --- */

/* Pages of one purpose; all of them are given back by mem_free_all() if the boot is called off. */
struct mem {
	uint8_t *at;
	uint64_t size; /* bytes asked for */
};

/* Page-aligned, not cleared, below 4 GiB where that is possible. */
int mem_alloc(struct mem *mem, uint64_t size, const char *what);
/* The same for code, aligned to `align` bytes (a power of two, at least a page). */
int mem_alloc_aligned(struct mem *mem, uint64_t size, uint64_t align, const char *what);
void mem_free(struct mem *mem);
void mem_free_all(void);
/* A canary for -fstack-protector that a hostile file cannot know. */
void mem_seed_canary(void);

/* --- file.c --- */

int file_open_volume(void);
/* Read the whole file, at most `max` bytes, and show the progress.  Missing or empty is an error. */
int file_load(struct config_text path, uint64_t max, struct mem *file);
/* Read a small file without a word.  1: read, 0: there is none, negative: error. */
int file_load_optional(const char *path, char *buffer, uint32_t size, uint32_t *len);
void file_close_volume(void);

/* --- trust.c --- */

bool trust_secure_boot(void);
/* Compare with the configured hash; a missing one is refused when `required`. */
int trust_check(const struct config_file *spec, const struct mem *file, bool required);

/* --- kernel.c --- */

struct kernel {
	struct mem image; /* 2 MiB aligned, relative layout as linked */
	uint64_t entry;   /* physical */
};

int kernel_load(const struct config_file *spec, bool hash_required, struct kernel *kernel);

/* --- menu.c --- */

/* What the user may change before the boot. */
struct boot_choice {
	uint32_t entry;
	char cmdline[BOOT_CMDLINE_LEN]; /* NUL-terminated */
};

/* Boots the default unless a key is pressed in time.  1: boot, 0: back to the firmware. */
int menu_choose(const struct config *cfg, bool locked, struct boot_choice *choice);

/* --- video.c --- */

/* Sets the mode.  fb->base == 0 when there is no usable graphics output: that is not an error. */
void video_set(const struct config_video *want, struct boot_framebuffer *fb);

/* --- entropy.c --- */

void entropy_gather(struct boot_info *bi);
uint64_t read_tsc(void);

/* --- pci.c --- */

/* Remember which functions may master the bus, and, after ExitBootServices, stop them. */
void pci_find_masters(void);
void pci_stop_masters(void);

/* --- leave.c --- */

/* Leaves boot services.  Returns only if that failed; on success *bi is complete and the firmware gone. */
int leave_firmware(struct boot_info *bi);

/* --- handoff.asm --- */

__attribute__((noreturn)) void handoff(uint64_t boot_info, uint64_t entry);
