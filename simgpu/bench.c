// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark: time invalidations with each kind of work, trigger, number of
 * GPUs and mode that this kernel has, and with one notifier for all GPUs. Prints
 * lines "csv: ...", one for each, and lines "timeline: ..." with what eight GPUs
 * did. scripts/measure/bench says what the columns are, adds those about the kernel, and
 * compares kernels.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "gpu.h"

#define NR_DRAWS	20
#define NR_LINES	8	/* of a timeline */

/* Where two passes are enough */
static const struct chain flush = { 1, { US(40) } };

/* bench/report.awk says what they are */
static const struct kind {
	const char *name;
	const struct chain *chain;	/* of each GPU; NULL: they are drawn */
	unsigned int ranges;
	bool half;
	bool triggers;			/* not only munmap() */
} kinds[] = {
	{ "flush", &flush, .ranges = 1 },
	{ "fast", &profiles[PROFILE_FAST].chain, .ranges = 1 },
	{ "intel", &profiles[PROFILE_INTEL].chain, .ranges = 1,
	  .triggers = true },
	{ "busy", &profiles[PROFILE_BUSY].chain, .ranges = 1 },
	{ "random", NULL, .ranges = 1 },
	{ "half single-pass", &profiles[PROFILE_INTEL].chain, .ranges = 1,
	  .half = true },
	{ "half single-pass random", NULL, .ranges = 1, .half = true },
	{ "16 ranges", &profiles[PROFILE_INTEL].chain, .ranges = 16 },
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
	       work->one ? "one-notifier" : mode_names[work->mode],
	       time_work(work, NULL),
	       longest_chain(chains, work->gpus), longest, serial, operations);
}

static void measure_kind(const struct kind *kind, unsigned int mode, bool one)
{
	unsigned int draws = kind->chain ? 1 : NR_DRAWS;
	unsigned int triggers = kind->triggers ? NR_TRIGGERS : 1;
	unsigned int draw, trigger, count, i;

	for (draw = 0; draw < draws; draw++) {
		mixed_chains(chains, MAX_GPUS, draw);
		for (i = 0; kind->chain && i < MAX_GPUS; i++)
			chains[i] = *kind->chain;

		for (trigger = 0; trigger < triggers; trigger++) {
			for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
				const struct work work = {
					.chains = chains,
					.gpus = gpu_counts[count],
					.ranges = kind->ranges,
					.mode = mode,
					.half = kind->half,
					.one = one,
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
			measure_kind(&kinds[kind], mode, false);
		timeline(mode);
	}
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		if (has_mode(SIMGPU_DEFERRED) && !kinds[kind].half)
			measure_kind(&kinds[kind], SIMGPU_DEFERRED, true);
	return 0;
}
