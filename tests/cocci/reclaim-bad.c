// SPDX-License-Identifier: GPL-2.0-only
/* Allocations that can end up in the callbacks that make them */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	unsigned long nr_pages;
	void *list;
	u64 *dirty;
	u64 pages[];
};

struct npu_flush *npu_new_flush(size_t size, gfp_t gfp);
void npu_flush(struct npu_flush *flush);

static struct npu_flush *npu_flush_of(unsigned long nr_pages)
{
	return kzalloc_flex(struct npu_flush, pages, nr_pages); /* flagged */
}

static bool npu_invalidate_all(struct mmu_interval_notifier *notifier,
			       const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct npu_flush *flush = npu_flush_of(1);

	mmu_interval_set_seq(notifier, cur_seq);
	if (flush)
		npu_flush(flush);
	return true;
}

static const struct mmu_interval_notifier_ops npu_one_pass_ops = {
	.invalidate = npu_invalidate_all,
};

static bool npu_start(struct mmu_interval_notifier *notifier,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq,
		      struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush); /* flagged */

	mmu_interval_set_seq(notifier, cur_seq);
	if (flush)
		*pass = &flush->pass;
	return true;
}

static struct mmu_interval_notifier_pass *
npu_finish(struct mmu_interval_notifier_pass *pass,
	   const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	flush->list = vmalloc(flush->nr_pages); /* flagged */
	npu_flush(flush);
	flush->dirty = kzalloc_objs(u64, flush->nr_pages); /* flagged */
	return NULL;
}

static const struct mmu_interval_notifier_ops npu_list_ops = {
	.invalidate_multipass = npu_start,
	.invalidate_pass = npu_finish,
};

static bool npu_invalidate(struct mmu_interval_notifier *notifier,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq,
			   struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush;

	mmu_interval_set_seq(notifier, cur_seq);
	if (!mmu_notifier_range_blockable(range))
		return false;

	flush = npu_new_flush(sizeof(*flush),
			      GFP_KERNEL | __GFP_NOWARN); /* flagged */
	if (flush)
		*pass = &flush->pass;
	return true;
}

static struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	flush->list = kmalloc(flush->nr_pages, GFP_NOFS); /* flagged */
	npu_flush(flush);
	return NULL;
}

static const struct mmu_interval_notifier_ops npu_multi_pass_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};

const struct mmu_interval_notifier_ops *npu_ops[] = {
	&npu_one_pass_ops, &npu_list_ops, &npu_multi_pass_ops,
};
