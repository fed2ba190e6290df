/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: user/lib/policy_parse.c kernel/lib/policy_table.c */
/* The text of a policy becomes the table that it says, or is refused with the line that is wrong; the
 * kernel's check takes what the parser makes, and nothing that was tampered with. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../user/lib/policy_parse.h"
#include <kernel/policy_table.h>

static bool user(const char *name, uint32_t *id)
{
	*id = 1000;
	return strcmp(name, "alice") == 0;
}

static void *parse(const char *text, struct policy_table *table, struct policy_error *error)
{
	size_t size;
	void *data = policy_parse(text, strlen(text), user, &size, error);

	if (data)
		assert_true(policy_table_check(data, size, table));
	return data;
}

static void says_what_it_is_told(void **state)
{
	static const char text[] =
		"# limits\ndefault deny\n"
		"program /usr/bin/foo user alice { read /srv; write /tmp \"/a b\"; deny network\n"
		"memory 64M; class batch; expires 1h; guesses 3 }\n"
		"program /bin/* { allow }\n";
	struct policy_error error;
	struct policy_table t;
	void *data = parse(text, &t, &error);
	const struct policy_program *p;

	(void)state;
	assert_non_null(data);
	assert_int_equal(t.header->flags, POLICY_DENY);
	p = policy_table_find(&t, "/usr/bin/foo", 1000);
	assert_ptr_equal(p, &t.programs[0]);
	assert_int_equal(p->deny, CONFINE_NO_NETWORK | CONFINE_NO_PATHS);
	assert_int_equal(p->memory, 64 << 20);
	assert_int_equal(p->expires_ns, 3600ull * 1000000000);
	assert_int_equal(p->cpu_class, POLICY_CLASS_BATCH);
	assert_int_equal(p->token_guesses, 3);
	assert_int_equal(p->root_count, 3);
	assert_string_equal(t.strings + t.roots[p->first_root + 2].path, "/a b");
	assert_int_equal(t.roots[0].rights, CONFINE_READ);
	assert_int_equal(t.roots[1].rights, CONFINE_WRITE);
	assert_null(policy_table_find(&t, "/usr/bin/foo", 0));
	assert_null(policy_table_find(&t, "/usr/bin/foo2", 1000));
	assert_ptr_equal(policy_table_find(&t, "/bin/deep/er", 7), &t.programs[1]);
	assert_null(policy_table_find(&t, "/bin", 7));
	assert_null(policy_table_find(&t, "/binary", 7));
	free(data);
}

static void the_first_counts(void **state)
{
	struct policy_error error;
	struct policy_table t;
	void *data = parse("program /bin/a { allow }; program /* { deny exec }", &t, &error);

	(void)state;
	assert_non_null(data);
	assert_ptr_equal(policy_table_find(&t, "/bin/a", 0), &t.programs[0]);
	assert_ptr_equal(policy_table_find(&t, "/bin/b", 0), &t.programs[1]);
	free(data);
	data = parse("", &t, &error);
	assert_non_null(data);
	assert_int_equal(t.header->program_count, 0);
	free(data);
}

static void mistakes_are_told_by_line(void **state)
{
	static const struct {
		unsigned line;
		const char *text;
	} mistakes[] = {
		{ 1, "programm /bin/a { }" },
		{ 2, "\nprogram bin/a { }" },
		{ 3, "program /bin/a {\n read /srv\n reed /tmp\n}" },
		{ 2, "program /bin/a {\n read srv }" },
		{ 1, "program /bin/a user bob { }" },
		{ 2, "program /bin/a { memory 1M\n memory 1X }" },
		{ 1, "program /bin/a { memory 99999999999999999999 }" },
		{ 1, "program /bin/a { memory 18446744073709551615K }" },
		{ 1, "program /bin/a { memory 0 }" },
		{ 1, "program /bin/a { deny everything }" },
		{ 1, "program /bin/a { class fast }" },
		{ 1, "program /bin/a { class batch idle }" },
		{ 1, "program /bin/a { expires }" },
		{ 1, "program /bin/a { allow; deny exec }" },
		{ 1, "program /bin/a { read \"/srv }" },
		{ 1, "program /bin/a { read /srv" },
		{ 1, "default maybe" },
		{ 4, "program /bin/a\n{\n}\nprogram" },
	};
	struct policy_error error;
	struct policy_table t;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		assert_null(parse(mistakes[i].text, &t, &error));
		assert_int_equal(error.line, mistakes[i].line);
		assert_true(error.text[0]);
	}
}

/* Every single byte of a table set to every kind of wrong value: taken or not, nothing is read outside of
 * it. */
static void the_kernel_trusts_nothing(void **state)
{
	static const char text[] = "program /bin/a { read /srv; write /tmp }\nprogram /b { deny exec }\n";
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct policy_error error;
	struct policy_table t;
	size_t size;
	uint8_t *data = policy_parse(text, strlen(text), user, &size, &error);

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			uint8_t old = data[i];

			data[i] = values[v];
			if (policy_table_check(data, size, &t))
				(void)policy_table_find(&t, "/bin/a", 0);
			data[i] = old;
		}
	}
	for (size_t cut = 0; cut < size; cut++)
		assert_false(policy_table_check(data, cut, &t));
	data[size - 1] = 'x';
	assert_false(policy_table_check(data, size, &t));
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_it_is_told),
		cmocka_unit_test(the_first_counts),
		cmocka_unit_test(mistakes_are_told_by_line),
		cmocka_unit_test(the_kernel_trusts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
