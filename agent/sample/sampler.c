/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler.c - takes one sample from beginning to end: the drained tables, then the cgroup table, then every thread,
 * then the files of each home's cgroup. The tables of ended threads are read before the living ones: a thread that ends
 * in between is missing from this one sample, and never counted twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "identity/identity.h"
#include "kernel/loader.h"
#include "machine/guests.h"
#include "machine/virtualization.h"
#include "network/interfaces.h"
#include "sample/host.h"
#include "sample/sampler_internal.h"
#include "sample/schedstat.h"

/* A dead task that is not freed within this time is a zombie, or the program that sees it freed was not called. */
#define UNSEEN_WINDOW_NS 10000000000ULL

/* More than an iterator's buffer (8 pages) and a record. */
#define STREAM_BYTES (256 * 1024)

/* Sleeps grow by multiples of it, which stay exact as real numbers for 1,024 times as long as nanoseconds do. */
#define SLEEPS_GRAIN_NS 1024ULL
/* Long enough for this CPU to go idle and come back, which brings its run queue's clock up to date. */
#define SETTLE_NS 50000

/* ---- threads ---- */

/* A read returns at most the iterator's own buffer, less than STREAM_BYTES; a record may be split between two reads. */
static int threads_pass(struct sampler *s)
{
	_cleanup_close_ int fd = bpf_iter_create(loader_iterator_fd(s->loader));
	struct stream *t = &s->stream;
	struct sample *p = &s->sample;
	size_t left = 0;

	if (fd < 0)
		return -errno;
	stream_pass_begin(t, p);
	p->threads_pass++;
	for (;;) {
		ssize_t n = read(fd, s->bytes + left, STREAM_BYTES - left), taken;

		if (n == 0)
			break;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		left += (size_t)n;
		t->clock = s->skeleton->bss->pass_clock & ~(SLEEPS_GRAIN_NS - 1);
		taken = stream_take(t, p, s->bytes, left);
		if (taken < 0)
			return (int)taken;
		left -= (size_t)taken;
		memmove(s->bytes, s->bytes + taken, left);
	}
	p->sleeps_ns = t->clock;
	stream_pass_end(t);
	return left ? -EBADMSG : 0;
}

/* Nothing is kept of the sample before: the next pass tells each thread in full. */
static void sampler_threads_forget(struct sampler *s)
{
	stream_drop(&s->stream, &s->sample);
	s->skeleton->bss->told_epoch++;
}

/*
 * Most tasks that exited and were not yet seen freed only wait for RCU. The fewest within a window are those that will
 * never be seen.
 */
static void unseen_count(struct sampler *s, uint64_t exited, uint64_t ended, uint64_t now)
{
	const struct sample *p = &s->sample;
	uint64_t zombies = 0, unseen;

	for (size_t i = 0; i < p->n_threads; i++)
		zombies += (~p->threads[i].told->record->flags & (SS_THREAD_ZOMBIE | SS_THREAD_STATE)) == 0;
	unseen = sub_sat(sub_sat(exited, ended), zombies);
	if (!s->window_samples++ || unseen < s->unseen_least)
		s->unseen_least = unseen;
	if (now - s->window_ns < UNSEEN_WINDOW_NS || s->window_samples < 3)
		return;
	if (s->unseen_least > s->unseen)
		s->unseen = s->unseen_least;
	s->window_ns = now;
	s->window_samples = 0;
}

/* ---- collectors ---- */

static void collector_add(struct sample *p, const char *name, bool ok, uint64_t began_ns)
{
	if (p->n_collectors < ARRAY_SIZE(p->collectors))
		p->collectors[p->n_collectors++] =
			(struct sample_collector){name, ok, began_ns ? clock_boot_ns() - began_ns : 0};
}

/* Those that are read with the tables. */
static void collectors_add(struct sampler *s, bool tables_ok)
{
	static const enum collector list[] = {COLLECTOR_LIFECYCLE, COLLECTOR_CGROUPS,	 COLLECTOR_SCHED,
					      COLLECTOR_EPOLL,	   COLLECTOR_NAMESPACES, COLLECTOR_TCP,
					      COLLECTOR_BIRTHS,	   COLLECTOR_DISK,	 COLLECTOR_RECLAIM};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		collector_add(&s->sample, collector_name(list[i]),
			      tables_ok && loader_status(s->loader, list[i]).loaded, 0);
	/* Kills are counted with the cgroups, where the kernel says which task it chose. */
	collector_add(&s->sample, collector_name(COLLECTOR_OOM),
		      tables_ok && loader_status(s->loader, COLLECTOR_OOM).loaded && !s->skeleton->bss->oom_pids_only,
		      0);
	/* Where something else gives the same, it is not missing; nor where nobody asked for it. */
	if (loader_status(s->loader, COLLECTOR_COUNTERS).loaded)
		collector_add(&s->sample, collector_name(COLLECTOR_COUNTERS), tables_ok, 0);
	if (loader_status(s->loader, COLLECTOR_CAPABILITIES).loaded)
		collector_add(&s->sample, collector_name(COLLECTOR_CAPABILITIES), tables_ok, 0);
}

static void sample_socket_owners(struct sampler *s)
{
	bool owners;
	int fd = loader_sockets_fd(s->loader, &owners);
	uint64_t now = clock_boot_ns();
	struct sample *p = &s->sample;
	bool ok = fd >= 0;

	if (s->no_socket_owners) {
		collector_add(&s->sample, collector_name(COLLECTOR_SOCKETS), ok, 0);
		return;
	}
	/* A failed pass is not repeated at once; until the next one the owners count as not known. */
	if (ok && socket_owners_due(&s->socket_owners, &s->sample, now) &&
	    socket_owners_read(&s->socket_owners, fd, p) < 0)
		p->tcp_ports_ns = p->socket_owners_ns = 0;
	if (!owners)
		p->socket_owners_ns = 0;
	collector_add(p, collector_name(COLLECTOR_SOCKETS), ok && p->tcp_ports_ns, ok ? now : 0);
}

static int sample_interfaces(struct sampler *s)
{
	struct sample *p = &s->sample;
	uint64_t began = clock_boot_ns();
	int r = interfaces_read(s->interfaces, p->threads, p->n_threads, &p->interfaces, &p->n_interfaces);

	collector_add(p, "interfaces", r == 0, began);
	return r;
}

/* ---- one sample ---- */

/* Of the facts that wait, the first `n` were in the latest sample. */
static void facts_move_up(struct ss_fact *facts, size_t *held, size_t n)
{
	*held -= n;
	memmove(facts, facts + n, *held * sizeof(*facts));
}

/* The stalls and the OOM kills that came since the latest sample. */
static void sample_facts(struct sampler *s)
{
	struct sample *p = &s->sample;

	if (s->delivered) {
		facts_move_up(p->stalls, &s->stalls_held, p->n_stalls);
		facts_move_up(p->oom_kills, &s->oom_kills_held, p->n_oom_kills);
	}
	sampler_facts(s);
	p->n_stalls = s->stalls_held;
	p->n_oom_kills = s->oom_kills_held;
	memcpy(p->oom_kills_of, (const void *)s->skeleton->bss->oom_kills, sizeof(p->oom_kills_of));
}

static void sample_devices(struct sampler *s, uint64_t now)
{
	struct sample *p = &s->sample;

	if (devices_read(&s->devices, "", now) < 0)
		s->devices.list.n = 0;
	p->devices = s->devices.list.at;
	p->n_devices = s->devices.list.n;
}

/* What the kernel half counted, then every thread. Without the tables a sample is still of use; without threads not. */
static int sample_kernel(struct sampler *s)
{
	uint64_t began = clock_boot_ns();
	struct sample *p = &s->sample;
	int tables = sampler_tables_read(s), r;

	s->delivered = false;
	if (tables >= 0)
		tables = sampler_cgroup_counts(s, began);
	if (s->cap_drained[DRAINED_PAIRS])
		nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
	began = clock_boot_ns();
	s->skeleton->bss->states_missing = 0;
	memset(s->skeleton->bss->run_queues, 0, sizeof(s->skeleton->bss->run_queues));
	r = threads_pass(s);
	if (r == -ESTALE) {
		sampler_threads_forget(s);
		r = threads_pass(s);
	}
	if (r < 0)
		return r;
	p->io_unaccounted = s->skeleton->bss->io_unaccounted;
	schedstat_read("", s->skeleton->bss->run_queues, &p->run_queues);
	/* In a pid namespace the iterator does not show the tasks outside of it. */
	if (!s->skeleton->rodata->cfg_pid_namespace)
		__atomic_store_n(&s->skeleton->bss->all_known, 1, __ATOMIC_RELAXED);
	p->boot_ns = clock_boot_ns();
	p->wall_ns = clock_wall_ns();
	collector_add(p, "host", host_read("", &p->host) >= 0, p->boot_ns);
	sample_devices(s, p->boot_ns);
	rollup_read(&s->rollup, p->threads, p->n_threads, p->boot_ns, &p->rollup);
	collector_add(p, collector_name(COLLECTOR_TASKS), true, began);
	collectors_add(s, tables >= 0);
	return 0;
}

void sampler_watch(struct sampler *s, uint32_t tgid, uint64_t start_ns)
{
	rollup_watch(&s->rollup, tgid, start_ns);
}

int sampler_loops_watch(struct sampler *s, bool watch)
{
	int r;

	__atomic_store_n(&s->skeleton->data->loops_watched, watch ? SS_LOOPS_WATCHED : SS_LOOPS_LAST, __ATOMIC_SEQ_CST);
	if (!watch || !s->sample.loops_by_sleep)
		return 0;
	r = loader_pause(s->loader, COLLECTOR_EPOLL, false);
	s->sample.loops_by_sleep = r < 0;
	return r;
}

void sampler_loops_end(struct sampler *s)
{
	__atomic_store_n(&s->skeleton->data->loops_watched, SS_LOOPS_UNWATCHED, __ATOMIC_SEQ_CST);
	loader_pause(s->loader, COLLECTOR_EPOLL, true);
	s->sample.loops_by_sleep = true;
}

static void cgroup_dropped(void *ctx, uint64_t id)
{
	struct sampler *s = ctx;

	bpf_map_delete_elem(bpf_map__fd(s->skeleton->maps.cgroups), &id);
	if (s->network.values)
		bpf_map_delete_elem(bpf_map__fd(s->skeleton->maps.network), &id);
}

static void name_lookups_take(struct sampler *s)
{
	struct identity_stats stats;

	identities_stats(s->ids, &stats);
	s->sample.name_lookups = (struct sample_name_lookups){
		.unnamed = stats.unnamed, .failed = stats.failures, .refused = stats.refused};
}

static int sample_cgroups(struct sampler *s, uint64_t now)
{
	int r = sampler_cgroups_find(s, now);

	if (r == -ENOMEM)
		return r;
	/* Before the sample points to what the table holds. */
	cgroup_table_sweep(s->table, now, s->number, cgroup_dropped, s);
	identities_check(s->ids, now);
	name_lookups_take(s);
	r = sampler_cgroups_read(s, now);
	if (r == 0)
		collector_add(&s->sample, "cgroupfs", true, now);
	collector_add(&s->sample, collector_name(COLLECTOR_NETWORK), s->network.read, 0);
	s->sample.collectors[s->sample.n_collectors - 1].duration_ns = s->network.duration_ns;
	return r;
}

/*
 * A refused state is tried again by the next pass: only a thread that has none then either has lost something. What it waited
 * until its state was made is counted as SS_LOSS_SWITCH_UNSEEN.
 */
static void states_missing_take(struct sampler *s)
{
	uint64_t missing = s->skeleton->bss->states_missing;
	uint64_t twice = missing < s->states_missing ? missing : s->states_missing;

	s->states_missing = missing;
	if (twice > s->states_lost)
		s->states_lost = twice;
}

static void sample_losses(struct sampler *s)
{
	struct sample *p = &s->sample;

	states_missing_take(s);
	memcpy(p->losses, (const void *)s->skeleton->bss->losses, sizeof(p->losses));
	p->losses[SS_LOSS_STATE_REFUSED] += s->states_lost;
	p->losses[SS_LOSS_DEATH_UNSEEN] = s->unseen;
	p->losses[SS_LOSS_RING_FULL] += s->facts_dropped;
	p->losses[SS_LOSS_READ_FAILED] += s->malformed;
	p->losses[SS_LOSS_DISK_HOMELESS] += s->disk_homeless;
	p->losses[SS_LOSS_TCP_LOST] += s->socket_owners.tcp.dropped;
	p->losses[SS_LOSS_PROGRAM_SKIPPED] = loader_skipped(s->loader);
}

static int sampler_pass(struct sampler *s)
{
	uint64_t now, exited, ended;
	int r;

	s->number++;
	s->sample.loops_last = s->skeleton->data->loops_watched == SS_LOOPS_LAST;
	s->sample.n_collectors = 0;
	sample_facts(s);
	exited = __atomic_load_n(&s->skeleton->bss->tasks_exited, __ATOMIC_RELAXED);
	ended = s->ended_before = __atomic_load_n(&s->skeleton->bss->tasks_ended, __ATOMIC_RELAXED);
	r = sample_kernel(s);
	if (r < 0)
		return r;
	sample_socket_owners(s);
	r = sample_interfaces(s);
	if (r < 0)
		return r;
	now = clock_boot_ns();
	r = sample_cgroups(s, now);
	if (r < 0)
		return r;
	s->delivered = true;
	unseen_count(s, exited, ended, now);
	sample_losses(s);
	/* Last, since it may wait for answers. */
	guests_take(s->guests, &s->sample, now);
	return 0;
}

int sampler_read(struct sampler *s, const struct sample **ret)
{
	int r = sampler_pass(s);

	*ret = &s->sample;
	/* Nobody has seen this sample: the next one must not refer to it. */
	if (r < 0)
		sampler_threads_forget(s);
	return r;
}

uint64_t sampler_dead(const struct sampler *s)
{
	return __atomic_load_n(&s->skeleton->bss->tasks_ended, __ATOMIC_RELAXED) - s->ended_before;
}

void sampler_rest(struct sampler *s)
{
	sampler_threads_forget(s);
}

void sampler_no_socket_owners(struct sampler *s, bool no)
{
	s->no_socket_owners = no;
}

/* ---- life ---- */

static int sampler_fill(struct sampler *s)
{
	struct collector_status epoll = loader_status(s->loader, COLLECTOR_EPOLL);
	struct cpu_hypervisor cpu;
	int r = sampler_tables_open(s);

	if (r == 0)
		r = sampler_network_open(s);
	if (r == 0)
		sampler_values_open(s);
	if (r < 0)
		return r;
	cpu_hypervisor_read(&cpu);
	virtualization_find("", &cpu, &s->sample.virtualization);
	s->sample.loops_by_sleep = epoll.loaded && !epoll.attached;
	s->sample.loop_controls_unseen = epoll.controls_unseen;
	s->sample.ends_unseen = loader_status(s->loader, COLLECTOR_LIFECYCLE).ends_unseen;
	s->sample.stalls = calloc(STALLS_MAX, sizeof(struct ss_fact));
	s->sample.oom_kills = calloc(OOM_KILLS_MAX, sizeof(struct ss_fact));
	s->bytes = malloc(STREAM_BYTES);
	s->table = cgroup_table_new(s->fs, s->ids);
	s->guests = guests_new("/proc");
	s->interfaces = interfaces_new();
	if (!s->guests || !s->sample.stalls || !s->sample.oom_kills || !s->bytes || !s->table || !s->interfaces)
		return -ENOMEM;
	/* Without a ring, new cgroups are noticed at the next sample instead of at once. */
	s->ring = ring_buffer__new(bpf_map__fd(s->skeleton->maps.facts), sampler_fact_take, s, NULL);
	return cgroup_table_walk(s->table, clock_boot_ns());
}

int sampler_open(struct sampler **ret, struct loader *l, struct cgroupfs *fs, struct identities *ids)
{
	struct sampler *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->loader = l;
	s->skeleton = loader_skeleton(l);
	s->fs = fs;
	s->ids = ids;
	r = sampler_fill(s);
	if (r < 0) {
		sampler_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	ring_buffer__free(s->ring);
	cgroup_table_free(s->table);
	guests_free(s->guests);
	devices_free(&s->devices);
	sampler_tables_close(s);
	sampler_network_close(s);
	sampler_values_close(s);
	interfaces_free(s->interfaces);
	stream_drop(&s->stream, &s->sample);
	free(s->sample.socket_owners);
	free(s->sample.tcp_ports);
	list_free(&s->socket_owners.tcp.found);
	free(s->sample.stalls);
	free(s->sample.oom_kills);
	free(s->sample.cgroups);
	free(s->bytes);
	free(s);
}
