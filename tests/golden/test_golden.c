/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_golden.c - one sample through the model and every output, compared with files: plain text at several widths, CSV, JSON,
 * Prometheus. `UPDATE_GOLDEN=1 build/tests/golden/test_golden` writes the files anew; look at the difference before
 * committing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <time.h>

#include "lib/model_scene.h"
#include "lib/recording.h"
#include "exporters/json/json.h"
#include "exporters/prometheus/prometheus.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"
#include "top/frame.h"
#include "record/recorder.h"
#include "top/history.h"
#include "top/past/past.h"
#include "sysscope/findings.h"
#include "sysscope/source.h"

static struct scene scene;

static void files_fill(struct cgroup_counters *f, uint64_t scale)
{
	*f = (struct cgroup_counters){
		.cpu_usage_ns = 1500000000 * scale,
		.cpu_user_ns = 1000000000 * scale,
		.cpu_system_ns = 500000000 * scale,
		.periods = 100 * scale,
		.throttled_periods = 30 * scale,
		.throttled_ns = 700000000 * scale,
		.cpu_quota_us = 25000,
		.cpu_period_us = 100000,
		.cpu_weight = SS_UNKNOWN,
		.cpu_shares = 1024,
		.memory_usage = scale << 24,
		.memory_peak = scale << 25,
		.memory_limit = scale << 26,
		.memory_reservation = SS_UNLIMITED,
		.swap_limit = SS_UNLIMITED,
		.memory_swap = 0,
		.memory_rss = scale << 22,
		.memory_cache = scale << 23,
		.memory_mapped = scale << 20,
		.memory_kernel = scale << 18,
		.memory_active_file = scale << 21,
		.memory_inactive_file = scale << 22,
		.page_faults = 1000 * scale,
		.major_page_faults = 3 * scale,
		.memory_failcnt = 0,
		.oom_kills = scale - 1,
		.pids = scale,
		.pids_limit = 100,
		.cpuset_cpus = SS_UNKNOWN,
		.memory_min = SS_UNKNOWN,
		.memory_high = scale == 2 ? 60ULL << 20 : SS_UNLIMITED,
		.swap_high = SS_UNLIMITED,
		.memory_shmem = scale << 19,
		.slab_reclaimable = scale << 16,
		.slab_unreclaimable = scale << 15,
		.memory_dirty = scale << 20,
		.memory_writeback = 0,
		.refaults_anon = 10 * scale,
		.refaults_file = 500 * scale,
		.pages_scanned = 4000 * scale,
		.pages_reclaimed = 3000 * scale,
		.events_low = 0,
		.events_high = 7 * scale,
		.events_oom = scale - 1,
		.events_oom_group = 0,
		.pressure_cpu_some_ns = 400000000 * scale,
		.pressure_cpu_full_ns = 50000000 * scale,
		.pressure_memory_some_ns = 30000000 * scale,
		.pressure_memory_full_ns = 20000000 * scale,
		.pressure_io_some_ns = 170000000 * scale,
		.pressure_io_full_ns = 110000000 * scale,
		.under_oom = SS_UNKNOWN,
		.oom_kill_disabled = SS_UNKNOWN,
		.memory_thp = scale << 21,
	};
	for (int i = 0; i < HUGE_PAGE_SIZES; i++) {
		bool known = i == 1 && scale == 2;

		f->hugetlb[i] = known ? scale << 21 : SS_UNKNOWN;
		f->hugetlb_limit[i] = known ? scale << 22 : SS_UNKNOWN;
		f->hugetlb_failcnt[i] = known ? scale : SS_UNKNOWN;
		f->hugetlb_peak[i] = SS_UNKNOWN;
	}
}

/* MiB of resident memory. */
static void memory_fill(struct ss_thread_record *r, uint32_t mib)
{
	uint32_t units = mib * (1 << 20) / SS_MEMORY_UNIT;

	r->file_units = units / 4;
	r->shmem_units = units / 8;
	r->anonymous_units = units - r->file_units - r->shmem_units;
	r->peak_units = 2 * units;
}

static void waits_fill(struct ss_waits *w, uint64_t scale)
{
	w->wakeup_wait_ns += 100000000 * scale;
	w->preempted_wait_ns += 200000000 * scale;
	w->throttled_ns += 50000000 * scale;
	for (uint64_t i = 0; i < SS_WAIT_CLASSES; i++)
		w->blocked_ns[i] += (i % 4) * 10000000 * scale;
	w->uninterruptible_ns += 1000000 * scale;
	w->iowait_ns += 500000 * scale;
	w->iowait_io_uring_ns += scale > 2 ? 200000 * scale : 0;
	for (uint64_t i = 0; i < SS_DELAY_SLOTS; i++)
		w->delay_slots[i] += (SS_DELAY_SLOTS - i) * scale;
}

static void loop_fill(struct ss_loop *l, uint64_t scale)
{
	l->waits += 100 * scale;
	l->polls += 20 * scale;
	l->timeouts += 5 * scale;
	l->interrupted += scale;
	l->productive += 80 * scale;
	l->taken += 2 * scale;
	l->events += 120 * scale;
	l->empty_wakeups += 10 * scale;
	l->adds += 7 * scale;
	l->modifies += 3 * scale;
	l->deletes += 6 * scale;
	l->wait_ns += 300000000 * scale;
	l->wait_runqueue_ns += 5000000 * scale;
	l->poll_ns += 2000000 * scale;
	l->iterations += 100 * scale;
	l->iteration_ns += 600000000 * scale;
	l->runqueue_ns += 90000000 * scale;
	l->throttled_ns += 30000000 * scale;
	l->blocked_ns[SS_WAIT_FILE] += 170000000 * scale;
	l->blocked_ns[SS_WAIT_FUTEX] += 4000000 * scale;
	l->longest_ns = 180000000;
	l->stalls[SS_STALL_BLOCKED] += scale;
	l->stall_ns[SS_STALL_BLOCKED] += 150000000 * scale;
	l->slots[6] += 60 * scale;
	l->slots[9] += 39 * scale;
	l->slots[17] += scale;
}

/* An event loop of the latest process: it sleeps mostly in epoll. */
static void loop_add(uint64_t scale)
{
	scene_waits(&scene, SS_BLOCK_WAITS)->blocked_ns[SS_WAIT_EPOLL] = 60000000000ULL;
	loop_fill(&scene_loop(&scene, SS_LOOP_WAITING, 10000000)->loop, scale);
}

/* Two threads that take turns. */
static void scheduler_add(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct ss_thread_record *r = scene_process(&scene, 700 + i, 12, "go-server", 1000000);

		r->tgid = 700;
		r->process_start_ns = 5000000700ULL;
		r->flags &= i ? ~(uint32_t)SS_THREAD_LEADER : ~0U;
		loop_add(1 + i);
		scene.loops[scene.sample.n_loops - 1].loop.instance = 0x700;
		scene.loops[scene.sample.n_loops - 1].loop.edge = 1;
	}
}

static void stall_add(void)
{
	struct ss_fact *f = scene_stall(&scene, 101, 400000000);

	f->stall.wall_ns = 180000000;
	f->stall.runqueue_ns = 5000000;
	f->stall.blocked_ns[SS_WAIT_FILE] = 164000000;
	f->stall.blocked_ns[SS_WAIT_FUTEX] = 1000000;
	f->stall.cause = SS_STALL_BLOCKED;
	f->stall.runner = 11;
}

static void oom_kill_add(void)
{
	static const char *const pod[] = {"pod1", "burstable", "kubepods"};
	struct ss_fact *f = scene_oom_kill(&scene, 301, 12, SS_OOM_CGROUP, pod, 3);

	strcpy(f->comm, "app-worker");
	strcpy(f->process, "app");
	strcpy(f->oom.asker, "app\x1b[2J");
	f->oom.asker_tgid = 302;
	f->oom.rss_bytes = 46ULL << 20;
	f->oom.limit_bytes = f->oom.usage_bytes = 64ULL << 20;
}

static struct sample_cgroup *home(uint64_t id, const char *path, enum home_kind kind, const char *name,
				  const char *runtime, const char *image)
{
	struct sample_cgroup *c = scene_cgroup(&scene, id, 1, path, kind, name);
	struct identity *who = &scene.who[scene.sample.n_cgroups - 1];

	who->runtime = runtime;
	who->image = image;
	c->counts = (struct ss_cgroup){.created_ns = 900000000000ULL, .forks = id, .execs = id + 1, .exits = id - 1};
	return c;
}

/* Start steps of the latest cgroup, in ms after its creation; 0: not seen. */
static void start_add(struct sample_cgroup *c, uint64_t enter_ms, uint64_t isolate_ms, uint64_t execute_ms,
		      uint64_t ready_ms)
{
	const uint64_t ms[SS_START_STEPS] = {enter_ms, isolate_ms, execute_ms, ready_ms};

	scene_collector(&scene, "births");
	c->counts.flags |= SS_CGROUP_SEEN_CREATED | (ready_ms ? 0 : SS_CGROUP_STARTING);
	for (uint64_t i = 0; i < SS_START_STEPS; i++) {
		c->counts.start.step_ns[i] = ms[i] ? c->counts.created_ns + ms[i] * 1000000 : 0;
		c->counts.start.cpu_ns[i] = ms[i] * 400000;
	}
	c->counts.start.init = 1;
	c->counts.start.ready_by = ready_ms ? SS_READY_LISTEN : SS_READY_NOT_YET;
}

/* A virtual machine of libvirt, with two virtual CPUs and a disk's thread. */
static void machine_add(void)
{
	static const char *const names[] = {"CPU 0/KVM", "CPU 1/KVM", "IO iothread1"};
	static const struct sample_guest guest = {.tgid = 800, .start_ns = 5000000800, .name = "win\x1b[2J"};

	home(17, "/machine.slice/machine-qemu\\x2d1\\x2dwin.scope", HOME_VM, "win", "libvirt", "");
	scene_process(&scene, 800, 17, "qemu-system-x86", 110000000)->threads = 4;
	scene.sample.guests = &guest;
	scene.sample.n_guests = 1;
	for (uint32_t i = 0; i < 3; i++) {
		struct ss_thread_record *t = scene_process(&scene, 801 + i, 17, names[i], 1300000000 >> i);

		t->flags = 0;
		t->tgid = 800;
		t->process_start_ns = t->start_ns - 1 - i;
	}
}

static void traffic_add(uint64_t scale)
{
	for (size_t i = 0; i < scene.sample.n_cgroups; i++) {
		struct ss_network *n = &scene.cgroups[i].network;

		n->receive_bytes += 1500000 * scale * i;
		n->receive_packets += 1000 * scale * i;
		n->transmit_bytes += 40000 * scale * i;
		n->transmit_packets += 500 * scale * i;
	}
}

static struct sample_disk disks[4];
static struct sample_disk_pair disk_pairs[2];
static struct sample_device devices[] = {
	{.device = 8u << SS_DISK_MINOR_BITS,
	 .name = "sda",
	 .reads = 900,
	 .writes = 70,
	 .read_bytes = 3686400,
	 .in_flight = 2},
	{.device = 253u << SS_DISK_MINOR_BITS | 1, .name = "vg-a\"\x1b", .upon_others = true, .writes = 5},
};

/* Reads of 4 KiB that took 100 us each, of which 60 for another container. */
static void disks_add(uint64_t reads)
{
	struct sample *s = &scene.sample;

	scene_collector(&scene, "disk");
	s->disks_final = disks;
	s->disk_pairs_final = disk_pairs;
	s->devices = devices;
	s->n_disks_final = s->n_disk_pairs_final = 0;
	for (uint32_t i = 0; i < 3; i++)
		disks[s->n_disks_final++] = (struct sample_disk){{10 + i / 2, devices[i % 2].device, i},
								 {.requests = reads,
								  .bytes = reads * 4096,
								  .latency_ns = reads * 100000,
								  .slots = {[6] = reads}}};
	disk_pairs[s->n_disk_pairs_final++] =
		(struct sample_disk_pair){{10, 11, devices[0].device, 0}, {reads * 60000, reads}};
	s->n_devices = 2;
}

/* Of the container "web", whose processes have a network of their own. */
static void interface_add(void)
{
	static struct sample_interface eth0 = {
		.namespace_ = 4026532500,
		.name = "eth\x1b",
		.host_interface = "vethabc",
		.bridge = "docker0",
		.counters = {1013, 17, 0, 3, 2027, 19, 5, 0},
	};

	for (size_t i = 0; i < scene.sample.n_threads; i++) {
		struct ss_thread_record *r = &scene.threads[i];

		if (r->tid != 1 && r->tid != 100)
			continue;
		r->ns_mnt = 4026531841;
		r->ns_net = r->tid == 1 ? 4026531833 : eth0.namespace_;
	}
	scene.sample.interfaces = &eth0;
	scene.sample.n_interfaces = 1;
}

static struct sample_tcp tcp_events[] = {
	{{10, 5432, SS_TCP_TO}, {.n = {[SS_TCP_CONNECTED] = 31}}},
	{{10, 6379, SS_TCP_TO}, {.n = {[SS_TCP_REFUSED] = 7, [SS_TCP_TIMED_OUT] = 2, [SS_TCP_RESETS_RECEIVED] = 7}}},
	{{10, 80, SS_TCP_FROM}, {.n = {[SS_TCP_ACCEPTED] = 101, [SS_TCP_RETRANSMITS] = 13, [SS_TCP_RESETS_SENT] = 3}}},
	{{11, 0, SS_TCP_TO}, {.n = {[SS_TCP_GIVEN_UP] = 1}}},
};
static struct sample_tcp_port tcp_ports[] = {
	{.key = {10, 5432, SS_TCP_TO},
	 .established = 12,
	 .unanswered = 11,
	 .rtt_sockets = 12,
	 .rtt_largest_us = 2100,
	 .rtt_sum_us = 3600},
	{.key = {10, 80, SS_TCP_FROM},
	 .established = 61,
	 .close_wait = 5,
	 .listening = 1,
	 .listener = 100,
	 .rtt_sockets = 60,
	 .rtt_largest_us = 380000,
	 .rtt_sum_us = 2460000,
	 .unsent_bytes = 20480,
	 .queue = 129,
	 .queue_limit = 128,
	 .drops = 41,
	 .queue_fullest = 129.0 / 128},
};

/* Events that come once, and a pass that stays. */
static void tcp_add(void)
{
	struct sample *s = &scene.sample;

	scene_collector(&scene, "tcp");
	s->tcp_final = tcp_events;
	s->n_tcp_final = sizeof(tcp_events) / sizeof(*tcp_events);
	s->tcp_ports = tcp_ports;
	s->n_tcp_ports = sizeof(tcp_ports) / sizeof(*tcp_ports);
	s->tcp_ports_ns = s->boot_ns;
}

/* One waits for a CPU, one for its quota, one sleeps, one runs. They have no blocks of waits, so no sum changes. */
static void states_add(void)
{
	for (size_t i = 0; i < scene.sample.n_threads; i++) {
		struct ss_thread_record *r = &scene.threads[i];

		r->cpu = (__u16)(r->tid % 3);
		if (r->tid == 300)
			r->mark = ss_mark_make(1, SS_MARK_RUNNING);
		if (r->tid == 1 || r->tid == 400)
			r->mark = ss_mark_make(1, SS_MARK_RUNNABLE);
		r->open_wait_ns = r->tid == 1 || r->tid == 400 ? 10000000 + r->tid : 0;
		r->open_throttled_ns = r->tid == 400 ? 7000000 : 0;
		if (r->tid != 500)
			continue;
		r->mark = ss_mark_make(1, ss_mark_with_class(SS_MARK_BLOCKED, SS_WAIT_FUTEX));
		r->open_blocked_ns = 3000000000;
	}
}

static void scene_build(void)
{
	struct identity *pod;

	scene_init(&scene);
	scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
	files_fill(&home(10, "/docker/0123456789abcdef", HOME_CONTAINER, "web", "docker", "nginx:1.25")->files, 1);
	files_fill(&home(11, "/machine.slice/libpod-ff.scope", HOME_CONTAINER, "db", "podman", "postgres:16")->files,
		   2);
	files_fill(
		&home(12, "/kubepods/burstable/pod1/aa", HOME_CONTAINER, "app", "containerd", "registry/app:v1")->files,
		3);
	pod = &scene.who[scene.sample.n_cgroups - 1];
	start_add(&scene.cgroups[1], 3, 12, 95, 412);
	start_add(&scene.cgroups[2], 2, 0, 40, 0);
	pod->pod = "app-7f9c";
	pod->pod_namespace = "prod";
	home(13, "/system.slice/ssh.service", HOME_SERVICE, "ssh.service", "systemd", "");
	home(14, "/user.slice/user-1000.slice/session-3.scope", HOME_SESSION, "session-3", "systemd", "")
		->counts.created_ns = 0;
	scene.who[scene.sample.n_cgroups - 1].uid = 1000;
	files_fill(&home(15, "/evil\x1b[31m\"} 1\xe9", HOME_CGROUP, "/evil\x1b[31m\"} 1\xe9", "", "")->files, 4);
	home(16, "/docker/gone", HOME_CONTAINER, "job", "docker", "batch:2")->alive = false;
	scene_collector(&scene, "reclaim");
	scene.cgroups[2].counts.reclaim[SS_RECLAIM_LIMIT] = (struct ss_reclaim){2500000000, 1009};
	scene.cgroups[2].counts.reclaim[SS_RECLAIM_MACHINE] = (struct ss_reclaim){70000000, 13};
	scene_gone(scene.final, &scene.sample.n_gone_final, 16, "batch", 2500000000, 7);
	scene_gone(scene.final, &scene.sample.n_gone_final, 10, "true", 100000000, 1000);
	scene_pair(scene.pairs_final, &scene.sample.n_pairs_final, 10, 11, 1500000000);
	scene_pair(scene.pairs_final, &scene.sample.n_pairs_final, 10, 10, 250000000);
	scene_pair(scene.pairs_open, &scene.sample.n_pairs_open, 15, SS_CGROUP_OTHERS, 4000);
	scene_process(&scene, 1, 1, "init", 1000000000)->used.utime_ns = 4000000;
	scene_process(&scene, 2, SS_CGROUP_KERNEL, "kthreadd", 5000000)->flags |= SS_THREAD_KERNEL;
	memory_fill(scene_process(&scene, 100, 10, "nginx", 1400000000), 5);
	waits_fill(scene_waits(&scene, SS_BLOCK_WAITS), 1);
	scene_process(&scene, 101, 10, "nginx", 20000000)->ppid = 100;
	loop_add(1);
	memory_fill(scene_process(&scene, 200, 11, "postgres", 2900000000), 64);
	scene.sample.rollup = (struct sample_rollup){
		.tgid = 200,
		.start_ns = scene.threads[scene.sample.n_threads - 1].start_ns,
		.read_ns = scene.sample.boot_ns - 2000000000,
		.pss = 41 << 20,
		.pss_anonymous = 39 << 20,
		.pss_file = 1 << 20,
		.pss_shmem = 1 << 20,
	};
	waits_fill(scene_waits(&scene, SS_BLOCK_WAITS), 3);
	scene_process(&scene, 300, 12, "a\"} 1\x1b]52;c", 4000000000)->state = 'R';
	scene_process(&scene, 400, 13, "sshd", 30000000)->capabilities_effective = 0x1ffffffffff;
	scene_process(&scene, 500, 14, "ba\xc3", 10000000)->uid = 1000;
	scene_process(&scene, 600, 15, "caf\xe9", 20000000)->ns_pid = 4026531836;
	loop_add(3);
	scheduler_add();
	machine_add();
	scene.sample.host.cpu_busy_ns = scene.sample.host.cpu_all_ns = 10000000000ULL;
	scene.sample.host.steal_ns = 1000000000;
	scene.sample.host.n_each = 3;
	for (uint32_t i = 0; i < 3; i++)
		scene.sample.host.each[i] = (struct sample_cpu){i, 1000000000 * (i + 1), 8000000000};
	scene.sample.host.pressure_cpu.some_ns = 5000000000;
	scene.sample.host.pressure_memory.some_ns = scene.sample.host.pressure_io.some_ns = SS_UNKNOWN;
	scene.sample.virtualization = (struct sample_virtualization){.machine = "kvm", .container = "none"};
	scene.sample.run_queues.ns = 10000000000ULL;
	scene.sample.losses[SS_LOSS_RING_FULL] = 2;
	scene_collector(&scene, "network");
	traffic_add(7);
	disks_add(31);
	tcp_add();
	for (size_t i = 1; i < 3; i++)
		scene.cgroups[i].files.io_charged = 1;
	interface_add();
	states_add();
}

/* A second of work by every process, so that there are rates. */
static void scene_work(void)
{
	struct sample *s = &scene.sample;

	scene_tick(&scene, 1);
	s->n_gone_final = s->n_pairs_final = s->n_tcp_final = 0;
	disks_add(7);
	scene_pair(s->pairs_final, &s->n_pairs_final, 10, 11, 300000000);
	for (size_t i = 0; i < scene.n_waits; i++)
		waits_fill(&scene.waits[i], 1);
	for (size_t i = 0; i < s->n_loops; i++) {
		scene_loop_read(&scene, &s->loops[i], SS_LOOP_WAITING, 10000000);
		loop_fill(&s->loops[i].loop, 1);
	}
	stall_add();
	traffic_add(1);
	oom_kill_add();
	s->cgroups[2].counts.reclaim[SS_RECLAIM_LIMIT].ns += 300000000;
	s->cgroups[2].counts.reclaim[SS_RECLAIM_MACHINE].ns += 11000000;
	for (size_t i = 0; i < s->n_threads; i++)
		scene.threads[i].used.exec_ns += 10000000 * (i + 1);
	for (size_t i = 0; i < s->n_cgroups; i++) {
		struct cgroup_counters *f = &s->cgroups[i].files;

		if (f->cpu_usage_ns == SS_UNKNOWN)
			continue;
		f->cpu_usage_ns += 30000000 * i;
		f->periods += 10;
		f->throttled_periods += i;
	}
	s->host.cpu_busy_ns += 1260000000;
	s->host.cpu_all_ns += 2000000000;
	s->host.steal_ns += 60000000;
	for (uint32_t i = 0; i < 3; i++) {
		s->host.each[i].busy_ns += 260000000 + i * 370000000;
		s->host.each[i].all_ns += 1000000000;
	}
	s->host.each[2].number = 3; /* another one came */
	s->host.pressure_cpu.some_ns += 410000000;
	s->run_queues.ns += 1260000000;
}

static struct model *golden_model(void)
{
	struct model *m = model_new();

	scene_build();
	model_look(m, LOOK_THREADS);
	assert_int_equal(model_update(m, &scene.sample), 0);
	/* The next snapshot needs nothing that a rest frees. */
	model_rest(m);
	assert_null(model_snapshot(m));
	scene_work();
	assert_int_equal(model_update(m, &scene.sample), 0);
	return m;
}

static void compare(const struct buf *seen, const char *name)
{
	_cleanup_free_ char *golden = NULL;
	char path[128];
	size_t length = 0;

	assert_false(seen->failed);
	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fwrite(seen->data, 1, seen->len, f);
		assert_int_equal(fclose(f), 0);
	}
	if (read_file(path, 1 << 22, &golden, &length) < 0)
		fail_msg("%s cannot be read", path);
	if (length == seen->len && memcmp(golden, seen->data, length) == 0)
		return;
	for (size_t i = 0, line = 1; i <= length && i <= seen->len; i++) {
		if (i == length || i == seen->len || golden[i] != seen->data[i])
			fail_msg("%s differs in line %zu, byte %zu: \"%.60s\" is \"%.60s\"", path, line, i, golden + i,
				 seen->data + i);
		line += golden[i] == '\n';
	}
}

static const struct finding golden_finding = {
	.rule = "cpu_neighbour",
	.severity = FINDING_CRITICAL,
	.confidence = FINDING_HIGH,
	.comm = "",
	.culprit_process = "",
	.headline = "the batch job has the CPUs that it needs: it waits for 61 % of the time that it has work",
	.evidence =
		{{"in each second its threads waited 0.92 s for CPUs on which the batch job ran (97 % of these waits)",
		  "wait_seconds_total", 0.92, "seconds_per_second"},
		 {"it got 0.31 CPU", "cpu_cores", 0.31, "cores"}},
	.n_evidence = 2,
	.ruled_out = {"its own CPU quota: 0.00 s in each second"},
	.n_ruled_out = 1,
	.advice = {"let it go last: docker update --cpu-shares 128 'ba\x1b[2Jtch'"},
	.n_advice = 1,
	.explains = {{"loop_starved", "web", "a loop of node (pid 101) waits for a CPU before 40 % of its iterations"}},
	.n_explains = 1,
	.explains_more = 2,
};

/* The snapshot with findings about its first two containers and about the machine. */
static void findings_attach(struct snapshot *s, struct findings *f, struct finding all[3])
{
	for (uint32_t i = 0; i < 3; i++) {
		const struct container_row *c = &s->containers[i];

		all[i] = golden_finding;
		all[i].severity = FINDING_CRITICAL - i;
		all[i].since = s->time - (i ? 250 * i : 12);
		all[i].container = i < 2 ? c->name : "";
		all[i].container_cgroup = i < 2 ? c->cgroup : "";
		all[i].home = i < 2 ? i + 1 : 0;
		all[i].culprit_container = i ? "" : s->containers[1].name;
		all[i].culprit_cgroup = i ? "" : s->containers[1].cgroup;
		all[i].culprit_home = i ? 0 : 2;
	}
	all[1].rule = "zombies";
	all[1].culprit_process = "init\x1b";
	all[1].headline = "init (pid 1) leaves 31 dead children unclaimed";
	all[2].rule = "cpu_steal";
	all[2].confidence = FINDING_LOW;
	all[2].headline = "the hypervisor takes 7 % of this machine's CPU time for others";
	*f = (struct findings){
		.time = s->time,
		.watched_seconds = 12.4,
		.containers = 9,
		.processes = 31,
		.loops = 3,
		.rules = 19,
		.all = all,
		.n = 3,
		.near = {{"memory_near_limit", s->containers[0].name, "61 % of its memory limit is filled", 0.68}},
		.n_near = 1,
	};
	s->findings = f;
}

/* A text of three lines, and one of something that is gone. */
static const struct event_row golden_events[] = {
	{.number = 31,
	 .time = 1700000400.9876,
	 .type = "oom_kill",
	 .pid = 301,
	 .tid = 301,
	 .comm = "app\x1b",
	 .container = "app",
	 .cgroup = "/kubepods/burstable/pod1/aa",
	 .id = "",
	 .kind = "container",
	 .text = "killed because the memory limit of 64M of /kubepods/burstable/pod1 was reached, in which it had 46M; "
		 "the "
		 "process that wanted memory was app 302; largest 1.0 s before: app 302 of app 44M, nginx 100 of web "
		 "5.0M"},
	{.number = 29,
	 .time = 1700000399.5,
	 .type = "exit",
	 .pid = 4711,
	 .tid = 4712,
	 .comm = "wget",
	 .container = "gone\xe6\x97\xa5",
	 .cgroup = "/docker/gone\xe6\x97\xa5",
	 .id = "",
	 .kind = "container",
	 .text = "code 0 after 19 ms; CPU 4.2 ms, peak 1.3M, switches 1 + 2"},
	{.number = 7,
	 .time = 1700000000.001,
	 .type = "cgroup_create",
	 .comm = "",
	 .container = "",
	 .cgroup = "",
	 .id = "",
	 .kind = "",
	 .text = "/a/b"},
};

static void events_attach(struct snapshot *s)
{
	s->looked.events = golden_events;
	s->looked.n_events = ARRAY_SIZE(golden_events);
	s->looked.events_dropped = 17;
	s->looked.events_lost = 3;
	s->looked.events_since = 1700000000.25;
}

/* Without a finding: just begun, not long enough, and nothing wrong. */
static void test_no_findings(void **state)
{
	static const struct finding_unjudged unjudged = {"cpu_steal", "the hypervisor has never reported stolen time"};
	static const int widths[] = {40, 80};
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);
	struct table_choice c;
	struct findings f;
	struct finding all[3];

	(void)state;
	table_choice_init(&c, &view_findings);
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		_cleanup_buf_ struct buf out = {};
		char name[64];

		s.findings = NULL;
		assert_int_equal(table_write_plain(&out, &s, &c, widths[i]), 0);
		findings_attach(&s, &f, all);
		f.n = 0;
		f.too_short = true;
		f.watched_seconds = 0.25;
		assert_int_equal(table_write_plain(&out, &s, &c, widths[i]), 0);
		f.too_short = false;
		f.watched_seconds = 3;
		assert_int_equal(table_write_plain(&out, &s, &c, widths[i]), 0);
		f.unjudged = &unjudged;
		f.n_unjudged = 1;
		assert_int_equal(table_write_plain(&out, &s, &c, widths[i]), 0);
		snprintf(name, sizeof(name), "findings-none-%d.txt", widths[i]);
		compare(&out, name);
	}
	model_free(m);
}

static void test_plain(void **state)
{
	static const int widths[] = {40, 60, 80, 160};
	struct model *m = golden_model();
	_cleanup_buf_ struct buf out = {};
	struct snapshot s = *model_snapshot(m);
	struct table_choice c;
	struct findings f;
	struct finding all[3];

	(void)state;
	findings_attach(&s, &f, all);
	events_attach(&s);
	for (size_t view = 0; view < VIEWS; view++)
		for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
			char name[64];

			table_choice_init(&c, views[view]);
			c.tree = widths[i] == 160;
			buf_reset(&out);
			assert_int_equal(table_write_plain(&out, &s, &c, widths[i]), 0);
			snprintf(name, sizeof(name), "%s-%d.txt", views[view]->name, widths[i]);
			compare(&out, name);
		}
	model_free(m);
}

static void test_csv(void **state)
{
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);
	struct findings f;
	struct finding all[3];

	(void)state;
	findings_attach(&s, &f, all);
	events_attach(&s);
	for (size_t view = 0; view < VIEWS; view++) {
		_cleanup_buf_ struct buf out = {};
		struct table_choice c;
		char name[64];

		table_choice_init(&c, views[view]);
		assert_int_equal(table_write_csv(&out, &s, &c, true), 0);
		snprintf(name, sizeof(name), "%s.csv", views[view]->name);
		compare(&out, name);
	}
	model_free(m);
}

/* Of every row of each view that has details. */
static void test_detail(void **state)
{
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);
	struct findings f;
	struct finding all[3];

	(void)state;
	findings_attach(&s, &f, all);
	events_attach(&s);
	setenv("TZ", "UTC", 1);
	for (size_t view = 0; view < VIEWS; view++) {
		_cleanup_buf_ struct buf out = {};
		char name[64];

		if (!views[view]->detail)
			continue;
		for (uint32_t i = 0; i < views[view]->count(&s); i++) {
			views[view]->detail(&out, &s, i, 80);
			buf_char(&out, '\n');
		}
		snprintf(name, sizeof(name), "%s-detail.txt", views[view]->name);
		compare(&out, name);
	}
	model_free(m);
}

static void test_json(void **state)
{
	struct model *m = golden_model();
	_cleanup_buf_ struct buf out = {};

	(void)state;
	assert_int_equal(json_write_snapshot(&out, model_snapshot(m), NULL), 0);
	compare(&out, "snapshot.json");
	model_free(m);
}

/* What is there only while somebody looks, and why it is not there. */
static void test_json_looks(void **state)
{
	static const char *const looks[] = {"threads", "events"};
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);

	(void)state;
	events_attach(&s);
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		struct json_options o = {.view = looks[i]};
		_cleanup_buf_ struct buf out = {};
		char name[64];

		assert_int_equal(json_write_snapshot(&out, &s, &o), 0);
		snprintf(name, sizeof(name), "%s.json", looks[i]);
		compare(&out, name);
	}
	s.looked = (struct looked_at){.threads_reason = "nobody \"looks\""};
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		struct json_options o = {.view = looks[i]};
		_cleanup_buf_ struct buf out = {};

		assert_int_equal(json_write_snapshot(&out, &s, &o), 0);
		assert_non_null(strstr(out.data, i ? "\"events_reason\":\"not in this recording\",\"events\":[]"
						   : "\"threads_reason\":\"nobody \\\"looks\\\"\",\"threads\":[]"));
	}
	model_free(m);
}

static void screen_add(struct buf *out)
{
	for (int y = 0; y < LINES; y++) {
		char line[1024];
		int n = mvinnstr(y, 0, line, sizeof(line) - 1);

		while (n > 0 && line[n - 1] == ' ')
			n--;
		if (n > 0)
			buf_add(out, line, (size_t)n);
		buf_char(out, '\n');
	}
}

/* What the live screen draws, of each view, at this size. */
/* Two minutes of the container "web": its load rises, and it was not there for a while. */
static const struct snapshot *course_attach(struct history *h, struct snapshot *s)
{
	const struct snapshot *with = NULL;
	double now = s->time;

	for (int i = 0; i <= 125; i++) {
		double *v = ((struct container_row *)s->containers)[2].v; /* the model's, which nobody reads again */

		if (i > 40 && i < 60)
			continue;
		s->time = now - 125 + i;
		v[CONTAINER_CPU_CORES] = i < 120 ? i / 500.0 : 0.03;
		v[CONTAINER_THROTTLED_RATIO] = i % 10 == 0 ? 0.5 : 0.1;
		v[CONTAINER_MEMORY_USAGE] = (1 << 24) + (i % 40) * (1 << 18);
		v[CONTAINER_DISK_READ_RATE] = i > 100 ? VALUE_ABSENT : i * 1000.0;
		v[CONTAINER_DISK_WRITE_RATE] = i > 100 ? VALUE_ABSENT : 0;
		with = history_note(h, s);
	}
	return with;
}

/* The detail of a container with its course, from its first line to its last. */
static void detail_screens_compare(const char *kind, int lines, int columns)
{
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);
	struct frame frame = {};
	struct history h = {};
	_cleanup_buf_ struct buf out = {};
	struct table_choice c;
	struct findings f;
	struct finding all[3];
	char name[64];

	findings_attach(&s, &f, all);
	events_attach(&s);
	frame.snapshot = course_attach(&h, &s);
	assert_int_equal(resizeterm(lines, columns), OK);
	table_choice_init(&c, views[0]);
	top_state_init(&frame.state, &c, 1);
	frame_draw(&frame);
	top_state_choose(&frame.state, &(struct row_id){.cgroup = "/docker/0123456789abcdef"});
	frame.state.detail = true;
	for (size_t before = SIZE_MAX; frame.state.detail_first != before;) {
		before = frame.state.detail_first;
		frame_draw(&frame);
		screen_add(&out);
		top_state_key(&frame.state, KEY_TOP_PAGE_DOWN, frame.snapshot, &frame.rows,
			      frame_page_size(&frame.state));
		frame_draw(&frame);
	}
	snprintf(name, sizeof(name), "%s-%dx%d.txt", kind, columns, lines);
	compare(&out, name);
	frame_free(&frame);
	history_free(&h);
	model_free(m);
}

/* ---- of a committed recording ---- */

/* Real scenarios, of which tests/scenarios/recorded/ has the JSON: MAKE_RECORDING=1 makes them again. */
static const char *const recorded[] = {"leak_in_node", "starved_by_many"};
#define RECORDED_PATH "tests/recordings/%s"
#define RECORDED_JSON "tests/scenarios/recorded/%s.json.gz"

static void recorded_make(const char *scenario)
{
	char json[96], path[96];
	struct store_options o = {.path = path};
	_cleanup_buf_ struct buf error = {};
	struct recorder *to = NULL;
	struct recording from;

	snprintf(json, sizeof(json), RECORDED_JSON, scenario);
	snprintf(path, sizeof(path), RECORDED_PATH, scenario);
	recording_read(&from, json);
	o.host = from.last->hostname;
	o.kernel = from.last->kernel;
	o.interval = from.snapshots[1].s.time - from.snapshots[0].s.time;
	assert_int_equal(recorder_open(&to, &o, &error), 0);
	for (size_t i = 0; i < from.n_snapshots; i++)
		assert_int_equal(recorder_note(to, &from.snapshots[i].s), 0);
	recorder_close(to);
	recording_free(&from);
}

static void recorded_note(void *history, const struct snapshot *s)
{
	history_note(history, s);
}

/* From its first line to its last. */
static void detail_add(struct frame *frame, struct buf *out)
{
	top_state_select(&frame->state, frame->snapshot, &frame->rows, 0);
	frame->state.detail = true;
	frame->state.detail_first = 0;
	for (size_t before = SIZE_MAX; frame->state.detail_first != before;) {
		before = frame->state.detail_first;
		frame_draw(frame);
		screen_add(out);
		top_state_key(&frame->state, KEY_TOP_PAGE_DOWN, frame->snapshot, &frame->rows,
			      frame_page_size(&frame->state));
		frame_draw(frame);
	}
	frame->state.detail = false;
}

/* Each view as `top --replay` shows it, and the details of what is in it, as far as it has details. */
static void recorded_compare(const char *scenario, const char *kind, int lines, int columns)
{
	struct past *p = NULL;
	const struct snapshot_source *source;
	struct history h = {};
	struct frame frame = {};
	_cleanup_buf_ struct buf error = {}, out = {};
	struct table_choice c;
	char name[96], path[96];
	int failed;

	snprintf(path, sizeof(path), RECORDED_PATH, scenario);
	assert_int_equal(past_new(&p, path), 0);
	assert_int_equal(past_open(p, &error), 0);
	source = past_source(p);
	past_note(p, recorded_note, &h);
	source->judge(source->ctx, true);
	assert_int_equal(past_go_last(p), 0);
	frame.snapshot = history_note(&h, source->next(source->ctx, &failed));
	assert_non_null(frame.snapshot);
	past_place(p, &frame.place);
	assert_int_equal(resizeterm(lines, columns), OK);
	table_choice_init(&c, views[0]);
	top_state_init(&frame.state, &c, 1);
	frame.state.past = frame.state.paused = true;
	for (int view = 0; view < VIEWS; view++) {
		frame_draw(&frame);
		screen_add(&out);
		if (frame.rows.n && views[view]->detail)
			detail_add(&frame, &out);
		top_state_key(&frame.state, '\t', frame.snapshot, &frame.rows, frame_page_size(&frame.state));
	}
	snprintf(name, sizeof(name), "%s-%s%dx%d.txt", scenario, kind, columns, lines);
	compare(&out, name);
	frame_free(&frame);
	history_free(&h);
	past_free(p);
}

static void recorded_screens(const char *kind, const char *locale, const int (*sizes)[2], size_t n)
{
	FILE *in = fopen("/dev/null", "r"), *to = fopen("/dev/null", "w");
	SCREEN *screen;

	assert_non_null(in);
	assert_non_null(to);
	assert_non_null(setlocale(LC_CTYPE, locale));
	screen = newterm("xterm-256color", to, in);
	assert_non_null(screen);
	for (size_t k = 0; k < ARRAY_SIZE(recorded); k++)
		for (size_t i = 0; i < n; i++)
			recorded_compare(recorded[k], kind, sizes[i][0], sizes[i][1]);
	endwin();
	delscreen(screen);
	fclose(in);
	fclose(to);
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_recorded_screens(void **state)
{
	static const int sizes[][2] = {{24, 80}, {40, 120}, {50, 200}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(recorded) && getenv("MAKE_RECORDING"); i++)
		recorded_make(recorded[i]);
	recorded_screens("", "C.UTF-8", sizes, ARRAY_SIZE(sizes));
	recorded_screens("ascii-", "C", sizes, 1);
}

/* ---- of the scene ---- */

static void screens_compare(const struct snapshot *s, const struct past_place *place, const char *kind, int lines,
			    int columns)
{
	struct frame frame = {.snapshot = s};
	_cleanup_buf_ struct buf out = {};
	struct table_choice c;
	char name[64];

	assert_int_equal(resizeterm(lines, columns), OK);
	table_choice_init(&c, views[0]);
	top_state_init(&frame.state, &c, 1);
	if (place)
		frame.place = *place;
	frame.state.past = frame.state.paused = place != NULL;
	for (int view = 0; view < VIEWS; view++) {
		frame_draw(&frame);
		screen_add(&out);
		top_state_key(&frame.state, '\t', s, &frame.rows, frame_page_size(&frame.state));
	}
	top_state_key(&frame.state, '\n', s, &frame.rows, frame_page_size(&frame.state));
	frame_draw(&frame);
	screen_add(&out);
	snprintf(name, sizeof(name), "%s-%dx%d.txt", kind, columns, lines);
	compare(&out, name);
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		for (size_t i = 0; i < out.len; i++)
			assert_true(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] <= '~'));
	frame_free(&frame);
}

/* At each of n sizes, in this locale. */
static void sizes_compare(const struct past_place *place, const char *kind, const char *locale, const int (*sizes)[2],
			  size_t n)
{
	FILE *in = fopen("/dev/null", "r"), *to = fopen("/dev/null", "w");
	struct model *m = golden_model();
	struct snapshot s = *model_snapshot(m);
	struct findings f;
	struct finding all[3];
	SCREEN *screen;

	assert_non_null(in);
	assert_non_null(to);
	assert_non_null(setlocale(LC_CTYPE, locale));
	screen = newterm("xterm-256color", to, in);
	assert_non_null(screen);
	findings_attach(&s, &f, all);
	events_attach(&s);
	for (size_t i = 0; i < n; i++)
		screens_compare(&s, place, kind, sizes[i][0], sizes[i][1]);
	for (size_t i = 0; i < n && !place; i++)
		if (sizes[i][0] >= 24)
			detail_screens_compare(strcmp(locale, "C") == 0 ? "detail-ascii" : "detail", sizes[i][0],
					       sizes[i][1]);
	endwin();
	delscreen(screen);
	fclose(in);
	fclose(to);
	model_free(m);
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_screens(void **state)
{
	static const int sizes[][2] = {{24, 80}, {40, 120}, {50, 200}, {8, 40}, {1, 1}};

	(void)state;
	sizes_compare(NULL, "screen", "C.UTF-8", sizes, ARRAY_SIZE(sizes));
}

/* LANG=C: ASCII only. */
static void test_ascii_screens(void **state)
{
	static const int sizes[][2] = {{24, 80}, {40, 120}};

	(void)state;
	sizes_compare(NULL, "screen-ascii", "C", sizes, ARRAY_SIZE(sizes));
}

/* Of a recording: in the midst of it, and where nothing was recorded. */
static void test_past_screens(void **state)
{
	static const int sizes[][2] = {{24, 80}, {40, 120}, {50, 200}, {8, 40}}, small[][2] = {{24, 80}};
	const uint64_t second = 1000000000, now = 1700000000 * second;
	struct past_place place = {.time_ns = now,
				   .first_ns = now - 5000 * second,
				   .last_ns = now + 15000 * second,
				   .before_ns = now - 5 * second,
				   .interval_ns = 5 * second};

	(void)state;
	sizes_compare(&place, "past", "C.UTF-8", sizes, ARRAY_SIZE(sizes));
	place.before_ns = now - 900 * second;
	place.asked_ns = now - 200 * second;
	sizes_compare(&place, "past-gap", "C.UTF-8", small, ARRAY_SIZE(small));
}

/* Without sysscope_build_info, whose revision changes with each commit. */
static void test_prometheus(void **state)
{
	struct model *m = golden_model();
	struct prometheus *p = prometheus_new(true);
	_cleanup_buf_ struct buf out = {}, stable = {};

	(void)state;
	assert_int_equal(prometheus_write(p, &out, model_snapshot(m), NULL), 0);
	for (char *line = out.data, *end; *line; line = end) {
		end = strchr(line, '\n') + 1;
		if (strncmp(line, "sysscope_build_info", strlen("sysscope_build_info")) != 0)
			buf_add(&stable, line, (size_t)(end - line));
	}
	compare(&stable, "metrics.prom");
	prometheus_free(p);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_no_findings),
		cmocka_unit_test(test_csv),	     cmocka_unit_test(test_detail),
		cmocka_unit_test(test_json),	     cmocka_unit_test(test_prometheus),
		cmocka_unit_test(test_screens),	     cmocka_unit_test(test_ascii_screens),
		cmocka_unit_test(test_past_screens), cmocka_unit_test(test_recorded_screens),
		cmocka_unit_test(test_json_looks),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
