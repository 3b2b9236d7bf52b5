/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model, for spin, of the deferred passes of one invalidation in mm/mmu_notifier.c:
 * mmu_interval_pass_defer() and mn_itree_next_pass(), called by the thread that
 * invalidates, against mmu_interval_pass_ready(), called by events. Names are those
 * of the C code. One step is one access to what is shared. llist_add(),
 * llist_del_all(), complete() and its counterparts are one step each: they are the
 * kernel's own, and fully ordered. So there is nothing to be said of the order of
 * memory accesses, but who may still hold the drain when it goes away, which is on
 * the stack, and who the pass.
 *
 * Of PASSES structures each is deferred, and then up to ROUNDS - 1 times again, by
 * its own pass. The driver of the first has bugs, which must only be warned about: it
 * may arm an event before it defers the pass, and there is one call of ready() too
 * many, at any time.
 *
 * Properties:
 *  - Every pass that was deferred runs, once: it is on a list once, and nobody waits
 *    for ever, which would be an invalid end state.
 *  - Passes run in the order in which ready() has put them in the list.
 *  - No call of ready() uses the drain after the invalidation has ended.
 *  - No call of ready() touches a pass that may have been run, and freed. The first
 *    is never freed: the call too many can come at any time.
 *
 * With -DBREAK_name the model has a bug that spin has to find. Each of these lines
 * has the name, a word of spin's error ("end" is of "invalid end state", others are
 * of an assertion), and what is wrong:
 *
 * BREAK TWICE    listed   ready() loads the state and then stores that it has the pass
 * BREAK EARLY    end      ready() loads the state and then stores that it is too early
 * BREAK DEFER    end      defer() loads the state and then stores
 * BREAK STATE    drain    defer() sets the state before the drain
 * BREAK FIRST    nr_next  ready() calls complete() before llist_add()
 * BREAK ONCE     end      ready() calls complete() only if the list was empty
 * BREAK TOUCH    nr_run   ready() touches the pass after llist_add()
 * BREAK LOOK     frame    the drain looks at the list, and not at the completion
 * BREAK REVERSED ticket   the drain takes the last pass of the list first
 */

#ifndef PASSES
#define PASSES 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

/* struct mmu_interval_notifier_pass */
#define NONE		0
#define TAKEN		1
#define DEFERRED	2
#define EARLY		3
byte state[PASSES];
bool drain[PASSES];		/* Set, and not NULL */

/* struct mn_itree_drain */
byte nr_deferred;		/* In the list "deferred" */
byte ready[PASSES], nr;		/* The llist, as a stack */
byte nr_ready;			/* The completion */
byte next[PASSES], nr_next;	/* What was taken from the llist, as a stack, too */

/* What the properties are about. Not in the C code. */
bool frame = true;		/* The drain is there */
byte nr_run[PASSES];		/* How many times each was run */
bool listed[PASSES];		/* Is in one of the lists of ready ones */
byte ticket[PASSES], tickets, now_serving;

/* Call n of ready() may touch the pass until that is run */
#define live(p, n)	(p == 0 || nr_run[p] == n)

inline complete()
{
	atomic { assert(frame); nr_ready++ }
}

inline llist_add(p, n)
{
	atomic {
		assert(frame && live(p, n));
		assert(!listed[p]);
		listed[p] = true;
		was_empty = (nr == 0);
		ready[nr] = p; nr++;
		ticket[p] = tickets; tickets++
	}
}

/* Uses old and was_empty of whoever calls it */
inline mmu_interval_pass_ready(p, n)
{
	/* What the loop with try_cmpxchg() makes of the state */
	atomic {
		assert(live(p, n));
		old = state[p];
		if
#ifndef BREAK_TWICE
		:: old == DEFERRED -> state[p] = TAKEN
#endif
#ifndef BREAK_EARLY
		:: old == NONE || old == EARLY -> state[p] = EARLY
#endif
		:: else
		fi
	};
#ifdef BREAK_TWICE
	if
	:: old == DEFERRED -> state[p] = TAKEN
	:: else
	fi;
#endif
#ifdef BREAK_EARLY
	if
	:: old == NONE || old == EARLY -> state[p] = EARLY
	:: else
	fi;
#endif
	if
	:: old == DEFERRED ->
		atomic { assert(live(p, n)); assert(drain[p]) };
#ifdef BREAK_FIRST
		complete();
#endif
		llist_add(p, n);
#ifdef BREAK_TOUCH
		assert(live(p, n));
#endif
#ifdef BREAK_ONCE
		if
		:: was_empty -> complete()
		:: else
		fi
#elif !defined(BREAK_FIRST)
		complete()
#endif
	:: else
	fi;
	atomic { old = 0; was_empty = false }
}

proctype event(byte p, n)
{
	byte old;
	bool was_empty;

	mmu_interval_pass_ready(p, n)
}

/* Then the driver arms an event, unless it has done so */
inline mmu_interval_pass_defer(p)
{
	if
	:: p == 0 -> armed = true; run event(p, nr_run[p])
	:: true
	fi;
	nr_deferred++;
#ifdef BREAK_STATE
	atomic { old = state[p]; state[p] = DEFERRED };
	drain[p] = true;
#else
	drain[p] = true;
#ifdef BREAK_DEFER
	old = state[p];
	state[p] = DEFERRED;
#else
	atomic { old = state[p]; state[p] = DEFERRED };
#endif
#endif
	if
	:: old == EARLY -> mmu_interval_pass_ready(p, nr_run[p])
	:: else -> old = 0
	fi;
	if
	:: !armed -> run event(p, nr_run[p])
	:: else -> armed = false
	fi
}

/* mn_itree_invalidate_passes() */
init
{
	byte i, old;
	bool was_empty, armed;

	/* The call too many */
	run event(0, 0);

	for (i : 0 .. PASSES - 1) {
		mmu_interval_pass_defer(i)
	}

	/* mn_itree_run_passes(), mn_itree_next_pass() */
	do
	:: nr_deferred == 0 -> break
#ifdef BREAK_LOOK
	:: nr_next > 0 || nr > 0 ->
#else
	:: atomic { nr_ready > 0 -> nr_ready-- };
#endif
		/* llist_reverse_order(llist_del_all()) */
		atomic {
			if
			:: nr_next == 0 ->
				do
				:: nr > 0 ->
#ifdef BREAK_REVERSED
					next[nr_next] = ready[nr_next];
					nr_next++;
					if
					:: nr_next == nr -> nr = 0
					:: else
					fi
#else
					nr--;
					next[nr_next] = ready[nr]; nr_next++
#endif
				:: else -> break
				od
			:: else
			fi;
			assert(nr_next > 0);
			nr_next--;
			i = next[nr_next];
			assert(ticket[i] == now_serving);
			now_serving++;
			listed[i] = false;
			nr_deferred--
		};

		/* mn_itree_run_pass(): from the second step on it may be freed */
		state[i] = NONE;
		atomic { drain[i] = false; nr_run[i]++ };
		if
		:: nr_run[i] < ROUNDS -> mmu_interval_pass_defer(i)
		:: true
		fi
	od;

	/* The function returns: nothing is left to do */
	atomic { assert(nr == 0 && nr_next == 0); frame = false }
}
