/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.h - what `sysscope doctor` says, for others who pass it on. */
#ifndef SYSSCOPE_CLI_DOCTOR_H
#define SYSSCOPE_CLI_DOCTOR_H

#include "cli/run.h"

/* Appends its text. 0 or -ENOMEM. */
int doctor_report(struct buf *out, const struct run *run);

#endif
