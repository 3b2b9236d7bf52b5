// SPDX-License-Identifier: GPL-2.0-only
/*
 * What scripts/verify/hmm boots: runs /hmm-tests, which is hmm-tests of the kernel's
 * selftests, with the arguments that the kernel hands on, and says how it ended.
 *
 * The last line on the console is "hmm-init: status N", N being 0 if no case failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *directory)
{
	mkdir(directory, 0755);
	if (mount(type, directory, type, 0, NULL))
		perror(directory);
}

int main(int argc, char **argv)
{
	int status = -1;
	pid_t pid;

	(void)argc;
	setvbuf(stdout, NULL, _IONBF, 0);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	/* For the case hmm_gup_test */
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("devtmpfs", "/dev");
	/* For the cases that map a file */
	mount_at("tmpfs", "/tmp");
	printf("hmm-init: %ld CPUs\n", sysconf(_SC_NPROCESSORS_ONLN));

	pid = fork();
	if (!pid) {
		execv("/hmm-tests", argv);
		perror("/hmm-tests");
		_exit(127);
	}
	if (pid > 0)
		while (waitpid(-1, &status, 0) != pid)
			;
	printf("\nhmm-init: status %d\n", status);

	/* QEMU ends then, as it is told not to boot again */
	reboot(RB_AUTOBOOT);
	return 1;
}
