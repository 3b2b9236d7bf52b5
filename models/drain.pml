/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of how one invalidation runs the passes of its interval notifiers, for
 * spin: mn_itree_invalidate_passes() and what it calls in mm/mmu_notifier.c, against
 * mmu_interval_pass_ready() called by the events of the devices. Functions and
 * variables have their names from there. What is one step here is one access to
 * shared memory there, or several under a lock or by one thread only.
 *
 * Input: DEVICES, how many notifiers there are, and PASSES, how many passes each
 * may hand over, one after the other, in the same structure. For each of them
 * spin tries: hand it over or be done; deferred or not; every moment at which
 * the event may come. scripts/litmus has the values to use.
 *
 * Properties:
 *  - Every pass that was handed over runs, once, and if it was deferred not
 *    before its event.
 *  - No wake-up gets lost: that would be an invalid end state.
 *  - Nobody wakes the thread when it is not the drain that sleeps: a callback
 *    may sleep, too.
 *  - No event uses the drain after it is gone, with the stack frame of the
 *    thread.
 *  - No event touches a pass that may have been run, and freed.
 *  - A pass is on one list at a time, and on the one that it is taken from.
 *
 * Not modelled: the order of memory accesses (that is what the litmus files are
 * for: here every access is visible at once), the order of the passes in a list
 * (any of them may be the first), two invalidations at a time, -EAGAIN.
 *
 * With -DBREAK_name the model has a bug that spin has to find. Each of these
 * lines has the name, a word of spin's error ("end" is of "invalid end state",
 * a variable's name of an assertion), and what is wrong:
 *
 * BREAK XCHG       end      ready() loads pass->drain and then stores
 * BREAK CMPXCHG    end      the core loads pass->drain and then stores
 * BREAK ARM        deferred the core arms a pass before it takes the lock
 * BREAK UNLOCKED   deferred the core arms and links a pass without the lock
 * BREAK LOOK       frame    the core looks at the ready list without the lock
 * BREAK LOOK_SLEEP waiter   the core looks at the list, then takes the lock and sleeps
 * BREAK STATE      end      the core sets its state after it drops the lock
 * BREAK WAKE_FIRST waiter   ready() wakes the core, drops the lock, then links the pass
 * BREAK WAKE_LATE  frame    ready() drops the lock before it looks for whom to wake
 * BREAK FORGET     waiter   ready() wakes the core, and later wakes it again
 * BREAK TOUCH      number   ready() touches the pass when the core has still to arm it
 * BREAK RESET      old      the core clears pass->drain after the callback
 */

#ifndef DEVICES
#define DEVICES 2
#endif
#ifndef PASSES
#define PASSES 2
#endif

/* --- the passes: struct mmu_interval_notifier_pass, one for each device */

#define NULL		0
#define DEFERRED	1	/* MN_PASS_DEFERRED */
#define READY		2	/* MN_PASS_READY */
#define DRAIN		3	/* the address of the drain */
byte drain[DEVICES];		/* pass->drain */

/* What the properties are about. Not in the C code. */
byte number[DEVICES];		/* How many passes of the device were run */
bool due[DEVICES];		/* Handed over, and not run yet */
bool waits[DEVICES];		/* Deferred, and no event yet */
bool armed[DEVICES * PASSES];	/* The event of each pass may come */

/* An event may touch a pass until that is run, since then it may be freed */
#define live(d, n)	(number[d] == n)

/* --- struct mn_itree_drain, in the stack frame of mn_itree_invalidate_passes() */

bool frame = true;		/* The stack frame is there */
bool lock;
bool waiter;			/* Not NULL */
byte nr_deferred;
/* Lists are sets: a bit for each device */
byte passes, deferred, ready;

#define BIT(d)		(1 << (d))
#define LISTED(d)	((passes | deferred | ready) & BIT(d))

/* list_add_tail(), list_del() */
#define LIST_ADD(list, d)	assert(!LISTED(d)); list = list | BIT(d)
#define LIST_DEL(list, d)	assert(list & BIT(d)); list = list & ~BIT(d)

/* Whoever waits for the lock reads it: it must stay there meanwhile, too */
inline spin_lock()
{
	atomic {
		(!frame || !lock) ->
			assert(frame);
			lock = true
	}
}

inline spin_unlock()
{
	atomic { assert(frame); lock = false }
}

/* --- the thread that invalidates */

#define RUNNING			0
#define UNINTERRUPTIBLE		1
bit state;			/* current->__state */
bool timed_out;			/* Once is enough for the 10 seconds */

/* schedule_timeout() returns when somebody has set the state to running. */
inline schedule_timeout()
{
	if
	:: state == RUNNING
	:: atomic { !timed_out -> timed_out = true; state = RUNNING }
	fi
}

/* mmu_interval_pass_ready(), for pass n of device d */
proctype event(byte d, n)
{
	byte old;
	bool sleeper;

end:	armed[d * PASSES + n];

	/* drain = xchg(&pass->drain, MN_PASS_READY); */
#ifdef BREAK_XCHG
	atomic { assert(live(d, n)); old = drain[d]; waits[d] = false };
	drain[d] = READY;
#else
	atomic {
		assert(live(d, n));
		old = drain[d];
		drain[d] = READY;
		waits[d] = false
	};
#endif
	if
	:: old == DEFERRED ->
#ifdef BREAK_TOUCH
		atomic { assert(live(d, n)); skip };
#endif
		goto done
	:: else
	fi;
	/* WARN_ON_ONCE(!drain || drain == MN_PASS_READY) */
	assert(old == DRAIN);

	spin_lock();
#ifdef BREAK_WAKE_FIRST
	atomic {
		assert(frame);
		if
		:: waiter -> state = RUNNING; waiter = false
		:: else
		fi
	};
	spin_unlock();
	spin_lock();
#endif
	/* list_move_tail(&pass->link, &drain->ready); */
	atomic {
		assert(frame && live(d, n));
		LIST_DEL(deferred, d);
		LIST_ADD(ready, d)
	};
#ifdef BREAK_WAKE_LATE
	spin_unlock();
#endif
#ifndef BREAK_WAKE_FIRST
	/* if (drain->waiter) */
	atomic { assert(frame); sleeper = waiter };
	if
	:: sleeper ->
		/* wake_up_process(drain->waiter); */
		atomic { assert(frame); state = RUNNING };
#ifdef BREAK_FORGET
		skip
#else
		/* drain->waiter = NULL; */
		atomic { assert(frame); waiter = false }
#endif
	:: else
	fi;
#endif
#ifndef BREAK_WAKE_LATE
	spin_unlock();
#endif

done:	atomic { old = 0; sleeper = false; armed[d * PASSES + n] = false; goto end }
}

/*
 * The callback of device d, invalidate_multipass() or invalidate_pass(): the
 * driver is done, or hands over its next pass, which it may defer. The event can
 * come at once.
 */
inline callback(d)
{
	if
	:: handed = false
	:: number[d] < PASSES ->
		handed = true
	:: number[d] < PASSES ->
		/* mmu_interval_pass_defer() */
		atomic { drain[d] = DEFERRED; waits[d] = true };
		atomic { armed[d * PASSES + number[d]] = true; handed = true }
	fi
}

inline mn_itree_queue_pass(d)
{
	due[d] = true;
	if
	:: drain[d] == NULL ->
		/* if (!READ_ONCE(pass->drain)) */
		atomic { LIST_ADD(passes, d) }
	:: else ->
#if !defined(BREAK_ARM) && !defined(BREAK_UNLOCKED)
		spin_lock();
#endif
		/* cmpxchg(&pass->drain, MN_PASS_DEFERRED, drain) */
#ifdef BREAK_CMPXCHG
		was = drain[d];
		if
		:: was == DEFERRED -> drain[d] = DRAIN
		:: else
		fi;
#else
		atomic {
			was = drain[d];
			if
			:: was == DEFERRED -> drain[d] = DRAIN
			:: else
			fi
		};
#endif
#ifdef BREAK_ARM
		spin_lock();
#endif
		if
		:: was == DEFERRED -> atomic { LIST_ADD(deferred, d) }
		:: else -> atomic { LIST_ADD(ready, d) }
		fi;
		atomic { was = 0; nr_deferred++ };
#ifdef BREAK_UNLOCKED
		skip
#else
		spin_unlock()
#endif
	fi
}

inline mn_itree_run_pass(d)
{
	/* Handed over, not run yet, and if it was deferred the event has come */
	atomic { assert(due[d] && !waits[d]); due[d] = false };
#ifndef BREAK_RESET
	/* WRITE_ONCE(pass->drain, NULL); */
	drain[d] = NULL;
#endif
	/* From here on the callback may free the pass */
	number[d]++;
	callback(d);
#ifdef BREAK_RESET
	drain[d] = NULL;
#endif
	if
	:: handed -> mn_itree_queue_pass(d)
	:: else
	fi
}

inline mn_itree_wait_ready()
{
	do
	:: ready == 0 ->
		waiter = true;
		/* __set_current_state(TASK_UNINTERRUPTIBLE); */
#ifdef BREAK_STATE
		spin_unlock();
		state = UNINTERRUPTIBLE;
#else
		state = UNINTERRUPTIBLE;
		spin_unlock();
#endif
		schedule_timeout();
		spin_lock()
	:: else -> break
	od;
	/* Nobody wakes the thread any more: it may sleep in a callback now */
	assert(!waiter)
}

/* list_first_entry_or_null(), then list_del(): any entry, DEVICES if none */
inline take(list)
{
	atomic {
		if
		:: list == 0 -> pass = DEVICES
		:: list & BIT(0) -> pass = 0
		:: list & BIT(1) -> pass = 1
#if DEVICES > 2
		:: list & BIT(2) -> pass = 2
#endif
		fi;
		if
		:: pass < DEVICES -> LIST_DEL(list, pass)
		:: else
		fi
	}
}

inline mn_itree_next_ready(wait)
{
	if
	:: nr_deferred == 0 -> pass = DEVICES
#ifdef BREAK_LOOK
	:: nr_deferred > 0 && ready != 0 ->
		take(ready);
		nr_deferred--
#endif
	:: nr_deferred > 0 ->
#ifdef BREAK_LOOK_SLEEP
		looked = (ready == 0);
		spin_lock();
		if
		:: wait && looked ->
			atomic { waiter = true; state = UNINTERRUPTIBLE };
			spin_unlock();
			schedule_timeout();
			spin_lock()
		:: else
		fi;
		looked = false;
#else
		spin_lock();
#endif
		if
		:: wait -> mn_itree_wait_ready()
		:: else
		fi;
		take(ready);
		if
		:: pass < DEVICES -> nr_deferred--
		:: else
		fi;
		spin_unlock()
	fi
}

/* mn_itree_invalidate_passes() */
init
{
	byte i, was, pass;
	bool handed, sleep;
#ifdef BREAK_LOOK_SLEEP
	bool looked;
#endif

	atomic {
		for (i : 0 .. DEVICES * PASSES - 1) {
			run event(i / PASSES, i % PASSES)
		}
		i = 0
	};

	/* First start all devices */
	do
	:: i < DEVICES ->
		/* mn_itree_first_pass() */
		callback(i);
		if
		:: handed -> mn_itree_queue_pass(i)
		:: else
		fi;
		atomic { handed = false; i++ }
	:: else -> break
	od;

	/* mn_itree_invalidate_single(), with any number of such notifiers */
	do
	:: true ->
		/* mn_itree_run_ready() */
		do
		:: true ->
			mn_itree_next_ready(false);
			if
			:: pass < DEVICES -> mn_itree_run_pass(pass)
			:: else -> break
			fi
		od
	:: true -> break
	od;

	/* mn_itree_run_passes() */
	do
	:: true ->
		sleep = (passes == 0);
		mn_itree_next_ready(sleep);
		if
		:: pass == DEVICES ->
			take(passes);
			if
			:: pass == DEVICES -> break
			:: else
			fi
		:: else
		fi;
		mn_itree_run_pass(pass)
	od;

	/* The function returns. Nothing is left to do. */
	atomic {
		assert(nr_deferred == 0);
		assert(state == RUNNING);
		for (i : 0 .. DEVICES - 1) {
			assert(!due[i] && !waits[i])
		}
		frame = false
	}
}
