/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * absorb.c - the cause is the finding: what follows from it is named there and is no finding of its own. One table for all
 * rules. Called by judge.c.
 */
#include <string.h>

#include "diagnose/judge.h"

/* On what cause and consequence must agree. */
enum agreement {
	SAME_CONTAINER,	 /* both are about one container */
	SAME_CULPRIT,	 /* both are about one container and name the same culprit */
	ANY_ON_MACHINE,	 /* the cause is the machine's */
	ONE_CULPRIT,	 /* both name the same culprit, about whichever container */
	CULPRIT_IS_SELF, /* the culprit of the consequence is the container that the cause is about */
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
	{RULE_CPU_NEIGHBOUR, RULE_HOST_CPU_SATURATED, ANY_ON_MACHINE},
	/* Short-lived processes of the neighbour are how it takes the CPU. */
	{RULE_SHORT_LIVED_PROCESSES, RULE_CPU_SELF_CONTENTION, SAME_CONTAINER},
	/* Killed because the memory had run out: it was near the limit before, and thrashed. */
	{RULE_OOM_KILLED, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	{RULE_OOM_KILLED, RULE_MEMORY_THRASH, SAME_CONTAINER},
	{RULE_MEMORY_THRASH, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	{RULE_MEMORY_THRASH, RULE_MEMORY_NEAR_LIMIT, SAME_CONTAINER},
	/* Who reads again and again what was just thrown out fills the disk with that, for itself and for others. */
	{RULE_MEMORY_THRASH, RULE_DISK_NEIGHBOUR, CULPRIT_IS_SELF},
	/* The disk would be fast without the neighbour: for all who wait for that one. */
	{RULE_DISK_NEIGHBOUR, RULE_DISK_LATENCY, ONE_CULPRIT},
	{RULE_MEMORY_THRASH, RULE_DISK_LATENCY, SAME_CONTAINER},
	/* That it waits for pages is how it feels the slow disk; that it needs them is no fault. */
	{RULE_DISK_NEIGHBOUR, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	{RULE_DISK_LATENCY, RULE_MAJOR_FAULTS, SAME_CONTAINER},
	/* Zombies are what fills the limit of processes. */
	{RULE_ZOMBIES, RULE_PIDS_LIMIT, SAME_CONTAINER},
};

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
	case ONE_CULPRIT:
		return *cause->culprit_cgroup && strcmp(cause->culprit_cgroup, consequence->culprit_cgroup) == 0;
	case ANY_ON_MACHINE:
		return true;
	}
	return false;
}

static struct finding *cause_of(struct judging *j, const struct finding *consequence)
{
	for (size_t a = 0; a < ARRAY_SIZE(absorptions); a++) {
		if (strcmp(rules[absorptions[a].consequence].name, consequence->rule) != 0)
			continue;
		for (size_t i = 0; i < j->found.n; i++) {
			struct finding *f = &j->found.at[i];

			if (f != consequence && strcmp(rules[absorptions[a].cause].name, f->rule) == 0 &&
			    agree(&absorptions[a], f, consequence))
				return f;
		}
	}
	return NULL;
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
	const struct finding_consequence own = {f->rule, f->container, f->headline};

	consequence_add(cause, &own);
	for (size_t i = 0; i < f->n_explains; i++)
		consequence_add(cause, &f->explains[i]);
	cause->explains_more += f->explains_more;
	if (f->severity > cause->severity)
		cause->severity = f->severity;
}

void findings_absorb(struct judging *j)
{
	for (size_t i = 0; i < j->found.n;) {
		struct finding *cause = cause_of(j, &j->found.at[i]);

		if (!cause) {
			i++;
			continue;
		}
		absorb(cause, &j->found.at[i]);
		memmove(&j->found.at[i], &j->found.at[i + 1], (j->found.n - i - 1) * sizeof(*j->found.at));
		j->found.n--;
		i = 0; /* what it explained may have another cause now */
	}
}
