/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * home_rows.c - writes the rows of homes: one assignment per metric of metrics.def. Called by model_update.c
 * after the homes have settled. The limits that hold are written by limits.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/group_rows.h"
#include "homes/home_rows.h"
#include "homes/memory_rows.h"

#define DEFAULT_WEIGHT 100
#define DEFAULT_SHARES 1024

/*
 * What v1 shows, or what the runtime was asked for. A weight does not tell: runtimes have converted shares by two formulas
 * (1,024 to 39 or to 100). Only the default weight is what became of the default shares, or of none.
 */
static double cpu_shares(const struct home *h, const struct cgroup_counters *f)
{
	if (f->cpu_shares != SS_UNKNOWN)
		return (double)f->cpu_shares;
	if (h->cpu_shares)
		return (double)h->cpu_shares;
	return f->cpu_weight == DEFAULT_WEIGHT ? DEFAULT_SHARES : VALUE_ABSENT;
}

static void values_cpu(const struct home *h, bool run_delay_kept, const struct cgroup_counters *f, double *v)
{
	v[CONTAINER_CPU_TASKS] = (double)h->tasks.exec_ns;
	v[CONTAINER_CPU_USAGE] = (double)h->sum.cpu_usage_ns;
	v[CONTAINER_CPU_USER] = (double)h->sum.cpu_user_ns;
	v[CONTAINER_CPU_SYSTEM] = (double)h->sum.cpu_system_ns;
	if (run_delay_kept) {
		v[CONTAINER_RUNQ_WAIT] = (double)h->tasks.run_delay_ns;
		v[CONTAINER_SCHEDSTAT_PERIODS] = (double)h->tasks.timeslices;
	}
	v[CONTAINER_SCHEDSTAT_RUN] = (double)h->tasks.exec_ns;
	v[CONTAINER_MIGRATIONS] = (double)h->tasks.migrations;
	v[CONTAINER_VOLUNTARY_SWITCHES] = (double)h->tasks.voluntary_switches;
	v[CONTAINER_INVOLUNTARY_SWITCHES] = (double)h->tasks.involuntary_switches;
	if (!f)
		return;
	v[CONTAINER_CPU_WEIGHT] = value_or_absent(f->cpu_weight);
	v[CONTAINER_SPEC_SHARES] = cpu_shares(h, f);
	v[CONTAINER_SPEC_PERIOD] = limit_or_absent(f->cpu_period_us);
	v[CONTAINER_SPEC_QUOTA] = limit_or_absent(f->cpu_quota_us);
	/* Several instances have no quota in common, but the periods of all of them. */
	if (value_absent(v[CONTAINER_SPEC_QUOTA]) && !(h->instances && h->sum.periods))
		return;
	v[CONTAINER_PERIODS] = (double)h->sum.periods;
	v[CONTAINER_THROTTLED_PERIODS] = (double)h->sum.throttled_periods;
	v[CONTAINER_THROTTLED] = (double)h->sum.throttled_ns;
}

/* Upper bounds of the buckets as powers of two of microseconds, each the edge of a slot; the last bucket has none. */
#define BUCKET_BITS(NAME, LE, BITS) BITS,
static const unsigned char delay_bits[] = {DELAY_BUCKETS(BUCKET_BITS)};

static void home_values_waits(const struct home *h, double *v)
{
	const struct ss_waits *w = &h->waits;
	size_t bucket = 0;
	uint64_t sum = 0;

	v[CONTAINER_WAKEUP_WAIT] = (double)w->wakeup_wait_ns;
	v[CONTAINER_PREEMPTED_WAIT] = (double)w->preempted_wait_ns;
	v[CONTAINER_THROTTLED_WAIT] = (double)w->throttled_ns;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		v[CONTAINER_BLOCKED_EPOLL + i] = (double)w->blocked_ns[i];
	v[CONTAINER_UNINTERRUPTIBLE] = (double)w->uninterruptible_ns;
	v[CONTAINER_IOWAIT] = (double)w->iowait_ns;
	v[CONTAINER_IOWAIT_IO_URING] = (double)w->iowait_io_uring_ns;
	for (unsigned int slot = 0; slot < SS_DELAY_SLOTS; slot++) {
		sum += w->delay_slots[slot];
		/* Slot i ends at 2^(i+1). */
		if (bucket < ARRAY_SIZE(delay_bits) && slot + 1 == delay_bits[bucket])
			v[CONTAINER_DELAY_4US + bucket++] = (double)sum;
	}
	v[CONTAINER_DELAY_INF] = v[CONTAINER_DELAY_COUNT] = (double)sum;
	v[CONTAINER_DELAY_SUM] = (double)sub_sat(waits_total(w), h->open_wait_ns);
}

static void values_tasks(const struct home *h, bool lifecycle, double *v)
{
	v[CONTAINER_PROCESSES] = (double)h->processes;
	v[CONTAINER_THREADS] = (double)h->threads;
	v[CONTAINER_TASKS_RUNNING] = (double)h->states[0];
	v[CONTAINER_TASKS_SLEEPING] = (double)h->states[1];
	v[CONTAINER_TASKS_STOPPED] = (double)h->states[2];
	v[CONTAINER_TASKS_UNINTERRUPTIBLE] = (double)h->states[3];
	if (!lifecycle)
		return;
	v[CONTAINER_SHORT_LIVED_CPU] = (double)h->short_lived_ns;
	/* Kernel threads are in no cgroup's counts. */
	if (h->kind == HOME_KERNEL)
		return;
	v[CONTAINER_FORKS] = (double)h->sum.forks;
	v[CONTAINER_THREAD_CREATIONS] = (double)h->sum.thread_creations;
	v[CONTAINER_EXECS] = (double)h->sum.execs;
	v[CONTAINER_EXITS] = (double)h->sum.exits;
}

/* Nothing of what has no pid namespace of its own, or is no container and had nothing in one end. */
static void values_main(const struct home *h, double *v)
{
	const uint64_t *ends = h->sum.main_ends;
	bool ended = ends[SS_END_SUCCESS] || ends[SS_END_FAILURE] || ends[SS_END_SIGNAL];

	_Static_assert(CONTAINER_MAIN_SIGNAL - CONTAINER_MAIN_SUCCESS + 1 == SS_ENDS, "one of each");
	if (!ended && !(h->main.seen && h->kind == HOME_CONTAINER))
		return;
	for (int i = 0; i < SS_ENDS; i++)
		v[CONTAINER_MAIN_SUCCESS + i] = (double)ends[i];
	if (!ended)
		return;
	if (h->main.last.status & 0x7f)
		v[CONTAINER_LAST_SIGNAL] = h->main.last.status & 0x7f;
	else
		v[CONTAINER_LAST_STATUS] = h->main.last.status >> 8 & 0xff;
}

/* Kernel threads open no socket of their own: what the kernel itself sends counts for the host. */
static void values_network(const struct home *h, double *v)
{
	if (h->kind == HOME_KERNEL)
		return;
	v[CONTAINER_NETWORK_RECEIVE_BYTES] = (double)h->sum.network.receive_bytes;
	v[CONTAINER_NETWORK_RECEIVE_PACKETS] = (double)h->sum.network.receive_packets;
	v[CONTAINER_NETWORK_TRANSMIT_BYTES] = (double)h->sum.network.transmit_bytes;
	v[CONTAINER_NETWORK_TRANSMIT_PACKETS] = (double)h->sum.network.transmit_packets;
}

/* Increase since the sample before; a home that was born since then began at 0. Absent if the value before is not known. */
static double increase(const struct moment *now, const struct home *h, const double *v, int metric)
{
	double before = h->before[metric];

	if (value_absent(before) && now->number > 1 && h->first_sample == now->number && h->born_ns >= now->before_ns &&
	    h->born_ns)
		before = 0;
	return v[metric] - before;
}

/* The upper edge of the slot in which the 99th of 100 waits of the interval lies. */
static double delay_p99(const struct home *h, bool since_birth)
{
	uint64_t counts[SS_DELAY_SLOTS], total = 0, below = 0;

	for (int i = 0; i < SS_DELAY_SLOTS; i++) {
		counts[i] = sub_sat(h->waits.delay_slots[i], since_birth ? 0 : h->slots_before[i]);
		total += counts[i];
	}
	for (int i = 0; i < SS_DELAY_SLOTS && total; i++) {
		below += counts[i];
		if (below * 100 >= total * 99)
			return (double)(2000ULL << i);
	}
	return VALUE_ABSENT;
}

static void rates_waits(const struct moment *now, struct home *h, double *v)
{
	double run = increase(now, h, v, CONTAINER_CPU_TASKS), wait = increase(now, h, v, CONTAINER_RUNQ_WAIT);
	bool known = !value_absent(h->before[CONTAINER_DELAY_COUNT]);

	v[CONTAINER_RUNNING] = run / 1e9 / now->interval;
	if (now->waits_known) {
		wait = increase(now, h, v, CONTAINER_WAKEUP_WAIT) + increase(now, h, v, CONTAINER_PREEMPTED_WAIT);
		v[CONTAINER_RUNNABLE] = (run + wait) / 1e9 / now->interval;
		if (run + wait > 0)
			v[CONTAINER_THROTTLED_WAIT_RATIO] =
				increase(now, h, v, CONTAINER_THROTTLED_WAIT) / (run + wait);
		if (!value_absent(wait))
			v[CONTAINER_DELAY_P99] = delay_p99(h, !known);
	}
	v[CONTAINER_WAIT_RATE] = wait / now->interval;
}

/*
 * Without a hook at the end of a task, nobody knows what the last ones used until the container died. What it used after
 * that is known to be nothing.
 */
static void last_rates_drop(const struct moment *now, const struct home *h, double *v)
{
	if (h->dead_since_ns != now->boot_ns || now->lifecycle_known || now->waits_known)
		return;
	v[CONTAINER_CPU_CORES] = v[CONTAINER_RUNNING] = v[CONTAINER_WAIT_RATE] = VALUE_ABSENT;
}

/* Shares of the interval. What is read late counts for the interval in which it is read. */
static void rates_pressure(const struct moment *now, const struct home *h, double *v)
{
	for (int i = 0; i <= CONTAINER_PRESSURE_IO_FULL - CONTAINER_PRESSURE_CPU_SOME; i++) {
		double share = increase(now, h, v, CONTAINER_PRESSURE_CPU_SOME + i) / 1e9 / now->interval;

		v[CONTAINER_PRESSURE_CPU_SOME_RATIO + i] = share > 1 ? 1 : share;
	}
}

static void home_values_rates(const struct moment *now, struct home *h, double *v)
{
	if (now->interval > 0) {
		rates_waits(now, h, v);
		rates_pressure(now, h, v);
		v[CONTAINER_CPU_CORES] = increase(now, h, v, CONTAINER_CPU_USAGE) / 1e9 / now->interval;
		v[CONTAINER_RECLAIM_RATE] = (increase(now, h, v, CONTAINER_RECLAIM_LIMIT) +
					     increase(now, h, v, CONTAINER_RECLAIM_MACHINE)) /
					    now->interval;
		v[CONTAINER_FORK_RATE] = increase(now, h, v, CONTAINER_FORKS) / now->interval;
		v[CONTAINER_MAJOR_FAULT_RATE] = increase(now, h, v, CONTAINER_PGMAJFAULT) / now->interval;
		v[CONTAINER_REFAULT_RATE] =
			(increase(now, h, v, CONTAINER_REFAULTS_ANON) + increase(now, h, v, CONTAINER_REFAULTS_FILE)) /
			now->interval;
		v[CONTAINER_NETWORK_RECEIVE_RATE] =
			increase(now, h, v, CONTAINER_NETWORK_RECEIVE_BYTES) / now->interval;
		v[CONTAINER_NETWORK_TRANSMIT_RATE] =
			increase(now, h, v, CONTAINER_NETWORK_TRANSMIT_BYTES) / now->interval;
	}
	last_rates_drop(now, h, v);
	memcpy(h->before, v, sizeof(h->before));
	/* A thread that is read while it is being charged is missing from one sample: its waits must not count as new in the next. */
	for (int i = 0; i < SS_DELAY_SLOTS; i++)
		if (h->waits.delay_slots[i] > h->slots_before[i])
			h->slots_before[i] = h->waits.delay_slots[i];
}

static void values_time(const struct moment *now, struct home *h, double *v)
{
	uint64_t start = (h->instances ? 0 : h->born_ns) ?: h->oldest_start_ns;

	if (h->kind == HOME_HOST || h->kind == HOME_KERNEL)
		return;
	v[CONTAINER_LAST_SEEN] = (double)h->last_alive_wall_ns;
	if (start)
		v[CONTAINER_START_TIME] = (double)(now->boot_wall_ns + start);
	else if (!value_absent(h->held_start))
		v[CONTAINER_START_TIME] = h->held_start;
	h->held_start = v[CONTAINER_START_TIME];
}

static const struct home *home_parent(const struct homes *homes, const struct home *h)
{
	struct home *parent = NULL;

	if (h->parent_path[0])
		HASH_FIND_STR(homes->all, h->parent_path, parent);
	return parent;
}

/* Paused: none of its threads can run before it is continued. */
static const char *home_state(const struct home *h, const struct moment *now)
{
	if (h->dead_since_ns)
		return "dead";
	if (home_is_empty(h, now))
		return "empty";
	return h->stopped_threads && !h->free_threads ? "paused" : "running";
}

static void home_row(const struct homes *homes, const struct moment *now, struct home *h, struct container_row *row)
{
	const struct cgroup_counters *f = home_files(h);
	const struct home *parent = home_parent(homes, h);
	double tasks_before = h->held[CONTAINER_CPU_TASKS];
	double *v = row->v;

	*row = (struct container_row){
		.init_ended = h->init_ended,
		.name = h->name,
		.id = h->id,
		.runtime = h->runtime,
		.image = h->image,
		.pod = h->pod,
		.namespace_ = h->pod_namespace,
		.labels = h->labels,
		.kind = home_kind_name(h->kind),
		.cgroup = h->path,
		.parent = parent ? parent->name : "",
		.parent_cgroup = parent ? parent->path : "",
		.state = home_state(h, now),
		.uid = h->uid,
		.dead = h->dead_since_ns != 0,
		.instances_ended = h->ended,
	};
	if (row->dead)
		row->dead_seconds = (double)sub_sat(now->boot_ns, h->dead_since_ns) / 1e9;
	for (int i = 0; i < CONTAINER_METRICS; i++)
		v[i] = VALUE_ABSENT;
	values_cpu(h, homes->run_delay_kept, f, v);
	if (f)
		memory_values_fill(h, f, v);
	if (f)
		v[CONTAINER_THREADS_LIMIT] = limit_or_absent(f->pids_limit);
	if (now->oom_kills_known || (f && f->oom_kills != SS_UNKNOWN))
		v[CONTAINER_OOM_KILLS] = (double)h->sum.oom_kills;
	if (now->reclaim_known)
		reclaim_values_fill(h, v);
	if (now->waits_known)
		home_values_waits(h, v);
	if (now->network_known)
		values_network(h, v);
	values_tasks(h, now->lifecycle_known, v);
	if (now->ends_known)
		values_main(h, v);
	if (now->io_known) {
		v[CONTAINER_READ_BYTES] = (double)h->tasks.read_bytes;
		v[CONTAINER_WRITE_BYTES] = (double)h->tasks.write_bytes;
	}
	values_time(now, h, v);
	counters_hold(SCOPE_CONTAINER, v, h->held, !f);
	home_values_rates(now, h, v);
	if (!(row->dead || h->idle_since_ns) || value_absent(tasks_before) ||
	    h->held[CONTAINER_CPU_TASKS] > tasks_before)
		h->unpublished = true;
}

/*
 * Cgroups that only hold other cgroups (slices, a runtime's parent, a pod around its containers) have no processes of their
 * own and are not shown. Neither are those that have been empty for as long as the dead are kept.
 */
static bool home_is_shown(const struct homes *homes, const struct moment *now, const struct home *h)
{
	if (h->idle_since_ns && now->boot_ns >= h->idle_since_ns + TOMBSTONE_NS &&
	    !(homes->keep_unpublished && h->unpublished))
		return false;
	/* A process that has just ended may be in no list for one sample: what was published counts. */
	if (h == homes->host || h == homes->kernel || h->threads || h->tasks.exec_ns ||
	    h->held[CONTAINER_CPU_TASKS] > 0)
		return true;
	return h->kind != HOME_CGROUP && h->kind != HOME_POD && h->kind != HOME_HOST;
}

static void container_rows_add(struct home_rows *rows, struct homes *homes, const struct moment *now, bool dead)
{
	for (struct home *h = homes->all; h; h = h->hh.next) {
		if ((h->dead_since_ns != 0) != dead)
			continue;
		h->row = HOME_NO_ROW;
		if (home_is_shown(homes, now, h)) {
			h->row = (uint32_t)rows->containers.n++;
			home_row(homes, now, h, &rows->containers.at[h->row]);
		}
		/* Shown or not, what it used stays used. */
		if (!value_absent(h->held[CONTAINER_CPU_TASKS]))
			homes->tasks_ns += (uint64_t)h->held[CONTAINER_CPU_TASKS];
	}
}

int home_rows_fill(struct home_rows *rows, struct homes *homes, const struct moment *now, struct snapshot *snapshot)
{
	if (list_fit(&rows->containers, HASH_COUNT(homes->all)) < 0 ||
	    list_fit(&rows->groups, HASH_COUNT(homes->groups)) < 0)
		return -ENOMEM;
	rows->containers.n = 0;
	rows->groups.n = 0;
	homes->tasks_ns = homes->reaped_tasks_ns;
	/* The living first: whoever takes the first row of a name means the container that runs, not the one it replaced. */
	container_rows_add(rows, homes, now, false);
	container_rows_add(rows, homes, now, true);
	group_rows_add(rows, homes, now, false);
	group_rows_add(rows, homes, now, true);
	if (instance_rows_add(rows, homes) < 0)
		return -ENOMEM;
	snapshot->containers = rows->containers.at;
	snapshot->n_containers = rows->containers.n;
	snapshot->groups = rows->groups.at;
	snapshot->n_groups = rows->groups.n;
	snapshot->names_folded = homes->names_folded;
	return 0;
}

void home_rows_free(struct home_rows *rows)
{
	list_free(&rows->containers);
	list_free(&rows->groups);
	list_free(&rows->instances);
}
