// SPDX-License-Identifier: GPL-2.0-only
/* First deferred, then armed; or what was armed is over */
#include <linux/dma-fence.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/workqueue.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct list_head link;
	struct dma_fence_cb cb;
	struct hrtimer poll;
	struct work_struct work;
	bool deferred;
};

struct npu {
	struct list_head flushes;
	struct npu_flush flush[8];
	struct workqueue_struct *wq;
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb);

void npu_wait_for_fence(struct npu_flush *flush, struct dma_fence *fence,
			const struct mmu_notifier_range *range)
{
	mmu_interval_pass_defer(&flush->pass, range);
	if (dma_fence_add_callback(fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
}

void npu_poll(struct npu_flush *flush, ktime_t interval,
	      const struct mmu_notifier_range *range)
{
	if (flush->deferred)
		mmu_interval_pass_defer(&flush->pass, range);
	hrtimer_start(&flush->poll, interval, HRTIMER_MODE_REL);
}

void npu_flush_each(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush;

	list_for_each_entry(flush, &npu->flushes, link) {
		mmu_interval_pass_defer(&flush->pass, range);
		queue_work(npu->wq, &flush->work);
	}
}

void npu_flush_array(struct npu *npu, const struct mmu_notifier_range *range)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(npu->flush); i++) {
		mmu_interval_pass_defer(&npu->flush[i].pass, range);
		queue_work(npu->wq, &npu->flush[i].work);
	}
}

/* Some need no device */
void npu_flush_needed(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush;

	list_for_each_entry(flush, &npu->flushes, link) {
		mmu_interval_pass_defer(&flush->pass, range);
		if (flush->deferred)
			queue_work(npu->wq, &flush->work);
		else
			mmu_interval_pass_ready(&flush->pass);
	}
}

void npu_poll_again(struct npu_flush *flush, ktime_t interval,
		    const struct mmu_notifier_range *range)
{
	hrtimer_start(&flush->poll, interval, HRTIMER_MODE_REL);
	hrtimer_cancel(&flush->poll);
	mmu_interval_pass_defer(&flush->pass, range);
	hrtimer_start(&flush->poll, interval, HRTIMER_MODE_REL);
}

/* The work of one flush has nothing to do with the pass of another */
void npu_flush_two(struct npu_flush *first, struct npu_flush *second,
		   const struct mmu_notifier_range *range)
{
	schedule_work(&first->work);
	mmu_interval_pass_defer(&second->pass, range);
	schedule_work(&second->work);
}

/* The next pass of one, after the work of another */
struct mmu_interval_notifier_pass *
npu_flush_next(struct mmu_interval_notifier_pass *pass, struct npu_flush *next,
	       const struct mmu_notifier_range *range)
{
	mmu_interval_pass_defer(&next->pass, range);
	schedule_work(&next->work);
	mmu_interval_pass_defer(pass, range);
	return NULL;
}
