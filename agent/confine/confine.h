/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine.h - gives up what is not needed any more: rights (capabilities), by thread, and system calls, for the whole process.
 * Called by threads when they begin and by verbs when all is loaded; what is given up never comes back. Never logs.
 */
#ifndef SYSSCOPE_CONFINE_H
#define SYSSCOPE_CONFINE_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;

#define RIGHT(name) (UINT64_C(1) << CAP_##name)
/* Samples: programs and iterators of BPF, files of others, /proc of others. */
#define RIGHTS_SAMPLE (RIGHT(BPF) | RIGHT(PERFMON) | RIGHT(DAC_READ_SEARCH) | RIGHT(SYS_PTRACE))
/* Files of runtimes, also through /proc/PID/root. */
#define RIGHTS_NAMES (RIGHT(DAC_READ_SEARCH) | RIGHT(SYS_PTRACE))

/*
 * Leaves the calling thread, and what it starts from here on, of its rights those in `keep`: effective and permitted, and in the
 * bounding set if it may change that. None is inherited by a program, and no program that is executed gets more. Where it does not
 * have a right of `keep`, it keeps the older, larger one that includes it. 0 or negative errno: it has more than that.
 */
int confine_rights(uint64_t keep);

/* Those that the calling thread has, as "bpf perfmon"; "none". */
void confine_rights_text(struct buf *out);

/* Whether files can be made in this folder without being allowed to write everybody's. */
bool confine_folder_is_ours(const char *path);

/*
 * From here on all threads make only the system calls that sampling, serving and recording need. Others fail with EPERM and
 * are written to the kernel's log; those by which an intruder would go on (execve, ptrace, mount, modules, ...) end the
 * process. 0, or negative errno with one line in `why`: nothing has changed.
 */
int confine_calls(struct buf *why);

#endif
