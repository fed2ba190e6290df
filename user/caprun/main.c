/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caprun: run a command that can reach no more than it is given.  See docs/capabilities.md.
 *
 * It confines itself and becomes the command, so there is nobody left who could do more; only with --expires
 * a parent stays behind that tells an expiry from other ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caprun.h"

static const char usage[] =
	"Usage: caprun [OPTION]... [--] COMMAND [ARGUMENT]...\n"
	"Run COMMAND so that it can reach nothing but what it is given.\n\n"
	"  --ro PATH          PATH and all below it: read and execute (repeatable)\n"
	"  --rw PATH          PATH and all below it: read and write (repeatable)\n"
	"  --no-net           no sockets but local ones\n"
	"  --no-exec          no other program\n"
	"  --expires SECONDS  then it is killed, and all that it was given and gave to others is revoked\n"
	"  --mem SIZE         bytes of memory for each process; K, M, G\n\n"
	"Always denied: other paths, devices, other processes, the superuser's privileges, realtime "
	"scheduling.\n"
	"Exit status: COMMAND's; 124 it expired, 125 caprun failed, 126 COMMAND cannot be run, 127 it was "
	"not found.\n";

void fail(int status, const char *format, ...)
{
	va_list args;

	fputs("caprun: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(status);
}

static uint64_t parse_size(const char *text)
{
	static const char suffixes[] = "KMG";
	char *end;
	unsigned long long value;
	const char *suffix;
	int shift = 0;

	errno = 0;
	value = strtoull(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		shift = (int)(suffix - suffixes + 1) * 10;
		end++;
	}
	if (errno || text[0] < '0' || text[0] > '9' || *end || value == 0 || value > UINT64_MAX >> shift)
		fail(EXIT_CAPRUN, "--mem %s: not a size", text);
	return value << shift;
}

static double parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0) || value > 1e9)
		fail(EXIT_CAPRUN, "--expires %s: not a number of seconds", text);
	return value;
}

struct options {
	struct rules rules;
	struct confinement what;
	double seconds; /* 0: for ever */
};

static void parse(struct options *o, int argc, char **argv)
{
	enum { RO = 256, RW, NO_NET, NO_EXEC, EXPIRES, MEM, HELP };
	static const struct option options[] = {
		{ "ro", 1, NULL, RO },           { "rw", 1, NULL, RW },   { "no-net", 0, NULL, NO_NET },
		{ "no-exec", 0, NULL, NO_EXEC }, { "mem", 1, NULL, MEM }, { "expires", 1, NULL, EXPIRES },
		{ "help", 0, NULL, HELP },       { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case RO:
			rules_add(&o->rules, optarg, CONFINE_READ);
			break;
		case RW:
			rules_add(&o->rules, optarg, CONFINE_WRITE);
			break;
		case NO_NET:
			o->what.deny |= CONFINE_NO_NETWORK;
			break;
		case NO_EXEC:
			o->what.deny |= CONFINE_LAST_EXEC;
			break;
		case EXPIRES:
			o->seconds = parse_seconds(optarg);
			break;
		case MEM:
			o->what.memory = parse_size(optarg);
			break;
		case HELP:
			fputs(usage, stdout);
			exit(0);
		default: /* getopt has said what is wrong */
			_exit(EXIT_CAPRUN);
		}
	}
	if (optind == argc)
		fail(EXIT_CAPRUN, "no command; see --help");
}

int main(int argc, char **argv)
{
	static struct options o = {
		.what.deny = CONFINE_NO_DEVICES | CONFINE_NO_SIGNALS | CONFINE_NO_PATHS | CONFINE_NO_ADMIN |
			     CONFINE_NO_RT | CONFINE_NO_EXPORT,
	};
	const char *program;
	int err;

	parse(&o, argc, argv);
	program = find_program(argv[optind]);
	rules_add_devices(&o.rules);
	rules_add_program(&o.rules, program);
	o.what.rules = o.rules.list;
	o.what.rule_count = o.rules.count;
	if (o.seconds > 0) {
		watch_child(o.seconds);
		o.what.expires_ns = (uint64_t)(o.seconds * 1e9);
	}
	err = cap_confine(&o.what, sizeof(o.what));
	if (err < 0)
		fail(EXIT_CAPRUN, "cannot confine: %s", strerror(-err));
	execv(program, argv + optind);
	err = errno;
	fail(err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN, "%s: %s", program, strerror(err));
}
