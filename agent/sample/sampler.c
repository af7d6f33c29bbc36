/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler.c - reads the kernel half: the gone tables, then the cgroup table, then every thread; then the files of each
 * home's cgroup. The dead are read before the living: who dies in between is in neither for one sample, never in both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "identity/identity.h"
#include "kernel/loader.h"
#include "sample/host.h"
#include "sample/sampler_internal.h"

/* No dead task waits longer than this to be freed, unless it is a zombie. */
#define UNSEEN_WINDOW_NS 10000000000ULL

/* More than the buffer of an iterator (8 pages) and a record. */
#define STREAM_BYTES (256 * 1024)

/* Long enough for the kernel to let this CPU go and come back, so that its run queue's clock is fresh. */
#define SETTLE_NS 50000

/* ---- cgroups ---- */

static void subtract(struct ss_gone *from, const struct ss_gone *what)
{
	__u64 *a = (__u64 *)from;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
		a[i] -= b[i];
}

/* The dead without a name that the cgroup's entry holds, as far as no sample has had them yet. */
static void gone_other(struct sampler *s, struct cgroup_entry *e, const struct ss_gone *other)
{
	struct sample *p = &s->sample;
	struct sample_gone *g;

	if (memcmp(&e->other_taken, other, sizeof(*other)) == 0 || p->n_gone_final >= s->cap_gone)
		return;
	g = &p->gone_final[p->n_gone_final++];
	*g = (struct sample_gone){.key = {.cgroup_id = e->id, .comm = SS_COMM_OTHER}, .value = *other};
	subtract(&g->value, &e->other_taken);
	e->other_taken = *other;
}

static int sample_cgroup_counts(struct sampler *s, uint64_t now)
{
	const uint64_t *ids = s->keys;
	const struct ss_cgroup *values = s->values;
	int count = sampler_map_read(s, s->skeleton->maps.cgroups, false);

	if (count < 0)
		return count;
	/* Parents before children, so that a path can be put together from names. */
	for (int pass = 0, missing = 1; pass < CGROUPFS_DEPTH_MAX && missing; pass++) {
		int before = missing;

		missing = 0;
		for (int i = 0; i < count; i++)
			if (values[i].flags & SS_CGROUP_SEEN_CREATED && !(values[i].flags & SS_CGROUP_NAME_CUT) &&
			    !cgroup_table_find(s->table, ids[i]) &&
			    cgroup_table_born(s->table, ids[i], values[i].parent_id, values[i].name, now) < 0)
				missing++;
		if (pass > 0 && missing == before)
			break;
		s->walk_needed |= missing > 0;
	}
	for (int i = 0; i < count; i++) {
		struct cgroup_entry *e = cgroup_table_find(s->table, ids[i]);

		if (!e) {
			s->walk_needed |= !values[i].removed_ns && ids[i] != SS_CGROUP_KERNEL;
			continue;
		}
		gone_other(s, e, &values[i].other);
		e->counts = values[i];
		e->in_kernel = true;
		if (values[i].removed_ns)
			cgroup_table_removed(s->table, e->id, now);
	}
	return 0;
}

static int cgroup_use(struct sampler *s, uint64_t id, uint64_t now, bool *walked)
{
	struct cgroup_entry *e;

	if (id == SS_CGROUP_NONE || id == SS_CGROUP_KERNEL || id == SS_CGROUP_OTHERS)
		return 0;
	e = cgroup_table_find(s->table, id);
	if (!e && !*walked) {
		*walked = true;
		cgroup_table_walk(s->table, now);
		e = cgroup_table_find(s->table, id);
	}
	if (!e)
		e = cgroup_table_unknown(s->table, id, now);
	if (!e)
		return -ENOMEM;
	e->used = s->number;
	return 0;
}

static int pair_use(struct sampler *s, const struct sample_pair *pair, uint64_t now, bool *walked)
{
	int r = cgroup_use(s, pair->key.waiter, now, walked);

	return r < 0 ? r : cgroup_use(s, pair->key.runner, now, walked);
}

/* Every cgroup that a record names has an entry afterwards. */
static int sample_cgroups_used(struct sampler *s, uint64_t now)
{
	struct sample *p = &s->sample;
	bool walked = false;
	uint64_t last = 0;
	int r = 0;

	/* Without the cgroups collector, or when it had no room, only the tree itself tells. */
	if (s->walk_needed || !loader_status(s->loader, COLLECTOR_CGROUPS).loaded ||
	    s->skeleton->bss->losses[SS_LOSS_CGROUP_FULL] != s->folded_before) {
		walked = true;
		s->walk_needed = false;
		s->folded_before = s->skeleton->bss->losses[SS_LOSS_CGROUP_FULL];
		r = cgroup_table_walk(s->table, now);
	}
	for (size_t i = 0; i < p->n_threads && r >= 0; i++) {
		if (p->threads[i].cgroup_id == last)
			continue;
		last = p->threads[i].cgroup_id;
		r = cgroup_use(s, last, now, &walked);
	}
	for (size_t i = 0; i < p->n_gone_final && r >= 0; i++)
		r = cgroup_use(s, p->gone_final[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_gone_open && r >= 0; i++)
		r = cgroup_use(s, p->gone_open[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_checks && r >= 0; i++)
		r = cgroup_use(s, p->checks[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_transitions_final && r >= 0; i++)
		r = cgroup_use(s, p->transitions_final[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_transitions_open && r >= 0; i++)
		r = cgroup_use(s, p->transitions_open[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_gone_loops_final && r >= 0; i++)
		r = cgroup_use(s, p->gone_loops_final[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_gone_loops_open && r >= 0; i++)
		r = cgroup_use(s, p->gone_loops_open[i].key.cgroup_id, now, &walked);
	for (size_t i = 0; i < p->n_stalls && r >= 0; i++)
		r = cgroup_use(s, p->stalls[i].stall.runner, now, &walked);
	for (size_t i = 0; i < p->n_pairs_final && r >= 0; i++)
		r = pair_use(s, &p->pairs_final[i], now, &walked);
	for (size_t i = 0; i < p->n_pairs_open && r >= 0; i++)
		r = pair_use(s, &p->pairs_open[i], now, &walked);
	return r;
}

/* What the limits' own cgroup says, where the home's says that there are none. */
static void limits_take(struct cgroup_counters *c, const struct cgroup_counters *inner)
{
	if (c->cpu_quota_us == SS_UNLIMITED && inner->cpu_quota_us != SS_UNKNOWN) {
		c->cpu_quota_us = inner->cpu_quota_us;
		c->cpu_period_us = inner->cpu_period_us;
		c->periods = inner->periods;
		c->throttled_periods = inner->throttled_periods;
		c->throttled_ns = inner->throttled_ns;
	}
	if (c->memory_limit == SS_UNLIMITED && inner->memory_limit != SS_UNKNOWN) {
		c->memory_limit = inner->memory_limit;
		c->memory_reservation = inner->memory_reservation;
		c->swap_limit = inner->swap_limit;
	}
	if (c->pids_limit == SS_UNLIMITED && inner->pids_limit != SS_UNKNOWN)
		c->pids_limit = inner->pids_limit;
}

static int sample_cgroup_files(struct sampler *s, uint64_t now)
{
	size_t n = cgroup_table_count(s->table);
	struct sample *p = &s->sample;

	if (n > s->cap_cgroups) {
		struct sample_cgroup *more = reallocarray(p->cgroups, n + n / 2, sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->cgroups = more;
		s->cap_cgroups = n + n / 2;
	}
	p->n_cgroups = 0;
	for (struct cgroup_entry *e = cgroup_table_first(s->table); e; e = e->hh.next) {
		struct sample_cgroup *c = &p->cgroups[p->n_cgroups++];
		const struct cgroup_entry *inner;
		struct cgroup_counters limits;

		memset(&c->files, 0xff, sizeof(c->files)); /* SS_UNKNOWN */
		if (e->home_root && e->alive) {
			int r = cgroupfs_read(s->fs, e->id, e->path, &c->files);

			/* Removed, or renamed: the next walk tells. */
			if (r == -ENOENT) {
				cgroup_table_removed(s->table, e->id, now);
				s->walk_needed = true;
			}
		}
		inner = e->inner_id && e->home_root && e->alive ? cgroup_table_find(s->table, e->inner_id) : NULL;
		if (inner && inner->alive) {
			memset(&limits, 0xff, sizeof(limits));
			cgroupfs_read(s->fs, inner->id, inner->path, &limits);
			limits_take(&c->files, &limits);
		}
		c->id = e->id;
		c->parent_id = e->parent_id;
		c->path = e->path;
		c->who = e->who;
		c->counts = e->counts;
		c->home_root = e->home_root;
		c->alive = e->alive;
	}
	return 0;
}

static void cgroup_dropped(void *ctx, uint64_t id)
{
	struct sampler *s = ctx;

	bpf_map_delete_elem(bpf_map__fd(s->skeleton->maps.cgroups), &id);
}

/* ---- threads ---- */

/* The kernel gives what its own buffer holds, less than STREAM_BYTES; a record may come in two parts. */
static int sample_threads(struct sampler *s)
{
	_cleanup_close_ int fd = bpf_iter_create(loader_iterator_fd(s->loader));
	struct sample *p = &s->sample;
	size_t left = 0;

	if (fd < 0)
		return -errno;
	p->n_threads = p->n_waits = p->n_loops = 0;
	for (;;) {
		ssize_t n = read(fd, s->stream + left, STREAM_BYTES - left), taken;

		if (n == 0)
			break;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		left += (size_t)n;
		taken = stream_take(&s->threads, p, s->stream, left);
		if (taken < 0)
			return (int)taken;
		left -= (size_t)taken;
		memmove(s->stream, s->stream + taken, left);
	}
	return left ? -EBADMSG : 0;
}

/* ---- one sample ---- */

/* Of those that exited and did not end, some only wait for RCU: the fewest over a while are those that never come. */
static void sample_unseen(struct sampler *s, uint64_t exited, uint64_t ended, uint64_t now)
{
	const struct sample *p = &s->sample;
	uint64_t zombies = 0, unseen;

	for (size_t i = 0; i < p->n_threads; i++)
		zombies += (p->threads[i].flags & SS_THREAD_ZOMBIE) && (p->threads[i].flags & SS_THREAD_STATE);
	unseen = sub_sat(sub_sat(exited, ended), zombies);
	if (!s->window_samples++ || unseen < s->unseen_least)
		s->unseen_least = unseen;
	if (now - s->window_ns < UNSEEN_WINDOW_NS || s->window_samples < 3)
		return;
	if (s->unseen_least > s->unseen)
		s->unseen = s->unseen_least;
	s->window_ns = now;
	s->window_samples = 0;
}

static void collector_add(struct sample *p, const char *name, bool ok, uint64_t began_ns)
{
	if (p->n_collectors < ARRAY_SIZE(p->collectors))
		p->collectors[p->n_collectors++] =
			(struct sample_collector){name, ok, began_ns ? clock_boot_ns() - began_ns : 0};
}

void sampler_no_listeners(struct sampler *s, bool no)
{
	s->no_listeners = no;
}

static void sample_listeners(struct sampler *s)
{
	int fd = loader_sockets_fd(s->loader);
	uint64_t now = clock_boot_ns();
	bool ok = fd >= 0;

	if (s->no_listeners) {
		collector_add(&s->sample, collector_name(COLLECTOR_SOCKETS), ok, 0);
		return;
	}
	/* A pass that fails is not tried at every sample: what is known of who listens is then not known any more. */
	if (ok && listeners_due(&s->listeners, &s->sample, now) && listeners_read(&s->listeners, fd, &s->sample) < 0)
		s->sample.listeners_ns = 0;
	collector_add(&s->sample, collector_name(COLLECTOR_SOCKETS), ok && s->sample.listeners_ns, ok ? now : 0);
}

int sampler_read(struct sampler *s, const struct sample **ret)
{
	struct sample *p = &s->sample;
	uint64_t began = clock_boot_ns(), now, exited, ended;
	int gone, r;

	s->number++;
	p->n_collectors = 0;
	if (s->delivered) {
		s->stalls_held -= p->n_stalls;
		memmove(p->stalls, p->stalls + p->n_stalls, s->stalls_held * sizeof(*p->stalls));
	}
	sampler_facts(s);
	p->n_stalls = s->stalls_held;

	exited = __atomic_load_n(&s->skeleton->bss->tasks_exited, __ATOMIC_RELAXED);
	ended = s->ended_before = __atomic_load_n(&s->skeleton->bss->tasks_ended, __ATOMIC_RELAXED);
	gone = sampler_tables_read(s);
	s->delivered = false;
	if (gone >= 0)
		gone = sampler_checks_read(s);
	if (gone >= 0)
		gone = sample_cgroup_counts(s, began);
	if (s->cap_pairs)
		nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
	now = clock_boot_ns();
	r = sample_threads(s);
	if (r < 0)
		return r;
	__atomic_store_n(&s->skeleton->bss->all_known, 1, __ATOMIC_RELAXED);
	p->boot_ns = clock_boot_ns();
	p->wall_ns = clock_wall_ns();
	r = host_read("", &p->host);
	collector_add(p, "host", r >= 0, p->boot_ns);
	collector_add(p, collector_name(COLLECTOR_TASKS), true, now);
	collector_add(p, collector_name(COLLECTOR_LIFECYCLE),
		      gone >= 0 && loader_status(s->loader, COLLECTOR_LIFECYCLE).loaded, 0);
	collector_add(p, collector_name(COLLECTOR_CGROUPS),
		      gone >= 0 && loader_status(s->loader, COLLECTOR_CGROUPS).loaded, 0);
	collector_add(p, collector_name(COLLECTOR_SCHED), gone >= 0 && loader_status(s->loader, COLLECTOR_SCHED).loaded,
		      0);
	collector_add(p, collector_name(COLLECTOR_EPOLL), gone >= 0 && loader_status(s->loader, COLLECTOR_EPOLL).loaded,
		      0);
	collector_add(p, collector_name(COLLECTOR_NAMESPACES),
		      gone >= 0 && loader_status(s->loader, COLLECTOR_NAMESPACES).loaded, 0);

	collector_add(p, collector_name(COLLECTOR_BIRTHS),
		      gone >= 0 && loader_status(s->loader, COLLECTOR_BIRTHS).loaded, 0);
	sample_listeners(s);
	now = clock_boot_ns();
	r = sample_cgroups_used(s, now);
	if (r == -ENOMEM)
		return r;
	/* Before the sample points at what the table holds. */
	cgroup_table_sweep(s->table, now, s->number, cgroup_dropped, s);
	identities_refresh(s->ids, now);
	r = sample_cgroup_files(s, now);
	if (r < 0)
		return r;
	collector_add(p, "cgroupfs", true, now);
	s->delivered = true;
	memcpy(p->losses, (const void *)s->skeleton->bss->losses, sizeof(p->losses));
	sample_unseen(s, exited, ended, now);
	p->losses[SS_LOSS_DEATH_UNSEEN] = s->unseen;
	p->losses[SS_LOSS_RING_FULL] += s->stalls_dropped;
	p->losses[SS_LOSS_READ_FAILED] += s->malformed;
	p->losses[SS_LOSS_PROGRAM_SKIPPED] = loader_skipped(s->loader);
	*ret = p;
	return 0;
}

uint64_t sampler_dead(const struct sampler *s)
{
	return __atomic_load_n(&s->skeleton->bss->tasks_ended, __ATOMIC_RELAXED) - s->ended_before;
}

void sampler_rest(struct sampler *s)
{
	struct sample *p = &s->sample;

	free(p->threads);
	free(p->waits);
	free(p->loops);
	p->threads = NULL;
	p->waits = NULL;
	p->loops = NULL;
	p->n_threads = p->n_waits = p->n_loops = 0;
	s->threads = (struct stream_room){};
}

/* ---- life ---- */

int sampler_open(struct sampler **ret, struct loader *l, struct cgroupfs *fs, struct identities *ids)
{
	struct sampler *s = calloc(1, sizeof(*s));
	struct sysscope_bpf *k = loader_skeleton(l);
	size_t gone, cgroups;
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->loader = l;
	s->skeleton = k;
	s->fs = fs;
	s->ids = ids;
	gone = bpf_map__max_entries(k->maps.gone_a);
	cgroups = bpf_map__max_entries(k->maps.cgroups);
	s->cap_gone = 2 * gone;
	if (loader_status(l, COLLECTOR_SCHED).loaded)
		s->cap_pairs = 2 * bpf_map__max_entries(k->maps.pairs_a);
	/* Of the smaller tables the keys are larger. */
	_Static_assert(sizeof(struct ss_capability_key) <= 2 * sizeof(struct ss_gone_key), "half as many fit");
	s->keys = calloc(gone > cgroups ? gone : cgroups, sizeof(struct ss_gone_key));
	s->values = calloc(cgroups, sizeof(struct ss_cgroup));
	s->sample.gone_final = calloc(s->cap_gone, sizeof(struct sample_gone));
	s->sample.gone_open = calloc(s->cap_gone, sizeof(struct sample_gone));
	if (loader_status(l, COLLECTOR_EPOLL).loaded && bpf_map__fd(k->maps.gone_loops_a) >= 0)
		s->cap_gone_loops = 2 * bpf_map__max_entries(k->maps.gone_loops_a);
	s->sample.gone_loops_final = calloc(s->cap_gone_loops + 1, sizeof(struct sample_gone_loop));
	s->sample.gone_loops_open = calloc(s->cap_gone_loops + 1, sizeof(struct sample_gone_loop));
	if (loader_status(l, COLLECTOR_NAMESPACES).loaded)
		s->cap_transitions = 2 * bpf_map__max_entries(k->maps.transitions_a);
	if (loader_status(l, COLLECTOR_CAPABILITIES).loaded)
		s->cap_checks = bpf_map__max_entries(k->maps.capability_checks);
	s->sample.checks = calloc(s->cap_checks + 1, sizeof(struct sample_check));
	s->sample.transitions_final = calloc(s->cap_transitions + 1, sizeof(struct sample_transition));
	s->sample.transitions_open = calloc(s->cap_transitions + 1, sizeof(struct sample_transition));
	s->sample.stalls = calloc(STALLS_MAX, sizeof(struct ss_fact));
	s->sample.loops_by_sleep = loader_status(l, COLLECTOR_EPOLL).loaded && !s->cap_gone_loops;
	s->sample.pairs_final = calloc(s->cap_pairs + 1, sizeof(struct sample_pair));
	s->sample.pairs_open = calloc(s->cap_pairs + 1, sizeof(struct sample_pair));
	s->stream = malloc(STREAM_BYTES);
	s->table = cgroup_table_new(fs, ids);
	if (!s->keys || !s->values || !s->sample.gone_final || !s->sample.gone_open || !s->sample.pairs_final ||
	    !s->sample.pairs_open || !s->sample.gone_loops_final || !s->sample.gone_loops_open || !s->sample.stalls ||
	    !s->sample.checks || !s->sample.transitions_final || !s->sample.transitions_open || !s->stream || !s->table)
		goto fail;
	/* Without a ring names come a little later. */
	s->ring = ring_buffer__new(bpf_map__fd(k->maps.facts), sampler_fact_take, s, NULL);
	r = cgroup_table_walk(s->table, clock_boot_ns());
	if (r < 0)
		goto fail;
	*ret = s;
	return 0;
fail:
	sampler_close(s);
	return r;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	ring_buffer__free(s->ring);
	cgroup_table_free(s->table);
	free(s->sample.threads);
	free(s->sample.waits);
	free(s->sample.loops);
	free(s->sample.listeners);
	free(s->sample.gone_loops_final);
	free(s->sample.gone_loops_open);
	free(s->sample.stalls);
	free(s->sample.checks);
	free(s->sample.transitions_final);
	free(s->sample.transitions_open);
	free(s->sample.pairs_final);
	free(s->sample.pairs_open);
	free(s->stream);
	free(s->sample.gone_final);
	free(s->sample.gone_open);
	free(s->sample.cgroups);
	free(s->keys);
	free(s->values);
	free(s);
}
