/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.h - lines that the details of several views share.
 */
#ifndef SYSSCOPE_DETAIL_DETAIL_H
#define SYSSCOPE_DETAIL_DETAIL_H

#include <stdint.h>

#include "base/util.h"
#include "exporters/table/view_desc.h"
#include "sysscope/view.h"

void detail_kinds(struct buf *out, uint32_t kinds); /* " pid mnt": names of a process's own kinds of namespaces */
void detail_container_namespaces(struct buf *out, const struct snapshot *s, const struct container_row *home);
void detail_capability_set(struct buf *out, const struct snapshot *s, const char *title, uint64_t set);
void detail_tcp(struct buf *out, const struct container_row *c); /* ports.c */
void detail_clock(struct buf *out, double time);		 /* "22:30:01" of local time */

/* process_detail.c. detail_blocked: blocked time by class, the most first; false: there is none. */
bool detail_blocked(struct buf *out, enum metric_scope scope, const double *v, const char *of);
void detail_process(struct buf *out, const struct snapshot *s, uint32_t row, int width);

/* What its sockets send and receive, and what passes the interfaces of its own network; network.c. */
void detail_network(struct buf *out, const struct container_row *c);

/* Its processes as a tree, the first twenty, each with its concurrency model. `processes`: the view of them. */
void detail_container_processes(struct buf *out, const struct snapshot *s, const struct container_row *c,
				const struct view_desc *processes);

/* What is wrong with it, and what it does to others, if the snapshot was judged. */
void detail_container_findings(struct buf *out, const struct snapshot *s, const struct container_row *c);

/* How much of each limit it uses; nothing without limits. */
void detail_container_use(struct buf *out, const struct container_row *c, int width);

/* The course of its values over the last two minutes, if somebody keeps that. */
void detail_container_course(struct buf *out, const struct snapshot *s, uint32_t row, int width);

/* What its threads waited for as a bar, and how long they waited for CPUs and its loops took as histograms. */
void detail_container_waits(struct buf *out, const struct snapshot *s, uint32_t row, int width);

/* What happened to it lately, and how often it was started. */
void detail_container_events(struct buf *out, const struct snapshot *s, const struct container_row *c);

/* How its first process ended, if it has: of a container that was started again, the one before. */
void detail_container_end(struct buf *out, const struct container_row *c);

/* A process that runs a virtual machine: its guest, its virtual CPUs, and what they used. One line. */
void detail_machine(struct buf *out, const struct process_row *p);

/* Its block devices, and who fills them: disks.c. */
void detail_container_disks(struct buf *out, const struct snapshot *s, const struct container_row *c);
void detail_limit_owner(struct buf *out, const struct container_row *c, const char *path); /* "its own" or a path */
void detail_pressure(struct buf *out, const struct snapshot *s, const struct container_row *c);

/* Its stalls in reclaim and its last OOM kill; nothing if there were none. */
void detail_container_memory(struct buf *out, const struct container_row *c);

#endif
