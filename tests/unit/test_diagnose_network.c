/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_network.c - the rules about TCP: what each finds, and about whom; near misses are none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

#define MS 1e6

/* A gauge, the same at both ends. */
static void port_gauge(uint32_t row, int metric, double value)
{
	situation.ports[0][row].v[metric] = situation.ports[1][row].v[metric] = value;
}

/* ---- tcp_retransmits ---- */

/* A container that sends so many packets a second, some of them again, to 5432 with a round trip of so long. */
static uint32_t sender(const char *name, double packets, double again, double rtt_ms)
{
	uint32_t c = situation_container(&situation, name, "docker"), port = situation_port(&situation, c, "to", 5432);

	situation_gain(&situation, c, CONTAINER_NETWORK_TRANSMIT_PACKETS, packets);
	situation_port_gain(&situation, port, PORT_RETRANSMITS, again);
	situation.containers[1][c].tcp[TCP_SUM_RETRANSMITS] = again * SITUATION_SECONDS;
	port_gauge(port, PORT_ESTABLISHED, 12);
	port_gauge(port, PORT_RTT, rtt_ms * MS);
	port_gauge(port, PORT_RTT_LARGEST, 3 * rtt_ms * MS);
	return c;
}

static void retransmits(void **state)
{
	const struct finding *f;

	(void)state;
	sender("api", 1000, 40, 0.6);
	f = expect_first(&situation, "tcp_retransmits", "api", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "api sends 40 TCP segments a second again, 4.0 % of its packets, mostly to port 5432");
	expect_words(f, "12 connections, a round trip takes 600 us (the largest 1.8 ms)");
	expect_words(f, "ss -tieo 'dport = :5432'");
}

static void retransmits_critical(void **state)
{
	(void)state;
	sender("api", 1000, 200, 40);
	assert_int_equal(expect_first(&situation, "tcp_retransmits", "api", "")->severity, FINDING_CRITICAL);
}

static void retransmits_dropped(void **state)
{
	struct interface_row eth0[2];
	uint32_t c = sender("api", 1000, 40, 0.6);

	(void)state;
	for (int i = 0; i < 2; i++) {
		eth0[i] = (struct interface_row){.container = c, .name = "eth0", .host_interface = "", .bridge = ""};
		eth0[i].v[INTERFACE_TRANSMIT_DROPPED] = 1000 + 390 * i;
		situation.containers[i][c].interfaces = &eth0[i];
		situation.containers[i][c].n_interfaces = 1;
		(i ? &situation.now : &situation.before)->interfaces = &eth0[i];
		(i ? &situation.now : &situation.before)->n_interfaces = 1;
	}
	expect_words(expect_first(&situation, "tcp_retransmits", "api", ""),
		     "its interface eth0 dropped 390 packets meanwhile");
}

/* 2 % is what clients on radio make; a lone loss; losses of what sends next to nothing. */
static void retransmits_near(void **state)
{
	(void)state;
	sender("shop", 1000, 20, 80);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "tcp_retransmits");
	sender("lone", 200, 0.1, 0.5);
	sender("quiet", 10, 3, 0.5);
	expect_nothing(&situation);
}

/* Redis on loopback: nothing is sent again. */
static void retransmits_loopback(void **state)
{
	(void)state;
	sender("redis", 90000, 0, 0.02);
	expect_nothing(&situation);
}

/* Connects to an address that does not answer. */
static void retransmits_unanswered(void **state)
{
	uint32_t c = sender("api", 10, 8, 0.5);

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.ports[i][0].v[PORT_RTT] = situation.ports[i][0].v[PORT_RTT_LARGEST] = VALUE_ABSENT;
	port_gauge(0, PORT_CONNECTING, 24);
	assert_int_equal(c, 0);
	expect_words(expect_first(&situation, "tcp_retransmits", "api", ""), "24 connects wait there for an answer");
	expect_words(situation.diagnosis.findings.all, "does a firewall drop packets?");
}

/* A container here drops them: that is the cause, and the finding. */
static void retransmits_dropped_connects(void **state)
{
	uint32_t api = sender("api", 10, 8, 0.5), web, port;

	(void)state;
	assert_int_equal(api, 0);
	port_gauge(0, PORT_CONNECTING, 24);
	web = situation_container(&situation, "web", "docker");
	port = situation_port(&situation, web, "from", 5432);
	port_gauge(port, PORT_LISTENING, 1);
	port_gauge(port, PORT_QUEUE, 129);
	port_gauge(port, PORT_QUEUE_LIMIT, 128);
	port_gauge(port, PORT_QUEUE_RATIO, 129.0 / 128);
	situation_port_gain(&situation, port, PORT_OVERFLOWS, 8);
	expect_first(&situation, "listen_overflow", "web", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(situation.diagnosis.findings.all[0].explains[0].rule, "tcp_retransmits");
}

/* Without the packets of containers only a high rate is one, and it is not sure. */
static void retransmits_without_packets(void **state)
{
	uint32_t c = sender("api", 0, 40, 0.5);

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_NETWORK_TRANSMIT_PACKETS] = VALUE_ABSENT;
	expect_nothing(&situation);
	situation_port_gain(&situation, 0, PORT_RETRANSMITS, 80);
	situation.containers[1][c].tcp[TCP_SUM_RETRANSMITS] = 80 * SITUATION_SECONDS;
	assert_int_equal(expect_first(&situation, "tcp_retransmits", "api", "")->confidence, FINDING_MEDIUM);
}

static void tcp_off(void **state)
{
	(void)state;
	sender("api", 1000, 40, 0.6);
	situation_collector_off(&situation, "tcp");
	situation_judge(&situation);
	expect_unjudged(&situation, "tcp_retransmits");
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		assert_string_equal(situation.diagnosis.findings.all[i].rule, "collector_missing");
}

/* ---- listen_overflow ---- */

/* A server whose queue of 128 has so many at both ends, and drops and accepts so many a second. */
static uint32_t server(const char *name, double queue, double drops, double accepts)
{
	uint32_t c = situation_container(&situation, name, "docker"),
		 port = situation_port(&situation, c, "from", 8080);

	port_gauge(port, PORT_LISTENING, 1);
	port_gauge(port, PORT_QUEUE, queue);
	port_gauge(port, PORT_QUEUE_LIMIT, 128);
	port_gauge(port, PORT_QUEUE_RATIO, queue / 128);
	/* From before the watch. */
	port_gauge(port, PORT_OVERFLOWS, 5000);
	situation_port_gain(&situation, port, PORT_OVERFLOWS, drops);
	situation_port_gain(&situation, port, PORT_ACCEPTS, accepts);
	return port;
}

static void overflow(void **state)
{
	const struct finding *f;

	(void)state;
	server("web", 129, 12, 90);
	f = expect_first(&situation, "listen_overflow", "web", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "web does not accept connections to its port 8080 fast enough: 12.0 a second are dropped");
	expect_words(f, "120 attempts were dropped");
	expect_words(f, "129 connections waited to be accepted at the last look, and 128 may");
	expect_words(f, "net.core.somaxconn");
}

static void overflow_critical(void **state)
{
	(void)state;
	server("web", 129, 12, 3);
	assert_int_equal(expect_first(&situation, "listen_overflow", "web", "")->severity, FINDING_CRITICAL);
}

/* It does not accept at all, and nobody else tries. */
static void overflow_full(void **state)
{
	(void)state;
	server("web", 129, 0, 0);
	expect_words(expect_first(&situation, "listen_overflow", "web", ""), "its queue is full");
}

/* A burst that the queue held; a few that it did not; drops of long ago; a socket that is new. */
static void overflow_near(void **state)
{
	uint32_t port;

	(void)state;
	server("web", 100, 0, 90);
	server("burst", 3, 0.4, 90);
	expect_nothing(&situation);
	port = server("new", 3, 12, 90);
	situation.before.n_ports = port;
	expect_nothing(&situation);
}

static void sockets_off(void **state)
{
	(void)state;
	server("web", 129, 12, 90);
	situation_collector_off(&situation, "sockets");
	situation_judge(&situation);
	expect_unjudged(&situation, "listen_overflow");
	expect_unjudged(&situation, "pool_exhausted");
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		assert_string_equal(situation.diagnosis.findings.all[i].rule, "collector_missing");
}

/* Whoever is held up does not accept; the one that listens is named. */
static void overflow_explained(void **state)
{
	uint32_t port = server("web", 129, 12, 90);
	const struct finding *f;

	(void)state;
	situation_process(&situation, 0, "node", 4711);
	situation.ports[1][port].listener = 4711;
	f = expect_first(&situation, "listen_overflow", "web", "");
	assert_int_equal(f->pid, 4711);
	expect_words(f, "node (pid 4711) listens there");
	situation.containers[1][0].v[CONTAINER_THROTTLED_RATIO] = 1;
	situation.containers[1][0].v[CONTAINER_CPU_LIMIT] = 0.2;
	situation_gain(&situation, 0, CONTAINER_CPU_USAGE, 0.2);
	situation_gain(&situation, 0, CONTAINER_CPU_TASKS, 0.2);
	situation_gain(&situation, 0, CONTAINER_WAKEUP_WAIT, 0.7);
	situation_gain(&situation, 0, CONTAINER_THROTTLED_WAIT, 0.7);
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_string_equal(f->explains[0].rule, "listen_overflow");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* ---- pool_exhausted ---- */

/* A container with so many connections to 5432, of which some wait for an answer; so many clients wait for it. */
static uint32_t pool(const char *name, double connections, double unanswered, double clients)
{
	uint32_t c = situation_container(&situation, name, "docker"), to = situation_port(&situation, c, "to", 5432),
		 from = situation_port(&situation, c, "from", 8080);

	port_gauge(to, PORT_ESTABLISHED, connections);
	port_gauge(to, PORT_UNANSWERED, unanswered);
	port_gauge(to, PORT_FLAT, 300e9);
	port_gauge(to, PORT_RTT, 0.3 * MS);
	port_gauge(from, PORT_LISTENING, 1);
	port_gauge(from, PORT_ESTABLISHED, 200);
	port_gauge(from, PORT_UNANSWERED, clients);
	port_gauge(from, PORT_QUEUE, 0);
	port_gauge(from, PORT_QUEUE_LIMIT, 128);
	port_gauge(from, PORT_QUEUE_RATIO, 0);
	situation_gain(&situation, c, CONTAINER_BLOCKED_NETWORK, unanswered);
	situation_gain(&situation, c, CONTAINER_BLOCKED_FUTEX, fmax(0, clients - unanswered));
	return to;
}

static void pool_used_up(void **state)
{
	const struct finding *f;

	(void)state;
	pool("shop", 10, 10, 47);
	f = expect_first(&situation, "pool_exhausted", "shop", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->confidence, FINDING_MEDIUM);
	expect_words(f, "shop has used up its 10 connections to port 5432: 47 clients wait for it");
	expect_words(f, "there have been 10 of them for at least 300 s");
	expect_words(f, "blocked in network I/O and poll for 10.0 s, waiting for locks for 37.0 s");
	expect_words(f, "the way to the other side: a round trip takes 300 us");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* A constant pool that is idle; one that is half used; one that is full while each client has its own connection. */
static void pool_near(void **state)
{
	(void)state;
	pool("idle", 10, 0, 3);
	pool("half", 10, 6, 47);
	pool("even", 10, 10, 10);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "pool_exhausted");
}

/* A load generator: all of its connections wait, and nobody waits for it. */
static void pool_of_a_benchmark(void **state)
{
	(void)state;
	pool("pgbench", 64, 64, 0);
	expect_nothing(&situation);
}

/* It breathes: the number changes from look to look, or the last look found it full by chance. */
static void pool_that_breathes(void **state)
{
	uint32_t to = pool("shop", 10, 10, 47), chance = pool("chance", 10, 10, 47);

	(void)state;
	situation.ports[0][to].v[PORT_ESTABLISHED] = 7;
	situation.ports[1][to].v[PORT_FLAT] = 3e9;
	situation.ports[0][chance].v[PORT_UNANSWERED] = 2;
	expect_nothing(&situation);
}

/* One connection to one backend that is kept alive, and busy. */
static void pool_of_one(void **state)
{
	(void)state;
	pool("proxy", 1, 1, 5);
	expect_nothing(&situation);
}

/* Packets are lost on the way to it; and what comes of it at its own port. */
static void pool_and_its_neighbours(void **state)
{
	uint32_t to = pool("shop", 10, 10, 47);
	const struct finding *f;

	(void)state;
	port_gauge(to + 1, PORT_QUEUE_RATIO, 129.0 / 128);
	f = expect_first(&situation, "pool_exhausted", "shop", "");
	assert_string_equal(f->explains[0].rule, "listen_overflow");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	situation_gain(&situation, 0, CONTAINER_NETWORK_TRANSMIT_PACKETS, 1000);
	situation_port_gain(&situation, to, PORT_RETRANSMITS, 100);
	situation.containers[1][0].tcp[TCP_SUM_RETRANSMITS] = 100 * SITUATION_SECONDS;
	f = expect_first(&situation, "tcp_retransmits", "shop", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(retransmits),
		situation_test(retransmits_critical),
		situation_test(retransmits_dropped),
		situation_test(retransmits_near),
		situation_test(retransmits_loopback),
		situation_test(retransmits_unanswered),
		situation_test(retransmits_without_packets),
		situation_test(retransmits_dropped_connects),
		situation_test(tcp_off),
		situation_test(overflow),
		situation_test(overflow_critical),
		situation_test(overflow_full),
		situation_test(overflow_near),
		situation_test(sockets_off),
		situation_test(overflow_explained),
		situation_test(pool_used_up),
		situation_test(pool_near),
		situation_test(pool_of_a_benchmark),
		situation_test(pool_that_breathes),
		situation_test(pool_of_one),
		situation_test(pool_and_its_neighbours),
	};

	return cmocka_run_group_tests_name("diagnose_network", tests, NULL, NULL);
}
