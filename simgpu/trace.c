// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten munmap() calls of what eight simulated GPUs mirror, one of which is slow, for
 * scripts/verify/trace to find it. Prints a line "gpu: NAME FD" for each GPU, with its file
 * descriptor, and "munmap: NS" with the time that all calls together took.
 */
#include <unistd.h>

#include "gpu.h"

#define NR_GPUS		8
#define NR_ROUNDS	10

/* Most are told when their device is done. F is, too, and is the slow one. */
static const unsigned int modes[NR_GPUS] = {
	SIMGPU_SINGLE_PASS, SIMGPU_MULTI_PASS, SIMGPU_DEFERRED, SIMGPU_DEFERRED,
	SIMGPU_DEFERRED, SIMGPU_DEFERRED, SIMGPU_DEFERRED, SIMGPU_DEFERRED,
};

#define SLOW		5

static void work(void)
{
	const struct chain fast = { 2, { US(100), US(40) } };
	const struct chain slow = { 2, { US(2000), US(40) } };
	int gpus[NR_GPUS];
	__u64 ns = 0;
	unsigned int i, round;

	for (i = 0; i < NR_GPUS; i++) {
		gpus[i] = gpu_open();
		must(gpu_setup(gpus[i], i == SLOW ? &slow : &fast, 1), "setup");
		printf("gpu: %c %d\n", 'A' + i, gpus[i]);
	}
	for (round = 0; round < NR_ROUNDS; round++) {
		void *mem = map_pages(NR_PAGES);

		touch(mem, NR_PAGES, 0);
		for (i = 0; i < NR_GPUS; i++) {
			must(gpu_mirror(gpus[i], mem, NR_PAGES, modes[i]),
			     "mirror");
			must(gpu_populate(gpus[i], mem, NR_PAGES), "populate");
		}
		ns += timed_unmap(mem, NR_PAGES);
		for (i = 0; i < NR_GPUS; i++)
			must(gpu_unmirror(gpus[i]), "unmirror");
	}
	printf("munmap: %llu\n", ns);
	for (i = 0; i < NR_GPUS; i++)
		close(gpus[i]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	page_size = sysconf(_SC_PAGESIZE);
	work();
	finish(0);
}
