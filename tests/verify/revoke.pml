/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation against everything else, as kernel/cap/{table,derive,capability,tree,revoke}.c have it: processes with a
 * table each derive (into their own or another's table: dup, fork and cap_grant are the same to the tree), use and
 * close, and revokers each revoke a capability, with itself or only what is below it.
 *
 * What is done under a table's lock, a tree's, or the tree's inside the table's, is one step, named by its function;
 * references are counted without a lock, in steps of their own.  That locks are taken in one order is checked by ranks
 * in debug kernels, not here.  A capability is its number, and is never used again (FOREVER: it is, when freed).
 *
 * When a revocation returns, nothing that was derived from its root before it began, nor what came to be below that
 * since, is in a table, and no call through it is under way; none begins later.  No step touches what was freed.
 * Whoever sleeps is woken.
 *
 * check: no descendant survives, no use succeeds afterwards, no deadlock
 * check USERS=1 REVOKERS=2: the same when two revocations meet
 * check LONELY: the same for an original that nobody had derived from
 * check LONELY REVOKERS=2 OPS=1: the same when two revocations of it meet
 * live ends FOREVER USERS=1 NODES=3: a revocation ends though others derive and close for ever
 * break BUG_NO_MARK: deriving does not look whether something above is being revoked
 * break BUG_MARK_SELF_ONLY: it looks at the capability that is derived from, and not further up
 * break BUG_NO_WAIT: the revoker does not wait for calls under way
 * break BUG_NO_INTERRUPT: calls that sleep are not interrupted
 * break BUG_NO_WAKE: the end of the last call does not wake the revoker
 * break BUG_LONELY_LOOKS_FIRST LONELY: it is looked whether there is a tree before the original is marked
 * break BUG_GET_GONE: the revoker takes a reference where none is left
 * break live ends BUG_NO_MARK FOREVER USERS=1 NODES=3: without the mark it need not end
 */
#ifndef USERS
#define USERS 2
#endif
#ifndef REVOKERS
#define REVOKERS 1
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef NODES
#define NODES 5
#endif
#define NONE   255
#define BIT(n) (1 << (n))

mtype = { LIVE, CLOSED, REVOKED };

typedef node {
	mtype state = LIVE;
	byte table = NONE; /* whose slot it is in */
	byte home = NONE;  /* capability.table: whose users to interrupt */
	byte parent = NONE;
	byte refs;
	byte born, epoch;
	byte revokers;
	byte in_call;      /* of users, for the check */
	byte woken;        /* mask of revokers: each waits by itself */
	bit linked, drained, spent, watched, freed;
}
node nodes[NODES];
bit tree;
byte revoking, epoch;
byte next;
bit interrupted[USERS];
byte doomed[REVOKERS]; /* masks, for the check: what each revocation is to end, and what has ended */
byte over;
byte finished;

#define ALIVE(n) assert(!nodes[n].freed)

/* a is somewhere above n */
#define UP(n) (nodes[n].parent)
#define BELOW(n, a) \
	(UP(n) != NONE && (UP(n) == a || (UP(UP(n)) != NONE && (UP(UP(n)) == a || \
	(UP(UP(UP(n))) != NONE && (UP(UP(UP(n))) == a || UP(UP(UP(UP(n)))) == a))))))

/* cap_tree_may_derive() */
inline may_derive(from)
{
#ifdef BUG_NO_MARK
	may = 1;
	k = NONE
#else
	may = nodes[from].state != REVOKED;
	j = from;
	k = nodes[from].parent;
#ifdef BUG_MARK_SELF_ONLY
	k = NONE;
#endif
	do
	:: k != NONE ->
		if
		:: nodes[k].state == REVOKED || nodes[j].born < nodes[k].epoch -> may = 0
		:: else
		fi;
		j = k;
		k = nodes[k].parent
	:: else -> break
	od;
	j = 0;
	k = 0
#endif
}

/* prune(), replace_by_child(): its only child takes its place, or it had none. */
inline unlink(n)
{
	k = 0;
	do
	:: k < NODES ->
		if
		:: nodes[k].linked && nodes[k].parent == n -> nodes[k].parent = nodes[n].parent
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0;
	nodes[n].linked = 0;
	nodes[n].freed = 1
}

#define CHILD(k, n) (nodes[k].linked && nodes[k].parent == n)
#if NODES > 3
#define CHILDREN(n) (CHILD(0, n) + CHILD(1, n) + CHILD(2, n) + CHILD(3, n) + CHILD(4, n))
#define DRAINED_CHILD(k, n) (CHILD(k, n) && nodes[k].drained)
#define DRAINED_CHILDREN(n) (DRAINED_CHILD(0, n) || DRAINED_CHILD(1, n) || DRAINED_CHILD(2, n) || \
	DRAINED_CHILD(3, n) || DRAINED_CHILD(4, n))
#else
#define CHILDREN(n) (CHILD(0, n) + CHILD(1, n) + CHILD(2, n))
#define DRAINED_CHILD(k, n) (CHILD(k, n) && nodes[k].drained)
#define DRAINED_CHILDREN(n) (DRAINED_CHILD(0, n) || DRAINED_CHILD(1, n) || DRAINED_CHILD(2, n))
#endif

/* cap_tree_leave(): n, and its parent if that is spent and has one child left. */
inline leave_tree(n)
{
	nodes[n].spent = 1;
	if
	:: !nodes[n].linked -> nodes[n].freed = 1
	:: nodes[n].linked && CHILDREN(n) < 2 ->
		j = nodes[n].parent;
		may = CHILDREN(n) == 0;
		unlink(n);
		if
		:: may && j != NONE ->
			/* left->drained */
			if
			:: nodes[n].drained && !DRAINED_CHILDREN(j) && nodes[j].revokers > 0 -> nodes[j].woken = 3
			:: else
			fi;
			if
			:: nodes[j].spent && CHILDREN(j) < 2 -> unlink(j)
			:: else
			fi
		:: else
		fi
	:: else
	fi;
	j = 0;
	may = 0
}

/* cap_done(): the count; then done_slowly() and release(). */
inline done(n)
{
	atomic {
		ALIVE(n);
		assert(nodes[n].refs > 0);
		nodes[n].refs--;
		last = nodes[n].refs == 0;
		wake = nodes[n].watched
	}
	if
	:: atomic { !last && !wake -> skip }
	:: atomic { (last || wake) -> skip;
#ifndef BUG_NO_WAKE
		if
		:: wake -> nodes[n].woken = 3 /* only its address is used */
		:: else
		fi;
#endif
		wake = 0;
		if
		:: last -> ALIVE(n); leave_tree(n); last = 0
		:: else
		fi }
	fi
}

/* cap_take_locked(): from here on the slot's reference is the caller's. */
inline take(n)
{
	assert(nodes[n].table != NONE);
	nodes[n].table = NONE;
	if
	:: nodes[n].state == LIVE -> nodes[n].state = CLOSED
	:: else
	fi
}

/* cap_new_child(), cap_adopt() and cap_slot_fill(), from what is in use, into a table. */
inline derive(from, to)
{
#ifdef LONELY
	tree = 1; /* cap_tree_of() */
#endif
	atomic {
		ALIVE(from);
		may_derive(from);
		if
		:: may && next < NODES ->
			nodes[next].state = LIVE;
			nodes[next].table = to;
			nodes[next].home = to;
			nodes[next].parent = from;
			nodes[next].refs = 1;
			nodes[next].born = epoch;
			nodes[next].epoch = 0;
			nodes[next].spent = 0;
			nodes[next].drained = 0;
			nodes[next].linked = 1;
			nodes[next].freed = 0;
			nodes[from].linked = 1;
			over = over & ~BIT(next);
			doomed[0] = (doomed[0] & ~BIT(next)) | (((doomed[0] >> from) & 1) << next);
#if REVOKERS > 1
			doomed[1] = (doomed[1] & ~BIT(next)) | (((doomed[1] >> from) & 1) << next);
#endif
			next++;
#ifdef FOREVER
			/* The next that is not in use. */
			k = 0;
			do
			:: k < NODES && (nodes[k].refs > 0 || nodes[k].linked) -> k++
			:: else -> break
			od;
			next = k;
			k = 0
#endif
		:: else
		fi;
		may = 0
	}
}

#ifdef FOREVER
#define COUNT skip
#define FIND_FREE atomic { k = 0; \
	do \
	:: k < NODES && (nodes[k].refs > 0 || nodes[k].linked) -> k++ \
	:: else -> break \
	od; \
	next = k; k = 0 }
#else
#define COUNT ops++
#define FIND_FREE skip
#endif

/* cap_use() of anything in the table of process t. */
inline use(n)
{
	nodes[n].refs++;
	nodes[n].in_call++;
	assert(!(over & BIT(n)));
	ALIVE(n)
}

active [USERS] proctype user()
{
	byte j, k, n, ops;
	bit may, last, wake;

end:	do
	:: ops < OPS ->
		atomic {
			if
			:: nodes[0].table == _pid -> n = 0
			:: nodes[1].table == _pid -> n = 1
			:: nodes[2].table == _pid -> n = 2
#if NODES > 3
			:: nodes[3].table == _pid -> n = 3
			:: nodes[4].table == _pid -> n = 4
#endif
			:: finished == REVOKERS -> goto out
			fi;
			COUNT;
			if
			:: use(n); interrupted[_pid] = 0
			:: take(n); goto closed /* cap_close() */
			fi
		}
		if
		:: FIND_FREE; derive(n, 0)
#if USERS > 1
		:: derive(n, 1)
#endif
		:: true -> (interrupted[_pid] || finished == REVOKERS) /* it sleeps: until a signal, or all is over */
		fi;
		nodes[n].in_call--;
closed:		done(n);
		n = 0
	:: else -> break
	od;
out:	skip
}

/* take_from_table(); the caller has a reference. */
inline take_from_table(n)
{
	atomic {
		ALIVE(n);
		there = nodes[n].table != NONE;
		if
		:: there -> take(n)
		:: else
		fi
	}
#ifndef BUG_NO_INTERRUPT
	atomic {
		if
		:: nodes[n].home != NONE && nodes[n].refs > 1 + there -> interrupted[nodes[n].home] = 1
		:: else
		fi
	}
#endif
	if
	:: there -> there = 0; done(n)
	:: else
	fi
}

/* revoke_one(): the locked part. */
inline drain(n)
{
	ALIVE(n);
	nodes[n].state = REVOKED;
	nodes[n].drained = 1;
#ifdef BUG_GET_GONE
	here = 1;
#else
	here = nodes[n].refs > 0;
#endif
	nodes[n].refs = nodes[n].refs + here
}

inline taken_off(n)
{
	if
	:: here ->
		here = 0;
		take_from_table(n);
		done(n)
	:: else
	fi
}

#define IS_VICTIM(n) (!nodes[n].drained && nodes[n].linked && BELOW(n, root) && \
	CHILDREN(n) == DRAINED_COUNT(n) && OLD(n))
#define OLD(n) ((UP(n) == root && nodes[n].born < mark) || (UP(n) != root && UP(UP(n)) == root && nodes[UP(n)].born < mark) || \
	(UP(n) != root && UP(UP(n)) != root && nodes[UP(UP(n))].born < mark))
#if NODES > 3
#define DRAINED_COUNT(n) (DRAINED_CHILD(0, n) + DRAINED_CHILD(1, n) + DRAINED_CHILD(2, n) + DRAINED_CHILD(3, n) + \
	DRAINED_CHILD(4, n))
#else
#define DRAINED_COUNT(n) (DRAINED_CHILD(0, n) + DRAINED_CHILD(1, n) + DRAINED_CHILD(2, n))
#endif

/* cap_tree_victim(), and what is done in the same hold of the lock. */
inline find_victim()
{
	victim = NONE;
	k = 0;
	do
	:: k < NODES ->
		if
		:: IS_VICTIM(k) -> victim = k
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0;
	if
	:: victim != NONE -> drain(victim)
	:: else /* cap_tree_end() */
		revoking--;
		mark = 0;
		if
		:: self -> drain(root)
		:: else
		fi
	fi
}

inline doom(who)
{
	doomed[who] = self << root;
	k = 0;
	do
	:: k < NODES ->
		if
		:: nodes[k].linked && BELOW(k, root) -> doomed[who] = doomed[who] | BIT(k)
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0
}

#define ENDED(n) (!(doomed[me] & BIT(n)) || (nodes[n].table == NONE && nodes[n].in_call == 0))

active [REVOKERS] proctype revoker()
{
	byte me = _pid - USERS;
	byte j, k, root, victim, mark;
	bit self, may, last, wake, there, here;

	atomic { /* cap_use() */
		if
		:: nodes[0].table != NONE -> root = 0
		:: nodes[1].table != NONE -> root = 1
		:: goto out
		fi;
		nodes[root].refs++;
		nodes[root].revokers++;
		if
		:: self = 1
		:: self = 0
		fi
	}
	/* cap_revoke_begin() */
	if
	:: atomic { tree -> skip }
	:: atomic { !tree && !self -> doom(me); goto wait }
	:: atomic { !tree && self -> skip }
		/* revoke_lonely() */
#ifdef BUG_LONELY_LOOKS_FIRST
		atomic { may = tree }
		atomic { nodes[root].state = REVOKED }
		if
		:: may
		:: !may -> atomic { doom(me) }
			take_from_table(root);
			goto wait
		fi;
#else
		nodes[root].state = REVOKED;
		if
		:: atomic { tree -> skip }
		:: atomic { !tree -> doom(me) }
			take_from_table(root);
			goto wait
		fi;
#endif
	fi;
	atomic { /* cap_tree_begin() */
		may = 0;
		revoking++;
		epoch++;
		nodes[root].epoch = epoch;
		mark = epoch;
		if
		:: self -> nodes[root].state = REVOKED
		:: else
		fi;
		doom(me);
		find_victim()
	}
	do
	:: victim != NONE ->
		taken_off(victim);
		atomic { find_victim() }
	:: else -> break
	od;
	victim = 0;
	taken_off(root);

wait:	/* wait_for_calls() */
#ifndef BUG_NO_WAIT
	if
	:: self -> nodes[root].watched = 1
	:: else
	fi;
	do
	:: nodes[root].woken = nodes[root].woken & ~BIT(me);
		if
		:: self && nodes[root].refs > nodes[root].revokers
		:: else ->
			if
			:: tree && DRAINED_CHILDREN(root)
			:: else -> break
			fi
		fi;
		nodes[root].woken & BIT(me)
	od;
#endif
	atomic { /* it returns */
		nodes[root].revokers--;
		assert(ENDED(0) && ENDED(1) && ENDED(2) && ENDED(NODES - 1) && ENDED(NODES - 2));
		over = over | doomed[me];
		doomed[me] = 0
	}
	done(root);
out:	atomic { root = 0; self = 0; finished++ }
}

init {
	d_step {
		nodes[0].table = 0;
		nodes[0].home = 0;
		nodes[0].refs = 1;
		next = 1;
#ifndef LONELY
		tree = 1;
		nodes[0].linked = 1;
		nodes[1].table = USERS - 1;
		nodes[1].home = USERS - 1;
		nodes[1].refs = 1;
		nodes[1].parent = 0;
		nodes[1].linked = 1;
		next = 2
#endif
	}
}

ltl ends { <> (finished == REVOKERS) }
