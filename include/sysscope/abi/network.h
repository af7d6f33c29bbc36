/* SPDX-License-Identifier: GPL-2.0-or-later */
/* abi/network.h - the contract for what sockets send and receive (bpf/network.bpf.c). abi/common.h has the rules. */
#ifndef SYSSCOPE_ABI_NETWORK_H
#define SYSSCOPE_ABI_NETWORK_H

#include "sysscope/abi/common.h"

/*
 * Value of the table of network traffic, keyed by kernfs id, one per CPU: what the sockets of one cgroup have sent and received.
 * Bytes are those of the programs, without headers; what TCP sends again counts again. Packets: segments of TCP; of all else,
 * what a call sent or received.
 */
struct ss_network {
	__u64 receive_bytes;
	__u64 receive_packets;
	__u64 transmit_bytes;
	__u64 transmit_packets;
};
#define SS_NETWORK_FIELDS 4
_Static_assert(sizeof(struct ss_network) == SS_NETWORK_FIELDS * 8, "ss_network: no padding");

/* Socket-local state. */
struct ss_socket {
	__u64 cgroup_id; /* kernfs id of the cgroup whose process opened it; of an accepted one: the one that listens */
	__u64 listener; /* address of the socket, if it was seen to listen: what it accepts has a copy, and another address */
	struct ss_network charged; /* of TCP: the part of its counters that the table has */
};
_Static_assert(sizeof(struct ss_socket) == 16 + sizeof(struct ss_network), "ss_socket: no padding");

#endif
