/* SPDX-License-Identifier: GPL-2.0-or-later */
/* self.h - the resources that the agent itself uses, for the process_* families. Called by http.c and pages.c. */
#ifndef SYSSCOPE_SERVE_SELF_H
#define SYSSCOPE_SERVE_SELF_H

struct prometheus_self;

/*
 * When this process started, in seconds since 1970; VALUE_ABSENT if unknown. Call it once: later results would differ as the
 * wall clock is adjusted.
 */
double self_start_time(void);

/* Fills everything but start_time, map_bytes and storage_bytes; what cannot be read is VALUE_ABSENT. */
void self_read(struct prometheus_self *ret);

#endif
