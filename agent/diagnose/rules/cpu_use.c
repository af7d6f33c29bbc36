/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_use.c - see cpu_use.h. Called by the rules. */
#include "diagnose/rules/cpu_use.h"

struct cpu_use cpu_use(const struct judging *j, uint32_t i)
{
	return (struct cpu_use){
		.cores = judge_seconds(j, window_container(j->w, i, CONTAINER_CPU_USAGE)),
		.wait = judge_seconds(j, window_container(j->w, i, CONTAINER_WAKEUP_WAIT) +
						 window_container(j->w, i, CONTAINER_PREEMPTED_WAIT)),
		.throttled = judge_seconds(j, window_container(j->w, i, CONTAINER_THROTTLED_WAIT)),
		.limit = j->now->containers[i].v[CONTAINER_CPU_LIMIT],
	};
}

double cpu_lost_share(double cores, double wait, double lost)
{
	return cores + wait > 0 ? lost / (cores + wait) : 0;
}

double machine_waiting(const struct judging *j)
{
	double waiting = 0;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		struct cpu_use u = cpu_use(j, i);

		if (u.wait - u.throttled > 0)
			waiting += u.wait - u.throttled;
	}
	return waiting;
}

bool machine_is_full(const struct judging *j, double waiting)
{
	double cpus = j->now->v[HOST_CPUS], used = judge_seconds(j, window_host(j->w, HOST_CPU_USAGE));

	return used >= cpus * judge_threshold(j, HOST_CPU_SATURATED_BUSY) &&
	       waiting >= cpus * judge_threshold(j, HOST_CPU_SATURATED_WAITING);
}
