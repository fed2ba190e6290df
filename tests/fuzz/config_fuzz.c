/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/config.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <loader/config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *text;
static size_t text_len;

/* Every text of an accepted configuration lies inside the input. */
static void check_text(struct config_text t)
{
	if (t.len > 0 && (t.at < text || t.at + t.len > text + text_len))
		abort();
}

static void check_entry(const struct config_entry *entry)
{
	check_text(entry->name);
	check_text(entry->cmdline);
	check_text(entry->kernel.path);
	if (entry->kernel.path.len == 0 || entry->cmdline.len >= BOOT_CMDLINE_LEN ||
	    entry->module_count > BOOT_MAX_MODULES)
		abort();
	for (uint32_t i = 0; i < entry->module_count; i++)
		check_text(entry->modules[i].path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config cfg;
	struct config_error error = { 0 };

	text = (const char *)data;
	text_len = size;
	if (config_parse(text, size, &cfg, &error) < 0) {
		if (error.line == 0 || !error.what)
			abort();
		return 0;
	}
	if (cfg.entry_count == 0 || cfg.entry_count > CONFIG_MAX_ENTRIES ||
	    cfg.default_entry >= cfg.entry_count)
		abort();
	for (uint32_t i = 0; i < cfg.entry_count; i++)
		check_entry(&cfg.entries[i]);
	return 0;
}
