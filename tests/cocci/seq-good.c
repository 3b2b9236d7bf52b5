// SPDX-License-Identifier: GPL-2.0-only
/* Each first pass sets the sequence number, or has no readers to tell */
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

struct npu {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct mmu_interval_notifier_pass pass;
};

void npu_flush(struct npu *npu);
void npu_start_flush(struct npu *npu, const struct mmu_notifier_range *range);

static void npu_begin(struct npu *npu, const struct mmu_notifier_range *range,
		      unsigned long cur_seq)
{
	mutex_lock(&npu->lock);
	mmu_interval_set_seq(&npu->notifier, cur_seq);
	npu_start_flush(npu, range);
	mutex_unlock(&npu->lock);
}

/* Only drops pages, and nobody calls mmu_interval_read_begin() */
static bool npu_unpin(struct mmu_interval_notifier *notifier,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq)
{
	npu_flush(container_of(notifier, struct npu, notifier));
	return true;
}

const struct mmu_interval_notifier_ops npu_one_pass_ops = {
	.invalidate = npu_unpin,
};

static bool npu_invalidate(struct mmu_interval_notifier *notifier,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq,
			   struct mmu_interval_notifier_pass **pass)
{
	struct npu *npu = container_of(notifier, struct npu, notifier);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&npu->lock);
	mmu_interval_set_seq(notifier, cur_seq);
	npu_start_flush(npu, range);
	mutex_unlock(&npu->lock);
	*pass = &npu->pass;
	return true;
}

/* Only the first pass has to do it */
static struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq)
{
	npu_flush(container_of(pass, struct npu, pass));
	return NULL;
}

/* By a function that it calls */
static bool npu_start(struct mmu_interval_notifier *notifier,
		      const struct mmu_notifier_range *range,
		      unsigned long cur_seq,
		      struct mmu_interval_notifier_pass **pass)
{
	struct npu *npu = container_of(notifier, struct npu, notifier);

	npu_begin(npu, range, cur_seq);
	*pass = &npu->pass;
	return true;
}

const struct mmu_interval_notifier_ops npu_helped_ops = {
	.invalidate_multipass = npu_start,
	.invalidate_pass = npu_invalidate_pass,
};

const struct mmu_interval_notifier_ops npu_multi_pass_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};
