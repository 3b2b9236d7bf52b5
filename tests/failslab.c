// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of a kernel with KUnit, failslab and debugfs: run the suite that
 * is named on the command line while allocations fail, at first those that must not
 * wait, as in callbacks, then any, and at last without a failure.
 *
 * scripts/check reads what this and the kernel print. A case whose set-up does not
 * get its memory may fail. But nothing may hang, or make the kernel complain, and
 * when allocations succeed again every case has to pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed;

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("failslab: cannot write %s to %s: %s\n", text, path,
		       strerror(errno));
		failed = 1;
	}
	if (fd >= 0)
		close(fd);
}

static void run(const char *suite, const char *probability, const char *no_wait_only)
{
	char path[200];

	printf("failslab: probability %s, ignore-gfp-wait %s\n", probability,
	       no_wait_only);
	snprintf(path, sizeof(path), "/debug/kunit/%s/run", suite);
	put("/debug/failslab/ignore-gfp-wait", no_wait_only);
	put("/debug/failslab/probability", probability);
	put(path, "1");
	put("/debug/failslab/probability", "0");
	printf("failslab: done\n");
}

int main(int argc, char **argv)
{
	const char *suite = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IONBF, 0);
	mkdir("/debug", 0700);
	if (mount("debugfs", "/debug", "debugfs", 0, NULL)) {
		perror("failslab: mount");
		failed = 1;
	}
	/* A line for some of the failures, and no call trace. */
	put("/debug/failslab/verbose", "1");
	put("/debug/failslab/times", "-1");
	run(suite, "20", "Y");
	run(suite, "100", "Y");
	run(suite, "1", "N");
	run(suite, "10", "N");
	run(suite, "50", "N");
	run(suite, "0", "Y");
	printf("failslab: status %d\n", failed);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
