/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * labels.c - the labels of a home in each profile. Used by the files that put rows into series; every value from outside goes
 * through text_label. What a runtime calls labels is JSON, of which only the chosen ones are published.
 */
#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "exporters/prometheus/prometheus_internal.h"

void label_add(struct buf *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	if (out->len)
		buf_char(out, ',');
	buf_str(out, name);
	buf_str(out, "=\"");
	text_label(out, value, strlen(value));
	buf_char(out, '"');
}

void prometheus_labels(struct prometheus *p, bool minimal, const char *const *chosen, size_t n)
{
	p->minimal = minimal;
	p->chosen = chosen;
	p->n_chosen = n;
}

/* As cAdvisor does: what a name may not have becomes an underscore. */
static void container_label_name(struct buf *out, const char *name)
{
	buf_str(out, "container_label_");
	for (; *name; name++)
		buf_char(out, isascii((unsigned char)*name) && isalnum((unsigned char)*name) ? *name : '_');
}

size_t prometheus_labels_clash(const char *const *chosen, size_t n, size_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct buf name = {};

		container_label_name(&name, chosen[i]);
		for (size_t k = 0; k < i; k++) {
			_cleanup_buf_ struct buf other = {};

			container_label_name(&other, chosen[k]);
			if (name.failed || other.failed || strcmp(name.data, other.data) != 0)
				continue;
			*ret = k;
			return i;
		}
	}
	return n;
}

static void labels_chosen(struct prometheus *p, const struct container_row *c)
{
	json_t *labels = p->n_chosen && *c->labels ? json_loads(c->labels, 0, NULL) : NULL;

	for (size_t i = 0; labels && i < p->n_chosen; i++) {
		_cleanup_buf_ struct buf name = {};

		container_label_name(&name, p->chosen[i]);
		if (name.failed)
			p->labels.failed = true;
		else
			label_add(&p->labels, name.data, json_string_value(json_object_get(labels, p->chosen[i])));
	}
	json_decref(labels);
}

static void labels_pod_always(struct prometheus *p, const struct container_row *c)
{
	if (!*c->pod)
		return;
	label_add(&p->labels, "pod", c->pod);
	label_add(&p->labels, "namespace", c->namespace_);
}

void labels_pod(struct prometheus *p, const struct container_row *c)
{
	if (!p->minimal)
		labels_pod_always(p, c);
}

/*
 * Names are what people gave and are not unique: a replaced container and its successor, or a service of the system and of a
 * user, share one. `id`, the path of the cgroup as in cAdvisor's families, is unique and stands beside every name, so that each
 * series belongs to one home, and a join on it with sysscope_container_info has one match.
 */
void labels_home(struct prometheus *p, const struct container_row *c)
{
	label_add(&p->labels, "container", c->name);
	label_add(&p->labels, "id", c->cgroup);
}

void labels_container(struct prometheus *p, enum label_form form, const struct container_row *c)
{
	bool container = strcmp(c->kind, "container") == 0;

	buf_reset(&p->labels);
	if (form == FORM_CADVISOR) {
		label_add(&p->labels, "id", c->cgroup);
		label_add(&p->labels, "name", container ? c->name : "");
		if (p->minimal)
			return;
		label_add(&p->labels, "image", c->image);
		label_add(&p->labels, "container", container && *c->pod ? c->name : "");
		labels_pod(p, c);
		labels_chosen(p, c);
		return;
	}
	labels_home(p, c);
	if (form != FORM_INFO) {
		labels_pod(p, c);
		return;
	}
	label_add(&p->labels, "container_id", c->id);
	label_add(&p->labels, "image", c->image);
	label_add(&p->labels, "runtime", c->runtime);
	label_add(&p->labels, "kind", c->kind);
	labels_pod_always(p, c);
	labels_chosen(p, c);
}
