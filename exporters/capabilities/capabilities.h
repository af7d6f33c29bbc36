/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.h - the report of `sysscope capabilities`: which capabilities each container used, as text with settings
 * to copy for Docker, Kubernetes and systemd, and as JSON. Filled by the command; pure.
 */
#ifndef SYSSCOPE_EXPORTERS_CAPABILITIES_H
#define SYSSCOPE_EXPORTERS_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

/* A capability that was denied to threads of this name. */
struct denial {
	unsigned int capability;
	char comm[17];
	uint64_t count;
};
#define DENIALS_MAX 64

struct capability_report {
	char *name, *id, *kind, *runtime, *cgroup; /* raw */
	double seconds;	       /* watched: from its start or the command's to its end or the command's */
	double before_seconds; /* that it had run before; 0: watched from its start; negative: unknown */
	bool ended;
	uint64_t effective, permitted, bounding; /* of any of its processes, bit per number */
	uint64_t used[64], runtime_used[64];	 /* how often; by the runtime while it created the container */
	uint64_t elsewhere_used[64]; /* in user namespaces that it created: not part of what it was granted */
	struct denial denials[DENIALS_MAX];
	size_t n_denials;
	bool denials_cut;
};

struct capability_watch {
	double seconds;
	const char *hook, *lacks; /* how checks were observed, and what that cannot show, "" for nothing */
	uint64_t all;		  /* capabilities that this kernel has */
	uint64_t lost;		  /* checks that did not fit into the table */
	const struct capability_report *reports;
	size_t n;
};

#define CAPABILITY_BITS 64 /* of a set */

/* The set of those used at least once. */
uint64_t capability_report_used(const struct capability_report *r);

/* "--cap-drop ALL --cap-add CHOWN", a securityContext, "CapabilityBoundingSet=CAP_CHOWN". */
void capability_docker(struct buf *out, uint64_t needed);
void capability_kubernetes(struct buf *out, uint64_t needed, const char *indent);
void capability_systemd(struct buf *out, uint64_t needed);

/* The names of a set, each between `before` and `after`. */
void capability_names_add(struct buf *out, uint64_t set, const char *before, const char *between, const char *after);

void capabilities_write_text(struct buf *out, const struct capability_watch *w);
int capabilities_write_json(struct buf *out, const struct capability_watch *w); /* one line. 0 or -ENOMEM */

#endif
