/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the program share: main.c starts it and counts what the core
 * does for each notifier and pass, scale.c times many simulated GPUs.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <linux/types.h>

/*
 * The time stamp counter, which under QEMU's -icount shift=0 counts instructions.
 * The compiler leaves the order of these and of system calls alone.
 */
static inline __u64 tsc(void)
{
	__u32 low, high;

	__asm__ __volatile__("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (__u64)high << 32 | low;
}

/* tsc() around nothing */
extern __u64 tsc_cost;

/* Print a line for the CSV; @value counts @unit */
void print_csv(const char *figure, unsigned int n, __u64 value,
	       const char *unit);

/* Time munmap() of what simulated GPUs mirror (scale.c) */
void scale(void);

#endif /* MEASURE_H */
