/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_prometheus.c - the Prometheus writer on snapshots made by hand, judged by the strict checker (which
 * test_promcheck.c judges in turn) and by the exact series that have to be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <time.h>

#include "exporters/prometheus/prometheus.h"
#include "lib/promcheck.h"
#include "lib/snapshot_fixture.h"
#include "sysscope/findings.h"

/* What one scrape gave. */
struct scrape {
	struct buf text;
	struct prom_check check;
};

static struct scrape scrape_take(struct prometheus *p, const struct fixture *f, const struct prometheus_options *o)
{
	struct scrape r = {.check.errors = stderr};

	assert_int_equal(prometheus_write(p, &r.text, &f->s, o), 0);
	assert_int_equal(prom_check_text(&r.check, r.text.data, r.text.len), 0);
	return r;
}

static void scrape_free(struct scrape *r)
{
	prom_check_free(&r->check);
	buf_free(&r->text);
}

/* `series` as a person writes it: name{a="1",b="2"} with sorted labels and no escapes. NAN when it is not there. */
static double value_of(const struct scrape *r, const char *series)
{
	char text[1024];
	size_t n = 0;

	/* To the checker's canonical form. */
	for (const char *p = series; *p; p++) {
		if (*p == '{' || (*p == ',' && p[-1] == '"'))
			text[n++] = '\x01';
		else if (*p != '"' && *p != '}')
			text[n++] = *p;
	}
	text[n] = '\0';
	const struct prom_sample *s = prom_find(&r->check, text);

	return s ? s->value : NAN;
}

static void assert_value(const struct scrape *r, const char *series, double want)
{
	double v = value_of(r, series);

	if (!(v == want) && !(isnan(v) && isnan(want))) {
		print_error("%s is %.17g, not %.17g\n", series, v, want);
		fail();
	}
}

static bool has_text(const struct scrape *r, const char *text)
{
	return strstr(r->text.data, text) != NULL;
}

static void test_labels(void **state)
{
	struct prometheus *p = prometheus_new(true);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 4, 1, 0);
	f.containers[0].image = "busybox:1";
	f.containers[0].id = "0123456789ab";
	f.containers[1] = (struct container_row){.name = "ssh.service",
						 .id = "",
						 .runtime = "systemd",
						 .image = "",
						 .pod = "",
						 .namespace_ = "",
						 .labels = "",
						 .kind = "service",
						 .cgroup = "/system.slice/ssh.service",
						 .parent = "",
						 .state = "running"};
	f.containers[2] = f.containers[1];
	f.containers[2].name = "app";
	f.containers[2].kind = "container";
	f.containers[2].pod = "app-7f";
	f.containers[2].namespace_ = "prod";
	f.containers[2].cgroup = "/kubepods/x";
	f.containers[3] = f.containers[1];
	f.containers[3].name = "host";
	f.containers[3].kind = "host";
	f.containers[3].cgroup = "/";
	for (int i = 0; i < 4; i++) {
		fixture_absent(f.containers[i].v, CONTAINER_METRICS);
		f.containers[i].v[CONTAINER_CPU_USAGE] = 1500000000;
		f.containers[i].v[CONTAINER_FORKS] = 7 + i;
		f.containers[i].v[CONTAINER_TASKS_RUNNING] = 2;
		f.containers[i].v[CONTAINER_TASKS_SLEEPING] = 3;
	}
	f.groups[0].container = 2;
	f.groups[0].comm = "ruby";
	f.groups[0].v[GROUP_PROCESSES] = 4;
	f.s.names_folded = 17;
	f.s.v[HOST_CPUS] = 2;
	r = scrape_take(p, &f, NULL);

	assert_value(
		&r,
		"container_cpu_usage_seconds_total{cpu=\"total\",id=\"/docker/web\",image=\"busybox:1\",name=\"web\"}",
		1.5);
	assert_value(&r, "container_cpu_usage_seconds_total{cpu=\"total\",id=\"/system.slice/ssh.service\"}", 1.5);
	assert_value(&r,
		     "container_cpu_usage_seconds_total{container=\"app\",cpu=\"total\",id=\"/kubepods/"
		     "x\",name=\"app\",namespace=\"prod\",pod=\"app-7f\"}",
		     1.5);
	/* In cAdvisor's families "/" is the whole machine, and our "host" is only what lives in no container. */
	assert_value(&r, "container_cpu_usage_seconds_total{cpu=\"total\",id=\"/\"}", NAN);
	assert_value(&r, "container_cpu_usage_seconds_total{cpu=\"total\",id=\"/system.slice/ssh.service\"}", 1.5);
	assert_value(&r, "container_tasks_state{id=\"/system.slice/ssh.service\",state=\"running\"}", 2);
	assert_value(&r, "container_tasks_state{id=\"/system.slice/ssh.service\",state=\"sleeping\"}", 3);
	assert_value(&r, "sysscope_container_forks_total{container=\"web\",id=\"/docker/web\"}", 7);
	assert_value(&r,
		     "sysscope_container_forks_total{container=\"app\",id=\"/kubepods/"
		     "x\",namespace=\"prod\",pod=\"app-7f\"}",
		     9);
	assert_value(&r,
		     "sysscope_container_info{container=\"web\",container_id=\"0123456789ab\",id=\"/docker/"
		     "web\",image=\"busybox:1\",kind=\"container\",runtime=\"docker\"}",
		     1);
	assert_value(&r,
		     "sysscope_processes{comm=\"ruby\",container=\"app\",id=\"/kubepods/"
		     "x\",namespace=\"prod\",pod=\"app-7f\"}",
		     4);
	assert_value(&r, "machine_cpu_cores", 2);
	assert_value(&r, "sysscope_losses_total{kind=\"gone_folded\"}", 3);
	assert_value(&r, "sysscope_losses_total{kind=\"ring_full\"}", 0);
	assert_value(&r, "sysscope_scrape_collector_success{collector=\"cgroupfs\"}", 0);
	assert_value(&r, "sysscope_scrape_collector_duration_seconds{collector=\"tasks\"}", 0.00125);
	assert_value(&r, "sysscope_series_folded_total{family=\"container_tasks_state\"}", 0);
	assert_value(&r, "sysscope_series_folded_total{family=\"sysscope_processes\"}", 17);
	assert_true(has_text(&r, "sysscope_build_info{version=\""));
	assert_true(has_text(&r, "kernel=\"6.1.0\"} 1\n"));
	/* Not known: no sample, and no family without one. */
	assert_false(has_text(&r, "TYPE container_memory_usage_bytes"));
	assert_false(has_text(&r, "TYPE machine_memory_bytes"));
	assert_false(has_text(&r, "TYPE process_cpu_seconds_total"));
	assert_false(has_text(&r, "process_open_fds"));
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

/* Rows 2 and 3 of hostile names: each line of the table is a comm and how its label has to be written. */
static void test_hostile_names(void **state)
{
	static const struct {
		const char *comm, *label;
	} rows[] = {
		{"caf\xe9", "caf\xef\xbf\xbd"},		{"a\x1b[31m", "a\\\\x1b[31m"},
		{"\x7f\xc2\x9b", "\\\\x7f\\\\x9b"},	{"\"} 1\nevil 1", "\\\"} 1\\nevil 1"},
		{"back\\slash", "back\\\\slash"},	{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"               ", "               "},
	};
	struct prometheus *p = prometheus_new(true);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, ARRAY_SIZE(rows) + 2, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f.groups[i].comm = rows[i].comm;
		f.groups[i].v[GROUP_CPU_USAGE] = 1e9;
	}
	/* These two are the same series as the first. */
	f.groups[ARRAY_SIZE(rows)].comm = "caf\xe8";
	f.groups[ARRAY_SIZE(rows)].v[GROUP_CPU_USAGE] = 2e9;
	f.groups[ARRAY_SIZE(rows) + 1].comm = "caf\xff";
	f.groups[ARRAY_SIZE(rows) + 1].v[GROUP_CPU_USAGE] = 4e9;
	f.containers[0].name = "w\"eb\n";
	r = scrape_take(p, &f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[256];

		snprintf(line, sizeof(line),
			 "\nsysscope_process_cpu_seconds_total{container=\"w\\\"eb\\n\",id=\"/docker/"
			 "web\",comm=\"%s\"} %d\n",
			 rows[i].label, i ? 1 : 7);
		if (!has_text(&r, line)) {
			print_error("missing: %s", line);
			fail();
		}
	}
	for (size_t i = 0; i < r.check.n_families; i++)
		assert_string_not_equal(r.check.families[i].name, "evil");
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

/* Two homes of one name: counters and sizes add up, times and limits do not. */
static void test_merge(void **state)
{
	struct prometheus *p = prometheus_new(true);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 2, 0, 0);
	for (int i = 0; i < 2; i++) {
		double *v = f.containers[i].v;

		v[CONTAINER_FORKS] = 10 + i;
		v[CONTAINER_CPU_LIMIT] = 0.25 + i;
		v[CONTAINER_START_TIME] = (1700000000.0 + i) * 1e9;
		v[CONTAINER_MEMORY_USAGE] = 100 + i;
		v[CONTAINER_SPEC_MEMORY_LIMIT] = 500;
		v[CONTAINER_PROCESSES] = i ? 3 : VALUE_ABSENT;
	}
	r = scrape_take(p, &f, NULL);
	assert_value(&r, "sysscope_container_forks_total{container=\"web\",id=\"/docker/web\"}", 21);
	assert_value(&r, "sysscope_container_cpu_limit_cores{container=\"web\",id=\"/docker/web\"}", 1.25);
	/* The same cgroup, dead and alive. */
	assert_value(&r, "container_start_time_seconds{id=\"/docker/web\",name=\"web\"}", 1700000001);
	assert_value(&r, "container_memory_usage_bytes{id=\"/docker/web\",name=\"web\"}", 201);
	assert_value(&r, "container_spec_memory_limit_bytes{id=\"/docker/web\",name=\"web\"}", 500);
	assert_value(&r, "container_processes{id=\"/docker/web\",name=\"web\"}", 3);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

#define INFO(ID) "sysscope_container_info{container=\"web\",id=\"" ID "\",kind=\"container\",runtime=\"docker\"}"

/*
 * A container is replaced under its name: the counters are those of two containers, so each keeps its own, and a join on the
 * id with sysscope_container_info has one match for each at any moment.
 */
static void test_replaced_under_its_name(void **state)
{
	static const char first[] = "sysscope_container_forks_total{container=\"web\",id=\"/docker/first\"}",
			  second[] = "sysscope_container_forks_total{container=\"web\",id=\"/docker/second\"}";
	static const struct {
		double old, new; /* forks of the two; absent: no such row */
	} scrapes[] = {{100, VALUE_ABSENT}, {101, 1}, {VALUE_ABSENT, 3}, {VALUE_ABSENT, 10}};
	struct prometheus *p = prometheus_new(true);
	struct fixture f;

	(void)state;
	fixture_init(&f, 2, 0, 0);
	f.containers[0].cgroup = "/docker/first";
	f.containers[1].cgroup = "/docker/second";
	for (size_t i = 0; i < ARRAY_SIZE(scrapes); i++) {
		bool both = !value_absent(scrapes[i].old) && !value_absent(scrapes[i].new);
		struct snapshot s = f.s;
		struct scrape r;

		f.containers[0].v[CONTAINER_FORKS] = scrapes[i].old;
		f.containers[1].v[CONTAINER_FORKS] = scrapes[i].new;
		if (value_absent(scrapes[i].old))
			f.s.containers = f.containers + 1;
		f.s.n_containers = both ? 2 : 1;
		r = scrape_take(p, &f, NULL);
		assert_value(&r, first, scrapes[i].old);
		assert_value(&r, second, scrapes[i].new);
		assert_value(&r, INFO("/docker/first"), value_absent(scrapes[i].old) ? NAN : 1);
		assert_value(&r, INFO("/docker/second"), value_absent(scrapes[i].new) ? NAN : 1);
		scrape_free(&r);
		f.s = s;
	}
	fixture_free(&f);
	prometheus_free(p);
}

#define MANY 50
#define CAP  10

static void many_init(struct fixture *f, char names[MANY][16])
{
	fixture_init(f, MANY, MANY, 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], 16, "c%02d", i);
		f->containers[i].name = names[i];
		f->containers[i].cgroup = names[i];
		f->containers[i].v[CONTAINER_CPU_USAGE] = (i + 1) * 1e9;
		f->containers[i].v[CONTAINER_FORKS] = i + 1;
		f->containers[i].v[CONTAINER_TASKS_RUNNING] = 1;
		f->containers[i].v[CONTAINER_TASKS_SLEEPING] = 1;
		f->groups[i].container = (uint32_t)i;
		f->groups[i].v[GROUP_CPU_USAGE] = (i + 1) * 1e9;
	}
}

static size_t family_size(const struct scrape *r, const char *name)
{
	for (size_t i = 0; i < r->check.n_families; i++)
		if (strcmp(r->check.families[i].name, name) == 0)
			return r->check.families[i].samples;
	return 0;
}

static void test_fold(void **state)
{
	const struct prometheus_options o = {.max_series = CAP, .process_metrics = true};
	struct prometheus *p = prometheus_new(true);
	char names[MANY][16];
	struct fixture f;
	struct scrape r, next;

	(void)state;
	many_init(&f, names);
	r = scrape_take(p, &f, &o);
	for (size_t i = 0; i < r.check.n_families; i++)
		if (strncmp(r.check.families[i].name, "sysscope_series_folded", 22) != 0)
			assert_true(r.check.families[i].samples <= CAP);
	assert_int_equal(family_size(&r, "sysscope_container_forks_total"), CAP);
	/* The busiest nine keep their own; 1 + ... + 41 are in the other. */
	assert_value(&r, "sysscope_container_forks_total{container=\"c49\",id=\"c49\"}", 50);
	assert_value(&r, "sysscope_container_forks_total{container=\"c41\",id=\"c41\"}", 42);
	assert_value(&r, "sysscope_container_forks_total{container=\"c40\",id=\"c40\"}", NAN);
	assert_value(&r, "sysscope_container_forks_total{container=\"~other\",id=\"~other\"}", 41 * 42 / 2);
	assert_value(&r, "container_cpu_usage_seconds_total{cpu=\"total\",id=\"~other\",name=\"~other\"}", 41 * 42 / 2);
	assert_value(&r, "sysscope_process_cpu_seconds_total{comm=\"~other\",container=\"~other\",id=\"~other\"}",
		     41 * 42 / 2);
	assert_value(&r, "sysscope_container_info{container=\"~other\",id=\"~other\"}", 1);
	/* Four lines a container: two containers less the other's. */
	assert_value(&r, "container_tasks_state{id=\"~other\",name=\"~other\",state=\"running\"}", MANY - 1);
	assert_value(&r, "sysscope_series_folded_total{family=\"sysscope_container_forks_total\"}", 41);

	/* A folded one grows, a folded one and a kept one vanish: the slot goes to the busiest without one. */
	f.containers[0].v[CONTAINER_FORKS] += 5;
	f.containers[5] = f.containers[0];
	f.containers[45] = f.containers[MANY - 1];
	f.s.containers = f.containers + 1;
	f.s.n_containers = MANY - 2;
	f.containers[45].v[CONTAINER_FORKS] += 0;
	f.s.n_groups = 0;
	next = scrape_take(p, &f, &o);
	assert_value(&next, "sysscope_container_forks_total{container=\"c40\",id=\"c40\"}", 41);
	assert_value(&next, "sysscope_container_forks_total{container=\"c45\",id=\"c45\"}", NAN);
	assert_value(&next, "sysscope_container_forks_total{container=\"~other\",id=\"~other\"}", 41 * 42 / 2 + 5);
	assert_int_equal(prom_compare(&r.check, &next.check), 0);
	assert_value(&next, "sysscope_series_folded_total{family=\"sysscope_container_forks_total\"}", 41 + 39);
	scrape_free(&r);
	scrape_free(&next);
	fixture_free(&f);
	prometheus_free(p);
}

/* A series that was published on its own and is then folded must not make ~other jump by its whole past. */
static void test_fold_is_no_burst(void **state)
{
	struct prometheus_options o = {.max_series = CAP, .process_metrics = true};
	struct prometheus *p = prometheus_new(true);
	char names[MANY][16];
	struct fixture f;
	struct scrape r, next;

	(void)state;
	many_init(&f, names);
	f.s.n_groups = 0;
	r = scrape_take(p, &f, &o);
	o.max_series = 5;
	f.containers[41].v[CONTAINER_FORKS] += 2;
	next = scrape_take(p, &f, &o);
	assert_value(&next, "sysscope_container_forks_total{container=\"~other\",id=\"~other\"}", 41 * 42 / 2 + 2);
	assert_int_equal(prom_compare(&r.check, &next.check), 0);
	scrape_free(&r);
	scrape_free(&next);
	fixture_free(&f);
	prometheus_free(p);
}

static void first_die(struct fixture *f, double seconds)
{
	for (size_t i = 0; i < CAP; i++) {
		f->containers[i].dead = true;
		f->containers[i].dead_seconds = seconds;
	}
}

/* Those that ended at once hold their series for two scrapes, and no longer keep them from those that came after. */
static void test_fold_ended(void **state)
{
	const struct prometheus_options o = {.max_series = CAP, .process_metrics = true};
	struct prometheus *p = prometheus_new(true);
	const char *families[] = {"sysscope_container_forks_total", "sysscope_container_info"};
	char names[MANY][16];
	struct fixture f;
	struct scrape r[4];

	(void)state;
	many_init(&f, names);
	f.s.interval = 10;
	f.s.n_groups = 0;
	f.s.n_containers = CAP;
	r[0] = scrape_take(p, &f, &o);
	assert_value(&r[0], "sysscope_container_forks_total{container=\"c00\",id=\"c00\"}", 1);
	/* As many come: those before have just ended, and ended a scrape ago, and two. */
	f.s.n_containers = 2 * CAP - 1;
	for (int i = 1; i < 4; i++) {
		char other[128];

		first_die(&f, 10 * i - 5);
		r[i] = scrape_take(p, &f, &o);
		for (size_t k = 0; k < ARRAY_SIZE(families); k++)
			assert_int_equal(family_size(&r[i], families[k]), CAP);
		snprintf(other, sizeof(other), "sysscope_container_forks_total{container=\"%s\",id=\"%s\"}", names[CAP],
			 names[CAP]);
		assert_value(&r[i], other, i < 3 ? NAN : CAP + 1);
		assert_int_equal(prom_compare(&r[i - 1].check, &r[i].check), 0);
	}
	assert_value(&r[3], "sysscope_container_forks_total{container=\"c00\",id=\"c00\"}", NAN);
	/* Where there is room they stay. */
	f.s.n_containers = CAP;
	prometheus_free(p);
	p = prometheus_new(true);
	scrape_free(&r[3]);
	r[3] = scrape_take(p, &f, &o);
	assert_value(&r[3], "sysscope_container_forks_total{container=\"c00\",id=\"c00\"}", 1);
	for (int i = 0; i < 4; i++)
		scrape_free(&r[i]);
	fixture_free(&f);
	prometheus_free(p);
}

/* Exactly at the cap nothing is folded; somebody who is called ~other is folded, or it would be there twice. */
static void test_fold_edges(void **state)
{
	struct prometheus_options o = {.max_series = 4 * MANY, .process_metrics = true};
	struct prometheus *p = prometheus_new(true);
	char names[MANY][16];
	struct fixture f;
	struct scrape r;

	(void)state;
	many_init(&f, names);
	r = scrape_take(p, &f, &o);
	assert_false(has_text(&r, "~other\""));
	scrape_free(&r);
	f.containers[3].name = "~other";
	r = scrape_take(p, &f, &o);
	/* The path of a cgroup begins with a slash, so a container of that name has a series of its own. */
	assert_value(&r, "sysscope_container_forks_total{container=\"~other\",id=\"c03\"}", 4);
	scrape_free(&r);
	o.max_series = 1;
	r = scrape_take(p, &f, &o);
	assert_int_equal(family_size(&r, "sysscope_container_forks_total"), 1);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

static void test_numbers(void **state)
{
	static const struct {
		double v;
		const char *ns, *bytes;
	} rows[] = {
		{0, "0", "0"},
		{1, "0.000000001", "1"},
		{1500000000, "1.5", "1500000000"},
		{100000000000.0, "100", "100000000000"},
		{123456789012345.0, "123456.789012345", "123456789012345"},
		{1152921504606846976.0, "1152921504.606846976", "1.152921504606847e+18"},
		{18446744073709551615.0, "18446744073.709553", "1.8446744073709552e+19"},
		{0.5, "5e-10", "0.5"},
		{0.1, "1e-10", "0.1"},
		{INFINITY, "+Inf", "+Inf"},
	};
	struct prometheus *p = prometheus_new(true);
	struct fixture f;

	(void)state;
	/* A locale with a decimal comma must not be seen; without one installed that part proves nothing. */
	setlocale(LC_ALL, "de_DE.UTF-8");
	fixture_init(&f, 1, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scrape r;
		char line[256];

		f.s.v[HOST_CPU_TASKS] = rows[i].v;
		f.s.v[HOST_MEMORY_TOTAL] = rows[i].v;
		r = scrape_take(p, &f, NULL);
		snprintf(line, sizeof(line), "\nsysscope_cpu_tasks_seconds_total %s\n", rows[i].ns);
		if (!has_text(&r, line)) {
			print_error("missing: %s", line);
			fail();
		}
		snprintf(line, sizeof(line), "\nmachine_memory_bytes %s\n", rows[i].bytes);
		if (!has_text(&r, line)) {
			print_error("missing: %s", line);
			fail();
		}
		assert_value(&r, "sysscope_cpu_tasks_seconds_total", rows[i].v / 1e9);
		assert_value(&r, "machine_memory_bytes", rows[i].v);
		scrape_free(&r);
	}
	setlocale(LC_ALL, "C");
	fixture_free(&f);
	prometheus_free(p);
}

static void test_options(void **state)
{
	const struct prometheus_self self = {
		1.25, 4096, VALUE_ABSENT, 1024, 1700000000.5, 8192, 18446744073709551615.0, 65536, 131072};
	const struct prometheus_options o = {.process_metrics = false, .self = &self};
	struct prometheus *p = prometheus_new(true);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, 1, 0);
	f.groups[0].v[GROUP_PROCESSES] = 1;
	r = scrape_take(p, &f, &o);
	assert_false(has_text(&r, "sysscope_process"));
	assert_value(&r, "process_cpu_seconds_total", 1.25);
	assert_value(&r, "process_resident_memory_bytes", 4096);
	assert_value(&r, "process_open_fds", NAN);
	assert_value(&r, "process_max_fds", 1024);
	assert_value(&r, "process_start_time_seconds", 1700000000.5);
	assert_value(&r, "process_virtual_memory_bytes", 8192);
	assert_value(&r, "process_virtual_memory_max_bytes", 18446744073709551615.0);
	assert_value(&r, "sysscope_bpf_map_memory_bytes", 65536);
	assert_value(&r, "sysscope_bpf_task_storage_bytes", 131072);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

static void test_config(void **state)
{
	const struct prometheus_config config = {0, 1700000000.25};
	const struct prometheus_options with = {.config = &config}, without = {};
	struct prometheus *p = prometheus_new(false);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, 0, 0);
	r = scrape_take(p, &f, &without);
	assert_false(has_text(&r, "sysscope_config"));
	scrape_free(&r);
	r = scrape_take(p, &f, &with);
	assert_value(&r, "sysscope_config_last_reload_successful", 0);
	assert_value(&r, "sysscope_config_last_reload_success_timestamp_seconds", 1700000000.25);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

static void test_recording(void **state)
{
	const struct prometheus_recording recording = {1, 12, 3, 4096, 8192, VALUE_ABSENT, 2, 40, 5};
	const struct prometheus_options with = {.recording = &recording}, without = {};
	struct prometheus *p = prometheus_new(false);
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, 0, 0);
	r = scrape_take(p, &f, &without);
	assert_false(has_text(&r, "sysscope_recording"));
	scrape_free(&r);
	r = scrape_take(p, &f, &with);
	assert_value(&r, "sysscope_recording_active", 1);
	assert_value(&r, "sysscope_recording_samples_total", 12);
	assert_value(&r, "sysscope_recording_lost_samples_total", 3);
	assert_value(&r, "sysscope_recording_written_bytes_total", 4096);
	assert_value(&r, "sysscope_recording_kept_bytes", 8192);
	assert_value(&r, "sysscope_recording_oldest_timestamp_seconds", NAN);
	assert_value(&r, "sysscope_recording_errors_total", 2);
	assert_value(&r, "sysscope_recording_events_total", 40);
	assert_value(&r, "sysscope_recording_lost_events_total", 5);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

static void finding_set(struct finding *f, const char *rule, enum finding_severity severity, const char *name,
			uint32_t home)
{
	*f = (struct finding){.rule = rule,
			      .severity = severity,
			      .container = name,
			      .container_cgroup = *name ? "/docker/web" : "",
			      .home = home};
}

/* One series for each finding, which goes with it; rules that could not judge once each. */
static void test_findings(void **state)
{
	static const struct finding_unjudged unjudged[] = {
		{"cpu_steal", "a"}, {"disk_latency", "b"}, {"disk_latency", "c"}};
	struct prometheus *p = prometheus_new(true);
	struct finding all[4];
	struct findings found = {.all = all, .n = 4, .watched_seconds = 15, .unjudged = unjudged, .n_unjudged = 3};
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, 0, 0);
	f.containers[0].name = "web";
	finding_set(&all[0], "cpu_throttled", FINDING_CRITICAL, "web", 1);
	finding_set(&all[1], "zombies", FINDING_WARNING, "web", 1);
	all[2] = all[1]; /* of another process: labels have none */
	finding_set(&all[3], "host_cpu_saturated", FINDING_WARNING, "", 0);
	r = scrape_take(p, &f, NULL);
	assert_false(has_text(&r, "\nsysscope_findings"));
	scrape_free(&r);
	f.s.findings = &found;
	r = scrape_take(p, &f, NULL);
	assert_value(&r,
		     "sysscope_findings{container=\"web\",id=\"/docker/"
		     "web\",rule=\"cpu_throttled\",severity=\"critical\"}",
		     1);
	assert_value(
		&r, "sysscope_findings{container=\"web\",id=\"/docker/web\",rule=\"zombies\",severity=\"warning\"}", 2);
	assert_value(&r, "sysscope_findings{rule=\"host_cpu_saturated\",severity=\"warning\"}", 1);
	assert_value(&r, "sysscope_findings_not_judged{rule=\"cpu_steal\"}", 1);
	assert_value(&r, "sysscope_findings_not_judged{rule=\"disk_latency\"}", 1);
	assert_value(&r, "sysscope_findings_watched_seconds", 15);
	scrape_free(&r);
	found.n = 1;
	r = scrape_take(p, &f, NULL);
	assert_true(has_text(&r, "cpu_throttled") && !has_text(&r, "zombies"));
	scrape_free(&r);
	/* Nothing is judged yet, which is not the same as nothing found. */
	found = (struct findings){.watched_seconds = 1, .too_short = true};
	r = scrape_take(p, &f, NULL);
	assert_false(has_text(&r, "\nsysscope_findings"));
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

/* More findings than series: the worst keep theirs, and all of them are counted. */
static void test_findings_folded(void **state)
{
	const struct prometheus_options o = {.max_series = 3};
	struct prometheus *p = prometheus_new(true);
	struct finding all[5];
	const struct findings found = {.all = all, .n = 5, .watched_seconds = 15};
	struct fixture f;
	struct scrape r;

	(void)state;
	fixture_init(&f, 1, 0, 0);
	f.s.findings = &found;
	for (int i = 0; i < 5; i++)
		finding_set(&all[i], i == 0 ? "oom_killed" : "zombies", i ? FINDING_WARNING : FINDING_CRITICAL, "", 0);
	for (int i = 1; i < 5; i++)
		all[i].container_cgroup = (const char *const[]){"", "/a", "/b", "/c", "/d"}[i];
	r = scrape_take(p, &f, &o);
	assert_value(&r, "sysscope_findings{rule=\"oom_killed\",severity=\"critical\"}", 1);
	assert_value(&r, "sysscope_findings{id=\"/a\",rule=\"zombies\",severity=\"warning\"}", 1);
	assert_value(&r, "sysscope_findings{container=\"~other\",id=\"~other\",rule=\"~other\",severity=\"~other\"}",
		     3);
	scrape_free(&r);
	fixture_free(&f);
	prometheus_free(p);
}

/* 2,000 containers with every value: a scrape has to take tens of milliseconds. The bound leaves room for sanitizers. */
static void test_speed(void **state)
{
	const struct prometheus_options o = {.process_metrics = true};
	static char names[2000][80];
	struct prometheus *p = prometheus_new(true);
	struct timespec before, after;
	_cleanup_buf_ struct buf out = {0};
	struct fixture f;
	double ms = 0;

	(void)state;
	fixture_init(&f, 2000, 2000, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(names[i], sizeof(names[i]), "/docker/%064d", i);
		f.containers[i].cgroup = names[i];
		f.containers[i].name = names[i] + 60;
		for (int m = 0; m < CONTAINER_METRICS; m++)
			f.containers[i].v[m] = 1234567891.0 * (m + 1) + i;
		f.groups[i].container = (uint32_t)i;
		for (int m = 0; m < GROUP_METRICS; m++)
			f.groups[i].v[m] = 1234567891.0 * (m + 1) + i;
	}
	for (int i = 0; i < 3; i++) {
		buf_reset(&out);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		assert_int_equal(prometheus_write(p, &out, &f.s, &o), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		ms = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
		print_message("# 2,000 containers and groups: %.1f ms, %zu bytes\n", ms, out.len);
	}
	assert_true(ms < 1000);
	fixture_free(&f);
	prometheus_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_replaced_under_its_name),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_is_no_burst),
		cmocka_unit_test(test_fold_ended),
		cmocka_unit_test(test_fold_edges),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_findings_folded),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_recording),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
