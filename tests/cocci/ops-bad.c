// SPDX-License-Identifier: GPL-2.0-only
/* One of two notifiers cannot be inserted */
#include <linux/mmu_notifier.h>

bool npu_invalidate(struct mmu_interval_notifier *notifier,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq,
		    struct mmu_interval_notifier_pass **pass);
struct mmu_interval_notifier_pass *
npu_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		    const struct mmu_notifier_range *range,
		    unsigned long cur_seq);

const struct mmu_interval_notifier_ops npu_buffer_ops = {
	.invalidate_multipass = npu_invalidate,
	.invalidate_pass = npu_invalidate_pass,
};

const struct mmu_interval_notifier_ops npu_queue_ops = {
	.invalidate_multipass = npu_invalidate, /* flagged */
};
