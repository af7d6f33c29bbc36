/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fill.c - see fill.h. */
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "events/fill.h"
#include "events/redact.h"
#include "sysscope/sample.h"
#include "view/expected.h"
#include "view/oom.h"

_Static_assert((int)SS_NAMESPACES == (int)NAMESPACE_KINDS, "namespace_names has a name for each");

double event_wall_time(int64_t wall_offset_ns, uint64_t boot_ns)
{
	return boot_ns ? (double)((int64_t)boot_ns + wall_offset_ns) / 1e9 : NAN;
}

const struct process_row *event_victim(const struct event_source *s)
{
	const struct ss_fact *fact = s->fact;

	if (!s->snapshot || fact->kind != SS_FACT_OOM_KILL || fact->comm[0])
		return NULL;
	for (size_t i = 0; i < s->snapshot->n_processes; i++)
		if (s->snapshot->processes[i].pid == fact->tgid)
			return &s->snapshot->processes[i];
	return NULL;
}

static void start_fill(struct event *e, const struct event_source *s)
{
	e->clone_flags = s->fact->birth.clone_flags;
	e->parent_pid = s->fact->birth.parent_tgid;
	e->parent_tid = s->fact->birth.parent_tid;
}

static void exec_fill(struct event *e, const struct event_source *s)
{
	const struct ss_fact *fact = s->fact;

	e->path = fact->exec.path_bytes ? fact->exec.path : NULL;
	e->path_cut = fact->exec.path_bytes == SS_EXEC_PATH_LEN;
	if (!s->redactor)
		return;
	buf_reset(s->arguments);
	redact(s->redactor, fact->exec.arguments, fact->exec.arguments_bytes, s->arguments);
	e->arguments = s->arguments->data ? s->arguments->data : "";
	e->arguments_bytes = s->arguments->len;
	e->arguments_cut = fact->exec.arguments_bytes < fact->exec.arguments_size;
}

static void exit_fill(struct event *e, const struct event_source *s)
{
	const struct ss_fact *fact = s->fact;

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

static void namespace_fill(struct event *e, const struct event_source *s)
{
	const struct ss_fact *fact = s->fact;

	e->how = namespace_how_name(fact->namespaces.how);
	e->kinds = fact->namespaces.kinds;
	e->from = fact->namespaces.from.inode;
	e->to = fact->namespaces.to.inode;
	e->expected = s->who && namespace_transition_expected(fact->comm, s->who->kind, fact->namespaces.signs);
}

static void cgroup_fill(struct event *e, const struct event_source *s)
{
	e->cgroup = s->path;
}

static void container_fill(struct event *e, const struct event_source *s)
{
	e->cgroup = s->who->home;
	e->runtime = s->who->runtime;
	e->image = s->who->image;
	e->id = s->who->id;
}

/* As the latest snapshot knows it. NULL: it does not. */
static const struct container_row *container_of_event(const struct snapshot *s, const struct event *e)
{
	for (size_t i = 0; s && e->container_cgroup && i < s->n_containers; i++)
		if (!s->containers[i].dead && strcmp(s->containers[i].cgroup, e->container_cgroup) == 0)
			return &s->containers[i];
	return NULL;
}

static void memory_limit_fill(struct event *e, const struct container_row *c)
{
	e->memory_limit = c && c->memory_limit_of ? c->v[CONTAINER_MEMORY_LIMIT] : NAN;
	e->memory_limit_of = c ? c->memory_limit_of : NULL;
}

static void oom_room_fill(struct event *e, const struct event_source *s)
{
	struct oom_row *row = &s->oom->row;

	buf_reset(&s->oom->limit_of);
	oom_limit_path(&s->oom->limit_of, s->fact);
	*row = (struct oom_row){
		.time = e->time, .container_name = e->container ?: "", .container_cgroup = e->container_cgroup ?: ""};
	oom_row_fill(row, s->fact, row->container_cgroup, s->oom->limit_of.data ?: "");
	oom_largest_fill(row, s->snapshot);
	e->oom = row;
}

static void oom_fill(struct event *e, const struct event_source *s)
{
	const struct process_row *victim = event_victim(s);

	memory_limit_fill(e, victim ? process_container(s->snapshot, victim) : container_of_event(s->snapshot, e));
	if (victim) {
		e->comm = victim->comm;
		e->thread = victim->thread;
		e->start_time = victim->start_time;
		e->container = process_container(s->snapshot, victim)->name;
		e->container_cgroup = process_container(s->snapshot, victim)->cgroup;
		e->container_kind = process_container(s->snapshot, victim)->kind;
		e->container_id = process_container(s->snapshot, victim)->id;
		e->container_pod = process_container(s->snapshot, victim)->pod;
	}
	oom_room_fill(e, s);
}

static void denial_fill(struct event *e, const struct event_source *s)
{
	e->capability = s->fact->denial.capability;
	e->user_namespace = s->fact->denial.user_namespace;
}

/* Stalls come from snapshots, losses from counters: feed.c fills these two. */
#define stall_fill NULL
#define lost_fill  NULL

static void (*const fills[EVENT_TYPES])(struct event *e, const struct event_source *s) = {
#define FACT(kind, number, type, name, size, check, detail, ...) [EVENT_##type] = detail##_fill,
#define EVENT(type, name, detail, ...)				 [EVENT_##type] = detail##_fill,
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

void event_fill(struct event *e, enum event_type type, const struct event_source *s)
{
	*e = (struct event){
		.type = type,
		.time = event_wall_time(s->wall_offset_ns, s->fact->time_ns),
		.start_time = event_wall_time(s->wall_offset_ns, s->fact->start_ns),
		.container = s->who ? s->who->name : NULL,
		.container_cgroup = s->who ? s->who->home : NULL,
		.container_kind = s->who ? home_kind_name(s->who->kind) : NULL,
		.container_id = s->who ? s->who->id : NULL,
		.container_pod = s->who ? s->who->pod : NULL,
		.comm = s->fact->process[0] ? s->fact->process : s->fact->comm,
		.thread = s->fact->comm,
		.pid = s->fact->tgid,
		.tid = s->fact->tid,
		.lifetime = NAN,
	};
	if (fills[type])
		fills[type](e, s);
}
