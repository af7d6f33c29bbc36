/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_tcp.c - TCP by container and port, from samples made by hand: events that come with every sample, what a pass
 * found, how long a number has been the same, listening sockets that are closed between two passes, ports without room; and
 * that a socket which several processes have open counts once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/model_scene.h"
#include "sockets/tcp.h"

static struct scene scene;
static struct sample_tcp events[SCENE_MAX];
static struct sample_tcp_port found[SCENE_MAX];
static struct model *model;

static void begin(void)
{
	model = model_new();
	assert_non_null(model);
	scene_init(&scene);
	scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(&scene, 7, 1, "/shop", HOME_CONTAINER, "shop");
	scene_cgroup(&scene, 8, 7, "/shop/inner", HOME_CONTAINER, "shop");
	scene.sample.cgroups[2].who = scene.sample.cgroups[1].who;
	scene.sample.cgroups[2].home_root = false;
	scene_process(&scene, 77, 7, "node", 1000);
	scene_collector(&scene, "tcp");
	scene.sample.tcp_final = events;
	scene.sample.n_tcp_final = 0;
	scene.sample.tcp_open = NULL;
	scene.sample.n_tcp_open = 0;
	scene.sample.tcp_ports = found;
	scene.sample.n_tcp_ports = 0;
	scene.sample.tcp_ports_ns = 0;
}

static struct sample_tcp_port *port_found(uint64_t cgroup, uint32_t direction, uint32_t port, uint32_t established)
{
	struct sample_tcp_port *p = &found[scene.sample.n_tcp_ports++];

	*p = (struct sample_tcp_port){.key = {cgroup, port, direction}, .established = established};
	return p;
}

static void event(uint64_t cgroup, uint32_t direction, uint32_t port, enum ss_tcp_event what, uint64_t n)
{
	struct sample_tcp *e = &events[scene.sample.n_tcp_final++];

	*e = (struct sample_tcp){.key = {cgroup, port, direction}};
	e->value.n[what] = n;
}

/* A sample some seconds later, with a pass or without one. Events come once. */
static const struct snapshot *update(double seconds, bool pass)
{
	scene_tick(&scene, seconds);
	if (pass)
		scene.sample.tcp_ports_ns = scene.sample.boot_ns;
	assert_int_equal(model_update(model, &scene.sample), 0);
	scene.sample.n_tcp_final = 0;
	return model_snapshot(model);
}

static const double *values(const struct snapshot *s, const char *direction, uint16_t port)
{
	const struct container_row *c = scene_row(s, "/shop");

	for (size_t i = 0; i < c->n_ports; i++)
		if (c->ports[i].port == port && strcmp(c->ports[i].direction, direction) == 0)
			return c->ports[i].v;
	fail_msg("no port %s %u", direction, port);
	return NULL;
}

static void same(double seen, double truth)
{
	if (!(seen > truth - 1e-3 && seen < truth + 1e-3))
		fail_msg("saw %f, true is %f", seen, truth);
}

/* A pool, in two cgroups of one container: 12, flat while it stays so, and from the pass on at which it is another number. */
static void test_flat(void **state)
{
	const struct snapshot *s;
	struct sample_tcp_port *p;

	(void)state;
	begin();
	p = port_found(7, SS_TCP_TO, 5432, 7);
	p->rtt_sockets = 2;
	p->rtt_sum_us = 600;
	p->rtt_largest_us = 500;
	p->unanswered = 7;
	p = port_found(8, SS_TCP_TO, 5432, 5);
	p->unsent_bytes = 1009;
	p->unanswered = 4;
	s = update(1, true);
	same(values(s, "to", 5432)[PORT_ESTABLISHED], 12);
	same(values(s, "to", 5432)[PORT_UNANSWERED], 11);
	same(values(s, "to", 5432)[PORT_RTT], 300e3);
	same(values(s, "to", 5432)[PORT_RTT_LARGEST], 500e3);
	same(values(s, "to", 5432)[PORT_UNSENT], 1009);
	same(values(s, "to", 5432)[PORT_CONNECTS], 0);
	assert_true(value_absent(values(s, "to", 5432)[PORT_ACCEPTS]));
	assert_true(value_absent(values(s, "to", 5432)[PORT_QUEUE]));
	same(scene_row(s, "/shop")->tcp[TCP_SUM_ESTABLISHED], 12);
	update(100, true);
	s = update(200, false);
	assert_int_equal((int)(values(s, "to", 5432)[PORT_FLAT] / 1e9 + 0.5), 300);
	found[1].established = 4;
	update(10, true);
	s = update(3, false);
	same(values(s, "to", 5432)[PORT_ESTABLISHED], 11);
	assert_int_equal((int)(values(s, "to", 5432)[PORT_FLAT] / 1e9 + 0.5), 3);
	model_free(model);
}

/* Without a pass the state is unknown, not 0; without the collector all of it is. */
static void test_unknown(void **state)
{
	const struct snapshot *s;

	(void)state;
	begin();
	event(7, SS_TCP_TO, 6379, SS_TCP_REFUSED, 7);
	s = update(1, false);
	same(values(s, "to", 6379)[PORT_REFUSED], 7);
	assert_true(value_absent(values(s, "to", 6379)[PORT_ESTABLISHED]));
	same(scene_row(s, "/shop")->tcp[TCP_SUM_REFUSED], 7);
	assert_true(value_absent(scene_row(s, "/shop")->tcp[TCP_SUM_ESTABLISHED]));
	scene.sample.n_collectors = 0;
	s = update(1, true);
	assert_int_equal(s->n_ports, 0);
	assert_true(value_absent(scene_row(s, "/shop")->tcp[TCP_SUM_REFUSED]));
	model_free(model);
}

/* A listening socket with 5 overflows gets 3 more and is closed: until the next pass it is in both sources. */
static void test_overflows(void **state)
{
	const struct snapshot *s;
	struct sample_tcp_port *p;

	(void)state;
	begin();
	p = port_found(7, SS_TCP_FROM, 8080, 0);
	p->listening = 1;
	p->drops = 5;
	p->queue = 2;
	p->queue_limit = 1;
	p->queue_fullest = 2;
	s = update(1, true);
	same(values(s, "from", 8080)[PORT_OVERFLOWS], 5);
	same(values(s, "from", 8080)[PORT_QUEUE_RATIO], 2);
	event(7, SS_TCP_FROM, 8080, SS_TCP_DROPS, 8);
	s = update(1, false);
	same(values(s, "from", 8080)[PORT_OVERFLOWS], 8);
	scene.sample.n_tcp_ports = 0;
	s = update(5, true);
	same(values(s, "from", 8080)[PORT_OVERFLOWS], 8);
	same(values(s, "from", 8080)[PORT_LISTENING], 0);
	assert_true(value_absent(values(s, "from", 8080)[PORT_QUEUE]));
	/* Its successor. */
	p = port_found(7, SS_TCP_FROM, 8080, 0);
	p->listening = 1;
	p->drops = 2;
	s = update(5, true);
	same(values(s, "from", 8080)[PORT_OVERFLOWS], 10);
	same(scene_row(s, "/shop")->tcp[TCP_SUM_OVERFLOWS], 10);
	model_free(model);
}

/* 64 ports, then ~other, which comes last and has what is left. */
static void test_room(void **state)
{
	const struct container_row *c;
	const struct snapshot *s;

	(void)state;
	begin();
	for (uint32_t i = 0; i < 100; i++)
		event(7, SS_TCP_TO, 1000 + i, SS_TCP_CONNECTED, 3);
	event(7, SS_TCP_FROM, 80, SS_TCP_ACCEPTED, 2);
	s = update(1, true);
	c = scene_row(s, "/shop");
	assert_int_equal(c->n_ports, 66);
	assert_int_equal(c->ports[64].port, 0);
	same(c->ports[64].v[PORT_CONNECTS], 36 * 3);
	assert_true(value_absent(c->ports[64].v[PORT_FLAT]));
	assert_int_equal(c->ports[65].port, 80);
	same(c->tcp[TCP_SUM_CONNECTS], 300);
	assert_int_equal(s->ports_folded, 36);
	model_free(model);
}

/* Two processes have a listening socket and a connection open; another connection is of one. */
static void test_shared(void **state)
{
	const struct ss_tcp_socket sockets[] = {
		{SS_SOCKET_TCP, 0x30, {7, 80, SS_TCP_FROM}, SS_TCP_LISTEN, 0, 0, 0, 3, 4, 1, 91, 0},
		{SS_SOCKET_TCP, 0x10, {7, 80, SS_TCP_FROM}, SS_TCP_ESTABLISHED, 20, 5, 7, 0, 0, 0, 90, 0},
		{SS_SOCKET_TCP, 0x20, {7, 80, SS_TCP_FROM}, SS_TCP_CLOSE_WAIT, 90, 0, 2, 0, 0, 0, 90, 0},
		{SS_SOCKET_TCP, 0x10, {7, 80, SS_TCP_FROM}, SS_TCP_ESTABLISHED, 20, 5, 7, 0, 0, 0, 91, 0},
		{SS_SOCKET_TCP, 0x30, {7, 80, SS_TCP_FROM}, SS_TCP_LISTEN, 0, 0, 0, 3, 4, 1, 90, 0},
		{SS_SOCKET_TCP, 0x40, {7, 80, SS_TCP_TO}, SS_TCP_SYN_SENT, 0, 0, 0, 0, 0, 0, 90, 0},
		/* The container asked on the first, and was answered on the second. */
		{SS_SOCKET_TCP, 0x50, {7, 80, SS_TCP_TO}, SS_TCP_ESTABLISHED, 0, 0, 0, 0, 0, 0, 90, 1},
		{SS_SOCKET_TCP, 0x60, {7, 80, SS_TCP_TO}, SS_TCP_ESTABLISHED, 0, 0, 0, 0, 0, 0, 90, 0},
	};
	struct tcp_sockets t = {0};
	struct sample s = {0};
	const struct sample_tcp_port *from, *to;

	(void)state;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++)
		assert_int_equal(tcp_sockets_add(&t, &sockets[i]), 0);
	assert_int_equal(tcp_sockets_sum(&t, &s), 0);
	assert_int_equal(s.n_tcp_ports, 2);
	to = &s.tcp_ports[0];
	from = &s.tcp_ports[1];
	assert_int_equal(to->key.direction, SS_TCP_TO);
	assert_int_equal(to->connecting, 1);
	assert_int_equal(to->unanswered, 1);
	assert_int_equal(from->listening, 1);
	assert_int_equal(from->listener, 90);
	assert_int_equal(from->established, 1);
	assert_int_equal(from->unanswered, 1);
	assert_int_equal(from->close_wait, 1);
	assert_int_equal(from->unread_bytes, 9);
	assert_int_equal(from->unsent_bytes, 5);
	assert_int_equal(from->rtt_sum_us, 20);
	assert_int_equal(from->queue, 3);
	assert_int_equal(from->drops, 1);
	same(from->queue_fullest, 0.75);
	free(s.tcp_ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat), cmocka_unit_test(test_unknown), cmocka_unit_test(test_overflows),
		cmocka_unit_test(test_room), cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
