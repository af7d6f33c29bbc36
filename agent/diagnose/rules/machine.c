/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine.c - rules about the CPUs of the whole machine. Called by judge.c through the table in rules.def. */
#include <math.h>

#include "diagnose/case/advice.h"
#include "diagnose/measure/cpu_use.h"

/* ---- host_cpu_saturated, cpu_steal ---- */

/* The containers that used the most CPU, the most first; their number, at most `n`. */
static size_t largest_users(struct judging *j, uint32_t *ret, double *ret_cores, size_t n)
{
	size_t found = 0, at;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		double cores = cpu_use(j, i).cores;

		if (!(cores > 0) || j->now->containers[i].parent[0])
			continue;
		for (at = found; at > 0 && ret_cores[at - 1] < cores; at--)
			;
		if (at == n)
			continue;
		found += found < n;
		for (size_t k = found - 1; k > at; k--) {
			ret[k] = ret[k - 1];
			ret_cores[k] = ret_cores[k - 1];
		}
		ret[at] = i;
		ret_cores[at] = cores;
	}
	return found;
}

/* Who fills the machine: with at least half of what is used it is one of them, among equals it is nobody. */
static void saturated_by(struct judging *j, struct finding *f, const struct machine_cpu *m)
{
	uint32_t users[3];
	double cores[3];
	size_t n = largest_users(j, users, cores, ARRAY_SIZE(users));
	const char *weight;

	for (size_t i = 0; i < n; i++)
		finding_evidence(j, f, "cpu_cores", cores[i], "cores", "%s used %.2f CPU%s",
				 j->now->containers[users[i]].name, cores[i], i ? "" : ", the most");
	if (!n || cores[0] < m->used / 2 || !judge_is_own_home(&j->now->containers[users[0]]))
		return;
	finding_culprit(j, f, users[0]);
	weight = advice_cpu_weight(j, users[0], NO_CONTAINER);
	if (weight)
		finding_advice(j, f, "let %s go last: %s", advice_name(j, j->now->containers[users[0]].name), weight);
}

void judge_host_cpu_saturated(struct judging *j)
{
	struct machine_cpu m = machine_cpu(j);
	struct finding *f;

	if (m.busy && value_absent(m.waiting)) {
		judge_cannot(j, "%.1f of %.0f CPUs were busy; whether threads waited for them needs collector sched",
			     m.used, m.cpus);
		return;
	}
	if (!m.full) {
		judge_near(j, NO_CONTAINER,
			   fmin(m.used / (m.cpus * judge_threshold(j, HOST_CPU_SATURATED_BUSY)),
				m.waiting / (m.cpus * judge_threshold(j, HOST_CPU_SATURATED_WAITING))),
			   1, "%.1f of %.0f CPUs were busy, and %.1f threads waited for one", m.used, m.cpus,
			   m.waiting);
		return;
	}
	f = judge_find(j, NO_CONTAINER, FINDING_WARNING);
	if (!f)
		return;
	f->confidence = m.exact ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, m.used / m.cpus,
			 "all %.0f CPUs of the machine are busy, and on average %.1f threads wait for them", m.cpus,
			 m.waiting);
	finding_evidence(j, f, "cpu_seconds_total", m.used, "cores", "%.2f of %.0f CPUs were busy", m.used, m.cpus);
	finding_evidence(j, f, "", m.waiting, "threads", "%.1f threads waited for a CPU on average, apart from quotas",
			 m.waiting);
	saturated_by(j, f, &m);
	finding_advice(j, f, "%smove work to another machine; this one has none to give", f->n_advice ? "or " : "");
}

void judge_cpu_steal(struct judging *j)
{
	double cpus = j->now->v[HOST_CPUS], stolen = judge_seconds(j, window_host(j->w, HOST_STEAL)) / cpus;
	struct finding *f;

	if (value_absent(stolen)) {
		judge_cannot(j, "the hypervisor has never reported stolen time");
		return;
	}
	if (stolen < judge_threshold(j, CPU_STEAL_STOLEN)) {
		judge_near(j, NO_CONTAINER, stolen, judge_threshold(j, CPU_STEAL_STOLEN),
			   "%.1f %% of the CPU time was stolen", stolen * 100);
		return;
	}
	f = judge_find(j, NO_CONTAINER,
		       stolen >= judge_threshold(j, CPU_STEAL_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);
	if (!f)
		return;
	finding_headline(j, f, stolen, "the hypervisor takes %.0f %% of this machine's CPU time for others",
			 stolen * 100);
	finding_evidence(j, f, "steal_seconds_total", stolen, "ratio", "steal: %.1f %% of the time of %.0f CPUs",
			 stolen * 100, cpus);
	finding_ruled_out(j, f, "anything inside this machine: nothing here can take that time, or give it back");
	finding_advice(j, f, "move the machine to another host, or to a size whose CPUs are not shared or burstable");
}
