/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "caprun.h"

#define SCRIPT_DEPTH 5 /* scripts that are run by scripts: as many as the kernel follows */

void rules_add(struct rules *rules, const char *path, uint32_t rights)
{
	struct confine_rule *rule = &rules->list[rules->count];

	if (rules->count == CONFINE_RULES_MAX)
		fail(EXIT_CAPRUN, "more than %d paths", CONFINE_RULES_MAX);
	rule->fd = open(path, O_PATH | O_CLOEXEC);
	if (rule->fd < 0)
		fail(EXIT_CAPRUN, "%s: %s", path, strerror(errno));
	rule->rights = rights;
	rules->count++;
}

void rules_add_devices(struct rules *rules)
{
	static const char *const harmless[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
						"/dev/urandom" };

	for (unsigned i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (access(harmless[i], F_OK) == 0)
			rules_add(rules, harmless[i], CONFINE_WRITE & ~FILE_RIGHT_CHMOD);
}

/* The interpreter that a "#!" line names. */
static bool script_interpreter(const char *head, char *out)
{
	size_t blanks, len;

	if (head[0] != '#' || head[1] != '!')
		return false;
	blanks = strspn(head + 2, " \t");
	len = strcspn(head + 2 + blanks, " \t\n");
	memcpy(out, head + 2 + blanks, len);
	out[len] = '\0';
	return len > 0;
}

/* The dynamic linker that an ELF file names. */
static bool elf_interpreter(int fd, const Elf64_Ehdr *header, char *out)
{
	Elf64_Phdr phdr;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phentsize != sizeof(phdr))
		return false;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (pread(fd, &phdr, sizeof(phdr), (off_t)(header->e_phoff + i * sizeof(phdr))) !=
		    sizeof(phdr))
			return false;
		if (phdr.p_type != PT_INTERP || phdr.p_filesz == 0 || phdr.p_filesz > PATH_MAX)
			continue;
		if (pread(fd, out, phdr.p_filesz, (off_t)phdr.p_offset) != (ssize_t)phdr.p_filesz)
			return false;
		out[phdr.p_filesz - 1] = '\0';
		return true;
	}
	return false;
}

/* What runs the file, if it is not the processor alone. */
static bool interpreter_of(const char *path, char out[PATH_MAX + 1])
{
	union {
		char text[256];
		Elf64_Ehdr elf;
	} head = { { 0 } };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;

	if (fd < 0) /* may be executed, but not read: then it is no script, and static or of no use */
		return false;
	if (read(fd, head.text, sizeof(head.text) - 1) > 0)
		found = script_interpreter(head.text, out) || elf_interpreter(fd, &head.elf, out);
	close(fd);
	return found;
}

void rules_add_program(struct rules *rules, const char *path)
{
	char names[2][PATH_MAX + 1];

	for (unsigned depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		char *interpreter = names[depth % 2];

		rules_add(rules, path, CONFINE_READ);
		if (!interpreter_of(path, interpreter) || access(interpreter, F_OK) < 0)
			return;
		path = interpreter;
	}
}
