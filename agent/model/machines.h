/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machines.h - virtual machines: which processes run one, and what of their CPU time is that of virtual CPUs. Their homes are
 * those of their cgroups. Called by model_update.c after the threads have settled.
 */
#ifndef SYSSCOPE_MODEL_MACHINES_H
#define SYSSCOPE_MODEL_MACHINES_H

#include "model/processes.h"

/* A thread that is a virtual CPU, or that works for one in the kernel. */
struct vm_thread {
	uint32_t tid;
	bool kernel; /* vhost-PID of kernels before 6.4 */
	uint64_t start_ns, exec_ns;
};
typedef LIST(struct vm_thread) vm_threads;

/* What a process that runs a virtual machine has; kept with the process. */
struct vm {
	vm_threads now, before; /* of this update and the one before, in the order of tids */
	size_t at;		/* in `before`: those up to it were met again or have ended */
	uint32_t vcpus;
	bool known;			    /* a virtual CPU was seen */
	uint64_t ended_ns, kernel_ended_ns; /* what ended threads of both kinds had used when they were seen last */
	uint64_t vcpu_ns, io_ns;	    /* never fall */
	uint64_t charged_vcpu_ns, charged_io_ns; /* what homes have had of these */
	char guest[128];			 /* what it calls its guest; "": not known */
};
void vm_free(struct vm *vm);

/* After processes_settle. 0 or -ENOMEM. */
int machines_take(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s);

/* After the rows of homes and processes. */
void machine_rows_fill(const struct processes *processes, const struct homes *homes, struct container_row *containers);

#endif
