/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu.c - rules about the CPU: quotas, single threads, short-lived processes, the machine; contention.c has those about waits for
 * each other. Called by judge.c through the table in rules.def.
 *
 * The measure of all of them is the share of time that is lost: of the time in which threads ran or wanted to run, the part in
 * which they waited for a given reason.
 */
#include <math.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/rules/cpu_use.h"

/* Up to the next tenth, with a tenth of room. */
static double cores_to_give(double wanted)
{
	return ceil(wanted * 11) / 10;
}

/* ---- cpu_throttled ---- */

static void throttled_by_text(struct judging *j, struct finding *f, const struct container_row *c, double periods)
{
	bool own = !c->throttled_by || strcmp(c->throttled_by, c->cgroup) == 0;

	finding_evidence(j, f, "throttled_ratio", periods, "ratio", "%s ran out in %.0f %% of its periods",
			 own ? "the quota" : judge_text(j, "the quota of %s", c->throttled_by), periods * 100);
}

static void throttled_find(struct judging *j, uint32_t i, const struct cpu_use *u, double periods)
{
	const struct container_row *c = &j->now->containers[i];
	bool known = !value_absent(u->throttled), own = !c->throttled_by || strcmp(c->throttled_by, c->cgroup) == 0;
	double lost = known ? cpu_lost_share(u->cores, u->wait, u->throttled) : periods;
	double wanted = u->cores + (known ? u->throttled : 0);
	struct finding *f = judge_find(
		j, i, lost >= judge_threshold(j, CPU_THROTTLED_CRITICAL) && known ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	f->confidence = known ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, lost,
			 known ? "%s is held up by %s CPU quota%s%s for %.0f %% of the time that it has work"
			       : "%s is held up by %s CPU quota%s%s in %.0f %% of its periods",
			 c->name, own ? "its" : "the", own ? "" : " of ", own ? "" : c->throttled_by, lost * 100);
	finding_evidence(j, f, "cpu_cores", u->cores, "cores", "it used %.2f CPU of the %.2f that it may use", u->cores,
			 u->limit);
	throttled_by_text(j, f, c, periods);
	if (known)
		finding_evidence(j, f, "throttled_wait_seconds_total", u->throttled, "seconds_per_second",
				 "its threads waited %.2f s in each second for the quota", u->throttled);
	if (!value_absent(u->wait) && known && u->wait - u->throttled < u->throttled)
		finding_ruled_out(j, f, "neighbours: only %.2f s in each second were waits for a CPU that others had",
				  u->wait - u->throttled);
	if (known)
		finding_advice(j, f, "it wanted about %.1f CPUs, waits included; give it %.1f: %s", wanted,
			       cores_to_give(wanted), advice_cpu_limit(j, i, c->throttled_by, cores_to_give(wanted)));
	else
		finding_advice(j, f, "raise the quota: %s",
			       advice_cpu_limit(j, i, c->throttled_by, cores_to_give(u->limit * 2)));
	finding_advice(j, f,
		       "or start fewer threads than it has CPUs: each period's quota is spent sooner by more of them");
}

void judge_cpu_throttled(struct judging *j)
{
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double periods = c->v[CONTAINER_THROTTLED_RATIO];
		struct cpu_use u;

		if (c->dead || !(periods > 0))
			continue;
		u = cpu_use(j, i);
		if (value_absent(u.cores))
			continue;
		if (periods < judge_threshold(j, CPU_THROTTLED_PERIODS) ||
		    (!value_absent(u.throttled) &&
		     cpu_lost_share(u.cores, u.wait, u.throttled) < judge_threshold(j, CPU_THROTTLED_LOST))) {
			judge_near(j, i, periods, judge_threshold(j, CPU_THROTTLED_PERIODS),
				   "its CPU quota ran out in %.0f %% of the periods", periods * 100);
			continue;
		}
		throttled_find(j, i, &u, periods);
	}
}

/* ---- cpu_single_thread ---- */

void judge_cpu_single_thread(struct judging *j)
{
	double idle = j->now->v[HOST_CPUS] - j->now->v[HOST_CPU_CORES];

	for (uint32_t i = 0; i < j->now->n_processes; i++) {
		const struct process_row *p = &j->now->processes[i];
		const struct container_row *c = &j->now->containers[p->container];
		double used = judge_seconds(j, window_process(j->w, i, PROCESS_CPU_USAGE)), room;
		struct finding *f;

		if (p->kernel || p->v[PROCESS_THREADS] != 1 || !(used >= judge_threshold(j, CPU_SINGLE_THREAD_BUSY)))
			continue;
		room = value_absent(c->v[CONTAINER_CPU_LIMIT])
			       ? idle
			       : fmin(idle, c->v[CONTAINER_CPU_LIMIT] - c->v[CONTAINER_CPU_CORES]);
		if (!(room >= judge_threshold(j, CPU_SINGLE_THREAD_ROOM)))
			continue;
		f = judge_find(j, p->container, FINDING_NOTICE);
		if (!f)
			return;
		f->pid = p->pid;
		f->comm = p->comm;
		finding_headline(j, f, used, "%s (pid %u) in %s fills one CPU with its only thread; it cannot use more",
				 p->comm, p->pid, c->name);
		finding_evidence(j, f, "cpu_cores", used, "cores", "it used %.2f CPU with one thread", used);
		finding_evidence(j, f, "", room, "cores", "%.1f CPUs were free for it", room);
		finding_ruled_out(j, f, "its limit and its neighbours: there was a CPU free");
		finding_advice(j, f,
			       "more CPUs do not help: run more processes of it, or find what it does: perf top -p %u",
			       p->pid);
	}
}

/* ---- short_lived_processes ---- */

/* The name of which most processes ended in the container; NULL: none did. */
static const char *ended_most(struct judging *j, uint32_t container, double *ret_ended)
{
	const char *comm = NULL;
	size_t n;
	const uint32_t *rows = index_groups(j, container, &n);

	*ret_ended = 0;
	for (size_t i = 0; i < n; i++) {
		const struct group_row *g = &j->now->groups[rows[i]];

		if (g->v[GROUP_ENDED] > *ret_ended) {
			*ret_ended = g->v[GROUP_ENDED];
			comm = g->comm;
		}
	}
	return comm;
}

/* The process of whose children that are called `comm` most live at this moment; NULL: none does. */
static const struct process_row *starter_of(struct judging *j, uint32_t container, const char *comm)
{
	uint32_t parent = 0, votes = 0;
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	/* The most frequent parent by majority vote: one pass, and right whenever one parent has more than half. */
	for (size_t i = 0; i < n; i++) {
		const struct process_row *p = &j->now->processes[rows[i]];

		if (strcmp(p->comm, comm) != 0 || p->v[PROCESS_AGE] > 1e9)
			continue;
		if (!votes)
			parent = p->ppid;
		votes += p->ppid == parent ? 1 : -1;
	}
	return parent ? index_pid(j, parent) : NULL;
}

void judge_short_lived_processes(struct judging *j)
{
	bool full = machine_is_full(j, machine_waiting(j));

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		double cores = judge_seconds(j, window_container(j->w, i, CONTAINER_SHORT_LIVED_CPU));
		double all = judge_seconds(j, window_container(j->w, i, CONTAINER_CPU_TASKS));
		double births = window_container(j->w, i, CONTAINER_FORKS) / j->w->seconds, ended;
		const struct process_row *starter;
		const char *comm;
		struct finding *f;

		if (c->dead || !(cores > 0))
			continue;
		if (cores < judge_threshold(j, SHORT_LIVED_PROCESSES_CORES) ||
		    cores < all * judge_threshold(j, SHORT_LIVED_PROCESSES_SHARE)) {
			judge_near(j, i, cores, judge_threshold(j, SHORT_LIVED_PROCESSES_CORES),
				   "processes that lived for less than a second used %.2f CPU", cores);
			continue;
		}
		comm = ended_most(j, i, &ended);
		f = judge_find(j, i, full ? FINDING_WARNING : FINDING_NOTICE);
		if (!f)
			return;
		starter = comm ? starter_of(j, i, comm) : NULL;
		if (starter) {
			f->culprit_process = starter->comm;
			f->culprit_pid = starter->pid;
		}
		finding_headline(j, f, cores,
				 "%s starts %.0f processes a second that live less than a second; they use %.2f CPU",
				 c->name, births, cores);
		finding_evidence(j, f, "short_lived_cpu_seconds_total", cores, "cores",
				 "of the %.2f CPU that it used, %.2f went to processes of less than a second", all,
				 cores);
		if (comm)
			finding_evidence(j, f, "exits_total", ended, "count", "most of those that ended were called %s",
					 comm);
		if (starter)
			finding_evidence(j, f, "", 0, "", "those alive at the end were started by %s (pid %u)",
					 starter->comm, starter->pid);
		finding_ruled_out(j, f, "long-running work: it is the starting and ending that costs");
		finding_advice(j, f, "see who starts them: sysscope events --type exec --container %s",
			       advice_name(j, c->name));
	}
}

/* ---- the machine ---- */

/* The container that used the most CPU. */
static uint32_t largest_user(struct judging *j, double *ret_cores)
{
	uint32_t largest = NO_CONTAINER;

	*ret_cores = 0;
	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		double cores = judge_seconds(j, window_container(j->w, i, CONTAINER_CPU_USAGE));

		if (cores > *ret_cores && judge_is_own_home(&j->now->containers[i]) &&
		    !j->now->containers[i].parent[0]) {
			*ret_cores = cores;
			largest = i;
		}
	}
	return largest;
}

void judge_host_cpu_saturated(struct judging *j)
{
	double cpus = j->now->v[HOST_CPUS], used = judge_seconds(j, window_host(j->w, HOST_CPU_USAGE));
	double waiting = machine_waiting(j), most;
	struct finding *f;
	uint32_t largest;

	if (!machine_is_full(j, waiting)) {
		judge_near(j, NO_CONTAINER, used, cpus * judge_threshold(j, HOST_CPU_SATURATED_BUSY),
			   "%.1f of %.0f CPUs were busy", used, cpus);
		return;
	}
	f = judge_find(j, NO_CONTAINER, FINDING_WARNING);
	largest = largest_user(j, &most);
	if (!f)
		return;
	finding_headline(j, f, used / cpus,
			 "all %.0f CPUs of the machine are busy, and on average %.1f threads wait for them", cpus,
			 waiting);
	finding_evidence(j, f, "cpu_seconds_total", used, "cores", "%.2f of %.0f CPUs were busy", used, cpus);
	finding_evidence(j, f, "", waiting, "threads", "%.1f threads waited for a CPU on average, apart from quotas",
			 waiting);
	if (largest != NO_CONTAINER) {
		finding_culprit(j, f, largest);
		finding_evidence(j, f, "cpu_cores", most, "cores", "%s used most: %.2f CPU",
				 j->now->containers[largest].name, most);
		finding_advice(j, f, "let %s go last: %s", advice_name(j, j->now->containers[largest].name),
			       advice_cpu_weight(j, largest));
	}
	finding_advice(j, f, "or move work to another machine; this one has none to give");
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
