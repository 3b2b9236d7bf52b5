// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark: time invalidations with each kind of work, trigger, number of
 * GPUs and mode that this kernel has. Prints lines "csv: ...", one for each, and
 * lines "timeline: ..." with what eight GPUs did. scripts/bench says what the
 * columns are, adds those about the kernel, and compares kernels.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "gpu.h"

#define NR_DRAWS	20
#define NR_LINES	8	/* of a timeline */

static const struct kind {
	const char *name;
	struct chain chain;	/* of each GPU; if it is empty they are drawn */
	unsigned int ranges;
	bool half;
	bool triggers;		/* not only munmap() */
} kinds[] = {
	{ .name = "flush", .chain = { 1, { US(40) } }, .ranges = 1 },
	{ .name = "fences+flush", .chain = { 2, { US(500), US(40) } },
	  .ranges = 1, .triggers = true },
	{ .name = "unmap+fences+flush",
	  .chain = { 3, { US(100), US(500), US(40) } }, .ranges = 1 },
	{ .name = "random", .ranges = 1 },
	{ .name = "half single-pass", .chain = { 2, { US(500), US(40) } },
	  .ranges = 1, .half = true },
	{ .name = "half single-pass random", .ranges = 1, .half = true },
	{ .name = "16 ranges", .chain = { 2, { US(500), US(40) } },
	  .ranges = 16 },
};

static const char * const trigger_names[NR_TRIGGERS] = {
	[MUNMAP] = "munmap",
	[MPROTECT] = "mprotect",
	[MADV_DISCARD] = "MADV_DONTNEED",
	[FORK] = "fork",
	[EXIT] = "exit",
};

static const unsigned int gpu_counts[] = { 1, 2, 4, 8, 16, 72, 256 };

#define MAX_GPUS	256
static struct chain chains[MAX_GPUS];

/*
 * What no order of callbacks can do better: the chains that single-pass callbacks
 * run one after the other, and then, or meanwhile, the longest of the others.
 */
static void add_up(const struct work *work, __u64 *longest, __u64 *serial,
		   unsigned int *operations)
{
	unsigned int i;

	*longest = 0;
	*serial = 0;
	*operations = 0;
	for (i = 0; i < work->gpus; i++) {
		__u64 ns = chain_length(&chains[i]);

		*operations += chains[i].nr * work->ranges;
		if (mode_of(work, i) == SIMGPU_SINGLE_PASS)
			*serial += ns * work->ranges;
		else if (ns > *longest)
			*longest = ns;
	}
}

static void measure(const struct kind *kind, unsigned int draw,
		    const struct work *work)
{
	unsigned int operations;
	__u64 longest, serial;

	add_up(work, &longest, &serial, &operations);
	printf("csv: %s,%s,%u,%u,%s,%llu,%llu,%llu,%llu,%u\n",
	       trigger_names[work->trigger], kind->name, draw, work->gpus,
	       mode_names[work->mode], time_work(work, NULL),
	       longest_chain(chains, work->gpus), longest, serial, operations);
}

static void measure_kind(const struct kind *kind, unsigned int mode)
{
	unsigned int draws = kind->chain.nr ? 1 : NR_DRAWS;
	unsigned int triggers = kind->triggers ? NR_TRIGGERS : 1;
	unsigned int draw, trigger, count, i;

	for (draw = 0; draw < draws; draw++) {
		mixed_chains(chains, MAX_GPUS, draw);
		for (i = 0; kind->chain.nr && i < MAX_GPUS; i++)
			chains[i] = kind->chain;

		for (trigger = 0; trigger < triggers; trigger++) {
			for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
				const struct work work = {
					.chains = chains,
					.gpus = gpu_counts[count],
					.ranges = kind->ranges,
					.mode = mode,
					.half = kind->half,
					.trigger = trigger,
				};

				measure(kind, draw, &work);
			}
		}
	}
}

/* Times from the start of the first operation on */
static void timeline(unsigned int mode)
{
	struct simgpu_log logs[NR_LINES];
	unsigned int gpu, op;
	__u64 start;

	mixed_chains(chains, NR_LINES, 0);
	time_munmap(chains, NR_LINES, mode, logs);
	start = first_start(logs, NR_LINES);

	for (gpu = 0; gpu < NR_LINES; gpu++) {
		for (op = 0; op < logs[gpu].nr_ops; op++) {
			const struct simgpu_op_log *log = &logs[gpu].ops[op];

			printf("timeline: %s,%c,%u,%llu,%llu,%llu\n",
			       mode_names[mode], 'A' + gpu, op + 1,
			       log->start_ns - start, log->end_ns - start,
			       log->pass_ns - start);
		}
	}
}

int bench(void)
{
	const struct rlimit limit = { 16384, 16384 };
	unsigned int mode, kind;
	struct utsname names;

	/* A file for each range of each GPU */
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	if (uname(&names))
		die("uname");
	printf("release: %s\n", names.release);

	for (mode = 0; mode < NR_MODES; mode++) {
		if (!has_mode(mode))
			continue;
		for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			measure_kind(&kinds[kind], mode);
		timeline(mode);
	}
	return 0;
}
