// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the demo and the self-test share: simulated GPUs, the memory that they
 * mirror, the clock, and the end of the program. gpu.h says what is here.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

const char * const mode_names[NR_MODES] = {
	[SIMGPU_SINGLE_PASS] = "single-pass",
	[SIMGPU_TWO_PASS] = "two-pass",
	[SIMGPU_MULTI_PASS] = "multi-pass",
	[SIMGPU_DEFERRED] = "deferred",
};

size_t page_size;
bool loose;
static __u64 clock_cost;	/* of reading the clock, in ns */

void finish(int status)
{
	fflush(stdout);
	if (getpid() == 1) {
		printf("simgpu: status %d\n", status);
		fflush(stdout);
		reboot(RB_POWER_OFF);
	}
	exit(status);
}

void must(int err, const char *what)
{
	errno = err;
	if (err)
		die("%s", what);
}

void warm_up(void)
{
	struct chain chain = { .nr = 1, .ns = { US(40) } };
	__u64 start;

	page_size = sysconf(_SC_PAGESIZE);
	sleep_ns(US(30000));
	time_munmap(&chain, 1, SIMGPU_SINGLE_PASS, NULL);

	if (!loose) {
		start = now();
		clock_cost = now() - start;
	}
}

__u64 now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		die("clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

__u64 duration(__u64 start, __u64 end)
{
	return end - start - clock_cost;
}

void sleep_ns(__u64 ns)
{
	struct timespec ts = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	if (nanosleep(&ts, NULL))
		die("nanosleep");
}

void *map_pages(size_t nr)
{
	char *mem = mmap(NULL, nr * page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

void touch(void *mem, size_t nr, __u64 base)
{
	size_t i;

	for (i = 0; i < nr; i++)
		*(__u64 *)((char *)mem + i * page_size) = base + i;
}

void unmap(void *mem, size_t nr)
{
	if (munmap(mem, nr * page_size))
		die("munmap");
}

__u64 timed_unmap(void *mem, size_t nr)
{
	__u64 start = now();

	unmap(mem, nr);
	return duration(start, now());
}

int gpu_open(void)
{
	int gpu = open("/dev/simgpu", O_RDWR | O_CLOEXEC);

	if (gpu < 0)
		die("/dev/simgpu (is the module loaded?)");
	return gpu;
}

int gpu_ioctl(int gpu, unsigned long cmd, const void *arg)
{
	return ioctl(gpu, cmd, arg) ? errno : 0;
}

int gpu_setup(int gpu, const struct chain *chain, unsigned int states)
{
	struct simgpu_setup arg = { .nr_ops = chain->nr, .nr_states = states };

	memcpy(arg.op_ns, chain->ns, sizeof(arg.op_ns));
	return gpu_ioctl(gpu, SIMGPU_SETUP, &arg);
}

int gpu_mirror(int gpu, const void *mem, size_t nr, unsigned int mode)
{
	struct simgpu_mirror arg = {
		.addr = (uintptr_t)mem,
		.length = nr * page_size,
		.mode = mode,
	};

	return gpu_ioctl(gpu, SIMGPU_MIRROR, &arg);
}

int gpu_unmirror(int gpu)
{
	return gpu_ioctl(gpu, SIMGPU_UNMIRROR, NULL);
}

int gpu_populate(int gpu, const void *mem, size_t nr)
{
	struct simgpu_populate arg = {
		.addr = (uintptr_t)mem,
		.length = nr * page_size,
	};

	return gpu_ioctl(gpu, SIMGPU_POPULATE, &arg);
}

int gpu_read(int gpu, const void *addr, __u64 *value)
{
	struct simgpu_read arg = { .addr = (uintptr_t)addr };
	int ret = gpu_ioctl(gpu, SIMGPU_READ, &arg);

	*value = arg.value;
	return ret;
}

struct simgpu_counters gpu_counters(int gpu)
{
	struct simgpu_counters arg;

	if (ioctl(gpu, SIMGPU_COUNTERS, &arg))
		die("SIMGPU_COUNTERS");
	return arg;
}

struct simgpu_log gpu_log(int gpu)
{
	struct simgpu_log arg;

	if (ioctl(gpu, SIMGPU_LOG, &arg))
		die("SIMGPU_LOG");
	return arg;
}

int gpu_new(const struct chain *chain, unsigned int states, const void *mem,
	    size_t nr, unsigned int mode)
{
	int gpu = gpu_open();

	must(gpu_setup(gpu, chain, states), "setup");
	must(gpu_mirror(gpu, mem, nr, mode), "mirror");
	must(gpu_populate(gpu, mem, nr), "populate");
	return gpu;
}

bool has_mode(unsigned int mode)
{
	const struct chain chain = { .nr = 1, .ns = { 1 } };
	void *mem = map_pages(1);
	int gpu = gpu_open();
	int err;

	must(gpu_setup(gpu, &chain, 0), "setup");
	err = gpu_mirror(gpu, mem, 1, mode);
	if (err != EOPNOTSUPP)
		must(err, "mirror");
	close(gpu);
	unmap(mem, 1);
	return !err;
}

__u64 chain_length(const struct chain *chain)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		sum += chain->ns[i];
	return sum;
}

__u64 longest_chain(const struct chain *chains, unsigned int nr)
{
	__u64 longest = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (chain_length(&chains[i]) > longest)
			longest = chain_length(&chains[i]);
	return longest;
}

/* A linear congruential generator */
static __u32 next_random(__u32 *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

void mixed_chains(struct chain *chains, unsigned int nr)
{
	__u32 state = 1;
	unsigned int i;

	for (; nr; nr--, chains++) {
		*chains = (struct chain){ .nr = 1 + next_random(&state) % 3 };
		for (i = 0; i < chains->nr; i++)
			chains->ns[i] = US(5 + next_random(&state) % 296);
	}
}

__u64 time_munmap(const struct chain *chains, unsigned int nr,
		  unsigned int mode, struct simgpu_log *logs)
{
	void *mem = map_pages(NR_PAGES);
	int gpus[MAX_GPUS];
	unsigned int i;
	__u64 ns;

	touch(mem, NR_PAGES, 0);
	for (i = 0; i < nr; i++)
		gpus[i] = gpu_new(&chains[i], 1, mem, NR_PAGES, mode);

	ns = timed_unmap(mem, NR_PAGES);

	for (i = 0; i < nr; i++) {
		if (logs)
			logs[i] = gpu_log(gpus[i]);
		close(gpus[i]);
	}
	return ns;
}
