/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_interfaces.c - interfaces of network namespaces: the text of /proc/PID/net/dev, hostile names included; which home a
 * namespace belongs to, counters across a restart, and that they go away with the container.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "network/netdev.h"
#include "sysscope/view.h"

#define HEAD                                                                                            \
	"Inter-|   Receive                                                |  Transmit\n"                \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop " \
	"fifo colls carrier compressed\n"

static size_t parse(const char *text, struct sample_interface *rows, size_t max)
{
	char copy[4096];

	strcpy(copy, text);
	return netdev_parse(copy, rows, max);
}

static void text(void **state)
{
	struct sample_interface rows[4];
	struct interface_counters *c = &rows[0].counters;

	(void)state;
	assert_int_equal(parse(HEAD "    lo:  9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
				    "  eth0: 1013 17 2 3 5 7 11 13 2027 19 23 29 31 37 41 43\n"
				    "veth12: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
				    "docker0:1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
			       rows, 4),
			 1);
	assert_string_equal(rows[0].name, "eth0");
	assert_true(c->receive_bytes == 1013 && c->receive_packets == 17 && c->receive_errors == 2 &&
		    c->receive_dropped == 3);
	assert_true(c->transmit_bytes == 2027 && c->transmit_packets == 19 && c->transmit_errors == 23 &&
		    c->transmit_dropped == 29);
}

static void hostile(void **state)
{
	struct sample_interface rows[4];

	(void)state;
	assert_int_equal(parse("", rows, 4), 0);
	assert_int_equal(parse(HEAD, rows, 4), 0);
	assert_int_equal(
		parse(":1 2\n:\n::::\neth0:\neth0: 1 2\neth0: x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", rows, 4), 0);
	assert_int_equal(parse("a-name-too-long-:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", rows, 4), 0);
	assert_int_equal(parse("eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 99999999999999999999\n", rows, 4), 0);
	assert_int_equal(parse("\x1b[31m\"\\\xff:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551615\n", rows, 4),
			 1);
	assert_string_equal(rows[0].name, "\x1b[31m\"\\\xff");
}

#define LINE(name, bytes) name ":" bytes " 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n"

static void many(void **state)
{
	struct sample_interface rows[2];

	(void)state;
	assert_int_equal(parse(LINE("a", "3") LINE("b", "5") LINE("c", "7") LINE("d", "11"), rows, 2), 2);
	assert_string_equal(rows[1].name, INTERFACE_OTHER);
	assert_true(rows[0].counters.receive_bytes == 3 && rows[1].counters.receive_bytes == 23);
	assert_true(rows[1].counters.receive_packets == 3);
}

/* ---- the model ---- */

#define HOST_NET 100u
#define POD_NET	 200u

static struct scene scene;
static struct sample_interface interfaces[4];

static void interface_set(size_t i, uint32_t namespace, const char *name, uint64_t bytes)
{
	interfaces[i] =
		(struct sample_interface){.namespace_ = namespace, .host_interface = "vethabc", .bridge = "br0"};
	strcpy(interfaces[i].name, name);
	interfaces[i].counters.receive_bytes = bytes;
	interfaces[i].counters.transmit_packets = bytes / 100;
	scene.sample.interfaces = interfaces;
	scene.sample.n_interfaces = i + 1;
}

/* Two containers of a pod share a network namespace; the one in /pod is the older. */
static void scene_make(void)
{
	scene_init(&scene);
	scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
	scene_cgroup(&scene, 10, 1, "/app", HOME_CONTAINER, "app");
	scene_cgroup(&scene, 11, 1, "/pod", HOME_POD, "pod");
	scene_process(&scene, 1, 1, "init", 1000)->ns_net = HOST_NET;
	scene_process(&scene, 300, 11, "pause", 1000)->ns_net = POD_NET;
	scene_process(&scene, 400, 10, "app", 1000)->ns_net = POD_NET;
	for (size_t i = 0; i < scene.sample.n_threads; i++)
		scene.threads[i].ns_mnt = 50;
	scene.threads[1].start_ns = scene.threads[1].process_start_ns = 5000000000ULL;
	scene.threads[2].start_ns = scene.threads[2].process_start_ns = 6000000000ULL;
}

static const struct snapshot *update(struct model *m)
{
	scene_tick(&scene, 2);
	assert_int_equal(model_update(m, &scene.sample), 0);
	return model_snapshot(m);
}

static void owner(void **state)
{
	struct model *m = model_new();
	const struct snapshot *s;
	const struct container_row *pod;

	(void)state;
	scene_make();
	interface_set(0, POD_NET, "eth0", 1000);
	interface_set(1, 777, "eth9", 1000); /* nobody is in there any more */
	update(m);
	interface_set(0, POD_NET, "eth0", 5000);
	s = update(m);
	pod = scene_row(s, "/pod");
	assert_int_equal(s->n_interfaces, 1);
	assert_int_equal(pod->n_interfaces, 1);
	assert_int_equal(scene_row(s, "/app")->n_interfaces, 0);
	assert_string_equal(pod->interfaces[0].name, "eth0");
	assert_string_equal(pod->interfaces[0].host_interface, "vethabc");
	assert_string_equal(pod->interfaces[0].bridge, "br0");
	assert_true(pod->interfaces[0].v[INTERFACE_RECEIVE_BYTES] == 5000);
	assert_true(pod->interfaces[0].v[INTERFACE_RECEIVE_RATE] == 2000);
	assert_true(pod->interfaces[0].v[INTERFACE_TRANSMIT_PACKET_RATE] == 20);
	model_free(m);
}

/* The container is restarted in a new namespace, whose counters begin at 0. */
static void restart(void **state)
{
	struct model *m = model_new();
	const struct interface_row *one;

	(void)state;
	scene_make();
	interface_set(0, POD_NET, "eth0", 1000);
	update(m);
	scene.threads[1].ns_net = scene.threads[2].ns_net = POD_NET + 1;
	interface_set(0, POD_NET + 1, "eth0", 30);
	one = scene_row(update(m), "/pod")->interfaces;
	assert_true(one->v[INTERFACE_RECEIVE_BYTES] == 1030);
	/* The same number again, for another namespace. */
	interface_set(0, POD_NET + 1, "eth0", 7);
	one = scene_row(update(m), "/pod")->interfaces;
	assert_true(one->v[INTERFACE_RECEIVE_BYTES] == 1037);
	/* The interface is taken away. */
	scene.sample.n_interfaces = 0;
	assert_int_equal(update(m)->n_interfaces, 0);
	model_free(m);
}

/* A dead container shows its last values as long as it is shown. */
static void death(void **state)
{
	struct model *m = model_new();
	const struct snapshot *s;

	(void)state;
	scene_make();
	interface_set(0, POD_NET, "eth0", 1000);
	update(m);
	scene.sample.n_interfaces = 0;
	scene.sample.n_threads = 1;
	scene.cgroups[2].alive = false;
	s = update(m);
	assert_int_equal(s->n_interfaces, 1);
	assert_true(s->interfaces[0].v[INTERFACE_RECEIVE_BYTES] == 1000);
	assert_true(value_absent(s->interfaces[0].v[INTERFACE_RECEIVE_RATE]));
	scene_tick(&scene, 31);
	assert_int_equal(update(m)->n_interfaces, 0);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),	 cmocka_unit_test(hostile), cmocka_unit_test(many),
		cmocka_unit_test(owner), cmocka_unit_test(restart), cmocka_unit_test(death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
