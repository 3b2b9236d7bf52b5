// SPDX-License-Identifier: GPL-2.0-only
/* The range of the callback, under any name */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	const struct mmu_notifier_range *range;
	struct mmu_notifier_range part;
	struct work_struct work;
};

void npu_flush_start(struct npu_flush *flush,
		     const struct mmu_notifier_range *range);

/* The device has a copy, the core its own range */
void npu_flush_part(struct npu_flush *flush, unsigned long end,
		    const struct mmu_notifier_range *range)
{
	struct mmu_notifier_range part = *range;

	part.end = min(part.end, end);
	mmu_interval_pass_defer(&flush->pass, range);
	npu_flush_start(flush, &part);
}

/* A range is the same one in all passes */
void npu_flush_keep(struct npu_flush *flush,
		    const struct mmu_notifier_range *range)
{
	flush->range = range;
	mmu_interval_pass_defer(&flush->pass, flush->range);
	npu_flush_start(flush, range);
}

void npu_flush_some(struct npu_flush *flush,
		    const struct mmu_notifier_range *range)
{
	const struct mmu_notifier_range *same = &flush->part;

	npu_flush_start(flush, same);
	same = range;
	mmu_interval_pass_defer(&flush->pass, same);
}

/* The work says that the device is done; who has queued it has deferred */
static void npu_work(struct work_struct *work)
{
	struct npu_flush *flush = container_of(work, struct npu_flush, work);

	mmu_interval_pass_ready(&flush->pass);
}

void npu_flush_queue(struct npu_flush *flush,
		     const struct mmu_notifier_range *range)
{
	INIT_WORK(&flush->work, npu_work);
	mmu_interval_pass_defer(&flush->pass, range);
	queue_work(system_unbound_wq, &flush->work);
}
