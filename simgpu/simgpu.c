// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated GPU that mirrors a range of a process's addresses
 *
 * An example of how a driver uses mmu_interval_notifier, in one pass, in two,
 * or in many, which either wait for the device or are deferred until it is done
 * (struct simgpu_invocation says how). The device is a page table in memory, and
 * a chain of operations that stand for what a real device has to finish before
 * it no longer uses a page (fences signal, a TLB flush): each is a timer. Several
 * devices can share the page table and the notifier, which then defers a pass for
 * each of them.
 *
 * The life of a mirror:
 *
 * - SIMGPU_MIRROR inserts the notifier.
 * - SIMGPU_POPULATE looks pages up and installs device page table entries, in
 *   the collision-retry loop that mmu_interval_read_begin() is made for. The
 *   entries hold no page references: it is the notifier that keeps them valid.
 * - An invalidation removes the entries in its range, and then has each device
 *   run its chain.
 * - SIMGPU_UNMIRROR or the last close() does both for the whole mirror, removes
 *   the notifier, and frees.
 *
 * Locks, outermost first:
 *
 * - simgpu.ioctl_lock serialises the ioctls of one GPU. It is held while pages
 *   are faulted in, so no callback may take it: a fault allocates memory, which
 *   can reclaim, which invalidates.
 * - simgpu.lock is the driver lock of the notifier documentation. The callbacks
 *   and the end of the retry loop take it, and it protects all they share. That
 *   nothing under it may allocate with reclaim is one more reason for a
 *   spinlock; a callback for a range that is not blockable can take it too.
 *   The timers don't take it, so interrupts need not be disabled.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "simgpu_ioctl.h"

struct simgpu_device;

/*
 * The state that one invocation of the notifier has for one device. One notifier
 * can be invoked by several threads at once, even with the same sequence number, so
 * none of this can be in struct simgpu or struct simgpu_device.
 *
 * A real device would queue the operations of several invocations; here each
 * has a timer of its own and they run side by side.
 *
 * How the end of an operation is passed on is decided anew for each invocation,
 * before its first operation starts. If it is deferred, the passes are, and so
 * the order is:
 *
 *  1. simgpu_op_start(): mmu_interval_pass_defer(), which gives the pass to the
 *     core, then start the timer, whose callback may run at once. The callback of
 *     the notifier does not hand the pass over as well.
 *  2. simgpu_op_done(), the timer's callback: mmu_interval_pass_ready(), and then
 *     nothing more with the invocation, which the pass may already be using.
 *  3. simgpu_invalidate_pass(): no need to wait for the operation, only, in
 *     hrtimer_cancel(), for its callback to return. Then the state is reused for
 *     the next operation, from 1., or freed.
 *
 * Otherwise the callback hands the pass over, simgpu_op_done() completes @done, and
 * the pass waits for that.
 */
struct simgpu_invocation {
#ifdef SIMGPU_HAS_TWO_PASS
	struct mmu_interval_notifier_finish finish;
#endif
#ifdef SIMGPU_HAS_MULTI_PASS
	struct mmu_interval_notifier_pass pass;
#endif
	struct simgpu_device *device;
	struct list_head link;		/* in simgpu_device.free_states */
	unsigned int next_op;
	bool deferred;
	struct hrtimer timer;		/* the operation under way... */
	struct completion done;		/* ...and its end, if not deferred */
	struct simgpu_log log;
};

struct simgpu {
	struct mutex ioctl_lock;	/* see the top of this file */

	/* Changed under ioctl_lock, and only while there is no mirror */
	struct list_head devices;
	unsigned int nr_devices;
	unsigned long start;
	unsigned long nr_pages;
	enum simgpu_mode mode;
	bool mirrored;

	struct mmu_interval_notifier notifier;

	spinlock_t lock;		/* protects all that follows */
	struct page **entries;		/* the device page table, NULL: none */
	unsigned int in_flight;		/* chains announced and not yet done */
	struct simgpu_counters counters;
	struct simgpu_log log;		/* of the last chain; no ops: none yet */
};

struct simgpu_device {
	struct simgpu *gpu;
	struct list_head link;		/* in simgpu.devices */
	unsigned int nr_ops;
	u64 op_ns[SIMGPU_MAX_OPS];

	/*
	 * Invalidations happen during memory reclaim, so kmalloc(GFP_NOWAIT) can
	 * fail just then. What is part of the device is there. It runs out only
	 * if several invalidations meet, and then the first callback runs the
	 * whole chain itself, as it would have to without memory. Where they
	 * seldom meet, one state is enough, with a flag for whether it is in use.
	 *
	 * Passes must be zero before their first use, which kzalloc() of the
	 * whole structure does.
	 */
	struct simgpu_invocation states[SIMGPU_MAX_STATES];
	struct list_head free_states;	/* of these; simgpu.lock protects it */
};

/* The operation that was started last */
static unsigned int simgpu_this_op(const struct simgpu_invocation *inv)
{
	return inv->next_op - 1;
}

/*
 * In the simulated time of User Mode Linux reading the clock takes time, which
 * the log must not, except where interrupts are disabled.
 */
static u64 simgpu_now(void)
{
	guard(irqsave)();
	return ktime_get_ns();
}

/* Note when the operation that is just done ran */
static void simgpu_log_op(struct simgpu_invocation *inv)
{
	unsigned int op = simgpu_this_op(inv);

	inv->log.ops[op].end_ns = simgpu_now();
	inv->log.ops[op].start_ns =
		ktime_to_ns(hrtimer_get_expires(&inv->timer)) -
		inv->device->op_ns[op];
}

/*
 * The device says that it is done, in hardirq context (in softirq context with
 * PREEMPT_RT). Pass it on last: then the invocation is somebody else's.
 */
static enum hrtimer_restart simgpu_op_done(struct hrtimer *timer)
{
	struct simgpu_invocation *inv =
		container_of(timer, struct simgpu_invocation, timer);

	simgpu_log_op(inv);

#ifdef SIMGPU_HAS_DEFERRED
	if (inv->deferred) {
		/*
		 * The pass may be running on another CPU before this returns,
		 * so @inv must not be touched again, not even to read it.
		 */
		mmu_interval_pass_ready(&inv->pass);
		return HRTIMER_NORESTART;
	}
#endif
	complete(&inv->done);
	return HRTIMER_NORESTART;
}

/*
 * @range: What the callback was called with. mmu_interval_pass_defer() needs it, and
 * needs this very structure; if @inv is not deferred it can be NULL.
 */
static void simgpu_op_start(struct simgpu_invocation *inv,
			    const struct mmu_notifier_range *range)
{
	u64 ns = inv->device->op_ns[inv->next_op++];

	/* First what simgpu_op_done() uses, then the timer that calls it */
#ifdef SIMGPU_HAS_DEFERRED
	if (inv->deferred)
		mmu_interval_pass_defer(&inv->pass, range);
#endif
	reinit_completion(&inv->done);
	hrtimer_start(&inv->timer, ns_to_ktime(ns), HRTIMER_MODE_REL);
}

/*
 * Return when the operation is done and @inv can be reused or freed. A callback
 * must not give up before the device is done: no signals here.
 */
static void simgpu_op_wait(struct simgpu_invocation *inv)
{
	inv->log.ops[simgpu_this_op(inv)].pass_ns = simgpu_now();

	/* A deferred pass runs because the operation is done */
	if (!inv->deferred)
		wait_for_completion(&inv->done);
	/*
	 * Deferred or not, simgpu_op_done() may still be returning on another
	 * CPU, and then the timer is in use.
	 */
	hrtimer_cancel(&inv->timer);
}

/* Run what is left of a chain that is not deferred */
static void simgpu_run_ops(struct simgpu_invocation *inv)
{
	while (inv->next_op < inv->device->nr_ops) {
		simgpu_op_start(inv, NULL);
		simgpu_op_wait(inv);
	}
}

/* May a device have something of these entries? */
static bool simgpu_in_use(struct simgpu *gpu, unsigned long first,
			  unsigned long end)
{
	lockdep_assert_held(&gpu->lock);

	/*
	 * An entry may just have been removed by another thread whose chain is
	 * not done. This thread must not return before the device has let go of
	 * it either, so it runs a chain of its own. To wait for the passes of the
	 * other thread instead could deadlock: with two notifiers, each thread may
	 * wait for a pass that only the other one runs. To find out whether the
	 * ranges overlap isn't worth it.
	 */
	if (gpu->in_flight)
		return true;

	for (; first < end; first++)
		if (gpu->entries[first])
			return true;
	return false;
}

/* From here on devices find nothing there, but may still be using it */
static void simgpu_clear(struct simgpu *gpu, unsigned long first,
			 unsigned long end)
{
	lockdep_assert_held(&gpu->lock);

	memset(&gpu->entries[first], 0, (end - first) * sizeof(*gpu->entries));
	gpu->in_flight += gpu->nr_devices;
}

/* The chain is done; @is_state: @inv is not on the stack, but becomes free */
static void simgpu_end(struct simgpu_invocation *inv, bool is_state)
{
	struct simgpu *gpu = inv->device->gpu;

	spin_lock(&gpu->lock);
	gpu->in_flight--;
	gpu->log = inv->log;
	gpu->log.nr_ops = inv->next_op;
	if (is_state)
		list_add(&inv->link, &inv->device->free_states);
	spin_unlock(&gpu->lock);
}

/*
 * Run a chain that simgpu_clear() has announced, from start to end. There is no
 * pass that could be deferred: it waits.
 */
static void simgpu_run_chain(struct simgpu_device *device)
{
	struct simgpu_invocation inv = { .device = device, .deferred = false };

	init_completion(&inv.done);
	hrtimer_setup_on_stack(&inv.timer, simgpu_op_done, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL);
	simgpu_run_ops(&inv);
	destroy_hrtimer_on_stack(&inv.timer);

	simgpu_end(&inv, false);
}

/* Run the chains of all devices, one after the other */
static void simgpu_run_chains(struct simgpu *gpu)
{
	struct simgpu_device *device;

	list_for_each_entry(device, &gpu->devices, link)
		simgpu_run_chain(device);
}

/*
 * What each kind of first callback does first: block new use of the range.
 *
 * Return: 1 if each device now has to run its chain, 0 if there is nothing to
 * do, -EAGAIN if the chains would have to run but waiting is not allowed.
 */
static int simgpu_begin(struct simgpu *gpu,
			const struct mmu_notifier_range *range,
			unsigned long cur_seq)
{
	/* The range can be larger than the mirror, up to all addresses */
	unsigned long first = range->start <= gpu->start ? 0 :
		(range->start - gpu->start) >> PAGE_SHIFT;
	unsigned long end = min(gpu->nr_pages,
		((range->end - 1 - gpu->start) >> PAGE_SHIFT) + 1);
	int ret = 0;

	spin_lock(&gpu->lock);
	/* Always, whatever comes of it: pairs with mmu_interval_read_retry() */
	mmu_interval_set_seq(&gpu->notifier, cur_seq);
	gpu->counters.invalidations++;

	if (simgpu_in_use(gpu, first, end)) {
		if (mmu_notifier_range_blockable(range)) {
			simgpu_clear(gpu, first, end);
			ret = 1;
		} else {
			gpu->counters.refused++;
			ret = -EAGAIN;
		}
	}
	spin_unlock(&gpu->lock);
	return ret;
}

static bool simgpu_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct simgpu *gpu = container_of(notifier, struct simgpu, notifier);
	int ret = simgpu_begin(gpu, range, cur_seq);

	if (ret > 0)
		simgpu_run_chains(gpu);
	return ret >= 0;
}

static const struct mmu_interval_notifier_ops simgpu_single_pass_ops = {
	.invalidate = simgpu_invalidate,
};

#if defined(SIMGPU_HAS_TWO_PASS) || defined(SIMGPU_HAS_MULTI_PASS)
/*
 * The rest of the first callback in several passes: start a device.
 *
 * Return: the state of the invocation, which is to be handed over unless it is
 * deferred. NULL if none was free: then the chain has run and nothing is left to
 * do.
 */
static struct simgpu_invocation *
simgpu_start(struct simgpu_device *device,
	     const struct mmu_notifier_range *range)
{
	struct simgpu *gpu = device->gpu;
	struct simgpu_invocation *inv;

	spin_lock(&gpu->lock);
	inv = list_first_entry_or_null(&device->free_states,
				       struct simgpu_invocation, link);
	if (inv)
		list_del(&inv->link);
	else
		gpu->counters.fallbacks++;
	spin_unlock(&gpu->lock);

	/* Slow, as the devices after this one wait for it, too, but always right */
	if (!inv) {
		simgpu_run_chain(device);
		return NULL;
	}

	inv->next_op = 0;
	inv->deferred = gpu->mode == SIMGPU_DEFERRED;
	memset(&inv->log, 0, sizeof(inv->log));
	simgpu_op_start(inv, range);
	/*
	 * The device may be done already, but @inv is there for as long as this
	 * callback runs: this is the thread that runs the passes, after it.
	 */
	return inv;
}

static void simgpu_count_pass(struct simgpu *gpu)
{
	spin_lock(&gpu->lock);
	gpu->counters.passes++;
	spin_unlock(&gpu->lock);
}

/* The second of two passes: all that the first did not start */
static void simgpu_finish(struct simgpu_invocation *inv)
{
	simgpu_count_pass(inv->device->gpu);
	simgpu_op_wait(inv);
	simgpu_run_ops(inv);
	simgpu_end(inv, true);
}
#endif

#ifdef SIMGPU_HAS_TWO_PASS
static bool
simgpu_invalidate_start(struct mmu_interval_notifier *notifier,
			const struct mmu_notifier_range *range,
			unsigned long cur_seq,
			struct mmu_interval_notifier_finish **finish)
{
	struct simgpu *gpu = container_of(notifier, struct simgpu, notifier);
	struct simgpu_invocation *inv;
	int ret = simgpu_begin(gpu, range, cur_seq);

	if (ret > 0) {
		/* There is only one finish, and so one device */
		inv = simgpu_start(list_first_entry(&gpu->devices,
						    struct simgpu_device, link),
				   range);
		if (inv)
			*finish = &inv->finish;
	}
	return ret >= 0;
}

static void
simgpu_invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	simgpu_finish(container_of(finish, struct simgpu_invocation, finish));
}

static const struct mmu_interval_notifier_ops simgpu_two_pass_ops = {
	.invalidate_start = simgpu_invalidate_start,
	.invalidate_finish = simgpu_invalidate_finish,
};
#endif /* SIMGPU_HAS_TWO_PASS */

#ifdef SIMGPU_HAS_MULTI_PASS
static bool
simgpu_invalidate_multipass(struct mmu_interval_notifier *notifier,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq,
			    struct mmu_interval_notifier_pass **pass)
{
	struct simgpu *gpu = container_of(notifier, struct simgpu, notifier);
	struct simgpu_invocation *inv;
	struct simgpu_device *device;
	int ret = simgpu_begin(gpu, range, cur_seq);

	if (ret > 0) {
		/*
		 * Any number of passes can be deferred, one for each device, but
		 * only one handed over: simgpu_mirror() sees to that.
		 */
		list_for_each_entry(device, &gpu->devices, link) {
			inv = simgpu_start(device, range);
			if (inv && !inv->deferred)
				*pass = &inv->pass;
		}
	}
	return ret >= 0;
}

/*
 * If it is deferred, nothing here waits for the operation that the pass before
 * it started. If not, this blocks until it is done, and so also holds up the
 * passes of other GPUs behind it.
 *
 * Each device goes on by itself here. A driver that has to do something once all
 * of them are done counts: one thread runs all passes of an invocation, so that
 * takes no lock.
 */
static struct mmu_interval_notifier_pass *
simgpu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct simgpu_invocation *inv =
		container_of(pass, struct simgpu_invocation, pass);

	simgpu_count_pass(inv->device->gpu);
	simgpu_op_wait(inv);
	if (inv->next_op < inv->device->nr_ops) {
		simgpu_op_start(inv, range);
		/* The core has a deferred pass already */
		return inv->deferred ? NULL : pass;
	}
	simgpu_end(inv, true);
	return NULL;
}

/* Each invocation, not the notifier, decides whether its passes are deferred */
static const struct mmu_interval_notifier_ops simgpu_multi_pass_ops = {
	.invalidate_multipass = simgpu_invalidate_multipass,
	.invalidate_pass = simgpu_invalidate_pass,
};

#ifndef SIMGPU_HAS_TWO_PASS
/* What takes the place of invalidate_start and invalidate_finish */
static struct mmu_interval_notifier_pass *
simgpu_invalidate_second(struct mmu_interval_notifier_pass *pass,
			 const struct mmu_notifier_range *range,
			 unsigned long cur_seq)
{
	simgpu_finish(container_of(pass, struct simgpu_invocation, pass));
	return NULL;
}

static const struct mmu_interval_notifier_ops simgpu_two_pass_ops = {
	.invalidate_multipass = simgpu_invalidate_multipass,
	.invalidate_pass = simgpu_invalidate_second,
};
#endif
#endif /* SIMGPU_HAS_MULTI_PASS */

static int simgpu_mode_ops(u32 mode,
			   const struct mmu_interval_notifier_ops **ops)
{
	switch (mode) {
	case SIMGPU_SINGLE_PASS:
		*ops = &simgpu_single_pass_ops;
		return 0;
	case SIMGPU_TWO_PASS:
#if defined(SIMGPU_HAS_TWO_PASS) || defined(SIMGPU_HAS_MULTI_PASS)
		*ops = &simgpu_two_pass_ops;
		return 0;
#else
		return -EOPNOTSUPP;
#endif
	case SIMGPU_MULTI_PASS:
#ifdef SIMGPU_HAS_MULTI_PASS
		*ops = &simgpu_multi_pass_ops;
		return 0;
#else
		return -EOPNOTSUPP;
#endif
	case SIMGPU_DEFERRED:
#ifdef SIMGPU_HAS_DEFERRED
		*ops = &simgpu_multi_pass_ops;
		return 0;
#else
		return -EOPNOTSUPP;
#endif
	default:
		return -EINVAL;
	}
}

/* There is no mirror, so there are no invocations that use a device */
static void simgpu_free_devices(struct simgpu *gpu)
{
	struct simgpu_device *device, *next;

	list_for_each_entry_safe(device, next, &gpu->devices, link)
		kfree(device);
	INIT_LIST_HEAD(&gpu->devices);
	gpu->nr_devices = 0;
}

static int simgpu_setup(struct simgpu *gpu, const struct simgpu_setup *arg)
{
	struct simgpu_device *device;
	unsigned int i;

	if (!arg->nr_ops || arg->nr_ops > SIMGPU_MAX_OPS ||
	    arg->nr_states > SIMGPU_MAX_STATES ||
	    (arg->device && arg->device != gpu->nr_devices) ||
	    arg->device >= SIMGPU_MAX_DEVICES)
		return -EINVAL;
	for (i = 0; i < arg->nr_ops; i++)
		if (!arg->op_ns[i] || arg->op_ns[i] > SIMGPU_MAX_OP_NS)
			return -EINVAL;
	for (; i < SIMGPU_MAX_OPS; i++)
		if (arg->op_ns[i])
			return -EINVAL;

	if (gpu->mirrored)
		return -EBUSY;

	device = kzalloc_obj(*device);
	if (!device)
		return -ENOMEM;
	device->gpu = gpu;
	device->nr_ops = arg->nr_ops;
	memcpy(device->op_ns, arg->op_ns, sizeof(device->op_ns));
	INIT_LIST_HEAD(&device->free_states);
	for (i = 0; i < arg->nr_states; i++) {
		struct simgpu_invocation *inv = &device->states[i];

		inv->device = device;
		init_completion(&inv->done);
		hrtimer_setup(&inv->timer, simgpu_op_done, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
		list_add_tail(&inv->link, &device->free_states);
	}

	if (!arg->device)
		simgpu_free_devices(gpu);
	list_add_tail(&device->link, &gpu->devices);
	gpu->nr_devices++;
	return 0;
}

static int simgpu_mirror(struct simgpu *gpu, const struct simgpu_mirror *arg)
{
	const struct mmu_interval_notifier_ops *ops;
	int ret;

	if (!arg->length || arg->length > SIMGPU_MAX_LENGTH ||
	    !PAGE_ALIGNED(arg->addr) || !PAGE_ALIGNED(arg->length) ||
	    arg->addr >= TASK_SIZE || arg->length > TASK_SIZE - arg->addr ||
	    arg->flags)
		return -EINVAL;
	ret = simgpu_mode_ops(arg->mode, &ops);
	if (ret)
		return ret;

	if (!gpu->nr_devices)
		return -ENXIO;
	/* In the other modes an invocation has one pass at a time */
	if (gpu->nr_devices > 1 && arg->mode != SIMGPU_DEFERRED)
		return -EINVAL;
	if (gpu->mirrored)
		return -EBUSY;

	/* The first callback can come before the insertion has returned */
	gpu->mode = arg->mode;
	gpu->start = arg->addr;
	gpu->nr_pages = arg->length >> PAGE_SHIFT;
	gpu->entries = kvcalloc(gpu->nr_pages, sizeof(*gpu->entries),
				GFP_KERNEL);
	if (!gpu->entries)
		return -ENOMEM;

	/* Takes the mmap_lock, and a reference to the mm_struct, not its users */
	ret = mmu_interval_notifier_insert(&gpu->notifier, current->mm,
					   arg->addr, arg->length, ops);
	if (ret) {
		kvfree(gpu->entries);
		gpu->entries = NULL;
		return ret;
	}
	gpu->mirrored = true;
	return 0;
}

/*
 * Can be called by another process than the one that is mirrored, and after
 * that one is gone: all it needs is the mm_struct, which the notifier holds.
 */
static void simgpu_unmirror(struct simgpu *gpu)
{
	bool in_use;

	/*
	 * Once the notifier is removed nobody says when a page goes away, so
	 * devices must have let go of all of them before. The ioctl_lock keeps
	 * new entries out.
	 */
	spin_lock(&gpu->lock);
	in_use = simgpu_in_use(gpu, 0, gpu->nr_pages);
	if (in_use)
		simgpu_clear(gpu, 0, gpu->nr_pages);
	spin_unlock(&gpu->lock);
	if (in_use)
		simgpu_run_chains(gpu);

	/* Returns when no callback runs and all passes are done */
	mmu_interval_notifier_remove(&gpu->notifier);

	kvfree(gpu->entries);
	gpu->entries = NULL;
	gpu->mirrored = false;
}

/* Is the range in a mirror that the calling process may use? */
static int simgpu_check_range(struct simgpu *gpu, u64 addr, u64 length)
{
	u64 mirror_length = (u64)gpu->nr_pages << PAGE_SHIFT;

	if (!gpu->mirrored)
		return -ENOENT;
	if (gpu->notifier.mm != current->mm)
		return -EPERM;
	if (!length || addr < gpu->start || length > mirror_length ||
	    addr - gpu->start > mirror_length - length)
		return -EINVAL;
	return 0;
}

static void simgpu_put_pages(struct page **pages, unsigned long nr)
{
	while (nr--)
		put_page(pages[nr]);
}

/* Look up all pages, or none, and fault them in where needed */
static int simgpu_get_pages(unsigned long addr, unsigned long nr,
			    struct page **pages)
{
	unsigned long got = 0;
	int ret;

	while (got < nr) {
		ret = get_user_pages_fast(addr + (got << PAGE_SHIFT), nr - got,
					  0, pages + got);
		if (ret <= 0) {
			simgpu_put_pages(pages, got);
			return ret ? ret : -EFAULT;
		}
		got += ret;
	}
	return 0;
}

static int simgpu_populate(struct simgpu *gpu,
			   const struct simgpu_populate *arg)
{
	unsigned long nr = arg->length >> PAGE_SHIFT;
	struct page **pages;
	unsigned long seq;
	bool retry;
	int ret;

	ret = simgpu_check_range(gpu, arg->addr, arg->length);
	if (ret)
		return ret;
	if (!PAGE_ALIGNED(arg->addr) || !PAGE_ALIGNED(arg->length))
		return -EINVAL;

	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;

	do {
		/* Sleeps while the mirror is being invalidated */
		seq = mmu_interval_read_begin(&gpu->notifier);

		ret = simgpu_get_pages(arg->addr, nr, pages);
		if (ret)
			break;

		/*
		 * Were the pages taken away again since? With the lock held,
		 * either the callback has been here and the answer is yes, or
		 * it comes later and finds the entries.
		 */
		spin_lock(&gpu->lock);
		retry = mmu_interval_read_retry(&gpu->notifier, seq);
		if (retry)
			gpu->counters.retries++;
		else
			memcpy(&gpu->entries[(arg->addr - gpu->start) >>
					     PAGE_SHIFT],
			       pages, nr * sizeof(*pages));
		spin_unlock(&gpu->lock);

		/* The references only had to last until here */
		simgpu_put_pages(pages, nr);

		if (retry && fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	} while (retry);

	kvfree(pages);
	return ret;
}

static int simgpu_read(struct simgpu *gpu, struct simgpu_read *arg)
{
	struct page *page;
	void *kaddr;
	int ret;

	ret = simgpu_check_range(gpu, arg->addr, sizeof(u64));
	if (ret)
		return ret;
	if (!IS_ALIGNED(arg->addr, sizeof(u64)))
		return -EINVAL;

	/* The page is there for as long as its entry is: hold the lock */
	spin_lock(&gpu->lock);
	page = gpu->entries[(arg->addr - gpu->start) >> PAGE_SHIFT];
	if (page) {
		kaddr = kmap_local_page(page);
		arg->value = READ_ONCE(*(u64 *)(kaddr +
						offset_in_page(arg->addr)));
		kunmap_local(kaddr);
	} else {
		/* A real GPU would fault, and its driver populate */
		ret = -ENODATA;
	}
	spin_unlock(&gpu->lock);
	return ret;
}

static void simgpu_counters(struct simgpu *gpu, struct simgpu_counters *arg)
{
	spin_lock(&gpu->lock);
	*arg = gpu->counters;
	spin_unlock(&gpu->lock);
}

static int simgpu_log(struct simgpu *gpu, struct simgpu_log *arg)
{
	spin_lock(&gpu->lock);
	*arg = gpu->log;
	spin_unlock(&gpu->lock);
	return arg->nr_ops ? 0 : -ENODATA;
}

static long simgpu_ioctl(struct file *file, unsigned int cmd,
			 unsigned long user_arg)
{
	struct simgpu *gpu = file->private_data;
	void __user *uptr = (void __user *)user_arg;
	union {
		struct simgpu_setup setup;
		struct simgpu_mirror mirror;
		struct simgpu_populate populate;
		struct simgpu_read read;
		struct simgpu_counters counters;
		struct simgpu_log log;
	} arg = {};
	long ret = 0;

	switch (cmd) {
	case SIMGPU_SETUP:
	case SIMGPU_MIRROR:
	case SIMGPU_UNMIRROR:
	case SIMGPU_POPULATE:
	case SIMGPU_READ:
	case SIMGPU_COUNTERS:
	case SIMGPU_LOG:
		break;
	default:
		return -ENOTTY;
	}

	/* User memory is copied without the lock: a copy can fault */
	if ((_IOC_DIR(cmd) & _IOC_WRITE) &&
	    copy_from_user(&arg, uptr, _IOC_SIZE(cmd)))
		return -EFAULT;

	if (mutex_lock_killable(&gpu->ioctl_lock))
		return -EINTR;
	switch (cmd) {
	case SIMGPU_SETUP:
		ret = simgpu_setup(gpu, &arg.setup);
		break;
	case SIMGPU_MIRROR:
		ret = simgpu_mirror(gpu, &arg.mirror);
		break;
	case SIMGPU_UNMIRROR:
		if (gpu->mirrored)
			simgpu_unmirror(gpu);
		else
			ret = -ENOENT;
		break;
	case SIMGPU_POPULATE:
		ret = simgpu_populate(gpu, &arg.populate);
		break;
	case SIMGPU_READ:
		ret = simgpu_read(gpu, &arg.read);
		break;
	case SIMGPU_COUNTERS:
		simgpu_counters(gpu, &arg.counters);
		break;
	case SIMGPU_LOG:
		ret = simgpu_log(gpu, &arg.log);
		break;
	}
	mutex_unlock(&gpu->ioctl_lock);

	if (!ret && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(uptr, &arg, _IOC_SIZE(cmd)))
		return -EFAULT;
	return ret;
}

static int simgpu_open(struct inode *inode, struct file *file)
{
	struct simgpu *gpu = kzalloc_obj(*gpu);

	if (!gpu)
		return -ENOMEM;

	mutex_init(&gpu->ioctl_lock);
	spin_lock_init(&gpu->lock);
	INIT_LIST_HEAD(&gpu->devices);

	file->private_data = gpu;
	return nonseekable_open(inode, file);
}

/* The last close(), so no ioctl runs, nor can another begin */
static int simgpu_release(struct inode *inode, struct file *file)
{
	struct simgpu *gpu = file->private_data;

	if (gpu->mirrored)
		simgpu_unmirror(gpu);
	simgpu_free_devices(gpu);
	mutex_destroy(&gpu->ioctl_lock);
	kfree(gpu);
	return 0;
}

/* The owner keeps the module, and so its callbacks, while a file is open */
static const struct file_operations simgpu_fops = {
	.owner = THIS_MODULE,
	.open = simgpu_open,
	.release = simgpu_release,
	.unlocked_ioctl = simgpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice simgpu_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "simgpu",
	.fops = &simgpu_fops,
};
module_misc_device(simgpu_misc);

MODULE_DESCRIPTION("Simulated GPU, an mmu_interval_notifier example");
MODULE_LICENSE("GPL");
