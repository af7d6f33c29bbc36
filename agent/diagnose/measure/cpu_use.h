/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_use.h - what containers and the machine did with the CPU in the window; what rules about the CPU have in common. */
#ifndef SYSSCOPE_DIAGNOSE_CPU_USE_H
#define SYSSCOPE_DIAGNOSE_CPU_USE_H

#include "diagnose/case/finding.h"

/* What a container did with the CPU, per second of the window. Absent: not known. */
struct cpu_use {
	double cores;	  /* used */
	double wait;	  /* seconds of waiting for a CPU, whatever for */
	double throttled; /* part of it for the quota */
	double limit;	  /* absent: none */
};
struct cpu_use cpu_use(const struct judging *j, uint32_t i);

/* The share of `lost` in the time that threads ran or wanted to; 0 if nothing was. */
double cpu_lost_share(double cores, double wait, double lost);

/* For what a container's threads waited, per second of the window, apart from its quota. */
struct cpu_waits {
	double others, self; /* for other containers; for its own threads */
	double worst_wait;   /* the largest part of `others` that one container with a name made */
	uint32_t worst;
};
/* Of all containers; freed by the caller. NULL: no memory, which the run reports. */
struct cpu_waits *cpu_waits_collect(struct judging *j);

/* The CPUs of the machine, on average over the window. Absent: not known. */
struct machine_cpu {
	double cpus, used, idle; /* idle: neither busy nor stolen */
	double waiting;		 /* threads that waited for a CPU, quotas apart */
	bool exact;	 /* as the scheduler hooks saw it; else only waits that are over, as the kernel counts them */
	bool busy, full; /* all CPUs are busy; and that many threads wait for them */
};
struct machine_cpu machine_cpu(struct judging *j);

/* It may use some CPUs of the machine only. */
bool cpu_is_pinned(const struct judging *j, uint32_t i);
/* The container's own CPU quota. Absent: it has none. */
double cpu_own_quota(const struct container_row *c);

#endif
