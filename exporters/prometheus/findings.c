/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.c - findings as series: one for each, which goes with it. Called by prometheus.c. */
#include <errno.h>
#include <string.h>

#include "exporters/prometheus/families.h"
#include "exporters/prometheus/prometheus_internal.h"
#include "sysscope/findings.h"

int sets_add_findings(struct prometheus *p, const struct snapshot *s, unsigned int max_series)
{
	static const double one = 1;
	int r = series_set_begin(p->sets[FORM_FINDING], max_series);

	for (size_t i = 0; s->findings && i < s->findings->n && !r; i++) {
		const struct finding *f = &s->findings->all[i];

		buf_reset(&p->labels);
		label_add(&p->labels, "rule", f->rule);
		label_add(&p->labels, "severity", finding_severity_names[f->severity]);
		label_add(&p->labels, "container", f->container);
		label_add(&p->labels, "id", f->container_cgroup);
		if (f->home)
			labels_pod(p, &s->containers[f->home - 1]);
		if (p->labels.failed)
			return -ENOMEM;
		/* The worst come first. */
		r = series_set_add(p->sets[FORM_FINDING], 0, p->labels.data, p->labels.len, f->container_cgroup,
				   -(double)i, &one);
	}
	return r ? r : series_set_end(p->sets[FORM_FINDING]);
}

/* A rule may have several reasons. */
static bool rule_said(const struct findings *f, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (strcmp(f->unjudged[before].rule, f->unjudged[i].rule) == 0)
			return true;
	return false;
}

void write_findings(struct prometheus *p, struct exposition *out, const struct snapshot *s)
{
	struct family unjudged = {out, own_family_line(OWN_NOT_JUDGED), false},
		      watched = {out, own_family_line(OWN_FINDINGS_WATCHED), false};
	const struct findings *f = s->findings;

	write_family(p, out, p->sets[FORM_FINDING], own_family_line(OWN_FINDINGS), 0, 1);
	if (!f || f->too_short)
		return;
	for (size_t i = 0; i < f->n_unjudged; i++)
		if (!rule_said(f, i))
			one_label_add(p, &unjudged, "rule", f->unjudged[i].rule, 1);
	sample_add(&watched, watched.line, "", 0, f->watched_seconds);
}
