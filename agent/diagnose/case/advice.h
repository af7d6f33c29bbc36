/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.h - what to do, as the command of the runtime at hand with the value in it. Names from outside stand in quotes wherever a
 * shell would read them as anything but a word. Used by the rules.
 */
#ifndef SYSSCOPE_DIAGNOSE_ADVICE_H
#define SYSSCOPE_DIAGNOSE_ADVICE_H

#include "diagnose/case/finding.h"

/* One word of a shell command. */
void advice_word(struct buf *out, const char *name);
/*
 * The same as a text: every name in an advice is one of these, in its commands and in its words. A command for a container that
 * has ended is none: rules leave it out, and the functions below say so instead.
 */
const char *advice_name(struct judging *j, const char *name);

/*
 * The command that looks at what is judged, with these options: "sysscope top --view neighbours"; of a recording that which shows
 * it, at that moment.
 */
const char *advice_top(struct judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of events, those of the time that is judged; of `diagnose`, of a longer time. */
const char *advice_events(struct judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *advice_longer(struct judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * How to give a container this many CPUs: "docker update --cpus 1.0 web". `of` is the path of the cgroup whose quota it is; NULL:
 * its own.
 */
const char *advice_cpu_limit(struct judging *j, uint32_t container, const char *of, double cores);

/*
 * How to let another container go first, or all (NO_CONTAINER): a lower weight for this one. Weights count among cgroups of one
 * parent, so it may be that of a cgroup above, which the text says then. NULL: none helps.
 */
const char *advice_cpu_weight(struct judging *j, uint32_t container, uint32_t other);

/* How to let a container use all CPUs of the machine, some of which its cpuset keeps from it. */
const char *advice_cpu_set(struct judging *j, uint32_t container);

/* How to give a container this much memory, as advice_cpu_limit. */
const char *advice_memory_limit(struct judging *j, uint32_t container, const char *of, double bytes);

/* How to let it, or all in the cgroup `of` above, have this many processes and threads, by the runtime that set the limit. */
const char *advice_threads_limit(struct judging *j, uint32_t container, const char *of, double threads);

/* How to freeze it. NULL: it has ended, or no command does that. */
const char *advice_pause(struct judging *j, uint32_t container);

/* "512M", "1.5G": valid as long as the run's findings. */
const char *advice_bytes(struct judging *j, double bytes);

#endif
