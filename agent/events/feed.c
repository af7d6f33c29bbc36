/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feed.c - see feed.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events/feed.h"
#include "events/fill.h"
#include "events/sets.h"
#include "sysscope/abi/fact.h"
#include "sysscope/sample.h"
#include "view/match.h"

#define QUEUE_BYTES	  (16u << 20) /* 100,000 lines or more */
#define RING_BYTES	  (4u << 20)  /* 60,000 facts a second, during a sample that takes half a second */
#define RING_BYTES_LARGER (16u << 20) /* with arguments */

struct event_feed {
	struct event_choice choice;
	struct event_queue queue;
	struct event_sets sets;
	const struct snapshot *snapshot;
	uint32_t self;		/* this process: its own stalls are not told */
	int64_t wall_offset_ns; /* CLOCK_REALTIME less CLOCK_BOOTTIME */
	struct buf line, arguments;
	struct event_oom oom;
	uint64_t taken; /* lines */
	struct event_sums sums;
	uint64_t unread[EVENT_TYPES], unread_told[EVENT_TYPES], ring_told[EVENT_TYPES];
	int error;
};

/* The type that facts of a kind are shown as; EVENT_TYPES: there is no such kind. */
static const enum event_type type_of_kind[SS_FACT_KINDS] = {
	[0] = EVENT_TYPES,
#define FACT(kind, number, type, ...) [SS_FACT_##kind] = EVENT_##type,
#define EVENT(...)
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

/* ---- beginning and end ---- */

int event_feed_new(struct event_feed **ret, const struct event_choice *c)
{
	struct event_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->choice = *c;
	f->self = (uint32_t)getpid();
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
	buf_free(&f->oom.limit_of);
	free(f);
}

static bool type_wanted(const struct event_choice *c, enum event_type t)
{
	return c->types >> t & 1;
}

/* Facts of this kind are needed for the chosen types. */
static bool kind_counts(const struct event_choice *c, int kind)
{
	if (kind == SS_FACT_CGROUP_REMOVE && type_wanted(c, EVENT_CONTAINER_EXIT))
		return true;
	return type_of_kind[kind] != EVENT_TYPES && kind != SS_FACT_LOOP_STALL && type_wanted(c, type_of_kind[kind]);
}

uint32_t event_feed_kinds(const struct event_choice *c)
{
	uint32_t kinds = 0;

	for (int k = 1; k < SS_FACT_KINDS; k++)
		if (kind_counts(c, k))
			kinds |= 1u << k;
	return kinds;
}

void event_feed_options(const struct event_choice *c, struct pipeline_options *o)
{
	o->facts = event_feed_kinds(c);
	if (c->tree)
		o->facts |= 1u << SS_FACT_PROCESS_START | 1u << SS_FACT_EXIT;
	o->facts_arguments = c->redactor != NULL;
	o->ring_bytes = c->redactor ? RING_BYTES_LARGER : RING_BYTES;
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

bool event_feed_tree_has(const struct event_feed *f, uint32_t pid)
{
	return tree_has(&f->sets, pid);
}

/* ---- lines ---- */

/* What became of a fact. */
enum fate { FATE_LEFT_OUT, FATE_TOLD, FATE_UNREAD };

static int line_queue(struct event_feed *f, const struct event *e)
{
	int r;

	buf_reset(&f->line);
	r = f->choice.json ? event_json(&f->line, e) : event_text(&f->line, e);
	return r ?: event_queue_add(&f->queue, f->line.data, f->line.len);
}

static enum fate line_add(struct event_feed *f, const struct event *e)
{
	int r;

	if (event_feed_full(f))
		return FATE_LEFT_OUT;
	if (f->choice.sink)
		r = f->choice.sink(f->choice.sink_ctx, e) ? 0 : -ENOBUFS;
	else
		r = line_queue(f, e);
	if (r == 0) {
		f->taken++;
		return FATE_TOLD;
	}
	if (r != -ENOBUFS)
		f->error = r;
	f->unread[e->type] += e->type != EVENT_LOST;
	return FATE_UNREAD;
}

static bool containers_chosen(const struct event_feed *f)
{
	return f->choice.containers && f->choice.containers->n;
}

static bool container_is_wanted(const struct event_feed *f, const struct identity *who)
{
	struct container_row row;

	if (!containers_chosen(f))
		return true;
	if (!who)
		return false;
	row = (struct container_row){.name = who->name, .id = who->id, .pod = who->pod};
	return match_choice_row(f->choice.containers, &row);
}

static bool is_wanted(const struct event_feed *f, const struct event_source *src)
{
	const struct ss_fact *fact = src->fact;
	bool start = fact->kind == SS_FACT_PROCESS_START || fact->kind == SS_FACT_THREAD_START;
	const struct process_row *victim;

	if (f->choice.pid && fact->tgid != f->choice.pid && !(start && fact->birth.parent_tgid == f->choice.pid))
		return false;
	if (f->choice.tree && !tree_has(&f->sets, fact->tgid))
		return false;
	victim = containers_chosen(f) ? event_victim(src) : NULL;
	return victim ? match_choice_row(f->choice.containers, process_container(f->snapshot, victim))
		      : container_is_wanted(f, src->who);
}

static enum fate line_tell(struct event_feed *f, const struct event_source *src, enum event_type type, double lifetime)
{
	struct event e;

	event_fill(&e, type, src);
	if (type == EVENT_CONTAINER_EXIT)
		e.lifetime = lifetime;
	return line_add(f, &e);
}

/* A created, entered or removed cgroup is shown as such, as the start or end of a container, or as both. */
static enum fate cgroup_take(struct event_feed *f, const struct event_source *src)
{
	const struct ss_fact *fact = src->fact;
	const struct identity *who = src->who;
	bool whole = who && src->path && who->kind == HOME_CONTAINER && strcmp(src->path, who->home) == 0;
	bool wanted = is_wanted(f, src), ended = whole && fact->kind == SS_FACT_CGROUP_REMOVE;
	enum event_type type = type_of_kind[fact->kind];
	enum fate fate = FATE_LEFT_OUT;
	double lived = ended ? container_removed(&f->sets, src->path, fact->time_ns) : NAN;

	if (type == EVENT_CONTAINER_START)
		return who && container_entered(&f->sets, who->home) && wanted ? line_tell(f, src, type, NAN) : fate;
	if (whole && fact->kind == SS_FACT_CGROUP_CREATE && container_made(&f->sets, src->path, fact->time_ns) < 0)
		f->error = -ENOMEM;
	if (ended && wanted && type_wanted(&f->choice, EVENT_CONTAINER_EXIT))
		fate = line_tell(f, src, EVENT_CONTAINER_EXIT, lived);
	if (wanted && type_wanted(&f->choice, type))
		fate = line_tell(f, src, type, NAN);
	return fate;
}

void event_feed_take(void *ctx, const struct ss_fact *fact, const struct identity *who, const char *path)
{
	struct event_feed *f = ctx;
	struct event_source src = {.fact = fact,
				   .who = who,
				   .path = path,
				   .snapshot = f->snapshot,
				   .redactor = f->choice.redactor,
				   .arguments = &f->arguments,
				   .oom = &f->oom,
				   .wall_offset_ns = f->wall_offset_ns};
	enum event_type type = type_of_kind[fact->kind];
	enum fate fate = FATE_LEFT_OUT;

	if (f->choice.tree && fact->kind == SS_FACT_PROCESS_START && tree_has(&f->sets, fact->birth.parent_tgid) &&
	    event_feed_tree(f, fact->tgid) < 0)
		f->error = -ENOMEM;
	if (type == EVENT_CGROUP_CREATE || type == EVENT_CGROUP_REMOVE || type == EVENT_CONTAINER_START)
		fate = cgroup_take(f, &src);
	else if (type != EVENT_LOOP_STALL && type_wanted(&f->choice, type) && is_wanted(f, &src))
		fate = line_tell(f, &src, type, NAN);
	if (f->choice.tree && fact->kind == SS_FACT_EXIT)
		tree_end(&f->sets, fact->tgid, type_wanted(&f->choice, EVENT_LOOP_STALL));
	if (!kind_counts(&f->choice, (int)fact->kind))
		return;
	f->sums.told += fate == FATE_TOLD;
	f->sums.left_out += fate == FATE_LEFT_OUT;
	f->sums.unread += fate == FATE_UNREAD;
}

static void stall_take(struct event_feed *f, const struct event *e, const struct container_row *c)
{
	struct event_stall_sums *sums = &f->sums.stalls;
	enum fate fate = FATE_LEFT_OUT;

	/* Nobody waits for the agent's own. */
	if (e->pid != f->self && (!f->choice.pid || e->pid == f->choice.pid) &&
	    (!f->choice.tree || tree_had(&f->sets, e->pid)) &&
	    (!containers_chosen(f) || (c && match_choice_row(f->choice.containers, c))))
		fate = line_add(f, e);
	sums->told += fate == FATE_TOLD;
	sums->left_out += fate == FATE_LEFT_OUT;
	sums->unread += fate == FATE_UNREAD;
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
			.container_cgroup = c ? c->cgroup : NULL,
			.container_kind = c ? c->kind : NULL,
			.container_id = c ? c->id : NULL,
			.container_pod = c ? c->pod : NULL,
			.comm = r->comm,
			.thread = r->thread,
			.pid = r->pid,
			.tid = r->tid,
			.stall = &r->stall,
		};

		stall_take(f, &e, c);
	}
	if (s)
		tree_forget_ended(&f->sets);
}

int event_feed_look(struct event_feed *f)
{
	return f->snapshot && containers_chosen(f) ? match_choice_look(f->choice.containers, f->snapshot) : 0;
}

/* ---- losses ---- */

/* Lost facts by type. A lost removal of a cgroup may be the lost end of a container. */
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
	e.time = event_wall_time(f->wall_offset_ns, clock_boot_ns());
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
	ret->stalls_chosen = type_wanted(&f->choice, EVENT_LOOP_STALL);
	for (int k = 1; k < SS_FACT_KINDS; k++)
		ret->facts_chosen |= kind_counts(&f->choice, k);
	if (!p)
		return;
	pipeline_facts_count(p, produced, lost);
	ret->stalls.lost_ring = ret->stalls_chosen ? lost[SS_FACT_LOOP_STALL] : 0;
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
