/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtualization.h - what the machine is: real, a virtual machine of which hypervisor, or a container. Used by the sampler,
 * once. Names are those of systemd-detect-virt(1).
 */
#ifndef SYSSCOPE_MACHINE_VIRTUALIZATION_H
#define SYSSCOPE_MACHINE_VIRTUALIZATION_H

#include "sysscope/sample.h"

/* What the CPU itself says. */
struct cpu_hypervisor {
	bool known;   /* this kind of CPU says whether there is one: x86 */
	bool present; /* there is one */
	char signature[13];
};

void cpu_hypervisor_read(struct cpu_hypervisor *ret);

/* All files are read below `root`: "" on a live system. */
void virtualization_find(const char *root, const struct cpu_hypervisor *cpu, struct sample_virtualization *ret);

#endif
