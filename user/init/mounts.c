/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

struct mount_point {
	const char *type, *target;
	mode_t mode;
	unsigned long flags;
	const char *options;
};

static const struct mount_point points[] = {
	{ "proc", "/proc", 0555, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "sysfs", "/sys", 0555, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "devtmpfs", "/dev", 0755, MS_NOSUID, NULL },
	{ "devpts", "/dev/pts", 0755, MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666" },
	{ "tmpfs", "/dev/shm", 01777, MS_NOSUID | MS_NODEV, "mode=1777" },
	{ "mqueue", "/dev/mqueue", 01777, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "tmpfs", "/run", 0755, MS_NOSUID | MS_NODEV, "mode=0755" },
	{ "tmpfs", "/tmp", 01777, MS_NOSUID | MS_NODEV, "mode=1777" },
};

/* Is something mounted there already?  The kernel brings /dev. */
static bool mounted(const char *target)
{
	struct stat here, above;
	char parent[64];

	snprintf(parent, sizeof(parent), "%s/..", target);
	return stat(target, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

static void set_host_name(void)
{
	char name[64];
	FILE *f = fopen("/etc/hostname", "re");

	if (!f)
		return;
	if (fgets(name, sizeof(name), f)) {
		name[strcspn(name, "\n")] = '\0';
		if (sethostname(name, strlen(name)) < 0)
			log_line("cannot set the host name: %s", strerror(errno));
	}
	fclose(f);
}

void mount_system(void)
{
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		const struct mount_point *p = &points[i];

		mkdir(p->target, p->mode);
		if (!mounted(p->target) && mount(p->type, p->target, p->type, p->flags, p->options) < 0)
			log_line("cannot mount %s: %s", p->target, strerror(errno));
	}
	set_host_name();
}
