// SPDX-License-Identifier: GPL-2.0-only
/* Nothing of a pass is used once it can be run */
#include <linux/completion.h>
#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct list_head link;
	struct dma_fence_cb cb;
	struct completion completion;
	bool deferred;
	bool done;
};

struct npu {
	struct list_head done;
	struct npu_flush flush[8];
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct npu_flush *flush = container_of(cb, struct npu_flush, cb);

	flush->done = true;
	if (flush->deferred) {
		mmu_interval_pass_ready(&flush->pass);
		return;
	}
	complete(&flush->completion);
}

void npu_irq(struct npu *npu)
{
	struct npu_flush *flush, *next;

	list_for_each_entry_safe(flush, next, &npu->done, link) {
		list_del(&flush->link);
		mmu_interval_pass_ready(&flush->pass);
	}
}

void npu_poll(struct npu *npu)
{
	struct npu_flush *flush;

	while (!list_empty(&npu->done)) {
		flush = list_first_entry(&npu->done, struct npu_flush, link);
		list_del(&flush->link);
		mmu_interval_pass_ready(&flush->pass);
	}
}

void npu_wedged(struct npu *npu)
{
	struct npu_flush *flush = npu->flush;
	int i;

	for (i = 0; i < ARRAY_SIZE(npu->flush); i++)
		mmu_interval_pass_ready(&flush[i].pass);
}

/* The thread that has deferred it runs it, and not before the callback returns */
void npu_wait_for_fence(struct npu_flush *flush, struct dma_fence *fence,
			const struct mmu_notifier_range *range)
{
	mmu_interval_pass_defer(&flush->pass, range);
	if (dma_fence_add_callback(fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
	flush->deferred = true;
}
