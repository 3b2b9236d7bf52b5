/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User interface of the module that makes notifiers to be counted, /dev/cost
 *
 * There is one set of notifiers at a time. The ioctls return 0, or -1 with errno
 * set; what they say applies to the process that calls them.
 */
#ifndef COST_IOCTL_H
#define COST_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum cost_kind - what the notifiers of a set do
 * @COST_SINGLE: invalidate()
 * @COST_TWO_PASS: invalidate_start() hands over a pass for invalidate_finish(),
 *                 where the kernel has these
 * @COST_NONE: invalidate_multipass() hands over nothing
 * @COST_BLOCKING: it hands over a pass
 * @COST_EARLY: it defers a pass and makes it ready
 * @COST_ONE: there is only one notifier, which does that with as many passes as
 *            there would be notifiers
 * @COST_LATE: it defers a pass. When all of them have, one notifier with a single
 *             pass makes them ready.
 * @COST_LATE_NONE: what to compare @COST_LATE with: no passes, and that notifier
 *                  has a loop that does nothing.
 * @COST_SLEPT: it defers a pass. When all of them have, one notifier with a single
 *              pass starts a timer that makes them ready, while the core sleeps.
 *
 * Later passes do nothing, and leave none. In all kinds but @COST_ONE each notifier
 * has at most one. What all first callbacks do is to take a lock and to call
 * mmu_interval_set_seq().
 */
enum cost_kind {
	COST_SINGLE,
	COST_TWO_PASS,
	COST_NONE,
	COST_BLOCKING,
	COST_EARLY,
	COST_ONE,
	COST_LATE,
	COST_LATE_NONE,
	COST_SLEPT,
};

/**
 * struct cost_create - argument of %COST_CREATE
 * @addr: First address of the range of each notifier.
 * @length: Length of it, in bytes.
 * @kind: One of &enum cost_kind.
 * @nr: How many notifiers, or how many passes of one.
 *
 * EOPNOTSUPP	this kernel has not got what the kind needs
 * EBUSY	there is a set
 */
struct cost_create {
	__u64 addr;
	__u64 length;
	__u32 kind;
	__u32 nr;
};

/**
 * struct cost_sizes - argument of %COST_SIZES: sizes of the kernel's structures
 * @notifier: struct mmu_interval_notifier
 * @pass: struct mmu_interval_notifier_pass, 0 if there is none
 */
struct cost_sizes {
	__u32 notifier;
	__u32 pass;
};

#define COST_CREATE	_IOW(0xe7, 0, struct cost_create)
/* Removes the set. Returns the passes that ran in the u64 pointed to. */
#define COST_DESTROY	_IOR(0xe7, 1, __u64)
#define COST_SIZES	_IOR(0xe7, 2, struct cost_sizes)

#endif /* COST_IOCTL_H */
