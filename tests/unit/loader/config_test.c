/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/config.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <loader/config.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static struct config cfg;
static struct config_error error;

/* From a buffer of exactly that size, so that the sanitizer sees a read behind it. */
static int parse_bytes(const char *text, size_t len)
{
	char *exact = malloc(len ? len : 1);
	int err;

	memcpy(exact, text, len);
	err = config_parse(exact, len, &cfg, &error);
	free(exact);
	return err;
}

static void assert_text(struct config_text text, const char *want)
{
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.at, want, text.len);
}

static void assert_refused(const char *text, uint32_t line, const char *what)
{
	assert_true(parse_bytes(text, strlen(text)) < 0);
	assert_string_equal(error.what, what);
	assert_int_equal(error.line, line);
}

static void builtin_boots_the_usual_files(void **state)
{
	(void)state;
	assert_int_equal(config_parse(config_builtin, config_builtin_len, &cfg, &error), 0);
	assert_int_equal(cfg.entry_count, 1);
	assert_int_equal(cfg.timeout_s, 0);
	assert_text(cfg.entries[0].kernel.path, "/serix/serix.elf");
	assert_int_equal(cfg.entries[0].module_count, 1);
	assert_text(cfg.entries[0].modules[0].path, "/serix/initrd.cpio");
	assert_false(cfg.entries[0].kernel.has_sha256);
}

static void everything_is_understood(void **state)
{
	static const char text[] = "# a comment\r\n"
				   "default = two\r\n"
				   "\ttimeout=12 \r\n"
				   "\r\n"
				   "[one]\r\n"
				   "kernel=/a\r\n"
				   "[ two ]\r\n"
				   "kernel = /b/c.elf\r\n"
				   "kernel_sha256=" HASH "\r\n"
				   "module=/x\r\n"
				   "module=/y\r\n"
				   "module_sha256=" HASH "\r\n"
				   "video=1024x768\r\n"
				   "cmdline= a=b c==d # not a comment";

	(void)state;
	assert_int_equal(config_parse(text, sizeof(text) - 1, &cfg, &error), 0);
	assert_int_equal(cfg.entry_count, 2);
	assert_int_equal(cfg.default_entry, 1);
	assert_int_equal(cfg.timeout_s, 12);
	assert_text(cfg.entries[0].name, "one");
	assert_int_equal(cfg.entries[0].module_count, 0);
	assert_int_equal(cfg.entries[0].cmdline.len, 0);
	assert_int_equal(cfg.entries[0].video.kind, CONFIG_VIDEO_AUTO);
	assert_text(cfg.entries[1].name, "two");
	assert_text(cfg.entries[1].cmdline, "a=b c==d # not a comment");
	assert_int_equal(cfg.entries[1].video.kind, CONFIG_VIDEO_SIZE);
	assert_int_equal(cfg.entries[1].video.width, 1024);
	assert_int_equal(cfg.entries[1].video.height, 768);
	assert_true(cfg.entries[1].kernel.has_sha256);
	assert_int_equal(cfg.entries[1].kernel.sha256[1], 0x11);
	assert_int_equal(cfg.entries[1].kernel.sha256[31], 0xff);
	assert_false(cfg.entries[1].modules[0].has_sha256);
	assert_true(cfg.entries[1].modules[1].has_sha256);
}

static void mistakes_are_named_with_their_line(void **state)
{
	(void)state;
	assert_refused("", 1, "no [entry]");
	assert_refused("timeout=1\n", 2, "no [entry]");
	assert_refused("kernel=/a\n[x]\n", 1, "unknown key before the first [entry]");
	assert_refused("[x]\nkernel=/a\nfoo=1\n", 3, "unknown key in an entry");
	assert_refused("[x]\nkernel\n", 2, "expected key=value");
	assert_refused("\n[x]\n[y]\nkernel=/a\n", 2, "entry without kernel=");
	assert_refused("[x]\n", 1, "entry without kernel=");
	assert_refused("[x\n", 1, "[ without ]");
	assert_refused("[]\n", 1, "an entry name is 1 to 31 letters, digits, '-', '_' or '.'");
	assert_refused("[a b]\n", 1, "an entry name is 1 to 31 letters, digits, '-', '_' or '.'");
	assert_refused("[x]\nkernel=/a\n[x]\nkernel=/a\n", 3, "two entries of one name");
	assert_refused("default=z\n[x]\nkernel=/a\n", 1, "default names no entry");
	assert_refused("default=x\ndefault=x\n", 2, "default given twice");
	assert_refused("timeout=1\ntimeout=1\n", 2, "timeout given twice");
	assert_refused("timeout=3601\n", 1, "timeout is a number of seconds, 0 to 3600");
	assert_refused("timeout=99999999999\n", 1, "timeout is a number of seconds, 0 to 3600");
	assert_refused("timeout=-1\n", 1, "timeout is a number of seconds, 0 to 3600");
	assert_refused("timeout=\n", 1, "timeout is a number of seconds, 0 to 3600");
	assert_refused("[x]\nkernel=a\n", 2, "a path begins with /");
	assert_refused("[x]\nkernel=/\n", 2, "a path begins with /");
	assert_refused("[x]\nkernel=/a\\b\n", 2, "a path uses / and not \\");
	assert_refused("[x]\nkernel=/a/\n", 2, "path names a folder");
	assert_refused("[x]\nkernel=/a\nkernel=/b\n", 3, "key given twice in one entry");
	assert_refused("[x]\ncmdline=a\ncmdline=b\n", 3, "key given twice in one entry");
	assert_refused("[x]\nvideo=big\n", 2, "video is auto, keep or WIDTHxHEIGHT");
	assert_refused("[x]\nvideo=0x768\n", 2, "video is auto, keep or WIDTHxHEIGHT");
	assert_refused("[x]\nvideo=99999x768\n", 2, "video is auto, keep or WIDTHxHEIGHT");
	assert_refused("[x]\nvideo=1024x\n", 2, "video is auto, keep or WIDTHxHEIGHT");
	assert_refused("[x]\nmodule_sha256=" HASH "\n", 2, "module_sha256 before any module");
	assert_refused("[x]\nkernel_sha256=" HASH "0\n", 2, "a SHA-256 is 64 hex digits");
	assert_refused("[x]\nkernel_sha256=12\n", 2, "a SHA-256 is 64 hex digits");
	assert_refused("[x]\nkernel_sha256=" HASH "\nkernel_sha256=" HASH "\n", 3,
		       "second hash for one file");
	assert_refused("# gr\xc3\xbc\xc3\x9f\n", 1, "not printable ASCII");
	assert_refused("[x]\nkernel=/a\x01\n", 2, "not printable ASCII");
}

static void a_nul_is_refused(void **state)
{
	(void)state;
	assert_true(parse_bytes("[x]\nkernel=/a\0b\n", 16) < 0);
	assert_string_equal(error.what, "not printable ASCII");
}

static char big[CONFIG_MAX_BYTES + 1];

static void size_is_limited(void **state)
{
	(void)state;
	memset(big, '\n', sizeof(big));
	memcpy(big, "[x]\nkernel=/a\n", 14);
	assert_int_equal(parse_bytes(big, CONFIG_MAX_BYTES), 0);
	assert_true(parse_bytes(big, CONFIG_MAX_BYTES + 1) < 0);
	assert_string_equal(error.what, "larger than 4096 bytes");
}

static void long_values_are_limited(void **state)
{
	(void)state;
	memset(big, 'p', sizeof(big));
	memcpy(big, "[x]\nkernel=/", 12);
	assert_int_equal(parse_bytes(big, 11 + CONFIG_PATH_LEN), 0);
	assert_true(parse_bytes(big, 12 + CONFIG_PATH_LEN) < 0);
	assert_string_equal(error.what, "path longer than 255 characters");
	memcpy(big, "[x]\nkernel=/a\ncmdline=", 22);
	assert_int_equal(parse_bytes(big, 22 + BOOT_CMDLINE_LEN - 1), 0);
	assert_true(parse_bytes(big, 22 + BOOT_CMDLINE_LEN) < 0);
	assert_string_equal(error.what, "command line longer than 2047 characters");
}

static void counts_are_limited(void **state)
{
	char text[512];
	size_t at = 0;

	(void)state;
	for (unsigned int i = 0; i <= CONFIG_MAX_ENTRIES; i++)
		at += (size_t)sprintf(text + at, "[e%u]\nkernel=/a\n", i);
	assert_true(parse_bytes(text, at) < 0);
	assert_string_equal(error.what, "more than 8 entries");
	at = (size_t)sprintf(text, "[e]\nkernel=/a\n");
	for (unsigned int i = 0; i < BOOT_MAX_MODULES; i++)
		at += (size_t)sprintf(text + at, "module=/m\n");
	assert_int_equal(parse_bytes(text, at), 0);
	at += (size_t)sprintf(text + at, "module=/m\n");
	assert_true(parse_bytes(text, at) < 0);
	assert_string_equal(error.what, "more than 16 modules");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builtin_boots_the_usual_files),
		cmocka_unit_test(everything_is_understood),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(size_is_limited),
		cmocka_unit_test(long_values_are_limited),
		cmocka_unit_test(counts_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
