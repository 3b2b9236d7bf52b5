// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo: time munmap() of memory that simulated GPUs mirror, for each kind
 * of chain, number of GPUs and mode, and print tables of it, a summary,
 * timelines of what each of a few GPUs did, and the figures of the tables in
 * nanoseconds as lines "csv: ...".
 */
#include "gpu.h"

/* If the chain is empty each GPU has another */
static const struct profile mixed = {
	"mixed", "do 1 to 3 operations of 5 to 300 us", { "all assumed", NULL },
	{ 0, { 0 } },
};

static const struct profile * const kinds[] = {
	&profiles[PROFILE_FAST],
	&profiles[PROFILE_INTEL],
	&profiles[PROFILE_BUSY],
	&mixed,
};

#define MAX_GPUS 64
static const unsigned int gpu_counts[] = { 1, 2, 4, 8, 16, MAX_GPUS };

static struct result {
	__u64 longest;		/* chain of any one of the GPUs */
	__u64 ns[NR_MODES];	/* 0: the kernel does not have the mode */
	__u64 one_ns;		/* deferred, and one notifier for all */
} results[ARRAY_SIZE(kinds)][ARRAY_SIZE(gpu_counts)];

static void make_chains(const struct profile *kind, struct chain *chains)
{
	unsigned int i;

	mixed_chains(chains, MAX_GPUS, 0);
	for (i = 0; kind->chain.nr && i < MAX_GPUS; i++)
		chains[i] = kind->chain;
}

static void measure_one(const struct chain *chains, unsigned int gpus,
			struct result *result)
{
	const struct work one = {
		.chains = chains,
		.gpus = gpus,
		.ranges = 1,
		.mode = SIMGPU_DEFERRED,
		.one = true,
	};
	unsigned int mode;

	result->longest = longest_chain(chains, gpus);
	for (mode = 0; mode < NR_MODES; mode++)
		if (has_mode(mode))
			result->ns[mode] = time_munmap(chains, gpus, mode, NULL);
	if (has_mode(SIMGPU_DEFERRED))
		result->one_ns = time_work(&one, NULL);
}

static void measure(void)
{
	struct chain chains[MAX_GPUS];
	unsigned int kind, count;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		make_chains(kinds[kind], chains);
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++)
			measure_one(chains, gpu_counts[count],
				    &results[kind][count]);
	}
}

/* How many times the longest chain it takes */
static double ratio(const struct result *result, unsigned int mode)
{
	return (double)result->ns[mode] / result->longest;
}

static void print_table(void)
{
	unsigned int kind, count, mode, i;

	printf("How long munmap() takes when GPUs mirror the memory, in microseconds (us),\n"
	       "and how many times the longest chain of operations of any one GPU that is.\n"
	       "No order of callbacks can be faster than the longest chain (1.00x).\n"
	       "Time is simulated, in steps of 0.256 us: 40 us are 39.936. CPU work is free.\n"
	       "That the two figures of a profile, from different devices, make a chain is assumed.\n");
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		printf("\n%s: each GPU has to %s\n", kinds[kind]->name,
		       kinds[kind]->what);
		for (i = 0; i < ARRAY_SIZE(kinds[kind]->sources); i++)
			if (kinds[kind]->sources[i])
				printf("  (%s)\n", kinds[kind]->sources[i]);
		printf("  GPUs  longest");
		for (mode = 0; mode < NR_MODES; mode++)
			printf("  %13s", mode_names[mode]);
		putchar('\n');
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			const struct result *result = &results[kind][count];

			printf("  %4u  %7.0f", gpu_counts[count],
			       result->longest / 1e3);
			for (mode = 0; mode < NR_MODES; mode++)
				if (result->ns[mode])
					printf("  %6.0f %5.2fx",
					       result->ns[mode] / 1e3,
					       ratio(result, mode));
				else
					printf("  %13s", "-");
			putchar('\n');
		}
	}
}

/* How much faster one mode is than another with the largest number of GPUs */
static void print_gain(unsigned int mode, unsigned int slow)
{
	unsigned int last = ARRAY_SIZE(gpu_counts) - 1;
	unsigned int kind;

	if (!results[0][last].ns[slow])
		return;
	printf("With %u GPUs %s is", gpu_counts[last], mode_names[mode]);
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		printf("%s %.1f (%s)", kind ? "," : "",
		       (double)results[kind][last].ns[slow] /
		       results[kind][last].ns[mode], kinds[kind]->name);
	printf("\ntimes as fast as %s.\n", mode_names[slow]);
}

/* How far from the longest chain a mode can be */
static void print_worst(unsigned int mode, const char *why)
{
	unsigned int worst_kind = 0, worst_count = 0;
	unsigned int kind, count;
	double worst = 0;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			double x = ratio(&results[kind][count], mode);

			if (x > worst) {
				worst = x;
				worst_kind = kind;
				worst_count = count;
			}
		}
	printf("At worst %s takes %.2f times the longest chain", mode_names[mode],
	       worst);
	/* What rounds to 1.00 needs no explanation */
	if (worst >= 1.005)
		printf(" (%s, %u GPUs)%s", kinds[worst_kind]->name,
		       gpu_counts[worst_count], why);
	printf(".\n");
}

/* The same for one notifier that stands for all GPUs, deferred */
static void print_worst_one(void)
{
	unsigned int kind, count;
	double worst = 0;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			const struct result *result = &results[kind][count];
			double x = (double)result->one_ns / result->longest;

			if (x > worst)
				worst = x;
		}
	printf("One notifier that defers a pass for each GPU: at worst %.2f times.\n",
	       worst);
}

static void print_summary(void)
{
	unsigned int best = SIMGPU_DEFERRED;

	putchar('\n');
	if (!results[0][0].ns[SIMGPU_MULTI_PASS]) {
		printf("This kernel has no multi-pass notifiers.\n");
		return;
	}
	if (!results[0][0].ns[SIMGPU_DEFERRED])
		best = SIMGPU_MULTI_PASS;
	print_gain(best, SIMGPU_SINGLE_PASS);
	print_gain(best, SIMGPU_TWO_PASS);
	print_worst(SIMGPU_MULTI_PASS,
		    ":\na pass that waits for its GPU holds up the passes behind it");
	if (best == SIMGPU_DEFERRED) {
		print_worst(SIMGPU_DEFERRED, "");
		print_worst_one();
	} else {
		printf("This kernel has no deferred passes.\n");
	}
}

/*
 * A timeline has a line for each GPU, and one for the CPU. In column i is what
 * happened in the middle of the time that it stands for.
 */
#define NR_LINES	8
#define NR_COLUMNS	72
#define COLUMN		20000ULL	/* ns */

static __u64 column_middle(unsigned int column)
{
	return column * COLUMN + COLUMN / 2;
}

/* Digits where the GPU is at work, dots where it could be */
static void print_gpu(unsigned int gpu, const struct simgpu_log *log,
		      __u64 start)
{
	char line[NR_COLUMNS + 1] = "";
	unsigned int i, op = 0;

	for (i = 0; i < NR_COLUMNS; i++) {
		__u64 t = start + column_middle(i);

		while (op < log->nr_ops && log->ops[op].end_ns <= t)
			op++;
		if (op == log->nr_ops)
			break;
		line[i] = t < log->ops[op].start_ns ? '.' : '1' + op;
	}
	printf("  GPU %c %s\n", 'A' + gpu, line);
}

/*
 * Letters where a callback waits for this GPU. An asterisk where none does, so the
 * core sleeps because no pass can run.
 */
static void print_cpu(const struct simgpu_log *logs, __u64 start, __u64 ns)
{
	char line[NR_COLUMNS + 1] = "";
	unsigned int i, gpu, op;

	for (i = 0; i < NR_COLUMNS && column_middle(i) < ns; i++) {
		__u64 t = start + column_middle(i);

		line[i] = '*';
		for (gpu = 0; gpu < NR_LINES; gpu++)
			for (op = 0; op < logs[gpu].nr_ops; op++)
				if (logs[gpu].ops[op].pass_ns <= t &&
				    logs[gpu].ops[op].end_ns > t)
					line[i] = 'A' + gpu;
	}
	printf("  CPU   %s\n", line);
}

static void print_timelines(void)
{
	struct simgpu_log logs[NR_LINES];
	struct chain chains[NR_LINES];
	unsigned int mode, gpu;
	__u64 start, ns;

	mixed_chains(chains, NR_LINES, 0);
	printf("\nWhat the first %u GPUs of \"mixed\" do, in columns of %llu us.\n"
	       "1, 2, 3: the GPU runs this operation. Dots: it has operations left, but nobody\n"
	       "has started the next. CPU: the GPU that a callback waits for; *: none waits.\n",
	       NR_LINES, COLUMN / 1000);
	for (mode = 0; mode < NR_MODES; mode++) {
		if (!has_mode(mode))
			continue;
		ns = time_munmap(chains, NR_LINES, mode, logs);
		start = first_start(logs, NR_LINES);

		printf("\n%s: %.0f us", mode_names[mode], ns / 1e3);
		if (column_middle(NR_COLUMNS - 1) < ns)
			printf(", of which the first %llu are shown",
			       NR_COLUMNS * COLUMN / 1000);
		putchar('\n');
		for (gpu = 0; gpu < NR_LINES; gpu++)
			print_gpu(gpu, &logs[gpu], start);
		print_cpu(logs, start, ns);
	}
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
					       kinds[kind]->name,
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
	print_timelines();
	print_csv();
	return 0;
}
