/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moment.h - the moment that one update of the model describes: when its sample was taken, how long after the one before,
 * and what the collectors gave. Filled by model_update.c; every subject of the model reads it.
 */
#ifndef SYSSCOPE_HOMES_MOMENT_H
#define SYSSCOPE_HOMES_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

struct moment {
	uint64_t number;	   /* of the update, 1 for the first */
	uint64_t boot_ns, wall_ns; /* of the sample */
	uint64_t before_ns;	   /* boot_ns of the sample before; 0: there was none */
	uint64_t boot_wall_ns;	   /* wall clock at boot */
	double interval;	   /* seconds since the sample before; 0 in the first update */
	/* Whether the collector's last run succeeded: */
	bool waits_known;     /* sched */
	bool lifecycle_known; /* lifecycle */
	bool ends_known;      /* lifecycle: how containers' first processes end is noted */
	bool loops_known;     /* epoll */
	bool loops_guessed;   /* epoll: only by what threads sleep in */
	bool controls_known;  /* epoll: each call of epoll_ctl and its like is seen */
	bool starts_known;    /* births */
	bool io_known;	      /* the kernel counts what tasks read and write */
	bool disks_known;     /* disk: completed requests are counted */
	bool reclaim_known;   /* reclaim */
	bool oom_kills_known; /* oom: OOM kills are counted by the kernel half */
	bool network_known;   /* network */
};

#endif
