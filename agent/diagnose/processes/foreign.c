/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreign.c - rules about the walls of containers: processes in their namespaces from outside, namespaces that they share with the
 * machine. Called by judge.c through the table in rules.def.
 */
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/processes/foreign.h"
#include "view/expected.h"

#define BIT(kind) (1u << (kind))

/* Names of the set's kinds, "net, pid". */
static const char *spaces_text(struct judging *j, uint32_t kinds)
{
	_cleanup_buf_ struct buf out = {};

	for (size_t i = 0; i < NAMESPACE_OWN; i++)
		if (kinds & BIT(i))
			buf_printf(&out, "%s%s", out.len ? ", " : "", namespace_names[i]);
	return judge_text(j, "%s", out.data ?: "");
}

/* ---- foreign_process ---- */

/*
 * What runtimes leave in a container's network namespace, to forward its ports. A name proves nothing: in other kinds it excuses
 * nothing.
 */
static bool forwards_network(const char *comm, uint32_t kinds)
{
	static const char *const names[] = {"rootlessport", "slirp4netns", "pasta", "passt", "aardvark-dns"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(comm, names[i], strlen(names[i])) == 0)
			return !(kinds & ~(BIT(SPACE_NET) | BIT(SPACE_USER) | BIT(SPACE_MNT)));
	return false;
}

static bool same_pod(const struct container_row *a, const struct container_row *b)
{
	return a->pod[0] && strcmp(a->pod, b->pod) == 0 && strcmp(a->namespace_, b->namespace_) == 0;
}

/* It is where it is because a runtime was told so. */
static bool outsider_is_meant(const struct snapshot *s, const struct outsider_row *o)
{
	const struct process_row *p = &s->processes[o->process];
	const struct container_row *own = &s->containers[o->container], *home = process_container(s, p);
	char comm[SS_COMM_LEN + 1] = {};

	strncpy(comm, p->comm, SS_COMM_LEN);
	if (p->kernel || strcmp(home->kind, "runtime") == 0 || same_pod(own, home))
		return true;
	/* --network container:NAME and the like. */
	if (strcmp(home->kind, "container") == 0 || strcmp(home->kind, "pod") == 0)
		return !(o->kinds & (BIT(SPACE_PID) | BIT(SPACE_MNT)));
	return runtime_named(comm, HOME_SERVICE) || forwards_network(comm, o->kinds);
}

/* A person's shell, or what was started from it; or where nothing tells. */
static bool home_is_person(const struct container_row *home)
{
	return strcmp(home->kind, "session") == 0 || !judge_is_own_home(home);
}

static void foreign_say(struct judging *j, const struct outsider_row *o, size_t others)
{
	const struct process_row *p = &j->now->processes[o->process];
	const struct container_row *own = &j->now->containers[o->container], *home = process_container(j->now, p);
	bool files = o->kinds & BIT(SPACE_MNT);
	double cores = judge_seconds(j, window_process(j->w, o->process, PROCESS_CPU_USAGE));
	struct finding *f =
		judge_find(j, o->container, files && !home_is_person(home) ? FINDING_WARNING : FINDING_NOTICE);

	if (!f)
		return;
	finding_culprit(j, f, p->container);
	f->pid = f->culprit_pid = p->pid;
	f->comm = f->culprit_process = p->comm;
	finding_headline(j, f, judge_excess(1 + (double)others, 1),
			 "%s (pid %u) of %s is inside %s, but not in its cgroup", p->comm, p->pid, home->name,
			 own->name);
	finding_evidence(j, f, "outside", 0, "", "it is in these namespaces of %s: %s", own->name,
			 spaces_text(j, o->kinds));
	finding_evidence(j, f, "age_seconds", p->v[PROCESS_AGE] / 1e9, "seconds",
			 "it was there for all of the %.0f s that this watched; it was started %.0f s ago",
			 j->w->seconds, p->v[PROCESS_AGE] / 1e9);
	if (cores >= 0.01)
		finding_evidence(j, f, "cpu_cores", cores, "cores",
				 "it used %.2f CPU, which counts for %s: limits of %s do not hold for it", cores,
				 home->name, own->name);
	if (others)
		finding_evidence(j, f, "", (double)others, "count", "and %zu more of %s like it", others, home->name);
	finding_ruled_out(j, f, "docker exec and the like: what they start is in the cgroup of the container, too");
	finding_advice(j, f, "see what it is: ps -fp %u", p->pid);
	finding_advice(j, f, "if nobody needs it: kill %u", p->pid);
}

static bool outsider_stays(struct judging *j, uint32_t i)
{
	return !window_is_new(j->w, WINDOW_OUTSIDE, i) && !j->now->containers[j->now->outside[i].container].dead &&
	       !outsider_is_meant(j->now, &j->now->outside[i]);
}

/* Those of one container, from `i` to `end`: one finding for those of one home. `counts`: zero for each home. */
static void foreign_find(struct judging *j, uint32_t i, uint32_t end, size_t *counts)
{
	for (uint32_t n = i; n < end; n++)
		if (outsider_stays(j, n))
			counts[j->now->processes[j->now->outside[n].process].container]++;
	for (uint32_t n = i; n < end; n++) {
		size_t *count = &counts[j->now->processes[j->now->outside[n].process].container];

		if (*count && outsider_stays(j, n)) {
			foreign_say(j, &j->now->outside[n], *count - 1);
			*count = 0;
		}
	}
}

void judge_foreign_process(struct judging *j)
{
	_cleanup_free_ size_t *counts = calloc(j->now->n_containers + 1, sizeof(*counts));

	if (!counts) {
		j->failed = true;
		return;
	}
	for (uint32_t i = 0, end; i < j->now->n_outside; i = end) {
		for (end = i + 1; end < j->now->n_outside; end++)
			if (j->now->outside[end].container != j->now->outside[i].container)
				break;
		foreign_find(j, i, end, counts);
	}
}

/* ---- host_namespaces ---- */

#define SHARED_COUNT (BIT(SPACE_PID) | BIT(SPACE_MNT) | BIT(SPACE_NET) | BIT(SPACE_UTS) | BIT(SPACE_IPC))

enum { CAPABILITY_KILL = 5, CAPABILITY_NET_ADMIN = 12, CAPABILITY_SYS_PTRACE = 19, CAPABILITY_SYS_ADMIN = 21 };

const struct process_row *machine_process(const struct snapshot *s)
{
	const struct process_row *kernel = NULL;

	for (size_t i = 0; i < s->n_processes; i++) {
		if (s->processes[i].pid == 1)
			return &s->processes[i];
		if (s->processes[i].pid == 2 && s->processes[i].kernel)
			kernel = &s->processes[i];
	}
	return kernel;
}

/* What a process shares with the machine: of one that is new it may be a runtime's, on its way into the container. */
static uint32_t spaces_shared(const struct process_row *p, const struct process_row *machine)
{
	uint32_t shared = 0;

	for (uint32_t kind = 0; kind < NAMESPACE_OWN; kind++)
		if (p->namespaces[kind] && p->namespaces[kind] == machine->namespaces[kind])
			shared |= BIT(kind);
	return shared & SHARED_COUNT;
}

static bool may(const struct container_row *c, const struct process_row *machine, unsigned int capability)
{
	/* In a user namespace of its own a capability says nothing about the machine. */
	return c->user_namespace && c->user_namespace == machine->namespaces[SPACE_USER] &&
	       c->capabilities_effective >> capability & 1;
}

static void spaces_evidence(struct judging *j, struct finding *f, const struct container_row *c, uint32_t shared,
			    const struct process_row *machine)
{
	if (shared & BIT(SPACE_MNT))
		finding_evidence(j, f, "host_namespaces", 0, "", "files (mnt): it sees those of the machine");
	if (shared & BIT(SPACE_PID))
		finding_evidence(j, f, "host_namespaces", 0, "", "processes (pid): it sees all of the machine%s",
				 may(c, machine, CAPABILITY_SYS_PTRACE)
					 ? ", and may read and change their memory (SYS_PTRACE)"
					 : (may(c, machine, CAPABILITY_KILL) ? ", and may end them (KILL)" : ""));
	if (shared & BIT(SPACE_NET))
		finding_evidence(j, f, "host_namespaces", 0, "",
				 "network (net): it reaches what listens on the machine's 127.0.0.1, and takes its "
				 "ports%s",
				 may(c, machine, CAPABILITY_NET_ADMIN)
					 ? "; it may change its addresses, routes and firewall (NET_ADMIN)"
					 : "");
	if (shared & BIT(SPACE_IPC))
		finding_evidence(j, f, "host_namespaces", 0, "", "IPC (ipc): shared memory, queues and semaphores");
	if (shared & BIT(SPACE_UTS))
		finding_evidence(j, f, "host_namespaces", 0, "", "host name (uts)%s",
				 may(c, machine, CAPABILITY_SYS_ADMIN) ? ", which it may change (SYS_ADMIN)" : "");
}

static void spaces_advice(struct judging *j, struct finding *f, const struct container_row *c, uint32_t shared)
{
	static const struct {
		uint32_t kind;
		const char *docker, *pod;
	} options[] = {{SPACE_PID, " --pid host", " hostPID"},
		       {SPACE_NET, " --network host", " hostNetwork"},
		       {SPACE_IPC, " --ipc host", " hostIPC"},
		       {SPACE_UTS, " --uts host", ""}};
	_cleanup_buf_ struct buf out = {};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (shared & BIT(options[i].kind))
			buf_str(&out, c->pod[0] ? options[i].pod : options[i].docker);
	if (out.len && c->pod[0])
		finding_advice(j, f, "if that is not meant, take this out of the spec of pod %s:%s",
			       advice_name(j, c->pod), out.data);
	else if (out.len && (strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0))
		finding_advice(j, f, "if that is not meant, start it without%s", out.data);
	else
		finding_advice(j, f, "if that is not meant, start it with namespaces of its own");
}

static void spaces_say(struct judging *j, uint32_t i, uint32_t shared, const struct process_row *who,
		       const struct process_row *machine)
{
	const struct container_row *c = &j->now->containers[i];
	bool all = shared == SHARED_COUNT;
	struct finding *f = judge_find(j, i, shared & BIT(SPACE_MNT) && !all ? FINDING_WARNING : FINDING_NOTICE);

	if (!f)
		return;
	f->pid = who->pid;
	f->comm = who->comm;
	finding_headline(j, f, judge_excess(__builtin_popcount(shared), 1),
			 "%s (pid %u) in %s shares %s with the machine%s", who->comm, who->pid, c->name,
			 spaces_text(j, shared), all ? ": it is a container by its cgroup alone" : "");
	spaces_evidence(j, f, c, shared, machine);
	spaces_advice(j, f, c, shared);
}

/* There is something to compare with those of the machine. */
static void spaces_unknown(struct judging *j)
{
	for (size_t i = 0; i < j->now->n_processes; i++) {
		const struct process_row *p = &j->now->processes[i];

		if (p->namespaces[SPACE_NET] && strcmp(process_container(j->now, p)->kind, "container") == 0) {
			judge_cannot(j,
				     "the namespaces of the machine are not seen: run sysscope in its pid namespace");
			return;
		}
	}
}

void judge_host_namespaces(struct judging *j)
{
	_cleanup_free_ uint32_t *shared = calloc(j->now->n_containers + 1, sizeof(*shared));
	_cleanup_free_ uint32_t *who = calloc(j->now->n_containers + 1, sizeof(*who));
	const struct process_row *machine = machine_process(j->now);

	if (!shared || !who) {
		j->failed = true;
		return;
	}
	if (!machine) {
		spaces_unknown(j);
		return;
	}
	for (uint32_t i = 0; i < j->now->n_processes; i++) {
		const struct process_row *p = &j->now->processes[i];
		uint32_t kinds = spaces_shared(p, machine) & j->now->containers[p->container].host_namespaces;

		/* The one that shares most. */
		if (window_is_new(j->w, WINDOW_PROCESSES, i) ||
		    __builtin_popcount(kinds) <= __builtin_popcount(shared[p->container]))
			continue;
		who[p->container] = i;
		shared[p->container] = kinds;
	}
	for (uint32_t i = 0; i < j->now->n_containers; i++)
		if (shared[i] && !j->now->containers[i].dead && j->now->containers[i].host_namespaces_known)
			spaces_say(j, i, shared[i], &j->now->processes[who[i]], machine);
}
