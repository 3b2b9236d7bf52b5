/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User interface of the simulated GPU, /dev/simgpu
 *
 * Each open() of the device file makes a new GPU; it goes away with the last
 * reference to the open file. A GPU is given a chain of operations
 * (%SIMGPU_SETUP) and then mirrors one range of the calling process's addresses
 * (%SIMGPU_MIRROR). %SIMGPU_POPULATE makes the pages there visible to the GPU.
 * When the kernel takes pages away from the process, the GPU runs its chain
 * before the kernel goes on. If it has no entry for any of them, and is not at
 * work for another thread, there is nothing to run.
 *
 * What is one GPU to the kernel, with one notifier, can also be several devices:
 * %SIMGPU_SETUP gives each of them a chain. They share the mirror and its entries,
 * and run their chains side by side.
 *
 * All ioctls may sleep and can be called from any thread. They return 0, or -1
 * with errno set:
 *
 * ENOTTY	no such ioctl
 * EFAULT	the argument can't be read or written
 * EINTR	a signal arrived
 *
 * and what is listed with each of them. An ioctl that fails changes nothing.
 */
#ifndef SIMGPU_IOCTL_H
#define SIMGPU_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SIMGPU_MAX_DEVICES	256
#define SIMGPU_MAX_OPS		8
#define SIMGPU_MAX_OP_NS	1000000000ULL
#define SIMGPU_MAX_STATES	8
#define SIMGPU_MAX_LENGTH	(16ULL << 20)

/**
 * enum simgpu_mode - how the GPU's invalidation callbacks run
 * @SIMGPU_SINGLE_PASS: One callback runs the whole chain and waits for each
 *                      operation.
 * @SIMGPU_TWO_PASS: The first callback starts the first operation. The second
 *                   waits for it, then runs the others and waits for each. By
 *                   invalidate_start and invalidate_finish where the kernel has
 *                   them, or else by a pass that is handed over.
 * @SIMGPU_MULTI_PASS: The first callback starts the first operation. Each later
 *                     pass waits for one operation and starts the next.
 * @SIMGPU_DEFERRED: As %SIMGPU_MULTI_PASS, but each pass is deferred: it runs
 *                   when its operation is done, so it does not wait.
 */
enum simgpu_mode {
	SIMGPU_SINGLE_PASS,
	SIMGPU_TWO_PASS,
	SIMGPU_MULTI_PASS,
	SIMGPU_DEFERRED,
};

/**
 * struct simgpu_setup - argument of %SIMGPU_SETUP
 * @nr_ops: Length of the chain, 1 to %SIMGPU_MAX_OPS.
 * @nr_states: How many invalidations can be in flight in several passes, 0 to
 *             %SIMGPU_MAX_STATES. Any more than that run the whole chain in
 *             their first pass. No effect on %SIMGPU_SINGLE_PASS.
 * @op_ns: How long each operation takes, in nanoseconds, 1 to
 *         %SIMGPU_MAX_OP_NS. Elements from @nr_ops on must be 0.
 * @device: 0: the GPU is this device, and no other any more. Or as many as there
 *          are: it is this device, too. Less than %SIMGPU_MAX_DEVICES.
 *
 * Each operation starts when the one before it is done.
 *
 * EINVAL	a value is out of its range
 * EBUSY	the GPU has a mirror
 * ENOMEM	out of memory
 */
struct simgpu_setup {
	__u32 nr_ops;
	__u32 nr_states;
	__u64 op_ns[SIMGPU_MAX_OPS];
	__u64 device;
};

/**
 * struct simgpu_mirror - argument of %SIMGPU_MIRROR
 * @addr: First address to mirror, a multiple of the page size.
 * @length: Length in bytes, a multiple of the page size, at most
 *          %SIMGPU_MAX_LENGTH.
 * @mode: One of &enum simgpu_mode.
 * @flags: Must be 0.
 *
 * Nothing needs to be mapped in the range. The mirror has no entries until
 * %SIMGPU_POPULATE, and belongs to the calling process's address space:
 * children don't inherit it. It lasts until %SIMGPU_UNMIRROR or the last
 * close().
 *
 * EINVAL	the range is empty, not aligned, too long or not in user space,
 *		the mode is unknown or, for several devices, not
 *		%SIMGPU_DEFERRED, or a flag is set
 * EOPNOTSUPP	this kernel doesn't have the mode
 * ENXIO	there was no %SIMGPU_SETUP
 * EBUSY	the GPU has a mirror already
 * ENOMEM	out of memory
 */
struct simgpu_mirror {
	__u64 addr;
	__u64 length;
	__u32 mode;
	__u32 flags;
};

/**
 * struct simgpu_populate - argument of %SIMGPU_POPULATE
 * @addr: First address, a multiple of the page size.
 * @length: Length in bytes, a multiple of the page size.
 *
 * Gives the GPU an entry for each page of the range, faulting pages in where
 * needed. The entries are read-only and hold no references: they vanish as soon
 * as the kernel changes the mapping, which can be before the ioctl returns.
 *
 * EINVAL	the range is empty, not aligned, or not inside the mirror
 * ENOENT	the GPU has no mirror
 * EPERM	the mirror belongs to another process
 * EFAULT	not all of the range is mapped and readable
 * ENOMEM	out of memory
 */
struct simgpu_populate {
	__u64 addr;
	__u64 length;
};

/**
 * struct simgpu_read - argument of %SIMGPU_READ
 * @addr: Address to read, a multiple of 8.
 * @value: Returns the eight bytes there.
 *
 * Reads memory through the entries of the GPU.
 *
 * EINVAL	@addr is not aligned or not inside the mirror
 * ENOENT	the GPU has no mirror
 * EPERM	the mirror belongs to another process
 * ENODATA	the GPU has no entry for the address
 */
struct simgpu_read {
	__u64 addr;
	__u64 value;
};

/**
 * struct simgpu_counters - argument of %SIMGPU_COUNTERS
 * @invalidations: First callbacks that ran.
 * @passes: Later callbacks that ran, for any device.
 * @fallbacks: Chains that were run at once, as the device had no free state (see
 *             &simgpu_setup.nr_states).
 * @refused: Invalidations that were not allowed to wait, and so failed.
 * @retries: Times that %SIMGPU_POPULATE collided with an invalidation and
 *           started again.
 *
 * All count from open().
 */
struct simgpu_counters {
	__u64 invalidations;
	__u64 passes;
	__u64 fallbacks;
	__u64 refused;
	__u64 retries;
};

/**
 * struct simgpu_op_log - when an operation ran
 * @start_ns: When it started, in nanoseconds of CLOCK_MONOTONIC.
 * @end_ns: When it was done.
 * @pass_ns: When the CPU got to it: from then to @end_ns, if that is later, a
 *           callback waited for it.
 */
struct simgpu_op_log {
	__u64 start_ns;
	__u64 end_ns;
	__u64 pass_ns;
};

/**
 * struct simgpu_log - argument of %SIMGPU_LOG
 * @nr_ops: Length of the chain.
 * @ops: Each operation. Elements from @nr_ops on are 0.
 *
 * Returns the last chain that any device of the GPU has done, for an invalidation
 * or to end a mirror.
 *
 * ENODATA	the GPU has not done any since open()
 */
struct simgpu_log {
	__u64 nr_ops;
	struct simgpu_op_log ops[SIMGPU_MAX_OPS];
};

#define SIMGPU_SETUP	_IOW(0xe6, 0, struct simgpu_setup)
#define SIMGPU_MIRROR	_IOW(0xe6, 1, struct simgpu_mirror)
/* Ends the mirror; allowed from any process. ENOENT: the GPU has none. */
#define SIMGPU_UNMIRROR	_IO(0xe6, 2)
#define SIMGPU_POPULATE	_IOW(0xe6, 3, struct simgpu_populate)
#define SIMGPU_READ	_IOWR(0xe6, 4, struct simgpu_read)
#define SIMGPU_COUNTERS	_IOR(0xe6, 5, struct simgpu_counters)
#define SIMGPU_LOG	_IOR(0xe6, 6, struct simgpu_log)

#endif /* SIMGPU_IOCTL_H */
