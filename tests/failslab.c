// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of a kernel with KUnit, failslab and debugfs: run the suite that
 * is named on the command line while allocations fail, at first those that must not
 * wait, as in callbacks, then any, and at last without a failure.
 *
 * scripts/verify/check reads what this and the kernel print, and says what may happen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int failed, probability, no_wait_only, start;

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0) {
		printf("failslab: cannot open %s: %s\n", path, strerror(errno));
		failed = 1;
	}
	return fd;
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0) {
		printf("failslab: cannot write %s: %s\n", text, strerror(errno));
		failed = 1;
	}
}

static void run(const char *percent, const char *no_wait)
{
	printf("failslab: probability %s, ignore-gfp-wait %s\n", percent, no_wait);
	put(no_wait_only, no_wait);
	put(probability, percent);
	put(start, "1");
	put(probability, "0");
	printf("failslab: done\n");
}

int main(int argc, char **argv)
{
	char path[200];

	/* What this prints is to stand between the lines of the kernel. */
	if (mknod("/kmsg", S_IFCHR | 0600, makedev(1, 11)) ||
	    !freopen("/kmsg", "w", stdout)) {
		perror("failslab: kmsg");
		failed = 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/debug", 0700);
	if (mount("debugfs", "/debug", "debugfs", 0, NULL)) {
		perror("failslab: mount");
		failed = 1;
	}
	/* All are opened before allocations fail. */
	snprintf(path, sizeof(path), "/debug/kunit/%s/run", argc > 1 ? argv[1] : "");
	start = open_file(path);
	probability = open_file("/debug/failslab/probability");
	no_wait_only = open_file("/debug/failslab/ignore-gfp-wait");
	/* A line for some of the failures, and no call trace. */
	put(open_file("/debug/failslab/verbose"), "1");
	put(open_file("/debug/failslab/times"), "-1");
	run("20", "Y");
	run("80", "Y");
	run("1", "N");
	run("10", "N");
	run("100", "Y");
	run("0", "Y");
	printf("failslab: status %d\n", failed);
	reboot(RB_AUTOBOOT);
	return 1;
}
