// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the measurements and the self-test share: simulated GPUs, the memory that they
 * mirror, the clock, and the end of the program. gpu.h says what is here.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

const char * const mode_names[NR_MODES] = {
	[SIMGPU_SINGLE_PASS] = "single-pass",
	[SIMGPU_TWO_PASS] = "two-pass",
	[SIMGPU_MULTI_PASS] = "multi-pass",
	[SIMGPU_DEFERRED] = "deferred",
};

const struct profile profiles[NR_PROFILES] = {
	[PROFILE_FAST] = {
		"fast", "preempt 32 us, then flush a TLB 4 us",
		{ "32: P99 by interrupt on a GV100, XSched paper",
		  "4: 2 to 6 through AMD's KIQ, Sierra on amd-gfx, 26 April 2023" },
		{ 2, { US(32), US(4) } },
	},
	[PROFILE_INTEL] = {
		"intel", "wait for fences 500 us, then flush a TLB 40 us",
		{ "500: assumed", "40: typical, i915's intel_tlb.c" },
		{ 2, { US(500), US(40) } },
	},
	[PROFILE_BUSY] = {
		"busy", "preempt 4000 us, then flush a TLB 100 us",
		{ "4000: P99 behind 8 commands of 0.5 ms on a GV100, XSched paper",
		  "100: pessimistic, i915's intel_tlb.c" },
		{ 2, { US(4000), US(100) } },
	},
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
	return gpu_setup_device(gpu, 0, chain, states);
}

int gpu_setup_device(int gpu, unsigned int device, const struct chain *chain,
		     unsigned int states)
{
	struct simgpu_setup arg = {
		.nr_ops = chain->nr,
		.nr_states = states,
		.device = device,
	};

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

unsigned int waited_for(const struct simgpu_log *log)
{
	unsigned int i, waited = 0;

	for (i = 0; i < log->nr_ops; i++)
		if (log->ops[i].pass_ns < log->ops[i].end_ns)
			waited |= 1u << i;
	return waited;
}

__u64 first_start(const struct simgpu_log *logs, unsigned int nr)
{
	__u64 start = logs[0].ops[0].start_ns;

	while (--nr)
		if (logs[nr].ops[0].start_ns < start)
			start = logs[nr].ops[0].start_ns;
	return start;
}

/* A linear congruential generator */
static __u32 next_random(__u32 *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

void mixed_chains(struct chain *chains, unsigned int nr, unsigned int draw)
{
	__u32 state = draw + 1;
	unsigned int i;

	for (; nr; nr--, chains++) {
		*chains = (struct chain){ .nr = 1 + next_random(&state) % 3 };
		for (i = 0; i < chains->nr; i++)
			chains->ns[i] = US(5 + next_random(&state) % 296);
	}
}

unsigned int mode_of(const struct work *work, unsigned int gpu)
{
	return work->half && gpu % 2 ? SIMGPU_SINGLE_PASS : work->mode;
}

/* One for all chains of @work, which mirrors @mem */
static int gpu_new_one(const struct work *work, const void *mem)
{
	int gpu = gpu_open();
	unsigned int i;

	for (i = 0; i < work->gpus; i++)
		must(gpu_setup_device(gpu, i, &work->chains[i], 1), "setup");
	must(gpu_mirror(gpu, mem, NR_PAGES, work->mode), "mirror");
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
	return gpu;
}

/* How many GPUs mirror each range, devices of one being one */
static unsigned int gpus_per_range(const struct work *work)
{
	return work->one ? 1 : work->gpus;
}

/* Memory in as many areas as there are ranges, and in @gpus those that mirror it */
static char *mirror_work(const struct work *work, int *gpus)
{
	size_t length = NR_PAGES * page_size;
	char *mem = map_pages(work->ranges * NR_PAGES);
	unsigned int i, range;

	touch(mem, work->ranges * NR_PAGES, 0);
	/* The kernel keeps areas apart that differ in what is allowed there */
	for (range = 1; range < work->ranges; range += 2)
		if (mprotect(mem + range * length, length, PROT_READ))
			die("mprotect");

	for (range = 0; range < work->ranges; range++)
		for (i = 0; i < gpus_per_range(work); i++) {
			char *start = mem + range * length;

			*gpus++ = work->one ? gpu_new_one(work, start) :
					      gpu_new(&work->chains[i], 1,
						      start, NR_PAGES,
						      mode_of(work, i));
		}
	return mem;
}

static void act(enum trigger trigger, char *mem, size_t nr)
{
	pid_t child;

	switch (trigger) {
	case MUNMAP:
		unmap(mem, nr);
		break;
	case MPROTECT:
		if (mprotect(mem, nr * page_size, PROT_READ))
			die("mprotect");
		break;
	case MADV_DISCARD:
		if (madvise(mem, nr * page_size, MADV_DONTNEED))
			die("madvise");
		break;
	case FORK:
		child = fork();
		if (child < 0)
			die("fork");
		if (!child)
			_exit(0);
		break;
	case EXIT:
	default:
		_exit(0);
	}
}

/* The process that exits is a child, which says when in memory that is shared */
static __u64 time_exit(const struct work *work, int *gpus)
{
	__u64 *start = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	__u64 end;
	char *mem;
	pid_t child;

	if (start == MAP_FAILED)
		die("mmap");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		mem = mirror_work(work, gpus);
		*start = now();
		act(EXIT, mem, NR_PAGES);
	}
	if (waitpid(child, NULL, 0) != child)
		die("waitpid");
	end = now();
	if (!*start)
		die("a child");
	end = duration(*start, end);
	munmap(start, page_size);
	return end;
}

/* Has a GPU done its work in a range? */
static bool worked(const struct work *work, int gpu, unsigned int i)
{
	__u64 passes = 0;

	if (!work->one)
		return gpu_log(gpu).nr_ops == work->chains[i].nr;
	for (i = 0; i < work->gpus; i++)
		passes += work->chains[i].nr;
	return gpu_counters(gpu).passes == passes;
}

__u64 time_work(const struct work *work, struct simgpu_log *logs)
{
	unsigned int i, nr = gpus_per_range(work) * work->ranges;
	int *gpus = calloc(nr, sizeof(*gpus));
	__u64 start, ns;
	char *mem;

	if (!gpus)
		die("calloc");
	if (work->trigger == EXIT) {
		ns = time_exit(work, gpus);
		free(gpus);
		return ns;
	}

	mem = mirror_work(work, gpus);
	start = now();
	act(work->trigger, mem, work->ranges * NR_PAGES);
	ns = duration(start, now());

	if (work->trigger == FORK && wait(NULL) < 0)
		die("wait");
	if (work->trigger != MUNMAP)
		unmap(mem, work->ranges * NR_PAGES);
	for (i = 0; i < nr; i++) {
		if (!worked(work, gpus[i], i % work->gpus))
			die("a GPU has not done its work");
		if (logs && i < work->gpus)
			logs[i] = gpu_log(gpus[i]);
		close(gpus[i]);
	}
	free(gpus);
	return ns;
}

__u64 time_munmap(const struct chain *chains, unsigned int gpus,
		  unsigned int mode, struct simgpu_log *logs)
{
	const struct work work = {
		.chains = chains,
		.gpus = gpus,
		.ranges = 1,
		.mode = mode,
	};

	return time_work(&work, logs);
}
