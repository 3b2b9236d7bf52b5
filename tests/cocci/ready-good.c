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

/* Nobody can run it yet: it is handed over later */
void npu_hand_over(struct npu_flush *flush, struct dma_fence *fence,
		   struct mmu_interval_notifier_pass **pass)
{
	mmu_interval_pass_defer(&flush->pass);
	if (dma_fence_add_callback(fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
	*pass = &flush->pass;
}
