/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_network.c - what the sockets of a container send and receive, on the host's network and in a network namespace of its
 * own, against what the programs sent and what the kernel's TCP counted: TCP through loopback between two containers, UDP over
 * IPv4 and IPv6, a socket that is older than sysscope, and a UNIX socket, which is no network.
 */
#include <netinet/in.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/kernel_test.h"

#define PAYLOAD	  100000007ULL
#define CHUNK	  1000000
#define DATAGRAMS 1009
#define SIZE	  997
#define OLD	  211
struct shared {
	volatile in_port_t port;
	volatile int ready, go, sent, failed;
	volatile uint32_t segments;
	volatile uint64_t received, again; /* payload; the part that was sent again */
};

struct traffic {
	double receive_bytes, receive_packets, transmit_bytes, transmit_packets;
};

static struct shared *shared;

static struct traffic traffic_of(const struct snapshot *s, const char *name)
{
	const struct container_row *c = row_find(s, name);

	if (!c)
		return (struct traffic){};
	return (struct traffic){c->v[CONTAINER_NETWORK_RECEIVE_BYTES], c->v[CONTAINER_NETWORK_RECEIVE_PACKETS],
				c->v[CONTAINER_NETWORK_TRANSMIT_BYTES], c->v[CONTAINER_NETWORK_TRANSMIT_PACKETS]};
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	shared->failed = 1;
	_exit(1);
}

static void ended(pid_t pid, const char *who)
{
	int status;

	waitpid(pid, &status, 0);
	check(status == 0 && !shared->failed, "%s did its work", who);
}

/* ---- TCP between two containers on the host's network ---- */

static void tcp_receive(void *ctx)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	char *data = malloc(CHUNK);
	ssize_t n;

	(void)ctx;
	if (bind(listener, (struct sockaddr *)&a, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &size) < 0)
		fail("listen");
	shared->port = a.sin_port;
	fd = accept(listener, NULL, NULL);
	while ((n = recv(fd, data, CHUNK, 0)) > 0)
		shared->received += (uint64_t)n;
	if (n < 0)
		fail("recv");
	_exit(0);
}

static void tcp_send(void *ctx)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = shared->port};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct tcp_info info = {};
	socklen_t size = sizeof(info);
	char *data = calloc(1, CHUNK);

	(void)ctx;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail("connect");
	for (uint64_t left = PAYLOAD; left;) {
		ssize_t n = send(fd, data, left < CHUNK ? left : CHUNK, 0);

		if (n < 0)
			fail("send");
		left -= (uint64_t)n;
	}
	/* The other end closes when it has received all. */
	shutdown(fd, SHUT_WR);
	recv(fd, data, CHUNK, 0);
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	shared->again = info.tcpi_bytes_retrans;
	shared->segments = info.tcpi_segs_out;
	_exit(0);
}

/* What one has sent, the other one has received. */
static bool same(const struct traffic *a, const struct traffic *b)
{
	return a->receive_packets >= b->transmit_packets - 2 && b->receive_packets >= a->transmit_packets - 2 &&
	       b->transmit_bytes >= PAYLOAD;
}

static void test_tcp(const char *to, const char *from)
{
	pid_t receiver = run_in(to, tcp_receive, NULL), sender;
	const struct snapshot *s;
	struct traffic a, b;

	poll_until(shared->port != 0);
	sender = run_in(from, tcp_send, NULL);
	ended(sender, "the sender");
	ended(receiver, "the receiver");
	/* The last acknowledgement may be under way. */
	poll_until((s = snapshot_take(), a = traffic_of(s, to), b = traffic_of(s, from), same(&a, &b)));
	check_equal("payload", (double)shared->received, (double)PAYLOAD);
	check_equal("bytes that the sender transmitted", b.transmit_bytes, (double)(PAYLOAD + shared->again));
	/* Of what was sent twice, it may have received the first one, too. */
	check(a.receive_bytes >= PAYLOAD && a.receive_bytes <= (double)(PAYLOAD + shared->again) * 1.001,
	      "bytes that the receiver received: saw %.0f, true is %.0f to %.0f", a.receive_bytes, (double)PAYLOAD,
	      (double)(PAYLOAD + shared->again));
	check_equal("bytes the other way", b.receive_bytes + a.transmit_bytes, 0);
	/* Where packets are counted, the listening socket has those of the handshake. */
	check_within("packets that the receiver received, of those that the sender transmitted", a.receive_packets,
		     b.transmit_packets, 0, 2);
	check_within("packets the other way", b.receive_packets, a.transmit_packets, 0, 2);
	check(b.transmit_packets >= shared->segments && b.transmit_packets <= shared->segments + 2,
	      "packets that the sender transmitted: saw %.0f, its TCP says %u, before its end", b.transmit_packets,
	      shared->segments);
}

/* ---- UDP ---- */

/* A socket that is connected to itself. */
static int udp_self(int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = {};
	socklen_t size = family == AF_INET ? sizeof(a.in) : sizeof(a.in6);
	int fd = socket(family, SOCK_DGRAM, 0);

	a.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, &a.any, size) < 0 || getsockname(fd, &a.any, &size) < 0 || connect(fd, &a.any, size) < 0)
		return -1;
	return fd;
}

/* Each is received before the next one is sent, so none is dropped. */
static void datagrams(int fd, int n)
{
	char data[SIZE] = {};

	for (int i = 0; i < n; i++)
		if (send(fd, data, SIZE, 0) != SIZE || recv(fd, data, SIZE, 0) != SIZE)
			fail("datagram");
}

static void udp4(void *ctx)
{
	(void)ctx;
	datagrams(udp_self(AF_INET), DATAGRAMS);
	_exit(0);
}

static void udp6(void *ctx)
{
	int fd = udp_self(AF_INET6);

	(void)ctx;
	if (fd < 0)
		_exit(77);
	datagrams(fd, DATAGRAMS);
	_exit(0);
}

/* In a network namespace of its own, whose loopback interface is down at first. */
static void udp_apart(void *ctx)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	(void)ctx;
	if (unshare(CLONE_NEWNET) < 0 || ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &up) < 0)
		fail("unshare");
	datagrams(udp_self(AF_INET), DATAGRAMS);
	_exit(0);
}

static void udp_old(void *ctx)
{
	int fd = udp_self(AF_INET);

	(void)ctx;
	shared->ready = 1;
	while (!shared->go)
		usleep(2000);
	datagrams(fd, OLD);
	shared->sent = 1;
	pause();
}

static void unix_pair(void *ctx)
{
	char data[SIZE] = {};
	int pair[2];

	(void)ctx;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		fail("socketpair");
	for (int i = 0; i < DATAGRAMS; i++)
		if (send(pair[0], data, SIZE, 0) != SIZE || recv(pair[1], data, SIZE, 0) != SIZE)
			fail("unix");
	_exit(0);
}

static void check_traffic(const char *what, const char *home, double n, double size)
{
	struct traffic t;

	/* Without task storage (5.10), a cgroup whose only process has ended is shown when that was freed. */
	poll_until((t = traffic_of(snapshot_take(), home), t.receive_packets >= n));
	check(t.transmit_packets == n && t.receive_packets == n,
	      "%s: saw %.0f packets sent and %.0f received, true is %.0f", what, t.transmit_packets, t.receive_packets,
	      n);
	check(t.transmit_bytes == n * size && t.receive_bytes == n * size,
	      "%s: saw %.0f bytes sent and %.0f received, true is %.0f", what, t.transmit_bytes, t.receive_bytes,
	      n * size);
}

static void test_udp6(void)
{
	const char *home = cgroup_make("net6");
	pid_t pid = run_in(home, udp6, NULL);
	int status;

	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		printf("ok %d - UDP over IPv6 # SKIP there is no IPv6 here\n", ++test_number);
	else
		check_traffic("UDP over IPv6", home, DATAGRAMS, SIZE);
}

static void test_one(const char *what, const char *tag, void (*work)(void *ctx), double n, double size)
{
	const char *home = cgroup_make(tag);

	ended(run_in(home, work, NULL), what);
	check_traffic(what, home, n, size);
}

int main(void)
{
	const char *old = cgroup_make("netold"), *to = cgroup_make("netto"), *from = cgroup_make("netfrom");
	static const char *const kinds[] = {"network_lost", "socket_unowned"};
	pid_t elder;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	elder = run_in(old, udp_old, NULL);
	poll_until(shared->ready != 0);
	pipeline_start();
	snapshot_take();
	if (!pipeline_hook(test_pipeline, "network")[0]) {
		printf("ok %d - network # SKIP no cgroup v2 hierarchy is mounted here\n", ++test_number);
		return test_finish();
	}
	shared->go = 1;
	poll_until(shared->sent || shared->failed);
	check_traffic("UDP of a socket that is older than sysscope", old, OLD, SIZE);
	kill(elder, SIGKILL);
	waitpid(elder, NULL, 0);
	test_tcp(to, from);
	test_one("UDP on the host's network", "net4", udp4, DATAGRAMS, SIZE);
	test_one("UDP in a network namespace of its own", "netns", udp_apart, DATAGRAMS, SIZE);
	test_one("a UNIX socket", "netunix", unix_pair, 0, 0);
	test_udp6();
	check_losses(kinds, ARRAY_SIZE(kinds));
	return test_finish();
}
