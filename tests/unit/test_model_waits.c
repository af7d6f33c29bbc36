/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_waits.c - what the model makes of waits and sleeps: whose they are, that nothing is counted twice or falls, the
 * histogram and its percentile, and pairs of neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/model_scene.h"

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

static void expect(double seen, double truth)
{
	if (!(fabs(seen - truth) <= 1e-9 * fabs(truth) + 1e-12))
		fail_msg("saw %.12g, true is %.12g", seen, truth);
}

static const struct neighbour_row *pair(const struct snapshot *s, const char *waiter, const char *runner)
{
	for (size_t i = 0; i < s->n_neighbours; i++)
		if (strcmp(s->containers[s->neighbours[i].waiter].cgroup, waiter) == 0 &&
		    strcmp(neighbour_runner(s, &s->neighbours[i]), runner) == 0)
			return &s->neighbours[i];
	return NULL;
}

static struct model *begin(struct scene *s)
{
	scene_init(s);
	scene_cgroup(s, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(s, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	scene_cgroup(s, 11, 1, "/docker/y", HOME_CONTAINER, "db");
	return model_new();
}

/* Without the collector nothing of it is known, and the kernel's own run_delay gives the rate. */
static void test_absent(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct container_row *c;

	(void)state;
	scene_process(&s, 7, 10, "app", 100)->used.run_delay_ns = 5;
	update(m, &s);
	scene_tick(&s, 2);
	s.threads[0].used.run_delay_ns = 1000000005;
	c = scene_row(update(m, &s), "/docker/x");
	assert_true(value_absent(c->v[CONTAINER_WAKEUP_WAIT]));
	assert_true(value_absent(c->v[CONTAINER_DELAY_COUNT]));
	assert_true(value_absent(c->v[CONTAINER_RUNNABLE]));
	assert_true(value_absent(c->v[CONTAINER_BLOCKED_FUTEX]));
	expect(c->v[CONTAINER_WAIT_RATE], 5e8);
	model_free(m);
}

/* A thread's own; what of it the gone tables hold already; its process's ended threads; a wait under way. */
static void test_whose(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	struct ss_thread_record *t;
	const struct snapshot *p;
	const struct container_row *c;
	struct ss_waits *w;

	(void)state;
	t = scene_process(&s, 7, 10, "app", 1000);
	t->mark = ss_mark_with_class(SS_MARK_BLOCKED | SS_MARK_IOWAIT, SS_WAIT_FILE);
	t->open_wait_ns = 3;
	t->open_blocked_ns = 40;
	w = scene_waits(&s, SS_BLOCK_WAITS);
	w->wakeup_wait_ns = 100;
	w->blocked_ns[SS_WAIT_EPOLL] = 500;
	w->delay_slots[0] = 4;
	scene_waits(&s, SS_BLOCK_WAITS_CHARGED)->wakeup_wait_ns = 60;
	scene_waits(&s, SS_BLOCK_WAITS_DEAD)->wakeup_wait_ns = 1000;
	scene_gone(s.final, &s.sample.n_gone_final, 10, "app", 0, 0);
	s.final[0].value.waits.wakeup_wait_ns = 1060;
	p = update(m, &s);
	/* The process: its own 100, 1,000 of its dead threads, 3 under way. */
	expect(p->processes[0].v[PROCESS_WAKEUP_WAIT], 1103);
	expect(p->processes[0].v[PROCESS_BLOCKED_FILE], 40);
	expect(p->processes[0].v[PROCESS_IOWAIT], 40);
	/* The container: 40 uncharged, 1,060 of the gone table, 3 under way. */
	c = scene_row(p, "/docker/x");
	expect(c->v[CONTAINER_WAKEUP_WAIT], 1103);
	expect(c->v[CONTAINER_BLOCKED_EPOLL], 500);
	expect(c->v[CONTAINER_BLOCKED_FILE], 40);
	/* The histogram's sum is that of the waits it counts. */
	expect(c->v[CONTAINER_DELAY_COUNT], 4);
	expect(c->v[CONTAINER_DELAY_SUM], 1100);

	/* A thread that has just ended is still there: its process has what it waited already, the container has not. */
	t = scene_process(&s, 8, 10, "app", 0);
	t->tgid = 7;
	t->process_start_ns = s.threads[0].process_start_ns;
	t->flags = (t->flags & ~(uint32_t)SS_THREAD_LEADER) | SS_THREAD_ENDED;
	scene_waits(&s, SS_BLOCK_WAITS)->wakeup_wait_ns = 1000;
	scene_tick(&s, 1);
	s.sample.n_gone_final = 0;
	p = update(m, &s);
	expect(p->processes[0].v[PROCESS_WAKEUP_WAIT], 1103);
	expect(scene_row(p, "/docker/x")->v[CONTAINER_WAKEUP_WAIT], 2103);
	s.sample.n_threads = 1;

	/* Read while it was being charged: the charged part is the larger. Nothing falls, nothing wraps. */
	scene_tick(&s, 1);
	s.sample.n_gone_final = 0;
	s.waits[1].wakeup_wait_ns = 150;
	c = scene_row(update(m, &s), "/docker/x");
	expect(c->v[CONTAINER_WAKEUP_WAIT], 2103);
	model_free(m);
}

/* It was runnable for the whole second and ran for a quarter of it; half of the rest it was throttled. */
static void test_averages(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct container_row *c;
	const struct snapshot *p;
	struct ss_waits *w;

	(void)state;
	scene_process(&s, 7, 10, "app", 1000);
	w = scene_waits(&s, SS_BLOCK_WAITS);
	w->delay_slots[23] = 1000; /* before the interval */
	update(m, &s);
	scene_tick(&s, 1);
	s.threads[0].used.exec_ns += 250000000;
	w->preempted_wait_ns += 750000000;
	w->throttled_ns += 375000000;
	w->delay_slots[3] += 990;
	w->delay_slots[10] += 10;
	p = update(m, &s);
	c = scene_row(p, "/docker/x");
	expect(c->v[CONTAINER_RUNNABLE], 1);
	expect(c->v[CONTAINER_RUNNING], 0.25);
	expect(c->v[CONTAINER_WAIT_RATE], 7.5e8);
	expect(c->v[CONTAINER_THROTTLED_WAIT_RATIO], 0.375);
	expect(p->processes[0].v[PROCESS_RUNNABLE], 1);
	/* 99 of 100 are in slot 3: below 16 us. One more in the long slot, and it is that one's edge. */
	expect(c->v[CONTAINER_DELAY_P99], 16000);
	scene_tick(&s, 1);
	w->delay_slots[3] += 98;
	w->delay_slots[10] += 2;
	expect(scene_row(update(m, &s), "/docker/x")->v[CONTAINER_DELAY_P99], 2048000);
	/* No wait ended in the interval: there is no percentile. */
	scene_tick(&s, 1);
	assert_true(value_absent(scene_row(update(m, &s), "/docker/x")->v[CONTAINER_DELAY_P99]));
	model_free(m);
}

static void test_buckets(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const double *v;
	struct ss_waits *w;

	(void)state;
	scene_process(&s, 7, 10, "app", 1000);
	w = scene_waits(&s, SS_BLOCK_WAITS);
	for (int i = 0; i < SS_DELAY_SLOTS; i++)
		w->delay_slots[i] = 1;
	v = scene_row(update(m, &s), "/docker/x")->v;
	expect(v[CONTAINER_DELAY_4US], 2);  /* slots 0 and 1 */
	expect(v[CONTAINER_DELAY_16US], 4); /* up to slot 3, which ends at 16 us */
	expect(v[CONTAINER_DELAY_64US], 6);
	expect(v[CONTAINER_DELAY_128US], 7);
	expect(v[CONTAINER_DELAY_32768US], 15);
	expect(v[CONTAINER_DELAY_4194304US], 22);
	expect(v[CONTAINER_DELAY_INF], 24);
	expect(v[CONTAINER_DELAY_COUNT], 24);
	model_free(m);
}

static void test_pairs(void **state)
{
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;

	(void)state;
	/* Two cgroups of one container are one neighbour. */
	scene_cgroup(&s, 12, 10, "/docker/x/inner", HOME_CONTAINER, "web");
	s.who[3].home = "/docker/x";
	s.cgroups[3].home_root = false;
	scene_process(&s, 7, 10, "app", 1000);
	scene_waits(&s, SS_BLOCK_WAITS);
	scene_process(&s, 8, 11, "db", 1000);
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 10, 11, 600);
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 12, 11, 300);
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 10, 12, 50);
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 10, SS_CGROUP_OTHERS, 7);
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 11, SS_CGROUP_KERNEL, 8);
	p = update(m, &s);
	expect(pair(p, "/docker/x", "db")->v[NEIGHBOUR_WAIT], 900);
	expect(pair(p, "/docker/x", "web")->v[NEIGHBOUR_WAIT], 50);
	expect(pair(p, "/docker/x", "~other")->v[NEIGHBOUR_WAIT], 7);
	expect(pair(p, "/docker/y", "kernel")->v[NEIGHBOUR_WAIT], 8);

	/* What was open comes again as final; the open one has begun anew. */
	scene_tick(&s, 1);
	memcpy(s.pairs_final, s.pairs_open, sizeof(s.pairs_final));
	s.sample.n_pairs_final = s.sample.n_pairs_open;
	s.pairs_final[0].value.wait_ns = 700;
	s.sample.n_pairs_open = 0;
	scene_pair(s.pairs_open, &s.sample.n_pairs_open, 10, 10, 300);
	p = update(m, &s);
	expect(pair(p, "/docker/x", "db")->v[NEIGHBOUR_WAIT], 1000);
	expect(pair(p, "/docker/x", "db")->v[NEIGHBOUR_WAIT_RATE], 100);
	expect(pair(p, "/docker/x", "web")->v[NEIGHBOUR_WAIT], 350);
	expect(pair(p, "/docker/x", "db")->v[NEIGHBOUR_SHARE], 0.25);

	/* A table that was emptied under our eyes: nothing falls. */
	scene_tick(&s, 1);
	s.sample.n_pairs_final = s.sample.n_pairs_open = 0;
	p = update(m, &s);
	expect(pair(p, "/docker/x", "web")->v[NEIGHBOUR_WAIT], 350);

	/* The runner is forgotten 30 s after it died, and its pairs with it. */
	s.sample.n_cgroups = 2;
	s.sample.n_threads = 1;
	scene_tick(&s, 1);
	update(m, &s);
	scene_tick(&s, 31);
	update(m, &s);
	scene_tick(&s, 31);
	p = update(m, &s);
	assert_null(scene_row(p, "/docker/y"));
	assert_null(pair(p, "/docker/x", "db"));
	assert_non_null(pair(p, "/docker/x", "web"));
	model_free(m);
}

/* More pairs than are kept apart: the rest of a waiter's runners is one row, and it is said how often that happened. */
static void test_pairs_bounded(void **state)
{
	enum { HOMES = 92 };
	static char paths[HOMES][32];
	static struct sample_cgroup cgroups[HOMES];
	static struct identity who[HOMES];
	static struct sample_pair many[HOMES * HOMES];
	struct scene s;
	struct model *m = begin(&s);
	const struct snapshot *p;
	double folded = 0, sum = 0, others = 0;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < HOMES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/docker/%zu", i);
		who[i] = s.who[1];
		who[i].home = who[i].name = paths[i];
		cgroups[i] = s.cgroups[1];
		cgroups[i].id = 100 + i;
		cgroups[i].path = paths[i];
		cgroups[i].who = &who[i];
	}
	s.sample.cgroups = cgroups;
	s.sample.n_cgroups = HOMES;
	for (size_t a = 0; a < HOMES; a++)
		for (size_t b = 0; b < HOMES; b++)
			many[n++] = (struct sample_pair){{100 + a, 100 + b}, {1, 1}};
	s.sample.pairs_final = many;
	s.sample.n_pairs_final = n;
	p = update(m, &s);
	for (size_t i = 0; i < p->n_neighbours; i++) {
		sum += p->neighbours[i].v[NEIGHBOUR_WAIT];
		if (p->neighbours[i].runner == NEIGHBOUR_OTHERS)
			others += p->neighbours[i].v[NEIGHBOUR_WAIT];
	}
	for (size_t i = 0; i < p->n_losses; i++)
		if (strcmp(p->losses[i].kind, "pair_folded") == 0)
			folded = (double)p->losses[i].count;
	expect(sum, (double)n);
	expect(others, (double)(n - 8192));
	expect(folded, others);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),	cmocka_unit_test(test_whose), cmocka_unit_test(test_averages),
		cmocka_unit_test(test_buckets), cmocka_unit_test(test_pairs), cmocka_unit_test(test_pairs_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
