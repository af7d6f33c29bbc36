/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording.h - the recording that `sysscope serve` keeps beside serving. Called by serve.c; logs how it goes. */
#ifndef SYSSCOPE_SERVE_RECORDING_H
#define SYSSCOPE_SERVE_RECORDING_H

#include <sys/utsname.h>

#include "cli/run.h"
#include "exporters/prometheus/prometheus.h"
#include "record/recorded.h"

struct event_feed;

struct serve_recording {
	const char *path; /* NULL: none */
	double interval, keep_seconds;
	uint64_t keep_bytes;
	bool no_events;
	struct event_feed *events; /* NULL: none are recorded */
	const struct run *run;
	struct utsname name;
	struct keeper *keeper;
	struct recorded_source source;
	bool refused;  /* and it was said */
	uint64_t lost; /* before that */
};

/* Before run_open. RUN_CONTINUE, also if nothing is to be recorded, or the exit code. */
int recording_keep(struct serve_recording *r, struct run *run);
/* After that, with a keeper: a source that records what passes by. NULL with *ret_error. */
const struct snapshot_source *recording_source(struct serve_recording *r, const struct snapshot_source *source,
					       int *ret_error);
void recording_metrics(struct serve_recording *r, struct prometheus_recording *ret);
/* Before run_close. */
void recording_end(struct serve_recording *r);

#endif
