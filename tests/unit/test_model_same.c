/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_same.c - a model that keeps what did not change, beside one that adds up everything at each sample: threads that
 * stay as they are, sleep on, run, are renamed, moved, born and end, in cgroups that come, go and change their homes. All that
 * the two say has to be equal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "exporters/json/json.h"
#include "lib/model_scene.h"

#define THREADS 60
#define PLACES	5
#define NAMES	160 /* more than a home keeps apart */

/* What the kernel half tells of a thread, and whether that is the same as before. */
struct life {
	bool alive;
	struct ss_thread_record record;
	struct ss_waits waits, charged, dead;
	bool has_waits, has_charged, has_dead;
	bool same;
	uint64_t asleep_since_ns;
};

struct world {
	struct scene scene;
	struct life lives[THREADS]; /* in the order of tids */
	bool places[PLACES];
	bool nested, unnamed;
	bool unknown_machines; /* programs that run them are known by the kernel's guest time only */
	struct ss_socket_owner owners[THREADS];
	unsigned int seed;
	uint64_t incarnation;
};

static const char *const paths[PLACES] = {"/a", "/b", "/b/inner", "/c", "/d"};

static int pick(struct world *w, int n)
{
	return rand_r(&w->seed) % n;
}

static uint64_t place_id(const struct world *w, int place)
{
	return 10 + (uint64_t)place + (place == 3 ? 100 * w->incarnation : 0);
}

/* ---- what happens to a thread ---- */

static uint64_t some_cgroup(struct world *w)
{
	int at = pick(w, PLACES + 3);

	if (at == PLACES)
		return SS_CGROUP_KERNEL;
	/* One that nobody knows, or knows only sometimes. */
	return at > PLACES ? 999 : place_id(w, at);
}

static void name_pick(struct world *w, char *comm)
{
	static const char *const known[] = {"CPU 0/KVM", "vhost-5", "runc", "node", "1_worker", "2_worker", "qemu-kvm"};

	memset(comm, 0, SS_COMM_LEN);
	if (pick(w, 8))
		snprintf(comm, SS_COMM_LEN, "n%d", pick(w, pick(w, 4) ? 4 : NAMES));
	else
		snprintf(comm, SS_COMM_LEN, "%s", known[pick(w, ARRAY_SIZE(known) - w->unknown_machines)]);
}

static void life_sleep(struct world *w, struct life *l)
{
	static const char states[] = {'S', 'D', 'S', 'R', 'T', 'I'};
	uint64_t bits =
		SS_MARK_BLOCKED | (pick(w, 4) ? 0 : SS_MARK_UNINTERRUPTIBLE) | (pick(w, 4) ? 0 : SS_MARK_IOWAIT);

	l->record.state = (uint32_t)states[pick(w, (int)sizeof(states))];
	l->record.mark = ss_mark_make(w->scene.sample.boot_ns,
				      ss_mark_with_class(bits, pick(w, 2) ? SS_WAIT_FUTEX : (uint32_t)pick(w, 16)));
	if (!pick(w, 6))
		l->record.mark = ss_mark_make(w->scene.sample.boot_ns, SS_MARK_RUNNABLE);
	l->record.open_wait_ns = pick(w, 5) ? 0 : (uint64_t)pick(w, 100000);
	l->asleep_since_ns = w->scene.sample.boot_ns - (uint64_t)pick(w, 1000000000);
}

/* Who it is besides: what it may do, where it is, whether it runs a machine. */
static void life_stand(struct world *w, struct ss_thread_record *r)
{
	uint32_t *namespaces[] = {&r->ns_pid, &r->ns_mnt,  &r->ns_net,	 &r->ns_uts,
				  &r->ns_ipc, &r->ns_user, &r->ns_cgroup};

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		*namespaces[i] = pick(w, 2) ? 7 : pick(w, 4) ? 100 * (uint32_t)r->cgroup_id + (uint32_t)i + 8 : 0;
	r->capabilities_bounding = (uint64_t)pick(w, 8) | 8;
	r->capabilities_permitted = r->capabilities_effective = (uint64_t)pick(w, 8);
	r->flags |= pick(w, 3) ? 0 : SS_THREAD_FORKED;
}

static void life_begin(struct world *w, int at)
{
	struct life *l = &w->lives[at];
	int leader = at - at % 4;
	bool leads = at == leader;
	uint64_t start = w->scene.sample.boot_ns - (uint64_t)pick(w, 500000000);

	*l = (struct life){.alive = true, .has_waits = pick(w, 8), .has_dead = leads && !pick(w, 3)};
	l->record = (struct ss_thread_record){.tid = 1 + (uint32_t)at,
					      .tgid = 1 + (uint32_t)leader,
					      .ppid = pick(w, 2) ? 5 : 1,
					      .flags = leads ? SS_THREAD_LEADER : 0,
					      .start_ns = start,
					      .process_start_ns = start,
					      .cgroup_id = some_cgroup(w),
					      .threads = 4,
					      .namespace_pid = leads ? 1 : 0,
					      .anonymous_units = leads ? (uint32_t)pick(w, 5000) : 0,
					      .ns_mnt = 7};
	if (!leads && w->lives[leader].alive)
		l->record.process_start_ns = w->lives[leader].record.start_ns;
	l->record.flags |= pick(w, 4) ? SS_THREAD_STATE : 0;
	l->record.flags |= pick(w, 60) ? 0 : SS_THREAD_GUEST;
	if (leads)
		life_stand(w, &l->record);
	if (leads && !pick(w, 12))
		l->record.flags |= SS_THREAD_KERNEL;
	name_pick(w, l->record.comm);
	life_sleep(w, l);
}

static void life_run(struct world *w, struct life *l)
{
	__u64 *waits = (__u64 *)&l->waits;

	l->record.used.exec_ns += (uint64_t)pick(w, 4000000);
	l->record.used.utime_ns += (uint64_t)pick(w, 2000000);
	l->record.used.stime_ns += (uint64_t)pick(w, 1000000);
	l->record.used.voluntary_switches += 3;
	l->record.used.run_delay_ns += pick(w, 3) ? 0 : 1000;
	for (int i = 0; i < 5; i++)
		waits[pick(w, SS_WAITS_FIELDS)] += (uint64_t)pick(w, 3000000) * (pick(w, 4) ? 1 : 1000);
	if (l->has_dead)
		l->dead.blocked_ns[pick(w, SS_WAIT_CLASSES)] += 1000;
}

static void life_change(struct world *w, int at)
{
	struct life *l = &w->lives[at];

	l->same = false;
	if (!l->alive) {
		life_begin(w, at);
		return;
	}
	switch (pick(w, 11)) {
	case 9:
		if (l->record.flags & SS_THREAD_LEADER)
			life_stand(w, &l->record);
		return;
	case 10:
		l->record.flags |= SS_THREAD_GUEST;
		return;
	case 0:
		l->alive = false;
		return;
	case 1:
		name_pick(w, l->record.comm);
		return;
	case 2:
		l->record.cgroup_id = some_cgroup(w);
		return;
	case 3: /* what it has used is charged; now and then the table is ahead of it */
		l->charged = l->waits;
		l->charged.blocked_ns[3] += pick(w, 3) ? 0 : 5000000000ULL;
		l->has_charged = true;
		l->record.charged = l->record.used;
		return;
	case 4:
		l->record.flags ^= pick(w, 2) ? SS_THREAD_ZOMBIE : SS_THREAD_STOPPED;
		return;
	case 5:
		l->record.flags ^= l->record.flags & SS_THREAD_LEADER ? SS_THREAD_CATCHES : SS_THREAD_ENDED;
		return;
	}
	life_run(w, l);
	life_sleep(w, l);
}

/* ---- a sample ---- */

static void place_add(struct world *w, int place)
{
	static const char *const homes[PLACES] = {"/a", "/b", "/b", "/c", "/d"};
	struct scene *s = &w->scene;
	bool apart = place == 2 && w->nested;
	struct sample_cgroup *c = scene_cgroup(s, place_id(w, place), place == 2 ? 11 : 1, paths[place], HOME_CONTAINER,
					       apart ? "inner" : homes[place] + 1);
	struct identity *who = &s->who[s->sample.n_cgroups - 1];

	who->home = apart ? paths[place] : homes[place];
	who->parent = apart ? "/b" : "";
	who->generation = 1 + w->unnamed;
	who->kind = place == 4 && w->unnamed ? HOME_SERVICE : HOME_CONTAINER;
	c->home_root = place != 2 || apart;
	c->files.cpu_usage_ns = s->sample.boot_ns / 1000;
	c->files.memory_usage = 4096;
}

static void cgroups_fill(struct world *w)
{
	w->scene.sample.n_cgroups = 0;
	for (int i = 0; i < PLACES; i++)
		if (w->places[i])
			place_add(w, i);
}

static void cgroups_change(struct world *w)
{
	switch (pick(w, 8)) {
	case 0:
		w->places[pick(w, PLACES)] ^= true;
		break;
	case 1: /* a container starts again */
		w->incarnation++;
		break;
	case 2:
		w->nested = !w->nested;
		break;
	case 3:
		w->unnamed = !w->unnamed;
		break;
	}
}

static void thread_tell(struct world *w, struct life *l)
{
	struct scene *s = &w->scene;
	size_t n = s->sample.n_threads++;
	struct told_thread *told = &s->told[l - w->lives];

	/* As the sampler does: what was told stays where it was. */
	s->threads[l - w->lives] = l->record;
	if (ss_mark_state(l->record.mark) == SS_MARK_BLOCKED)
		s->threads[l - w->lives].open_blocked_ns = s->sample.boot_ns - l->asleep_since_ns;
	*told = (struct told_thread){.record = &s->threads[l - w->lives],
				     .waits = l->has_waits ? &l->waits : NULL,
				     .waits_charged = l->has_waits && l->has_charged ? &l->charged : NULL,
				     .waits_dead = l->has_dead ? &l->dead : NULL};
	s->list[n] = (struct sample_thread){.told = told, .tid = l->record.tid, .same = l->same};
}

static void sample_fill(struct world *w)
{
	struct sample *p = &w->scene.sample;

	p->n_threads = p->n_gone_final = p->n_gone_open = 0;
	for (int i = 0; i < THREADS; i++)
		if (w->lives[i].alive)
			thread_tell(w, &w->lives[i]);
	if (!pick(w, 3))
		scene_gone(w->scene.final, &p->n_gone_final, place_id(w, pick(w, PLACES)), "n1", 1000003, 1);
	if (!pick(w, 3))
		scene_gone(w->scene.open, &p->n_gone_open, place_id(w, pick(w, PLACES)), "n2", 2000003, 1);
	cgroups_fill(w);
}

static void world_begin(struct world *w, unsigned int seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->unknown_machines = seed % 2;
	scene_init(&w->scene);
	scene_collector(&w->scene, "sched");
	for (int i = 0; i < PLACES; i++)
		w->places[i] = true;
}

/* Who listens where; now and then it is not known. */
static void listeners_change(struct world *w)
{
	struct sample *p = &w->scene.sample;

	p->socket_owners_ns = pick(w, 6) ? p->boot_ns : 0;
	p->n_socket_owners = 0;
	for (int i = 0; i < THREADS && p->socket_owners_ns; i += 4)
		for (int n = pick(w, 3); n > 0; n--)
			w->owners[p->n_socket_owners++] =
				(struct ss_socket_owner){.kind = 1,
							 .process_start_ns = w->lives[i].record.process_start_ns,
							 .inode = 50 + (uint64_t)pick(w, 3),
							 .tgid = 1 + (uint32_t)i,
							 .port = pick(w, 2) ? 80 : 0,
							 .connected = !pick(w, 3)};
	p->socket_owners = w->owners;
}

static void world_go_on(struct world *w)
{
	struct sample *p = &w->scene.sample;

	scene_tick(&w->scene, pick(w, 9) ? 1 : pick(w, 2) ? 0 : 40);
	for (int i = 0; i < THREADS; i++)
		w->lives[i].same = w->lives[i].alive;
	for (int n = pick(w, 3) ? pick(w, 4) : 30; n > 0; n--)
		life_change(w, pick(w, THREADS));
	if (!pick(w, 4))
		cgroups_change(w);
	if (!pick(w, 4))
		listeners_change(w);
	if (!pick(w, 15)) {
		p->io_unaccounted = !p->io_unaccounted;
		p->collectors[p->n_collectors - 1].ok ^= pick(w, 2);
	}
	sample_fill(w);
}

/* ---- what the two say ---- */

static void json_of(struct model *m, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(json_write_snapshot(out, model_snapshot(m), NULL), 0);
}

static void assert_values(const double *a, const double *b, size_t n)
{
	assert_memory_equal(a, b, n * sizeof(*a));
}

static void assert_equal(struct model *kept, struct model *all, struct buf *a, struct buf *b)
{
	const struct snapshot *x = model_snapshot(kept), *y = model_snapshot(all);

	json_of(kept, a);
	json_of(all, b);
	assert_string_equal(a->data, b->data);
	assert_values(x->v, y->v, HOST_METRICS);
	assert_int_equal(x->n_containers, y->n_containers);
	for (size_t i = 0; i < x->n_containers; i++)
		assert_values(x->containers[i].v, y->containers[i].v, CONTAINER_METRICS);
	assert_int_equal(x->n_groups, y->n_groups);
	for (size_t i = 0; i < x->n_groups; i++)
		assert_values(x->groups[i].v, y->groups[i].v, GROUP_METRICS);
	assert_int_equal(x->n_processes, y->n_processes);
	for (size_t i = 0; i < x->n_processes; i++)
		assert_values(x->processes[i].v, y->processes[i].v, PROCESS_METRICS);
}

/* Both take the sample, which `kept` takes for the one after that of pass - 1. */
static void both_update(struct world *w, struct model *kept, struct model *all, uint64_t pass)
{
	_cleanup_buf_ struct buf a = {}, b = {};

	w->scene.sample.threads_pass = pass;
	assert_int_equal(model_update(kept, &w->scene.sample), 0);
	w->scene.sample.threads_pass = 0;
	assert_int_equal(model_update(all, &w->scene.sample), 0);
	assert_equal(kept, all, &a, &b);
}

static void run(struct world *w, unsigned int seed)
{
	struct model *kept = model_new(), *all = model_new();
	uint64_t pass = 1;

	world_begin(w, seed);
	for (int round = 0; round < 120; round++) {
		world_go_on(w);
		pass++;
		/* A sample that never arrives: what is the same as in that one need not be the same as in the last that did. */
		if (!pick(w, 20)) {
			world_go_on(w);
			pass++;
		}
		both_update(w, kept, all, pass);
		if (!pick(w, 3)) {
			model_published(kept);
			model_published(all);
		}
		if (!pick(w, 25)) {
			model_rest(kept);
			model_rest(all);
		}
	}
	model_free(kept);
	model_free(all);
}

static void test_same(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (unsigned int seed = 1; seed <= 8; seed++)
		run(w, seed);
	free(w);
}

/* A thread between two of a pool, that does not wait for work itself, is of the pool at the second look. */
static void test_pool_widens(void **state)
{
	static const enum ss_wait_class classes[] = {SS_WAIT_NETWORK, SS_WAIT_FUTEX, SS_WAIT_NETWORK, SS_WAIT_FUTEX};
	struct world *w = malloc(sizeof(*w));
	struct model *kept = model_new(), *all = model_new();

	(void)state;
	assert_non_null(w);
	world_begin(w, 1);
	for (int i = 0; i < 4; i++) {
		struct life *l = &w->lives[i];

		life_begin(w, i);
		memcpy(l->record.comm, "server", sizeof("server"));
		l->record.flags = i ? SS_THREAD_STATE : SS_THREAD_STATE | SS_THREAD_LEADER;
		l->record.cgroup_id = place_id(w, 0);
		l->record.process_start_ns = w->lives[0].record.start_ns;
		l->record.state = 'S';
		l->record.open_wait_ns = 0;
		l->record.mark = ss_mark_make(w->scene.sample.boot_ns, ss_mark_with_class(SS_MARK_BLOCKED, classes[i]));
		l->has_waits = true;
		l->has_dead = false;
		l->waits.blocked_ns[classes[i]] = 5000000000ULL;
	}
	for (uint64_t pass = 1; pass < 5; pass++) {
		scene_tick(&w->scene, 1);
		for (int i = 0; i < 4; i++)
			w->lives[i].same = pass > 1;
		sample_fill(w);
		both_update(w, kept, all, pass);
	}
	model_free(kept);
	model_free(all);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_widens),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
