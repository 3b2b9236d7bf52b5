// SPDX-License-Identifier: GPL-2.0-only
/* Allocations that do not enter reclaim, or not in a callback */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	unsigned long page;
	u64 *list;
};

struct npu {
	struct mmu_interval_notifier notifier;
	struct xarray pages;
	struct npu_flush *spare;
};

static struct npu_flush *npu_new_flush(gfp_t gfp)
{
	return kzalloc_obj(struct npu_flush, gfp);
}

/* Not a callback, nor called by one */
int npu_init(struct npu *npu)
{
	npu->spare = npu_new_flush(GFP_KERNEL);
	if (!npu->spare)
		return -ENOMEM;
	npu->spare->list = kzalloc_objs(u64, 512);
	return npu->spare->list ? 0 : -ENOMEM;
}

static bool npu_invalidate(struct mmu_interval_notifier *notifier,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq,
			   struct mmu_interval_notifier_pass **pass)
{
	struct npu *npu = container_of(notifier, struct npu, notifier);
	struct npu_flush *flush = npu_new_flush(GFP_NOWAIT);

	mmu_interval_set_seq(notifier, cur_seq);
	if (!flush)
		return true;

	flush->page = range->start >> PAGE_SHIFT;
	flush->list = kmalloc_objs(u64, 512,
				   (GFP_KERNEL | __GFP_NOWARN) & ~__GFP_RECLAIM);
	if (!flush->list)
		flush->list = kzalloc_obj(u64, GFP_ATOMIC);
	/* Removes an entry */
	xa_store(&npu->pages, flush->page, NULL, GFP_KERNEL);
	*pass = &flush->pass;
	return true;
}

static struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	kfree(flush->list);
	kfree(flush);
	return NULL;
}

const struct mmu_interval_notifier_ops npu_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};
