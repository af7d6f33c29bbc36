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

/* Threads of the machine that waited for a CPU on average, quotas apart. */
double machine_waiting(const struct judging *j);
/* All CPUs are busy, and that many threads wait. */
bool machine_is_full(const struct judging *j, double waiting);

#endif
