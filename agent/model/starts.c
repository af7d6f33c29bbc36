/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * starts.c - how containers start: from the steps that the kernel half has noted in their cgroups' entries to phases
 * with durations and CPU time; the last of them by name, and histograms of all. Part of the model (internal.h).
 *
 * A phase is counted as soon as a sample has its end, once per cgroup, whether the container lives or not: how often
 * samples are taken does not matter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

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

struct span {
	uint64_t ns, cpu_ns;
};

/* From the last step known before it, which may be that the cgroup was made, to its end. False: not over, or not noted. */
static bool phase_span(const struct ss_cgroup *c, int phase, struct span *ret)
{
	const struct ss_start *b = &c->start;
	uint64_t from = c->created_ns, cpu_from = 0, end = b->step_ns[phase];

	for (int i = phase - 1; i >= 0; i--) {
		if (!b->step_ns[i])
			continue;
		from = b->step_ns[i];
		cpu_from = b->cpu_ns[i];
		break;
	}
	if (!end)
		return false;
	*ret = (struct span){sub_sat(end, from), sub_sat(b->cpu_ns[phase], cpu_from)};
	return true;
}

static bool total_span(const struct ss_cgroup *c, struct span *ret)
{
	if (!c->start.step_ns[SS_START_READY])
		return false;
	*ret = (struct span){sub_sat(c->start.step_ns[SS_START_READY], c->created_ns), c->start.cpu_ns[SS_START_READY]};
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

static void phases_count(struct model *m, struct cg *c)
{
	struct span span;

	for (int i = 0; i <= BIRTH_PHASES; i++) {
		if (c->starts_counted >> i & 1)
			continue;
		/* While its first process may still come, an exec was perhaps a helper's. */
		if (i >= SS_START_EXECUTED && !c->counts.start.init && c->alive && c->counts.flags & SS_CGROUP_STARTING)
			continue;
		if (i < BIRTH_PHASES ? !phase_span(&c->counts, i, &span) : !total_span(&c->counts, &span))
			continue;
		c->starts_counted |= 1U << i;
		histogram_add(&m->starts[i], span.ns);
	}
}

void births_host_values(const struct model *m, double *v)
{
	for (int i = 0; i <= BIRTH_PHASES; i++) {
		double *line = v + HOST_START_CREATE_1MS + i * START_LINES;
		uint64_t sum = 0;

		for (int slot = 0; slot <= START_BOUNDS; slot++) {
			sum += m->starts[i].slots[slot];
			*line++ = (double)sum;
		}
		*line++ = (double)m->starts[i].sum_ns;
		*line = (double)sum;
	}
}

/* ---- the last of them, by name ---- */

static size_t births_kept(const struct model *m)
{
	return m->n_births < BIRTHS_MAX ? m->n_births : BIRTHS_MAX;
}

/* NULL: it is not among the last ones any more. */
static struct birth *birth_of(struct model *m, struct cg *c)
{
	if (!c->birth_number)
		c->birth_number = ++m->n_births;
	if (m->n_births - c->birth_number >= BIRTHS_MAX)
		return NULL;
	return &m->births[(c->birth_number - 1) % BIRTHS_MAX];
}

static int text_keep(char **to, const char *value)
{
	char *copy;

	if (*to && strcmp(*to, value) == 0)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int birth_take(struct model *m, struct cg *c)
{
	struct birth *b = birth_of(m, c);

	if (!b)
		return 0;
	b->counts = c->counts;
	b->alive = c->alive;
	/* A name may come late. */
	return text_keep(&b->container, c->home->name) < 0 || text_keep(&b->id, c->home->id) < 0 ? -ENOMEM : 0;
}

static int birth_compare(const void *a, const void *b)
{
	const struct birth_row *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static const char *birth_state(const struct birth *b)
{
	if (b->counts.start.step_ns[SS_START_READY])
		return "ready";
	if (b->counts.removed_ns || !b->alive)
		return "ended";
	return b->counts.flags & SS_CGROUP_STARTING ? "starting" : "unready";
}

static void birth_row_fill(const struct model *m, const struct sample *s, const struct birth *b, struct birth_row *row)
{
	uint32_t by = b->counts.start.ready_by;
	struct span span;

	*row = (struct birth_row){
		.container = b->container ?: "",
		.id = b->id ?: "",
		.state = birth_state(b),
		.ready_by = b->counts.start.step_ns[SS_START_READY] && by < SS_READY_WAYS ? ready_names[by] : "",
		.time = (double)(s->host.boot_wall_ns + b->counts.created_ns) / 1e9,
		.total_seconds = VALUE_ABSENT,
		.total_cpu_seconds = VALUE_ABSENT,
	};
	for (int i = 0; i < BIRTH_PHASES; i++) {
		bool over = phase_span(&b->counts, i, &span);

		row->seconds[i] = over ? (double)span.ns / 1e9 : VALUE_ABSENT;
		row->cpu_seconds[i] = over && m->waits_known ? (double)span.cpu_ns / 1e9 : VALUE_ABSENT;
	}
	if (!total_span(&b->counts, &span))
		return;
	row->total_seconds = (double)span.ns / 1e9;
	if (m->waits_known)
		row->total_cpu_seconds = (double)span.cpu_ns / 1e9;
}

int births_read(struct model *m, const struct sample *s)
{
	bool known = collector_ok(s, "births");
	int r = 0;

	for (struct cg *c = m->cgs; c && known && r == 0; c = c->hh.next) {
		if (!c->is_root || !c->home || c->home->kind != HOME_CONTAINER ||
		    !(c->counts.flags & SS_CGROUP_SEEN_CREATED))
			continue;
		phases_count(m, c);
		r = birth_take(m, c);
	}
	m->snapshot.births = m->birth_rows;
	m->snapshot.n_births = known ? births_kept(m) : 0;
	for (size_t i = 0; i < m->snapshot.n_births && r == 0; i++)
		birth_row_fill(m, s, &m->births[i], &m->birth_rows[i]);
	if (m->snapshot.n_births && r == 0)
		qsort(m->birth_rows, m->snapshot.n_births, sizeof(*m->birth_rows), birth_compare);
	return r;
}

void births_free(struct model *m)
{
	for (size_t i = 0; i < BIRTHS_MAX; i++) {
		free(m->births[i].container);
		free(m->births[i].id);
	}
}
