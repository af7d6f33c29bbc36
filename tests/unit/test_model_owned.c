/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_owned.c - a snapshot owns what it points to. The whole sample is overwritten after each update, and every view
 * must render the same as without that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exporters/json/json.h"
#include "exporters/prometheus/prometheus.h"
#include "exporters/table/stall.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "lib/model_scene.h"

#define OVERWRITTEN 0xAA

/* A sample with everything that it points to, the text of its names included. */
static struct owned {
	struct scene scene;
	struct sample_transition transitions[4];
	struct sample_check checks[4];
	struct ss_socket_owner owners[4];
	char text[4096];
} sample;
static struct owned kept;
static size_t text_used;

/* A copy of the name inside of the sample. */
static const char *text(const char *value)
{
	char *copy = sample.text + text_used;

	text_used += strlen(value) + 1;
	assert_true(text_used <= sizeof(sample.text));
	return strcpy(copy, value);
}

static struct sample_cgroup *container(uint64_t id, const char *path, const char *name)
{
	struct scene *s = &sample.scene;
	struct sample_cgroup *c = scene_cgroup(s, id, 1, text(path), HOME_CONTAINER, text(name));
	struct identity *who = &s->who[s->sample.n_cgroups - 1];

	who->runtime = text("docker");
	who->image = text("image:1");
	who->id = text("0123456789abcdef");
	who->parent = text("/");
	who->pod = text("pod");
	who->pod_namespace = text("prod");
	who->labels = text("{\"a\":\"b\"}");
	c->files.cpu_usage_ns = id * 1000000000;
	c->files.memory_usage = id << 20;
	c->counts.flags = SS_CGROUP_SEEN_CREATED;
	c->counts.created_ns = 900000000000ULL;
	c->counts.start.step_ns[0] = 900001000000ULL;
	return c;
}

/* A process that lives in epoll. */
static struct ss_thread_record *loop_process(uint32_t pid, uint64_t cgroup, const char *comm)
{
	struct ss_thread_record *r = scene_process(&sample.scene, pid, cgroup, comm, pid * 1000000);

	scene_waits(&sample.scene, SS_BLOCK_WAITS)->blocked_ns[SS_WAIT_EPOLL] = 60000000000ULL;
	scene_loop(&sample.scene, SS_LOOP_WAITING, 10000000)->loop.waits = 100;
	r->ns_pid = r->ns_mnt = pid;
	return r;
}

static void stall_add(void)
{
	struct ss_fact *f = scene_stall(&sample.scene, 100, 400000000);

	f->cgroup_id = 10;
	snprintf(f->comm, sizeof(f->comm), "stalled");
	f->stall.wall_ns = 180000000;
	f->stall.runqueue_ns = 170000000;
	f->stall.cause = SS_STALL_RUNQUEUE;
	f->stall.runner = 11;
}

static void oom_kill_add(void)
{
	static const char *const names[] = {"docker"};
	struct ss_fact *f = scene_oom_kill(&sample.scene, 101, 10, SS_OOM_CGROUP, names, 1);

	snprintf(f->comm, sizeof(f->comm), "chosen");
	snprintf(f->oom.asker, sizeof(f->oom.asker), "asker");
}

static void sample_build(void)
{
	struct scene *s = &sample.scene;

	memset(&sample, 0, sizeof(sample));
	text_used = 0;
	scene_init(s);
	scene_cgroup(s, 1, 0, text("/"), HOME_HOST, text("host"));
	container(10, "/docker/web", "web");
	container(11, "/docker/db", "db");
	container(12, "/docker/gone", "gone")->alive = false;
	scene_gone(s->final, &s->sample.n_gone_final, 12, "batch", 2500000000, 7);
	scene_pair(s->pairs_final, &s->sample.n_pairs_final, 10, 11, 1500000000);
	scene_process(s, 1, 1, "init", 1000000000)->ns_pid = 5;
	loop_process(100, 10, "nginx");
	loop_process(101, 10, "nginx")->ppid = 100;
	loop_process(200, 11, "postgres")->ns_mnt = 100;
	sample.transitions[0] = (struct sample_transition){.key = {.cgroup_id = 10, .kinds = 3, .how = SS_NS_SETNS}};
	sample.transitions[0].count = 23;
	sample.checks[0] = (struct sample_check){.key = {.cgroup_id = 10, .capability = 21}, .count = 101};
	snprintf(sample.checks[0].key.comm, sizeof(sample.checks[0].key.comm), "mount");
	sample.owners[0] =
		(struct ss_socket_owner){.process_start_ns = 5000000100ULL, .inode = 7, .tgid = 100, .port = 80};
	sample.owners[1] =
		(struct ss_socket_owner){.process_start_ns = 5000000101ULL, .inode = 7, .tgid = 101, .port = 80};
	s->sample.transitions_final = sample.transitions;
	s->sample.n_transitions_final = 1;
	s->sample.checks = sample.checks;
	s->sample.n_checks = 1;
	s->sample.socket_owners = sample.owners;
	s->sample.n_socket_owners = 2;
	s->sample.socket_owners_ns = s->sample.boot_ns;
	stall_add();
	oom_kill_add();
	scene_collector(s, "births");
	for (size_t i = 0; i < s->sample.n_collectors; i++)
		s->sample.collectors[i].name = text(s->sample.collectors[i].name);
}

static void render_details(struct buf *out, const struct snapshot *s)
{
	for (size_t view = 0; view < VIEWS; view++)
		for (size_t i = 0; views[view]->detail && i < views[view]->count(s); i++)
			views[view]->detail(out, s, (uint32_t)i, 80);
	for (size_t i = 0; i < s->n_stalls; i++) {
		buf_str(out, s->stalls[i].comm);
		stall_sentence(out, &s->stalls[i].stall);
	}
}

static void render(struct buf *out, const struct snapshot *s)
{
	struct prometheus *p = prometheus_new(true);
	struct table_choice c;

	assert_non_null(p);
	for (size_t view = 0; view < VIEWS; view++) {
		table_choice_init(&c, views[view]);
		assert_int_equal(table_write_plain(out, s, &c, 160), 0);
		assert_int_equal(table_write_csv(out, s, &c, true), 0);
	}
	assert_int_equal(json_write_snapshot(out, s, NULL), 0);
	assert_int_equal(prometheus_write(p, out, s, NULL), 0);
	render_details(out, s);
	buf_str(out, s->hostname);
	buf_str(out, s->kernel);
	for (size_t i = 0; i < s->n_collectors; i++)
		buf_str(out, s->collectors[i].name);
	prometheus_free(p);
}

/* Three updates; `overwrite`: nothing of a sample is left when its snapshot is rendered. */
static void run(struct buf *out, bool overwrite)
{
	struct model *m = model_new();

	assert_non_null(m);
	sample_build();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(model_update(m, &sample.scene.sample), 0);
		kept = sample;
		if (overwrite)
			memset(&sample, OVERWRITTEN, sizeof(sample));
		render(out, model_snapshot(m));
		sample = kept;
		scene_tick(&sample.scene, 1);
		sample.scene.sample.n_gone_final = 0;
	}
	model_free(m);
}

static void test_overwritten(void **state)
{
	_cleanup_buf_ struct buf intact = {}, overwritten = {};

	(void)state;
	run(&intact, false);
	run(&overwritten, true);
	assert_false(intact.failed || overwritten.failed);
	/* What the sample was built for is on the screens. */
	assert_non_null(strstr(intact.data, "stalled"));
	assert_non_null(strstr(intact.data, "CPU held by db"));
	assert_non_null(strstr(intact.data, "batch"));
	assert_int_equal(intact.len, overwritten.len);
	assert_memory_equal(intact.data, overwritten.data, intact.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_overwritten)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
