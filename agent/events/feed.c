/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feed.c - see event_feed.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "events/feed.h"
#include "events/redact.h"
#include "events/sets.h"
#include "kernel/loader.h"
#include "sysscope/abi/fact.h"
#include "sysscope/sample.h"
#include "view/expected.h"
#include "view/match.h"

#define QUEUE_BYTES	  (16u << 20) /* 100,000 lines or more */
#define RING_BYTES	  (4u << 20)  /* what comes at 60,000 a second while a sample takes half a second */
#define RING_BYTES_LARGER (16u << 20) /* with arguments */

_Static_assert(SS_NAMESPACES == NAMESPACE_KINDS, "view.h names them all");

struct event_feed {
	struct event_choice choice;
	struct event_queue queue;
	struct event_sets sets;
	const struct snapshot *snapshot;
	int64_t wall_offset_ns; /* CLOCK_REALTIME less CLOCK_BOOTTIME */
	struct buf line, arguments;
	uint64_t taken; /* lines */
	struct event_sums sums;
	uint64_t unread[EVENT_TYPES], unread_told[EVENT_TYPES], ring_told[EVENT_TYPES];
	int error;
};

/* By kind of fact; EVENT_TYPES: nothing that is told under its own name. */
static const enum event_type type_of_kind[SS_FACT_KINDS] = {
	[0] = EVENT_TYPES,
	[SS_FACT_CGROUP_CREATE] = EVENT_CGROUP_CREATE,
	[SS_FACT_CGROUP_REMOVE] = EVENT_CGROUP_REMOVE,
	[SS_FACT_LOOP_STALL] = EVENT_LOOP_STALL,
	[SS_FACT_NAMESPACE] = EVENT_NAMESPACE,
	[SS_FACT_CAPABILITY_DENIED] = EVENT_CAPABILITY_DENIED,
	[SS_FACT_PROCESS_START] = EVENT_PROCESS_START,
	[SS_FACT_THREAD_START] = EVENT_THREAD_START,
	[SS_FACT_EXEC] = EVENT_EXEC,
	[SS_FACT_EXIT] = EVENT_EXIT,
	[SS_FACT_OOM_KILL] = EVENT_OOM_KILL,
	[SS_FACT_CGROUP_ENTER] = EVENT_CONTAINER_START,
};

/* ---- beginning and end ---- */

int event_feed_new(struct event_feed **ret, const struct event_choice *c)
{
	struct event_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->choice = *c;
	f->queue.limit = QUEUE_BYTES;
	event_feed_clock(f);
	*ret = f;
	return 0;
}

void event_feed_free(struct event_feed *f)
{
	if (!f)
		return;
	event_sets_free(&f->sets);
	event_queue_free(&f->queue);
	buf_free(&f->line);
	buf_free(&f->arguments);
	free(f);
}

static bool type_wanted(const struct event_choice *c, enum event_type t)
{
	return c->types >> t & 1;
}

/* Facts of this kind are asked of the kernel half, or told by it in any case. */
static bool kind_counts(const struct event_choice *c, int kind)
{
	if (kind == SS_FACT_CGROUP_REMOVE && type_wanted(c, EVENT_CONTAINER_EXIT))
		return true;
	return type_of_kind[kind] != EVENT_TYPES && kind != SS_FACT_LOOP_STALL && type_wanted(c, type_of_kind[kind]);
}

void event_feed_options(const struct event_choice *c, struct pipeline_options *o)
{
	o->facts = 0;
	for (int k = 1; k < SS_FACT_KINDS; k++)
		if (kind_counts(c, k))
			o->facts |= 1u << k;
	if (c->tree)
		o->facts |= 1u << SS_FACT_PROCESS_START | 1u << SS_FACT_EXIT;
	o->facts_arguments = c->redactor != NULL;
	o->ring_bytes = c->redactor ? RING_BYTES_LARGER : RING_BYTES;
	if (type_wanted(c, EVENT_CAPABILITY_DENIED))
		o->requested |= 1u << COLLECTOR_CAPABILITIES;
	o->no_socket_owners = true;
}

void event_feed_clock(struct event_feed *f)
{
	f->wall_offset_ns = (int64_t)clock_wall_at_boot_ns((uint64_t)f->wall_offset_ns);
}

int event_feed_tree(struct event_feed *f, uint32_t pid)
{
	return tree_add(&f->sets, pid);
}

/* ---- lines ---- */

/* What has become of a fact. */
enum fate { FATE_LEFT_OUT, FATE_TOLD, FATE_UNREAD };

static enum fate line_add(struct event_feed *f, const struct event *e)
{
	int r;

	if (event_feed_full(f))
		return FATE_LEFT_OUT;
	buf_reset(&f->line);
	r = f->choice.json ? event_json(&f->line, e) : event_text(&f->line, e);
	if (r == 0)
		r = event_queue_add(&f->queue, f->line.data, f->line.len);
	if (r == 0) {
		f->taken++;
		return FATE_TOLD;
	}
	if (r != -ENOBUFS)
		f->error = r;
	f->unread[e->type] += e->type != EVENT_LOST;
	return FATE_UNREAD;
}

static double wall_time(const struct event_feed *f, uint64_t boot_ns)
{
	return boot_ns ? (double)((int64_t)boot_ns + f->wall_offset_ns) / 1e9 : NAN;
}

static bool container_is_wanted(const struct event_feed *f, const struct identity *who)
{
	struct container_row row;

	if (!f->choice.container)
		return true;
	if (!who)
		return false;
	row = (struct container_row){.name = who->name, .id = who->id, .pod = who->pod};
	return container_matches(&row, f->choice.container);
}

/* Until 6.8 the kernel says of an OOM kill's victim only which process it is. NULL: it is known, or by nobody. */
static const struct process_row *victim_find(const struct event_feed *f, const struct ss_fact *fact)
{
	const struct snapshot *s = f->snapshot;

	for (size_t i = 0; s && fact->kind == SS_FACT_OOM_KILL && !fact->comm[0] && i < s->n_processes; i++)
		if (s->processes[i].pid == fact->tgid)
			return &s->processes[i];
	return NULL;
}

static bool is_wanted(const struct event_feed *f, const struct ss_fact *fact, const struct identity *who)
{
	bool start = fact->kind == SS_FACT_PROCESS_START || fact->kind == SS_FACT_THREAD_START;
	const struct process_row *victim;

	if (f->choice.pid && fact->tgid != f->choice.pid && !(start && fact->birth.parent_tgid == f->choice.pid))
		return false;
	if (f->choice.tree && !tree_has(&f->sets, fact->tgid))
		return false;
	victim = victim_find(f, fact);
	return victim && f->choice.container
		       ? container_matches(process_container(f->snapshot, victim), f->choice.container)
		       : container_is_wanted(f, who);
}

static void exec_fill(struct event_feed *f, const struct ss_fact *fact, struct event *e)
{
	e->path = fact->exec.path_bytes ? fact->exec.path : NULL;
	e->path_cut = fact->exec.path_bytes == SS_EXEC_PATH_LEN;
	if (!f->choice.redactor)
		return;
	buf_reset(&f->arguments);
	redact(f->choice.redactor, fact->exec.arguments, fact->exec.arguments_bytes, &f->arguments);
	e->arguments = f->arguments.data ? f->arguments.data : "";
	e->arguments_bytes = f->arguments.len;
	e->arguments_cut = fact->exec.arguments_bytes < fact->exec.arguments_size;
}

static void exit_fill(const struct ss_fact *fact, struct event *e)
{
	e->status = (int)fact->exit.status;
	e->lifetime = (double)fact->exit.lifetime_ns / 1e9;
	e->cpu = (double)fact->exit.cpu_ns / 1e9;
	e->cpu_complete = fact->exit.cpu_complete;
	e->peak_rss = (double)fact->exit.peak_rss_bytes;
	e->voluntary_switches = (double)fact->exit.voluntary_switches;
	e->involuntary_switches = (double)fact->exit.involuntary_switches;
	e->minor_faults = (double)fact->exit.minor_faults;
	e->major_faults = (double)fact->exit.major_faults;
}

static void fact_fill(struct event_feed *f, const struct ss_fact *fact, const struct identity *who, struct event *e)
{
	const struct process_row *victim;

	switch (fact->kind) {
	case SS_FACT_PROCESS_START:
	case SS_FACT_THREAD_START:
		e->clone_flags = fact->birth.clone_flags;
		e->parent_pid = fact->birth.parent_tgid;
		e->parent_tid = fact->birth.parent_tid;
		break;
	case SS_FACT_EXEC:
		exec_fill(f, fact, e);
		break;
	case SS_FACT_EXIT:
		exit_fill(fact, e);
		break;
	case SS_FACT_NAMESPACE:
		e->how = namespace_how_name(fact->namespaces.how);
		e->kinds = fact->namespaces.kinds;
		e->from = fact->namespaces.from.inode;
		e->to = fact->namespaces.to.inode;
		e->expected = who && namespace_transition_expected(fact->comm, who->kind);
		break;
	case SS_FACT_OOM_KILL:
		e->peak_rss = fact->oom.rss_bytes == UINT64_MAX ? NAN : (double)fact->oom.rss_bytes;
		e->score_adjust = (int)fact->oom.score_adjust;
		victim = victim_find(f, fact);
		if (!victim)
			break;
		e->comm = victim->comm;
		e->start_time = victim->start_time;
		e->container = process_container(f->snapshot, victim)->name;
		break;
	case SS_FACT_CAPABILITY_DENIED:
		e->capability = fact->denial.capability;
		e->user_namespace = fact->denial.user_namespace;
		break;
	}
}

static enum fate line_tell(struct event_feed *f, const struct ss_fact *fact, const struct identity *who,
			   const char *path, enum event_type type, double lifetime)
{
	struct event e = {
		.type = type,
		.time = wall_time(f, fact->time_ns),
		.start_time = wall_time(f, fact->start_ns),
		.container = who ? who->name : NULL,
		.comm = fact->comm,
		.pid = fact->tgid,
		.tid = fact->tid,
		.cgroup = path,
		.lifetime = lifetime,
	};

	if (type == EVENT_CONTAINER_START || type == EVENT_CONTAINER_EXIT) {
		e.cgroup = who->home;
		e.runtime = who->runtime;
		e.image = who->image;
		e.id = who->id;
	}
	fact_fill(f, fact, who, &e);
	return line_add(f, &e);
}

/* Of a cgroup that was made, entered or removed: told as that, or as what it means for a container, or as both. */
static enum fate cgroup_take(struct event_feed *f, const struct ss_fact *fact, const struct identity *who,
			     const char *path)
{
	bool whole = who && path && who->kind == HOME_CONTAINER && strcmp(path, who->home) == 0;
	bool wanted = is_wanted(f, fact, who), ended = whole && fact->kind == SS_FACT_CGROUP_REMOVE;
	enum fate fate = FATE_LEFT_OUT;
	double lived = ended ? container_removed(&f->sets, path, fact->time_ns) : NAN;

	if (fact->kind == SS_FACT_CGROUP_ENTER)
		return who && container_entered(&f->sets, who->home) && wanted
			       ? line_tell(f, fact, who, path, EVENT_CONTAINER_START, NAN)
			       : fate;
	if (whole && fact->kind == SS_FACT_CGROUP_CREATE && container_made(&f->sets, path, fact->time_ns) < 0)
		f->error = -ENOMEM;
	if (ended && wanted && type_wanted(&f->choice, EVENT_CONTAINER_EXIT))
		fate = line_tell(f, fact, who, path, EVENT_CONTAINER_EXIT, lived);
	if (wanted && type_wanted(&f->choice, type_of_kind[fact->kind]))
		fate = line_tell(f, fact, who, path, type_of_kind[fact->kind], NAN);
	return fate;
}

void event_feed_take(void *ctx, const struct ss_fact *fact, const struct identity *who, const char *path)
{
	struct event_feed *f = ctx;
	enum event_type type = type_of_kind[fact->kind];
	enum fate fate = FATE_LEFT_OUT;

	if (f->choice.tree && fact->kind == SS_FACT_PROCESS_START && tree_has(&f->sets, fact->birth.parent_tgid) &&
	    event_feed_tree(f, fact->tgid) < 0)
		f->error = -ENOMEM;
	if (type == EVENT_CGROUP_CREATE || type == EVENT_CGROUP_REMOVE || type == EVENT_CONTAINER_START)
		fate = cgroup_take(f, fact, who, path);
	else if (type != EVENT_LOOP_STALL && type_wanted(&f->choice, type) && is_wanted(f, fact, who))
		fate = line_tell(f, fact, who, path, type, NAN);
	if (f->choice.tree && fact->kind == SS_FACT_EXIT)
		tree_end(&f->sets, fact->tgid, type_wanted(&f->choice, EVENT_LOOP_STALL));
	if (!kind_counts(&f->choice, (int)fact->kind))
		return;
	f->sums.told += fate == FATE_TOLD;
	f->sums.left_out += fate == FATE_LEFT_OUT;
	f->sums.unread += fate == FATE_UNREAD;
}

void event_feed_snapshot(struct event_feed *f, const struct snapshot *s)
{
	f->snapshot = s;
	for (size_t i = 0; s && type_wanted(&f->choice, EVENT_LOOP_STALL) && i < s->n_stalls; i++) {
		const struct stall_row *r = &s->stalls[i];
		const struct container_row *c = r->container == STALL_NOWHERE ? NULL : &s->containers[r->container];
		struct event e = {
			.type = EVENT_LOOP_STALL,
			.time = r->stall.time,
			.start_time = r->start_time,
			.container = c ? c->name : NULL,
			.comm = r->comm,
			.pid = r->pid,
			.tid = r->tid,
			.stall = &r->stall,
		};

		if ((f->choice.pid && r->pid != f->choice.pid) || (f->choice.tree && !tree_had(&f->sets, r->pid)) ||
		    (f->choice.container && !(c && container_matches(c, f->choice.container))))
			continue;
		line_add(f, &e);
	}
	if (s)
		tree_forget_ended(&f->sets);
}

/* ---- losses ---- */

/* By type. What is lost of cgroups that are removed is lost of containers that end. */
static void ring_lost(const struct event_feed *f, const struct pipeline *p, uint64_t *by_type)
{
	uint64_t produced[SS_FACT_KINDS], lost[SS_FACT_KINDS];

	pipeline_facts_count(p, produced, lost);
	memset(by_type, 0, EVENT_TYPES * sizeof(*by_type));
	for (int k = 1; k < SS_FACT_KINDS; k++) {
		enum event_type t = type_of_kind[k];

		if (k == SS_FACT_CGROUP_REMOVE && !type_wanted(&f->choice, t))
			t = EVENT_CONTAINER_EXIT;
		if (kind_counts(&f->choice, k) || (k == SS_FACT_LOOP_STALL && type_wanted(&f->choice, t)))
			by_type[t] += lost[k];
	}
}

void event_feed_lost(struct event_feed *f, const struct pipeline *p)
{
	uint64_t ring[EVENT_TYPES], unread[EVENT_TYPES], any = 0;
	struct event e = {.type = EVENT_LOST, .lost_ring = ring, .lost_unread = unread, .start_time = NAN};

	ring_lost(f, p, ring);
	for (int t = 0; t < EVENT_TYPES; t++) {
		ring[t] -= f->ring_told[t];
		unread[t] = f->unread[t] - f->unread_told[t];
		any += ring[t] + unread[t];
	}
	e.time = wall_time(f, clock_boot_ns());
	if (!any || line_add(f, &e) != FATE_TOLD)
		return;
	for (int t = 0; t < EVENT_TYPES; t++) {
		f->ring_told[t] += ring[t];
		f->unread_told[t] += unread[t];
	}
}

void event_feed_sums(const struct event_feed *f, const struct pipeline *p, struct event_sums *ret)
{
	uint64_t produced[SS_FACT_KINDS], lost[SS_FACT_KINDS];

	*ret = f->sums;
	pipeline_facts_count(p, produced, lost);
	for (int k = 1; k < SS_FACT_KINDS; k++) {
		if (!kind_counts(&f->choice, k))
			continue;
		ret->produced += produced[k];
		ret->lost_ring += lost[k];
	}
}

int event_feed_error(const struct event_feed *f)
{
	return f->error;
}

struct event_queue *event_feed_queue(struct event_feed *f)
{
	return &f->queue;
}

bool event_feed_full(const struct event_feed *f)
{
	return f->choice.count && f->taken >= f->choice.count;
}
