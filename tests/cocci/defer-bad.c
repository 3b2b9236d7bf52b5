// SPDX-License-Identifier: GPL-2.0-only
/* The device is, or can be, done before the pass is deferred: ready() comes too early */
#include <linux/dma-fence.h>
#include <linux/hrtimer.h>
#include <linux/mmu_notifier.h>
#include <linux/workqueue.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct dma_fence_cb cb;
	struct hrtimer poll;
	struct work_struct work;
};

struct npu {
	struct npu_flush flush;
	struct workqueue_struct *wq;
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb);
void npu_ring_doorbell(struct npu *npu);
bool npu_is_busy(struct npu_flush *flush);

void npu_wait_for_fence(struct npu_flush *flush, struct dma_fence *fence,
			const struct mmu_notifier_range *range)
{
	if (dma_fence_add_callback(fence, &flush->cb, npu_fence_done))
		return;
	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
}

void npu_poll(struct npu_flush *flush, ktime_t interval,
	      const struct mmu_notifier_range *range)
{
	hrtimer_start(&flush->poll, interval, HRTIMER_MODE_REL);
	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
}

void npu_flush_all(struct npu *npu, const struct mmu_notifier_range *range)
{
	queue_work(npu->wq, &npu->flush.work);
	npu_ring_doorbell(npu);
	mmu_interval_pass_defer(&npu->flush.pass, range); /* flagged */
}

struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	schedule_work(&flush->work);
	mmu_interval_pass_defer(pass, range); /* flagged */
	return NULL;
}

void npu_skip(struct npu_flush *flush, const struct mmu_notifier_range *range)
{
	mmu_interval_pass_ready(&flush->pass);
	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
}

void npu_skip_next(struct npu_flush *flush,
		   const struct mmu_notifier_range *range)
{
	struct mmu_interval_notifier_pass *pass = &flush->pass;

	if (!npu_is_busy(flush))
		mmu_interval_pass_ready(pass);
	mmu_interval_pass_defer(pass, range); /* flagged */
}
