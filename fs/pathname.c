/* SPDX-License-Identifier: BSD-2-Clause */
#include "pathname.h"

#include <kernel/string.h>

static enum component_kind kind_of(const char *text, size_t len)
{
	if (len == 0)
		return COMPONENT_NONE;
	if (text[0] != '.' || len > 2)
		return COMPONENT_NORMAL;
	if (len == 1)
		return COMPONENT_DOT;
	return text[1] == '.' ? COMPONENT_DOTDOT : COMPONENT_NORMAL;
}

void path_component(const char **cursor, struct component *out)
{
	const char *p = *cursor;

	while (*p == '/')
		p++;
	out->text = p;
	while (*p && *p != '/')
		p++;
	out->len = (size_t)(p - out->text);
	out->kind = kind_of(out->text, out->len);
	out->slash = *p == '/';
	while (*p == '/')
		p++;
	out->last = *p == '\0';
	*cursor = p;
}

bool path_splice(char *out, size_t size, const char *target, const char *rest, bool slash)
{
	size_t target_len = strlen(target), rest_len = strlen(rest);
	size_t slash_len = rest_len > 0 || slash ? 1 : 0;

	if (target_len + slash_len + rest_len + 1 > size)
		return false;
	memmove(out + target_len + slash_len, rest, rest_len + 1);
	for (size_t i = 0; i < target_len; i++)
		out[i] = target[i];
	if (slash_len)
		out[target_len] = '/';
	return true;
}
