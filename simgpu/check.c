// SPDX-License-Identifier: GPL-2.0-only
/*
 * The self-test of the module: its errors; what an invalidation does to the
 * entries of a GPU and how long it takes, in each mode; the end of mirrors,
 * files and processes; and what happens when all that happens at once.
 */
#define _GNU_SOURCE	/* strerrorname_np() */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

/*
 * Whatever reads the clock takes a step, and a timer tick in the middle of an
 * operation can round it up by another: a few are tolerated.
 */
#define SLACK		(4 * TICK)

static unsigned int nr_failed;
static const char *part;	/* of the test, for the names */
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

/* For what has nothing to wait for */
static void check_no_time(const char *name, __u64 seen)
{
	if (!loose)
		check_ns(name, seen, 0);
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
			       name, i, base + i, value);
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

static void discard_pages(void *mem, size_t nr)
{
	if (madvise(mem, nr * page_size, MADV_DONTNEED))
		die("madvise");
}

/* A GPU with one operation, in the mode that all kernels have */
static int gpu_simple(const void *mem)
{
	return gpu_new(&one_op, 1, mem, NR_PAGES, SIMGPU_SINGLE_PASS);
}

static void check_setup_errors(void)
{
	static const struct {
		const char *name;
		struct simgpu_setup arg;
	} cases[] = {
		{ "setup refuses no operations", { 0, 1, { 0 }, 0 } },
		{ "setup refuses nine operations",
		  { 9, 1, { 1, 1, 1, 1, 1, 1, 1, 1 }, 0 } },
		{ "setup refuses nine states", { 1, 9, { 1 }, 0 } },
		{ "setup refuses a duration of zero", { 2, 1, { 1, 0 }, 0 } },
		{ "setup refuses more than a second",
		  { 1, 1, { SIMGPU_MAX_OP_NS + 1 }, 0 } },
		{ "setup refuses a duration beyond the last operation",
		  { 1, 1, { 1, 1 }, 0 } },
		{ "setup refuses a second device without a first",
		  { 1, 1, { 1 }, 1 } },
	};
	static const struct simgpu_setup largest = {
		SIMGPU_MAX_OPS, SIMGPU_MAX_STATES,
		{ 1, 1, 1, 1, 1, 1, 1, SIMGPU_MAX_OP_NS }, 0,
	};
	int gpu = gpu_open();
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(cases[i].name,
			    gpu_ioctl(gpu, SIMGPU_SETUP, &cases[i].arg),
			    EINVAL);
	check_errno("setup takes the largest values",
		    gpu_ioctl(gpu, SIMGPU_SETUP, &largest), 0);
	check_errno("setup refuses a device that is not the next",
		    gpu_setup_device(gpu, 2, &one_op, 1), EINVAL);
	for (err = 0, i = 1; !err && i < SIMGPU_MAX_DEVICES; i++)
		err = gpu_setup_device(gpu, i, &one_op, 0);
	check_errno("setup takes as many devices as there may be", err, 0);
	check_errno("setup refuses one more",
		    gpu_setup_device(gpu, i, &one_op, 0), EINVAL);
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
	must(gpu_unmirror(gpu), "unmirror");

	must(gpu_setup_device(gpu, 1, &one_op, 1), "setup");
	check_errno("mirror with two devices refuses a mode for one",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), EINVAL);
	must(gpu_setup(gpu, &one_op, 1), "setup");
	check_errno("setup of the first device is the end of the second",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), 0);
	close(gpu);
	unmap(mem, NR_PAGES);
}

static void check_other_errors(void)
{
	static const struct {
		const char *name;
		unsigned long cmd;
		int err;
	} null_cases[] = {
		{ "an unknown ioctl is refused", _IO(0xe6, 99), ENOTTY },
		{ "setup refuses a bad pointer", SIMGPU_SETUP, EFAULT },
		{ "mirror refuses a bad pointer", SIMGPU_MIRROR, EFAULT },
		{ "populate refuses a bad pointer", SIMGPU_POPULATE, EFAULT },
		{ "read refuses a bad pointer", SIMGPU_READ, EFAULT },
		{ "counters refuses a bad pointer", SIMGPU_COUNTERS, EFAULT },
		{ "log before the first chain is done is refused", SIMGPU_LOG,
		  ENODATA },
		{ "unmirror without a mirror is refused", SIMGPU_UNMIRROR,
		  ENOENT },
	};
	char *mem = map_pages(NR_PAGES + 1);
	__u64 addr = (uintptr_t)mem;
	__u64 length = NR_PAGES * page_size;
	const struct {
		const char *name;
		struct simgpu_populate arg;
	} cases[] = {
		{ "populate refuses length zero", { addr, 0 } },
		{ "populate refuses more than the mirror",
		  { addr, length + page_size } },
		{ "populate refuses a range outside the mirror",
		  { addr + length, page_size } },
		{ "populate refuses an unaligned address",
		  { addr + 8, page_size } },
		{ "populate refuses an unaligned length", { addr, 8 } },
	};
	int gpu = gpu_open();
	unsigned int i;
	__u64 value;

	for (i = 0; i < ARRAY_SIZE(null_cases); i++)
		check_errno(null_cases[i].name,
			    gpu_ioctl(gpu, null_cases[i].cmd, NULL),
			    null_cases[i].err);
	check_errno("populate without a mirror is refused",
		    gpu_populate(gpu, mem, 1), ENOENT);
	check_errno("read without a mirror is refused",
		    gpu_read(gpu, mem, &value), ENOENT);
	close(gpu);

	touch(mem, NR_PAGES + 1, 0);
	gpu = gpu_simple(mem);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(cases[i].name,
			    gpu_ioctl(gpu, SIMGPU_POPULATE, &cases[i].arg),
			    EINVAL);
	check_errno("read refuses an unaligned address",
		    gpu_read(gpu, mem + 1, &value), EINVAL);
	check_errno("read refuses an address outside the mirror",
		    gpu_read(gpu, mem + length, &value), EINVAL);

	unmap(mem + 2 * page_size, 1);
	check_errno("populate of a hole is refused",
		    gpu_populate(gpu, mem, NR_PAGES), EFAULT);
	check_entries("a populate that fails changes nothing", gpu, mem, 0xb,
		      0);
	check_errno("log refuses a bad pointer",
		    gpu_ioctl(gpu, SIMGPU_LOG, NULL), EFAULT);
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
	discard_pages(mem + page_size, 1);
	check_entries("madvise() takes the second page", gpu, mem, 0xc, 200);
	unmap(mem + 3 * page_size, 1);
	check_entries("munmap() takes the last page", gpu, mem, 0x4, 200);

	touch(mem + page_size, 2, 301);
	check_errno("populate again", gpu_populate(gpu, mem + page_size, 2), 0);
	check_entries("the new pages are seen", gpu, mem, 0x6, 300);
	close(gpu);
	unmap(mem, NR_PAGES);
}

/* Take a GPU's pages away; returns how long that takes, and what the GPU did */
static __u64 time_three_ops(unsigned int states, unsigned int mode,
			    struct simgpu_counters *counters,
			    struct simgpu_log *log)
{
	void *mem = map_pages(NR_PAGES);
	__u64 ns;
	int gpu;

	touch(mem, NR_PAGES, 0);
	gpu = gpu_new(&three_ops, states, mem, NR_PAGES, mode);
	ns = timed_unmap(mem, NR_PAGES);
	*counters = gpu_counters(gpu);
	*log = gpu_log(gpu);
	close(gpu);
	return ns;
}

/* One operation after the other, each for its time, with nothing in between */
static void check_log(const char *name, const struct simgpu_log *log)
{
	const __u64 slack = loose ? US(1000000) : SLACK;
	__u64 start = log->ops[0].start_ns;
	unsigned int i;

	for (i = 0; i < three_ops.nr; i++) {
		const struct simgpu_op_log *op = &log->ops[i];

		if (op->start_ns < start || op->start_ns > start + slack ||
		    op->end_ns < op->start_ns + three_ops.ns[i] ||
		    op->end_ns > op->start_ns + three_ops.ns[i] + slack) {
			result(false, "%s (operation %u took %llu ns, %lld ns after the last)",
			       name, i, op->end_ns - op->start_ns,
			       (long long)(op->start_ns - start));
			return;
		}
		start = op->end_ns;
	}
	check_count(name, log->nr_ops, three_ops.nr);
}

/* In every mode the device gets all of its time */
static void check_times(unsigned int mode)
{
	/* Passes after the first: none, one, or one for each operation */
	const __u64 passes[] = { 0, 1, three_ops.nr, three_ops.nr };
	const unsigned int all_ops = (1u << three_ops.nr) - 1;
	const struct chain chains[] = { three_ops, three_ops };
	__u64 length = chain_length(&three_ops);
	const __u64 expected[] = {
		2 * length,
		/* The first operations run at once, the others do not */
		2 * length - three_ops.ns[0],
		length,
		length,
	};
	struct simgpu_counters counters;
	struct simgpu_log log;
	__u64 start = now();

	check_ns("one GPU takes as long as its chain",
		 time_three_ops(1, mode, &counters, &log), length);
	check_count("one invalidation", counters.invalidations, 1);
	check_count("the number of later passes", counters.passes,
		    passes[mode]);
	check_count("no fallback", counters.fallbacks, 0);
	check_least("the log begins with the invalidation",
		    log.ops[0].start_ns, start);
	check_log("the log has each operation", &log);
	if (mode == SIMGPU_DEFERRED)
		check_count("no callback waits", waited_for(&log), 0);
	else if (!loose)
		check_count("callbacks wait for all operations", waited_for(&log),
			    all_ops);

	check_ns("two GPUs take as long as the mode promises",
		 time_munmap(chains, ARRAY_SIZE(chains), mode, NULL),
		 expected[mode]);

	check_ns("without a free state it takes as long",
		 time_three_ops(0, mode, &counters, &log), length);
	check_count("without a free state there are no later passes",
		    counters.passes, 0);
	check_count("without a free state the fallback is taken",
		    counters.fallbacks, mode != SIMGPU_SINGLE_PASS);
	if (!loose)
		check_count("without a free state the first callback waits",
			    waited_for(&log), all_ops);
}

/* GPUs with different chains: in some modes, some wait for others */
static void check_mixed(unsigned int mode)
{
	struct chain chains[8];
	__u64 ns, longest, sum = 0;
	unsigned int i;

	mixed_chains(chains, ARRAY_SIZE(chains), 0);
	longest = longest_chain(chains, ARRAY_SIZE(chains));
	for (i = 0; i < ARRAY_SIZE(chains); i++)
		sum += chain_length(&chains[i]);

	ns = time_munmap(chains, ARRAY_SIZE(chains), mode, NULL);
	switch (mode) {
	case SIMGPU_SINGLE_PASS:
		check_ns("eight mixed chains take their sum", ns, sum);
		break;
	case SIMGPU_DEFERRED:
		check_ns("eight mixed chains take as long as the longest", ns,
			 longest);
		break;
	default:
		result(ns > longest + SLACK && (loose || ns < sum),
		       "eight mixed chains take longer than the longest");
	}
}

/* Take the pages of a GPU of several devices away; returns how long that takes */
static __u64 time_devices(const struct chain *chains, unsigned int nr,
			  unsigned int states, struct simgpu_counters *counters)
{
	void *mem = map_pages(NR_PAGES);
	int gpu = gpu_open();
	unsigned int i;
	__u64 ns;

	touch(mem, NR_PAGES, 0);
	for (i = 0; i < nr; i++)
		must(gpu_setup_device(gpu, i, &chains[i], states), "setup");
	must(gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_DEFERRED), "mirror");
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
	ns = timed_unmap(mem, NR_PAGES);
	check_entries("munmap() takes the pages of all devices", gpu, mem, 0, 0);
	*counters = gpu_counters(gpu);
	close(gpu);
	return ns;
}

/* One notifier stands for devices with different chains, and defers many passes */
static void check_devices(void)
{
	struct simgpu_counters counters;
	__u64 sum = 0, operations = 0;
	struct chain chains[8];
	unsigned int i;

	mixed_chains(chains, ARRAY_SIZE(chains), 0);
	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		sum += chain_length(&chains[i]);
		operations += chains[i].nr;
	}

	check_ns("eight devices take as long as the longest chain",
		 time_devices(chains, ARRAY_SIZE(chains), 1, &counters),
		 longest_chain(chains, ARRAY_SIZE(chains)));
	check_count("eight devices have one notifier", counters.invalidations, 1);
	check_count("eight devices have a pass for each operation",
		    counters.passes, operations);
	check_count("eight devices have a state each", counters.fallbacks, 0);

	check_ns("eight devices without a free state take their sum",
		 time_devices(chains, ARRAY_SIZE(chains), 0, &counters), sum);
	check_count("eight devices without a free state have no later passes",
		    counters.passes, 0);
	check_count("eight devices without a free state take the fallback",
		    counters.fallbacks, ARRAY_SIZE(chains));
}

static void check_teardown(void)
{
	void *mem = map_pages(NR_PAGES);
	__u64 start;
	int gpu;

	touch(mem, NR_PAGES, 0);
	gpu = gpu_simple(mem);
	start = now();
	must(gpu_unmirror(gpu), "unmirror");
	check_ns("unmirror waits for the device", duration(start, now()),
		 chain_length(&one_op));
	check_no_time("munmap() after unmirror takes no time",
		      timed_unmap(mem, NR_PAGES));
	check_count("munmap() after unmirror runs no callback",
		    gpu_counters(gpu).invalidations, 0);
	close(gpu);

	mem = map_pages(NR_PAGES);
	touch(mem, NR_PAGES, 0);
	gpu = gpu_simple(mem);
	start = now();
	close(gpu);
	check_ns("close() without unmirror waits for the device",
		 duration(start, now()), chain_length(&one_op));
	check_no_time("munmap() after close() takes no time",
		      timed_unmap(mem, NR_PAGES));

	mem = map_pages(NR_PAGES);
	gpu = gpu_open();
	must(gpu_setup(gpu, &one_op, 1), "setup");
	must(gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), "mirror");
	touch(mem, NR_PAGES, 0);
	check_no_time("munmap() of a mirror without entries takes no time",
		      timed_unmap(mem, NR_PAGES));
	check_count("munmap() of a mirror without entries runs the callback",
		    gpu_counters(gpu).invalidations, 1);
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
	return pid;
}

/* Let a child exit with this status, and return it */
#define in_child(status)						\
	({								\
		pid_t _child = fork_child();				\
									\
		if (!_child)						\
			_exit(status);					\
		wait_for(_child);					\
	})

/* What a child can do with its parent's GPU: it has the same addresses */
static int use_inherited(int gpu, void *mem)
{
	int err = gpu_populate(gpu, mem, NR_PAGES);
	__u64 before, value;

	if (!err)
		err = gpu_read(gpu, mem, &value);
	if (err == EPERM)
		err = gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS);
	before = gpu_counters(gpu).invalidations;
	unmap(mem, NR_PAGES);
	return gpu_counters(gpu).invalidations == before ? err : 255;
}

static void check_processes(void)
{
	void *mem = map_pages(NR_PAGES);
	__u64 before, start, value;
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_simple(mem);
	check_count("a child gets EBUSY for a mirror of the parent's GPU",
		    in_child(use_inherited(gpu, mem)), EBUSY);
	/* The child shares the pages until one of the two writes */
	check_entries("fork() takes all pages", gpu, mem, 0, 0);
	check_errno("populate after fork()", gpu_populate(gpu, mem, NR_PAGES),
		    0);
	check_count("a child can't read the parent's memory",
		    in_child(gpu_read(gpu, mem, &value)), EPERM);
	check_count("a child can't populate the parent's mirror",
		    in_child(gpu_populate(gpu, mem, NR_PAGES)), EPERM);

	/* A mirror outlives its process, if another has the file open */
	must(gpu_unmirror(gpu), "unmirror");
	before = gpu_counters(gpu).invalidations;
	check_count("a child can mirror its own memory",
		    in_child(gpu_mirror(gpu, mem, NR_PAGES,
					SIMGPU_SINGLE_PASS) ?:
			     gpu_populate(gpu, mem, NR_PAGES)), 0);
	check_least("the end of the process invalidates",
		    gpu_counters(gpu).invalidations - before, 1);
	check_errno("the mirror is still there",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), EBUSY);
	check_errno("the parent can't populate it",
		    gpu_populate(gpu, mem, NR_PAGES), EPERM);
	start = now();
	check_errno("the parent can unmirror it", gpu_unmirror(gpu), 0);
	check_no_time("the end of the process has taken all pages",
		      duration(start, now()));
	check_errno("the GPU can be used again",
		    gpu_mirror(gpu, mem, NR_PAGES, SIMGPU_SINGLE_PASS), 0);
	close(gpu);

	/* Here the file goes with the process */
	check_count("a process can exit with a mirror",
		    in_child(gpu_simple(mem) < 0), 0);
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
	discard_pages(discard->addr, discard->nr);
	discard->end = now();
	return NULL;
}

static pthread_t start_thread(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, function, arg);
	if (errno)
		die("pthread_create");
	return thread;
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
	pthread_t thread = start_thread(discard_thread, discard);

	wait_invalidation(gpu, before);
	return thread;
}

/* Discard the second pages while the GPU is at work for the first */
static void discard_both(struct discard *first, struct discard *second, int gpu)
{
	pthread_t thread = start_discard(first, gpu);

	discard_thread(second);
	pthread_join(thread, NULL);
}

/* Give the process and the GPU back what they have lost */
static void refill(int gpu, void *mem)
{
	touch(mem, NR_PAGES, 100);
	must(gpu_populate(gpu, mem, NR_PAGES), "populate");
}

static void check_threads(unsigned int mode)
{
	char *mem = map_pages(NR_PAGES);
	struct discard first = { .addr = mem, .nr = 2 };
	struct discard second = { .addr = mem + page_size, .nr = 2 };
	struct simgpu_counters counters;
	pthread_t thread;
	__u64 end;
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_new(&slow_op, 1, mem, NR_PAGES, mode);

	/* The only state of the GPU is taken when the second comes */
	discard_both(&first, &second, gpu);
	result(second.start < first.end,
	       "two invalidations of one mirror run at once");
	counters = gpu_counters(gpu);
	check_count("both reach the GPU", counters.invalidations, 2);
	check_count("the number of fallbacks for one free state",
		    counters.fallbacks, mode != SIMGPU_SINGLE_PASS);
	check_ns("the second takes as long as the chain",
		 duration(second.start, second.end), slow_op.ns[0]);
	check_entries("both take their pages", gpu, mem, 0x8, 100);

	/* Nothing is left to remove, but the device is not done with it */
	refill(gpu, mem);
	second.addr = mem;
	discard_both(&first, &second, gpu);
	check_ns("pages that another thread has removed are waited for",
		 duration(second.start, second.end), slow_op.ns[0]);

	refill(gpu, mem);
	thread = start_discard(&first, gpu);
	check_entries("the entries are gone before the device is done", gpu,
		      mem, 0xc, 100);
	check_errno("populate during an invalidation",
		    gpu_populate(gpu, mem + 2 * page_size, 2), 0);
	end = now();
	pthread_join(thread, NULL);
	check_least("populate waits for the end of the invalidation",
		    end - first.start, slow_op.ns[0]);

	refill(gpu, mem);
	thread = start_discard(&first, gpu);
	check_errno("unmirror during an invalidation", gpu_unmirror(gpu), 0);
	end = now();
	pthread_join(thread, NULL);
	check_least("unmirror waits for the end of the invalidation",
		    end - first.start, slow_op.ns[0]);

	close(gpu);
	unmap(mem, NR_PAGES);
}

/* As at the start of check_threads(), but there is a state for each */
static void check_two_states(unsigned int mode)
{
	char *mem = map_pages(NR_PAGES);
	struct discard first = { .addr = mem, .nr = 2 };
	struct discard second = { .addr = mem + page_size, .nr = 2 };
	struct simgpu_counters counters;
	int gpu;

	touch(mem, NR_PAGES, 100);
	gpu = gpu_new(&slow_op, 2, mem, NR_PAGES, mode);
	discard_both(&first, &second, gpu);
	counters = gpu_counters(gpu);
	check_count("two states are enough for two invalidations",
		    counters.fallbacks, 0);
	check_ns("with two states the first takes as long as the chain",
		 duration(first.start, first.end), slow_op.ns[0]);
	check_ns("with two states the second takes as long as the chain",
		 duration(second.start, second.end), slow_op.ns[0]);
	check_entries("with two states both take their pages", gpu, mem, 0x8,
		      100);

	refill(gpu, mem);
	discard_both(&first, &second, gpu);
	check_count("the states are free again",
		    gpu_counters(gpu).fallbacks, 0);
	discard_thread(&first);
	check_no_time("no chain is left in flight",
		      duration(first.start, first.end));
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
	check_count("it is the GPU that refuses it",
		    after.refused - before.refused, 1);
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

	thread = start_thread(populate_thread, &populate);
	if (!wait_fault(uffd, mem + page_size))
		die("populate does not fault");
	discard_pages(mem, 1);
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

int check(void)
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
		check_mixed(mode);
		check_threads(mode);
		check_two_states(mode);
		check_nonblocking(mode);
	}
	part = "devices";
	if (has_mode(SIMGPU_DEFERRED))
		check_devices();
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
