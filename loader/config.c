/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <serix/errno.h>

const char config_builtin[] = "[serix]\n"
			      "kernel = /serix/serix.elf\n"
			      "module = /serix/initrd.cpio\n";
const size_t config_builtin_len = sizeof(config_builtin) - 1;

/* Keys of one entry, as bits: which of them the entry has already had. */
enum {
	HAD_KERNEL = 1 << 0,
	HAD_CMDLINE = 1 << 1,
	HAD_VIDEO = 1 << 2,
};

struct parser {
	struct config *cfg;
	struct config_error *error;
	struct config_entry *entry; /* NULL before the first section */
	uint32_t line;
	uint32_t entry_line;   /* where the current section began */
	uint32_t default_line; /* 0: no default= seen */
	bool had_timeout;
	unsigned int had; /* HAD_* of the current entry */
	struct config_text default_name;
};

static int fail_at(struct parser *p, uint32_t line, const char *what)
{
	p->error->line = line;
	p->error->what = what;
	return -EINVAL;
}

static int fail(struct parser *p, const char *what)
{
	return fail_at(p, p->line, what);
}

static bool text_is(struct config_text text, const char *word)
{
	uint32_t i;

	for (i = 0; i < text.len && word[i] != '\0'; i++) {
		if (text.at[i] != word[i])
			return false;
	}
	return i == text.len && word[i] == '\0';
}

static bool text_same(struct config_text a, struct config_text b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++) {
		if (a.at[i] != b.at[i])
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct config_text trim(struct config_text text)
{
	while (text.len > 0 && is_blank(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
	       c == '.';
}

static bool is_name(struct config_text text)
{
	if (text.len == 0 || text.len > CONFIG_NAME_LEN)
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		if (!is_name_char(text.at[i]))
			return false;
	}
	return true;
}

/* All of `text` as a decimal number of at most `max`. */
static bool parse_number(struct config_text text, uint32_t max, uint32_t *out)
{
	uint32_t value = 0;

	if (text.len == 0 || text.len > 9)
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		value = value * 10 + (uint32_t)(text.at[i] - '0');
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int parse_path(struct parser *p, struct config_text value, struct config_file *file)
{
	if (value.len < 2 || value.at[0] != '/')
		return fail(p, "a path begins with /");
	if (value.len > CONFIG_PATH_LEN)
		return fail(p, "path longer than 255 characters");
	for (uint32_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\\')
			return fail(p, "a path uses / and not \\");
	}
	if (value.at[value.len - 1] == '/')
		return fail(p, "path names a folder");
	file->path = value;
	return 0;
}

static int parse_sha256(struct parser *p, struct config_text value, struct config_file *file)
{
	if (file->has_sha256)
		return fail(p, "second hash for one file");
	if (value.len != 2 * CONFIG_SHA256_LEN)
		return fail(p, "a SHA-256 is 64 hex digits");
	for (uint32_t i = 0; i < CONFIG_SHA256_LEN; i++) {
		int high = hex_digit(value.at[2 * i]);
		int low = hex_digit(value.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return fail(p, "a SHA-256 is 64 hex digits");
		file->sha256[i] = (uint8_t)(high << 4 | low);
	}
	file->has_sha256 = true;
	return 0;
}

static bool parse_size(struct config_text value, struct config_video *video)
{
	struct config_text width = value;
	struct config_text height;

	width.len = 0;
	while (width.len < value.len && value.at[width.len] != 'x')
		width.len++;
	if (width.len == value.len)
		return false;
	height.at = value.at + width.len + 1;
	height.len = value.len - width.len - 1;
	return parse_number(width, 16384, &video->width) && parse_number(height, 16384, &video->height) &&
	       video->width > 0 && video->height > 0;
}

static int parse_video(struct parser *p, struct config_text value, struct config_video *video)
{
	if (text_is(value, "auto"))
		video->kind = CONFIG_VIDEO_AUTO;
	else if (text_is(value, "keep"))
		video->kind = CONFIG_VIDEO_KEEP;
	else if (parse_size(value, video))
		video->kind = CONFIG_VIDEO_SIZE;
	else
		return fail(p, "video is auto, keep or WIDTHxHEIGHT");
	return 0;
}

static int add_module(struct parser *p, struct config_text value)
{
	struct config_entry *entry = p->entry;

	if (entry->module_count == BOOT_MAX_MODULES)
		return fail(p, "more than 16 modules");
	return parse_path(p, value, &entry->modules[entry->module_count++]);
}

static int first_time(struct parser *p, unsigned int key)
{
	if (p->had & key)
		return fail(p, "key given twice in one entry");
	p->had |= key;
	return 0;
}

static int entry_key(struct parser *p, struct config_text key, struct config_text value)
{
	struct config_entry *entry = p->entry;

	if (text_is(key, "kernel"))
		return first_time(p, HAD_KERNEL) < 0 ? -EINVAL : parse_path(p, value, &entry->kernel);
	if (text_is(key, "video"))
		return first_time(p, HAD_VIDEO) < 0 ? -EINVAL : parse_video(p, value, &entry->video);
	if (text_is(key, "kernel_sha256"))
		return parse_sha256(p, value, &entry->kernel);
	if (text_is(key, "module"))
		return add_module(p, value);
	if (text_is(key, "module_sha256")) {
		if (entry->module_count == 0)
			return fail(p, "module_sha256 before any module");
		return parse_sha256(p, value, &entry->modules[entry->module_count - 1]);
	}
	if (text_is(key, "cmdline")) {
		if (first_time(p, HAD_CMDLINE) < 0)
			return -EINVAL;
		if (value.len >= BOOT_CMDLINE_LEN)
			return fail(p, "command line longer than 2047 characters");
		entry->cmdline = value;
		return 0;
	}
	return fail(p, "unknown key in an entry");
}

static int global_key(struct parser *p, struct config_text key, struct config_text value)
{
	if (text_is(key, "timeout")) {
		if (p->had_timeout)
			return fail(p, "timeout given twice");
		p->had_timeout = true;
		if (!parse_number(value, CONFIG_MAX_TIMEOUT, &p->cfg->timeout_s))
			return fail(p, "timeout is a number of seconds, 0 to 3600");
		return 0;
	}
	if (text_is(key, "default")) {
		if (p->default_line != 0)
			return fail(p, "default given twice");
		p->default_line = p->line;
		p->default_name = value;
		return 0;
	}
	return fail(p, "unknown key before the first [entry]");
}

/* An entry is complete when the next begins or the file ends. */
static int end_entry(struct parser *p)
{
	if (p->entry && !(p->had & HAD_KERNEL))
		return fail_at(p, p->entry_line, "entry without kernel=");
	return 0;
}

static int begin_entry(struct parser *p, struct config_text line)
{
	struct config *cfg = p->cfg;
	struct config_text name = { line.at + 1, line.len - 1 };

	if (end_entry(p) < 0)
		return -EINVAL;
	if (name.len == 0 || name.at[name.len - 1] != ']')
		return fail(p, "[ without ]");
	name.len--;
	name = trim(name);
	if (!is_name(name))
		return fail(p, "an entry name is 1 to 31 letters, digits, '-', '_' or '.'");
	for (uint32_t i = 0; i < cfg->entry_count; i++) {
		if (text_same(cfg->entries[i].name, name))
			return fail(p, "two entries of one name");
	}
	if (cfg->entry_count == CONFIG_MAX_ENTRIES)
		return fail(p, "more than 8 entries");
	p->entry = &cfg->entries[cfg->entry_count++];
	*p->entry = (struct config_entry){ .name = name };
	p->entry_line = p->line;
	p->had = 0;
	return 0;
}

static bool is_printable(struct config_text line)
{
	for (uint32_t i = 0; i < line.len; i++) {
		char c = line.at[i];

		if ((c < ' ' || c > '~') && c != '\t')
			return false;
	}
	return true;
}

static int parse_line(struct parser *p, struct config_text line)
{
	struct config_text key;
	struct config_text value;

	line = trim(line);
	if (!is_printable(line))
		return fail(p, "not printable ASCII");
	if (line.len == 0 || line.at[0] == '#')
		return 0;
	if (line.at[0] == '[')
		return begin_entry(p, line);

	key = line;
	key.len = 0;
	while (key.len < line.len && line.at[key.len] != '=')
		key.len++;
	if (key.len == line.len)
		return fail(p, "expected key=value");
	value.at = line.at + key.len + 1;
	value.len = line.len - key.len - 1;
	key = trim(key);
	value = trim(value);
	return p->entry ? entry_key(p, key, value) : global_key(p, key, value);
}

static int find_default(struct parser *p)
{
	struct config *cfg = p->cfg;

	if (p->default_line == 0)
		return 0;
	for (uint32_t i = 0; i < cfg->entry_count; i++) {
		if (text_same(cfg->entries[i].name, p->default_name)) {
			cfg->default_entry = i;
			return 0;
		}
	}
	return fail_at(p, p->default_line, "default names no entry");
}

int config_parse(const char *text, size_t len, struct config *cfg, struct config_error *error)
{
	struct parser p = { .cfg = cfg, .error = error, .line = 1 };
	size_t at = 0;

	cfg->default_entry = 0;
	cfg->timeout_s = 0;
	cfg->entry_count = 0;
	if (len > CONFIG_MAX_BYTES)
		return fail(&p, "larger than 4096 bytes");
	for (; at < len; p.line++) {
		struct config_text line = { text + at, 0 };

		while (at < len && text[at] != '\n') {
			at++;
			line.len++;
		}
		at++;
		if (parse_line(&p, line) < 0)
			return -EINVAL;
	}
	if (!p.entry)
		return fail(&p, "no [entry]");
	if (end_entry(&p) < 0)
		return -EINVAL;
	return find_default(&p);
}
