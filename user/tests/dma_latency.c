/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/cpu_dma_latency: as long as it is open, CPUs wait in no state that takes longer to leave. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tap.h"

#define DEVICE "/dev/cpu_dma_latency"
#define ANY    2000000000

static int32_t value_at(int fd)
{
	int32_t value = -1;

	return pread(fd, &value, sizeof(value), 0) == sizeof(value) ? value : -1;
}

static bool ask_for(int fd, int32_t us)
{
	return write(fd, &us, sizeof(us)) == sizeof(us);
}

/* How often the CPUs have waited in states that take time to leave. */
static long deep_waits(void)
{
	char path[96];
	long sum = 0, n;

	for (int cpu = 0; cpu < 8; cpu++) {
		for (int state = 1; state < 10; state++) {
			FILE *f;

			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpuidle/state%d/usage",
				 cpu, state);
			f = fopen(path, "r");
			if (!f)
				break;
			if (fscanf(f, "%ld", &n) == 1)
				sum += n;
			fclose(f);
		}
	}
	return sum;
}

int main(void)
{
	int a = open(DEVICE, O_RDWR), b = open(DEVICE, O_RDWR);
	struct stat st;
	long before;

	tap(a >= 0 && b >= 0 && fstat(a, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 10 &&
		    (st.st_mode & 0777) == 0600,
	    "a device for root alone");
	tap(value_at(a) == ANY, "nobody asks for anything");
	tap(ask_for(a, 70) && ask_for(b, 50) && value_at(a) == 50, "the least that is asked for holds");
	close(b);
	tap(value_at(a) == 70, "until who asked for it closes");
	tap(ask_for(a, -1) && value_at(a) == ANY, "-1 asks for nothing");
	tap(write(a, "0x1e", 4) == 4 && value_at(a) == 0x65317830, "four bytes are a number");
	tap(write(a, "0x1e\n", 5) == 5 && value_at(a) == 30, "others are text in base 16");
	tap(write(a, "xyz", 3) == -1 && errno == EINVAL && write(a, "0x123456789", 11) == -1 &&
		    errno == ERANGE && write(a, "                 1", 18) == -1 && errno == EINVAL &&
		    value_at(a) == 30,
	    "what is no number changes nothing");
	before = deep_waits();
	usleep(50000);
	tap(deep_waits() > before, "without a tight limit CPUs wait deeply");
	tap(ask_for(a, 0) && value_at(a) == 0, "no latency at all");
	usleep(20000); /* who was waiting has been woken */
	before = deep_waits();
	usleep(100000);
	tap(before > 0 && deep_waits() == before, "then no CPU waits in a state that takes time to leave");
	close(a);
	usleep(50000);
	tap(deep_waits() > before, "closing ends it");
	return tap_end();
}
