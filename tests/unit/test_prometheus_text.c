/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_prometheus_text.c - the text of /metrics as bytes: what `--metrics.detail` adds to it, and that it does not depend on what
 * the writer keeps between scrapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exporters/prometheus/detail.h"
#include "exporters/prometheus/prometheus_internal.h"
#include "lib/promcheck.h"
#include "lib/snapshot_fixture.h"
#include "serve/text/body.h"
#include "serve/text/pack.h"
#include "sysscope/findings.h"

#define CONTAINERS 40

static const struct prometheus_options all = {.process_metrics = true};

/* A machine with every value of every container, group, disk, port and pair. */
struct scene {
	struct fixture f;
	struct disk_row disks[CONTAINERS];
	struct neighbour_row pairs[CONTAINERS];
	struct interface_row interfaces[CONTAINERS];
	struct port_row ports[CONTAINERS];
	char paths[CONTAINERS][80];
};

/* Another value for each line; all observations of a histogram are in its first bucket. */
static void values_count(double *v, enum metric_scope scope, double first)
{
	const struct metric_desc *lines;
	size_t n;

	lines = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++)
		v[i] = first + (lines[i].kind == METRIC_BUCKET || lines[i].kind == METRIC_TALLY ? 0 : (double)i);
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){};
	fixture_init(&s->f, CONTAINERS, CONTAINERS, 0);
	for (uint32_t i = 0; i < CONTAINERS; i++) {
		struct container_row *c = &s->f.containers[i];

		snprintf(s->paths[i], sizeof(s->paths[i]), "/docker/%064u", i);
		c->cgroup = s->paths[i];
		c->name = s->paths[i] + 70;
		values_count(c->v, SCOPE_CONTAINER, 1000 * i);
		s->f.groups[i].container = i;
		values_count(s->f.groups[i].v, SCOPE_GROUP, 2000 * i);
		s->disks[i] = (struct disk_row){.container = i, .device = "sda", .major = 8};
		values_count(s->disks[i].v, SCOPE_DISK, 3000 * i);
		s->pairs[i] = (struct neighbour_row){.waiter = i, .runner = (i + 1) % CONTAINERS};
		values_count(s->pairs[i].v, SCOPE_NEIGHBOUR, 4000 * i);
		s->interfaces[i] = (struct interface_row){.container = i, .name = "eth0"};
		values_count(s->interfaces[i].v, SCOPE_INTERFACE, 5000 * i);
		s->ports[i] = (struct port_row){.container = i, .direction = "to", .port = (uint16_t)(i + 1)};
		values_count(s->ports[i].v, SCOPE_PORT, 6000 * i);
	}
	s->f.s.disks = s->disks;
	s->f.s.neighbours = s->pairs;
	s->f.s.interfaces = s->interfaces;
	s->f.s.ports = s->ports;
	s->f.s.n_disks = s->f.s.n_neighbours = s->f.s.n_interfaces = s->f.s.n_ports = CONTAINERS;
}

/* ---- detail ---- */
static const struct metric_desc *line_find(const char *prom)
{
	for (int scope = 0; scope < SCOPE_COUNT; scope++) {
		const struct metric_desc *d;
		size_t n;

		d = metric_table((enum metric_scope)scope, &n);
		for (size_t i = 0; i < n; i++)
			if (d[i].prom && strcmp(d[i].prom, prom) == 0)
				return &d[i];
	}
	return NULL;
}

/* Whether the line is about `family`: its HELP, its TYPE, a sample, or how many series of it were folded. */
static bool line_of(const char *line, const char *family)
{
	static const char *const before[] = {"", "# HELP ", "# TYPE ", "sysscope_series_folded_total{family=\""};
	size_t len = strlen(family);

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		size_t skip = strlen(before[i]);

		if (strncmp(line, before[i], skip) == 0 && strncmp(line + skip, family, len) == 0 &&
		    strchr("{ \"", line[skip + len]))
			return true;
	}
	return false;
}

static bool line_is_detail(const char *line)
{
	static const char *const kept[] = {"le=\"0.001024\"}", "le=\"0.016384\"}", "le=\"0.131072\"}", "le=\"+Inf\"}"};
	const struct detail_family *d;
	const char *histogram;

	for (size_t i = 0; (d = detail_family_at(i)); i++)
		if (line_of(line, d->prom))
			return true;
	for (size_t i = 0; (histogram = detail_histogram_at(i)); i++) {
		size_t len = strlen(histogram);
		bool kept_here = false;

		if (strncmp(line, histogram, len) != 0 || strncmp(line + len, "_bucket{", strlen("_bucket{")) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kept); k++)
			kept_here |= memmem(line, strcspn(line, "\n"), kept[k], strlen(kept[k])) != NULL;
		return !kept_here;
	}
	return false;
}

/* Without detail the text is the same but for the lines that are detail: nothing moves, nothing changes. */
static void test_detail(void **state)
{
	struct prometheus *with = prometheus_new(true), *without = prometheus_new(false);
	_cleanup_buf_ struct buf more = {}, less = {}, expected = {};
	struct prom_check check = {.errors = stderr};
	const struct detail_family *d;
	const char *histogram;
	struct scene s;

	(void)state;
	for (size_t i = 0; (d = detail_family_at(i)); i++) {
		const struct metric_desc *line = line_find(d->prom);

		assert_non_null(line);
		assert_true(metric_is_detail(line));
	}
	for (size_t i = 0; (histogram = detail_histogram_at(i)); i++)
		assert_non_null(line_find(histogram));
	scene_init(&s);
	assert_int_equal(prometheus_write(with, &more, &s.f.s, &all), 0);
	assert_int_equal(prometheus_write(without, &less, &s.f.s, &all), 0);
	for (const char *line = more.data, *end; *line; line = end) {
		end = strchr(line, '\n') + 1;
		if (!line_is_detail(line))
			buf_add(&expected, line, (size_t)(end - line));
	}
	assert_int_equal(expected.len, less.len);
	assert_memory_equal(expected.data, less.data, less.len);
	assert_true(less.len * 4 < more.len * 3);
	assert_int_equal(prom_check_text(&check, less.data, less.len), 0);
	prom_check_free(&check);
	prometheus_free(with);
	prometheus_free(without);
	fixture_free(&s.f);
}

/* ---- what is kept between scrapes ---- */
#define SCRAPES 60

static uint32_t choose(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525U + 1013904223U;
	return (*state >> 16) % below;
}

/* One change, as they happen between two scrapes. */
static void scene_change(struct scene *s, uint32_t *state)
{
	uint32_t i = choose(state, CONTAINERS), other = choose(state, CONTAINERS);
	struct container_row *c = &s->f.containers[i], before = *c;

	switch (choose(state, 10)) {
	case 0: /* rows come and go; those of others refer to the first half only */
		s->f.s.n_containers = CONTAINERS / 2 + choose(state, CONTAINERS / 2 + 1);
		s->f.s.n_groups = s->f.s.n_disks = s->f.s.n_neighbours = choose(state, CONTAINERS / 2);
		s->f.s.n_ports = s->f.s.n_interfaces = choose(state, CONTAINERS / 2);
		break;
	case 1: /* renamed, maybe to a name that another one has, or that needs escapes */
		c->name = choose(state, 2) ? s->f.containers[other].name : "a\"b\n\xff";
		break;
	case 2:
		c->image = c->image == before.image && *c->image ? "" : "shop/api:1";
		break;
	case 3:
		c->pod = *c->pod ? "" : "api-7f";
		c->namespace_ = *c->pod ? "prod" : "";
		break;
	case 4: /* a replaced container: its counters begin again */
		values_count(c->v, SCOPE_CONTAINER, 1);
		break;
	case 5: /* not known for a while */
		fixture_absent(c->v, CONTAINER_METRICS);
		break;
	case 6: /* in another order */
		*c = s->f.containers[other];
		s->f.containers[other] = before;
		break;
	case 7:
		s->f.groups[i].comm = choose(state, 2) ? "ruby" : "nginx";
		break;
	case 8:
		s->disks[i].device = choose(state, 2) ? "sdb" : "sda";
		s->ports[i].port = (uint16_t)choose(state, 3);
		s->interfaces[i].name = choose(state, 2) ? "eth1" : "eth0";
		break;
	default: /* works: the first ones most of the time, so that other parts of a family stay as they are */
		for (size_t line = 0; line < CONTAINER_METRICS; line++)
			s->f.containers[i % 3].v[line] += 1000;
		s->f.groups[i].v[GROUP_CPU_USAGE] += 0.5;
	}
}

/* Of the same snapshots: one writer and one file that keep what they can, and a writer that keeps no labels and no parts. */
static void test_kept(void **state)
{
	struct prometheus *keeps = prometheus_new(true), *forgets = prometheus_new(true);
	struct finding found = {.rule = "zombies", .severity = FINDING_WARNING};
	struct findings findings = {.all = &found, .watched_seconds = 10};
	struct pack pack = {};
	uint32_t chosen = 1;
	struct scene s;
	size_t again = 0;

	(void)state;
	scene_init(&s);
	found.container = s.paths[0];
	found.container_cgroup = s.paths[0];
	s.f.s.findings = &findings;
	for (int scrape = 0; scrape < SCRAPES; scrape++) {
		const struct prometheus_options o = {.process_metrics = true,
						     .max_series = scrape < SCRAPES / 2 ? 0 : 30};
		_cleanup_buf_ struct buf text = {};
		struct body *body;

		for (uint32_t changes = choose(&chosen, 4); changes > 0; changes--)
			scene_change(&s, &chosen);
		findings.n = choose(&chosen, 2);
		assert_int_equal(body_new(&body, keeps, &s.f.s, &o, &pack), 0);
		/* Rows of this scrape have no hash of an earlier one. */
		forgets->seed.begin++;
		assert_int_equal(prometheus_write(forgets, &text, &s.f.s, &o), 0);
		assert_int_equal(body->plain.len, 0);
		assert_int_equal(body_expand(body), 0);
		assert_int_equal(body->plain.len, text.len);
		assert_memory_equal(body->plain.data, text.data, text.len);
		body_unref(body);
	}
	/* What has not changed was not written: nothing is asked for twice in a row but what is in no family. */
	for (int scrape = 0; scrape < 2; scrape++) {
		struct body *body;

		for (size_t i = 0; i < pack.kept.n; i++)
			pack.kept.at[i].crc ^= (uint32_t)scrape;
		again = pack.kept.n;
		assert_int_equal(body_new(&body, keeps, &s.f.s, &all, &pack), 0);
		/* The wrong sums of the second turn show that these parts were taken over. */
		assert_int_equal(body_expand(body), scrape ? -EIO : 0);
		body_unref(body);
	}
	assert_int_equal(pack.kept.n, again);
	pack_drop(&pack);
	prometheus_free(keeps);
	prometheus_free(forgets);
	fixture_free(&s.f);
}

/* ---- OpenMetrics ---- */

/* A line of OpenMetrics as text 0.0.4 would have it, or nothing: its comments are checked by the test itself. */
static void test_openmetrics(void **state)
{
	const struct prometheus_options open = {.process_metrics = true, .openmetrics = true};
	struct prometheus *p = prometheus_new(true);
	_cleanup_buf_ struct buf plain = {}, text = {}, samples = {}, samples_open = {};
	char *keep = NULL, name[256] = "", type[32] = "", unit[32];
	struct scene s;

	(void)state;
	scene_init(&s);
	assert_int_equal(prometheus_write(p, &plain, &s.f.s, &all), 0);
	assert_int_equal(prometheus_write(p, &text, &s.f.s, &open), 0);
	assert_true(text.len > 6 && strcmp(text.data + text.len - 7, "\n# EOF\n") == 0);
	for (char *line = strtok_r(plain.data, "\n", &keep); line; line = strtok_r(NULL, "\n", &keep))
		if (line[0] != '#')
			buf_printf(&samples, "%s\n", line);
	for (char *line = strtok_r(text.data, "\n", &keep); line; line = strtok_r(NULL, "\n", &keep)) {
		char other[256];

		if (line[0] != '#') {
			size_t len = strlen(name);

			buf_printf(&samples_open, "%s\n", line);
			/* Each sample belongs to the family above it, by the suffix that its type has. */
			assert_int_equal(strncmp(line, name, len), 0);
			if (strcmp(type, "counter") == 0)
				assert_int_equal(strncmp(line + len, "_total", 6), 0);
			else if (strcmp(type, "info") == 0)
				assert_int_equal(strncmp(line + len, "_info", 5), 0);
			else if (strcmp(type, "histogram") == 0)
				assert_true(line[len] == '_');
			else
				assert_true(line[len] == '{' || line[len] == ' ');
		} else if (sscanf(line, "# TYPE %255s %31s", other, type) == 2) {
			assert_string_not_equal(other, name);
			snprintf(name, sizeof(name), "%s", other);
		} else if (sscanf(line, "# UNIT %255s %31s", other, unit) == 2) {
			assert_string_equal(other, name);
			assert_string_equal(name + strlen(name) - strlen(unit), unit);
		} else if (strcmp(line, "# EOF") != 0) {
			assert_int_equal(sscanf(line, "# HELP %255s", other), 1);
			assert_string_equal(other, name);
		}
	}
	assert_string_equal(samples.data, samples_open.data);
	prometheus_free(p);
	fixture_free(&s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
