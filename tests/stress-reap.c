// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the kernel take the memory of processes that are being killed, as the OOM reaper
 * does, which may not wait for GPUs. The argument says how many.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4UL << 20)

static void child(int ready)
{
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, SIZE);
	if (write(ready, "", 1) != 1)
		_exit(1);
	/* Its GPUs look up what it changes */
	for (;;) {
		mprotect(memory, SIZE, PROT_READ);
		mprotect(memory, SIZE, PROT_READ | PROT_WRITE);
		memset(memory, 2, SIZE);
	}
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 1, reaped = 0, pidfd, ends[2];
	pid_t pid;
	char c;

	while (nr--) {
		if (pipe(ends))
			return 1;
		pid = fork();
		if (!pid)
			child(ends[1]);
		pidfd = syscall(SYS_pidfd_open, pid, 0);
		if (pid < 0 || pidfd < 0 || read(ends[0], &c, 1) != 1)
			return 1;
		usleep(2000);
		kill(pid, SIGKILL);
		/* Fails if the process was faster, or if GPUs refused */
		if (!syscall(SYS_process_mrelease, pidfd, 0))
			reaped++;
		waitpid(pid, NULL, 0);
		close(pidfd);
		close(ends[0]);
		close(ends[1]);
	}
	printf("reaped %d\n", reaped);
	return 0;
}
