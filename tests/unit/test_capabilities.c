/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_capabilities.c - what `sysscope capabilities` writes: the ready lines, for people and as JSON, with hostile names;
 * and whose checks the model says they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "exporters/capabilities/capabilities.h"
#include "lib/model_scene.h"

#define CHOWN		 (1ULL << 0)
#define NET_BIND_SERVICE (1ULL << 10)
#define SYS_ADMIN	 21

static void expect(struct buf *b, const char *text)
{
	assert_false(b->failed);
	assert_string_equal(b->data, text);
	buf_reset(b);
}

static void test_lines(void **state)
{
	struct buf b = {};

	(void)state;
	capability_docker(&b, 0);
	expect(&b, "--cap-drop ALL");
	capability_docker(&b, CHOWN | NET_BIND_SERVICE | 1ULL << 45);
	expect(&b, "--cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE --cap-add 45");
	capability_kubernetes(&b, 0, "");
	expect(&b, "securityContext:\n  capabilities:\n    drop: [\"ALL\"]");
	capability_kubernetes(&b, CHOWN | NET_BIND_SERVICE, "  ");
	expect(&b, "securityContext:\n    capabilities:\n      drop: [\"ALL\"]\n      add: [\"CHOWN\", "
		   "\"NET_BIND_SERVICE\"]");
	capability_systemd(&b, 0);
	expect(&b, "CapabilityBoundingSet=");
	capability_systemd(&b, CHOWN | NET_BIND_SERVICE);
	expect(&b, "CapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE");
	for (unsigned int i = 0; i < CAPABILITIES; i++) {
		capability_name(&b, i);
		assert_true(b.len > 2);
		buf_reset(&b);
	}
	buf_free(&b);
}

static char hostile[] = "a) R 1\n\x1b[31m\"\\\xe9", id[] = "", kind[] = "container", runtime[] = "docker",
	    cgroup[] = "/docker/x";

static struct capability_report report_make(void)
{
	struct capability_report r = {.name = hostile,
				      .id = id,
				      .kind = kind,
				      .runtime = runtime,
				      .cgroup = cgroup,
				      .seconds = 60,
				      .before_seconds = 10800,
				      .effective = CHOWN | NET_BIND_SERVICE,
				      .permitted = CHOWN | NET_BIND_SERVICE,
				      .bounding = CHOWN | NET_BIND_SERVICE,
				      .n_denials = 1};

	r.used[10] = 3;
	r.runtime_used[SYS_ADMIN] = 40;
	r.denials[0] = (struct denial){.capability = 13, .count = 2};
	memcpy(r.denials[0].comm, "ping\n\x1b[2J", sizeof("ping\n\x1b[2J"));
	return r;
}

static void test_text(void **state)
{
	struct capability_report r = report_make();
	struct capability_watch w = {.seconds = 60, .hook = "fexit", .lacks = "", .reports = &r, .n = 1};
	struct buf b = {};

	(void)state;
	capabilities_write_text(&b, &w);
	assert_false(b.failed);
	for (const char *c = b.data; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= ' ');
	assert_non_null(
		strstr(b.data, "  watched      60 s; it had run for 3 h before that; earlier use is unknown\n"));
	assert_non_null(strstr(b.data, "  granted      CHOWN NET_BIND_SERVICE\n"));
	assert_non_null(strstr(b.data, "  used         NET_BIND_SERVICE 3\n"));
	assert_non_null(strstr(b.data, "  unused       CHOWN\n"));
	assert_non_null(strstr(b.data, "  by runtime   SYS_ADMIN 40\n"));
	assert_non_null(strstr(b.data, "  denied       NET_RAW 2, by ping\\x0a\\x1b[2J\n"));
	assert_non_null(strstr(b.data, "  docker       --cap-drop ALL --cap-add NET_BIND_SERVICE\n"));
	assert_null(strstr(b.data, "LOST"));
	assert_null(strstr(b.data, "Limit of"));
	buf_free(&b);
	w.lacks = "which checks are silent is guessed";
	b = (struct buf){};
	capabilities_write_text(&b, &w);
	assert_non_null(strstr(b.data, "\nLimit of this kernel's hook: which checks are silent is guessed.\n"));
	buf_free(&b);
}

static void test_json(void **state)
{
	struct capability_report r = report_make();
	struct capability_watch w = {.seconds = 60, .hook = "fexit", .lacks = "", .reports = &r, .n = 1, .lost = 7};
	json_t *root, *c;
	struct buf b = {};

	(void)state;
	r.before_seconds = -1;
	assert_int_equal(capabilities_write_json(&b, &w), 0);
	assert_int_equal(strcspn(b.data, "\n"), b.len - 1);
	root = json_loads(b.data, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "lost")), 7);
	c = json_array_get(json_object_get(root, "containers"), 0);
	assert_true(json_is_null(json_object_get(c, "before_seconds")));
	assert_true(json_is_null(json_object_get(c, "id")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(c, "used"), "CAP_NET_BIND_SERVICE")), 3);
	assert_int_equal(json_object_size(json_object_get(c, "used")), 1);
	assert_int_equal(json_array_size(json_object_get(c, "unused")), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json_object_get(c, "denied"), 0), "capability")),
		"CAP_NET_RAW");
	assert_string_equal(json_string_value(json_object_get(c, "systemd")),
			    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE");
	json_decref(root);
	buf_free(&b);
}

/* The oldest process says what is the container's: a runtime with more in its bounding set is on its way into it. */
static void test_model(void **state)
{
	static struct scene s;
	struct sample_check checks[] = {
		{{20, 15, 10, 0, 0, CHOWN | NET_BIND_SERVICE, "app"}, 3},
		{{20, 15, SYS_ADMIN, 0, 0, ~0ULL, "exe"}, 9},
		{{20, 99, SYS_ADMIN, 0, 0, CHOWN, "app"}, 4},
		{{20, 15, SYS_ADMIN, 0, SS_RUNTIME_EARLY, CHOWN, "6"}, 2},
		{{77, 15, 0, 0, 0, 0, "gone"}, 1}, /* of a cgroup that nobody knows */
	};
	struct model *m = model_new();
	struct ss_thread_record *r;
	const struct container_row *row;
	const struct snapshot *p;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 10, 0, "/", HOME_HOST, "host");
	scene_cgroup(&s, 20, 10, "/docker/a", HOME_CONTAINER, "a");
	r = scene_process(&s, 100, 20, "app", 0);
	r->capabilities_bounding = CHOWN | NET_BIND_SERVICE;
	r->capabilities_permitted = r->capabilities_effective = CHOWN;
	r->ns_user = 15;
	r = scene_process(&s, 200, 20, "runc:[2:INIT]", 0);
	r->capabilities_bounding = r->capabilities_permitted = r->capabilities_effective = ~0ULL;
	r = scene_process(&s, 220, 20, "6", 0); /* a runtime whose name says nothing, before it executes the program */
	r->flags |= SS_THREAD_FORKED;
	r->capabilities_bounding = r->capabilities_permitted = r->capabilities_effective = ~0ULL;
	r = scene_process(&s, 250, 20, "sh", 0); /* docker exec --privileged */
	r->capabilities_bounding = ~0ULL;
	r->capabilities_permitted = r->capabilities_effective = 1ULL << SYS_ADMIN;
	r = scene_process(&s, 300, 20, "app", 0);
	r->capabilities_bounding = CHOWN;
	r->capabilities_permitted = NET_BIND_SERVICE;
	s.sample.checks = checks;
	s.sample.n_checks = 5;
	assert_int_equal(model_update(m, &s.sample), 0);
	p = model_snapshot(m);
	row = scene_row(p, "/docker/a");
	assert_true(row->capabilities_effective == (CHOWN | 1ULL << SYS_ADMIN));
	assert_true(row->capabilities_permitted == (CHOWN | NET_BIND_SERVICE | 1ULL << SYS_ADMIN));
	assert_true(row->capabilities_bounding == (CHOWN | NET_BIND_SERVICE));
	assert_int_equal(row->user_namespace, 15);
	assert_int_equal(p->n_checks, 4);
	assert_false(p->checks[0].early);
	assert_true(p->checks[3].early);
	assert_false(p->checks[0].foreign);
	assert_true(p->checks[1].foreign);
	assert_false(p->checks[2].foreign);
	assert_int_equal(p->checks[2].user_namespace, 99);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
