/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * findings.h - what is wrong, as agent/diagnose/ found it in snapshots: the contract with everything that shows findings.
 * Read-only. Texts hold raw names from outside, as in a snapshot: each output passes them through its sanitiser.
 */
#ifndef SYSSCOPE_FINDINGS_H
#define SYSSCOPE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the least to the worst. */
enum finding_severity { FINDING_NOTICE, FINDING_WARNING, FINDING_CRITICAL, FINDING_SEVERITIES };
extern const char *const finding_severity_names[FINDING_SEVERITIES]; /* "notice", "warning", "critical" */

/* How sure a rule is of its cause. */
enum finding_confidence { FINDING_LOW, FINDING_MEDIUM, FINDING_HIGH, FINDING_CONFIDENCES };
extern const char *const finding_confidence_names[FINDING_CONFIDENCES]; /* "low", "medium", "high" */

struct finding_evidence {
	const char *text;
	const char *metric; /* JSON key of the value in a snapshot, "" if it is made from several */
	double value;	    /* in `unit`; absent: there is none */
	const char *unit;   /* "cores", "ratio", "seconds_per_second", "bytes", ...; "" without a value */
};

/* A consequence of a finding, which is no finding of its own for that reason. */
struct finding_consequence {
	const char *rule, *container, *headline;
	const char *container_cgroup;
};

#define FINDING_EVIDENCE 8
#define FINDING_LINES	 4
#define FINDING_EXPLAINS 8

struct finding {
	const char *rule;
	enum finding_severity severity;
	enum finding_confidence confidence;
	const char *container, *container_cgroup; /* "" for the machine */
	uint32_t home, culprit_home;		  /* index into the containers of the snapshot, plus one; 0: none */
	uint32_t pid;				  /* 0: no single process */
	const char *comm;			  /* "" without */
	/* Who did it: another container, or a process. "" and 0 where there is none, or it is the container itself. */
	const char *culprit_container, *culprit_cgroup, *culprit_process;
	uint32_t culprit_pid;
	bool ended, culprit_ended; /* the container, that of the culprit: it is gone; an evidence says so */
	const char *headline;
	struct finding_evidence evidence[FINDING_EVIDENCE];
	size_t n_evidence;
	const char *ruled_out[FINDING_LINES], *advice[FINDING_LINES];
	size_t n_ruled_out, n_advice;
	struct finding_consequence explains[FINDING_EXPLAINS];
	size_t n_explains;
	uint64_t explains_more; /* consequences beyond these */
	double since;		/* seconds since 1970: it has been so at least since then */
	double until;		/* and at least until then, of a recording; 0: it is so now */
	double weight; /* among findings of one severity the larger comes first: share of time lost, or alike */
};

/* A rule that could not judge, and why. */
struct finding_unjudged {
	const char *rule, *reason;
};

/* What came closest to being a finding: a value and its threshold. */
struct finding_near {
	const char *rule, *container; /* "" for the machine */
	const char *text;
	double share; /* of the threshold, below 1 */
};
#define FINDING_NEAR 3

/* Between two samples of a recording: a time of which there are none. */
struct findings_gap {
	double from, to;
};

struct findings {
	double time; /* of the latest snapshot, seconds since 1970 */
	double watched_seconds;
	double from; /* of a recording: time of the first snapshot; 0: it was watched as it happened */
	size_t cuts; /* so many times sysscope was started again in between: these parts are judged each for itself */
	const struct findings_gap *gaps; /* of a recording, in the order of time */
	size_t n_gaps;
	bool too_short;				    /* to judge: that there is no finding says nothing */
	size_t containers, processes, loops, rules; /* that were looked at */
	const struct finding *all;		    /* the worst first */
	size_t n;
	const struct finding_unjudged *unjudged;
	size_t n_unjudged;
	struct finding_near near[FINDING_NEAR]; /* the closest first */
	size_t n_near;
};

#endif
