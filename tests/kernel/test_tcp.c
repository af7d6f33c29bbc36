/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_tcp.c - TCP by container, direction and port, in network namespaces of the test's own: against the kernel's counters
 * of that namespace (/proc/net/snmp and netstat, which nstat shows) and what the programs themselves saw (TCP_INFO, SIOCINQ,
 * SIOCOUTQ). Connections from before the agent, and later ones; every way in which a connect fails; retransmits, with a filter
 * on the receiving socket that loses one packet of 16; overflows of a queue of 1; two namespaces with the same ports.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/kernel_test.h"

#define POOL	    13 /* connections from before the agent */
#define ACCEPTED    11 /* of these */
#define UNREAD	    1009
#define LATER	    5
#define CLOSED	    3 /* of the pool, with bytes that nobody read: reset */
#define ASKED	    4 /* of these: connections of which one is answered, and one is answered and asks again */
#define UNANSWERED  (ASKED - 1)
#define REFUSED	    7
#define CROWD	    19 /* connects to a queue of 1 */
#define GIVEN_UP    5
#define UNREACHABLE 3
#define TIMED_OUT   (CROWD - 2 - GIVEN_UP)
#define LOST_KIB    1344 /* whole pieces of 64 KiB */
#define SEGMENT	    1000 /* bytes: a lost packet is several segments */
#define SCANNED	    5000 /* ports that one container connects to: more than there is room for */
#define OTHERS	    4	 /* connections in the second namespace */

struct worker {
	volatile int stage, done;
	pid_t pid;					/* of its first process */
	int port, small_port, lossy_port, refused_port; /* the same in both namespaces */
	double rtt_mean, rtt_largest;
	int unread;
	uint64_t retransmits, overflows, drops; /* of the namespace, since before the agent */
	bool lost;				/* the transfer was complete, in spite of the losses */
};

/* ---- sockets ---- */

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	_exit(1);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(int port, int backlog)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && bind(fd, (void *)&a, sizeof(a)) == 0 && listen(fd, backlog) == 0, "listen");
	return fd;
}

/* `bound`: to an address, as clients with several addresses are. */
static int client(int port, int flags, bool bound)
{
	struct sockaddr_in a = loopback(port), own = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	must(fd >= 0 && (!bound || bind(fd, (void *)&own, sizeof(own)) == 0), "socket");
	if (connect(fd, (void *)&a, sizeof(a)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	return info;
}

/* A counter of this network namespace: the file has a line of names and a line of values. */
static uint64_t net_counter(const char *file, const char *group, const char *name)
{
	_cleanup_free_ char *names = NULL, *values = NULL;
	FILE *f = fopen(file, "re");
	char *at_name, *at_value, *save_name = NULL, *save_value = NULL;
	uint64_t found = UINT64_MAX;
	size_t a = 0, b = 0;

	while (f && getline(&names, &a, f) > 0 && getline(&values, &b, f) > 0) {
		if (strncmp(names, group, strlen(group)) != 0)
			continue;
		at_name = strtok_r(names, " \n", &save_name);
		at_value = strtok_r(values, " \n", &save_value);
		for (; at_name && at_value;
		     at_name = strtok_r(NULL, " \n", &save_name), at_value = strtok_r(NULL, " \n", &save_value))
			if (strcmp(at_name, name) == 0)
				found = strtoull(at_value, NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

static void namespace_own(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	must(unshare(CLONE_NEWNET) == 0, "unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	must(ioctl(fd, SIOCSIFFLAGS, &lo) == 0, "lo");
	close(fd);
}

/* ---- the first worker ---- */

static int pool[POOL], accepted[POOL];

static void pool_make(struct worker *w, int listens)
{
	char bytes[UNREAD] = {0};

	for (int i = 0; i < POOL; i++) {
		pool[i] = client(w->port, 0, i % 2);
		must(pool[i] >= 0, "connect");
	}
	for (int i = 0; i < ACCEPTED; i++)
		accepted[i] = accept(listens, NULL, NULL);
	must(send(accepted[0], bytes, UNREAD, 0) == UNREAD, "send");
	for (int i = CLOSED; i < CLOSED + ASKED; i++)
		must(send(pool[i], "?", 1, 0) == 1, "ask");
	for (int i = CLOSED; i < CLOSED + 2; i++)
		must(send(accepted[i], "!", 1, 0) == 1 && recv(pool[i], bytes, 1, 0) == 1, "answer");
	must(send(pool[CLOSED], "?", 1, 0) == 1, "ask again");
	/* Late acknowledgements change the round-trip times. */
	for (int i = 0; i < POOL; i++)
		for (int unsent = 1, tries = 0; unsent && tries < 500; tries++, usleep(1000))
			ioctl(pool[i], SIOCOUTQ, &unsent);
	for (int i = 0; i < POOL; i++) {
		double rtt = info_of(pool[i]).tcpi_rtt / 1e6;

		w->rtt_mean += rtt / POOL;
		w->rtt_largest = rtt > w->rtt_largest ? rtt : w->rtt_largest;
	}
	for (int i = 0; i < POOL; i++) {
		int n = 0;

		ioctl(pool[i], SIOCINQ, &n);
		w->unread += n;
	}
}

/* One packet of 16 is lost: the filter takes what is left of it, nothing. */
static void lose(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UINT32_MAX / 16, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = {ARRAY_SIZE(code), code};

	must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0, "filter");
}

/* The listener passes its filter on to what it accepts, so SYNs are lost as well. */
static void transfer(struct worker *w)
{
	static char bytes[65536];
	int listens = listener(w->lossy_port, 8), from, to, peer;
	size_t left = LOST_KIB << 10;
	int segment = SEGMENT;

	lose(listens);
	must(setsockopt(listens, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)) == 0, "segment");
	from = client(w->lossy_port, 0, false);
	to = accept(listens, NULL, NULL);
	must(from >= 0 && to >= 0, "lossy connection");
	peer = fork();
	if (peer == 0) {
		for (size_t sent = 0; sent < left;) {
			ssize_t n = send(from, bytes, sizeof(bytes), 0);

			if (n <= 0)
				_exit(1);
			sent += (size_t)n;
		}
		_exit(0);
	}
	while (left) {
		ssize_t n = recv(to, bytes, sizeof(bytes), 0);

		if (n <= 0)
			break;
		left -= (size_t)n;
	}
	waitpid(peer, NULL, 0);
	w->lost = left == 0;
	/* The last acknowledgement may still be on its way, and the sender's probe for it counts. */
	for (int unsent = 1, tries = 0; unsent && tries < 500; tries++, usleep(10000))
		ioctl(from, SIOCOUTQ, &unsent);
}

/* Two find room; the others wait for an answer. Some are given up at once, the others when the kernel gives up. */
static void crowd(struct worker *w)
{
	int listens = listener(w->small_port, 1), fds[CROWD], given_up = 0, syns = 1;

	(void)listens;
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client(w->small_port, SOCK_NONBLOCK, false);
		setsockopt(fds[i], IPPROTO_TCP, TCP_SYNCNT, &syns, sizeof(syns));
	}
	usleep(100000);
	for (int i = 0; i < CROWD; i++) {
		if (info_of(fds[i]).tcpi_state != TCP_SYN_SENT)
			continue;
		if (given_up < GIVEN_UP) {
			given_up++;
			close(fds[i]);
		} else {
			poll(&(struct pollfd){fds[i], POLLOUT, 0}, 1, 20000);
		}
	}
}

static uint16_t checksum(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	sum = (sum >> 16) + (sum & 0xffff);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

/* Connects to the full queue, and what a router would say of their first packets. */
static void unreachable(const struct worker *w)
{
	int hear = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), say = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct sockaddr_in here = loopback(0);

	for (int i = 0; i < UNREACHABLE; i++) {
		struct {
			uint8_t type, code;
			uint16_t sum;
			uint32_t unused;
			uint8_t packet[28];
		} icmp = {.type = 3, .code = 1};
		int fd = client(w->small_port, SOCK_NONBLOCK, false);
		struct sockaddr_in own;
		socklen_t size = sizeof(own);
		uint8_t packet[128] = {0};

		getsockname(fd, (void *)&own, &size);
		while (memcmp(packet + 20, &own.sin_port, 2) != 0)
			must(recv(hear, packet, sizeof(packet), 0) >= 40, "a packet");
		memcpy(icmp.packet, packet, sizeof(icmp.packet));
		icmp.sum = checksum(&icmp, sizeof(icmp));
		must(sendto(say, &icmp, sizeof(icmp), 0, (void *)&here, sizeof(here)) == sizeof(icmp), "icmp");
		poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 20000);
	}
}

static void work(void *ctx)
{
	struct worker *w = ctx;
	int listens;

	namespace_own();
	listens = listener(w->port, 128);
	pool_make(w, listens);
	w->done = 1;
	while (w->stage < 1)
		usleep(1000);
	for (int i = 0; i < REFUSED; i++)
		must(client(w->refused_port, 0, i % 2) < 0, "a refused connect");
	for (int i = 0; i < LATER; i++)
		must(client(w->port, 0, false) >= 0, "a later connect");
	transfer(w);
	crowd(w);
	unreachable(w);
	/* The first has something to read, the others get something. */
	for (int i = 0; i < CLOSED; i++) {
		must(i == 0 || send(accepted[i], "x", 1, 0) == 1, "send");
		close(pool[i]);
	}
	w->done = 2;
	while (w->stage < 2)
		usleep(1000);
	w->retransmits = net_counter("/proc/net/snmp", "Tcp:", "RetransSegs");
	w->overflows = net_counter("/proc/net/netstat", "TcpExt:", "ListenOverflows");
	w->drops = net_counter("/proc/net/netstat", "TcpExt:", "ListenDrops");
	w->done = 3;
	pause();
}

/* The second one has the same ports in another namespace, and a child that has its sockets open as well. */
static void work_beside(void *ctx)
{
	struct worker *w = ctx;
	int listens;

	namespace_own();
	listens = listener(w->port, 64);
	for (int i = 0; i < OTHERS; i++) {
		must(client(w->port, 0, false) >= 0, "connect");
		must(accept(listens, NULL, NULL) >= 0, "accept");
	}
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		__sync_fetch_and_add(&w->done, 1);
		pause();
	}
	__sync_fetch_and_add(&w->done, 1);
	while (w->stage < 1)
		usleep(1000);
	for (int i = 0; i < SCANNED; i++)
		client(10000 + i, 0, false);
	w->done = 3;
	pause();
}

/* ---- what is seen ---- */

static const struct port_row *port_row(const struct snapshot *s, const char *box, const char *direction, int port)
{
	static const struct port_row none;
	const struct container_row *c = row_find(s, box);

	for (size_t i = 0; c && i < c->n_ports; i++)
		if (c->ports[i].port == port && strcmp(c->ports[i].direction, direction) == 0)
			return &c->ports[i];
	return &none;
}

static double port_value(const struct snapshot *s, const char *box, const char *direction, int port, int metric)
{
	const struct port_row *p = port_row(s, box, direction, port);

	return !p->direction || value_absent(p->v[metric]) ? -1 : p->v[metric];
}

static void check_port(const char *box, const char *direction, int port, int metric, const char *what, double truth)
{
	double seen = -1;

	/* A pass over open files is taken every five seconds at most. */
	for (double end = now_seconds() + PATIENCE_SECONDS; seen != truth && now_seconds() < end; usleep(100000))
		seen = port_value(snapshot_take(), box, direction, port, metric);
	check_equal(what, seen, truth);
}

static void test_before(const struct worker *w, const char *box, const char *beside)
{
	const struct snapshot *s = snapshot_take();

	check_equal("connections of the pool", port_value(s, box, "to", w->port, PORT_ESTABLISHED), POOL);
	check_equal("accepted ones", port_value(s, box, "from", w->port, PORT_ESTABLISHED), ACCEPTED);
	check_equal("waiting to be accepted", port_value(s, box, "from", w->port, PORT_QUEUE), POOL - ACCEPTED);
	check_equal("how many may wait", port_value(s, box, "from", w->port, PORT_QUEUE_LIMIT), 128);
	check_equal("asked and not answered", port_value(s, box, "to", w->port, PORT_UNANSWERED), UNANSWERED);
	check_equal("of those that it serves", port_value(s, box, "from", w->port, PORT_UNANSWERED), UNANSWERED);
	check_equal("of those that nobody uses", port_value(s, beside, "to", w->port, PORT_UNANSWERED), 0);
	check_equal("and at their listener", port_value(s, beside, "from", w->port, PORT_UNANSWERED), 0);
	check_equal("the process that listens", port_row(s, box, "from", w->port)->listener, w->pid);
	check_equal("bytes unread, by SIOCINQ", port_value(s, box, "to", w->port, PORT_UNREAD), w->unread);
	check_equal("bytes unread, as sent", w->unread, UNREAD);
	check_within("round-trip time, us", port_value(s, box, "to", w->port, PORT_RTT) / 1e3, w->rtt_mean * 1e6, 0,
		     0.01);
	check_within("the largest, us", port_value(s, box, "to", w->port, PORT_RTT_LARGEST) / 1e3, w->rtt_largest * 1e6,
		     0, 0.01);
	check_equal("in the other namespace", port_value(s, beside, "to", w->port, PORT_ESTABLISHED), OTHERS);
	check_equal("and at its listener", port_value(s, beside, "from", w->port, PORT_ESTABLISHED), OTHERS);
}

static double retransmits_seen(const struct snapshot *s, const char *box)
{
	const struct container_row *c = row_find(s, box);

	return c ? c->tcp[TCP_SUM_RETRANSMITS] : -1;
}

static void test_events(struct worker *w, const char *box)
{
	check_port(box, "to", w->refused_port, PORT_REFUSED, "refused connects", REFUSED);
	check_port(box, "to", w->port, PORT_CONNECTS, "connects since the agent", LATER);
	check_port(box, "from", w->port, PORT_ACCEPTS, "accepts since the agent", LATER);
	check_port(box, "to", w->small_port, PORT_CONNECTS, "connects to a queue of 1", 2);
	check_port(box, "to", w->small_port, PORT_GIVEN_UP, "connects given up", GIVEN_UP);
	check_port(box, "to", w->small_port, PORT_TIMED_OUT, "connects timed out", TIMED_OUT);
	check_port(box, "to", w->small_port, PORT_UNREACHABLE, "connects to what is unreachable", UNREACHABLE);
	check_port(box, "to", w->port, PORT_RESETS_SENT, "resets of connections with unread bytes", CLOSED);
	check_port(box, "from", w->port, PORT_RESETS_RECEIVED, "resets that the other end got", CLOSED);
	check(w->lost, "a transfer of %d KiB with losses was complete", LOST_KIB);
}

/* One that connects to more ports than the table has takes no room from others, whose events stay complete without their ports. */
static void test_scan(struct worker *w, const char *box)
{
	const struct container_row *c;
	double folded;

	w->stage = 1;
	poll_until(w->done >= 3);
	c = row_find(snapshot_take(), box);
	check_equal("refused connects of a scan of ports", c ? c->tcp[TCP_SUM_REFUSED] : -1, SCANNED);
	folded = loss_count("tcp_folded");
	check(folded >= SCANNED - 3072 && folded < SCANNED, "counted without their port: %.0f", folded);
	check_equal("lost", loss_count("tcp_lost"), 0);
}

/* Connects that still wait are tried again at any moment: the two sources are read until they agree. */
static void test_counters(struct worker *w, const char *box)
{
	double drops = -1, retransmits = -1;

	w->stage = 2;
	poll_until(w->done >= 3);
	for (double end = now_seconds() + PATIENCE_SECONDS; now_seconds() < end; usleep(100000)) {
		const struct snapshot *s = snapshot_take();

		drops = port_value(s, box, "from", w->small_port, PORT_OVERFLOWS);
		retransmits = retransmits_seen(s, box);
		if (drops == (double)w->overflows && retransmits == (double)w->retransmits)
			break;
	}
	check(w->overflows >= CROWD - 2, "overflows, by the kernel: %.0f", (double)w->overflows);
	check_equal("overflows of a queue of 1", drops, (double)w->overflows);
	check_equal("retransmits", retransmits, (double)w->retransmits);
	check(w->retransmits >= TIMED_OUT, "retransmits, by the kernel: %.0f", (double)w->retransmits);
}

int main(void)
{
	static const char *const kinds[] = {"tcp_folded", "tcp_lost"};
	struct worker *w = mmap(NULL, 2 * sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *box = cgroup_make("tcp"), *beside = cgroup_make("tcp-beside");
	pid_t pid, other;

	for (int i = 0; i < 2; i++) {
		w[i].port = 5432;
		w[i].small_port = 8080;
		w[i].lossy_port = 8081;
		w[i].refused_port = 6379;
	}
	pid = run_in(box, work, &w[0]);
	other = run_in(beside, work_beside, &w[1]);
	w[0].pid = pid;
	check(poll_until(w[0].done >= 1 && w[1].done >= 2), "the workers have their sockets");
	pipeline_start();
	test_before(&w[0], box, beside);
	w[0].stage = 1;
	check(poll_until(w[0].done >= 2), "the worker has done its part");
	test_events(&w[0], box);
	test_counters(&w[0], box);
	check_port(box, "to", w->port, PORT_ESTABLISHED, "connections now", POOL + LATER - CLOSED);
	check(port_value(snapshot_take(), beside, "to", w->port, PORT_FLAT) > 1e9,
	      "the number beside has been the same all the time: %.1f s",
	      port_value(snapshot_take(), beside, "to", w->port, PORT_FLAT) / 1e9);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		check_equal(kinds[i], loss_count(kinds[i]), 0);
	test_scan(&w[1], beside);
	kill(pid, SIGKILL);
	kill(other, SIGKILL);
	waitpid(pid, NULL, 0);
	waitpid(other, NULL, 0);
	return test_finish();
}
