/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interfaces.h - the interfaces of every network namespace that a process is in, other than the host's, with their counters.
 * Called by the sampler once per sample.
 */
#ifndef SYSSCOPE_NETWORK_INTERFACES_H
#define SYSSCOPE_NETWORK_INTERFACES_H

#include "sysscope/sample.h"

/* Interfaces of one namespace that are told apart; the rest is one row. */
#define INTERFACES_EACH 64

struct interfaces;

struct interfaces *interfaces_new(void); /* NULL: out of memory */
void interfaces_free(struct interfaces *t);

/*
 * Reads /proc/PID/net/dev of one process per namespace. The rows of a namespace are adjacent, and valid until the next call. A
 * namespace whose file could not be read has those of the reading before. 0 or -ENOMEM.
 */
int interfaces_read(struct interfaces *t, const struct sample_thread *threads, size_t n,
		    const struct sample_interface **ret, size_t *ret_n);

#endif
