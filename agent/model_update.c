/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_update.c - the conductor of the model: one update from a sample to a snapshot. First every subject reads the sample,
 * then the homes settle, then every subject writes its rows. Called by the pipeline and by tests through sysscope/model.h;
 * opens no file, reads no clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "concurrency/tree.h"
#include "look/thread_rows.h"
#include "loops/loops.h"
#include "model/capabilities.h"
#include "disk/waits.h"
#include "homes/home_rows.h"
#include "homes/homes.h"
#include "model/host_totals.h"
#include "homes/limits.h"
#include "model/machines.h"
#include "model/interfaces.h"
#include "model/namespaces.h"
#include "model/oom.h"
#include "model/pairs.h"
#include "model/process_rows.h"
#include "model/starts.h"
#include "model/tcp.h"
#include "sysscope/model.h"
#include "sysscope/sample.h"
#include "sysscope/source.h"

static const char *const loss_names[SS_LOSS_KINDS] = {
	[SS_LOSS_RING_FULL] = "ring_full",
	[SS_LOSS_GONE_FOLDED] = "gone_folded",
	[SS_LOSS_GONE_LOST] = "gone_lost",
	[SS_LOSS_CGROUP_FULL] = "cgroup_full",
	[SS_LOSS_STATE_REFUSED] = "state_refused",
	[SS_LOSS_READ_FAILED] = "read_failed",
	[SS_LOSS_DEATH_UNSEEN] = "death_unseen",
	[SS_LOSS_SWITCH_UNSEEN] = "switch_unseen",
	[SS_LOSS_PAIR_FOLDED] = "pair_folded",
	[SS_LOSS_PAIR_LOST] = "pair_lost",
	[SS_LOSS_PROGRAM_SKIPPED] = "program_skipped",
	[SS_LOSS_LOOP_LOST] = "loop_lost",
	[SS_LOSS_WAIT_UNSEEN] = "wait_unseen",
	[SS_LOSS_CAPABILITY_LOST] = "capability_lost",
	[SS_LOSS_TRANSITION_LOST] = "transition_lost",
	[SS_LOSS_NETWORK_LOST] = "network_lost",
	[SS_LOSS_SOCKET_UNOWNED] = "socket_unowned",
	[SS_LOSS_DISK_LOST] = "disk_lost",
	[SS_LOSS_DISK_PAIR_LOST] = "disk_pair_lost",
	[SS_LOSS_DISK_HOMELESS] = "disk_homeless",
	[SS_LOSS_TCP_FOLDED] = "tcp_folded",
	[SS_LOSS_TCP_LOST] = "tcp_lost",
	[SS_LOSS_TCP_UNOWNED] = "tcp_unowned",
	[SS_LOSS_RECLAIM_LOST] = "reclaim_lost",
};

/* How the sample was taken, in the model's own memory. */
struct run_report {
	struct loss_row losses[SS_LOSS_KINDS];
	struct collector_row collectors[32];
	char collector_names[32][24];
	char kernel_release[65], hostname[65];
};

struct model {
	struct moment now;
	struct homes homes;
	struct home_rows home_rows;
	struct limits limits;
	struct processes processes;
	struct pairs pairs;
	struct disk_devices disk_devices;
	struct disk_uses disk_uses;
	struct disk_waits disk_waits;
	struct namespaces namespaces;
	struct interface_totals interfaces;
	struct capabilities capabilities;
	struct loops loops;
	struct concurrencies concurrencies;
	struct starts starts;
	struct oom_kills oom_kills;
	struct tcp tcp;
	struct host_totals host_totals;
	struct thread_rows thread_rows;
	uint32_t look;
	struct run_report report;
	struct snapshot snapshot;
};

struct model *model_new(void)
{
	return calloc(1, sizeof(struct model));
}

void model_free(struct model *m)
{
	if (!m)
		return;
	thread_rows_free(&m->thread_rows);
	oom_kills_free(&m->oom_kills);
	tcp_free(&m->tcp);
	starts_free(&m->starts);
	concurrencies_free(&m->concurrencies);
	loops_free(&m->loops);
	capabilities_free(&m->capabilities);
	interface_totals_free(&m->interfaces);
	namespaces_free(&m->namespaces);
	pairs_free(&m->pairs);
	disk_waits_free(&m->disk_waits);
	disk_uses_free(&m->disk_uses);
	disk_devices_free(&m->disk_devices);
	process_rows_rest(&m->processes);
	processes_free(&m->processes);
	limits_free(&m->limits);
	home_rows_free(&m->home_rows);
	homes_free(&m->homes);
	free(m);
}

const struct snapshot *model_snapshot(const struct model *m)
{
	return m->snapshot.sequence ? &m->snapshot : NULL;
}

/* Only memory that grows with the number of processes is worth giving back. */
void model_rest(struct model *m)
{
	m->snapshot.sequence = 0;
	m->snapshot.processes = NULL;
	m->snapshot.n_processes = 0;
	m->snapshot.looked = (struct looked_at){};
	process_rows_rest(&m->processes);
	processes_rest(&m->processes);
	concurrencies_rest(&m->concurrencies);
}

void model_look(struct model *m, uint32_t what)
{
	m->look = what;
}

void model_keep_unpublished(struct model *m, bool keep)
{
	m->homes.keep_unpublished = keep;
}

void model_published(struct model *m)
{
	homes_published(&m->homes);
}

/* ---- one update ---- */

static bool collector_ok(const struct sample *s, const char *name)
{
	for (size_t i = 0; i < s->n_collectors; i++)
		if (strcmp(s->collectors[i].name, name) == 0)
			return s->collectors[i].ok;
	return false;
}

static void moment_next(struct moment *now, const struct sample *s)
{
	uint64_t before_ns = now->boot_ns;

	*now = (struct moment){
		.number = now->number + 1,
		.boot_ns = s->boot_ns,
		.wall_ns = s->wall_ns,
		.before_ns = before_ns,
		.boot_wall_ns = s->host.boot_wall_ns,
		.interval = now->number ? (double)sub_sat(s->boot_ns, before_ns) / 1e9 : 0,
		.waits_known = collector_ok(s, "sched"),
		.lifecycle_known = collector_ok(s, "lifecycle"),
		.ends_known = collector_ok(s, "lifecycle") && !s->ends_unseen,
		.loops_known = collector_ok(s, "epoll"),
		.loops_guessed = s->loops_by_sleep,
		.controls_known = !s->loop_controls_unseen,
		.starts_known = collector_ok(s, "births"),
		.io_known = !s->io_unaccounted,
		.disks_known = collector_ok(s, "disk"),
		.reclaim_known = collector_ok(s, "reclaim"),
		.oom_kills_known = collector_ok(s, "oom"),
		.network_known = collector_ok(s, "network"),
	};
}

static int sample_read(struct model *m, const struct sample *s)
{
	int r = oom_kills_take(&m->oom_kills, &m->homes, &m->now, s, &m->snapshot);

	if (r >= 0)
		r = homes_begin(&m->homes, &m->now, s);
	if (r >= 0)
		r = oom_kills_place(&m->oom_kills, &m->homes);
	if (r >= 0)
		r = limits_take(&m->limits, &m->now, s);
	if (r >= 0)
		r = pairs_take(&m->pairs, &m->homes, s);
	if (r >= 0)
		r = disk_devices_take(&m->disk_devices, &m->now, s);
	if (r >= 0)
		r = disk_uses_take(&m->disk_uses, &m->homes, &m->now, s);
	if (r >= 0)
		r = disk_waits_take(&m->disk_waits, &m->homes, s);
	if (r >= 0)
		r = transitions_take(&m->namespaces, &m->homes, s);
	if (r >= 0)
		r = tcp_take(&m->tcp, &m->homes, s);
	if (r >= 0)
		r = processes_settle(&m->processes, &m->homes, &m->now, s);
	if (r >= 0)
		r = machines_take(&m->processes, &m->homes, &m->now, s);
	if (r >= 0)
		r = loops_take(&m->loops, &m->processes, &m->homes, &m->now, s);
	return r;
}

/* Later rows refer to earlier ones by index, and complete them. */
static int rows_fill(struct model *m, const struct sample *s)
{
	struct snapshot *p = &m->snapshot;
	int r = home_rows_fill(&m->home_rows, &m->homes, &m->now, p);

	if (r >= 0)
		limit_rows_fill(&m->limits, &m->homes, s->host.cpus, m->home_rows.containers.at);
	if (r >= 0)
		oom_kill_rows_fill(&m->oom_kills, &m->homes, m->home_rows.containers.at, p);
	if (r >= 0)
		r = process_rows_fill(&m->processes, m->homes.run_delay_kept, &m->now, p);
	if (r >= 0)
		machine_rows_fill(&m->processes, &m->homes, m->home_rows.containers.at);
	if (r >= 0)
		r = pair_rows_fill(&m->pairs, &m->now, p);
	if (r >= 0)
		r = disk_rows_fill(&m->disk_uses, &m->disk_devices, &m->homes, &m->limits, &m->now,
				   m->home_rows.containers.at, p);
	if (r >= 0)
		r = disk_wait_rows_fill(&m->disk_waits, &m->disk_uses, &m->disk_devices, &m->now, p);
	if (r >= 0)
		r = device_rows_fill(&m->disk_devices, &m->now, p);
	if (r >= 0)
		r = loop_rows_fill(&m->loops, &m->homes, m->home_rows.groups.at, &m->now, p);
	if (r >= 0)
		r = namespace_rows_fill(&m->namespaces, &m->homes, &m->processes, m->home_rows.containers.at, p);
	if (r >= 0)
		r = interface_rows_fill(&m->interfaces, &m->namespaces, &m->now, s, m->home_rows.containers.at, p);
	if (r >= 0)
		r = capability_rows_fill(&m->capabilities, &m->homes, &m->processes, s, m->home_rows.containers.at, p);
	if (r >= 0)
		r = tcp_rows_fill(&m->tcp, &m->now, collector_ok(s, "tcp"), m->home_rows.containers.at, p->n_containers,
				  p);
	if (r >= 0)
		r = concurrency_update(&m->concurrencies, &m->processes, &m->now, s);
	if (r >= 0)
		r = thread_rows_fill(&m->thread_rows, m->look & LOOK_THREADS, &m->processes, m->homes.run_delay_kept,
				     &m->now, s, p);
	return r;
}

static void run_report_fill(struct run_report *report, const struct sample *s, uint64_t pairs_folded)
{
	memcpy(report->kernel_release, s->host.kernel, sizeof(report->kernel_release));
	memcpy(report->hostname, s->host.hostname, sizeof(report->hostname));
	for (int i = 0; i < SS_LOSS_KINDS; i++)
		report->losses[i] = (struct loss_row){loss_names[i], s->losses[i]};
	report->losses[SS_LOSS_PAIR_FOLDED].count += pairs_folded;
	for (size_t i = 0; i < s->n_collectors; i++) {
		char *name = report->collector_names[i];

		snprintf(name, sizeof(report->collector_names[i]), "%s", s->collectors[i].name);
		report->collectors[i] =
			(struct collector_row){name, s->collectors[i].ok, (double)s->collectors[i].duration_ns / 1e9};
	}
}

static const char *text_or_null(const char *s)
{
	return s && *s ? s : NULL;
}

static void snapshot_finish(struct model *m, const struct sample *s)
{
	struct snapshot *p = &m->snapshot;

	p->sequence = m->now.number;
	p->time = (double)m->now.wall_ns / 1e9;
	if (m->now.number == 1)
		p->began = p->time;
	p->interval = m->now.interval;
	p->clock_ns = m->now.boot_ns;
	p->sleeps_ns = s->sleeps_ns;
	p->attributed_reason = m->host_totals.attributed_reason;
	p->cpus = m->host_totals.cpus;
	p->n_cpus = m->host_totals.n_cpus;
	p->pressure_reason = s->pressure_reason;
	p->rollup = process_rollup(s);
	p->kernel = m->report.kernel_release;
	p->hostname = m->report.hostname;
	p->losses = m->report.losses;
	p->n_losses = SS_LOSS_KINDS;
	p->collectors = m->report.collectors;
	p->n_collectors = s->n_collectors;
	p->machine = text_or_null(s->virtualization.machine);
	p->in_container = text_or_null(s->virtualization.container);
}

int model_update(struct model *m, const struct sample *s)
{
	int r;

	moment_next(&m->now, s);
	r = sample_read(m, s);
	if (r < 0)
		return r;
	homes_settle(&m->homes, &m->now);
	r = rows_fill(m, s);
	if (r < 0)
		return r;
	host_values_fill(&m->host_totals, &m->homes, m->processes.rows.n, &m->now, s, m->snapshot.v);
	r = starts_update(&m->starts, &m->homes, &m->now, &m->snapshot);
	if (r < 0)
		return r;
	run_report_fill(&m->report, s, m->pairs.folded);
	snapshot_finish(m, s);
	return 0;
}
