/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.h - TCP by home, direction and port: what was counted as it happened, and what the last pass over open files found.
 * A home has a limited number of ports; the others are its port 0, `~other`.
 */
#ifndef SYSSCOPE_MODEL_TCP_H
#define SYSSCOPE_MODEL_TCP_H

#include "homes/homes.h"
#include "base/list.h"

struct tcp_port {
	struct {
		struct home *home;
		uint32_t port, direction;
	} key;
	uint64_t carried[SS_TCP_EVENTS], now[SS_TCP_EVENTS], held[SS_TCP_EVENTS]; /* as last published */
	struct sample_tcp_port found; /* by the last pass; of all cgroups of the home */
	uint64_t drops_closed;	      /* now[SS_TCP_DROPS] at that pass */
	uint64_t drops_held;
	uint32_t established_before; /* at the pass before */
	uint64_t flat_since_ns;	     /* since when found.established has been what it is; 0: no pass yet */
	UT_hash_handle hh;
};

/* How many ports of a home and direction are apart. */
struct tcp_home {
	struct {
		struct home *home;
		uint64_t direction;
	} key;
	uint32_t ports;
	UT_hash_handle hh;
};

struct tcp {
	struct tcp_port *all;
	struct tcp_home *homes;
	uint64_t pass_ns; /* of the pass that `found` is from, 0: none yet */
	bool pass_known;  /* it is the sample's */
	uint64_t folded;  /* ports for which there was no room; summed over passes and samples */
	LIST(struct port_row) rows;
};

/* Before homes_settle: adds the sample's events, and a new pass. 0 or -ENOMEM. */
int tcp_take(struct tcp *t, const struct homes *homes, const struct sample *s);

/* After the rows of homes; completes those of containers. `known`: the collector is on. 0 or -ENOMEM. */
int tcp_rows_fill(struct tcp *t, const struct moment *now, bool known, struct container_row *containers,
		  size_t n_containers, struct snapshot *snapshot);
void tcp_free(struct tcp *t);

#endif
