// SPDX-License-Identifier: GPL-2.0-only
/*
 * Count the instructions of invalidations, under QEMU's -icount shift=0
 *
 * The first process of a machine with /cost.ko and, if GPUs are to be simulated,
 * /simgpu.ko. Prints lines "csv: figure,n,value,unit" for scripts/measure/bench-cost,
 * which explains the figures, then "cost: status N", and restarts the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cost_ioctl.h"
#include "measure.h"

/* The least of so many counts: one in which no interrupt came */
#define REPEATS		16

#define PAGE		4096
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define fail(fmt, ...)							\
	do {								\
		fprintf(stderr, "cost: " fmt ": %s\n", ##__VA_ARGS__,	\
			strerror(errno));				\
		exit(1);						\
	} while (0)

static const struct kind {
	const char *name;
	unsigned int kind;
} kinds[] = {
	{ "two-pass", COST_TWO_PASS },
	{ "multi-none", COST_NONE },
	{ "blocking", COST_BLOCKING },
	{ "deferred-early", COST_EARLY },
	{ "deferred-one", COST_ONE },
	{ "multi-none-late", COST_LATE_NONE },
	{ "deferred-late", COST_LATE },
	{ "deferred-slept", COST_SLEPT },
};

__u64 tsc_cost;

void print_csv(const char *figure, unsigned int n, __u64 value,
	       const char *unit)
{
	printf("csv: %s,%u,%llu,%s\n", figure, n, value, unit);
}

/* madvise(@page, PAGE, MADV_DONTNEED) in instructions */
static __u64 count_once(void *page)
{
	long ret = SYS_madvise;
	__u64 start = tsc();

	__asm__ __volatile__("syscall"
			     : "+a" (ret)
			     : "D" (page), "S" (PAGE), "d" (MADV_DONTNEED)
			     : "rcx", "r11", "memory");
	start = tsc() - start;
	if (ret) {
		errno = -ret;
		fail("madvise");
	}
	return start - tsc_cost;
}

static __u64 count(void *page)
{
	__u64 least = UINT64_MAX, n;
	int i;

	for (i = 0; i < REPEATS; i++) {
		n = count_once(page);
		if (n < least)
			least = n;
	}
	return least;
}

/* How many instructions the counter sees in a loop of 2 * @loops of them */
static __u64 count_loop(unsigned int loops)
{
	__u64 start = tsc();

	__asm__ __volatile__("1: decl %0\n\tjnz 1b" : "+r" (loops));
	return tsc() - start;
}

/* All else makes sense only if the counter counts instructions, one by one */
static void check_counter(void)
{
	__u64 start, n;
	int i;

	tsc_cost = UINT64_MAX;
	for (i = 0; i < REPEATS; i++) {
		start = tsc();
		n = tsc() - start;
		if (n < tsc_cost)
			tsc_cost = n;
	}
	for (n = UINT64_MAX, i = 0; i < REPEATS; i++) {
		start = count_loop(2000) - count_loop(1000);
		if (start < n)
			n = start;
	}
	print_csv("counter-check", 2000, n, "instructions");
}

/* Make @nr notifiers of a kind for @page. Returns whether the kernel can. */
static int create(int fd, unsigned int kind, unsigned int nr, void *page)
{
	struct cost_create arg = {
		.addr = (uintptr_t)page,
		.length = PAGE,
		.kind = kind,
		.nr = nr,
	};

	if (!ioctl(fd, COST_CREATE, &arg))
		return 1;
	if (errno != EOPNOTSUPP)
		fail("making %u notifiers", nr);
	return 0;
}

/* Remove them, after @passes later passes in all */
static void destroy(int fd, __u64 passes)
{
	__u64 ran;

	if (ioctl(fd, COST_DESTROY, &ran))
		fail("removing notifiers");
	if (ran != passes) {
		fprintf(stderr, "cost: %llu passes ran, not %llu\n", ran,
			passes);
		exit(1);
	}
}

static void measure_kind(int fd, const struct kind *kind, unsigned int nr,
			 void *page)
{
	bool none = kind->kind == COST_SINGLE || kind->kind == COST_NONE ||
		    kind->kind == COST_LATE_NONE;

	if (!create(fd, kind->kind, nr, page))
		return;
	print_csv(kind->name, nr, count(page), "instructions");
	destroy(fd, none ? 0 : (__u64)REPEATS * nr);
}

static void measure(void)
{
	static const struct kind single = { "single", COST_SINGLE };
	static const unsigned int counts[] = { 1, 10, 100, 1000, 10000, 100000 };
	struct cost_sizes sizes;
	unsigned int i, j;
	char *pages;
	int fd;

	/* The page in the middle is never touched, the last has a notifier */
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		fail("mmap");
	fd = open("/dev/cost", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("/dev/cost");

	if (ioctl(fd, COST_SIZES, &sizes))
		fail("COST_SIZES");
	print_csv("sizeof-notifier", 0, sizes.notifier, "bytes");
	if (sizes.pass)
		print_csv("sizeof-pass", 0, sizes.pass, "bytes");

	check_counter();
	/* Whatever happens only once shall have happened */
	count(pages);

	print_csv("never", 0, count(pages + PAGE), "instructions");
	if (!create(fd, COST_SINGLE, 1, pages + 2 * PAGE))
		fail("no notifiers");
	print_csv("elsewhere", 0, count(pages + PAGE), "instructions");
	destroy(fd, 0);

	for (j = 0; j < ARRAY_SIZE(counts); j++)
		measure_kind(fd, &single, counts[j], pages + PAGE);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		for (j = 0; j < ARRAY_SIZE(counts); j++)
			measure_kind(fd, &kinds[i], counts[j], pages + PAGE);
}

static bool load(const char *module)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		fail("%s", module);
	close(fd);
	return true;
}

/* In a process, and so an address space, of its own */
static void run(void (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		function();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		printf("cost: status 1\n");
		reboot(RB_AUTOBOOT);
	}
}

/* Timers are exact once the kernel trusts the counter, after a second or so */
static void wait_for_timers(void)
{
	struct timespec resolution;

	do {
		usleep(100000);
		if (clock_getres(CLOCK_MONOTONIC, &resolution))
			fail("clock_getres");
	} while (resolution.tv_sec || resolution.tv_nsec > 1);
}

static void setup(void)
{
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		fail("mount /dev");
	if (!load("/cost.ko"))
		fail("/cost.ko");
	load("/simgpu.ko");
	wait_for_timers();
}

int main(void)
{
	struct utsname name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&name);
	printf("cost: release %s\n", name.release);
	run(setup);
	run(measure);
	if (!access("/dev/simgpu", F_OK))
		run(scale);
	printf("cost: status 0\n");
	reboot(RB_AUTOBOOT);
}
