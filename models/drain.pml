/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model, for spin, of the passes of one invalidation in mm/mmu_notifier.c: the thread
 * that invalidates, in mn_itree_take_pass(), mn_itree_next_pass(),
 * mn_itree_wait_ready(), mn_itree_run_pass() and mn_itree_stuck(), against
 * mmu_interval_pass_ready(), called by events. Names are those of the C code. One step
 * is one access to what is shared. llist_add(), llist_del_all(), set_current_state(),
 * wake_up_process() and schedule_timeout() are one step each: they are the kernel's
 * own, and like xchg() ordered as they are used here. So there is nothing to be said
 * of the order of memory accesses, but who may still hold the drain, which is on the
 * stack, the thread and the pass when they go away, and whether the thread wakes up.
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
 *  - No wake-up is lost, which would also be an invalid end state: ten seconds end the
 *    sleep only for what was made ready too early. One that comes late is harmless.
 *  - Callbacks are called by a thread that is running, not one about to sleep.
 *  - No call of ready() uses the drain after the invalidation has ended, or the
 *    task_struct of the thread after that has exited and a grace period has passed.
 *  - No call of ready() touches a pass that may have been run, and freed. The first
 *    is never freed: the call too many can come at any time.
 *  - Drivers without bugs are not warned about.
 *
 * With -DBREAK_name the model has a bug that spin has to find. Each of these lines
 * has the name, a word of spin's error ("end" is of "invalid end state", others are
 * of an assertion), and what is wrong:
 *
 * BREAK PLAIN       end      ready() loads the state and then stores
 * BREAK TWICE       listed   ready() loads the state and stores if that is DEFERRED
 * BREAK TAKE        end      take_pass() loads the state and then stores
 * BREAK STATE       drain    take_pass() sets the state before the drain
 * BREAK AGAIN       taken    take_pass() does not refuse a pass that is ready
 * BREAK CLEAR       taken    run_pass() leaves the drain in the pass
 * BREAK STUCK       end      after ten seconds nothing is made ready
 * BREAK WAKE_FIRST  end      ready() calls wake_up_process() before llist_add()
 * BREAK WAKE        frame    ready() loads drain->task after llist_add()
 * BREAK RCU         task     ready() is no reader of RCU
 * BREAK TOUCH       nr_run   ready() touches the pass after llist_add()
 * BREAK LOOK_FIRST  end      the thread looks at the list before it sets its state
 * BREAK LOOK_ONCE   nr_next  the thread takes every wake-up for that of a ready pass
 * BREAK AWAKE       running  the thread does not set its state back
 * BREAK REVERSED    ticket   the drain takes the last pass of the list first
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
byte next[PASSES], nr_next;	/* What was taken from the llist, as a stack, too */

/* struct task_struct */
bool running = true;		/* Or about to sleep, or asleep */

/* What the properties are about. Not in the C code. */
bool frame = true;		/* The drain is there */
bool task = true;		/* The task_struct is there */
byte wakers;			/* Calls of ready() that have yet to wake it up */
bool taken[PASSES];		/* The core has it */
byte nr_run[PASSES];		/* How many times each was run */
bool listed[PASSES];		/* Is in one of the lists of ready ones */
byte ticket[PASSES], tickets, now_serving;

/* Call n of ready() may touch the pass until that is run */
#define live(p, n)	(p == 0 || nr_run[p] == n)

inline wake_up_process()
{
	atomic { assert(task); running = true }
}

inline llist_add(p, n)
{
	atomic {
		assert(frame && live(p, n));
		assert(!listed[p]);
		listed[p] = true;
#ifndef BREAK_WAKE_FIRST
		wakers = (nr == 0 -> wakers + 1 : wakers);
#endif
		ready[nr] = p; nr++;
		ticket[p] = tickets; tickets++
	}
}

/* Uses old of whoever calls it */
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
		/* What is loaded from pass and drain */
		atomic { assert(live(p, n) && drain[p]); assert(frame); old = 0 };
#ifdef BREAK_WAKE_FIRST
		wake_up_process();
#endif
		llist_add(p, n)
#ifdef BREAK_TOUCH
		; assert(live(p, n))
#endif
	:: else -> atomic { assert(p == 0); old = 0 }
	fi
}

proctype event(byte p, n)
{
	byte old;

	mmu_interval_pass_ready(p, n)
}

/* The rest of ready(), for all calls that have found the list empty */
active proctype waker()
{
end:
	do
	:: atomic {
			wakers > 0 -> wakers--;
#ifdef BREAK_WAKE
			assert(frame);
#endif
			wake_up_process()
		}
	od
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

inline mn_itree_wait_ready()
{
	do
	:: true ->
#ifndef BREAK_LOOK_FIRST
		running = false;
#endif
		if
#ifndef BREAK_AWAKE
		:: atomic { nr > 0 -> running = true; break }
#else
		:: nr > 0 -> break
#endif
		:: else
		fi;
#ifdef BREAK_LOOK_FIRST
		running = false;
#endif
		/* schedule_timeout() */
		if
		:: running
#ifndef BREAK_STUCK
		/* Once: after that the state is READY, and another call nothing */
		:: atomic { taken[0] && early -> early = false; running = true };
			mmu_interval_pass_ready(0, 0)
#endif
		fi
#ifdef BREAK_LOOK_ONCE
		; break
#endif
	od
}

#define any_ready	(nr_next > 0 || nr > 0)

/* mn_itree_invalidate_passes() */
init
{
	byte i, old;

	/* The call too many */
	run event(0, 0);

	for (i : 0 .. PASSES - 1) {
		callback(i)
	}

	/* mn_itree_run_passes(), mn_itree_next_pass() */
	do
	:: !any_ready && !handed_over && nr_deferred == 0 -> break
	:: else ->
		if
		:: !any_ready && !handed_over -> mn_itree_wait_ready()
		:: else
		fi;
		atomic {
			if
			:: !any_ready && handed_over ->
				i = 0;
				handed_over = false
			:: else -> pop()
			fi;
			assert(running)
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
	};

	/* The thread exits, and those that wake it up are readers of RCU */
#ifdef BREAK_RCU
	task = false
#else
	atomic { wakers == 0 -> task = false }
#endif
}
