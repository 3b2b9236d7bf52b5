// SPDX-License-Identifier: GPL-2.0-only
/* There may be no memory, and then there is no pass */
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
};

void npu_flush(struct npu *npu);
void npu_start_flush(struct npu *npu, struct npu_flush *flush);

/* Not checked */
void npu_hand_over(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	npu_start_flush(npu, flush);
	*pass = &flush->pass; /* flagged */
}

/* The fallback lacks a return, or what follows an else */
void npu_hand_over_2(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (!flush)
		npu_flush(npu);
	*pass = &flush->pass; /* flagged */
}

void npu_hand_over_3(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush;

	flush = list_first_entry_or_null(&npu->flushes, struct npu_flush, link);
	if (flush) {
		list_del(&flush->link);
		npu_start_flush(npu, flush);
	} else {
		npu_flush(npu);
	}
	*pass = &flush->pass; /* flagged */
}

/* The wrong branch */
void npu_hand_over_4(struct npu *npu, struct mmu_interval_notifier_pass **pass)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (flush)
		npu_flush(npu);
	else
		*pass = &flush->pass; /* flagged */
}

void npu_defer(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
	npu_start_flush(npu, flush);
}

void npu_defer_2(struct npu *npu, const struct mmu_notifier_range *range)
{
	struct npu_flush *flush = kzalloc_obj(*flush, GFP_NOWAIT);

	if (!flush)
		npu_flush(npu);
	mmu_interval_pass_defer(&flush->pass, range); /* flagged */
	npu_start_flush(npu, flush);
}
