/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.h - programs that run virtual machines: what they are called, what they call the threads that are virtual CPUs, and
 * where their command line has the guest's name. Pure. Used by guests.c and by the model.
 */
#ifndef SYSSCOPE_MACHINE_PROGRAMS_H
#define SYSSCOPE_MACHINE_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#define GUEST_NAME_MAX 128

/* Names are at most 15 characters and a NUL. */
bool program_runs_machines(const char *comm);
bool thread_is_vcpu(const char *comm);

/* `prefix`, a number, and then `end` or, if that is "", nothing. */
bool comm_is_numbered(const char *comm, const char *prefix, const char *end);

/*
 * The guest's name in a command line, `len` bytes with a NUL behind each argument; the last one may be cut. Raw, cut after
 * GUEST_NAME_MAX - 1 bytes; "": none.
 */
void guest_name_find(const char *arguments, size_t len, char ret[GUEST_NAME_MAX]);

#endif
