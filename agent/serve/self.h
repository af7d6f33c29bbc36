/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * self.h - what the agent itself uses, for the process_* families. Called by http.c for each scrape.
 */
#ifndef SYSSCOPE_SERVE_SELF_H
#define SYSSCOPE_SERVE_SELF_H

struct prometheus_self;

/*
 * When this process started, seconds since 1970, VALUE_ABSENT when not known. To be asked once: asked again, it would
 * wander with the wall clock's corrections.
 */
double self_start_time(void);

/* Fills everything but start_time and map_bytes; what cannot be found out is VALUE_ABSENT. */
void self_read(struct prometheus_self *ret);

#endif
