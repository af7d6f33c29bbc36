/* SPDX-License-Identifier: GPL-2.0-or-later */
/* abi/network.h - the contract for what sockets send and receive (bpf/network.bpf.c). abi/common.h has the rules. */
#ifndef SYSSCOPE_ABI_NETWORK_H
#define SYSSCOPE_ABI_NETWORK_H

#include "sysscope/abi/common.h"

/*
 * Value of the table of network traffic, keyed by kernfs id, one per CPU: IP packets of the sockets of one cgroup, and their
 * bytes with the IP header, as the network carries them: what segmentation offload handles as one packet counts as many.
 */
struct ss_network {
	__u64 receive_bytes;
	__u64 receive_packets;
	__u64 transmit_bytes;
	__u64 transmit_packets;
};
#define SS_NETWORK_FIELDS 4
_Static_assert(sizeof(struct ss_network) == SS_NETWORK_FIELDS * 8, "ss_network: no padding");

/* Socket-local state, where the socket itself does not say to which cgroup it belongs. */
struct ss_socket {
	__u64 cgroup_id; /* kernfs id of the cgroup whose process opened it; of an accepted one: the one that listens */
};
_Static_assert(sizeof(struct ss_socket) == 8, "ss_socket: no padding");

#endif
