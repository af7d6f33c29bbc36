/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prometheus.h - a snapshot as Prometheus text 0.0.4 or OpenMetrics 1.0.0. Called by agent/serve/ for each scrape. Never opens
 * a file, never subtracts samples; families, types and units come from metrics.def.
 */
#ifndef SYSSCOPE_PROMETHEUS_H
#define SYSSCOPE_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysscope/view.h"

struct buf;

#define PROMETHEUS_CONTENT_TYPE	      "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_CONTENT_TYPE      "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS_MAX_SERIES_DEFAULT 2000

/* Resources that the agent itself uses, measured by the caller. VALUE_ABSENT: unknown, no sample. */
struct prometheus_self {
	double cpu_seconds; /* user and system, since it started */
	double resident_bytes;
	double open_fds;
	double max_fds;	   /* soft limit */
	double start_time; /* seconds since 1970 */
	double virtual_bytes;
	double virtual_max_bytes; /* soft limit; without one 2^64-1, as the client libraries of Prometheus write it */
	double map_bytes;
	double storage_bytes;
};

/* How the recording of these snapshots goes, since the start. VALUE_ABSENT: unknown, no sample. */
struct prometheus_recording {
	double active; /* 1: it records; 0: the disk refuses */
	double samples, lost_samples;
	double written_bytes, kept_bytes;
	double oldest_time; /* seconds since 1970 */
	double errors;
	double events, lost_events;
};

/* Of the files of configuration, under the names that Prometheus has for its own. */
struct prometheus_config {
	double successful; /* 1: the latest attempt to read them; 0: one is wrong, and what was read before is in force */
	double success_time; /* seconds since 1970 */
};

struct prometheus_options {
	unsigned int max_series;	    /* per family; 0: PROMETHEUS_MAX_SERIES_DEFAULT */
	bool process_metrics;		    /* the families of GROUP scope */
	bool named;			    /* process-exporter's families: those of NAMED scope */
	bool openmetrics;		    /* OpenMetrics 1.0.0 instead of text 0.0.4 */
	uint32_t without;		    /* bits of collectors whose families are left out: prometheus_collector */
	const struct prometheus_self *self; /* NULL: none of the process_* families */
	const struct prometheus_recording
		*recording;			/* NULL: nothing is recorded, and there are none of its families */
	const struct prometheus_config *config; /* NULL: there is no such file */
};

/*
 * The writer remembers its series between scrapes: a counter published under some labels does not go down while these
 * labels are published, even if the rows behind it change (a container that restarts under its name, the members of
 * `~other`). After a restart it can therefore be larger than the container's own counter. All scrapes of a server must
 * use one writer, one at a time.
 */
struct prometheus;
/* `detail`: all families and buckets (detail.h has those that are left out else). NULL when out of memory. */
struct prometheus *prometheus_new(bool detail);
void prometheus_free(struct prometheus *p);

/*
 * Before the first scrape: which labels homes have. `minimal`: their id and name, and sysscope_container_info the others. `chosen`:
 * labels of containers that are published as container_label_NAME; the caller keeps them.
 */
void prometheus_labels(struct prometheus *p, bool minimal, const char *const *chosen, size_t n);
/* The first of `chosen` that would be published under the name of an earlier one, *ret; `n`: none, or no memory. */
size_t prometheus_labels_clash(const char *const *chosen, size_t n, size_t *ret);

/* The bit of a collector that families name in metrics.def; 0: there is none of that name. */
uint32_t prometheus_collector(const char *name, size_t len);

/* Appends the whole exposition to `out`. 0 or -ENOMEM (`out` is as before then). NULL for `o`: the defaults. */
int prometheus_write(struct prometheus *p, struct buf *out, const struct snapshot *s,
		     const struct prometheus_options *o);

/*
 * The same text in parts, in order. `again`: whether the sink still has the part of this number and digest, which stands for its
 * text; then it is not written. `add`: a part, and its number (0: there is no other with it, and it is not asked for again); the
 * text is the writer's. Negative errno: the scrape is dropped.
 */
struct prometheus_sink {
	void *ctx;
	bool (*again)(void *ctx, uint64_t part, uint64_t digest);
	int (*add)(void *ctx, uint64_t part, uint64_t digest, const char *text, size_t len);
};
int prometheus_send(struct prometheus *p, const struct snapshot *s, const struct prometheus_options *o,
		    const struct prometheus_sink *sink);

/* The families that are not in metrics.def, for docs/metrics.md. */
struct prometheus_family {
	struct metric_desc line;
	const char *label_names; /* "kind", "version, revision"; "" for none */
};
const struct prometheus_family *prometheus_families(size_t *ret_n);

#endif
