/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests.h - the names of guests, from the command lines of the processes that run them. Used by the sampler.
 *
 * A process can make the reading of its command line take for ever, by mapping a file that never answers where its arguments
 * are. So a child process reads, and is killed when it takes too long. Names are raw.
 */
#ifndef SYSSCOPE_MACHINE_GUESTS_H
#define SYSSCOPE_MACHINE_GUESTS_H

#include "sysscope/sample.h"

struct guests;

/* `proc`: "/proc", in tests a folder. NULL: no memory. */
struct guests *guests_new(const char *proc);
void guests_free(struct guests *g);

/*
 * Sets the sample's guests to those of its threads, as far as they are known; asks for new ones, and waits up to 50 ms for the
 * answers. They are valid until the next call.
 */
void guests_take(struct guests *g, struct sample *s, uint64_t now_ns);

#endif
