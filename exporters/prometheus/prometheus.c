/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prometheus.c - families, labels and samples of the text formats. Which series there are, and what a counter shows,
 * is decided in series.c and publish.c. No timestamps, no family without a sample, every value from outside goes through
 * text_label.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "exporters/prometheus/detail.h"
#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/families.h"
#include "exporters/prometheus/prometheus_internal.h"

#ifndef SYSSCOPE_VERSION
#define SYSSCOPE_VERSION "unknown"
#endif
#ifndef SYSSCOPE_REVISION
#define SYSSCOPE_REVISION "unknown"
#endif

static const struct {
	enum metric_scope scope; /* of its lines; FORM_INFO and FORM_FINDING have one of their own */
	const char *other;	 /* labels of the overflow series */
} forms[FORM_COUNT] = {
	[FORM_CADVISOR] = {SCOPE_CONTAINER, "id=\"~other\",name=\"~other\""},
	[FORM_OWN] = {SCOPE_CONTAINER, "container=\"~other\",id=\"~other\""},
	[FORM_INFO] = {SCOPE_CONTAINER, "container=\"~other\",id=\"~other\""},
	[FORM_GROUP] = {SCOPE_GROUP, "container=\"~other\",id=\"~other\",comm=\"~other\""},
	[FORM_NEIGHBOUR] = {SCOPE_NEIGHBOUR, "waiter=\"~other\",waiter_id=\"~other\",runner=\"~other\","
					     "runner_id=\"~other\""},
	[FORM_TRANSITION] = {SCOPE_TRANSITION, "container=\"~other\",id=\"~other\",kind=\"~other\",how=\"~other\","
					       "expected=\"~other\""},
	[FORM_DISK_CADVISOR] = {SCOPE_DISK, "id=\"~other\",name=\"~other\",device=\"~other\""},
	[FORM_DISK_BLKIO] = {SCOPE_DISK,
			     "id=\"~other\",name=\"~other\",device=\"~other\",major=\"~other\",minor=\"~other\""},
	[FORM_DISK] = {SCOPE_DISK, "container=\"~other\",id=\"~other\",device=\"~other\""},
	[FORM_DISK_PAIR] = {SCOPE_DISK_NEIGHBOUR, "waiter=\"~other\",waiter_id=\"~other\",filler=\"~other\","
						  "filler_id=\"~other\",device=\"~other\""},
	[FORM_DEVICE] = {SCOPE_DEVICE, "device=\"~other\""},
	[FORM_PORT] = {SCOPE_PORT, "container=\"~other\",id=\"~other\",direction=\"~other\",port=\"~other\""},
	[FORM_FINDING] = {SCOPE_COUNT, "rule=\"~other\",severity=\"~other\",container=\"~other\",id=\"~other\""},
	[FORM_NAMED] = {SCOPE_NAMED, "groupname=\"~other\""},
	[FORM_INTERFACE] = {SCOPE_INTERFACE, "id=\"~other\",name=\"~other\",interface=\"~other\""},
};

static bool is_cadvisor(const struct metric_desc *d)
{
	return strncmp(d->prom, "container_", strlen("container_")) == 0;
}

static bool form_takes(enum label_form form, const struct metric_desc *d)
{
	bool blkio = strncmp(d->prom, "container_blkio_", strlen("container_blkio_")) == 0;

	switch (form) {
	case FORM_CADVISOR:
		return is_cadvisor(d);
	case FORM_DISK_CADVISOR:
		return is_cadvisor(d) && !blkio;
	case FORM_DISK_BLKIO:
		return blkio;
	case FORM_OWN:
	case FORM_DISK:
		return !is_cadvisor(d);
	default:
		return true;
	}
}

static const struct metric_desc *form_lines(enum label_form form, size_t *ret_n)
{
	if (form == FORM_INFO || form == FORM_FINDING) {
		*ret_n = 1;
		return own_family_line(form == FORM_INFO ? OWN_INFO : OWN_FINDINGS);
	}
	return metric_table(forms[form].scope, ret_n);
}

/* Which lines of its table a form publishes, a bit each. */
static struct line_set form_used(enum label_form form, bool detail)
{
	const struct metric_desc *lines;
	struct line_set used = {};
	size_t n;

	lines = form_lines(form, &n);
	for (size_t i = 0; i < n && i < LINES_MAX; i++) {
		if (lines[i].prom && form_takes(form, &lines[i]) && (detail || !metric_is_detail(&lines[i])))
			line_set_add(&used, i);
	}
	return used;
}

struct prometheus *prometheus_new(bool detail)
{
	struct prometheus *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	hash_seed_make(&p->seed);
	for (int form = 0; form < FORM_COUNT; form++) {
		const struct metric_desc *lines;
		struct line_set used;
		size_t n;

		lines = form_lines(form, &n);
		used = form_used(form, detail);
		p->sets[form] = series_set_new(lines, n, &used, forms[form].other);
		if (!p->sets[form]) {
			prometheus_free(p);
			return NULL;
		}
	}
	return p;
}

void prometheus_free(struct prometheus *p)
{
	if (!p)
		return;
	for (int form = 0; form < FORM_COUNT; form++)
		series_set_free(p->sets[form]);
	buf_free(&p->labels);
	buf_free(&p->key);
	free(p->homes);
	free(p);
}

/* ---- families ---- */
static void write_host(const struct prometheus *p, struct exposition *out, const struct snapshot *s)
{
	const struct metric_desc *lines;
	struct family f = {.out = out};
	size_t n;

	lines = metric_table(SCOPE_HOST, &n);
	for (size_t i = 0; i < n; i++) {
		if (!lines[i].prom || p->without & collector_bit(lines[i].collector))
			continue;
		if (!f.line || strcmp(f.line->prom, lines[i].prom) != 0)
			f = (struct family){out, &lines[i], false};
		sample_add(&f, &lines[i], "", 0, s->v[i]);
	}
}

static void write_forms(struct prometheus *p, struct exposition *out, enum metric_scope scope)
{
	const struct metric_desc *lines;
	size_t n;

	lines = metric_table(scope, &n);
	for (size_t first = 0, end; first < n; first = end) {
		enum label_form form = FORM_CADVISOR;

		end = first + 1;
		if (!lines[first].prom)
			continue;
		while (end < n && lines[end].prom && strcmp(lines[end].prom, lines[first].prom) == 0)
			end++;
		if (p->without & collector_bit(lines[first].collector))
			continue;
		while (forms[form].scope != scope || !form_takes(form, &lines[first]))
			form++;
		write_family(p, out, p->sets[form], lines, first, end);
	}
	if (scope == SCOPE_CONTAINER)
		write_family(p, out, p->sets[FORM_INFO], own_family_line(OWN_INFO), 0, 1);
}

/* A sample with the labels in p->labels. */
static void labelled_add(struct prometheus *p, struct family *f, double v)
{
	if (p->labels.failed)
		f->out->text->failed = true;
	else
		sample_add(f, f->line, p->labels.data ? p->labels.data : "", p->labels.len, v);
}

void one_label_add(struct prometheus *p, struct family *f, const char *name, const char *value, double v)
{
	buf_reset(&p->labels);
	label_add(&p->labels, name, value);
	labelled_add(p, f, v);
}

static void write_build(struct prometheus *p, struct exposition *out, const struct snapshot *s)
{
	struct family f = {out, own_family_line(OWN_BUILD), false};

	buf_reset(&p->labels);
	label_add(&p->labels, "version", SYSSCOPE_VERSION);
	label_add(&p->labels, "revision", SYSSCOPE_REVISION);
	label_add(&p->labels, "kernel", s->kernel);
	labelled_add(p, &f, 1);
}

static void write_machine(struct prometheus *p, struct exposition *out, const struct snapshot *s)
{
	struct family f = {out, own_family_line(OWN_MACHINE), false};

	buf_reset(&p->labels);
	label_add(&p->labels, "machine", s->machine ?: "");
	label_add(&p->labels, "in_container", s->in_container ?: "");
	labelled_add(p, &f, 1);
}

static void write_agent(struct prometheus *p, struct exposition *out, const struct snapshot *s)
{
	struct family losses = {out, own_family_line(OWN_LOSSES), false};
	struct family duration = {out, own_family_line(OWN_DURATION), false};
	struct family success = {out, own_family_line(OWN_SUCCESS), false};

	for (size_t i = 0; i < s->n_losses; i++)
		one_label_add(p, &losses, "kind", s->losses[i].kind, (double)s->losses[i].count);
	for (size_t i = 0; i < s->n_collectors; i++)
		one_label_add(p, &duration, "collector", s->collectors[i].name, s->collectors[i].duration_seconds);
	for (size_t i = 0; i < s->n_collectors; i++)
		one_label_add(p, &success, "collector", s->collectors[i].name, s->collectors[i].ok ? 1 : 0);
}

/* For every family with a limit, even if nothing was folded: an alert needs the 0. */
static void write_folded(struct prometheus *p, struct exposition *out, const struct snapshot *s,
			 const struct prometheus_options *o)
{
	struct family f = {out, own_family_line(OWN_FOLDED), false};

	for (int form = 0; form < FORM_COUNT; form++) {
		const struct metric_desc *lines;
		double names = form == FORM_GROUP || form == FORM_NAMED ? (double)s->names_folded
			       : form == FORM_PORT			? (double)s->ports_folded
									: 0,
		       folded = names;
		size_t n;

		if ((form == FORM_GROUP && !o->process_metrics) || (form == FORM_NAMED && !o->named))
			continue;
		lines = form_lines(form, &n);
		for (size_t i = 0; i < n; i++) {
			if (series_set_column(p->sets[form], i) == NO_COLUMN)
				continue;
			folded += (double)series_set_folded(p->sets[form], i);
			if (i + 1 < n && lines[i].prom && lines[i + 1].prom &&
			    strcmp(lines[i].prom, lines[i + 1].prom) == 0)
				continue;
			one_label_add(p, &f, "family", lines[i].prom, folded);
			folded = names;
		}
	}
}

static void write_own(struct exposition *out, enum own_family first, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct family f = {out, own_family_line((enum own_family)(first + i)), false};

		sample_add(&f, f.line, "", 0, v[i]);
	}
}

static void write_recording(struct exposition *out, const struct prometheus_recording *r)
{
	const double v[] = {r->active,	    r->samples, r->lost_samples, r->written_bytes, r->kept_bytes,
			    r->oldest_time, r->errors,	r->events,	 r->lost_events};

	_Static_assert((size_t)OWN_SELF == OWN_RECORDING + ARRAY_SIZE(v), "a family for each value");
	write_own(out, OWN_RECORDING, v, ARRAY_SIZE(v));
}

static void write_config(struct exposition *out, const struct prometheus_config *c)
{
	const double v[] = {c->successful, c->success_time};

	write_own(out, OWN_CONFIG, v, ARRAY_SIZE(v));
}

static void write_self(struct exposition *out, const struct prometheus_self *self)
{
	const double v[] = {self->cpu_seconds,	     self->resident_bytes, self->open_fds,
			    self->max_fds,	     self->start_time,	   self->virtual_bytes,
			    self->virtual_max_bytes, self->map_bytes,	   self->storage_bytes};

	_Static_assert((size_t)OWN_FAMILIES == OWN_SELF + ARRAY_SIZE(v), "a family for each value");
	write_own(out, OWN_SELF, v, ARRAY_SIZE(v));
}

static int sets_fill(struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o)
{
	unsigned int max_series = o->max_series ? o->max_series : PROMETHEUS_MAX_SERIES_DEFAULT;
	int r = sets_begin(p, s);

	if (!r)
		r = sets_add_containers(p, s, max_series);
	if (!r && o->process_metrics)
		r = sets_add_groups(p, s, max_series);
	if (!r && o->named)
		r = sets_add_named(p, s, max_series);
	if (!r)
		r = sets_add_neighbours(p, s, max_series);
	if (!r)
		r = sets_add_transitions(p, s, max_series);
	for (int form = FORM_DISK_CADVISOR; form <= FORM_DISK && !r; form++)
		r = sets_add_disks(p, s, form, max_series);
	if (!r)
		r = sets_add_disk_pairs(p, s, max_series);
	if (!r)
		r = sets_add_devices(p, s, max_series);
	if (!r)
		r = sets_add_ports(p, s, max_series);
	if (!r)
		r = sets_add_interfaces(p, s, max_series);
	if (!r)
		r = sets_add_findings(p, s, max_series);
	return r;
}

static int text_write(struct prometheus *p, struct exposition *out, const struct snapshot *s,
		      const struct prometheus_options *o)
{
	static const struct prometheus_options defaults = {.process_metrics = true};
	static const enum metric_scope scopes[] = {SCOPE_NEIGHBOUR,	 SCOPE_TRANSITION, SCOPE_DISK,
						   SCOPE_DISK_NEIGHBOUR, SCOPE_DEVICE,	   SCOPE_PORT,
						   SCOPE_INTERFACE};
	int r;

	if (!o)
		o = &defaults;
	p->without = o->without;
	r = sets_fill(p, s, o);
	if (r)
		return r;
	write_build(p, out, s);
	write_machine(p, out, s);
	write_host(p, out, s);
	write_forms(p, out, SCOPE_CONTAINER);
	if (o->process_metrics)
		write_forms(p, out, SCOPE_GROUP);
	if (o->named)
		write_forms(p, out, SCOPE_NAMED);
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		write_forms(p, out, scopes[i]);
	write_findings(p, out, s);
	write_agent(p, out, s);
	write_folded(p, out, s, o);
	if (o->config)
		write_config(out, o->config);
	if (o->recording)
		write_recording(out, o->recording);
	if (o->self)
		write_self(out, o->self);
	exposition_end(out);
	return text_send(p, out->text, PART_UNKEPT, 0);
}

int prometheus_write(struct prometheus *p, struct buf *out, const struct snapshot *s,
		     const struct prometheus_options *o)
{
	struct exposition text = {out, o && o->openmetrics};
	size_t before = out->len;
	int r = text_write(p, &text, s, o);

	if (!r)
		return 0;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return r;
}

int prometheus_send(struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o,
		    const struct prometheus_sink *sink)
{
	_cleanup_buf_ struct buf part = {};
	struct exposition text = {&part, o && o->openmetrics};
	int r;

	p->sink = sink;
	r = text_write(p, &text, s, o);
	p->sink = NULL;
	return r;
}
