// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start the program: measure simulated GPUs, or test them
 *
 * demo [loose]		print a table and timelines, then lines "csv: ..."
 * demo check [loose]	test the module; one "ok" or "not ok" line per test
 * demo bench		measure more, and print only lines "csv: ..." and
 *			"timeline: ..."
 *
 * Exit status: 0 success, 1 failure, 2 wrong arguments.
 *
 * As the first process of a machine it also loads /simgpu.ko, encloses what it
 * prints in lines "simgpu: begin" and "simgpu: status N" with its exit status,
 * and powers off.
 *
 * The tests of times are for a machine where CPU work takes no time, as under
 * User Mode Linux with time-travel=inf-cpu. "loose" is for all other machines:
 * a test then fails only if something takes less time than it should.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gpu.h"

/* What the first process has to do before there is a /dev/simgpu */
static void init(void)
{
	int fd;

	/* The kernel's own initramfs has /dev/console, and nothing else */
	mkdir("/proc", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		die("mount /dev");
	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount /proc");

	fd = open("/simgpu.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/simgpu.ko");
	if (syscall(SYS_finit_module, fd, "", 0))
		die("loading /simgpu.ko");
	close(fd);
}

int main(int argc, char **argv)
{
	int (*run)(void) = demo;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getpid() == 1) {
		init();
		printf("simgpu: begin\n");
	}
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "check")) {
			run = check;
		} else if (!strcmp(argv[i], "bench")) {
			run = bench;
		} else if (!strcmp(argv[i], "loose")) {
			loose = true;
		} else {
			fprintf(stderr, "usage: demo [check | bench] [loose]\n");
			finish(2);
		}
	}
	warm_up();
	finish(run());
}
