// SPDX-License-Identifier: GPL-2.0-only
/* Ops of both kinds, in any order */
#include <linux/mmu_notifier.h>

bool npu_invalidate_all(struct mmu_interval_notifier *notifier,
			const struct mmu_notifier_range *range,
			unsigned long cur_seq);
bool npu_invalidate(struct mmu_interval_notifier *notifier,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq,
		    struct mmu_interval_notifier_pass **pass);
struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq);

static const struct mmu_interval_notifier_ops npu_one_pass_ops = {
	.invalidate = npu_invalidate_all,
};

static const struct mmu_interval_notifier_ops npu_multi_pass_ops = {
	.invalidate_pass = npu_invalidate_pass,
	.invalidate_multipass = npu_invalidate,
};

const struct mmu_interval_notifier_ops *npu_ops[] = {
	&npu_one_pass_ops, &npu_multi_pass_ops,
};
