// SPDX-License-Identifier: GPL-2.0-only
/* Readers do not learn of the invalidation */
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

struct npu {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct mmu_interval_notifier_pass pass;
};

void npu_start_flush(struct npu *npu, const struct mmu_notifier_range *range);
struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq);

static bool npu_start(struct mmu_interval_notifier *notifier, /* flagged */
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq,
		      struct mmu_interval_notifier_pass **pass)
{
	struct npu *npu = container_of(notifier, struct npu, notifier);

	npu_start_flush(npu, range);
	*pass = &npu->pass;
	return true;
}

const struct mmu_interval_notifier_ops npu_unlocked_ops = {
	.invalidate_multipass = npu_start,
	.invalidate_pass = npu_invalidate_pass,
};

static bool npu_invalidate(struct mmu_interval_notifier *notifier, /* flagged */
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq,
			   struct mmu_interval_notifier_pass **pass)
{
	struct npu *npu = container_of(notifier, struct npu, notifier);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&npu->lock);
	npu_start_flush(npu, range);
	mutex_unlock(&npu->lock);
	*pass = &npu->pass;
	return true;
}

const struct mmu_interval_notifier_ops npu_locked_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};
