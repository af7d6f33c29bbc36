/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreign.h - what rules about the walls of containers share. Used by foreign.c and privilege.c. */
#ifndef SYSSCOPE_DIAGNOSE_FOREIGN_H
#define SYSSCOPE_DIAGNOSE_FOREIGN_H

#include "sysscope/view.h"

/* In the order of namespace_names. */
enum { SPACE_PID, SPACE_MNT, SPACE_NET, SPACE_UTS, SPACE_IPC, SPACE_USER, SPACE_CGROUP, SPACE_TIME };

/* Init, or a kernel thread where init is not seen: it is in the namespaces of the machine. NULL: neither is. */
const struct process_row *machine_process(const struct snapshot *s);

#endif
