// SPDX-License-Identifier: GPL-2.0-only
/* Either deferred or handed over, or different passes */
#include <linux/dma-fence.h>
#include <linux/mmu_notifier.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	bool deferred;
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb);

void npu_wait_for_fence(struct npu_flush *flush, bool defer,
			const struct mmu_notifier_range *range,
			struct mmu_interval_notifier_pass **pass)
{
	if (!defer) {
		*pass = &flush->pass;
		return;
	}
	mmu_interval_pass_defer(&flush->pass, range);
	if (dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
}

/* A flag says which path was taken */
void npu_flush(struct npu_flush *flush, bool defer,
	       const struct mmu_notifier_range *range,
	       struct mmu_interval_notifier_pass **pass)
{
	if (defer)
		mmu_interval_pass_defer(&flush->pass, range);
	dma_fence_enable_sw_signaling(flush->fence);
	if (!defer)
		*pass = &flush->pass;
}

void npu_flush_2(struct npu_flush *flush,
		 const struct mmu_notifier_range *range,
		 struct mmu_interval_notifier_pass **pass)
{
	if (!dma_fence_is_signaled(flush->fence)) {
		mmu_interval_pass_defer(&flush->pass, range);
		flush->deferred = true;
	}
	dma_fence_enable_sw_signaling(flush->fence);
	if (!flush->deferred)
		*pass = &flush->pass;
}

struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	if (!flush->deferred)
		return pass;
	mmu_interval_pass_defer(pass, range);
	if (dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(pass);
	return NULL;
}

/* One of each */
void npu_flush_two(struct npu_flush *first, struct npu_flush *second,
		   const struct mmu_notifier_range *range,
		   struct mmu_interval_notifier_pass **pass)
{
	mmu_interval_pass_defer(&first->pass, range);
	if (dma_fence_add_callback(first->fence, &first->cb, npu_fence_done))
		mmu_interval_pass_ready(&first->pass);
	*pass = &second->pass;
}

/* The last one is handed over */
struct mmu_interval_notifier_pass *
npu_flush_all(struct npu_flush *flush, struct npu_flush *end,
	      const struct mmu_notifier_range *range)
{
	for (; flush + 1 < end; flush++)
		mmu_interval_pass_defer(&flush->pass, range);
	return &flush->pass;
}
