/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grammar, of words, braces and semicolons:
 *
 *	policy    = { default | program }
 *	default   = "default" ( "allow" | "deny" )
 *	program   = "program" PATH [ "user" NAME ] "{" { statement ";" } "}"
 *	statement = "allow" | "read" PATH... | "write" PATH... | "deny" WHAT... | "memory" SIZE | "class" CLASS
 *	            | "expires" TIME | "guesses" NUMBER
 *
 * A line's end counts as a semicolon inside of braces, and # starts a comment.  A word with blanks or one of
 * {};# in it is written in double quotes, within which a backslash takes the next character as it is.
 */
#include "policy_parse.h"

#include <serix/cap.h>
#include <serix/policy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 4096

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SEMICOLON, TOKEN_LINE, TOKEN_ERROR };

struct parser {
	const char *at, *end;
	unsigned line;
	bool (*user)(const char *name, uint32_t *id);
	struct policy_error *error;
	enum token token; /* the one looked at */
	char word[WORD_MAX];
	struct policy_header header;
	struct policy_program *programs;
	struct policy_root *roots;
	char *strings;
};

static bool fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct parser *p, const char *format, ...)
{
	va_list args;

	if (p->error->text[0]) /* the first one counts */
		return false;
	p->error->line = p->line;
	va_start(args, format);
	vsnprintf(p->error->text, sizeof(p->error->text), format, args);
	va_end(args);
	return false;
}

/* --- words ------------------------------------------------------------------------------------------- */

static bool is_special(char c)
{
	return c == '{' || c == '}' || c == ';' || c == '#' || c == '"';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static enum token word_error(struct parser *p, const char *text)
{
	fail(p, "%s", text);
	return TOKEN_ERROR;
}

static enum token read_word(struct parser *p)
{
	bool quoted = *p->at == '"';
	size_t len = 0;

	for (p->at += quoted; p->at < p->end; p->at++) {
		char c = *p->at;

		if (quoted ? c == '"' : is_blank(c) || c == '\n' || is_special(c))
			break;
		if (quoted && c == '\\' && ++p->at < p->end)
			c = *p->at;
		if (c == '\0' || (quoted && c == '\n'))
			return word_error(p, quoted ? "a quote without an end" : "a byte of zero");
		if (len == WORD_MAX - 1)
			return word_error(p, "a word that is too long");
		p->word[len++] = c;
	}
	p->word[len] = '\0';
	if (!quoted)
		return TOKEN_WORD;
	if (p->at >= p->end)
		return word_error(p, "a quote without an end");
	p->at++;
	return TOKEN_WORD;
}

static enum token read_token(struct parser *p)
{
	while (p->at < p->end && is_blank(*p->at))
		p->at++;
	if (p->at < p->end && *p->at == '#')
		while (p->at < p->end && *p->at != '\n')
			p->at++;
	if (p->at == p->end)
		return TOKEN_END;
	switch (*p->at) {
	case '\n':
		p->at++;
		return TOKEN_LINE;
	case '{':
		p->at++;
		return TOKEN_OPEN;
	case '}':
		p->at++;
		return TOKEN_CLOSE;
	case ';':
		p->at++;
		return TOKEN_SEMICOLON;
	default:
		return read_word(p);
	}
}

static void next(struct parser *p)
{
	if (p->token == TOKEN_LINE)
		p->line++;
	p->token = read_token(p);
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token == TOKEN_WORD && strcmp(p->word, word) == 0;
}

/* --- the table ----------------------------------------------------------------------------------------- */

/* The array with room for `more` elements behind `count`; its size doubles, so that `count` tells it.  NULL:
 * no memory, and the array is as it was. */
static void *with_room(struct parser *p, void *array, uint32_t count, uint32_t more, size_t element)
{
	uint32_t size = 1, wanted = count + more;

	while (size < count)
		size *= 2;
	if (array && wanted <= size)
		return array;
	while (size < wanted)
		size *= 2;
	array = realloc(array, size * element);
	if (!array)
		fail(p, "out of memory");
	return array;
}

static bool add_string(struct parser *p, const char *text, uint32_t *at)
{
	uint32_t len = (uint32_t)strlen(text) + 1;
	char *strings;

	if (p->header.string_size + len > POLICY_SIZE_MAX / 2)
		return fail(p, "too many paths");
	strings = with_room(p, p->strings, p->header.string_size, len, 1);
	if (!strings)
		return false;
	p->strings = strings;
	memcpy(p->strings + p->header.string_size, text, len);
	*at = p->header.string_size;
	p->header.string_size += len;
	return true;
}

static struct policy_program *current(struct parser *p)
{
	return &p->programs[p->header.program_count - 1];
}

/* --- statements ----------------------------------------------------------------------------------------- */

static bool add_root(struct parser *p, uint32_t rights)
{
	struct policy_root root = { .rights = rights }, *roots;

	if (p->word[0] != '/')
		return fail(p, "'%.40s' is not an absolute path", p->word);
	if (current(p)->root_count == POLICY_ROOTS_MAX)
		return fail(p, "more than %u paths for one program", POLICY_ROOTS_MAX);
	roots = with_room(p, p->roots, p->header.root_count, 1, sizeof(root));
	if (!roots)
		return false;
	p->roots = roots;
	if (!add_string(p, p->word, &root.path))
		return false;
	p->roots[p->header.root_count++] = root;
	current(p)->root_count++;
	current(p)->deny |= CONFINE_NO_PATHS;
	return true;
}

static bool read_path(struct parser *p)
{
	return add_root(p, CONFINE_READ);
}

static bool write_path(struct parser *p)
{
	return add_root(p, CONFINE_WRITE);
}

static bool deny(struct parser *p)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = {
		{ "network", CONFINE_NO_NETWORK }, { "exec", CONFINE_NO_EXEC },
		{ "devices", CONFINE_NO_DEVICES }, { "signals", CONFINE_NO_SIGNALS },
		{ "paths", CONFINE_NO_PATHS },     { "admin", CONFINE_NO_ADMIN },
		{ "realtime", CONFINE_NO_RT },     { "export", CONFINE_NO_EXPORT },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, p->word) == 0) {
			current(p)->deny |= names[i].bit;
			return true;
		}
	}
	return fail(p, "nothing called '%.40s' can be denied", p->word);
}

/* A number with one of the units, each of which stands for `factors`. */
static bool number(struct parser *p, const char *units, const uint64_t *factors, uint64_t *out)
{
	const char *c = p->word, *unit;
	uint64_t value = 0, factor;

	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
			return fail(p, "'%.40s' is too large", p->word);
	unit = *c ? strchr(units, *c) : NULL;
	if (c == p->word || value == 0 || (*c && (!unit || c[1])))
		return fail(p, "'%.40s' is no number of that kind", p->word);
	factor = unit ? factors[unit - units + 1] : factors[0];
	if (__builtin_mul_overflow(value, factor, out))
		return fail(p, "'%.40s' is too large", p->word);
	return true;
}

static bool memory(struct parser *p)
{
	static const uint64_t bytes[] = { 1, 1 << 10, 1 << 20, 1 << 30 };

	return number(p, "KMG", bytes, &current(p)->memory);
}

static bool expires(struct parser *p)
{
	static const uint64_t second = 1000000000;
	static const uint64_t ns[] = { second, second, 60 * second, 3600 * second, 86400 * second };

	return number(p, "smhd", ns, &current(p)->expires_ns);
}

static bool guesses(struct parser *p)
{
	static const uint64_t one[] = { 1 };
	uint64_t value;

	if (!number(p, "", one, &value))
		return false;
	if (value > UINT32_MAX)
		return fail(p, "'%.40s' is too large", p->word);
	current(p)->token_guesses = (uint32_t)value;
	return true;
}

static bool cpu_class(struct parser *p)
{
	static const char *const names[] = {
		[POLICY_CLASS_NORMAL] = "normal", [POLICY_CLASS_BATCH] = "batch", [POLICY_CLASS_IDLE] = "idle"
	};

	for (uint32_t i = POLICY_CLASS_NORMAL; i < POLICY_CLASSES; i++) {
		if (strcmp(names[i], p->word) == 0) {
			current(p)->cpu_class = i;
			return true;
		}
	}
	return fail(p, "no class is called '%.40s'", p->word);
}

static const struct statement {
	const char *name;
	bool (*argument)(struct parser *p); /* takes one word */
	bool many;
} statements[] = {
	{ "read", read_path, true },   { "write", write_path, true }, { "deny", deny, true },
	{ "memory", memory, false },   { "class", cpu_class, false }, { "expires", expires, false },
	{ "guesses", guesses, false },
};

static const struct statement *find_statement(const char *word)
{
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		if (strcmp(statements[i].name, word) == 0)
			return &statements[i];
	return NULL;
}

/* At the statement's name; leaves the parser behind its last word. */
static bool parse_statement(struct parser *p)
{
	const struct statement *s = find_statement(p->word);
	bool free = is_word(p, "allow");
	unsigned words = 0;

	if (!s && !free)
		return fail(p, "no statement is called '%.40s'", p->word);
	if (free)
		current(p)->flags |= POLICY_FREE;
	for (next(p); p->token == TOKEN_WORD; next(p), words++)
		if (free || (words && !s->many) || !s->argument(p))
			return fail(p, "one word too many: '%.40s'", p->word);
	return free || words || fail(p, "'%s' what?", s->name);
}

static bool parse_statements(struct parser *p)
{
	while (p->token != TOKEN_CLOSE) {
		if (p->token == TOKEN_END)
			return fail(p, "a program without its closing brace");
		if (p->token == TOKEN_WORD && !parse_statement(p))
			return false;
		if (p->token == TOKEN_SEMICOLON || p->token == TOKEN_LINE)
			next(p);
		else if (p->token != TOKEN_CLOSE && p->token != TOKEN_END)
			return fail(p, "a semicolon is missing");
	}
	next(p);
	return true;
}

/* --- programs ------------------------------------------------------------------------------------------- */

static bool parse_path(struct parser *p, struct policy_program *program)
{
	size_t len = strlen(p->word);

	if (p->token != TOKEN_WORD || p->word[0] != '/')
		return fail(p, "a program needs an absolute path");
	if (len >= 2 && strcmp(p->word + len - 2, "/*") == 0) {
		program->flags |= POLICY_BELOW;
		p->word[len > 2 ? len - 2 : 1] = '\0';
	}
	if (!add_string(p, p->word, &program->path))
		return false;
	next(p);
	return true;
}

static bool parse_user(struct parser *p, struct policy_program *program)
{
	program->flags |= POLICY_ANY_USER;
	if (!is_word(p, "user"))
		return true;
	next(p);
	if (p->token != TOKEN_WORD)
		return fail(p, "which user?");
	if (strcmp(p->word, "*") != 0) {
		program->flags &= ~POLICY_ANY_USER;
		if (!p->user(p->word, &program->user))
			return fail(p, "no user is called '%.40s'", p->word);
	}
	next(p);
	return true;
}

static bool parse_program(struct parser *p)
{
	struct policy_program program = { .first_root = p->header.root_count }, *programs;
	const struct policy_program *made;

	next(p);
	if (!parse_path(p, &program) || !parse_user(p, &program))
		return false;
	while (p->token == TOKEN_LINE)
		next(p);
	if (p->token != TOKEN_OPEN)
		return fail(p, "a brace is missing");
	if (p->header.program_count == POLICY_PROGRAMS_MAX)
		return fail(p, "more than %u programs", POLICY_PROGRAMS_MAX);
	programs = with_room(p, p->programs, p->header.program_count, 1, sizeof(program));
	if (!programs)
		return false;
	p->programs = programs;
	p->programs[p->header.program_count++] = program;
	next(p);
	if (!parse_statements(p))
		return false;
	made = current(p);
	if ((made->flags & POLICY_FREE) &&
	    (made->deny || made->memory || made->expires_ns || made->cpu_class || made->token_guesses))
		return fail(p, "'allow' and limits for the same program");
	return true;
}

static bool parse_default(struct parser *p)
{
	next(p);
	if (is_word(p, "deny"))
		p->header.flags |= POLICY_DENY;
	else if (is_word(p, "allow"))
		p->header.flags &= ~POLICY_DENY;
	else
		return fail(p, "default: allow or deny?");
	next(p);
	return true;
}

static bool parse(struct parser *p)
{
	for (next(p); p->token != TOKEN_END;) {
		bool fine = true;

		if (is_word(p, "program"))
			fine = parse_program(p);
		else if (is_word(p, "default"))
			fine = parse_default(p);
		else if (p->token == TOKEN_LINE || p->token == TOKEN_SEMICOLON)
			next(p);
		else
			fine = fail(p, "neither 'program' nor 'default'");
		if (!fine)
			return false;
	}
	return true;
}

/* All parts in one piece. */
static void *assemble(struct parser *p, size_t *size)
{
	size_t programs = p->header.program_count * sizeof(*p->programs),
	       roots = p->header.root_count * sizeof(*p->roots);
	char *table;

	*size = sizeof(p->header) + programs + roots + p->header.string_size;
	if (*size > POLICY_SIZE_MAX) {
		fail(p, "too large");
		return NULL;
	}
	table = malloc(*size);
	if (!table) {
		fail(p, "out of memory");
		return NULL;
	}
	memcpy(table, &p->header, sizeof(p->header));
	if (programs)
		memcpy(table + sizeof(p->header), p->programs, programs);
	if (roots)
		memcpy(table + sizeof(p->header) + programs, p->roots, roots);
	if (p->header.string_size)
		memcpy(table + sizeof(p->header) + programs + roots, p->strings, p->header.string_size);
	return table;
}

void *policy_parse(const char *text, size_t len, bool (*user)(const char *name, uint32_t *id), size_t *size,
		   struct policy_error *error)
{
	struct parser *p = calloc(1, sizeof(*p));
	void *table = NULL;

	*error = (struct policy_error){ 0 };
	if (!p) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return NULL;
	}
	p->at = text;
	p->end = text + len;
	p->line = 1;
	p->user = user;
	p->error = error;
	p->header.magic = POLICY_MAGIC;
	p->header.version = POLICY_VERSION;
	if (parse(p))
		table = assemble(p, size);
	free(p->programs);
	free(p->roots);
	free(p->strings);
	free(p);
	return table;
}
