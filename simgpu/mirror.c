// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated GPU that mirrors all of a process's memory, and checks each page it uses
 *
 * For programs that know nothing of it, see mirror-preload.c. The GPU looks up pages
 * by itself, with hmm_range_fault(), where the process has memory, uses them, and
 * lets go of them when it is told to, by one callback or in passes.
 *
 * What is checked: an entry of the GPU's page table stays until the GPU is done with an
 * invalidation, and only after that may the kernel take the page away. So with
 * mirror.lock held an entry is always the page that the process has at that address,
 * with no less access, and no free page. mirror_check() compares each entry that the
 * GPU uses with the process's page table. It needs no other lock: whoever changes what
 * is there, or frees it, has to wait until the entry is gone.
 *
 * Locks: mirror.lock is the driver lock of the notifier documentation. The end of an
 * operation takes it, too, in hardirq context.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hmm.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "mirror_ioctl.h"

/* How many entries a GPU has at most, and how many it uses or looks up at a time */
#define MIRROR_ENTRIES	256
#define MIRROR_CHECKS	16
#define MIRROR_LOOKUPS	4
/* Invalidations that a GPU can have under way; for more it is stopped at once */
#define MIRROR_STATES	4
/* How many mistakes are described in full */
#define MIRROR_REPORTS	10

/* To show that mistakes are found: one that is made on purpose */
enum mirror_fault {
	FAULT_NONE,
	FAULT_NO_SEQUENCE,	/* mmu_interval_set_seq() is not called */
	FAULT_NO_RETRY,		/* mmu_interval_read_retry() is not called */
	FAULT_ENTRY_LEFT,	/* an entry is not removed */
	FAULT_LAST_PAGE,	/* the last page of a range is left out */
	FAULT_PROTECTION,	/* a loss of write access is ignored */
	FAULT_NO_REFUSAL,	/* what should be refused is not done, and not refused */
	FAULT_EARLY,		/* the GPU is said to be done before it is */
	FAULT_LOST_CHAIN,	/* the last operation is not started */
};

static unsigned int fault;
module_param(fault, uint, 0644);
MODULE_PARM_DESC(fault, "Number of a mistake to make, 0: none");

/*
 * A program that looks at what it has in memory, as tests of the kernel do, sees the
 * pages that GPUs fault in.
 */
static bool fault_in = true;
module_param(fault_in, bool, 0644);
MODULE_PARM_DESC(fault_in, "Fault pages in, and not only use those that are there");

static const char *const mirror_modes[SIMGPU_MIRROR_MODES] = {
	[SIMGPU_MIRROR_SINGLE] = "single",
	[SIMGPU_MIRROR_PASSES] = "passes",
	[SIMGPU_MIRROR_DEFERRED] = "deferred",
	[SIMGPU_MIRROR_REFUSE] = "refuse",
};

#define MIRROR_EVENTS (MMU_NOTIFY_EXCLUSIVE + 1)
static const char *const mirror_events[MIRROR_EVENTS] = {
	[MMU_NOTIFY_UNMAP] = "unmap",
	[MMU_NOTIFY_CLEAR] = "clear",
	[MMU_NOTIFY_PROTECTION_VMA] = "protection-vma",
	[MMU_NOTIFY_PROTECTION_PAGE] = "protection-page",
	[MMU_NOTIFY_SOFT_DIRTY] = "soft-dirty",
	[MMU_NOTIFY_RELEASE] = "release",
	[MMU_NOTIFY_MIGRATE] = "migrate",
	[MMU_NOTIFY_EXCLUSIVE] = "exclusive",
};

enum mirror_counter {
	COUNT_GPUS,
	COUNT_PASSES,	/* callbacks after the first */
	COUNT_WORKED,	/* invalidations in which the GPU had to work */
	COUNT_STOPPED,	/* times that it was stopped at once */
	COUNT_REFUSED,
	COUNT_ENTRIES,	/* entries that were made */
	COUNT_RETRIES,	/* lookups that collided with an invalidation */
	COUNT_CHECKS,	/* entries that were used and checked */
	COUNT_STALE,
	MIRROR_COUNTERS
};

static const char *const mirror_counters[MIRROR_COUNTERS] = {
	[COUNT_GPUS] = "gpus",
	[COUNT_PASSES] = "passes",
	[COUNT_WORKED] = "worked",
	[COUNT_STOPPED] = "stopped",
	[COUNT_REFUSED] = "refused",
	[COUNT_ENTRIES] = "entries",
	[COUNT_RETRIES] = "retries",
	[COUNT_CHECKS] = "checks",
	[COUNT_STALE] = "stale",
};

struct mirror_counts {
	u64 events[MIRROR_EVENTS];
	u64 counters[MIRROR_COUNTERS];
};

/* Of all GPUs that were closed */
static DEFINE_MUTEX(mirror_totals_lock);
static struct mirror_counts mirror_totals[SIMGPU_MIRROR_MODES];

/* One invalidation for which the GPU has to work: a chain of operations */
struct mirror_invocation {
	struct mmu_interval_notifier_pass pass;
	struct mirror *mirror;
	struct list_head link;		/* in mirror.free or mirror.in_flight */
	unsigned long first, last;	/* pages */
	unsigned long cur_seq;
	unsigned int ops_left;
	/* The operation under way ends by one of these, and so the GPU is done */
	struct hrtimer timer;
	struct work_struct work;
	struct completion done;		/* if the pass is not deferred */
};

struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex start_lock;	/* one start, however many threads try */
	bool started;
	enum simgpu_mirror_mode mode;
	char comm[TASK_COMM_LEN];	/* whose memory it is */
	pid_t pid;

	struct delayed_work work;	/* looks pages up and uses them */

	spinlock_t lock;		/* protects all that follows */
	/* The device page table: pfn and whether it is writable, by page */
	struct xarray entries;
	unsigned int nr_entries;
	unsigned long next_check;
	struct list_head free;
	struct list_head in_flight;
	struct mirror_counts counts;
	/* The last invalidation */
	struct {
		unsigned long start, end;
		enum mmu_notifier_event event;
		bool blockable;
		char comm[TASK_COMM_LEN];
		pid_t pid;
	} last;
	struct mirror_invocation states[MIRROR_STATES];
};

/* What lets invalidations go on must not wait for what causes them */
static struct workqueue_struct *mirror_ops_wq;
static struct workqueue_struct *mirror_lookups_wq;
static atomic_t mirror_reports = ATOMIC_INIT(0);
static atomic_t mirror_nr_open = ATOMIC_INIT(0);

static bool mirror_is_faulty(enum mirror_fault which)
{
	return READ_ONCE(fault) == which;
}

/* In a callback, for the end of an operation; the other modes defer their pass */
static bool mirror_waits(const struct mirror *mirror)
{
	return mirror->mode == SIMGPU_MIRROR_SINGLE ||
	       mirror->mode == SIMGPU_MIRROR_PASSES;
}

#define MIRROR_WRITABLE	1UL

static void *mirror_entry(unsigned long pfn, bool writable)
{
	return xa_mk_value(pfn << 1 | (writable ? MIRROR_WRITABLE : 0));
}

/* @entry: the GPU's, @has: the process's. NULL if there is none, or none matters. */
static void mirror_stale(struct mirror *mirror, unsigned long index, void *entry,
			 void *has, const char *what, const char *where)
{
	unsigned long value = entry ? xa_to_value(entry) : 0;
	unsigned long has_value = has ? xa_to_value(has) : 0;

	mirror->counts.counters[COUNT_STALE]++;
	if (atomic_inc_return(&mirror_reports) > MIRROR_REPORTS)
		return;
	pr_err("stale: %s, %s: address %#lx of %s:%d (mm %p), %s, pfn %#lx%s, process has pfn %#lx%s, last [%#lx, %#lx) %s%s by %s:%d\n",
	       what, where, index << PAGE_SHIFT, mirror->comm, mirror->pid,
	       mirror->notifier.mm, mirror_modes[mirror->mode], value >> 1,
	       value & MIRROR_WRITABLE ? " writable" : "", has_value >> 1,
	       has_value & MIRROR_WRITABLE ? " writable" : "", mirror->last.start,
	       mirror->last.end, mirror_events[mirror->last.event],
	       mirror->last.blockable ? "" : " not blockable", mirror->last.comm,
	       mirror->last.pid);
}

/* What the process has at an address. No lock: see the top of this file. */
static void *mirror_walk(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgdp = pgd_offset(mm, addr);
	p4d_t *p4dp;
	pud_t *pudp;
	pmd_t *pmdp, pmd;
	pte_t pte;

	if (pgd_none(*pgdp) || pgd_bad(*pgdp))
		return NULL;
	p4dp = p4d_offset(pgdp, addr);
	if (p4d_none(*p4dp) || p4d_bad(*p4dp))
		return NULL;
	pudp = pud_offset(p4dp, addr);
	if (pud_none(*pudp) || pud_bad(*pudp))
		return NULL;
	pmdp = pmd_offset(pudp, addr);
	pmd = pmdp_get_lockless(pmdp);
	if (pmd_none(pmd) || !pmd_present(pmd))
		return NULL;
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	if (pmd_leaf(pmd))
		return mirror_entry(pmd_pfn(pmd) + pte_index(addr), pmd_write(pmd));
#endif
	if (pmd_bad(pmd))
		return NULL;
	pte = ptep_get_lockless(pte_offset_kernel(&pmd, addr));
	if (!pte_present(pte))
		return NULL;
	return mirror_entry(pte_pfn(pte), pte_write(pte));
}

/* Use a page as a GPU would. Nothing holds it but the entry. */
static void mirror_touch(struct page *page, bool writable)
{
	u64 *kaddr = kmap_local_page(page);
	u64 value = READ_ONCE(*kaddr);

	/* A write that changes nothing, whatever the process writes meanwhile */
	if (writable)
		cmpxchg(kaddr, value, value);
	kunmap_local(kaddr);
}

/* The GPU uses an entry */
static void mirror_check(struct mirror *mirror, unsigned long index, void *entry,
			 const char *where)
{
	unsigned long value = xa_to_value(entry);
	struct page *page = pfn_to_page(value >> 1);
	const char *what = NULL;
	void *has;

	mirror->counts.counters[COUNT_CHECKS]++;
	has = mirror_walk(mirror->notifier.mm, index << PAGE_SHIFT);
	if (!page_count(page))
		what = "a free page";
	else if (!has)
		what = "no page there";
	else if (xa_to_value(has) >> 1 != value >> 1)
		what = "another page there";
	else if (value & ~xa_to_value(has) & MIRROR_WRITABLE)
		what = "not writable";

	if (what)
		mirror_stale(mirror, index, entry, has, what, where);
	else
		mirror_touch(page, value & MIRROR_WRITABLE);
}

/* It uses some in a range, from *@next on, which is where to go on next time */
static void mirror_check_range(struct mirror *mirror, unsigned long *next,
			       unsigned long last, const char *where)
{
	unsigned int nr = 0;
	unsigned long index;
	void *entry;

	lockdep_assert_held(&mirror->lock);
	xa_for_each_range(&mirror->entries, index, entry, *next, last) {
		if (nr++ == MIRROR_CHECKS)
			break;
		mirror_check(mirror, index, entry, where);
	}
	*next = entry ? index : 0;
}

/* It has let go of a range */
static void mirror_clear(struct mirror *mirror, unsigned long first,
			 unsigned long last, enum mmu_notifier_event event)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held(&mirror->lock);
	if (mirror_is_faulty(FAULT_LAST_PAGE))
		last--;
	if (mirror_is_faulty(FAULT_PROTECTION) && event == MMU_NOTIFY_PROTECTION_PAGE)
		return;
	xa_for_each_range(&mirror->entries, index, entry, first, last) {
		if (mirror_is_faulty(FAULT_ENTRY_LEFT) && get_random_u32_below(8) == 0)
			continue;
		xa_erase(&mirror->entries, index);
		mirror->nr_entries--;
	}
}

/*
 * The GPU says that an operation is done. Until then it was using what is in the
 * range. In the end @inv is somebody else's.
 */
static void mirror_op_done(struct mirror_invocation *inv)
{
	struct mirror *mirror = inv->mirror;
	unsigned long first = inv->first, flags;

	spin_lock_irqsave(&mirror->lock, flags);
	mirror_check_range(mirror, &first, inv->last, "operation");
	spin_unlock_irqrestore(&mirror->lock, flags);

	if (mirror_waits(mirror))
		complete(&inv->done);
	else
		mmu_interval_pass_ready(&inv->pass);
}

static enum hrtimer_restart mirror_timer(struct hrtimer *timer)
{
	mirror_op_done(container_of(timer, struct mirror_invocation, timer));
	return HRTIMER_NORESTART;
}

/* The planted fault: done, it says, and uses a page nevertheless */
static void mirror_op_early(struct mirror_invocation *inv)
{
	struct mirror *mirror = inv->mirror;
	unsigned long index = inv->first;
	void *entry = xa_find(&mirror->entries, &index, inv->last, XA_PRESENT);

	mirror_op_done(inv);
	msleep(20);
	if (entry)
		mirror_check(mirror, index, entry, "operation");
}

static void mirror_work(struct work_struct *work)
{
	struct mirror_invocation *inv =
		container_of(work, struct mirror_invocation, work);

	if (mirror_is_faulty(FAULT_EARLY))
		mirror_op_early(inv);
	else
		mirror_op_done(inv);
}

/* @range: for a pass that is deferred, what the callback was called with */
static void mirror_op_start(struct mirror_invocation *inv,
			    const struct mmu_notifier_range *range)
{
	struct mirror *mirror = inv->mirror;
	u32 how = get_random_u32_below(8);

	inv->ops_left--;
	if (mirror_waits(mirror))
		reinit_completion(&inv->done);
	else
		mmu_interval_pass_defer(&inv->pass, range);

	if (mirror_is_faulty(FAULT_EARLY))
		how = 2;
	if (how == 0)
		mirror_op_done(inv);
	else if (how < 4)
		queue_work(mirror_ops_wq, &inv->work);
	else
		hrtimer_start(&inv->timer,
			      ns_to_ktime(get_random_u32_below(60 * NSEC_PER_USEC)),
			      HRTIMER_MODE_REL);
}

/* The GPU is done with the chain */
static void mirror_end(struct mirror_invocation *inv,
		       const struct mmu_notifier_range *range)
{
	struct mirror *mirror = inv->mirror;
	unsigned long first = inv->first, flags;

	spin_lock_irqsave(&mirror->lock, flags);
	mirror_check_range(mirror, &first, inv->last, "end");
	mirror_clear(mirror, inv->first, inv->last, range->event);
	list_move(&inv->link, &mirror->free);
	spin_unlock_irqrestore(&mirror->lock, flags);

	/* It wants the pages back, and waits until the invalidation is over */
	mod_delayed_work(mirror_lookups_wq, &mirror->work, 0);
}

/*
 * What each kind of first callback does. *@invp is the chain that is to be run, or NULL
 * if there is none.
 *
 * Return: false if it has to be refused.
 */
static bool mirror_begin(struct mirror *mirror, const struct mmu_notifier_range *range,
			 unsigned long cur_seq, struct mirror_invocation **invp)
{
	unsigned long first = range->start >> PAGE_SHIFT;
	unsigned long last = (range->end - 1) >> PAGE_SHIFT;
	unsigned long next = first, index = first, flags;
	struct mirror_invocation *inv = NULL;
	bool ret = true;

	spin_lock_irqsave(&mirror->lock, flags);
	if (!mirror_is_faulty(FAULT_NO_SEQUENCE))
		mmu_interval_set_seq(&mirror->notifier, cur_seq);
	mirror->counts.events[range->event]++;
	mirror->last.start = range->start;
	mirror->last.end = range->end;
	mirror->last.event = range->event;
	mirror->last.blockable = mmu_notifier_range_blockable(range);
	memcpy(mirror->last.comm, current->comm, TASK_COMM_LEN);
	mirror->last.pid = task_pid_nr(current);

	/*
	 * Entries stay until the GPU is done with them, so if there are none, no other
	 * thread's chain in this range matters either.
	 */
	if (!xa_find(&mirror->entries, &index, last, XA_PRESENT))
		goto out;
	mirror_check_range(mirror, &next, last, "begin");

	if (!mmu_notifier_range_blockable(range) &&
	    mirror->mode == SIMGPU_MIRROR_REFUSE) {
		ret = mirror_is_faulty(FAULT_NO_REFUSAL);
		mirror->counts.counters[COUNT_REFUSED]++;
		goto out;
	}
	if (mmu_notifier_range_blockable(range))
		inv = list_first_entry_or_null(&mirror->free, struct mirror_invocation,
					       link);
	if (!inv) {
		mirror->counts.counters[COUNT_STOPPED]++;
		mirror_clear(mirror, first, last, range->event);
		goto out;
	}
	mirror->counts.counters[COUNT_WORKED]++;
	inv->first = first;
	inv->last = last;
	inv->cur_seq = cur_seq;
	inv->ops_left = 1 + get_random_u32_below(3);
	list_move(&inv->link, &mirror->in_flight);
out:
	spin_unlock_irqrestore(&mirror->lock, flags);
	*invp = inv;
	return ret;
}

static bool mirror_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct mirror *mirror = container_of(notifier, struct mirror, notifier);
	struct mirror_invocation *inv;

	if (!mirror_begin(mirror, range, cur_seq, &inv))
		return false;
	if (!inv)
		return true;
	while (inv->ops_left) {
		mirror_op_start(inv, NULL);
		wait_for_completion(&inv->done);
		hrtimer_cancel(&inv->timer);
	}
	mirror_end(inv, range);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_single_ops = {
	.invalidate = mirror_invalidate,
};

static bool mirror_invalidate_multipass(struct mmu_interval_notifier *notifier,
					const struct mmu_notifier_range *range,
					unsigned long cur_seq,
					struct mmu_interval_notifier_pass **pass)
{
	struct mirror *mirror = container_of(notifier, struct mirror, notifier);
	struct mirror_invocation *inv;

	if (!mirror_begin(mirror, range, cur_seq, &inv))
		return false;
	if (!inv)
		return true;
	mirror_op_start(inv, range);
	if (mirror->mode == SIMGPU_MIRROR_PASSES)
		*pass = &inv->pass;
	return true;
}

static struct mmu_interval_notifier_pass *
mirror_invalidate_pass(struct mmu_interval_notifier_pass *pass,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror_invocation *inv =
		container_of(pass, struct mirror_invocation, pass);
	struct mirror *mirror = inv->mirror;
	unsigned long flags;

	spin_lock_irqsave(&mirror->lock, flags);
	mirror->counts.counters[COUNT_PASSES]++;
	if (cur_seq != inv->cur_seq || range->start >> PAGE_SHIFT != inv->first ||
	    (range->end - 1) >> PAGE_SHIFT != inv->last)
		mirror_stale(mirror, inv->first, NULL, NULL, "another range", "pass");
	spin_unlock_irqrestore(&mirror->lock, flags);

	if (mirror->mode == SIMGPU_MIRROR_PASSES)
		wait_for_completion(&inv->done);
	/* Its callback may still be returning */
	hrtimer_cancel(&inv->timer);

	if (mirror_is_faulty(FAULT_LOST_CHAIN) && inv->ops_left == 1)
		return NULL;
	if (inv->ops_left) {
		mirror_op_start(inv, range);
		return mirror->mode == SIMGPU_MIRROR_PASSES ? pass : NULL;
	}
	mirror_end(inv, range);
	return NULL;
}

static const struct mmu_interval_notifier_ops mirror_passes_ops = {
	.invalidate_multipass = mirror_invalidate_multipass,
	.invalidate_pass = mirror_invalidate_pass,
};

/*
 * Where the process has memory: where it has just changed something, or else in any of
 * its areas.
 */
static struct vm_area_struct *mirror_pick(struct mirror *mirror, unsigned long *addr)
{
	struct mm_struct *mm = mirror->notifier.mm;
	unsigned long start = READ_ONCE(mirror->last.start);
	unsigned long end = READ_ONCE(mirror->last.end);
	struct vm_area_struct *vma;
	unsigned int nr;

	if (get_random_u32_below(2) && end > start && end < TASK_SIZE) {
		vma = find_vma(mm, start);
		if (vma && vma->vm_start < end) {
			start = max(start, vma->vm_start);
			end = min(end, vma->vm_end);
			goto found;
		}
	}
	vma = NULL;
	nr = 1 + get_random_u32_below(clamp(mm->map_count, 1, 64));
	for (start = 0; nr; nr--) {
		vma = find_vma(mm, start);
		if (!vma)
			return NULL;
		start = vma->vm_end;
	}
	start = vma->vm_start;
	end = vma->vm_end;
found:
	if (end <= start)
		return NULL;
	*addr = start + (get_random_u32_below(min((end - start) >> PAGE_SHIFT,
						  (unsigned long)U32_MAX)) << PAGE_SHIFT);
	return vma;
}

/* Install what was looked up, unless it was taken away again since */
static void mirror_install(struct mirror *mirror, const struct hmm_range *range)
{
	unsigned long index = range->start >> PAGE_SHIFT, flags;
	unsigned long i, nr = (range->end - range->start) >> PAGE_SHIFT;
	struct mirror_invocation *inv;

	spin_lock_irqsave(&mirror->lock, flags);
	if (mmu_interval_read_retry(&mirror->notifier, range->notifier_seq) &&
	    !mirror_is_faulty(FAULT_NO_RETRY)) {
		mirror->counts.counters[COUNT_RETRIES]++;
		goto out;
	}
	/* That is what the sequence number is for */
	list_for_each_entry(inv, &mirror->in_flight, link)
		if (inv->first < index + nr && index <= inv->last)
			mirror_stale(mirror, index, NULL, NULL,
				     "made while it is invalidated", "lookup");

	for (i = 0; i < nr && mirror->nr_entries < MIRROR_ENTRIES; i++) {
		unsigned long pfn = range->hmm_pfns[i];
		void *old, *entry;

		if (!(pfn & HMM_PFN_VALID) || pfn & HMM_PFN_ERROR)
			continue;
		entry = mirror_entry(pfn & ~HMM_PFN_FLAGS, pfn & HMM_PFN_WRITE);
		/* Without memory there is just no entry */
		old = xa_store(&mirror->entries, index + i, entry,
			       GFP_NOWAIT | __GFP_NOWARN);
		if (xa_is_err(old))
			break;
		mirror->counts.counters[COUNT_ENTRIES]++;
		mirror->nr_entries += !old;
		mirror_check(mirror, index + i, entry, "lookup");
	}
out:
	spin_unlock_irqrestore(&mirror->lock, flags);
}

/* Look up some pages. False if the process is gone. */
static bool mirror_lookup(struct mirror *mirror)
{
	struct mm_struct *mm = mirror->notifier.mm;
	unsigned long pfns[MIRROR_LOOKUPS] = {};
	struct hmm_range range = {
		.notifier = &mirror->notifier,
		.hmm_pfns = pfns,
	};
	struct vm_area_struct *vma;
	unsigned long flags;
	int ret = -EFAULT;

	if (!mmget_not_zero(mm))
		return false;
	range.notifier_seq = mmu_interval_read_begin(&mirror->notifier);
	mmap_read_lock(mm);
	vma = mirror_pick(mirror, &range.start);
	if (vma) {
		range.end = min(range.start + MIRROR_LOOKUPS * PAGE_SIZE, vma->vm_end);
		/*
		 * Fault pages in, or take what is there. A page that userfaultfd
		 * provides can't be waited for with the lock.
		 */
		if (READ_ONCE(fault_in) && !userfaultfd_armed(vma) &&
		    get_random_u32_below(2)) {
			range.default_flags = HMM_PFN_REQ_FAULT;
			/*
			 * Not where a program that runs on another CPU goes on using
			 * the page that is copied: User Mode Linux does not tell it.
			 */
			if (!IS_ENABLED(CONFIG_UML) && vma->vm_flags & VM_WRITE &&
			    get_random_u32_below(2))
				range.default_flags |= HMM_PFN_REQ_WRITE;
		}
		ret = hmm_range_fault(&range);
	}
	mmap_read_unlock(mm);
	/* To map pages for a device takes a while, in which they can be gone */
	if (!get_random_u32_below(8))
		usleep_range(50, 500);
	if (!ret) {
		mirror_install(mirror, &range);
	} else if (ret == -EBUSY) {
		/* The collision was seen already */
		spin_lock_irqsave(&mirror->lock, flags);
		mirror->counts.counters[COUNT_RETRIES]++;
		spin_unlock_irqrestore(&mirror->lock, flags);
	}
	mmput(mm);
	return true;
}

static void mirror_lookups(struct work_struct *work)
{
	struct mirror *mirror = container_of(to_delayed_work(work), struct mirror, work);
	unsigned long flags, next;
	unsigned int i;
	bool alive = true;

	spin_lock_irqsave(&mirror->lock, flags);
	mirror_check_range(mirror, &mirror->next_check, ULONG_MAX, "access");
	/* Sometimes it needs room for others, and forgets the one that is next */
	next = mirror->next_check;
	if (mirror->nr_entries > MIRROR_ENTRIES / 2 && xa_erase(&mirror->entries, next))
		mirror->nr_entries--;
	spin_unlock_irqrestore(&mirror->lock, flags);

	for (i = 0; i < 2 && alive; i++)
		alive = mirror_lookup(mirror);
	if (alive)
		queue_delayed_work(mirror_lookups_wq, &mirror->work,
				   1 + get_random_u32_below(4));
}

static int mirror_start(struct mirror *mirror, unsigned long mode)
{
	int ret;

	if (mode >= SIMGPU_MIRROR_MODES)
		return -EINVAL;
	if (mutex_lock_killable(&mirror->start_lock))
		return -EINTR;
	ret = -EBUSY;
	if (mirror->started)
		goto out;

	/* The first callback can come before the insertion has returned */
	mirror->mode = mode;
	mirror->pid = task_tgid_nr(current);
	get_task_comm(mirror->comm, current);
	ret = mmu_interval_notifier_insert(&mirror->notifier, current->mm, 0, ULONG_MAX,
					   mode == SIMGPU_MIRROR_SINGLE ?
					   &mirror_single_ops : &mirror_passes_ops);
	if (ret)
		goto out;
	mirror->started = true;
	atomic_inc(&mirror_nr_open);
	/* Also for processes that do not live long */
	for (int i = 0; i < 4; i++)
		mirror_lookup(mirror);
	queue_delayed_work(mirror_lookups_wq, &mirror->work, 1);
out:
	mutex_unlock(&mirror->start_lock);
	return ret;
}

/* The process may go on, or be gone, and then the GPU must have let go of all */
static void mirror_stop(struct mirror *mirror)
{
	struct mirror_counts *totals = &mirror_totals[mirror->mode];
	unsigned long index;
	unsigned int i;
	void *entry;

	disable_delayed_work_sync(&mirror->work);

	spin_lock_irq(&mirror->lock);
	xa_for_each(&mirror->entries, index, entry) {
		mirror_check(mirror, index, entry, "close");
		xa_erase(&mirror->entries, index);
	}
	spin_unlock_irq(&mirror->lock);

	/* Returns when no callback runs and all passes are done */
	mmu_interval_notifier_remove(&mirror->notifier);
	if (!list_empty(&mirror->in_flight))
		mirror_stale(mirror, 0, NULL, NULL, "an invalidation did not end", "close");
	for (i = 0; i < MIRROR_STATES; i++) {
		hrtimer_cancel(&mirror->states[i].timer);
		cancel_work_sync(&mirror->states[i].work);
	}

	mirror->counts.counters[COUNT_GPUS]++;
	mutex_lock(&mirror_totals_lock);
	for (i = 0; i < MIRROR_EVENTS; i++)
		totals->events[i] += mirror->counts.events[i];
	for (i = 0; i < MIRROR_COUNTERS; i++)
		totals->counters[i] += mirror->counts.counters[i];
	mutex_unlock(&mirror_totals_lock);
	atomic_dec(&mirror_nr_open);
}

static long mirror_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != SIMGPU_MIRROR_START)
		return -ENOTTY;
	return mirror_start(file->private_data, arg);
}

static ssize_t mirror_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	char *text = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int mode, i;
	size_t len = 0;
	ssize_t ret;

	if (!text)
		return -ENOMEM;
	mutex_lock(&mirror_totals_lock);
	len += scnprintf(text + len, PAGE_SIZE - len, "open %d\n",
			 atomic_read(&mirror_nr_open));
	for (mode = 0; mode < SIMGPU_MIRROR_MODES; mode++) {
		len += scnprintf(text + len, PAGE_SIZE - len, "mode %s",
				 mirror_modes[mode]);
		for (i = 0; i < MIRROR_EVENTS; i++)
			len += scnprintf(text + len, PAGE_SIZE - len, " %s %llu",
					 mirror_events[i],
					 mirror_totals[mode].events[i]);
		for (i = 0; i < MIRROR_COUNTERS; i++)
			len += scnprintf(text + len, PAGE_SIZE - len, " %s %llu",
					 mirror_counters[i],
					 mirror_totals[mode].counters[i]);
		len += scnprintf(text + len, PAGE_SIZE - len, "\n");
	}
	mutex_unlock(&mirror_totals_lock);
	ret = simple_read_from_buffer(buf, count, ppos, text, len);
	kfree(text);
	return ret;
}

static int mirror_open(struct inode *inode, struct file *file)
{
	struct mirror *mirror = kzalloc_obj(*mirror);
	unsigned int i;

	if (!mirror)
		return -ENOMEM;
	mutex_init(&mirror->start_lock);
	spin_lock_init(&mirror->lock);
	xa_init(&mirror->entries);
	INIT_LIST_HEAD(&mirror->free);
	INIT_LIST_HEAD(&mirror->in_flight);
	INIT_DELAYED_WORK(&mirror->work, mirror_lookups);
	for (i = 0; i < MIRROR_STATES; i++) {
		struct mirror_invocation *inv = &mirror->states[i];

		inv->mirror = mirror;
		init_completion(&inv->done);
		hrtimer_setup(&inv->timer, mirror_timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
		INIT_WORK(&inv->work, mirror_work);
		list_add(&inv->link, &mirror->free);
	}
	file->private_data = mirror;
	return 0;
}

static int mirror_release(struct inode *inode, struct file *file)
{
	struct mirror *mirror = file->private_data;

	if (mirror->started)
		mirror_stop(mirror);
	xa_destroy(&mirror->entries);
	mutex_destroy(&mirror->start_lock);
	kfree(mirror);
	return 0;
}

static const struct file_operations mirror_fops = {
	.owner = THIS_MODULE,
	.open = mirror_open,
	.release = mirror_release,
	.read = mirror_read,
	.unlocked_ioctl = mirror_ioctl,
};

static struct miscdevice mirror_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "simgpu-mirror",
	.mode = 0666,
	.fops = &mirror_fops,
};

static int __init mirror_init(void)
{
	int ret = -ENOMEM;

	/* Invalidations happen in reclaim */
	mirror_ops_wq = alloc_workqueue("simgpu_mirror_ops",
					WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!mirror_ops_wq)
		return ret;
	mirror_lookups_wq = alloc_workqueue("simgpu_mirror_lookups", WQ_UNBOUND, 0);
	if (!mirror_lookups_wq)
		goto no_lookups;
	ret = misc_register(&mirror_misc);
	if (ret)
		goto no_device;
	return 0;

no_device:
	destroy_workqueue(mirror_lookups_wq);
no_lookups:
	destroy_workqueue(mirror_ops_wq);
	return ret;
}
module_init(mirror_init);

static void __exit mirror_exit(void)
{
	misc_deregister(&mirror_misc);
	destroy_workqueue(mirror_lookups_wq);
	destroy_workqueue(mirror_ops_wq);
}
module_exit(mirror_exit);

MODULE_DESCRIPTION("Simulated GPU that mirrors a process and checks its pages");
MODULE_LICENSE("GPL");
