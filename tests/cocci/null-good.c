// SPDX-License-Identifier: GPL-2.0-only
/* What drivers do when there is no memory */
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

struct npu;

struct npu_flush {
	struct npu *npu;
	struct list_head link;
	struct mmu_interval_notifier_pass pass;
};

struct npu {
	struct mmu_interval_notifier notifier;
	struct list_head flushes;
	struct npu_flush spare;
	bool spare_used;
};

void npu_flush(struct npu *npu);
void npu_start_flush(struct npu *npu, struct npu_flush *flush);
struct npu_flush *npu_wait_for_flush(struct npu *npu);

void npu_hand_over(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (flush) {
		npu_start_flush(npu, flush);
		*pass = &flush->pass;
	} else {
		npu_flush(npu);
	}
}

void npu_hand_over_2(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush;

	flush = list_first_entry_or_null(&npu->flushes, struct npu_flush, link);
	if (!flush) {
		npu_flush(npu);
		return;
	}
	list_del(&flush->link);
	npu_start_flush(npu, flush);
	*pass = &flush->pass;
}

void npu_hand_over_3(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (!flush)
		flush = npu_wait_for_flush(npu);
	npu_start_flush(npu, flush);
	*pass = &flush->pass;
}

/* Two checks of the same pointer */
void npu_hand_over_4(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (flush)
		flush->npu = npu;
	npu_start_flush(npu, flush);
	if (flush && flush->npu)
		*pass = &flush->pass;
}

void npu_hand_over_5(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (flush == NULL)
		goto no_memory;
	npu_start_flush(npu, flush);
	*pass = &flush->pass;
	return;

no_memory:
	npu_flush(npu);
}

/* Nothing to allocate */
void npu_hand_over_6(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = &npu->spare;

	if (!npu->spare_used) {
		npu->spare_used = true;
		*pass = &flush->pass;
	}
}

void npu_defer(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (!flush) {
		npu_flush(npu);
		return;
	}
	mmu_interval_pass_defer(&flush->pass, range);
	npu_start_flush(npu, flush);
}

void npu_defer_each(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush;

	list_for_each_entry(flush, &npu->flushes, link) {
		mmu_interval_pass_defer(&flush->pass, range);
		npu_start_flush(npu, flush);
	}
}
