// SPDX-License-Identifier: GPL-2.0-only
/* A deferred pass is not handed over, too */
#include <linux/dma-fence.h>
#include <linux/mmu_notifier.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	bool deferred;
};

struct npu {
	struct npu_flush flush;
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb);

void npu_wait_for_fence(struct npu_flush *flush,
			const struct mmu_notifier_range *range,
			struct mmu_interval_notifier_pass **pass)
{
	mmu_interval_pass_defer(&flush->pass, range);
	if (dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
	*pass = &flush->pass; /* flagged */
}

/* When there is nothing to wait for: ready() is missing */
void npu_wait_for_fence_2(struct npu_flush *flush,
			  const struct mmu_notifier_range *range,
			  struct mmu_interval_notifier_pass **pass)
{
	int err;

	mmu_interval_pass_defer(&flush->pass, range);
	err = dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done);
	if (err)
		*pass = &flush->pass; /* flagged */
}

/* The same pass under two names */
struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	mmu_interval_pass_defer(&flush->pass, range);
	if (dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done))
		mmu_interval_pass_ready(&flush->pass);
	return pass; /* flagged */
}

struct mmu_interval_notifier_pass *
npu_invalidate_pass_2(struct mmu_interval_notifier_pass *pass,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	mmu_interval_pass_defer(pass, range);
	if (dma_fence_add_callback(flush->fence, &flush->cb, npu_fence_done))
		return &flush->pass; /* flagged */
	return NULL;
}

struct mmu_interval_notifier_pass *
npu_invalidate_pass_3(struct mmu_interval_notifier_pass *pass,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq)
{
	mmu_interval_pass_defer(pass, range);
	if (cur_seq)
		return pass; /* flagged */
	return NULL;
}

/* In the other order */
void npu_flush(struct npu_flush *flush, const struct mmu_notifier_range *range,
	       struct mmu_interval_notifier_pass **pass)
{
	*pass = &flush->pass;
	if (flush->deferred)
		mmu_interval_pass_defer(&flush->pass, range); /* flagged */
}

void npu_flush_all(struct npu *npu, const struct mmu_notifier_range *range,
		   struct mmu_interval_notifier_pass **pass)
{
	mmu_interval_pass_defer(&npu->flush.pass, range);
	*pass = &npu->flush.pass; /* flagged */
}
