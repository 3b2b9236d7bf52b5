// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notifiers that do as little as they can, to count what the core does for them
 *
 * cost_ioctl.h says which kinds there are. Nothing is allocated, and no statistics
 * are kept, while the kernel invalidates, except that each later pass is counted:
 * that one instruction is the proof that it ran.
 *
 * The ioctls are serialised by cost_mutex. Callbacks only use what was set up
 * before the first notifier was inserted.
 */

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "cost_ioctl.h"

/* Longer than the core needs to go to sleep */
#define COST_SLEEP_NS	100000

struct cost_notifier {
	struct mmu_interval_notifier notifier;
#ifdef COST_HAS_TWO_PASS
	struct mmu_interval_notifier_finish finish;
#endif
#ifdef COST_HAS_MULTI_PASS
	struct mmu_interval_notifier_pass pass;
#endif
};

static DEFINE_MUTEX(cost_mutex);
static struct cost_notifier *cost_notifiers;
/* So many there are, and so many of them are inserted */
static unsigned int cost_nr, cost_inserted;
/* The driver lock of the notifier documentation */
static DEFINE_SPINLOCK(cost_lock);
static u64 cost_passes;

/* Called after all notifiers with passes, because it has only one itself */
static struct mmu_interval_notifier cost_last;
static bool cost_has_last;

static __always_inline void cost_set_seq(struct mmu_interval_notifier *notifier,
					 unsigned long cur_seq)
{
	spin_lock(&cost_lock);
	mmu_interval_set_seq(notifier, cur_seq);
	spin_unlock(&cost_lock);
}

static bool cost_invalidate(struct mmu_interval_notifier *notifier,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	cost_set_seq(notifier, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops cost_single_ops = {
	.invalidate = cost_invalidate,
};

#ifdef COST_HAS_TWO_PASS
static bool cost_invalidate_start(struct mmu_interval_notifier *notifier,
				  const struct mmu_notifier_range *range,
				  unsigned long cur_seq,
				  struct mmu_interval_notifier_finish **finish)
{
	cost_set_seq(notifier, cur_seq);
	*finish = &container_of(notifier, struct cost_notifier,
				notifier)->finish;
	return true;
}

static void cost_invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	cost_passes++;
}

static const struct mmu_interval_notifier_ops cost_two_pass_ops = {
	.invalidate_start = cost_invalidate_start,
	.invalidate_finish = cost_invalidate_finish,
};
#endif /* COST_HAS_TWO_PASS */

#ifdef COST_HAS_MULTI_PASS
static struct mmu_interval_notifier_pass *
cost_pass(struct mmu_interval_notifier *notifier)
{
	return &container_of(notifier, struct cost_notifier, notifier)->pass;
}

static struct mmu_interval_notifier_pass *
cost_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		     const struct mmu_notifier_range *range,
		     unsigned long cur_seq)
{
	cost_passes++;
	return NULL;
}

static bool cost_none(struct mmu_interval_notifier *notifier,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq,
		      struct mmu_interval_notifier_pass **pass)
{
	cost_set_seq(notifier, cur_seq);
	return true;
}

static bool cost_blocking(struct mmu_interval_notifier *notifier,
			  const struct mmu_notifier_range *range,
			  unsigned long cur_seq,
			  struct mmu_interval_notifier_pass **pass)
{
	cost_set_seq(notifier, cur_seq);
	*pass = cost_pass(notifier);
	return true;
}

static bool cost_early(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq,
		       struct mmu_interval_notifier_pass **pass)
{
	struct mmu_interval_notifier_pass *deferred = cost_pass(notifier);

	cost_set_seq(notifier, cur_seq);
	mmu_interval_pass_defer(deferred, range);
	mmu_interval_pass_ready(deferred);
	return true;
}

/* The passes of all, of which this is the only one that is inserted */
static bool cost_one(struct mmu_interval_notifier *notifier,
		     const struct mmu_notifier_range *range,
		     unsigned long cur_seq,
		     struct mmu_interval_notifier_pass **pass)
{
	unsigned int i;

	cost_set_seq(notifier, cur_seq);
	for (i = 0; i < cost_nr; i++) {
		mmu_interval_pass_defer(&cost_notifiers[i].pass, range);
		mmu_interval_pass_ready(&cost_notifiers[i].pass);
	}
	return true;
}

static bool cost_late(struct mmu_interval_notifier *notifier,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq,
		      struct mmu_interval_notifier_pass **pass)
{
	cost_set_seq(notifier, cur_seq);
	mmu_interval_pass_defer(cost_pass(notifier), range);
	return true;
}

static void cost_make_ready(void)
{
	unsigned int i;

	for (i = 0; i < cost_nr; i++)
		mmu_interval_pass_ready(&cost_notifiers[i].pass);
}

static bool cost_last_ready(struct mmu_interval_notifier *notifier,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	cost_set_seq(notifier, cur_seq);
	cost_make_ready();
	return true;
}

static bool cost_last_none(struct mmu_interval_notifier *notifier,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq)
{
	unsigned int i;

	cost_set_seq(notifier, cur_seq);
	for (i = 0; i < cost_nr; i++)
		OPTIMIZER_HIDE_VAR(i);
	return true;
}

static enum hrtimer_restart cost_timeout(struct hrtimer *timer)
{
	cost_make_ready();
	return HRTIMER_NORESTART;
}

static struct hrtimer cost_timer;

static bool cost_last_timer(struct mmu_interval_notifier *notifier,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	cost_set_seq(notifier, cur_seq);
	hrtimer_start(&cost_timer, ns_to_ktime(COST_SLEEP_NS),
		      HRTIMER_MODE_REL);
	return true;
}

static const struct mmu_interval_notifier_ops cost_none_ops = {
	.invalidate_multipass = cost_none,
	.invalidate_pass = cost_invalidate_pass,
}, cost_blocking_ops = {
	.invalidate_multipass = cost_blocking,
	.invalidate_pass = cost_invalidate_pass,
}, cost_early_ops = {
	.invalidate_multipass = cost_early,
	.invalidate_pass = cost_invalidate_pass,
}, cost_one_ops = {
	.invalidate_multipass = cost_one,
	.invalidate_pass = cost_invalidate_pass,
}, cost_late_ops = {
	.invalidate_multipass = cost_late,
	.invalidate_pass = cost_invalidate_pass,
}, cost_last_ready_ops = {
	.invalidate = cost_last_ready,
}, cost_last_none_ops = {
	.invalidate = cost_last_none,
}, cost_last_timer_ops = {
	.invalidate = cost_last_timer,
};
#endif /* COST_HAS_MULTI_PASS */

/*
 * @ops: of each notifier; @last: of the one that is called after them, if any;
 * @one: only one of them is inserted
 */
static const struct cost_kind_ops {
	const struct mmu_interval_notifier_ops *ops, *last;
	bool one;
} cost_kinds[] = {
	[COST_SINGLE] = { &cost_single_ops },
#ifdef COST_HAS_TWO_PASS
	[COST_TWO_PASS] = { &cost_two_pass_ops },
#endif
#ifdef COST_HAS_MULTI_PASS
	[COST_NONE] = { &cost_none_ops },
	[COST_BLOCKING] = { &cost_blocking_ops },
	[COST_EARLY] = { &cost_early_ops },
	[COST_ONE] = { &cost_one_ops, .one = true },
	[COST_LATE] = { &cost_late_ops, &cost_last_ready_ops },
	[COST_LATE_NONE] = { &cost_none_ops, &cost_last_none_ops },
	[COST_SLEPT] = { &cost_late_ops, &cost_last_timer_ops },
#endif
};

static void cost_destroy(void)
{
	if (cost_has_last)
		mmu_interval_notifier_remove(&cost_last);
	cost_has_last = false;
	while (cost_inserted)
		mmu_interval_notifier_remove(
			&cost_notifiers[--cost_inserted].notifier);
	vfree(cost_notifiers);
	cost_notifiers = NULL;
}

static int cost_create(const struct cost_create *arg)
{
	const struct cost_kind_ops *kind;
	int ret;

	if (cost_notifiers)
		return -EBUSY;
	if (!arg->nr)
		return -EINVAL;
	if (arg->kind >= ARRAY_SIZE(cost_kinds) || !cost_kinds[arg->kind].ops)
		return -EOPNOTSUPP;
	kind = &cost_kinds[arg->kind];

	/* Passes have to be zero before their first use */
	cost_notifiers = vcalloc(arg->nr, sizeof(*cost_notifiers));
	if (!cost_notifiers)
		return -ENOMEM;

	cost_passes = 0;
	cost_nr = arg->nr;
	while (cost_inserted < (kind->one ? 1 : cost_nr)) {
		ret = mmu_interval_notifier_insert(
			&cost_notifiers[cost_inserted].notifier, current->mm,
			arg->addr, arg->length, kind->ops);
		if (ret)
			goto err_destroy;
		cost_inserted++;
		cond_resched();
	}
	if (kind->last) {
		ret = mmu_interval_notifier_insert(&cost_last, current->mm,
						   arg->addr, arg->length,
						   kind->last);
		if (ret)
			goto err_destroy;
		cost_has_last = true;
	}
	return 0;

err_destroy:
	cost_destroy();
	return ret;
}

static long cost_ioctl(struct file *file, unsigned int cmd,
		       unsigned long user_arg)
{
	void __user *uptr = (void __user *)user_arg;
	struct cost_create create;
	struct cost_sizes sizes = {
		.notifier = sizeof(struct mmu_interval_notifier),
#ifdef COST_HAS_MULTI_PASS
		.pass = sizeof(struct mmu_interval_notifier_pass),
#endif
	};
	long ret;

	switch (cmd) {
	case COST_CREATE:
		if (copy_from_user(&create, uptr, sizeof(create)))
			return -EFAULT;
		mutex_lock(&cost_mutex);
		ret = cost_create(&create);
		mutex_unlock(&cost_mutex);
		return ret;
	case COST_DESTROY:
		mutex_lock(&cost_mutex);
		cost_destroy();
		ret = put_user(cost_passes, (u64 __user *)uptr);
		mutex_unlock(&cost_mutex);
		return ret;
	case COST_SIZES:
		return copy_to_user(uptr, &sizes, sizeof(sizes)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

/* The notifiers hold no reference to the module, but the open file does */
static int cost_release(struct inode *inode, struct file *file)
{
	mutex_lock(&cost_mutex);
	cost_destroy();
	mutex_unlock(&cost_mutex);
	return 0;
}

static const struct file_operations cost_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = cost_ioctl,
	.release = cost_release,
};

static struct miscdevice cost_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cost",
	.fops = &cost_fops,
};

static int __init cost_init(void)
{
#ifdef COST_HAS_MULTI_PASS
	hrtimer_setup(&cost_timer, cost_timeout, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
#endif
	return misc_register(&cost_misc);
}
module_init(cost_init);

static void __exit cost_exit(void)
{
	misc_deregister(&cost_misc);
}
module_exit(cost_exit);

MODULE_DESCRIPTION("Notifiers to count the instructions of");
MODULE_LICENSE("GPL");
