// SPDX-License-Identifier: GPL-2.0-only
/* The pass may have been run and freed before the next line */
#include <linux/dma-fence.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct dma_fence_cb cb;
	struct work_struct work;
	bool done;
};

void npu_fence_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct npu_flush *flush = container_of(cb, struct npu_flush, cb);

	mmu_interval_pass_ready(&flush->pass);
	flush->done = true; /* flagged */
}

void npu_work(struct work_struct *work)
{
	struct npu_flush *flush = container_of(work, struct npu_flush, work);

	mmu_interval_pass_ready(&flush->pass);
	kfree(flush); /* flagged */
}

void npu_irq(struct mmu_interval_notifier_pass *pass)
{
	mmu_interval_pass_ready(pass);
	if (pass->notifier) /* flagged */
		pr_debug("done\n");
}

/* Twice */
void npu_reset(struct npu_flush *flush)
{
	mmu_interval_pass_ready(&flush->pass);
	mmu_interval_pass_ready(&flush->pass); /* flagged */
}
