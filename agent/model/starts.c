/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * starts.c - turns the steps that the kernel half noted in a container's cgroup into phases with durations and CPU time:
 * see starts.h. Called by model_update.c.
 *
 * A phase is counted as soon as a sample has its end, once per cgroup, whether the container still lives or not, so it
 * does not matter how often samples are taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/list.h"
#include "homes/incarnations.h"
#include "model/starts.h"

#define BUCKET_NS(NAME, LE, NS, ...) NS,
static const uint64_t start_bounds_ns[START_BOUNDS] = {START_BUCKETS(BUCKET_NS, )}; /* inclusive */
/* Lines of one phase: a bucket per bound and +Inf, sum, count. */
#define START_LINES (START_BOUNDS + 3)
_Static_assert(HOST_START_CREATE_COUNT - HOST_START_CREATE_1MS + 1 == START_LINES, "one bound per bucket");
_Static_assert(HOST_START_TOTAL_COUNT - HOST_START_CREATE_1MS + 1 == START_LINES * (BIRTH_PHASES + 1), "five phases");
_Static_assert((int)SS_START_STEPS == (int)BIRTH_PHASES, "each phase ends with a step");

static const char *const ready_names[SS_READY_WAYS] = {
	[SS_READY_NOT_YET] = "",
	[SS_READY_LISTEN] = "listen",
	[SS_READY_EPOLL] = "epoll",
	[SS_READY_ACCEPT] = "accept",
};

struct phase_time {
	uint64_t ns, cpu_ns;
};

/*
 * From the last known step before it, which may be the creation of the cgroup, to its end. False: not over, or not noted.
 */
static bool phase_span(const struct ss_cgroup *c, int phase, struct phase_time *ret)
{
	const struct ss_start *steps = &c->start;
	uint64_t from = c->created_ns, cpu_from = 0, end = steps->step_ns[phase];

	for (int i = phase - 1; i >= 0; i--) {
		if (!steps->step_ns[i])
			continue;
		from = steps->step_ns[i];
		cpu_from = steps->cpu_ns[i];
		break;
	}
	if (!end)
		return false;
	*ret = (struct phase_time){sub_sat(end, from), sub_sat(steps->cpu_ns[phase], cpu_from)};
	return true;
}

static bool total_span(const struct ss_cgroup *c, struct phase_time *ret)
{
	if (!c->start.step_ns[SS_START_READY])
		return false;
	*ret = (struct phase_time){sub_sat(c->start.step_ns[SS_START_READY], c->created_ns),
				   c->start.cpu_ns[SS_START_READY]};
	return true;
}

/* ---- histograms ---- */

static void histogram_add(struct start_histogram *h, uint64_t ns)
{
	int slot = 0;

	while (slot < START_BOUNDS && ns > start_bounds_ns[slot])
		slot++;
	h->slots[slot]++;
	h->sum_ns += ns;
}

static void phases_count(struct starts *starts, struct home_cgroup *c)
{
	struct phase_time span;

	for (int i = 0; i <= BIRTH_PHASES; i++) {
		if (c->starts_counted >> i & 1)
			continue;
		/* While its first process may still come, the exec may have been that of a helper. */
		if (i >= SS_START_EXECUTED && !c->counts.start.init && c->alive && c->counts.flags & SS_CGROUP_STARTING)
			continue;
		if (i < BIRTH_PHASES ? !phase_span(&c->counts, i, &span) : !total_span(&c->counts, &span))
			continue;
		c->starts_counted |= 1U << i;
		histogram_add(&starts->histograms[i], span.ns);
	}
}

static void host_values_starts(const struct starts *starts, double *v)
{
	for (int i = 0; i <= BIRTH_PHASES; i++) {
		double *line = v + HOST_START_CREATE_1MS + i * START_LINES;
		uint64_t sum = 0;

		for (int slot = 0; slot <= START_BOUNDS; slot++) {
			sum += starts->histograms[i].slots[slot];
			*line++ = (double)sum;
		}
		*line++ = (double)starts->histograms[i].sum_ns;
		*line = (double)sum;
	}
}

/* ---- the last starts, by name ---- */

/* NULL: it is not among the last ones any more. */
static struct container_start *start_of(struct starts *starts, struct home_cgroup *c)
{
	if (!c->start_number)
		c->start_number = ++starts->n;
	if (starts->n - c->start_number >= STARTS_MAX)
		return NULL;
	return &starts->ring[(c->start_number - 1) % STARTS_MAX];
}

static int start_take(struct starts *starts, struct home_cgroup *c)
{
	struct container_start *b = start_of(starts, c);

	if (!b)
		return 0;
	if (b->counts.created_ns != c->counts.created_ns)
		b->main = (struct ss_main_ends){};
	b->counts = c->counts;
	b->alive = c->alive;
	/* A name may come late. */
	if (text_keep(&b->container, c->home->name) < 0 || text_keep(&b->id, c->home->id) < 0)
		return -ENOMEM;
	return text_keep(&b->cgroup, c->home->path);
}

static bool main_ended(const struct ss_main_ends *m)
{
	return m->ends[SS_END_SUCCESS] || m->ends[SS_END_FAILURE] || m->ends[SS_END_SIGNAL];
}

/* Its first process may have been in a cgroup below: crun and systemd make one. */
static void start_end_take(struct starts *starts, const struct homes *homes, struct home_cgroup *c)
{
	struct home_cgroup *root;

	if (!c->home || !main_ended(&c->counts.main))
		return;
	root = incarnation_of(homes, c);
	if (root && root->start_number && starts->n - root->start_number < STARTS_MAX)
		starts->ring[(root->start_number - 1) % STARTS_MAX].main = c->counts.main;
}

static int start_compare(const void *a, const void *b)
{
	const struct start_row *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static const char *start_state(const struct container_start *b)
{
	if (b->counts.start.step_ns[SS_START_READY])
		return "ready";
	if (b->counts.removed_ns || !b->alive)
		return "ended";
	return b->counts.flags & SS_CGROUP_STARTING ? "starting" : "unready";
}

static void start_row_fill(const struct moment *now, const struct container_start *b, struct start_row *row)
{
	uint32_t by = b->counts.start.ready_by;
	struct phase_time span;

	*row = (struct start_row){
		.container = b->container ?: "",
		.id = b->id ?: "",
		.cgroup = b->cgroup ?: "",
		.state = start_state(b),
		.ready_by = b->counts.start.step_ns[SS_START_READY] && by < SS_READY_WAYS ? ready_names[by] : "",
		.time = (double)(now->boot_wall_ns + b->counts.created_ns) / 1e9,
		.total_seconds = VALUE_ABSENT,
		.total_cpu_seconds = VALUE_ABSENT,
		.exit_status = VALUE_ABSENT,
		.exit_signal = VALUE_ABSENT,
	};
	if (main_ended(&b->main)) {
		memcpy(row->exit_comm, b->main.comm, SS_COMM_LEN);
		*(b->main.status & 0x7f ? &row->exit_signal : &row->exit_status) =
			b->main.status & 0x7f ?: b->main.status >> 8 & 0xff;
	}
	for (int i = 0; i < BIRTH_PHASES; i++) {
		bool over = phase_span(&b->counts, i, &span);

		row->seconds[i] = over ? (double)span.ns / 1e9 : VALUE_ABSENT;
		row->cpu_seconds[i] = over && now->waits_known ? (double)span.cpu_ns / 1e9 : VALUE_ABSENT;
	}
	if (!total_span(&b->counts, &span))
		return;
	row->total_seconds = (double)span.ns / 1e9;
	if (now->waits_known)
		row->total_cpu_seconds = (double)span.cpu_ns / 1e9;
}

int starts_update(struct starts *starts, const struct homes *homes, const struct moment *now, struct snapshot *snapshot)
{
	size_t n;

	snapshot->births = starts->rows;
	snapshot->n_births = 0;
	if (!now->starts_known)
		return 0;
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next) {
		if (!c->is_root || !c->home || c->home->kind != HOME_CONTAINER ||
		    !(c->counts.flags & SS_CGROUP_SEEN_CREATED))
			continue;
		phases_count(starts, c);
		if (start_take(starts, c) < 0)
			return -ENOMEM;
	}
	for (struct home_cgroup *c = homes->cgroups; c; c = c->hh.next)
		start_end_take(starts, homes, c);
	n = starts->n < STARTS_MAX ? starts->n : STARTS_MAX;
	for (size_t i = 0; i < n; i++)
		start_row_fill(now, &starts->ring[i], &starts->rows[i]);
	if (n)
		qsort(starts->rows, n, sizeof(*starts->rows), start_compare);
	snapshot->n_births = n;
	host_values_starts(starts, snapshot->v);
	return 0;
}

void starts_free(struct starts *starts)
{
	for (size_t i = 0; i < STARTS_MAX; i++) {
		free(starts->ring[i].container);
		free(starts->ring[i].id);
		free(starts->ring[i].cgroup);
	}
}
