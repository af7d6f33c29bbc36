/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.bpf.c - what the sockets of each cgroup send and receive, in whichever network namespace they are: programs at the
 * root of the v2 hierarchy, which the kernel calls for each IP packet that leaves a socket or reaches one. They let every
 * packet pass.
 */
#include "network.bpf.h"

/* Not preallocated: a value has a copy for each CPU that there may be, and most cgroups have no socket. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct ss_network);
} network SEC(".maps");

static const struct ss_network network_zero;

/* The cgroup that the socket belongs to; the root for sockets of the kernel's own. */
static __always_inline __u64 packet_cgroup(struct __sk_buff *skb)
{
	struct ss_socket *state = NULL;
	struct bpf_sock *sk;
	__u64 id;

	if (!cfg_socket_state) {
		id = bpf_skb_cgroup_id(skb);
		return id ? id : KERNFS_ROOT_ID;
	}
	sk = skb->sk;
	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		state = bpf_sk_storage_get(&socket_cgroups, sk, NULL, 0);
	return state ? state->cgroup_id : KERNFS_ROOT_ID;
}

static __always_inline struct ss_network *packet_entry(struct __sk_buff *skb)
{
	__u64 id = packet_cgroup(skb);
	struct ss_network *n = bpf_map_lookup_elem(&network, &id);

	if (n)
		return n;
	bpf_map_update_elem(&network, &id, &network_zero, BPF_NOEXIST);
	n = bpf_map_lookup_elem(&network, &id);
	if (!n)
		loss_count(SS_LOSS_NETWORK_LOST);
	return n;
}

/* Length of the headers that each segment of a packet has again: IP and TCP, or IP and UDP. 0: neither. */
static __always_inline __u32 headers_length(struct __sk_buff *skb)
{
	__u8 ip[10], tcp_length, protocol;
	__u32 length;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)) < 0)
		return 0;
	length = ip[0] >> 4 == 4 ? (ip[0] & 15) * 4 : IPV6_HEADER_LENGTH;
	protocol = ip[0] >> 4 == 4 ? ip[9] : ip[6];
	if (protocol == IPPROTO_UDP)
		return length + UDP_HEADER_LENGTH;
	if (protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, length + TCP_LENGTH_OFFSET, &tcp_length, 1) < 0)
		return 0;
	return length + (tcp_length >> 4) * 4;
}

/*
 * With segmentation offload, what the hooks see is many packets in one, with the headers of one: it is counted as what the
 * network carries. Atomic, although each CPU has its own entry: an interrupt, or another task, may come in between.
 */
static __always_inline void packet_count(struct __sk_buff *skb, __u64 *bytes, __u64 *packets)
{
	__u32 size = skb->gso_size, length = skb->len, segments = 1, headers;

	if (size) {
		headers = headers_length(skb);
		if (headers && length > headers + size) {
			segments = (length - headers + size - 1) / size;
			length += (segments - 1) * headers;
		}
	}
	__sync_fetch_and_add(bytes, length);
	__sync_fetch_and_add(packets, segments);
}

SEC("?cgroup_skb/ingress")
int network_receive(struct __sk_buff *skb)
{
	struct ss_network *n = packet_entry(skb);

	if (n)
		packet_count(skb, &n->receive_bytes, &n->receive_packets);
	return 1;
}

SEC("?cgroup_skb/egress")
int network_transmit(struct __sk_buff *skb)
{
	struct ss_network *n = packet_entry(skb);

	if (n)
		packet_count(skb, &n->transmit_bytes, &n->transmit_packets);
	return 1;
}

/* In the process that opens the socket. */
SEC("?cgroup/sock_create")
int network_socket(struct bpf_sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct ss_socket made = {.cgroup_id = task_cgroup_id_untyped(task)};

	if (!bpf_sk_storage_get(&socket_cgroups, sk, &made, BPF_SK_STORAGE_GET_F_CREATE))
		loss_count(SS_LOSS_SOCKET_UNOWNED);
	return 1;
}
