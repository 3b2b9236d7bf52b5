// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has simulated GPUs mirror the memory of programs that know nothing of them
 *
 * To be preloaded (LD_PRELOAD). It opens GPUs before main() runs, and in each child.
 * SIMGPU_MIRROR in the environment has a digit for each GPU, its mode (see
 * &enum simgpu_mirror_mode), so "0123" is one of each. Without it, or without the
 * device, the program runs as it would.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mirror_ioctl.h"

#define MAX_GPUS	16
/* Programs expect the first numbers to be free */
#define FIRST_FD	512

static char modes[MAX_GPUS + 1];
static int fds[MAX_GPUS];
static int nr_gpus;

static void open_gpus(void)
{
	int fd, high, old_errno = errno;
	const char *mode;

	for (mode = modes, nr_gpus = 0; *mode; mode++) {
		fd = open("/dev/simgpu-mirror", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
		if (high >= 0) {
			close(fd);
			fd = high;
		}
		if (ioctl(fd, SIMGPU_MIRROR_START, *mode - '0')) {
			close(fd);
			break;
		}
		fds[nr_gpus++] = fd;
	}
	errno = old_errno;
}

/* The child has copies of the parent's descriptors, for mirrors of the parent */
static void in_child(void)
{
	int i, old_errno = errno;

	for (i = 0; i < nr_gpus; i++)
		close(fds[i]);
	errno = old_errno;
	open_gpus();
}

__attribute__((constructor))
static void in_program(void)
{
	const char *value = getenv("SIMGPU_MIRROR");

	if (!value)
		return;
	/* A copy, as programs overwrite where the environment was with their title */
	strncpy(modes, value, MAX_GPUS);
	open_gpus();
	pthread_atfork(NULL, NULL, in_child);
}
