/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and calls through one port, as kernel/ipc/{port,call,transfer,fast}.c have them: callers that may give up at any
 * moment (time-out, signal, revocation) or never, a sender, servers that answer, answer twice or die, and somebody who
 * may close the port.  What is done under port.lock is one step; its name stands beside it.  The queue has one place,
 * and the call table gives the slot that was freed last, so that cookies of one slot follow each other.
 *
 * A parcel is in one place at a time, which every step checks before it moves it.  When nothing moves any more, each
 * call has had one outcome, each parcel and each answer is gone, and nobody sleeps but a server at an empty port.
 *
 * FAST: a caller or a server may also hand its message and the CPU to the other one while that sleeps.
 * Whether the registers, the CPU and the scheduler allow it is any time's choice; the message has a
 * parcel's number, but none is made.
 *
 * check SERVERS=1 CALLERS=1: each call has one outcome, no message is lost or doubled, no answer reaches another call, no deadlock
 * check SERVERS=1 SENDERS=0: the same with two callers and one server
 * check SERVERS=2 SENDERS=0 CLOSERS=0: the same with two callers and two servers, at a port that is not closed
 * check SERVERS=2 CALLERS=1 SENDERS=0 CLOSERS=0 ROUNDS=2: the same with cookies that come again
 * check SERVERS=1 CALLERS=1 FAST: the same with messages handed over in registers
 * check SERVERS=1 SENDERS=0 FAST: the same with two callers, one server and messages handed over in registers
 * break SERVERS=1 SENDERS=0 BUG_NO_WAKE: whoever answers does not wake the caller
 * break SERVERS=1 SENDERS=0 BUG_SLEEP_LATE: a waiter goes to sleep after it has let the lock go, whatever happened since
 * break SERVERS=2 CALLERS=1 SENDERS=0 CLOSERS=0 ROUNDS=2 BUG_STALE_COOKIE: cookies do not count a slot's uses
 * break SERVERS=1 SENDERS=0 BUG_KEEP_PARCEL: a caller that gives up leaves its message in the queue
 * break SERVERS=2 SENDERS=0 CLOSERS=0 BUG_NO_BREAK: the death of a server breaks no call
 * break SERVERS=1 SENDERS=0 BUG_END_FORGETS: the end of a port does not look at the calls in the table
 * break SERVERS=1 SENDERS=0 BUG_LOSE_ANSWER: a caller that timed out does not look whether it was answered since
 * break SERVERS=1 CALLERS=1 FAST BUG_FAST_LEAVES_CALL: an answer in registers leaves the call in the table
 */
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef SENDERS
#define SENDERS 1 /* at most */
#endif
#ifndef CLOSERS
#define CLOSERS 1
#endif
#define SENDER  CALLERS /* a waiter's number */
#define WAITERS (CALLERS + 1)
#define PARCELS (CALLERS * ROUNDS + 1)
#define FIRST_SERVER (CALLERS + SENDERS + CLOSERS)
#define NOBODY  255
#define NO_SLOT 255

/* Where a parcel is: with who made it, in the queue, at a blocked sender, thrown out when the port ended, ... */
mtype = { UNMADE, HERE, IN_QUEUE, AT_SENDER, THROWN_OUT, AT_SERVER, GONE };
mtype = { SENT, RECEIVED, ANSWERED, BROKEN, ENDED }; /* enum call_state; not begun or over */
mtype = { QUEUED, DONE, DEAD, RETRY };               /* enum wait_state */

typedef parcel_record {
	mtype where = UNMADE;
	byte call = NOBODY; /* parcel.call: the caller */
	byte slot, generation;
	bit hand_only;
}
typedef call_record {
	mtype state = ENDED;
	byte slot;
	byte parcel;
	byte answer;
	byte process; /* that received it */
}
typedef slot_record {
	byte call = NOBODY;
	byte generation;
}

parcel_record parcels[PARCELS];
call_record calls[CALLERS];
slot_record table[CALLERS];
byte free_slot = 0; /* the one to be given next, if both are free */
mtype sender_state[WAITERS] = DONE;
byte sender_parcel[WAITERS];
mtype receiver_state[SERVERS] = DONE;
byte got[SERVERS];
bit awake[WAITERS + SERVERS];
bit dead;
byte receive_rights = SERVERS;
byte answers_out;
byte callers_done;
#ifdef FAST
bit asleep[WAITERS + SERVERS]; /* or woken since */
byte in_registers[CALLERS];    /* whose answer; 0 once seen, else a parcel's number and one */
#define SLEEPS(who, yes) asleep[who] = yes
#else
#define SLEEPS(who, yes) skip
#endif

chan queue = [1] of { byte };
chan senders = [WAITERS] of { byte };
chan receivers = [SERVERS] of { byte, bit }; /* who, and whether its buffer is large enough */
byte fitting;                                /* how many there have one */

/* task_wake() */
#ifdef BUG_NO_WAKE
#define WAKE_ANSWERED(caller) skip
#else
#define WAKE_ANSWERED(caller) awake[caller] = 1
#endif

/* call_received_locked() */
inline received(p, by)
{
	assert(parcels[p].where == IN_QUEUE || parcels[p].where == AT_SENDER || parcels[p].where == HERE);
	parcels[p].where = AT_SERVER;
	if
	:: parcels[p].call != NOBODY ->
		calls[parcels[p].call].state = RECEIVED;
		calls[parcels[p].call].parcel = NOBODY;
		calls[parcels[p].call].process = by;
		parcels[p].call = NOBODY
	:: else
	fi
}

/* finish_locked() */
inline finish(caller, how)
{
	calls[caller].state = how;
	WAKE_ANSWERED(caller)
}

inline turn_away_receivers()
{
	do
	:: len(receivers) > 0 ->
		receivers?x, _;
		fitting = 0;
		receiver_state[x] = RETRY;
		awake[WAITERS + x] = 1
	:: else -> break
	od;
	x = 0
}

/* port_admit_locked(): a blocking one. */
inline admit(p, who)
{
	if
	:: len(senders) == 0 && fitting > 0 -> /* hand_locked() */
		receivers??x, 1;
		fitting--;
		got[x] = p;
		received(p, x);
		receiver_state[x] = DONE;
		awake[WAITERS + x] = 1;
		x = 0
	:: else ->
		assert(parcels[p].where == HERE);
		if
		:: len(senders) == 0 && !parcels[p].hand_only && len(queue) == 0 ->
			parcels[p].where = IN_QUEUE;
			queue!p
		:: else ->
			parcels[p].where = AT_SENDER;
			sender_parcel[who] = p;
			sender_state[who] = QUEUED;
			senders!who
		fi;
		turn_away_receivers()
	fi
}

/* release_sender_locked() */
inline release_sender(s)
{
	sender_state[s] = DONE;
	if
	:: parcels[sender_parcel[s]].call == NOBODY -> awake[s] = 1
	:: else
	fi;
	sender_parcel[s] = 0
}

inline advance_senders()
{
	do
	:: !dead && len(senders) > 0 ->
		senders?<y>;
		if
		:: !parcels[sender_parcel[y]].hand_only && len(queue) == 0 ->
			senders?y;
			parcels[sender_parcel[y]].where = IN_QUEUE;
			queue!sender_parcel[y];
			release_sender(y)
		:: else -> break
		fi
	:: else -> break
	od;
	y = 0
}

/* port_withdraw_locked() */
inline withdraw(p, who)
{
	if
	:: sender_state[who] == QUEUED ->
		assert(parcels[p].where == AT_SENDER);
		senders??eval(who);
		sender_parcel[who] = 0;
		sender_state[who] = DONE
	:: sender_state[who] != QUEUED && parcels[p].where == IN_QUEUE -> queue??eval(p)
	:: else -> assert(parcels[p].where == THROWN_OUT)
	fi;
	advance_senders();
	parcels[p].where = HERE
}

inline drop(p)
{
	assert(parcels[p].where == HERE || parcels[p].where == THROWN_OUT || parcels[p].where == AT_SERVER);
	parcels[p].where = GONE
}

/* call_table_add(), of a table that is never full. */
inline add_to_table(caller, p)
{
	if
	:: table[free_slot].call == NOBODY -> calls[caller].slot = free_slot
	:: else -> calls[caller].slot = 1 - free_slot
	fi;
	assert(table[calls[caller].slot].call == NOBODY);
	table[calls[caller].slot].call = caller;
#ifndef BUG_STALE_COOKIE
	table[calls[caller].slot].generation++;
#endif
	parcels[p].slot = calls[caller].slot;
	parcels[p].generation = table[calls[caller].slot].generation
}

#ifdef FAST
/* call_fast(): the server is handed the message, and the caller sleeps. */
inline call_in_registers()
{
	receivers?x, small;
	fitting = fitting - small;
	small = 0;
	add_to_table(_pid, p);
	parcels[p].where = AT_SERVER;
	calls[_pid].state = RECEIVED;
	calls[_pid].process = x;
	calls[_pid].answer = NOBODY;
	calls[_pid].parcel = NOBODY;
	got[x] = p;
	receiver_state[x] = DONE;
	awake[WAITERS + x] = 1;
	x = 0;
	awake[_pid] = 0;
	asleep[_pid] = 1
}

/* reply_wait_fast(), where nothing speaks against it. */
inline answer_in_registers()
{
	x = table[parcels[p].slot].call;
	assert(x != NOBODY);
	in_registers[x] = p + 1;
	answers_out++;
#ifndef BUG_FAST_LEAVES_CALL
	free_slot = parcels[p].slot;
	table[free_slot].call = NOBODY;
#endif
	calls[x].slot = NO_SLOT;
	calls[x].state = ANSWERED;
	awake[x] = 1;
	x = 0;
	p = 0;
	fits = 0;
	receiver_state[me] = QUEUED;
	receivers!me, 0;
	awake[WAITERS + me] = 0;
	asleep[WAITERS + me] = 1
}

/* willing_receiver() and handoff_begin(); answerable_call() and handoff_begin(). */
#define SLEEPER(who)	 (asleep[who] && !awake[who])
#define IS_CALL(at, gen)                                                                                     \
	(table[at].call != NOBODY && table[at].generation == gen && calls[table[at].call].state == RECEIVED && \
	 SLEEPER(table[at].call))
#define NOTHING_WAITS (len(queue) == 0 && len(senders) == 0)
#define IS_OPEN (!dead)
#endif

/* A caller: port_call, port_call_small.  The parcel's number says whose call it is and which. */
active [CALLERS] proctype caller()
{
	byte x, y, p;
	byte round;
	bit patient, late;
#ifdef FAST
	bit small;
#endif

	do
	:: round < ROUNDS ->
		atomic { /* call_begin() */
			p = _pid * ROUNDS + round;
			parcels[p].where = HERE;
			if
			:: patient = 1
			:: patient = 0
			fi;
			if
			:: dead -> drop(p); goto next
			:: else
			fi;
#ifdef FAST
			if
			:: len(receivers) > 0 ->
				receivers?<x, small>;
				small = 0;
				if
				:: SLEEPER(WAITERS + x) -> x = 0; call_in_registers(); goto sleep
				:: x = 0
				fi
			:: else
			fi;
#endif
			calls[_pid].state = SENT;
			calls[_pid].parcel = p;
			calls[_pid].answer = NOBODY;
			sender_state[_pid] = DONE;
			add_to_table(_pid, p);
			parcels[p].call = _pid;
			admit(p, _pid)
		}
wait:		atomic { /* port_wait_locked() */
			if
			:: calls[_pid].state == ANSWERED || calls[_pid].state == BROKEN -> goto end_call
			:: else -> awake[_pid] = 0; SLEEPS(_pid, 1)
			fi
		}
#ifdef BUG_SLEEP_LATE
		awake[_pid] = 0;
#endif
sleep:		if
		:: atomic { awake[_pid] -> SLEEPS(_pid, 0); goto wait }
		:: atomic { !patient -> SLEEPS(_pid, 0); late = calls[_pid].state == SENT || calls[_pid].state == RECEIVED }
		fi;
end_call:	atomic { /* call_end() */
			if
			:: calls[_pid].parcel != NOBODY ->
#ifndef BUG_KEEP_PARCEL
				withdraw(p, _pid);
#endif
				parcels[p].call = NOBODY
			:: else
			fi;
			if
			:: calls[_pid].slot != NO_SLOT ->
				table[calls[_pid].slot].call = NOBODY;
				free_slot = calls[_pid].slot
			:: else /* the fast way has done it */
			fi;
			/* the rest of port_call, on what is now its own */
			if
			:: calls[_pid].parcel != NOBODY -> drop(p); assert(calls[_pid].answer == NOBODY)
			:: else
			fi;
			if
#ifdef BUG_LOSE_ANSWER
			:: calls[_pid].answer != NOBODY && !late ->
#else
			:: calls[_pid].answer != NOBODY ->
#endif
				assert(calls[_pid].answer == p && calls[_pid].state == ANSWERED);
				answers_out--
#ifdef FAST
			:: calls[_pid].state == ANSWERED && calls[_pid].answer == NOBODY ->
				assert(in_registers[_pid] == p + 1);
				answers_out--;
				in_registers[_pid] = 0
			:: calls[_pid].state != ANSWERED && calls[_pid].answer == NOBODY -> assert(in_registers[_pid] == 0)
#else
			:: else
#endif
			fi;
			calls[_pid].state = ENDED;
			calls[_pid].slot = 0;
			calls[_pid].process = 0;
			calls[_pid].answer = NOBODY;
			calls[_pid].parcel = NOBODY;
			awake[_pid] = 0
		}
next:		atomic { round++; patient = 0; late = 0; p = 0 }
	:: else -> break
	od;
	callers_done++
}

/* port_send */
active [SENDERS] proctype sender()
{
	byte x, y;
	bit patient;

	atomic {
		if
		:: patient = 1
		:: patient = 0
		fi;
		if
		:: parcels[PARCELS - 1].hand_only = 1
		:: parcels[PARCELS - 1].hand_only = 0
		fi;
		parcels[PARCELS - 1].where = HERE;
		if
		:: dead -> goto refused
		:: else -> admit(PARCELS - 1, SENDER)
		fi
	}
	do
	:: atomic { sender_state[SENDER] != QUEUED -> break }
	:: atomic { sender_state[SENDER] == QUEUED -> awake[SENDER] = 0 }
		if
		:: awake[SENDER]
		:: !patient -> break
		fi
	od;
	atomic {
		if
		:: sender_state[SENDER] == DONE -> goto done
		:: sender_state[SENDER] == DEAD
		:: sender_state[SENDER] == QUEUED -> withdraw(PARCELS - 1, SENDER)
		fi
	}
refused: drop(PARCELS - 1);
done:	atomic { awake[SENDER] = 0; patient = 0; callers_done++ }
}

/* port_end(): what end_step() does. */
inline end_port()
{
	atomic {
		was_dead = dead;
		dead = 1
	}
	i = 0;
	do
	:: was_dead -> break
	:: atomic { !was_dead ->
		if
		:: len(receivers) > 0 ->
			receivers?x, _;
			fitting = 0;
			receiver_state[x] = DEAD;
			awake[WAITERS + x] = 1
		:: len(receivers) == 0 && len(senders) > 0 ->
			senders?x;
			parcels[sender_parcel[x]].where = THROWN_OUT;
			sender_parcel[x] = 0;
			sender_state[x] = DEAD;
			awake[x] = 1
		:: len(receivers) == 0 && len(senders) == 0 && len(queue) > 0 ->
			queue?x;
			parcels[x].where = THROWN_OUT;
			if
			:: parcels[x].call == NOBODY -> drop(x)
			:: else /* still its caller's */
			fi
		:: len(receivers) == 0 && len(senders) == 0 && len(queue) == 0 ->
#ifdef BUG_END_FORGETS
			break;
#endif
			if
			:: i < CALLERS -> /* call_break_next_locked() */
				x = table[i].call;
				if
				:: x != NOBODY && (calls[x].state == SENT || calls[x].state == RECEIVED) -> finish(x, BROKEN)
				:: else
				fi;
				i++
			:: else -> break
			fi
		fi;
		x = 0 }
	od;
	i = 0;
	x = 0
}

/* port_close */
active [CLOSERS] proctype closer()
{
	byte x, i;
	bit was_dead;

	if
	:: end_port()
	:: skip
	fi
}

/* call_answer(), for the cookie of what was received last.  x: whether it was taken. */
inline give_answer()
{
	atomic {
		x = table[parcels[p].slot].call;
		if
		:: x != NOBODY && table[parcels[p].slot].generation == parcels[p].generation && calls[x].state == RECEIVED ->
			calls[x].answer = p;
			answers_out++;
			finish(x, ANSWERED);
			x = 1
		:: else -> x = 0
		fi
	}
}

/* A server of one thread: port_receive, port_reply and port_reply_wait_small. */
active [SERVERS] proctype server()
{
	byte x, y, i;
	byte me = _pid - FIRST_SERVER;
	byte p;
	bit fits, was_dead, tired;

again:	atomic { /* receive_locked() */
		if
		:: dead -> goto closed
		:: !dead && len(queue) + len(senders) > 0 && !fits -> /* -EMSGSIZE: with a larger buffer */
			fits = 1
		:: else
		fi;
		if
		:: len(queue) > 0 -> queue?p
		:: len(queue) == 0 && len(senders) > 0 ->
			senders?x;
			p = sender_parcel[x];
			release_sender(x);
			x = 0
		:: else ->
			receiver_state[me] = QUEUED;
			receivers!me, fits;
			fitting = fitting + fits;
			awake[WAITERS + me] = 0;
			SLEEPS(WAITERS + me, 1);
			goto wait
		fi;
		received(p, me);
		advance_senders();
		drop(p); /* parcel_deliver() */
		goto serve
	}
wait:
end:	if
	:: atomic { awake[WAITERS + me] -> SLEEPS(WAITERS + me, 0) }
	:: atomic { !tired -> tired = 1; SLEEPS(WAITERS + me, 0) } /* a time-out or a signal */
	fi;
	atomic {
		if
		:: receiver_state[me] == QUEUED ->
			receivers??eval(me), _;
			fitting = fitting - fits;
			goto again
		:: receiver_state[me] == RETRY -> goto again
		:: receiver_state[me] == DEAD -> goto closed
		:: receiver_state[me] == DONE ->
			p = got[me];
			got[me] = 0;
			drop(p)
		fi;
		awake[WAITERS + me] = 0
	}
serve:	fits = 0;
	if
	:: p == PARCELS - 1 /* a message, not a call */
	:: p != PARCELS - 1 -> give_answer()
	:: p != PARCELS - 1 -> give_answer(); give_answer(); assert(x == 0)
#ifdef FAST
	:: atomic { p != PARCELS - 1 && IS_OPEN && NOTHING_WAITS && IS_CALL(parcels[p].slot, parcels[p].generation) ->
		answer_in_registers();
		goto wait }
#endif
	:: goto die
	fi;
	atomic { x = 0; p = 0; goto again }

die:	/* the process ends: calls_break_of(), then its right to receive goes */
#ifndef BUG_NO_BREAK
	do
	:: i < CALLERS -> atomic {
		x = table[i].call;
		if
		:: x != NOBODY && calls[x].state == RECEIVED && calls[x].process == me -> finish(x, BROKEN)
		:: else
		fi;
		x = 0;
		i++ }
	:: else -> break
	od;
#endif
	receive_rights--;
	if
	:: receive_rights == 0 -> end_port()
	:: else
	fi;
closed:	skip
}

active proctype judge()
{
	byte k;

	timeout; /* nothing moves any more */
	d_step {
		assert(callers_done == CALLERS + SENDERS);
		assert(answers_out == 0 && len(queue) == 0 && len(senders) == 0);
		assert(!dead || len(receivers) == 0);
		do
		:: k < CALLERS -> assert(table[k].call == NOBODY); k++
		:: else -> break
		od;
		k = 0;
		do
		:: k < PARCELS ->
			assert(parcels[k].where == GONE || (k == PARCELS - 1 && SENDERS == 0));
			k++
		:: else -> break
		od
	}
}
