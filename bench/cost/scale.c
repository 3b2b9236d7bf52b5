// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long munmap() takes when many simulated GPUs mirror the memory and their
 * passes are deferred. One instruction takes 1 ns, so unlike in the demo, CPU
 * work takes time here.
 */
#include <sys/resource.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../simgpu/gpu.h"
#include "measure.h"

/* Room for the program's own files */
#define OTHER_FILES	16

/* How many ranges each of a few GPUs mirrors */
#define NR_RANGES	12500

/* Of several runs, the shortest: one in which no timer tick came */
#define REPEATS		3

/* Wait for fences, then flush the TLB */
static const struct chain fences_flush = { 2, { 500000, 40000 } };
/* The same work for the CPU, which 256 GPUs keep busy for longer than that takes */
static const struct chain brief = { 2, { 100000, 40000 } };
/* The same again: an interrupt now rarely finds more than one operation done */
static const struct chain briefest = { 2, { 20000, 20000 } };

/*
 * munmap() of @nr_pages pages, every @range of which have @nr GPUs each, in ns.
 * Reading the clock is as good as free.
 */
static __u64 time_once(const struct chain *chain, unsigned int nr,
		       size_t nr_pages, size_t range)
{
	char *mem = map_pages(nr_pages);
	unsigned int i, nr_gpus = 0;
	int *gpus;
	size_t page;
	__u64 ns;

	gpus = malloc((nr * (nr_pages / range) + 1) * sizeof(*gpus));
	if (!gpus)
		die("malloc");
	touch(mem, nr_pages, 0);
	for (page = 0; page < nr_pages; page += range)
		for (i = 0; i < nr; i++)
			gpus[nr_gpus++] = gpu_new(chain, 1,
						  mem + page * page_size, range,
						  SIMGPU_DEFERRED);

	ns = tsc();
	unmap(mem, nr_pages);
	ns = tsc() - ns - tsc_cost;

	while (nr_gpus)
		close(gpus[--nr_gpus]);
	free(gpus);
	return ns;
}

/* The same several times; prints the shortest. Without GPUs it is for the pages. */
static void time_gpus(const char *figure, const struct chain *chain,
		      unsigned int nr, size_t nr_pages, size_t range)
{
	__u64 least = -1ULL, ns;
	int i;

	for (i = 0; i < REPEATS; i++) {
		ns = time_once(chain, nr, nr_pages, range);
		if (ns < least)
			least = ns;
	}
	print_csv(figure, nr ? nr * (nr_pages / range) : nr_pages, least, "ns");
}

void scale(void)
{
	static const unsigned int counts[] = {
		1, 2, 4, 8, 16, 32, 72, 128, 192, 256, 512, 1024
	};
	struct rlimit files = { 200000, 200000 };
	unsigned int i;

	page_size = sysconf(_SC_PAGESIZE);
	if (setrlimit(RLIMIT_NOFILE, &files))
		die("setrlimit");
	if (!has_mode(SIMGPU_DEFERRED))
		return;

	/* Whatever happens only once shall have happened */
	time_once(&fences_flush, 1, NR_PAGES, NR_PAGES);

	time_gpus("scale-pages", &fences_flush, 0, NR_PAGES, NR_PAGES);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		time_gpus("scale-gpus", &fences_flush, counts[i], NR_PAGES,
			  NR_PAGES);
		time_gpus("scale-brief", &brief, counts[i], NR_PAGES, NR_PAGES);
		time_gpus("scale-briefest", &briefest, counts[i], NR_PAGES,
			  NR_PAGES);
	}
	/* 8 GPUs, each with that many mirrors of one page */
	time_gpus("scale-pages", &fences_flush, 0, NR_RANGES, 1);
	time_gpus("scale-ranges", &fences_flush, 8, NR_RANGES, 1);
}
