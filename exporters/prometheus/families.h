/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * families.h - the families that are not in metrics.def: container labels, and how the agent itself is doing. Used by
 * prometheus.c, and by the generator of docs/metrics.md through prometheus_families().
 */
#ifndef SYSSCOPE_FAMILIES_H
#define SYSSCOPE_FAMILIES_H

#include "exporters/prometheus/prometheus.h"

enum own_family {
	OWN_INFO,
	OWN_BUILD,
	OWN_MACHINE,
	OWN_FINDINGS,
	OWN_NOT_JUDGED,
	OWN_FINDINGS_WATCHED,
	OWN_LOSSES,
	OWN_FOLDED,
	OWN_DURATION,
	OWN_SUCCESS,
	OWN_CONFIG, /* this and the next: in the order of struct prometheus_config */
	OWN_CONFIG_TIME,
	OWN_RECORDING, /* this and the following: in the order of struct prometheus_recording */
	OWN_SELF = OWN_RECORDING + sizeof(struct prometheus_recording) / sizeof(double), /* of struct prometheus_self */
	OWN_FAMILIES = OWN_SELF + sizeof(struct prometheus_self) / sizeof(double)
};

const struct metric_desc *own_family_line(enum own_family family);

#endif
