// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo: time munmap() of memory that simulated GPUs mirror, for each kind
 * of chain, number of GPUs and mode, and print a table of it, a summary, and
 * the figures in nanoseconds as lines "csv: ...".
 */
#include "gpu.h"

static const struct kind {
	const char *name, *what;
	struct chain chain;	/* of each GPU; if it is empty they are mixed */
} kinds[] = {
	{ "flush", "each GPU flushes its TLB, 40 us", { 1, { US(40) } } },
	{ "fences+flush", "each GPU waits 500 us for fences, then flushes, 40 us",
	  { 2, { US(500), US(40) } } },
	{ "mixed", "each GPU has 1 to 3 operations of 5 to 300 us",
	  { 0, { 0 } } },
};

static const unsigned int gpu_counts[] = { 1, 2, 4, 8, 16, 32, MAX_GPUS };

static struct result {
	__u64 longest;		/* chain of any one of the GPUs */
	__u64 ns[NR_MODES];	/* 0: the kernel does not have the mode */
} results[ARRAY_SIZE(kinds)][ARRAY_SIZE(gpu_counts)];

/* A linear congruential generator: the same numbers on every machine */
static __u32 next_random(__u32 *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static struct chain mixed_chain(__u32 *state)
{
	struct chain chain = { .nr = 1 + next_random(state) % 3 };
	unsigned int i;

	for (i = 0; i < chain.nr; i++)
		chain.ns[i] = US(5 + next_random(state) % 296);
	return chain;
}

static void make_chains(const struct kind *kind, struct chain *chains)
{
	__u32 state = 1;
	unsigned int i;

	for (i = 0; i < MAX_GPUS; i++)
		chains[i] = kind->chain.nr ? kind->chain : mixed_chain(&state);
}

static __u64 longest_chain(const struct chain *chains, unsigned int nr)
{
	__u64 longest = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (chain_length(&chains[i]) > longest)
			longest = chain_length(&chains[i]);
	return longest;
}

static void measure(void)
{
	struct chain chains[MAX_GPUS];
	unsigned int kind, count, mode;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		make_chains(&kinds[kind], chains);
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			struct result *result = &results[kind][count];
			unsigned int gpus = gpu_counts[count];

			result->longest = longest_chain(chains, gpus);
			for (mode = 0; mode < NR_MODES; mode++)
				if (has_mode(mode))
					result->ns[mode] =
						time_munmap(chains, gpus, mode);
		}
	}
}

/* How many times the longest chain it takes */
static double ratio(const struct result *result, unsigned int mode)
{
	return (double)result->ns[mode] / result->longest;
}

static void print_table(void)
{
	unsigned int kind, count, mode;

	printf("How long munmap() takes when GPUs mirror the memory, in microseconds (us),\n"
	       "and how many times the longest chain of operations of any one GPU that is.\n"
	       "No order of callbacks can be faster than the longest chain (1.00x).\n"
	       "Time is simulated, in steps of 0.256 us: 40 us become 39.9. CPU work is free.\n");
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		printf("\n%s: %s\n\n", kinds[kind].name, kinds[kind].what);
		printf("  GPUs   longest");
		for (mode = 0; mode < NR_MODES; mode++)
			printf("  %18s", mode_names[mode]);
		putchar('\n');
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			const struct result *result = &results[kind][count];

			printf("  %4u  %8.1f", gpu_counts[count],
			       result->longest / 1e3);
			for (mode = 0; mode < NR_MODES; mode++)
				if (result->ns[mode])
					printf("  %10.1f %6.2fx",
					       result->ns[mode] / 1e3,
					       ratio(result, mode));
				else
					printf("  %18s", "-");
			putchar('\n');
		}
	}
}

/* How much faster multi-pass is with the largest number of GPUs */
static void print_gain(unsigned int mode)
{
	unsigned int last = ARRAY_SIZE(gpu_counts) - 1;
	unsigned int kind;

	if (!results[0][last].ns[mode])
		return;
	printf("With %u GPUs multi-pass is", gpu_counts[last]);
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		printf("%s %.1f (%s)", kind ? "," : "",
		       (double)results[kind][last].ns[mode] /
		       results[kind][last].ns[SIMGPU_MULTI_PASS],
		       kinds[kind].name);
	printf("\ntimes as fast as %s.\n", mode_names[mode]);
}

static void print_summary(void)
{
	unsigned int worst_kind = 0, worst_count = 0;
	unsigned int kind, count;
	double worst = 0;

	putchar('\n');
	if (!results[0][0].ns[SIMGPU_MULTI_PASS]) {
		printf("This kernel has no multi-pass notifiers.\n");
		return;
	}
	print_gain(SIMGPU_SINGLE_PASS);
	print_gain(SIMGPU_TWO_PASS);

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			double x = ratio(&results[kind][count],
					 SIMGPU_MULTI_PASS);

			if (x > worst) {
				worst = x;
				worst_kind = kind;
				worst_count = count;
			}
		}
	printf("At worst (%s, %u GPUs) multi-pass takes %.2f times the longest chain",
	       kinds[worst_kind].name, gpu_counts[worst_count], worst);
	if (worst > 1)
		printf(":\na pass that waits for its GPU holds up the passes behind it");
	printf(".\n");
}

static void print_csv(void)
{
	unsigned int kind, count, mode;

	printf("csv: chain,gpus,mode,latency_ns,longest_chain_ns\n");
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++)
			for (mode = 0; mode < NR_MODES; mode++)
				if (results[kind][count].ns[mode])
					printf("csv: %s,%u,%s,%llu,%llu\n",
					       kinds[kind].name,
					       gpu_counts[count],
					       mode_names[mode],
					       results[kind][count].ns[mode],
					       results[kind][count].longest);
}

int demo(void)
{
	measure();
	print_table();
	print_summary();
	print_csv();
	return 0;
}
