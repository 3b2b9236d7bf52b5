// SPDX-License-Identifier: GPL-2.0-only
/* Passes for no invalidation: the core does not know where to put them */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct npu_flush {
	struct mmu_interval_notifier_pass pass;
	struct mmu_notifier_range range;
	struct work_struct work;
};

void npu_flush_start(struct npu_flush *flush);

static bool npu_invalidate(struct mmu_interval_notifier *notifier,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq,
			   struct mmu_interval_notifier_pass **pass)
{
	struct mmu_notifier_range part = *range;
	struct npu_flush *flush;

	mmu_interval_set_seq(notifier, cur_seq);
	flush = kzalloc_obj(*flush, GFP_NOWAIT);
	if (!flush)
		return true;
	part.end = min(part.end, notifier->interval_tree.last + 1);
	mmu_interval_pass_defer(&flush->pass, &part); /* flagged */
	npu_flush_start(flush);
	return true;
}

/* The copy is kept between the passes */
static struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	struct npu_flush *flush = container_of(pass, struct npu_flush, pass);

	mmu_interval_pass_defer(pass, &flush->range); /* flagged */
	npu_flush_start(flush);
	return NULL;
}

const struct mmu_interval_notifier_ops npu_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};

void npu_flush_part(struct npu_flush *flush,
		    const struct mmu_notifier_range *range)
{
	const struct mmu_notifier_range *copy;

	flush->range = *range;
	copy = &flush->range;
	mmu_interval_pass_defer(&flush->pass, copy); /* flagged */
	npu_flush_start(flush);
}

void npu_flush_later(struct npu_flush *flush,
		     const struct mmu_notifier_range *range)
{
	struct mmu_notifier_range *copy =
		kmemdup(range, sizeof(*range), GFP_NOWAIT);

	if (!copy)
		return;
	mmu_interval_pass_defer(&flush->pass, copy); /* flagged */
	npu_flush_start(flush);
}

/* No range at hand, or no pass */
void npu_flush_any(struct npu_flush *flush)
{
	mmu_interval_pass_defer(&flush->pass, NULL); /* flagged */
	npu_flush_start(flush);
}

void npu_flush_none(const struct mmu_notifier_range *range)
{
	mmu_interval_pass_defer(NULL, range); /* flagged */
	npu_flush_start(NULL);
	mmu_interval_pass_ready(NULL); /* flagged */
}

/* Another thread, in which no invalidation waits for the next pass */
const struct mmu_notifier_range *npu_range_of(struct npu_flush *flush);

static void npu_work(struct work_struct *work)
{
	struct npu_flush *flush = container_of(work, struct npu_flush, work);
	const struct mmu_notifier_range *range = npu_range_of(flush);

	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
	npu_flush_start(flush);
}

void npu_init_flush(struct npu_flush *flush)
{
	INIT_WORK(&flush->work, npu_work);
}
