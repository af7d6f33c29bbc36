/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machines.c - see machines.h. A thread is a virtual CPU if the kernel has counted guest time for it, or if a program that is
 * known to run virtual machines has named it so. All else that such a process uses is I/O: its main loop, its workers, and
 * vhost in the kernel.
 *
 * A home gets what is new since the sample before, so its sums stay when the machine ends or moves away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "machine/programs.h"
#include "model/machines.h"

/* ---- threads ---- */

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	list_free(&vm->now);
	list_free(&vm->before);
	free(vm);
}

static void thread_ended(struct vm *vm, const struct vm_thread *t)
{
	*(t->kernel ? &vm->kernel_ended_ns : &vm->ended_ns) += t->exec_ns;
}

/* Both lists are in the order of tids: whoever stands before this one has not been met again. */
static int thread_add(struct vm *vm, const struct ss_thread_record *r, bool kernel)
{
	struct vm_thread t = {.tid = r->tid, .kernel = kernel, .start_ns = r->start_ns, .exec_ns = r->used.exec_ns};

	if (list_reserve(&vm->now, vm->now.n + 1) < 0)
		return -ENOMEM;
	while (vm->at < vm->before.n && vm->before.at[vm->at].tid < t.tid)
		thread_ended(vm, &vm->before.at[vm->at++]);
	if (vm->at < vm->before.n && vm->before.at[vm->at].tid == t.tid) {
		const struct vm_thread *old = &vm->before.at[vm->at++];

		if (old->start_ns != t.start_ns)
			thread_ended(vm, old);
	}
	vm->now.at[vm->now.n++] = t;
	return 0;
}

static struct process *process_of_pid(const struct processes *processes, uint64_t tgid)
{
	size_t low = 0, high = processes->by_pid.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (processes->by_pid.at[middle]->key.tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < processes->by_pid.n && processes->by_pid.at[low]->key.tgid == tgid)
		return processes->by_pid.at[low];
	return NULL;
}

/* Before 6.4 a kernel thread that carries packets or blocks for a guest is named for the process that it works for. */
static struct process *vhost_owner(const struct processes *processes, const char *comm)
{
	uint64_t tgid;

	if (!comm_is_numbered(comm, "vhost-", "") || parse_u64(comm + strlen("vhost-"), 1, UINT32_MAX, &tgid) < 0)
		return NULL;
	return process_of_pid(processes, tgid);
}

static struct vm *vm_make(struct processes *processes, struct process *p)
{
	p->vm = calloc(1, sizeof(*p->vm));
	processes->machines += p->vm != NULL;
	return p->vm;
}

static int thread_take(struct processes *processes, struct process *p, const struct ss_thread_record *r)
{
	bool kernel = r->flags & SS_THREAD_KERNEL;
	char comm[SS_COMM_LEN + 1] = "";

	/* Nearly all threads end here. Without its leader a process is not counted this time. */
	if ((!kernel && !p->vm && !(r->flags & SS_THREAD_GUEST)) || !(p->leader->flags & SS_THREAD_LEADER))
		return 0;
	memcpy(comm, r->comm, SS_COMM_LEN);
	if (kernel) {
		p = comm[0] == 'v' ? vhost_owner(processes, comm) : NULL;
		return p && p->vm ? thread_add(p->vm, r, true) : 0;
	}
	if (!(r->flags & SS_THREAD_GUEST) && !thread_is_vcpu(comm))
		return 0;
	if (!p->vm && !vm_make(processes, p))
		return -ENOMEM;
	return thread_add(p->vm, r, false);
}

/* ---- one update ---- */

/* Which processes run machines by their names: only one that has changed may have come to be one of them. */
static int vms_find(struct processes *processes, const struct moment *now)
{
	for (size_t i = 0; i < processes->by_pid.n; i++) {
		struct process *p = processes->by_pid.at[i];

		if (p->changed != now->number || p->vm || p->leader->flags & SS_THREAD_KERNEL ||
		    !program_runs_machines(p->comm))
			continue;
		if (!vm_make(processes, p))
			return -ENOMEM;
	}
	return 0;
}

static void vms_begin(struct processes *processes)
{
	for (size_t i = 0; i < processes->by_pid.n; i++) {
		struct vm *vm = processes->by_pid.at[i]->vm;

		if (!vm)
			continue;
		/* What was `now` is `before`; its memory is used again. */
		vm_threads old = vm->before;

		vm->before = vm->now;
		vm->now = old;
		vm->now.n = vm->at = 0;
	}
}

/* Where none is known, only a thread of a process that has changed can be the first sign of one. */
static bool guests_run(const struct processes *processes, const struct sample *s)
{
	if (processes->machines)
		return true;
	for (size_t i = 0; i < processes->moved.n; i++)
		if (s->threads[processes->moved.at[i]].told->record->flags & SS_THREAD_GUEST)
			return true;
	return false;
}

static void vm_sum(struct process *p)
{
	struct vm *vm = p->vm;
	uint64_t vcpu_ns, io_ns, kernel_ns;

	while (vm->at < vm->before.n)
		thread_ended(vm, &vm->before.at[vm->at++]);
	vcpu_ns = vm->ended_ns;
	kernel_ns = vm->kernel_ended_ns;
	vm->vcpus = 0;
	for (size_t i = 0; i < vm->now.n; i++) {
		*(vm->now.at[i].kernel ? &kernel_ns : &vcpu_ns) += vm->now.at[i].exec_ns;
		vm->vcpus += !vm->now.at[i].kernel;
	}
	vm->known |= vm->vcpus != 0;
	if (!vm->known)
		return;
	io_ns = sub_sat(p->used.exec_ns, vcpu_ns) + kernel_ns;
	if (vcpu_ns > vm->vcpu_ns)
		vm->vcpu_ns = vcpu_ns;
	if (io_ns > vm->io_ns)
		vm->io_ns = io_ns;
}

static void vm_charge(struct process *p)
{
	struct home_vms *of = &p->home->vms;
	struct vm *vm = p->vm;

	of->machines++;
	of->unknown += !vm->known;
	of->vcpus += vm->vcpus;
	if (!vm->known)
		return;
	of->seen = true;
	of->vcpu_ns += vm->vcpu_ns - vm->charged_vcpu_ns;
	of->io_ns += vm->io_ns - vm->charged_io_ns;
	vm->charged_vcpu_ns = vm->vcpu_ns;
	vm->charged_io_ns = vm->io_ns;
}

static void guest_named(struct process *p, const struct sample_guest *guest)
{
	if (p && p->vm && p->key.start_ns == guest->start_ns)
		memcpy(p->vm->guest, guest->name, sizeof(p->vm->guest));
}

int machines_take(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s)
{
	int r = vms_find(processes, now);

	if (r < 0)
		return r;
	for (struct home *h = homes->all; h; h = h->hh.next)
		h->vms.machines = h->vms.unknown = h->vms.vcpus = 0;
	if (!guests_run(processes, s))
		return 0;
	vms_begin(processes);
	for (size_t i = 0; i < s->n_threads && r >= 0; i++)
		r = thread_take(processes, processes->threads.at[i].process, s->threads[i].told->record);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_guests; i++)
		guest_named(process_of_pid(processes, s->guests[i].tgid), &s->guests[i]);
	for (size_t i = 0; i < processes->by_pid.n; i++) {
		struct process *p = processes->by_pid.at[i];

		if (!p->vm)
			continue;
		vm_sum(p);
		vm_charge(p);
	}
	return 0;
}

/* ---- rows ---- */

void machine_rows_fill(const struct processes *processes, const struct homes *homes, struct container_row *containers)
{
	for (const struct home *h = homes->all; h; h = h->hh.next) {
		double *v;

		/* With a machine whose virtual CPUs are not known, their sums are not known either. */
		if (h->row == HOME_NO_ROW || !h->vms.seen || h->vms.unknown)
			continue;
		v = containers[h->row].v;
		v[CONTAINER_VCPUS] = (double)h->vms.vcpus;
		v[CONTAINER_VCPU_CPU] = (double)h->vms.vcpu_ns;
		v[CONTAINER_VM_IO_CPU] = (double)h->vms.io_ns;
	}
	for (size_t i = 0; i < processes->by_pid.n && processes->machines; i++) {
		const struct process *p = processes->by_pid.at[i];
		struct process_row *row = &processes->rows.at[p->row];

		if (!p->vm)
			continue;
		row->runs_machine = true;
		row->guest = p->vm->guest;
		if (!p->vm->known)
			continue;
		row->v[PROCESS_VCPUS] = (double)p->vm->vcpus;
		row->v[PROCESS_VCPU_CPU] = (double)p->vm->vcpu_ns;
		row->v[PROCESS_VM_IO_CPU] = (double)p->vm->io_ns;
	}
}
