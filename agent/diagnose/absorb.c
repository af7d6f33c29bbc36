/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * absorb.c - the cause is the finding: what follows from it is named there and is no finding of its own. One table for all
 * rules. Called by judge.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "diagnose/judge.h"

/* On what cause and consequence must agree. */
enum agreement {
	SAME_CONTAINER,	 /* both are about one container */
	SAME_CULPRIT,	 /* both are about one container and name the same culprit */
	ANY_ON_MACHINE,	 /* the cause is the machine's */
	ONE_CULPRIT,	 /* both name the same culprit, about whichever container */
	BY_CULPRIT,	 /* the consequence is about the culprit of the cause */
	CULPRIT_IS_SELF, /* the culprit of the consequence is the container that the cause is about */
	SAME_PROCESS,	 /* both are about one process */
	SAME_AND_CLASS,	 /* both are about one container, and class_causes has what its loop is blocked in */
};

static const struct absorption {
	enum rule cause, consequence;
	enum agreement agree;
} absorptions[] = {
	/* Threads that may not run because of the quota wait for each other as well. */
	{RULE_CPU_THROTTLED, RULE_CPU_SELF_CONTENTION, SAME_CONTAINER},
	/* Without the hypervisor's theft there would be CPUs. */
	{RULE_CPU_STEAL, RULE_HOST_CPU_SATURATED, ANY_ON_MACHINE},
	/* A neighbour that fills the machine is the cause, not the machine that is full. */
	{RULE_CPU_NEIGHBOUR, RULE_HOST_CPU_SATURATED, ONE_CULPRIT},
	/* It has more threads than there are CPUs: those of others wait for it, and its own. */
	{RULE_CPU_NEIGHBOUR, RULE_CPU_SELF_CONTENTION, BY_CULPRIT},
	/* Short-lived processes are how it takes the CPU: from others, from itself, and all that there is. */
	{RULE_SHORT_LIVED_PROCESSES, RULE_CPU_NEIGHBOUR, CULPRIT_IS_SELF},
	{RULE_SHORT_LIVED_PROCESSES, RULE_CPU_SELF_CONTENTION, SAME_CONTAINER},
	{RULE_SHORT_LIVED_PROCESSES, RULE_HOST_CPU_SATURATED, CULPRIT_IS_SELF},
	/* Killed because the memory had run out: it was near the limit before, and thrashed. */
	{RULE_OOM_KILLED, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	/* What rises without a pause comes to its limit, and is killed there. */
	{RULE_MEMORY_LEAK, RULE_OOM_KILLED, SAME_CONTAINER},
	{RULE_MEMORY_LEAK, RULE_OOM_KILLED, CULPRIT_IS_SELF},
	{RULE_MEMORY_LEAK, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	{RULE_MEMORY_LEAK, RULE_MEMORY_THRASH, SAME_CONTAINER},
	{RULE_THREAD_GROWTH, RULE_PIDS_LIMIT, SAME_CONTAINER},
	{RULE_OOM_KILLED, RULE_MEMORY_THRASH, SAME_CONTAINER},
	{RULE_MEMORY_THRASH, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	/* Pages that come back from swap are read from a disk, in page faults. */
	{RULE_SWAP_THRASH, RULE_MEMORY_THRASH, SAME_CONTAINER},
	{RULE_SWAP_THRASH, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	{RULE_SWAP_THRASH, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	{RULE_SWAP_THRASH, RULE_DISK_LATENCY, SAME_CONTAINER},
	{RULE_SWAP_THRASH, RULE_DISK_NEIGHBOUR, CULPRIT_IS_SELF},
	{RULE_MEMORY_LEAK, RULE_SWAP_THRASH, SAME_CONTAINER},
	{RULE_MEMORY_THRASH, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	/* Who reads again and again what was just thrown out fills the disk with that, for itself and for others. */
	{RULE_MEMORY_THRASH, RULE_DISK_NEIGHBOUR, CULPRIT_IS_SELF},
	/* The disk would be fast without the neighbour: for all who wait for that one. */
	{RULE_DISK_NEIGHBOUR, RULE_DISK_LATENCY, ONE_CULPRIT},
	/* Who fills it waits for it as well. */
	{RULE_DISK_NEIGHBOUR, RULE_DISK_LATENCY, BY_CULPRIT},
	{RULE_MEMORY_THRASH, RULE_DISK_LATENCY, SAME_CONTAINER},
	/* What it may not do at once is late: at a disk that lies upon the limited one, too. */
	{RULE_DISK_THROTTLED, RULE_DISK_LATENCY, SAME_CONTAINER},
	{RULE_DISK_THROTTLED, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	{RULE_DISK_THROTTLED, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	{RULE_DISK_THROTTLED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	/* Pages that are read again and again use the limit up. */
	{RULE_MEMORY_THRASH, RULE_DISK_THROTTLED, SAME_CONTAINER},
	{RULE_SWAP_THRASH, RULE_DISK_THROTTLED, SAME_CONTAINER},
	/* That it waits for pages is how it feels the slow disk; that it needs them is no fault. */
	{RULE_DISK_NEIGHBOUR, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	{RULE_DISK_LATENCY, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	/* Who is killed for its memory each time is started again each time; starts cost what short-lived processes cost. */
	{RULE_OOM_KILLED, RULE_CRASH_LOOP, SAME_CONTAINER},
	{RULE_CRASH_LOOP, RULE_SHORT_LIVED_PROCESSES, SAME_CONTAINER},
	/* Processes that pile up fill the limit, die unclaimed, live shortly once it is reached, and want all CPUs. */
	{RULE_FORK_STORM, RULE_PIDS_LIMIT, SAME_CONTAINER},
	{RULE_FORK_STORM, RULE_ZOMBIES, SAME_CONTAINER},
	{RULE_FORK_STORM, RULE_SHORT_LIVED_PROCESSES, SAME_CONTAINER},
	{RULE_FORK_STORM, RULE_CPU_SELF_CONTENTION, SAME_CONTAINER},
	{RULE_FORK_STORM, RULE_CPU_NEIGHBOUR, CULPRIT_IS_SELF},
	{RULE_FORK_STORM, RULE_HOST_CPU_SATURATED, CULPRIT_IS_SELF},
	/* An iteration that the quota interrupts is long, and a lock, a child or a pipe comes late that the quota holds up. */
	{RULE_CPU_THROTTLED, RULE_LOOP_STALL_CPU, SAME_CONTAINER},
	{RULE_CPU_THROTTLED, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	{RULE_CPU_THROTTLED, RULE_LOOP_STARVED, SAME_CONTAINER},
	{RULE_CPU_THROTTLED, RULE_LOOP_SATURATED, SAME_CONTAINER},
	/* Loops are among the threads that wait for the neighbour, for each other, or for the machine that is full. */
	{RULE_CPU_NEIGHBOUR, RULE_LOOP_STARVED, ONE_CULPRIT},
	{RULE_CPU_SELF_CONTENTION, RULE_LOOP_STARVED, SAME_CULPRIT},
	{RULE_HOST_CPU_SATURATED, RULE_LOOP_STARVED, ANY_ON_MACHINE},
	{RULE_CPU_NEIGHBOUR, RULE_LOOP_SATURATED, SAME_CONTAINER},
	{RULE_LOOP_STARVED, RULE_LOOP_SATURATED, SAME_CONTAINER},
	/* Long iterations, and workers that leave all to one, fill a loop; what fills it fills a CPU. */
	{RULE_LOOP_STALL_CPU, RULE_LOOP_SATURATED, SAME_CONTAINER},
	{RULE_LOOP_STALL_BLOCKED, RULE_LOOP_SATURATED, SAME_CONTAINER},
	{RULE_LOOP_IMBALANCE, RULE_LOOP_SATURATED, SAME_PROCESS},
	{RULE_LOOP_IMBALANCE, RULE_CPU_SINGLE_THREAD, SAME_PROCESS},
	{RULE_LOOP_STALL_CPU, RULE_CPU_SINGLE_THREAD, SAME_PROCESS},
	{RULE_LOOP_SATURATED, RULE_CPU_SINGLE_THREAD, SAME_PROCESS},
	{RULE_BUSY_POLL, RULE_CPU_SINGLE_THREAD, SAME_PROCESS},
	/* What holds up files and pages holds up the loop that waits for them. */
	{RULE_MEMORY_THRASH, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	{RULE_DISK_NEIGHBOUR, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	{RULE_DISK_LATENCY, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	{RULE_MAJOR_FAULTS, RULE_LOOP_STALL_BLOCKED, SAME_AND_CLASS},
	/* Answers that are lost on the way come late. */
	{RULE_TCP_RETRANSMITS, RULE_POOL_EXHAUSTED, SAME_CONTAINER},
	/* Connects that a full queue drops are sent again. */
	{RULE_LISTEN_OVERFLOW, RULE_TCP_RETRANSMITS, CULPRIT_IS_SELF},
	/* Whoever is held up does not accept. */
	{RULE_STOPPED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_CPU_THROTTLED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_CPU_NEIGHBOUR, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_MEMORY_THRASH, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_DISK_NEIGHBOUR, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_DISK_LATENCY, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_LOOP_STALL_BLOCKED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_LOOP_STALL_CPU, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_LOOP_STARVED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_LOOP_SATURATED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	{RULE_POOL_EXHAUSTED, RULE_LISTEN_OVERFLOW, SAME_CONTAINER},
	/* Zombies are what fills the limit of processes. */
	{RULE_ZOMBIES, RULE_PIDS_LIMIT, SAME_CONTAINER},
};

/* What makes an event loop wait in which class: the metric of the first evidence of loop_stall_blocked. */
static const struct class_cause {
	enum rule cause;
	const char *metric;
} class_causes[] = {
	{RULE_CPU_THROTTLED, "blocked_seconds_total.futex"},  {RULE_CPU_THROTTLED, "blocked_seconds_total.child"},
	{RULE_CPU_THROTTLED, "blocked_seconds_total.pipe"},   {RULE_MEMORY_THRASH, "blocked_seconds_total.fault"},
	{RULE_MAJOR_FAULTS, "blocked_seconds_total.fault"},   {RULE_DISK_NEIGHBOUR, "blocked_seconds_total.file"},
	{RULE_DISK_NEIGHBOUR, "blocked_seconds_total.fault"}, {RULE_DISK_LATENCY, "blocked_seconds_total.file"},
	{RULE_DISK_LATENCY, "blocked_seconds_total.fault"},   {RULE_DISK_THROTTLED, "blocked_seconds_total.file"},
	{RULE_DISK_THROTTLED, "blocked_seconds_total.fault"},
};

static bool class_agrees(enum rule cause, const struct finding *consequence)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_causes); i++)
		if (class_causes[i].cause == cause && consequence->n_evidence &&
		    strcmp(class_causes[i].metric, consequence->evidence[0].metric) == 0)
			return true;
	return false;
}

static bool agree(const struct absorption *a, const struct finding *cause, const struct finding *consequence)
{
	switch (a->agree) {
	case SAME_CONTAINER:
		return strcmp(cause->container_cgroup, consequence->container_cgroup) == 0;
	case SAME_CULPRIT:
		return strcmp(cause->container_cgroup, consequence->container_cgroup) == 0 &&
		       strcmp(cause->culprit_cgroup, consequence->culprit_cgroup) == 0;
	case CULPRIT_IS_SELF:
		return strcmp(cause->container_cgroup, consequence->culprit_cgroup) == 0;
	case BY_CULPRIT:
		return *cause->culprit_cgroup && strcmp(cause->culprit_cgroup, consequence->container_cgroup) == 0;
	case ONE_CULPRIT:
		return *cause->culprit_cgroup && strcmp(cause->culprit_cgroup, consequence->culprit_cgroup) == 0;
	case SAME_AND_CLASS:
		return strcmp(cause->container_cgroup, consequence->container_cgroup) == 0 &&
		       class_agrees(a->cause, consequence);
	case SAME_PROCESS:
		return cause->pid && cause->pid == consequence->pid;
	case ANY_ON_MACHINE:
		return true;
	}
	return false;
}

/* A finding, where its rule and its container put it. */
struct place {
	enum rule rule;
	uint64_t container; /* path_hash */
	size_t finding;
};

/* All findings, in the order of places; and what each of them follows from. */
struct places {
	struct place *at;
	enum rule *rules; /* of each finding */
	size_t *causes;	  /* of each finding; NO_CAUSE */
	size_t n;
};
#define NO_CAUSE SIZE_MAX

/* Paths that share it are told apart by agree(). */
static uint64_t path_hash(const char *path)
{
	static const struct hash_seed seed = {0, 0x2545f4914f6cdd1dULL};

	return hash_text(&seed, 0, path);
}

static int place_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	return x->finding < y->finding ? -1 : x->finding > y->finding;
}

static enum rule rule_of(const struct finding *f)
{
	int rule = 0;

	/* Rules give their own name, not a copy. */
	while (rule < RULES - 1 && rules[rule].name != f->rule)
		rule++;
	return (enum rule)rule;
}

static void places_free(struct places *p)
{
	free(p->at);
	free(p->rules);
	free(p->causes);
}

static int places_make(struct places *p, const struct judging *j)
{
	p->n = j->found.n;
	p->at = calloc(p->n + 1, sizeof(*p->at));
	p->rules = calloc(p->n + 1, sizeof(*p->rules));
	p->causes = calloc(p->n + 1, sizeof(*p->causes));
	if (!p->at || !p->rules || !p->causes)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		const struct finding *f = &j->found.at[i];

		p->rules[i] = rule_of(f);
		p->at[i] = (struct place){p->rules[i], path_hash(f->container_cgroup), i};
	}
	qsort(p->at, p->n, sizeof(*p->at), place_order);
	return 0;
}

/* The first place that is not before this one. */
static size_t place_first(const struct places *p, enum rule rule, uint64_t container)
{
	const struct place wanted = {rule, container, 0};
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place_order(&p->at[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The finding that this row of the table makes the cause of finding `i`; NO_CAUSE: none. */
static size_t cause_by(const struct judging *j, const struct places *p, const struct absorption *a, size_t i)
{
	const struct finding *f = &j->found.at[i];
	bool one = a->agree != ANY_ON_MACHINE && a->agree != ONE_CULPRIT && a->agree != BY_CULPRIT;
	const char *path = a->agree == CULPRIT_IS_SELF ? f->culprit_cgroup : f->container_cgroup;
	uint64_t container = one ? path_hash(path) : 0; /* that of the cause; 0: any */

	for (size_t n = place_first(p, a->cause, container); n < p->n && p->at[n].rule == a->cause; n++) {
		if (one && p->at[n].container != container)
			break;
		if (p->at[n].finding != i && agree(a, &j->found.at[p->at[n].finding], f))
			return p->at[n].finding;
	}
	return NO_CAUSE;
}

static size_t cause_of(const struct judging *j, const struct places *p, size_t i)
{
	size_t cause = NO_CAUSE;

	for (size_t a = 0; a < ARRAY_SIZE(absorptions) && cause == NO_CAUSE; a++)
		if (absorptions[a].consequence == p->rules[i])
			cause = cause_by(j, p, &absorptions[a], i);
	return cause;
}

/*
 * The cause of its causes, *ret_steps away; NO_CAUSE: it has none, or they go round in a circle, which explains nothing.
 */
static size_t cause_first(const struct places *p, size_t i, int *ret_steps)
{
	size_t cause = p->causes[i];

	for (*ret_steps = 1; cause != NO_CAUSE && p->causes[cause] != NO_CAUSE; (*ret_steps)++) {
		if (*ret_steps > RULES)
			return NO_CAUSE;
		cause = p->causes[cause];
	}
	return cause;
}

static void consequence_add(struct finding *cause, const struct finding_consequence *c)
{
	if (cause->n_explains < FINDING_EXPLAINS)
		cause->explains[cause->n_explains++] = *c;
	else
		cause->explains_more++;
}

/* Moves a consequence, and what it explained itself, into its cause. */
static void absorb(struct finding *cause, const struct finding *f)
{
	const struct finding_consequence own = {f->rule, f->container, f->headline, f->container_cgroup};

	consequence_add(cause, &own);
	for (size_t i = 0; i < f->n_explains; i++)
		consequence_add(cause, &f->explains[i]);
	cause->explains_more += f->explains_more;
	if (f->severity > cause->severity)
		cause->severity = f->severity;
}

void findings_absorb(struct judging *j)
{
	cleanup(places_free) struct places p = {};
	size_t kept = 0;
	bool more = true;
	int unused;

	if (!j->found.n)
		return;
	if (places_make(&p, j) < 0) {
		j->failed = true;
		return;
	}
	for (size_t i = 0; i < p.n; i++)
		p.causes[i] = cause_of(j, &p, i);
	/* What follows from the cause itself is named before what follows from that. */
	for (int steps = 1; more; steps++) {
		more = false;
		for (size_t i = 0; i < p.n; i++) {
			int away;
			size_t cause = cause_first(&p, i, &away);

			more |= cause != NO_CAUSE && away > steps;
			if (cause != NO_CAUSE && away == steps)
				absorb(&j->found.at[cause], &j->found.at[i]);
		}
	}
	for (size_t i = 0; i < p.n; i++)
		if (cause_first(&p, i, &unused) == NO_CAUSE)
			j->found.at[kept++] = j->found.at[i];
	j->found.n = kept;
}
