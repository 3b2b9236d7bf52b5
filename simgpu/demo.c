// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time munmap() of memory that simulated GPUs mirror
 *
 * demo [loose]		print a table, then the same as lines "csv: ..."
 * demo check [loose]	test the module; one "ok" or "not ok" line per test
 *
 * Exit status: 0 success, 1 failure, 2 wrong arguments.
 *
 * As the first process of a machine it also loads /simgpu.ko, encloses what it
 * prints in lines "simgpu: begin" and "simgpu: status N" with its exit status,
 * and powers off.
 *
 * The tests of times are for a machine where CPU work takes no time, as under
 * User Mode Linux with time-travel=inf-cpu. "loose" is for all other machines:
 * a test then fails only if something takes less time than it should.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "simgpu_ioctl.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The simulated clock moves in steps of 256 ns. All operations take a number of
 * whole steps, so that no rounding blurs the results.
 */
#define TICK		256ULL
#define US(us)		((us) * 1000ULL / TICK * TICK)

/*
 * But whatever reads the clock takes a step, and a timer tick in the middle of
 * an operation can round it up by another: the self-test tolerates a few.
 */
#define SLACK		(4 * TICK)

#define MAX_GPUS	64
#define NR_PAGES	4

static const char * const mode_names[] = {
	[SIMGPU_SINGLE_PASS] = "single-pass",
	[SIMGPU_TWO_PASS] = "two-pass",
	[SIMGPU_MULTI_PASS] = "multi-pass",
};

#define NR_MODES	ARRAY_SIZE(mode_names)

static size_t page_size;
static __u64 clock_cost;	/* of reading the clock, in ns */
static bool loose;
static bool is_init;

static noreturn void finish(int status)
{
	fflush(stdout);
	if (is_init) {
		printf("simgpu: status %d\n", status);
		fflush(stdout);
		reboot(RB_POWER_OFF);
	}
	exit(status);
}

/* The message is followed by what errno says */
#define die(fmt, ...)							\
	do {								\
		fprintf(stderr, "simgpu: " fmt ": %s\n", ##__VA_ARGS__,	\
			strerror(errno));				\
		finish(1);						\
	} while (0)

static __u64 now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		die("clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void sleep_ns(__u64 ns)
{
	struct timespec ts = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	if (nanosleep(&ts, NULL))
		die("nanosleep");
}

static void *map_pages(size_t nr)
{
	char *mem = mmap(NULL, nr * page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

/* Write a different number to the start of each page */
static void touch(void *mem, size_t nr, __u64 base)
{
	size_t i;

	for (i = 0; i < nr; i++)
		*(__u64 *)((char *)mem + i * page_size) = base + i;
}

static void unmap(void *mem, size_t nr)
{
	if (munmap(mem, nr * page_size))
		die("munmap");
}

/* The chain of operations of one GPU */
struct chain {
	unsigned int nr;
	__u64 ns[SIMGPU_MAX_OPS];
};

static __u64 chain_length(const struct chain *chain)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		sum += chain->ns[i];
	return sum;
}

static int gpu_open(void)
{
	int gpu = open("/dev/simgpu", O_RDWR | O_CLOEXEC);

	if (gpu < 0)
		die("/dev/simgpu (is the module loaded?)");
	return gpu;
}

/* This and the next ones return 0 or an errno value, as the tests want it */
static int gpu_ioctl(int gpu, unsigned long cmd, const void *arg)
{
	return ioctl(gpu, cmd, arg) ? errno : 0;
}

static int gpu_setup(int gpu, const struct chain *chain, unsigned int states)
{
	struct simgpu_setup arg = { .nr_ops = chain->nr, .nr_states = states };

	memcpy(arg.op_ns, chain->ns, sizeof(arg.op_ns));
	return gpu_ioctl(gpu, SIMGPU_SETUP, &arg);
}

static int gpu_mirror(int gpu, const void *mem, size_t nr, unsigned int mode)
{
	struct simgpu_mirror arg = {
		.addr = (uintptr_t)mem,
		.length = nr * page_size,
		.mode = mode,
	};

	return gpu_ioctl(gpu, SIMGPU_MIRROR, &arg);
}

static int gpu_unmirror(int gpu)
{
	return gpu_ioctl(gpu, SIMGPU_UNMIRROR, NULL);
}

static int gpu_populate(int gpu, const void *mem, size_t nr)
{
	struct simgpu_populate arg = {
		.addr = (uintptr_t)mem,
		.length = nr * page_size,
	};

	return gpu_ioctl(gpu, SIMGPU_POPULATE, &arg);
}

static int gpu_read(int gpu, const void *addr, __u64 *value)
{
	struct simgpu_read arg = { .addr = (uintptr_t)addr };
	int ret = gpu_ioctl(gpu, SIMGPU_READ, &arg);

	*value = arg.value;
	return ret;
}

static struct simgpu_counters gpu_counters(int gpu)
{
	struct simgpu_counters arg;

	if (ioctl(gpu, SIMGPU_COUNTERS, &arg))
		die("SIMGPU_COUNTERS");
	return arg;
}

/* What has to work before anything else makes sense */
static void must(int err, const char *what)
{
	errno = err;
	if (err)
		die("%s", what);
}

/* A GPU that mirrors all of @mem, with entries */
static int gpu_new(const struct chain *chain, unsigned int states,
		   const void *mem, size_t nr, unsigned int mode)
{
	int gpu = gpu_open();

	must(gpu_setup(gpu, chain, states), "setup");
	must(gpu_mirror(gpu, mem, nr, mode), "mirror");
	must(gpu_populate(gpu, mem, nr), "populate");
	return gpu;
}

static bool has_mode(unsigned int mode)
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

/* How long munmap() takes of memory that @nr GPUs mirror, in ns */
static __u64 time_munmap(const struct chain *chains, unsigned int nr,
			 unsigned int mode)
{
	void *mem = map_pages(NR_PAGES);
	int gpus[MAX_GPUS];
	__u64 start, ns;
	unsigned int i;

	touch(mem, NR_PAGES, 0);
	for (i = 0; i < nr; i++)
		gpus[i] = gpu_new(&chains[i], 1, mem, NR_PAGES, mode);

	start = now();
	unmap(mem, NR_PAGES);
	ns = now() - start - clock_cost;

	for (i = 0; i < nr; i++)
		close(gpus[i]);
	return ns;
}

/* Wait for exact timers, then find out what reading the clock costs */
static void warm_up(void)
{
	struct chain chain = { .nr = 1, .ns = { US(40) } };
	__u64 start;

	page_size = sysconf(_SC_PAGESIZE);
	sleep_ns(US(30000));
	time_munmap(&chain, 1, SIMGPU_SINGLE_PASS);

	if (!loose) {
		start = now();
		clock_cost = now() - start;
	}
}

/*
 * The table
 */

/* A linear congruential generator: the same numbers on every machine */
static __u32 next_random(__u32 *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static void flush_chains(struct chain *chains)
{
	unsigned int i;

	for (i = 0; i < MAX_GPUS; i++)
		chains[i] = (struct chain){ .nr = 1, .ns = { US(40) } };
}

static void fence_chains(struct chain *chains)
{
	unsigned int i;

	for (i = 0; i < MAX_GPUS; i++)
		chains[i] = (struct chain){
			.nr = 2, .ns = { US(500), US(40) },
		};
}

static void mixed_chains(struct chain *chains)
{
	__u32 state = 1;
	unsigned int i, j;

	for (i = 0; i < MAX_GPUS; i++) {
		chains[i] = (struct chain){
			.nr = 1 + next_random(&state) % 3,
		};
		for (j = 0; j < chains[i].nr; j++)
			chains[i].ns[j] = US(5 + next_random(&state) % 296);
	}
}

static const struct {
	const char *name, *what;
	void (*make)(struct chain *chains);
} kinds[] = {
	{ "flush", "each GPU flushes its TLB, 40 us", flush_chains },
	{ "fences+flush", "each GPU waits 500 us for fences, then flushes, 40 us",
	  fence_chains },
	{ "mixed", "each GPU has 1 to 3 operations of 5 to 300 us",
	  mixed_chains },
};

static const unsigned int gpu_counts[] = { 1, 2, 4, 8, 16, 32, 64 };

struct result {
	__u64 longest;
	__u64 ns[NR_MODES];	/* 0: the kernel does not have the mode */
};

static struct result results[ARRAY_SIZE(kinds)][ARRAY_SIZE(gpu_counts)];

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
	       "Simulated time moves in steps of 0.256 us, and CPU work takes none.\n");
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

static int table(void)
{
	struct chain chains[MAX_GPUS];
	unsigned int kind, count, mode, i;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		kinds[kind].make(chains);
		for (count = 0; count < ARRAY_SIZE(gpu_counts); count++) {
			struct result *result = &results[kind][count];

			for (i = 0; i < gpu_counts[count]; i++)
				if (chain_length(&chains[i]) > result->longest)
					result->longest =
						chain_length(&chains[i]);
			for (mode = 0; mode < NR_MODES; mode++)
				if (has_mode(mode))
					result->ns[mode] =
						time_munmap(chains,
							    gpu_counts[count],
							    mode);
		}
	}

	print_table();
	print_summary();

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
	return 0;
}

/*
 * The self-test
 */

static unsigned int nr_failed;
static const char *part;	/* of the self-test, for the names */
static const struct chain one_op = { .nr = 1, .ns = { 160 * TICK } };
static const struct chain three_ops = {
	.nr = 3, .ns = { 1000 * TICK, 160 * TICK, 80 * TICK },
};

/* Long enough for another thread to act before it is done */
static const struct chain slow_op = { .nr = 1, .ns = { 400000 * TICK } };

static const char *verdict(bool ok)
{
	nr_failed += !ok;
	return ok ? "ok" : "not ok";
}

#define result(ok, fmt, ...)						\
	printf("%s - simgpu: %s: " fmt "\n", verdict(ok), part, ##__VA_ARGS__)

static void check_errno(const char *name, int seen, int expected)
{
	if (seen == expected)
		result(true, "%s", name);
	else
		result(false, "%s (expected %s, got %s)", name,
		       expected ? strerrorname_np(expected) : "success",
		       seen ? strerrorname_np(seen) : "success");
}

static void check_count(const char *name, __u64 seen, __u64 expected)
{
	if (seen == expected)
		result(true, "%s", name);
	else
		result(false, "%s (expected %llu, got %llu)", name,
		       expected, seen);
}

static void check_least(const char *name, __u64 seen, __u64 least)
{
	if (seen >= least)
		result(true, "%s", name);
	else
		result(false, "%s (expected at least %llu, got %llu)", name,
		       least, seen);
}

static void check_ns(const char *name, __u64 seen, __u64 expected)
{
	if (seen >= expected && (loose || seen <= expected + SLACK))
		result(true, "%s", name);
	else
		result(false, "%s (expected %llu ns, got %llu ns)", name,
		       expected, seen);
}

/*
 * Are the pages that the GPU can read those of the bit mask, and does it see
 * there what touch() has written?
 */
static void check_entries(const char *name, int gpu, void *mem,
			  unsigned int mask, __u64 base)
{
	unsigned int i, seen = 0;
	__u64 value;
	int err;

	for (i = 0; i < NR_PAGES; i++) {
		err = gpu_read(gpu, (char *)mem + i * page_size, &value);
		if (!err && value != base + i) {
			result(false, "%s (page %u: expected %llu, got %llu)",
			       name, i, base + i,
			       value);
			return;
		}
		if (err && err != ENODATA) {
			check_errno(name, err, ENODATA);
			return;
		}
		if (!err)
			seen |= 1u << i;
	}
	if (seen == mask)
		result(true, "%s", name);
	else
		result(false, "%s (expected pages %#x, got %#x)", name, mask,
		       seen);
}

/* A single-pass GPU; all kernels have that */
static int gpu_simple(const struct chain *chain, const void *mem, size_t nr)
{
	return gpu_new(chain, 1, mem, nr, SIMGPU_SINGLE_PASS);
}

static void check_setup_errors(void)
{
	static const struct {
		const char *name;
		struct simgpu_setup arg;
	} cases[] = {
		{ "setup refuses no operations", { 0, 1, { 0 } } },
		{ "setup refuses nine operations",
		  { 9, 1, { 1, 1, 1, 1, 1, 1, 1, 1 } } },
		{ "setup refuses nine states", { 1, 9, { 1 } } },
		{ "setup refuses a duration of zero", { 2, 1, { 1, 0 } } },
		{ "setup refuses more than a second",
		  { 1, 1, { SIMGPU_MAX_OP_NS + 1 } } },
		{ "setup refuses a duration beyond the last operation",
		  { 1, 1, { 1, 1 } } },
	};
	static const struct simgpu_setup largest = {
		SIMGPU_MAX_OPS, SIMGPU_MAX_STATES,
		{ 1, 1, 1, 1, 1, 1, 1, SIMGPU_MAX_OP_NS },
	};
	int gpu = gpu_open();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(cases[i].name,
			    gpu_ioctl(gpu, SIMGPU_SETUP, &cases[i].arg),
			    EINVAL);
	check_errno("setup takes the largest values",
		    gpu_ioctl(gpu, SIMGPU_SETUP, &largest), 0);
	close(gpu);
}

static void check_mirror_errors(void)
{
	void *mem = map_pages(NR_PAGES);
	__u64 addr = (uintptr_t)mem;
	__u64 length = NR_PAGES * page_size;
	__u64 top = -page_size;
	const struct {
		const char *name;
		struct simgpu_mirror arg;
	} cases[] = {
		{ "mirror refuses length zero", { addr, 0, 0, 0 } },
		{ "mirror refuses an unaligned address",
		  { addr + 8, page_size, 0, 0 } },
		{ "mirror refuses an unaligned length",
		  { addr, page_size + 8, 0, 0 } },
		{ "mirror refuses more than the largest length",
		  { addr, SIMGPU_MAX_LENGTH + page_size, 0, 0 } },
		{ "mirror refuses a length that overflows",
		  { addr, top, 0, 0 } },
		{ "mirror refuses a range that wraps around",
		  { top, 2 * page_size, 0, 0 } },
		{ "mirror refuses a kernel address", { top, page_size, 0, 0 } },
		{ "mirror refuses an unknown mode", { addr, length, 99, 0 } },
		{ "mirror refuses flags", { addr, length, 0, 1 } },
	};
	int gpu = gpu_open();
	unsigned int i;

	check_errno("mirror needs setup first",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), ENXIO);
	must(gpu_setup(gpu, &one_op, 1), "setup");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(cases[i].name,
			    gpu_ioctl(gpu, SIMGPU_MIRROR, &cases[i].arg),
			    EINVAL);
	must(gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), "mirror");
	check_errno("a second mirror is refused",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), EBUSY);
	check_errno("setup of a GPU with a mirror is refused",
		    gpu_setup(gpu, &one_op, 1), EBUSY);
	close(gpu);
	unmap(mem, NR_PAGES);
}

static void check_other_errors(void)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} bad_pointers[] = {
		{ "setup refuses a bad pointer", SIMGPU_SETUP },
		{ "mirror refuses a bad pointer", SIMGPU_MIRROR },
		{ "populate refuses a bad pointer", SIMGPU_POPULATE },
		{ "read refuses a bad pointer", SIMGPU_READ },
		{ "counters refuses a bad pointer", SIMGPU_COUNTERS },
	};
	char *mem = map_pages(NR_PAGES + 1);
	struct simgpu_populate range;
	int gpu = gpu_open();
	__u64 value;
	unsigned int i;

	check_errno("an unknown ioctl is refused",
		    gpu_ioctl(gpu, _IO(0xe6, 99), NULL), ENOTTY);
	for (i = 0; i < ARRAY_SIZE(bad_pointers); i++)
		check_errno(bad_pointers[i].name,
			    gpu_ioctl(gpu, bad_pointers[i].cmd, NULL),
			    EFAULT);

	check_errno("unmirror without a mirror is refused", gpu_unmirror(gpu),
		    ENOENT);
	check_errno("populate without a mirror is refused",
		    gpu_populate(gpu, mem, 1), ENOENT);
	check_errno("read without a mirror is refused",
		    gpu_read(gpu, mem, &value), ENOENT);
	close(gpu);

	touch(mem, NR_PAGES + 1, 0);
	gpu = gpu_simple(&one_op, mem, NR_PAGES);
	check_errno("populate refuses length zero", gpu_populate(gpu, mem, 0),
		    EINVAL);
	check_errno("populate refuses more than the mirror",
		    gpu_populate(gpu, mem, NR_PAGES + 1), EINVAL);
	check_errno("populate refuses a range outside the mirror",
		    gpu_populate(gpu, mem + NR_PAGES * page_size, 1), EINVAL);
	range = (struct simgpu_populate){ (uintptr_t)mem + 8, page_size };
	check_errno("populate refuses an unaligned address",
		    gpu_ioctl(gpu, SIMGPU_POPULATE, &range), EINVAL);
	range = (struct simgpu_populate){ (uintptr_t)mem, 8 };
	check_errno("populate refuses an unaligned length",
		    gpu_ioctl(gpu, SIMGPU_POPULATE, &range), EINVAL);
	check_errno("read refuses an unaligned address",
		    gpu_read(gpu, mem + 1, &value), EINVAL);
	check_errno("read refuses an address outside the mirror",
		    gpu_read(gpu, mem + NR_PAGES * page_size, &value), EINVAL);

	unmap(mem + 2 * page_size, 1);
	check_errno("populate of a hole is refused",
		    gpu_populate(gpu, mem, NR_PAGES), EFAULT);
	check_entries("a populate that fails changes nothing", gpu, mem, 0xb,
		      0);
	close(gpu);
	unmap(mem, NR_PAGES + 1);
}

static void check_invalidation(unsigned int mode)
{
	char *mem = map_pages(NR_PAGES);
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_new(&one_op, 1, mem, NR_PAGES, mode);
	check_entries("populate gives the GPU the pages", gpu, mem, 0xf, 100);
	touch(mem, NR_PAGES, 200);
	check_entries("the GPU sees what the CPU writes", gpu, mem, 0xf, 200);

	if (mprotect(mem, page_size, PROT_READ))
		die("mprotect");
	check_entries("mprotect() takes the first page", gpu, mem, 0xe, 200);
	if (madvise(mem + page_size, page_size, MADV_DONTNEED))
		die("madvise");
	check_entries("madvise() takes the second page", gpu, mem, 0xc, 200);
	unmap(mem + 3 * page_size, 1);
	check_entries("munmap() takes the last page", gpu, mem, 0x4, 200);

	touch(mem + page_size, 2, 301);
	check_errno("populate again", gpu_populate(gpu, mem + page_size, 2), 0);
	check_entries("the new pages are seen", gpu, mem, 0x6, 300);
	close(gpu);
	unmap(mem, NR_PAGES);
}

/* In every mode the device gets all of its time */
static void check_times(unsigned int mode)
{
	/* Passes after the first: none, one, or one for each operation */
	const __u64 passes[] = { 0, 1, three_ops.nr };
	struct chain chains[2] = { three_ops, three_ops };
	struct simgpu_counters counters;
	__u64 length = chain_length(&three_ops);
	const __u64 expected[] = {
		2 * length,
		/* The first operations run at once, the others do not */
		2 * length - three_ops.ns[0],
		length,
	};
	void *mem = map_pages(NR_PAGES);
	__u64 start, ns;
	int gpu;

	touch(mem, NR_PAGES, 0);
	gpu = gpu_new(&three_ops, 1, mem, NR_PAGES, mode);
	start = now();
	unmap(mem, NR_PAGES);
	check_ns("one GPU takes as long as its chain",
		 now() - start - clock_cost, length);
	counters = gpu_counters(gpu);
	check_count("one invalidation", counters.invalidations, 1);
	check_count("the number of later passes", counters.passes,
		    passes[mode]);
	check_count("no fallback", counters.fallbacks, 0);
	close(gpu);

	ns = time_munmap(chains, 2, mode);
	check_ns("two GPUs take as long as the mode promises", ns,
		 expected[mode]);

	mem = map_pages(NR_PAGES);
	touch(mem, NR_PAGES, 0);
	gpu = gpu_new(&three_ops, 0, mem, NR_PAGES, mode);
	start = now();
	unmap(mem, NR_PAGES);
	check_ns("without a free state it takes as long",
		 now() - start - clock_cost, length);
	counters = gpu_counters(gpu);
	check_count("without a free state there are no later passes",
		    counters.passes, 0);
	check_count("without a free state the fallback is taken",
		    counters.fallbacks, mode != SIMGPU_SINGLE_PASS);
	close(gpu);
}

static void check_teardown(void)
{
	void *mem = map_pages(NR_PAGES);
	struct simgpu_counters counters;
	__u64 start;
	int gpu;

	touch(mem, NR_PAGES, 0);
	gpu = gpu_simple(&one_op, mem, NR_PAGES);
	start = now();
	must(gpu_unmirror(gpu), "unmirror");
	check_ns("unmirror waits for the device", now() - start - clock_cost,
		 chain_length(&one_op));
	start = now();
	unmap(mem, NR_PAGES);
	if (!loose)
		check_ns("munmap() after unmirror takes no time",
			 now() - start - clock_cost, 0);
	counters = gpu_counters(gpu);
	check_count("munmap() after unmirror runs no callback",
		    counters.invalidations, 0);
	close(gpu);

	mem = map_pages(NR_PAGES);
	touch(mem, NR_PAGES, 0);
	gpu = gpu_simple(&one_op, mem, NR_PAGES);
	start = now();
	close(gpu);
	check_ns("close() without unmirror waits for the device",
		 now() - start - clock_cost, chain_length(&one_op));
	start = now();
	unmap(mem, NR_PAGES);
	if (!loose)
		check_ns("munmap() after close() takes no time",
			 now() - start - clock_cost, 0);

	mem = map_pages(NR_PAGES);
	gpu = gpu_open();
	if (gpu_setup(gpu, &one_op, 1) ||
	    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS))
		die("mirror");
	touch(mem, NR_PAGES, 0);
	start = now();
	unmap(mem, NR_PAGES);
	if (!loose)
		check_ns("munmap() of a mirror without entries takes no time",
			 now() - start - clock_cost, 0);
	counters = gpu_counters(gpu);
	check_count("munmap() of a mirror without entries runs the callback",
		    counters.invalidations, 1);
	close(gpu);
}

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t fork_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	/* A child that dies must not power the machine off */
	if (!pid)
		is_init = false;
	return pid;
}

static void check_processes(void)
{
	void *mem = map_pages(NR_PAGES);
	struct simgpu_counters before, after;
	__u64 start, value;
	pid_t child;
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_simple(&one_op, mem, NR_PAGES);
	/* A child shares the pages until one of the two writes */
	child = fork_child();
	if (!child) {
		int err = gpu_populate(gpu, mem, NR_PAGES);

		if (!err)
			err = gpu_read(gpu, mem, &value);
		if (err == EPERM)
			err = gpu_mirror(gpu, mem, NR_PAGES, 0);
		before = gpu_counters(gpu);
		unmap(mem, NR_PAGES);
		after = gpu_counters(gpu);
		if (before.invalidations != after.invalidations)
			_exit(255);
		_exit(err);
	}
	check_count("a child gets EBUSY for a mirror of the parent's GPU",
		    wait_for(child), EBUSY);
	check_entries("fork() takes all pages", gpu, mem, 0, 0);
	check_errno("populate after fork()", gpu_populate(gpu, mem, NR_PAGES),
		    0);

	child = fork_child();
	if (!child)
		_exit(gpu_read(gpu, mem, &value));
	check_count("a child can't read the parent's memory", wait_for(child),
		    EPERM);
	child = fork_child();
	if (!child)
		_exit(gpu_populate(gpu, mem, NR_PAGES));
	check_count("a child can't populate the parent's mirror",
		    wait_for(child), EPERM);

	/* A mirror outlives its process, if another has the file open */
	must(gpu_unmirror(gpu), "unmirror");
	before = gpu_counters(gpu);
	child = fork_child();
	if (!child)
		_exit(gpu_mirror(gpu, mem, NR_PAGES, 0) ?:
		      gpu_populate(gpu, mem, NR_PAGES));
	check_count("a child can mirror its own memory", wait_for(child), 0);
	after = gpu_counters(gpu);
	check_least("the end of the process invalidates",
		    after.invalidations - before.invalidations, 1);
	check_errno("the mirror is still there",
		    gpu_mirror(gpu, mem, NR_PAGES, 0), EBUSY);
	check_errno("the parent can't populate it",
		    gpu_populate(gpu, mem, NR_PAGES), EPERM);
	start = now();
	check_errno("the parent can unmirror it", gpu_unmirror(gpu), 0);
	if (!loose)
		check_ns("the end of the process has taken all pages",
			 now() - start - clock_cost, 0);
	check_errno("the GPU can be used again",
		    gpu_mirror(gpu, mem, NR_PAGES, 0), 0);
	close(gpu);

	/* Here the file goes with the process */
	child = fork_child();
	if (!child) {
		gpu_simple(&one_op, mem, NR_PAGES);
		_exit(0);
	}
	check_count("a process can exit with a mirror", wait_for(child), 0);
	unmap(mem, NR_PAGES);
}

struct discard {
	void *addr;
	size_t nr;
	__u64 start, end;
};

static void *discard_thread(void *arg)
{
	struct discard *discard = arg;

	discard->start = now();
	if (madvise(discard->addr, discard->nr * page_size, MADV_DONTNEED))
		die("madvise");
	discard->end = now();
	return NULL;
}

/* Wait for the next invalidation to reach the GPU */
static void wait_invalidation(int gpu, __u64 before)
{
	while (gpu_counters(gpu).invalidations == before)
		sleep_ns(US(100));
}

/* Start to discard pages, and wait until the GPU is at work */
static pthread_t start_discard(struct discard *discard, int gpu)
{
	__u64 before = gpu_counters(gpu).invalidations;
	pthread_t thread;

	errno = pthread_create(&thread, NULL, discard_thread, discard);
	if (errno)
		die("pthread_create");
	wait_invalidation(gpu, before);
	return thread;
}

static void check_threads(unsigned int mode)
{
	char *mem = map_pages(NR_PAGES);
	struct discard first = { .addr = mem, .nr = 2 };
	struct discard second = { .addr = mem + page_size, .nr = 2 };
	struct simgpu_counters counters;
	__u64 ns, end;
	pthread_t thread;
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_new(&slow_op, 1, mem, NR_PAGES, mode);

	/* The only state of the GPU is taken when the second comes */
	thread = start_discard(&first, gpu);
	discard_thread(&second);
	pthread_join(thread, NULL);
	result(second.start < first.end,
	       "two invalidations of one mirror run at once");
	counters = gpu_counters(gpu);
	check_count("both reach the GPU", counters.invalidations, 2);
	check_count("the number of fallbacks for one free state", counters.fallbacks,
		    mode != SIMGPU_SINGLE_PASS);
	ns = second.end - second.start;
	check_ns("the second takes as long as the chain", ns - clock_cost,
		 slow_op.ns[0]);
	check_entries("both take their pages", gpu, mem, 0x8, 100);

	/* Nothing is left to remove, but the device is not done with it */
	touch(mem, NR_PAGES, 100);
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
	second.addr = mem;
	thread = start_discard(&first, gpu);
	discard_thread(&second);
	pthread_join(thread, NULL);
	ns = second.end - second.start;
	check_ns("pages that another thread has removed are waited for",
		 ns - clock_cost, slow_op.ns[0]);

	touch(mem, NR_PAGES, 100);
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
	thread = start_discard(&first, gpu);
	check_entries("the entries are gone before the device is done", gpu,
		      mem, 0xc, 100);
	check_errno("populate during an invalidation",
		    gpu_populate(gpu, mem + 2 * page_size, 2), 0);
	end = now();
	pthread_join(thread, NULL);
	check_least("populate waits for the end of the invalidation",
		    end - first.start, slow_op.ns[0]);

	touch(mem, NR_PAGES, 100);
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
	thread = start_discard(&first, gpu);
	check_errno("unmirror during an invalidation", gpu_unmirror(gpu), 0);
	end = now();
	pthread_join(thread, NULL);
	check_least("unmirror waits for the end of the invalidation",
		    end - first.start, slow_op.ns[0]);

	close(gpu);
	unmap(mem, NR_PAGES);
}

/* An invalidation that must not wait fails if the device is at work */
static void check_nonblocking(unsigned int mode)
{
	char *mem = map_pages(NR_PAGES);
	struct simgpu_counters before, after;
	int gpu = gpu_open();
	int pidfd, err;
	pid_t child;

	/* A child that is killed in the middle of an invalidation... */
	child = fork_child();
	if (!child) {
		touch(mem, NR_PAGES, 0);
		err = gpu_setup(gpu, &slow_op, 1) ?:
		      gpu_mirror(gpu, mem, NR_PAGES, mode) ?:
		      gpu_populate(gpu, mem, NR_PAGES);
		if (err)
			_exit(err);
		madvise(mem, page_size, MADV_DONTNEED);
		_exit(0);
	}
	wait_invalidation(gpu, 0);
	before = gpu_counters(gpu);
	if (kill(child, SIGKILL))
		die("kill");
	pidfd = syscall(SYS_pidfd_open, child, 0);
	if (pidfd < 0)
		die("pidfd_open");
	/* ...and whose memory is then reaped, as when memory has run out */
	err = syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0;
	close(pidfd);
	after = gpu_counters(gpu);
	wait_for(child);
	check_errno("an invalidation that must not wait fails", err, EAGAIN);
	check_count("it is the GPU that refuses it", after.refused - before.refused,
		    1);
	close(gpu);
	unmap(mem, NR_PAGES);
}

struct populate {
	int gpu, err;
	void *addr;
};

static void *populate_thread(void *arg)
{
	struct populate *populate = arg;

	populate->err = gpu_populate(populate->gpu, populate->addr, 2);
	return NULL;
}

/* Wait until a thread needs the page at @addr */
static bool wait_fault(int uffd, const void *addr)
{
	struct pollfd fd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&fd, 1, 1000) != 1)
		return false;
	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		die("userfaultfd");
	return msg.event == UFFD_EVENT_PAGEFAULT &&
	       msg.arg.pagefault.address == (uintptr_t)addr;
}

/* Let that thread have it */
static void give_page(int uffd, void *addr, __u64 value)
{
	void *source = map_pages(1);
	struct uffdio_copy copy = {
		.dst = (uintptr_t)addr,
		.src = (uintptr_t)source,
		.len = page_size,
	};

	touch(source, 1, value);
	if (ioctl(uffd, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY");
	unmap(source, 1);
}

/*
 * Hold up populate while it faults in the second page, and take the first,
 * which it has looked up by then, away from it.
 */
static void check_retry(void)
{
	char *mem = map_pages(NR_PAGES);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, NR_PAGES * page_size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct populate populate = { .gpu = gpu_open(), .addr = mem };
	int gpu = populate.gpu;
	pthread_t thread;
	bool again;
	int uffd;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0) {
		result(true, "no userfaultfd here # SKIP");
		close(gpu);
		unmap(mem, NR_PAGES);
		return;
	}
	if (ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		die("userfaultfd");
	give_page(uffd, mem, 100);
	must(gpu_setup(gpu, &one_op, 1), "setup");
	must(gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), "mirror");

	errno = pthread_create(&thread, NULL, populate_thread, &populate);
	if (errno)
		die("pthread_create");
	if (!wait_fault(uffd, mem + page_size))
		die("populate does not fault");
	if (madvise(mem, page_size, MADV_DONTNEED))
		die("madvise");
	give_page(uffd, mem + page_size, 201);
	again = wait_fault(uffd, mem);
	result(again, "populate that collides starts again");
	if (again)
		give_page(uffd, mem, 200);
	pthread_join(thread, NULL);

	check_errno("populate that collides succeeds", populate.err, 0);
	check_count("the number of retries", gpu_counters(gpu).retries, 1);
	check_entries("the new pages are seen", gpu, mem, 0x3, 200);
	close(gpu);
	close(uffd);
	unmap(mem, NR_PAGES);
}

/* A warning, or worse, has left its mark */
static void check_taint(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "r");
	unsigned long taint;

	if (!file || fscanf(file, "%lu", &taint) != 1)
		die("/proc/sys/kernel/tainted");
	fclose(file);
	result(!(taint & (1 << 9 | 1 << 7)), "no kernel warnings (taint %lu)",
	       taint);
}

static int check(void)
{
	unsigned int mode;

	part = "errors";
	check_setup_errors();
	check_mirror_errors();
	check_other_errors();
	for (mode = 0; mode < NR_MODES; mode++) {
		part = mode_names[mode];
		if (!has_mode(mode)) {
			result(true, "not in this kernel # SKIP");
			continue;
		}
		check_invalidation(mode);
		check_times(mode);
		check_threads(mode);
		check_nonblocking(mode);
	}
	part = "teardown";
	check_teardown();
	part = "processes";
	check_processes();
	part = "collision";
	check_retry();
	part = "kernel";
	check_taint();
	return nr_failed ? 1 : 0;
}

static void init(void)
{
	int fd;

	/* The kernel's own initramfs has /dev/console, and nothing else */
	mkdir("/proc", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		die("mount /dev");
	if (mount("proc", "/proc", "proc", 0, NULL))
		die("mount /proc");

	fd = open("/simgpu.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/simgpu.ko");
	if (syscall(SYS_finit_module, fd, "", 0))
		die("loading /simgpu.ko");
	close(fd);
}

int main(int argc, char **argv)
{
	bool do_check = false;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	is_init = getpid() == 1;
	if (is_init) {
		init();
		printf("simgpu: begin\n");
	}
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "check")) {
			do_check = true;
		} else if (!strcmp(argv[i], "loose")) {
			loose = true;
		} else {
			fprintf(stderr, "usage: demo [check] [loose]\n");
			finish(2);
		}
	}
	warm_up();
	finish(do_check ? check() : table());
}
