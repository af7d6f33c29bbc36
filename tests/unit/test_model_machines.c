/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_machines.c - virtual machines: which threads are virtual CPUs, what of a machine's time is theirs and what is I/O,
 * and that neither falls when threads end, the machine moves or ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"

#define VM    "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope"
#define OTHER "/user.slice/user-1000.slice/session-3.scope"
#define MS    1000000ULL

struct world {
	struct scene scene;
	struct model *model;
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	scene_init(&w->scene);
	scene_cgroup(&w->scene, 10, 1, VM, HOME_VM, "web");
	scene_cgroup(&w->scene, 11, 1, OTHER, HOME_SESSION, "session-3");
	w->model = model_new();
	return w;
}

static void world_free(struct world *w)
{
	model_free(w->model);
	free(w);
}

static void next_sample(struct world *w)
{
	scene_tick(&w->scene, 1);
	w->scene.sample.n_threads = 0;
}

static struct ss_thread_record *thread(struct world *w, uint32_t tid, uint32_t tgid, uint64_t cgroup, const char *comm,
				       uint64_t exec_ns)
{
	struct ss_thread_record *r = scene_process(&w->scene, tid, cgroup, comm, exec_ns);

	r->flags = 0;
	r->tgid = tgid;
	r->process_start_ns = 5000000000ULL + tgid;
	return r;
}

static const struct snapshot *update(struct world *w)
{
	assert_int_equal(model_update(w->model, &w->scene.sample), 0);
	return model_snapshot(w->model);
}

static const struct process_row *process_row_of(const struct snapshot *s, uint32_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].pid == pid)
			return &s->processes[i];
	fail_msg("no process %u", pid);
	return NULL;
}

static void home_has(const struct snapshot *s, const char *cgroup, double vcpus, double vcpu_ms, double io_ms)
{
	const struct container_row *row = scene_row(s, cgroup);

	assert_non_null(row);
	assert_float_equal(row->v[CONTAINER_VCPUS], vcpus, 0);
	assert_float_equal(row->v[CONTAINER_VCPU_CPU], vcpu_ms * 1e6, 0);
	assert_float_equal(row->v[CONTAINER_VM_IO_CPU], io_ms * 1e6, 0);
}

static void home_has_none(const struct snapshot *s, const char *cgroup)
{
	const struct container_row *row = scene_row(s, cgroup);

	assert_non_null(row);
	for (int i = CONTAINER_VCPUS; i <= CONTAINER_VM_IO_CPU; i++)
		assert_true(value_absent(row->v[i]));
}

/* QEMU with names, its kernel threads of both ages, and somebody else in another home whose threads are called the same. */
static void kinds(void **state)
{
	struct world *w = world_new();
	const struct process_row *p;
	const struct snapshot *s;

	(void)state;
	scene_process(&w->scene, 100, 10, "qemu-system-x86", 13 * MS);
	thread(w, 101, 100, 10, "IO iothread1", 17 * MS);
	thread(w, 102, 100, 10, "CPU 0/KVM", 101 * MS);
	thread(w, 103, 100, 10, "CPU 11/KVM", 211 * MS);
	thread(w, 104, 100, 10, "worker", 5 * MS);
	thread(w, 105, 100, 10, "vhost-100", 3 * MS);
	scene_process(&w->scene, 200, SS_CGROUP_KERNEL, "vhost-100", 7 * MS)->flags |= SS_THREAD_KERNEL;
	scene_process(&w->scene, 201, SS_CGROUP_KERNEL, "vhost-9", 7 * MS)->flags |= SS_THREAD_KERNEL;
	scene_process(&w->scene, 300, 11, "vhost-100", 500 * MS); /* not the kernel's */
	thread(w, 301, 300, 11, "CPU 0/KVM", 19 * MS);		  /* of no program that runs machines */
	s = update(w);
	home_has(s, VM, 2, 312, 13 + 17 + 5 + 3 + 7);
	home_has_none(s, OTHER);
	p = process_row_of(s, 100);
	assert_true(p->runs_machine);
	assert_float_equal(p->v[PROCESS_VCPUS], 2, 0);
	assert_float_equal(p->v[PROCESS_VCPU_CPU], 312e6, 0);
	assert_float_equal(p->v[PROCESS_VCPU_CPU] + p->v[PROCESS_VM_IO_CPU] - 7e6, p->v[PROCESS_CPU_USAGE], 0);
	p = process_row_of(s, 300);
	assert_false(p->runs_machine);
	assert_true(value_absent(p->v[PROCESS_VCPUS]));
	world_free(w);
}

/* Ways to call a virtual CPU, and names that only look like one. */
static void names(void **state)
{
	static const struct {
		const char *process, *thread;
		double vcpus;
	} cases[] = {
		{"qemu-system-aar", "CPU 0/TCG", 1},
		{"qemu-kvm", "CPU 7/KVM", 1},
		{"kvm", "CPU 127/KVM", 1},
		{"qemu-system-x86", "ALL CPUs/TCG", 1},
		{"firecracker", "fc_vcpu 0", 1},
		{"firecracker", "fc_vcpu 31", 1},
		{"cloud-hyperviso", "vcpu0", 1},
		{"crosvm", "crosvm_vcpu3", 1},
		{"firecracker", "fc_vcpu ", -1},
		{"firecracker", "fc_vcpu 1x", -1},
		{"qemu-system-x86", "CPU /KVM", -1},
		{"qemu-system-x86", "CPU 0", -1},
		{"qemu-system-x86", "xCPU 0/KVM", -1},
		{"cloud-hyperviso", "vcpu", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_new();
		const struct process_row *p;

		scene_process(&w->scene, 100, 10, cases[i].process, 13 * MS);
		thread(w, 101, 100, 10, cases[i].thread, 17 * MS);
		p = process_row_of(update(w), 100);
		assert_true(p->runs_machine);
		if (cases[i].vcpus < 0 ? !value_absent(p->v[PROCESS_VCPUS]) : p->v[PROCESS_VCPUS] != cases[i].vcpus)
			fail_msg("%s, %s: %g", cases[i].process, cases[i].thread, p->v[PROCESS_VCPUS]);
		world_free(w);
	}
}

/* Without names the kernel's word counts, whatever the program is called. Before it, nothing is known. */
static void guest_time(void **state)
{
	struct world *w = world_new();
	const struct snapshot *s;

	(void)state;
	scene_process(&w->scene, 100, 10, "qemu-system-x86", 13 * MS);
	thread(w, 101, 100, 10, "qemu-system-x86", 101 * MS);
	scene_process(&w->scene, 300, 11, "VBoxHeadless", 5 * MS);
	thread(w, 301, 300, 11, "EMT-0", 19 * MS)->flags |= SS_THREAD_GUEST;
	s = update(w);
	assert_true(process_row_of(s, 100)->runs_machine);
	home_has_none(s, VM);
	home_has(s, OTHER, 1, 19, 5);
	w->scene.threads[1].flags |= SS_THREAD_GUEST;
	scene_tick(&w->scene, 1);
	s = update(w);
	home_has(s, VM, 1, 101, 13);

	/* A second machine in the home that does not tell: the sums of both are not known. */
	next_sample(w);
	scene_process(&w->scene, 100, 10, "qemu-system-x86", 13 * MS);
	thread(w, 101, 100, 10, "qemu-system-x86", 101 * MS)->flags |= SS_THREAD_GUEST;
	scene_process(&w->scene, 110, 10, "qemu-system-x86", 13 * MS);
	s = update(w);
	home_has_none(s, VM);
	assert_float_equal(process_row_of(s, 100)->v[PROCESS_VCPU_CPU], 101e6, 0);
	world_free(w);
}

/* A virtual CPU is unplugged, a worker ends, a tid is used again: nothing falls, nothing changes its kind. */
static void ends_of_threads(void **state)
{
	struct world *w = world_new();
	struct ss_thread_record *main_thread;

	(void)state;
	scene_process(&w->scene, 100, 10, "qemu-system-x86", 13 * MS)->threads = 4;
	thread(w, 102, 100, 10, "CPU 0/KVM", 101 * MS);
	thread(w, 103, 100, 10, "CPU 1/KVM", 211 * MS);
	thread(w, 104, 100, 10, "worker", 5 * MS);
	home_has(update(w), VM, 2, 312, 18);

	next_sample(w);
	main_thread = scene_process(&w->scene, 100, 10, "qemu-system-x86", 17 * MS);
	main_thread->dead_threads.exec_ns = 216 * MS; /* 103 and 104 */
	thread(w, 102, 100, 10, "CPU 0/KVM", 103 * MS);
	home_has(update(w), VM, 1, 314, 22);

	next_sample(w);
	main_thread = scene_process(&w->scene, 100, 10, "qemu-system-x86", 17 * MS);
	main_thread->dead_threads.exec_ns = (216 + 103) * MS;
	thread(w, 102, 100, 10, "CPU 0/KVM", 2 * MS)->start_ns += 1000;
	home_has(update(w), VM, 1, 316, 22);
	world_free(w);
}

/* What it used elsewhere stays there, also when it has ended. */
static void moves_and_ends(void **state)
{
	struct world *w = world_new();
	const struct snapshot *s;

	(void)state;
	scene_process(&w->scene, 100, 11, "firecracker", 13 * MS);
	thread(w, 101, 100, 11, "fc_vcpu 0", 101 * MS);
	home_has(update(w), OTHER, 1, 101, 13);

	next_sample(w);
	scene_process(&w->scene, 100, 10, "firecracker", 14 * MS);
	thread(w, 101, 100, 10, "fc_vcpu 0", 108 * MS);
	s = update(w);
	home_has(s, OTHER, 0, 101, 13);
	home_has(s, VM, 1, 7, 1);

	next_sample(w);
	s = update(w);
	home_has(s, VM, 0, 7, 1);

	/* The next machine in the home. */
	next_sample(w);
	scene_process(&w->scene, 120, 10, "firecracker", 2 * MS);
	thread(w, 121, 120, 10, "fc_vcpu 0", 5 * MS);
	home_has(update(w), VM, 1, 12, 3);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),	   cmocka_unit_test(names),	     cmocka_unit_test(guest_time),
		cmocka_unit_test(ends_of_threads), cmocka_unit_test(moves_and_ends),
	};

	return cmocka_run_group_tests_name("model machines", tests, NULL, NULL);
}
