/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arithmetic.c - splits CPU time and holds counters: see arithmetic.h. */
#include "homes/arithmetic.h"

void cputime_split(uint64_t rtime_ns, uint64_t utime, uint64_t stime, uint64_t *user, uint64_t *system)
{
	uint64_t u, s;

	if (rtime_ns <= *user + *system)
		return;
	if (!stime)
		s = 0;
	else if (!utime)
		s = rtime_ns;
	else
		s = (uint64_t)((unsigned __int128)rtime_ns * stime / ((unsigned __int128)stime + utime));
	if (s < *system)
		s = *system;
	u = rtime_ns - s;
	if (u < *user) {
		u = *user;
		s = rtime_ns - u;
	}
	*user = u;
	*system = s;
}

void counters_hold(enum metric_scope scope, double *v, double *held, bool last)
{
	size_t n;
	const struct metric_desc *d = metric_table(scope, &n);

	for (size_t i = 0; i < n; i++) {
		if (!metric_grows(&d[i]) || (value_absent(v[i]) && !last))
			continue;
		if (value_absent(v[i]) || held[i] > v[i])
			v[i] = held[i];
		held[i] = v[i];
	}
}
