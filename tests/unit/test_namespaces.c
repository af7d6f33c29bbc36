/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_namespaces.c - namespaces without a kernel: which transitions are a runtime's own, what is counted where, whose a
 * namespace is, and who is in it from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "view/expected.h"
#include "lib/model_scene.h"

static void test_expected(void **state)
{
	static const struct {
		const char comm[SS_COMM_LEN + 1];
		enum home_kind kind;
		bool expected;
		uint32_t signs;
	} cases[] = {
		/* From memory, or from a descriptor, its name says nothing; so do runtimes that nobody has heard of. */
		{"memfd:crun_clon", HOME_HOST, true, SS_RUNTIME_HIDDEN},
		{"memfd:crun_clon", HOME_CONTAINER, true, SS_RUNTIME_EARLY},
		{"memfd:crun_clon", HOME_HOST, false, 0},
		{"6", HOME_SERVICE, true, SS_RUNTIME_HIDDEN},
		{"6", HOME_CONTAINER, true, SS_RUNTIME_HIDDEN | SS_RUNTIME_EARLY},
		{"6", HOME_SERVICE, false, 0},
		{"newrt", HOME_CONTAINER, true, SS_RUNTIME_EARLY},
		{"newrt", HOME_POD, true, SS_RUNTIME_EARLY},
		{"exe", HOME_SERVICE, true, SS_RUNTIME_LINK},
		{"6", HOME_CGROUP, true, SS_RUNTIME_LINK},
		/* A browser in a container executes itself, too. */
		{"exe", HOME_CONTAINER, false, SS_RUNTIME_LINK},
		/* Outside of containers a cgroup without a program of its own is nothing special. */
		{"newrt", HOME_SERVICE, false, SS_RUNTIME_EARLY},
		{"newrt", HOME_CGROUP, false, SS_RUNTIME_EARLY},
		{"runc:[2:INIT]", HOME_CONTAINER, true, 0},
		{"runc:[1:CHILD]", HOME_HOST, true, 0},
		{"runc", HOME_SERVICE, true, 0},
		{"runcible", HOME_SERVICE, false, 0},
		{"crun", HOME_CONTAINER, true, 0},
		{"containerd-shim", HOME_SERVICE, true, 0},
		{"containerd-shim", HOME_CONTAINER, false, 0},
		{"dockerd", HOME_SERVICE, true, 0},
		{"dockerd", HOME_CONTAINER, false, 0},
		{"dockerdx", HOME_SERVICE, false, 0},
		{"(httpd)", HOME_SERVICE, true, 0},
		{"(httpd)", HOME_CONTAINER, false, 0},
		{"systemd-udevd", HOME_SERVICE, true, 0},
		{"nsenter", HOME_SESSION, false, 0},
		{"unshare", HOME_CONTAINER, false, 0},
		{"", HOME_HOST, false, 0},
		{"systemdsystemdsy", HOME_HOST, true, 0}, /* no NUL behind it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (namespace_transition_expected(cases[i].comm, cases[i].kind, cases[i].signs) != cases[i].expected)
			fail_msg("%s in %d", cases[i].comm, cases[i].kind);
	assert_string_equal(namespace_how_name(SS_NS_SETNS), "setns");
	assert_string_equal(namespace_how_name(77), "unknown");
}

static void namespaces_set(struct ss_thread_record *r, uint32_t pid, uint32_t mnt, uint32_t net)
{
	r->ns_pid = pid;
	r->ns_mnt = mnt;
	r->ns_net = net;
	r->ns_uts = 14;
	r->ns_user = 15;
}

static void scene_build(struct scene *s)
{
	scene_init(s);
	scene_cgroup(s, 10, 0, "/", HOME_HOST, "host");
	scene_cgroup(s, 20, 10, "/docker/a", HOME_CONTAINER, "a");
	scene_cgroup(s, 30, 10, "/docker/b", HOME_CONTAINER, "b");
	scene_cgroup(s, 40, 20, "/docker/a/docker/c", HOME_CONTAINER, "c");
	s->who[3].parent = "/docker/a";
	/* Born in the order of their pids. */
	namespaces_set(scene_process(s, 1, 10, "init", 0), 11, 12, 13);
	namespaces_set(scene_process(s, 100, 20, "a", 0), 111, 112, 113);
	namespaces_set(scene_process(s, 200, 30, "b", 0), 211, 212, 113);      /* --network=container:a */
	namespaces_set(scene_process(s, 300, 40, "c", 0), 311, 312, 113);      /* inside of a */
	namespaces_set(scene_process(s, 400, 10, "nsenter", 0), 11, 112, 113); /* from the host into a */
	namespaces_set(scene_process(s, 500, 30, "escaped", 0), 211, 12, 113); /* in b, with the host's files */
}

static const struct container_row *row_named(const struct snapshot *s, const char *cgroup)
{
	const struct container_row *row = scene_row(s, cgroup);

	assert_non_null(row);
	return row;
}

static void test_outside(void **state)
{
	static struct scene s;
	struct model *m = model_new();
	const struct container_row *a, *b, *c;
	const struct snapshot *p;

	(void)state;
	scene_build(&s);
	assert_int_equal(model_update(m, &s.sample), 0);
	p = model_snapshot(m);
	a = row_named(p, "/docker/a");
	b = row_named(p, "/docker/b");
	c = row_named(p, "/docker/a/docker/c");
	/* Both of b, and nsenter; not c, which lives in a. */
	assert_int_equal(a->n_outside, 3);
	for (size_t i = 0; i < a->n_outside; i++) {
		const struct process_row *process = &p->processes[a->outside[i].process];

		assert_int_equal(a->outside[i].kinds,
				 process->pid == 400 ? 1u << SS_NS_MNT | 1u << SS_NS_NET : 1u << SS_NS_NET);
		assert_true(process->pid == 200 || process->pid == 400 || process->pid == 500);
	}
	/* The network is a's: it is the older one. */
	assert_int_equal(b->n_outside, 0);
	assert_int_equal(c->n_outside, 0);
	assert_true(a->host_namespaces_known);
	assert_int_equal(a->host_namespaces, 1u << SS_NS_UTS | 1u << SS_NS_USER);
	assert_int_equal(b->host_namespaces, 1u << SS_NS_UTS | 1u << SS_NS_USER | 1u << SS_NS_MNT);
	assert_false(row_named(p, "/")->host_namespaces_known);
	model_free(m);
}

/* Without init's record the kernel's threads say what is the host's; without either nothing is known. */
static void test_host_not_known(void **state)
{
	static struct scene s;
	struct model *m = model_new();

	(void)state;
	scene_build(&s);
	s.threads[0].tid = s.threads[0].tgid = 2;
	s.threads[0].flags |= SS_THREAD_KERNEL;
	assert_int_equal(model_update(m, &s.sample), 0);
	assert_true(row_named(model_snapshot(m), "/docker/a")->host_namespaces_known);
	assert_int_equal(row_named(model_snapshot(m), "/docker/a")->n_outside, 3);
	s.threads[0].flags &= ~SS_THREAD_KERNEL;
	scene_tick(&s, 1);
	assert_int_equal(model_update(m, &s.sample), 0);
	assert_false(row_named(model_snapshot(m), "/docker/a")->host_namespaces_known);
	assert_int_equal(row_named(model_snapshot(m), "/docker/a")->n_outside, 0);
	model_free(m);
}

static double count_of(const struct snapshot *p, const char *cgroup, uint32_t kind, const char *how, bool expected)
{
	const struct container_row *c = row_named(p, cgroup);

	for (size_t i = 0; i < c->n_transitions; i++)
		if (c->transitions[i].kind == kind && c->transitions[i].expected == expected &&
		    strcmp(c->transitions[i].how, how) == 0)
			return c->transitions[i].v[TRANSITION_COUNT];
	return -1;
}

/* What comes again, grown, in the open table counts once; what was final stays. */
static void test_counts(void **state)
{
	static struct scene s;
	struct sample_transition final[2] = {
		{{20, 1u << SS_NS_NET | 1u << SS_NS_UTS, SS_NS_UNSHARE, 0, "app"}, 3},
		{{20, 1u << SS_NS_NET, SS_NS_SETNS, SS_RUNTIME_EARLY, "newrt"}, 1},
	};
	struct sample_transition open[1] = {{{20, 1u << SS_NS_NET, SS_NS_UNSHARE, 0, "app"}, 2}};
	struct model *m = model_new();

	(void)state;
	scene_build(&s);
	s.sample.transitions_final = final;
	s.sample.transitions_open = open;
	s.sample.n_transitions_final = 2;
	s.sample.n_transitions_open = 1;
	assert_int_equal(model_update(m, &s.sample), 0);
	assert_true(count_of(model_snapshot(m), "/docker/a", SS_NS_NET, "unshare", false) == 5);
	assert_true(count_of(model_snapshot(m), "/docker/a", SS_NS_UTS, "unshare", false) == 3);
	assert_true(count_of(model_snapshot(m), "/docker/a", SS_NS_NET, "setns", true) == 1);
	assert_int_equal(row_named(model_snapshot(m), "/docker/b")->n_transitions, 0);
	scene_tick(&s, 1);
	s.sample.n_transitions_final = 0;
	assert_int_equal(model_update(m, &s.sample), 0);
	assert_true(count_of(model_snapshot(m), "/docker/a", SS_NS_NET, "unshare", false) == 5);
	assert_true(count_of(model_snapshot(m), "/docker/a", SS_NS_NET, "setns", true) == 1);
	/* A home that is forgotten takes its counts along. */
	s.sample.n_transitions_open = s.sample.n_cgroups = s.sample.n_threads = 0;
	scene_tick(&s, 100);
	assert_int_equal(model_update(m, &s.sample), 0);
	scene_tick(&s, 100);
	assert_int_equal(model_update(m, &s.sample), 0);
	assert_null(scene_row(model_snapshot(m), "/docker/a"));
	assert_int_equal(model_snapshot(m)->n_transitions, 0);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_host_not_known),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
