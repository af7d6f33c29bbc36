/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * needed_types.h - the few of the kernel's types that the programs name. libbpf looks through all of the kernel's, some 100,000,
 * once for each type that a program names; of these few it finds the same in next to no time. Called by loader.c.
 */
#ifndef SYSSCOPE_KERNEL_NEEDED_TYPES_H
#define SYSSCOPE_KERNEL_NEEDED_TYPES_H

#include <stddef.h>

struct btf;

/* Room for the path of such a file. */
#define NEEDED_TYPES_PATH 32

/*
 * A file in memory with the types of `kernel` that `object`, an ELF file of BPF programs, has by name, and with what lies in
 * them. It is at `path` while the descriptor that this returns is open. Negative errno: there is none, and libbpf does without.
 */
int needed_types_make(const struct btf *kernel, const void *object, size_t size, char path[NEEDED_TYPES_PATH]);

#endif
