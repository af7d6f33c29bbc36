/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.bpf.c - what the sockets of each cgroup send and receive, in whichever network namespace they are. TCP counts this
 * itself, for each socket: an iterator adds it up at each sample, and a program at the end of the socket adds the rest, so that
 * no packet costs anything. Of other sockets each call is counted that sends or receives. Where the kernel lacks these hooks
 * (before 6.3), programs at the root of the v2 hierarchy count each packet that leaves a socket or reaches one, and let it pass.
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

static __always_inline struct ss_network *network_entry(__u64 id)
{
	struct ss_network *n = bpf_map_lookup_elem(&network, &id);

	if (n)
		return n;
	bpf_map_update_elem(&network, &id, &network_zero, BPF_NOEXIST);
	n = bpf_map_lookup_elem(&network, &id);
	if (!n)
		loss_count(SS_LOSS_NETWORK_LOST);
	return n;
}

/* ---- by what TCP counts ---- */

/* The value, and what has come since the one before; a socket that was disconnected began again at 0. */
static __always_inline __u64 counter_charge(__u64 *charged, __u64 now)
{
	__u64 before = __sync_lock_test_and_set(charged, now);

	return now >= before ? now - before : now;
}

/* Counters of segments have 32 bits, and begin again at 0 when these are full. */
static __always_inline __u64 segments_charge(__u64 *charged, __u64 now)
{
	return (__u32)(now - __sync_lock_test_and_set(charged, now));
}

static __always_inline void tcp_charge(const struct sock *sk, struct ss_socket *state)
{
	struct ss_network now, *n;
	__u64 more;

	tcp_counters(sk, &now);
	if (now.receive_packets == state->charged.receive_packets &&
	    now.transmit_packets == state->charged.transmit_packets)
		return;
	n = network_entry(state->cgroup_id);
	if (!n)
		return;
	more = counter_charge(&state->charged.receive_bytes, now.receive_bytes);
	__sync_fetch_and_add(&n->receive_bytes, more);
	more = segments_charge(&state->charged.receive_packets, now.receive_packets);
	__sync_fetch_and_add(&n->receive_packets, more);
	more = counter_charge(&state->charged.transmit_bytes, now.transmit_bytes);
	__sync_fetch_and_add(&n->transmit_bytes, more);
	more = segments_charge(&state->charged.transmit_packets, now.transmit_packets);
	__sync_fetch_and_add(&n->transmit_packets, more);
}

static __always_inline __u64 address_of(const struct sock *sk)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

/* Called for each socket that has state, of all network namespaces. */
SEC("?iter/bpf_sk_storage_map")
int network_tcp(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct ss_socket *state;

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	state = bpf_sk_storage_get(&socket_cgroups, sk, 0, 0);
	if (!state)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		state->listener = address_of(sk);
	else
		tcp_charge(sk, state);
	return 0;
}

/* Once in the life of a socket, when nothing more can come. */
SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(network_tcp_end, struct sock *sk)
{
	struct ss_socket *state = bpf_sk_storage_get(&socket_cgroups, sk, 0, 0);

	if (state && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP && state->listener != address_of(sk))
		tcp_charge(sk, state);
	return 0;
}

/* ---- by calls, of all but TCP ---- */

static __always_inline struct ss_network *call_entry(struct sock *sk, int result)
{
	struct ss_socket *state;
	__u16 family;

	if (result < 0)
		return NULL;
	family = sk->__sk_common.skc_family;
	if ((family != AF_INET && family != AF_INET6) || BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		return NULL;
	state = bpf_sk_storage_get(&socket_cgroups, sk, 0, 0);
	return network_entry(state ? state->cgroup_id : KERNFS_ROOT_ID);
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(network_sent, struct sock *sk, int result)
{
	struct ss_network *n = call_entry(sk, result);

	if (n) {
		__sync_fetch_and_add(&n->transmit_bytes, (__u64)result);
		__sync_fetch_and_add(&n->transmit_packets, 1);
	}
	return 0;
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(network_received, struct sock *sk, int result, int flags)
{
	struct ss_network *n = flags & MSG_PEEK ? NULL : call_entry(sk, result);

	if (n) {
		__sync_fetch_and_add(&n->receive_bytes, (__u64)result);
		__sync_fetch_and_add(&n->receive_packets, 1);
	}
	return 0;
}

/* ---- by packets ---- */

/* Length of the headers of a packet: IP and TCP, IP and UDP, or IP alone. */
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
		return length;
	return length + (tcp_length >> 4) * 4;
}

/*
 * With segmentation offload, what the hooks see is many packets in one. Atomic, although each CPU has its own entry: an
 * interrupt, or another task, may come in between.
 */
static __always_inline void packet_count(struct __sk_buff *skb, __u64 *bytes, __u64 *packets)
{
	__u32 size = skb->gso_size, length = skb->len, segments = 1, headers = headers_length(skb);

	length = length > headers ? length - headers : 0;
	if (size && length > size)
		segments = (length + size - 1) / size;
	__sync_fetch_and_add(bytes, length);
	__sync_fetch_and_add(packets, segments);
}

SEC("?cgroup_skb/ingress")
int network_receive(struct __sk_buff *skb)
{
	struct ss_network *n = network_entry(packet_cgroup(skb));

	if (n)
		packet_count(skb, &n->receive_bytes, &n->receive_packets);
	return 1;
}

SEC("?cgroup_skb/egress")
int network_transmit(struct __sk_buff *skb)
{
	struct ss_network *n = network_entry(packet_cgroup(skb));

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
