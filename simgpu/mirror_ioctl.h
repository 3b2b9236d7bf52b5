/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User interface of the simulated GPU that mirrors all of a process's memory,
 * /dev/simgpu-mirror
 *
 * Each open() makes a GPU. %SIMGPU_MIRROR_START has it mirror the calling process's
 * address space, until the last close(). It then looks up pages, uses them, and checks
 * them, all by itself. Children do not inherit the mirror.
 *
 * read() returns "open" and how many mirrors there are, and a line for each mode, of
 * words and numbers in turn: what GPUs of that mode did whose mirror has ended.
 */
#ifndef SIMGPU_MIRROR_IOCTL_H
#define SIMGPU_MIRROR_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum simgpu_mirror_mode - how an invalidation has the GPU let go of its pages
 * @SIMGPU_MIRROR_SINGLE: One callback, which waits for the GPU.
 * @SIMGPU_MIRROR_PASSES: Passes that are handed over, each of which waits.
 * @SIMGPU_MIRROR_DEFERRED: Passes that are deferred.
 * @SIMGPU_MIRROR_REFUSE: As %SIMGPU_MIRROR_DEFERRED, but an invalidation that may not
 *                        wait is refused if the GPU has a page there. In the other
 *                        modes the GPU is stopped at once, as if it were reset.
 */
enum simgpu_mirror_mode {
	SIMGPU_MIRROR_SINGLE,
	SIMGPU_MIRROR_PASSES,
	SIMGPU_MIRROR_DEFERRED,
	SIMGPU_MIRROR_REFUSE,
	SIMGPU_MIRROR_MODES
};

/*
 * The argument is one of &enum simgpu_mirror_mode.
 *
 * EINVAL	there is no such mode
 * EBUSY	the GPU has a mirror
 * ENOMEM	out of memory
 * EINTR	a signal arrived
 */
#define SIMGPU_MIRROR_START	_IO(0xe6, 16)

#endif /* SIMGPU_MIRROR_IOCTL_H */
