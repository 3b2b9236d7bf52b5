/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the program share: main.c starts it, demo.c and bench.c
 * measure simulated GPUs, check.c tests them, and gpu.c has what they need for
 * that.
 *
 * Functions that can fail for reasons that nobody tests don't return then: they
 * end the program with a message.
 */
#ifndef SIMGPU_GPU_H
#define SIMGPU_GPU_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>

#include "simgpu_ioctl.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The simulated clock moves in steps of 256 ns. All operations take a number of
 * whole steps, so that no rounding blurs the results.
 */
#define TICK		256ULL
#define US(us)		((us) * 1000ULL / TICK * TICK)

#define NR_PAGES	4
#define NR_MODES	(SIMGPU_DEFERRED + 1)

/* The chain of operations of one GPU */
struct chain {
	unsigned int nr;
	__u64 ns[SIMGPU_MAX_OPS];
};

/* The names of enum simgpu_mode */
extern const char * const mode_names[NR_MODES];

/* warm_up() finds it out */
extern size_t page_size;

/* CPU work takes time here: whatever is timed can take longer than it should */
extern bool loose;

/*
 * The end of the program
 */

/* Exit, or power off if this is the first process of the machine */
noreturn void finish(int status);

/* The message is followed by what errno says */
#define die(fmt, ...)							\
	do {								\
		fprintf(stderr, "simgpu: " fmt ": %s\n", ##__VA_ARGS__,	\
			strerror(errno));				\
		finish(1);						\
	} while (0)

/* What has to work before anything else makes sense; @err is an errno value */
void must(int err, const char *what);

/*
 * The clock, in ns
 */

/* Wait for exact timers, then find out what reading the clock costs */
void warm_up(void);

/* What the clock says */
__u64 now(void);

/* The time between two results of now(), without the cost of reading it */
__u64 duration(__u64 start, __u64 end);

/* Let @ns pass */
void sleep_ns(__u64 ns);

/*
 * Memory
 */

/* Map @nr pages that can be written */
void *map_pages(size_t nr);

/* Write a different number, from @base on, to the start of each page */
void touch(void *mem, size_t nr, __u64 base);

/* Unmap @nr pages */
void unmap(void *mem, size_t nr);

/* The same; returns how long it took */
__u64 timed_unmap(void *mem, size_t nr);

/*
 * GPUs: file descriptors, to be given to close(). The ioctls return 0 or an
 * errno value; see simgpu_ioctl.h for what they do.
 */

/* A GPU without a chain or a mirror */
int gpu_open(void);

/* Any ioctl with any argument */
int gpu_ioctl(int gpu, unsigned long cmd, const void *arg);

/* Give it a chain, and @states for invalidations in several passes */
int gpu_setup(int gpu, const struct chain *chain, unsigned int states);

/* The same for @device, which is one more than it has, or 0 and then the only one */
int gpu_setup_device(int gpu, unsigned int device, const struct chain *chain,
		     unsigned int states);

/* Mirror @nr pages from @mem on */
int gpu_mirror(int gpu, const void *mem, size_t nr, unsigned int mode);

/* End the mirror */
int gpu_unmirror(int gpu);

/* Make entries for @nr pages from @mem on */
int gpu_populate(int gpu, const void *mem, size_t nr);

/* Let it read the number at @addr */
int gpu_read(int gpu, const void *addr, __u64 *value);

/* What it has counted since gpu_open() */
struct simgpu_counters gpu_counters(int gpu);

/* When the operations of the last chain ran; there must have been one */
struct simgpu_log gpu_log(int gpu);

/* A GPU that mirrors all of @mem, with entries */
int gpu_new(const struct chain *chain, unsigned int states, const void *mem,
	    size_t nr, unsigned int mode);

/* Has the kernel this mode? */
bool has_mode(unsigned int mode);

/* How long the operations of a chain take, in ns */
__u64 chain_length(const struct chain *chain);

/* The length of the longest of @nr chains */
__u64 longest_chain(const struct chain *chains, unsigned int nr);

/* For which operations of the last chain did a callback wait? Bit i: for i */
unsigned int waited_for(const struct simgpu_log *log);

/* When the first operation of any of @nr GPUs started */
__u64 first_start(const struct simgpu_log *logs, unsigned int nr);

/* What devices take */
enum {
	PROFILE_FAST,
	PROFILE_INTEL,
	PROFILE_BUSY,
	NR_PROFILES
};

/*
 * Each operation with where its time is published, or that it is assumed. The two of a
 * profile are not figures of one device: that they make a chain is assumed.
 */
extern const struct profile {
	const char *name, *what;
	const char *sources[2];
	struct chain chain;
} profiles[NR_PROFILES];

/*
 * @nr chains of 1 to 3 operations of 5 to 300 us: the same for the same @draw, on
 * every machine
 */
void mixed_chains(struct chain *chains, unsigned int nr, unsigned int draw);

/* What the process does with the memory that GPUs mirror */
enum trigger {
	MUNMAP,
	MPROTECT,	/* forbids writing */
	MADV_DISCARD,	/* MADV_DONTNEED */
	FORK,		/* shares the pages until one process writes */
	EXIT,
	NR_TRIGGERS
};

/**
 * struct work - an invalidation to be timed
 * @chains: The chain of each GPU, for each of its ranges.
 * @gpus: How many there are.
 * @ranges: How many areas of memory (VMAs) each of them mirrors, of %NR_PAGES each.
 * @mode: How their callbacks run.
 * @half: Every second GPU is %SIMGPU_SINGLE_PASS.
 * @one: The GPUs that mirror a range are devices of one, and have one notifier.
 * @trigger: What causes it. If there is more than one range: %MUNMAP.
 */
struct work {
	const struct chain *chains;
	unsigned int gpus;
	unsigned int ranges;
	unsigned int mode;
	bool half;
	bool one;
	enum trigger trigger;
};

/* The mode of one of the GPUs */
unsigned int mode_of(const struct work *work, unsigned int gpu);

/*
 * How long it takes, in ns. @logs, if not NULL, returns what each GPU did for its
 * first range; with %EXIT there is nobody left who could say, and with @one nobody
 * who could for each.
 */
__u64 time_work(const struct work *work, struct simgpu_log *logs);

/* The same for munmap() of one range */
__u64 time_munmap(const struct chain *chains, unsigned int gpus,
		  unsigned int mode, struct simgpu_log *logs);

/*
 * What the program does. All return its exit status.
 */

/* Measure, and print the table and the timelines (demo.c) */
int demo(void);

/* Measure much more, and print only the figures (bench.c) */
int bench(void);

/* Test the module, and print a line for each test (check.c) */
int check(void);

#endif /* SIMGPU_GPU_H */
