/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model, for spin, of the passes of one invalidation in mm/mmu_notifier.c: the thread
 * that invalidates, in mn_itree_take_pass(), mn_itree_next_pass(), mn_itree_run_pass()
 * and mn_itree_stuck(), against mmu_interval_pass_ready(), called by events. Names are
 * those of the C code. One step is one access to what is shared. llist_add(),
 * llist_del_all(), complete() and its counterparts are one step each: they are the
 * kernel's own, and fully ordered, like xchg(). So there is nothing to be said of the
 * order of memory accesses, but who may still hold the drain when it goes away, which
 * is on the stack, and who the pass.
 *
 * Of PASSES structures each is deferred, and then up to ROUNDS - 1 times again, by
 * its own pass. The driver of the first has bugs, which must only be warned about: it
 * may arm an event before it defers the pass, hand it over instead, or too, and there
 * is one call of ready() too many, at any time.
 *
 * Properties:
 *  - A pass is refused if the core has it, and else runs, once: it is on a list once,
 *    and nobody waits for ever, which would be an invalid end state.
 *  - Passes run in the order in which ready() has put them in the list.
 *  - No call of ready() uses the drain after the invalidation has ended.
 *  - No call of ready() touches a pass that may have been run, and freed. The first
 *    is never freed: the call too many can come at any time.
 *  - Drivers without bugs are not warned about.
 *
 * With -DBREAK_name the model has a bug that spin has to find. Each of these lines
 * has the name, a word of spin's error ("end" is of "invalid end state", others are
 * of an assertion), and what is wrong:
 *
 * BREAK PLAIN    end      ready() loads the state and then stores
 * BREAK TWICE    listed   ready() loads the state and stores if that is DEFERRED
 * BREAK TAKE     end      take_pass() loads the state and then stores
 * BREAK STATE    drain    take_pass() sets the state before the drain
 * BREAK AGAIN    taken    take_pass() does not refuse a pass that is ready
 * BREAK CLEAR    taken    run_pass() leaves the drain in the pass
 * BREAK STUCK    end      after ten seconds nothing is made ready
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
#define HANDED_OVER	1
#define DEFERRED	2
#define READY		3
byte state[PASSES];
bool drain[PASSES];		/* Set, and not NULL */
bool early;			/* Of the first: no other can be early */

/* struct mn_itree_drain */
byte nr_deferred;		/* In the list "deferred" */
bool handed_over;		/* The first is in the list "passes" */
byte ready[PASSES], nr;		/* The llist, as a stack */
byte nr_ready;			/* The completion */
byte next[PASSES], nr_next;	/* What was taken from the llist, as a stack, too */

/* What the properties are about. Not in the C code. */
bool frame = true;		/* The drain is there */
bool taken[PASSES];		/* The core has it */
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
	atomic {
		assert(live(p, n));
		old = state[p];
		if
#ifdef BREAK_PLAIN
		:: true
#elif defined(BREAK_TWICE)
		:: old == DEFERRED
#endif
		:: else -> state[p] = READY
		fi
	};
#ifdef BREAK_PLAIN
	state[p] = READY;
#endif
	if
	:: old == DEFERRED ->
#ifdef BREAK_TWICE
		state[p] = READY;
#endif
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
	:: else -> assert(p == 0)
	fi;
	atomic { old = 0; was_empty = false }
}

proctype event(byte p, n)
{
	byte old;
	bool was_empty;

	mmu_interval_pass_ready(p, n)
}

/*
 * No other invocation has the structure. So what is loaded here can only change from
 * one of the three to READY, or from NONE.
 */
inline mn_itree_take_pass(p, new)
{
	if
#ifdef BREAK_AGAIN
	:: drain[p] && state[p] != NONE && state[p] != READY -> assert(taken[p])
#else
	:: drain[p] && state[p] != NONE -> assert(taken[p])
#endif
	:: else ->
		atomic {
			assert(!taken[p]);
			taken[p] = true;
			if
			:: new == DEFERRED -> nr_deferred++
			:: else -> handed_over = true
			fi
		};
#ifndef BREAK_STATE
		drain[p] = true;
#endif
#ifdef BREAK_TAKE
		old = state[p];
		state[p] = new;
#else
		atomic { old = state[p]; state[p] = new };
#endif
#ifdef BREAK_STATE
		drain[p] = true;
#endif
		atomic {
			assert(p == 0 || old == NONE);
			early = (p == 0 -> old == READY : early);
			old = 0
		}
	fi
}

/* What a callback of the driver does with the pass */
inline callback(p)
{
	if
	:: true ->
		mn_itree_take_pass(p, DEFERRED);
		run event(p, nr_run[p])
	:: p == 0 ->
		run event(p, nr_run[p]);
		mn_itree_take_pass(p, DEFERRED)
	:: p == 0 ->
		mn_itree_take_pass(p, HANDED_OVER)
	:: p == 0 ->
		mn_itree_take_pass(p, DEFERRED);
		run event(p, nr_run[p]);
		mn_itree_take_pass(p, HANDED_OVER)
	fi
}

/* i = llist_reverse_order(llist_del_all()), if that is not what next has already */
inline pop()
{
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
}

#ifdef BREAK_LOOK
#define any_ready	(nr_next > 0 || nr > 0)
#else
#define any_ready	(nr_ready > 0)
#endif

/* mn_itree_invalidate_passes() */
init
{
	byte i, old;
	bool was_empty;

	/* The call too many */
	run event(0, 0);

	for (i : 0 .. PASSES - 1) {
		callback(i)
	}

	/* mn_itree_run_passes(), mn_itree_next_pass() */
	do
	:: !any_ready && !handed_over && nr_deferred == 0 -> break

	/*
	 * It has slept for ten seconds. Once: after that the state is READY, so the
	 * next ten seconds change nothing.
	 */
#ifndef BREAK_STUCK
	:: atomic { !any_ready && !handed_over && taken[0] && early -> early = false };
		mmu_interval_pass_ready(0, 0)
#endif

	:: atomic {
			if
			:: any_ready ->
#ifndef BREAK_LOOK
				nr_ready--;
#endif
				pop()
			:: !any_ready && handed_over ->
				i = 0;
				handed_over = false
			fi
		};

		/* mn_itree_run_pass(): from the third step on it may be freed */
#ifndef BREAK_CLEAR
		drain[i] = false;
#endif
		state[i] = NONE;
		atomic { taken[i] = false; nr_run[i]++ };
		if
		:: nr_run[i] < ROUNDS -> callback(i)
		:: true
		fi
	od;

	/* The function returns: nothing is left to do */
	atomic {
		for (i : 0 .. PASSES - 1) {
			assert(!taken[i])
		}
		assert(nr == 0 && nr_next == 0);
		frame = false
	}
}
