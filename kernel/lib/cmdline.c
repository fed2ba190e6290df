/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/cmdline.h>

#include <kernel/compiler.h>
#include <kernel/string.h>
#include <serix/errno.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Take the next word, quotes removed, cut to what fits.  Returns the position behind it, NULL at the
 * end of the line; *len is the length the whole word has. */
static const char *next_word(const char *p, char *word, size_t size, size_t *len)
{
	bool quoted = false;
	size_t n = 0;

	while (is_blank(*p))
		p++;
	if (!*p)
		return NULL;
	for (; *p && (quoted || !is_blank(*p)); p++) {
		if (*p == '"') {
			quoted = !quoted;
			continue;
		}
		if (n + 1 < size)
			word[n] = *p;
		n++;
	}
	if (size)
		word[MIN(n, size - 1)] = '\0';
	*len = n;
	return p;
}

int cmdline_word(const char *line, size_t n, char *word, size_t size)
{
	size_t len = 0;

	do {
		line = next_word(line, word, size, &len);
		if (!line)
			return -ENOENT;
	} while (n--);
	return len < size ? 0 : -ENOSPC;
}

int cmdline_find(const char *line, const char *name, char *value, size_t size)
{
	size_t name_len = strlen(name), len;
	char word[256];
	int err = -ENOENT;

	while ((line = next_word(line, word, sizeof(word), &len))) {
		const char *found;

		if (strncmp(word, name, name_len) != 0 || (word[name_len] != '=' && word[name_len] != '\0'))
			continue;
		found = word[name_len] == '=' ? word + name_len + 1 : "";
		if (len >= sizeof(word) || strlen(found) >= size) {
			err = -ENOSPC;
			continue;
		}
		strlcpy(value, found, size);
		err = 0;
	}
	return err;
}
