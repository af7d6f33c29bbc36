/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_prometheus_labels.c - the profiles of labels: what a home's series have and what is left to a join; chosen labels of
 * containers; and process-exporter's families, whose only label is a name that several containers share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exporters/prometheus/prometheus_internal.h"
#include "lib/promcheck.h"
#include "lib/snapshot_fixture.h"

#define TEAM "com.example.team"

static const char *const chosen[] = {TEAM, "tier", "absent"};

static void text_of(struct prometheus *p, struct fixture *f, bool named, struct buf *ret)
{
	struct prometheus_options o = {.process_metrics = true, .named = named};
	struct prom_check check = {.errors = stderr};

	buf_reset(ret);
	assert_int_equal(prometheus_write(p, ret, &f->s, &o), 0);
	assert_int_equal(prom_check_text(&check, ret->data, ret->len), 0);
	prom_check_free(&check);
}

static void assert_text(const struct buf *text, const char *line, bool there)
{
	if ((strstr(text->data, line) != NULL) == there)
		return;
	print_error("%s: %s\n", there ? "missing" : "not expected", line);
	fail();
}

static void pod_init(struct fixture *f)
{
	fixture_init(f, 1, 0, 0);
	f->containers[0].name = "app";
	f->containers[0].image = "busybox:1";
	f->containers[0].pod = "app-7f";
	f->containers[0].namespace_ = "prod";
	f->containers[0].cgroup = "/kubepods/x";
	f->containers[0].labels = "{\"" TEAM "\": \"blue \\\"1\\\"\", \"tier\": 3, \"secret\": \"no\"}";
	fixture_absent(f->containers[0].v, CONTAINER_METRICS);
	f->containers[0].v[CONTAINER_CPU_USAGE] = 1500000000;
	f->containers[0].v[CONTAINER_FORKS] = 7;
}

#define INFO_POD ",pod=\"app-7f\",namespace=\"prod\",container_label_com_example_team=\"blue \\\"1\\\"\"} 1\n"

static void test_profile_cadvisor(void **state)
{
	struct prometheus *p = prometheus_new(true);
	_cleanup_buf_ struct buf text = {};
	struct fixture f;

	(void)state;
	pod_init(&f);
	prometheus_labels(p, false, chosen, ARRAY_SIZE(chosen));
	text_of(p, &f, false, &text);
	assert_text(&text,
		    "\ncontainer_cpu_usage_seconds_total{id=\"/kubepods/"
		    "x\",name=\"app\",image=\"busybox:1\",container=\"app\","
		    "pod=\"app-7f\",namespace=\"prod\",container_label_com_example_team=\"blue "
		    "\\\"1\\\"\",cpu=\"total\"} 1.5\n",
		    true);
	assert_text(&text,
		    "\nsysscope_container_forks_total{container=\"app\",id=\"/kubepods/"
		    "x\",pod=\"app-7f\",namespace=\"prod\"} 7\n",
		    true);
	assert_text(&text, INFO_POD, true);
	/* What was not asked for, is no text, or is not there. */
	assert_text(&text, "secret", false);
	assert_text(&text, "container_label_tier", false);
	assert_text(&text, "container_label_absent", false);
	/* A runtime that changes a label makes another series. */
	f.containers[0].labels = "{\"" TEAM "\": \"red\"}";
	text_of(p, &f, false, &text);
	assert_text(&text, "container_label_com_example_team=\"red\",cpu=\"total\"} 1.5\n", true);
	assert_text(&text, "blue", false);
	f.containers[0].labels = "{\"" TEAM;
	text_of(p, &f, false, &text);
	assert_text(&text, "container_label", false);
	prometheus_free(p);
	fixture_free(&f);
}

static void test_profile_minimal(void **state)
{
	struct prometheus *p = prometheus_new(true);
	_cleanup_buf_ struct buf text = {};
	struct fixture f;

	(void)state;
	pod_init(&f);
	prometheus_labels(p, true, chosen, ARRAY_SIZE(chosen));
	text_of(p, &f, false, &text);
	assert_text(&text, "\ncontainer_cpu_usage_seconds_total{id=\"/kubepods/x\",name=\"app\",cpu=\"total\"} 1.5\n",
		    true);
	assert_text(&text, "\nsysscope_container_forks_total{container=\"app\",id=\"/kubepods/x\"} 7\n", true);
	assert_text(&text, INFO_POD, true);
	prometheus_free(p);
	fixture_free(&f);
}

static void test_clash(void **state)
{
	static const char *const names[] = {"a.b", "c", "a-b"}, *const few[] = {"a.b", "a.c"};
	size_t first = 9;

	(void)state;
	assert_int_equal(prometheus_labels_clash(names, 3, &first), 2);
	assert_int_equal(first, 0);
	assert_int_equal(prometheus_labels_clash(few, 2, &first), 2);
	assert_int_equal(prometheus_labels_clash(NULL, 0, &first), 0);
}

/* ---- process-exporter's families ---- */

static void shell_set(struct fixture *f, uint32_t i, uint32_t container, char state, double start)
{
	f->processes[i].comm = "sh";
	f->processes[i].container = container;
	f->processes[i].state = state;
	f->processes[i].kernel = false;
	f->processes[i].start_time = start;
	fixture_absent(f->processes[i].v, PROCESS_METRICS);
	f->processes[i].v[PROCESS_SWAP] = 4096;
}

static void shells_init(struct fixture *f)
{
	fixture_init(f, 2, 2, 3);
	f->containers[0].cgroup = "/docker/a";
	f->containers[1].cgroup = "/docker/b";
	for (uint32_t i = 0; i < 2; i++) {
		f->groups[i].container = i;
		f->groups[i].comm = "sh";
		f->groups[i].dead = false;
		fixture_absent(f->groups[i].v, GROUP_METRICS);
		f->groups[i].v[GROUP_CPU_USAGE] = 3e9 * (i + 1);
		f->groups[i].v[GROUP_CPU_USER] = 1e9 * (i + 1);
		f->groups[i].v[GROUP_CPU_SYSTEM] = 2e9 * (i + 1);
		f->groups[i].v[GROUP_PROCESSES] = 1 + i;
		f->groups[i].v[GROUP_RSS] = 1000;
		f->groups[i].v[GROUP_MINOR_FAULTS] = 11 + i;
	}
	shell_set(f, 0, 0, 'S', 1700000050);
	shell_set(f, 1, 1, 'D', 1700000020);
	shell_set(f, 2, 1, 'Z', 1700000099);
}

#define NAMED(family) "\nnamedprocess_namegroup_" family

static void test_named(void **state)
{
	struct prometheus *p = prometheus_new(false);
	_cleanup_buf_ struct buf text = {};
	struct fixture f;

	(void)state;
	shells_init(&f);
	text_of(p, &f, false, &text);
	assert_text(&text, "namedprocess", false);
	text_of(p, &f, true, &text);
	assert_text(&text, NAMED("num_procs{groupname=\"sh\"} 3\n"), true);
	assert_text(&text, NAMED("cpu_seconds_total{groupname=\"sh\",mode=\"user\"} 3\n"), true);
	assert_text(&text, NAMED("cpu_seconds_total{groupname=\"sh\",mode=\"system\"} 6\n"), true);
	assert_text(&text, NAMED("minor_page_faults_total{groupname=\"sh\"} 23\n"), true);
	assert_text(&text, NAMED("memory_bytes{groupname=\"sh\",memtype=\"resident\"} 2000\n"), true);
	assert_text(&text, NAMED("memory_bytes{groupname=\"sh\",memtype=\"swapped\"} 12288\n"), true);
	assert_text(&text, NAMED("oldest_start_time_seconds{groupname=\"sh\"} 1700000020\n"), true);
	assert_text(&text, NAMED("states{groupname=\"sh\",state=\"Running\"} 0\n"), true);
	assert_text(&text, NAMED("states{groupname=\"sh\",state=\"Sleeping\"} 1\n"), true);
	assert_text(&text, NAMED("states{groupname=\"sh\",state=\"Waiting\"} 1\n"), true);
	assert_text(&text, NAMED("states{groupname=\"sh\",state=\"Zombie\"} 1\n"), true);
	/* The container of one of them goes, with what it used: nothing falls. */
	f.s.n_groups = 1;
	f.s.n_processes = 1;
	f.groups[0].v[GROUP_CPU_USER] += 5e8;
	text_of(p, &f, true, &text);
	assert_text(&text, NAMED("num_procs{groupname=\"sh\"} 1\n"), true);
	assert_text(&text, NAMED("cpu_seconds_total{groupname=\"sh\",mode=\"user\"} 3.5\n"), true);
	assert_text(&text, NAMED("minor_page_faults_total{groupname=\"sh\"} 23\n"), true);
	assert_text(&text, NAMED("oldest_start_time_seconds{groupname=\"sh\"} 1700000050\n"), true);
	/* A name without a living process shows that, and when there is no row, nothing. */
	f.s.n_processes = 0;
	f.groups[0].dead = true;
	f.groups[0].v[GROUP_PROCESSES] = 0;
	text_of(p, &f, true, &text);
	assert_text(&text, NAMED("num_procs{groupname=\"sh\"} 0\n"), true);
	assert_text(&text, NAMED("oldest"), false);
	f.s.n_groups = 0;
	text_of(p, &f, true, &text);
	assert_text(&text, "groupname=\"sh\"", false);
	prometheus_free(p);
	fixture_free(&f);
}

/* More names than a family may have: the rest is `~other`, and counted. */
static void test_named_folded(void **state)
{
	struct prometheus_options o = {.process_metrics = true, .named = true, .max_series = 4};
	struct prometheus *p = prometheus_new(false);
	_cleanup_buf_ struct buf text = {};
	static char names[10][8];
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 10, 0);
	for (uint32_t i = 0; i < 10; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		f.groups[i].container = 0;
		f.groups[i].comm = names[i];
		fixture_absent(f.groups[i].v, GROUP_METRICS);
		f.groups[i].v[GROUP_CPU_USAGE] = 1e9 * i;
		f.groups[i].v[GROUP_PROCESSES] = 1;
	}
	assert_int_equal(prometheus_write(p, &text, &f.s, &o), 0);
	assert_text(&text, NAMED("num_procs{groupname=\"p9\"} 1\n"), true);
	assert_text(&text, NAMED("num_procs{groupname=\"~other\"} 7\n"), true);
	assert_text(&text, "\nsysscope_series_folded_total{family=\"namedprocess_namegroup_num_procs\"} 7\n", true);
	prometheus_free(p);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_cadvisor),
		cmocka_unit_test(test_profile_minimal),
		cmocka_unit_test(test_clash),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_named_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
