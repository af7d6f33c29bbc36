/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader.c - enables the programs and maps of the chosen collectors, loads them as one object and attaches them. If
 * the object does not load, each collector is loaded alone beside the iterator; those that fail take their next
 * alternative or are dropped with the verifier's message, and the rest is loaded again. Nothing is pinned: when the
 * process ends, however it ends, the kernel removes everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "cgroup/cgroupfs.h"
#include "kernel/drained.h"
#include "kernel/loader_internal.h"
#include "kernel/tracefs.h"
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/fact.h"

/* So much of the ring may wait for somebody who is in no hurry; the rest is for those of a storm until they have come. */
#define FACTS_WAITING_SHARE 8

/* Kernel functions that check capabilities without audit, or whose only check is such a one. */
static void unaudited_find(struct sysscope_bpf *s)
{
	static const char *const names[SS_UNAUDITED_MAX] = {
		"ns_capable_noaudit", "has_capability_noaudit", "has_ns_capability_noaudit", "cap_vm_enough_memory",
		/* cap_vm_enough_memory is reached by a tail call and not on the stack */
		"security_vm_enough_memory_mm"};
	uint64_t begins[SS_UNAUDITED_MAX], sizes[SS_UNAUDITED_MAX];

	kernel_functions_find(names, SS_UNAUDITED_MAX, begins, sizes);
	for (size_t i = 0; i < SS_UNAUDITED_MAX; i++) {
		s->rodata->cfg_unaudited[i].begin = begins[i];
		s->rodata->cfg_unaudited[i].size = sizes[i];
	}
}

static void capabilities_open(struct loader *l, struct sysscope_bpf *s, bool on)
{
	const struct alternative *w = on ? loader_way(l, COLLECTOR_CAPABILITIES) : NULL;

	if (!w || strcmp(w->hook, "kprobe") != 0)
		bpf_map__set_autocreate(s->maps.capability_calls, false);
	/* In a pid namespace getpid() is not the agent's pid on the host. */
	if (w && !l->kernel->pids_hidden)
		s->rodata->cfg_agent = getpid();
	if (w && strcmp(w->hook, "tp_btf") == 0)
		unaudited_find(s);
}

/* On the v2 hierarchy the kernel knows which cgroup a socket belongs to. */
static void network_open(struct loader *l, struct sysscope_bpf *s, bool on, bool tcp)
{
	const struct alternative *w = on ? loader_way(l, COLLECTOR_NETWORK) : NULL;

	s->rodata->cfg_tcp = tcp;
	s->rodata->cfg_socket_state = (w && !w->only_carrying_v2) || (tcp && s->rodata->cfg_cgroup_v1);
	if (!s->rodata->cfg_socket_state)
		bpf_map__set_autocreate(s->maps.socket_cgroups, false);
	if (!w)
		bpf_map__set_autocreate(s->maps.network, false);
}

/* Of a table whose collector is off, the maps are not created. */
static void drained_open(struct loader *l, struct sysscope_bpf *s, uint32_t chosen)
{
	for (int i = 0; i < DRAINED_TABLES; i++) {
		const struct drained_table *d = &drained_tables[i];
		const struct alternative *w = chosen >> d->collector & 1 ? loader_way(l, d->collector) : NULL;

		if (w && (w->programs[0] || !d->needs_programs))
			continue;
		for (unsigned int map = 0; map < d->n_maps; map++)
			bpf_map__set_autocreate(drained_map(s, d, map), false);
	}
	if (!(chosen >> COLLECTOR_DISK & 1))
		bpf_map__set_autocreate(s->maps.disk_devices, false);
}

void loader_options_hierarchy(struct loader_options *o, const struct kernel *k, const struct cgroup_layout_info *layout)
{
	o->cgroup_v1 = !layout->carrying_v2;
	o->cgroup_hierarchy = (int)layout->hierarchy_id;
	o->cgroup_v2_root = layout->v2_root;
	o->cgroup_root = layout->carrying_root;
	o->cgroup_subsys = kernel_cgroup_subsys(k, layout->carrying_controller);
}

struct bpf_program *loader_program(const struct loader *l, const char *name)
{
	return bpf_object__find_program_by_name(l->skeleton->obj, name);
}

/* Length of the scheduler's tick (CONFIG_HZ): the resolution of the kernel's coarse clocks. */
static uint64_t tick_ns(void)
{
	struct timespec tick = {.tv_nsec = 10000000};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (uint64_t)tick.tv_nsec;
}

/* Enables the programs of the chosen collectors. For tests, some are made to fail. */
static int programs_choose(struct loader *l, uint32_t chosen)
{
	bool break_it;

	l->log[0] = '\0';
	for (int c = 0; c < COLLECTORS; c++) {
		const struct alternative *w = loader_way(l, c);

		if (!w || !(chosen >> c & 1))
			continue;
		break_it = loader_breaks(l, c, ":load") ||
			   (l->state[c].way == 0 && loader_breaks(l, c, ":load-best")) ||
			   (__builtin_popcount(chosen) > 2 && loader_breaks(l, c, ":together"));
		for (int p = 0; p < MAX_PROGRAMS && w->programs[p]; p++) {
			struct bpf_program *prog = loader_program(l, w->programs[p]);

			if (!prog)
				return -ENOENT;
			bpf_program__set_autoload(prog, true);
			bpf_program__set_log_buf(prog, l->log, sizeof(l->log));
			/* A flag that no kernel knows. */
			if (break_it && p == 0)
				bpf_program__set_flags(prog, UINT32_C(1) << 31);
		}
	}
	return 0;
}

/* Its programs are attached when somebody asks for them. */
static bool collector_waits(const struct loader *l, enum collector c)
{
	return c == COLLECTOR_EPOLL && l->options.epoll_on_request && loader_way(l, c) && loader_way(l, c)->events[0];
}

/* Opens the object with the collectors of `chosen` enabled (a bit each), all others disabled. */
static int object_open(struct loader *l, uint32_t chosen)
{
	LIBBPF_OPTS(bpf_object_open_opts, o, .btf_custom_path = l->types < 0 ? NULL : l->types_path);
	struct sysscope_bpf *s;

	sysscope_bpf__destroy(l->skeleton);
	l->skeleton = s = sysscope_bpf__open_opts(&o);
	if (!s)
		return -errno;
	s->rodata->cfg_cgroup_v1 = l->options.cgroup_v1;
	s->rodata->cfg_cgroup_subsys = l->options.cgroup_subsys;
	s->rodata->cfg_cgroup_hierarchy = l->options.cgroup_hierarchy;
	s->rodata->cfg_pid_namespace = l->kernel->pids_hidden ? l->kernel->pid_namespace : 0;
	s->rodata->cfg_page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	s->rodata->cfg_tick_ns = tick_ns();
	s->rodata->cfg_cpus = libbpf_num_possible_cpus() > 0 ? (uint32_t)libbpf_num_possible_cpus() : 1;
	s->rodata->cfg_epoll = loader_way(l, COLLECTOR_EPOLL) && loader_way(l, COLLECTOR_EPOLL)->programs[0] &&
			       chosen >> COLLECTOR_EPOLL & 1;
	if (l->options.stall_ns)
		s->rodata->cfg_stall_ns = l->options.stall_ns;
	s->data->loops_watched = collector_waits(l, COLLECTOR_EPOLL) ? SS_LOOPS_UNWATCHED : SS_LOOPS_WATCHED;
	s->bss->facts_wanted = SS_FACTS_ALWAYS | l->options.facts;
	s->bss->facts_arguments = l->options.facts_arguments;
	s->bss->facts_unhurried = l->options.facts_unhurried;
	if (l->options.pairs_named)
		s->rodata->cfg_pairs_named = l->options.pairs_named;
	if (l->options.ring_bytes)
		bpf_map__set_max_entries(s->maps.facts, l->options.ring_bytes);
	s->bss->facts_waiting_most = bpf_map__max_entries(s->maps.facts) / FACTS_WAITING_SHARE;
	if (!s->rodata->cfg_epoll)
		bpf_map__set_autocreate(s->maps.loops, false);
	epoll_target_choose(l);
	s->rodata->cfg_births = loader_way(l, COLLECTOR_BIRTHS) && chosen >> COLLECTOR_BIRTHS & 1;
	s->rodata->cfg_sched = loader_way(l, COLLECTOR_SCHED) && chosen >> COLLECTOR_SCHED & 1;
	if (!l->task_storage) {
		bpf_map__set_autocreate(s->maps.thread_state, false);
		bpf_map__set_autocreate(s->maps.thread_charges, false);
		bpf_map__set_autocreate(s->maps.process_waits, false);
	}
	capabilities_open(l, s, chosen >> COLLECTOR_CAPABILITIES & 1);
	s->rodata->cfg_namespaces = loader_way(l, COLLECTOR_NAMESPACES) && chosen >> COLLECTOR_NAMESPACES & 1;
	s->rodata->cfg_namespaces_compare =
		s->rodata->cfg_namespaces && !loader_way(l, COLLECTOR_NAMESPACES)->programs[0];
	if (!s->rodata->cfg_sched) {
		bpf_map__set_autocreate(s->maps.process_waits, false);
		bpf_map__set_autocreate(s->maps.ledgers, false);
	}
	network_open(l, s, chosen >> COLLECTOR_NETWORK & 1,
		     loader_way(l, COLLECTOR_TCP) && chosen >> COLLECTOR_TCP & 1);
	if (!(chosen >> COLLECTOR_COUNTERS & 1))
		bpf_map__set_autocreate(s->maps.values, false);
	if (!(chosen >> COLLECTOR_RECLAIM & 1))
		bpf_map__set_autocreate(s->maps.reclaiming, false);
	drained_open(l, s, chosen);
	return programs_choose(l, chosen);
}

static int object_load(struct loader *l, uint32_t chosen)
{
	int r = object_open(l, chosen);

	return r < 0 ? r : sysscope_bpf__load(l->skeleton);
}

/* Takes the reason from the verifier's log: its last line other than statistics. */
static void reason_from_log(struct loader *l, enum collector c, int error)
{
	char *reason = l->state[c].reason, *line = NULL, *save = NULL;

	l->log[sizeof(l->log) - 1] = '\0';
	for (char *p = strtok_r(l->log, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		if (*p && strncmp(p, "processed ", 10) != 0 && strncmp(p, "-- END", 6) != 0)
			line = p;
	snprintf(reason, sizeof(l->state[c].reason), "the kernel refused it: %s%s%.400s", strerror(-error),
		 line ? ": " : "", line ? line : "");
}

/* The iterator in use creates no task-local state: collectors that need it take another alternative, or are dropped. */
static void task_storage_give_up(struct loader *l)
{
	l->task_storage = false;
	for (int c = 0; c < COLLECTORS; c++)
		if (l->state[c].way >= 0 && loader_way(l, c)->needs_task_storage)
			l->state[c].way = loader_way_choose(l, c, 0);
}

/* Each loads alone, but not all together (memory, complexity of a shared program): drops the last one. */
static bool last_drop(struct loader *l, uint32_t all, int error)
{
	for (int c = COLLECTORS - 1; c >= 0; c--) {
		if (c == COLLECTOR_TASKS || !(all >> c & 1))
			continue;
		l->state[c].way = -1;
		snprintf(l->state[c].reason, sizeof(l->state[c].reason),
			 "it loads alone, but not together with the others: %s", strerror(-error));
		return true;
	}
	return false;
}

/* Those that have a way left, a bit each. */
static uint32_t collectors_chosen(const struct loader *l)
{
	uint32_t all = 0;

	for (int c = 0; c < COLLECTORS; c++)
		if (l->state[c].way >= 0)
			all |= 1u << c;
	return all;
}

/*
 * Loads all chosen collectors. If that fails, finds those at fault by loading each one beside the iterator, moves them
 * to their next alternative, and tries again. This ends, since each round removes an alternative or a collector.
 */
static int load_all(struct loader *l)
{
	for (;;) {
		bool blamed = false;
		uint32_t all = collectors_chosen(l);
		int r = object_load(l, all);

		if (r == 0)
			return 0;
		for (int c = 0; c < COLLECTORS; c++) {
			int one;

			if (!(all >> c & 1))
				continue;
			one = object_load(l, 1u << COLLECTOR_TASKS | 1u << c);
			if (one == 0)
				continue;
			blamed = true;
			reason_from_log(l, c, one);
			loader_way_next(l, c);
			if (c == COLLECTOR_TASKS && l->state[c].way < 0)
				return one;
			if (c == COLLECTOR_TASKS && !loader_way(l, c)->needs_task_storage)
				task_storage_give_up(l);
			if (c == COLLECTOR_TASKS)
				break; /* the others are tried again beside another iterator */
		}
		if (!blamed && !last_drop(l, all, r))
			return r;
		loader_ways_review(l);
	}
}

/*
 * A collector that loads but does not attach takes its next alternative, and everything is loaded again; with no
 * alternative left it stays off. This ends as load_all does.
 */
static int load_and_attach(struct loader *l)
{
	for (;;) {
		int failed = -1, r = load_all(l);

		/* The iterator first: it creates the state of the tasks that exist already. */
		if (r == 0)
			r = collector_attach(l, COLLECTOR_TASKS);
		/* Each program has a descriptor: with one collector less there is one for this. */
		if (r == -EMFILE && last_drop(l, collectors_chosen(l), r)) {
			collector_detach(l, COLLECTOR_TASKS);
			loader_ways_review(l);
			continue;
		}
		if (r < 0)
			return r;
		for (int c = 0; c < COLLECTORS && failed < 0; c++)
			if (collector_waits(l, c))
				tracefs_need(l, loader_way(l, c));
			else if (c != COLLECTOR_TASKS && collector_attach(l, c) < 0)
				failed = c;
		if (failed < 0)
			return 0;
		for (int c = 0; c < COLLECTORS; c++)
			collector_detach(l, c);
		loader_way_next(l, failed);
		loader_ways_review(l);
	}
}

void loader_facts_count(const struct loader *l, uint64_t *produced, uint64_t *lost)
{
	for (int k = 0; k < SS_FACT_KINDS; k++) {
		produced[k] = __atomic_load_n(&l->skeleton->bss->facts_produced[k], __ATOMIC_RELAXED);
		lost[k] = __atomic_load_n(&l->skeleton->bss->facts_lost[k], __ATOMIC_RELAXED);
	}
}

void loader_facts_want(struct loader *l, uint32_t kinds)
{
	__atomic_store_n(&l->skeleton->bss->facts_wanted, SS_FACTS_ALWAYS | kinds, __ATOMIC_SEQ_CST);
}

int loader_pause(struct loader *l, enum collector c, bool pause)
{
	if (pause)
		collector_detach(l, c);
	return pause ? 0 : collector_attach(l, c);
}

static int libbpf_silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int loader_open(struct loader **ret, const struct kernel *k, const struct loader_options *o, struct buf *error)
{
	struct loader *l;
	int r;

	if (!k->btf || !k->iter_task) {
		kernel_explain(k, -EOPNOTSUPP, error);
		return -EOPNOTSUPP;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->kernel = k;
	l->options = *o;
	l->task_storage = k->task_storage;
	if (!getenv("SYSSCOPE_LIBBPF_DEBUG"))
		libbpf_set_print(libbpf_silence);
	for (int c = 0; c < COLLECTORS; c++) {
		l->state[c].way = -1;
		if (o->disabled >> c & 1 && !collectors[c].required)
			snprintf(l->state[c].reason, sizeof(l->state[c].reason), "turned off on the command line");
		else if (collectors[c].only_for && !(o->requested >> c & 1))
			snprintf(l->state[c].reason, sizeof(l->state[c].reason), "only for %s", collectors[c].only_for);
		else
			l->state[c].way = loader_way_choose(l, c, 0);
	}
	types_make(l);
	r = load_and_attach(l);
	types_drop(l);
	if (r < 0) {
		kernel_explain(k, r, error);
		if (l->state[COLLECTOR_TASKS].reason[0])
			buf_printf(error, " (%s)", l->state[COLLECTOR_TASKS].reason);
		loader_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

void loader_close(struct loader *l)
{
	if (!l)
		return;
	for (int c = 0; c < COLLECTORS; c++) {
		collector_detach(l, c);
		buf_free(&l->state[c].tried);
	}
	sysscope_bpf__destroy(l->skeleton);
	if (l->tracefs > 0)
		close(l->tracefs);
	free(l);
}

struct sysscope_bpf *loader_skeleton(struct loader *l)
{
	return l->skeleton;
}

int loader_iterator_fd(const struct loader *l)
{
	return bpf_link__fd(l->state[COLLECTOR_TASKS].links[0]);
}

int loader_sockets_fd(const struct loader *l, bool *ret_owners)
{
	const struct alternative *w = loader_way(l, COLLECTOR_SOCKETS);

	*ret_owners = w && w->needs_task_storage;
	return w ? bpf_link__fd(l->state[COLLECTOR_SOCKETS].links[0]) : -1;
}

int loader_network_fd(const struct loader *l)
{
	const struct alternative *w = loader_way(l, COLLECTOR_NETWORK);

	return w && w->counts_by_sockets ? bpf_link__fd(l->state[COLLECTOR_NETWORK].links[0]) : -1;
}
