/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_foreign.c - the rules about the walls of containers: each finds its situation, and a near miss is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

enum { PID = 1, MNT = 2, NET = 4, UTS = 8, IPC = 16, USER = 32, CGROUP = 64 };

/* A home that is no container, as `kind` says, with one process. */
static uint32_t elsewhere(const char *name, const char *kind, const char *comm, uint32_t pid)
{
	uint32_t home = situation_container(&situation, name, "");

	situation.containers[0][home].kind = situation.containers[1][home].kind = kind;
	return situation_process(&situation, home, comm, pid);
}

static void foreign_process(void **state)
{
	uint32_t web = situation_container(&situation, "web", "docker"),
		 shell = elsewhere("session-3.scope", "session", "bash", 42);
	const struct finding *f;

	(void)state;
	situation_outside(&situation, web, shell, PID | MNT | NET);
	situation_process_gain(&situation, shell, PROCESS_CPU_USAGE, 0.5);
	f = expect_first(&situation, "foreign_process", "web", "session-3.scope");
	assert_int_equal(f->severity, FINDING_NOTICE);
	assert_int_equal(f->pid, 42);
	assert_int_equal(f->culprit_pid, 42);
	assert_string_equal(f->culprit_process, "bash");
	expect_words(f, "bash (pid 42) of session-3.scope is inside web, but not in its cgroup");
	expect_words(f, "pid, mnt, net");
	expect_words(f, "it used 0.50 CPU, which counts for session-3.scope");
	/* It came while this watched: a command of a moment. */
	situation.before.n_outside = 0;
	expect_nothing(&situation);
}

/* A service that sees the files of the container is a warning, and several of one home are one finding. */
static void foreign_service(void **state)
{
	uint32_t web = situation_container(&situation, "web", "docker"),
		 first = elsewhere("agent.service", "service", "agent", 42),
		 second = situation_process(&situation, situation.processes[1][first].container, "agent", 43);
	const struct finding *f;

	(void)state;
	situation_outside(&situation, web, first, NET);
	assert_int_equal(expect_first(&situation, "foreign_process", "web", "agent.service")->severity, FINDING_NOTICE);
	situation.outside[0].kinds |= MNT;
	situation_outside(&situation, web, second, MNT);
	f = expect_first(&situation, "foreign_process", "web", "agent.service");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "and 1 more of agent.service like it");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* Runtimes, their helpers, and containers that share a network do what they are there for. */
static void foreign_meant(void **state)
{
	uint32_t web = situation_container(&situation, "web", "docker"),
		 sidecar = situation_container(&situation, "sidecar", "docker"), p;
	struct container_row *rows = situation.containers[1];

	(void)state;
	p = situation_process(&situation, sidecar, "envoy", 50);
	situation_outside(&situation, web, p, NET | IPC | UTS);
	situation_outside(&situation, web, elsewhere("docker.service", "service", "dockerd", 51), NET);
	situation_outside(&situation, web, elsewhere("lxc.monitor.a", "runtime", "lxc-start", 52), MNT);
	situation_outside(&situation, web, elsewhere("user.service", "session", "rootlessport-ch", 53), NET | USER);
	expect_nothing(&situation);
	/* The same names elsewhere prove nothing. */
	situation.outside[3].kinds |= PID;
	expect_first(&situation, "foreign_process", "web", "user.service");
	situation.outside[3].kinds = NET;
	situation.outside[0].kinds |= PID;
	expect_first(&situation, "foreign_process", "web", "sidecar");
	rows[web].pod = rows[sidecar].pod = "shop-1";
	expect_nothing(&situation);
	rows[sidecar].namespace_ = "other";
	expect_first(&situation, "foreign_process", "web", "sidecar");
}

/* The machine's init, and a container whose process has its own namespaces but for those of the set. */
static uint32_t sharing(uint32_t kinds)
{
	uint32_t init = elsewhere("init.scope", "service", "systemd", 1),
		 c = situation_container(&situation, "web", "docker"),
		 p = situation_process(&situation, c, "nginx", 42);

	for (uint32_t kind = 0; kind < NAMESPACE_OWN; kind++) {
		situation.processes[1][init].namespaces[kind] = 100 + kind;
		situation.processes[1][p].namespaces[kind] = kinds >> kind & 1 ? 100 + kind : 200 + kind;
	}
	situation.containers[1][c].host_namespaces_known = true;
	situation.containers[1][c].host_namespaces = kinds;
	situation.containers[1][c].user_namespace = kinds & USER ? 105 : 205;
	return c;
}

static void host_namespaces(void **state)
{
	uint32_t c = sharing(PID | NET | USER | CGROUP);
	struct container_row *row = &situation.containers[1][c];
	const struct finding *f;

	(void)state;
	f = expect_first(&situation, "host_namespaces", "web", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	assert_int_equal(f->pid, 42);
	expect_words(f, "nginx (pid 42) in web shares pid, net with the machine");
	expect_words(f, "start it without --pid host --network host");
	row->capabilities_effective = 1ULL << 19 | 1ULL << 12;
	f = expect_first(&situation, "host_namespaces", "web", "");
	expect_words(f, "read and change their memory (SYS_PTRACE)");
	expect_words(f, "routes and firewall (NET_ADMIN)");
	row->pod = "web-0";
	expect_words(expect_first(&situation, "host_namespaces", "web", ""),
		     "take this out of the spec of pod web-0: hostPID hostNetwork");
	/* It may be a runtime's process that is not there yet. */
	situation.before.n_processes = 1;
	expect_nothing(&situation);
}

static void host_files(void **state)
{
	uint32_t c = sharing(MNT | USER);

	(void)state;
	assert_int_equal(expect_first(&situation, "host_namespaces", "web", "")->severity, FINDING_WARNING);
	situation.containers[1][c].host_namespaces_known = false;
	expect_nothing(&situation);
}

/* A cgroup that a scheduler of jobs calls a container: everything is the machine's, which nobody does by mistake. */
static void host_all(void **state)
{
	(void)state;
	sharing(PID | MNT | NET | UTS | IPC | USER | CGROUP);
	assert_int_equal(expect_first(&situation, "host_namespaces", "web", "")->severity, FINDING_NOTICE);
}

static bool judged(const char *rule)
{
	const struct findings *f = situation_judge(&situation);
	bool found = true;

	for (size_t i = 0; i < f->n_unjudged; i++)
		found &= strcmp(f->unjudged[i].rule, rule) != 0;
	return found;
}

/* User, cgroup and time namespaces are nothing special; and without the machine's init nothing is known. */
static void host_near(void **state)
{
	(void)state;
	sharing(USER | CGROUP);
	expect_nothing(&situation);
	assert_true(judged("host_namespaces"));
	situation.processes[1][0].pid = 77;
	assert_false(judged("host_namespaces"));
}

/* A container with SYS_ADMIN and NET_ADMIN, besides what Docker gives to all, that used the latter; watched for a minute. */
static uint32_t privileged(struct check_row *check)
{
	uint32_t c = sharing(USER);
	struct container_row *row = &situation.containers[1][c];

	row->capabilities_effective = row->capabilities_bounding = 1ULL << 21 | 1ULL << 12 | 1ULL << 0;
	row->oldest_process = 2;
	*check = (struct check_row){
		.container = c, .user_namespace = 105, .capability = 12, .comm = "nginx", .count = 3};
	situation.now.checks = check;
	situation.now.n_checks = 1;
	situation.now.time = situation.before.time + 60;
	situation.options.rules |= 1ULL << RULE_UNUSED_PRIVILEGE;
	situation.collectors[situation.now.n_collectors++] = (struct collector_row){"capabilities", true, 0};
	return c;
}

static void unused_privilege(void **state)
{
	struct check_row check;
	uint32_t c = privileged(&check);
	struct container_row *row = &situation.containers[1][c];
	const struct finding *f;

	(void)state;
	f = expect_first(&situation, "unused_privilege", "web", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	assert_int_equal(f->confidence, FINDING_LOW);
	expect_words(f, "web has SYS_ADMIN and did not use it in 60 s");
	expect_words(f, "of the powerful ones it used NET_ADMIN");
	expect_words(f, "it had run for 3540 s before; what it used then is not known");
	expect_words(f, "try it with --cap-drop SYS_ADMIN");
	row->pod = "web-0";
	expect_words(expect_first(&situation, "unused_privilege", "web", ""),
		     "securityContext.capabilities.drop: [SYS_ADMIN] in the spec of pod web-0");
	row->pod = "";
	/* The runtime's own checks are not the container's. */
	check.early = true;
	expect_words(expect_first(&situation, "unused_privilege", "web", ""), "web has NET_ADMIN, SYS_ADMIN");
}

static void unused_privilege_near(void **state)
{
	struct check_row check;
	uint32_t c = privileged(&check);
	struct container_row *row = &situation.containers[1][c];

	(void)state;
	/* It uses all of them, or has none that counts. */
	row->capabilities_effective = 1ULL << 12 | 1ULL << 0;
	expect_nothing(&situation);
	/* In a user namespace of its own they are no power over the machine. */
	row->capabilities_effective = 1ULL << 21;
	row->user_namespace = 77;
	expect_nothing(&situation);
	row->user_namespace = 105;
	/* It came while this watched. */
	situation.before.n_processes = 1;
	expect_nothing(&situation);
	situation.before.n_processes = 2;
	expect_first(&situation, "unused_privilege", "web", "");
	situation.now.time = situation.before.time + 10;
	assert_false(judged("unused_privilege"));
	situation.now.time = situation.before.time + 60;
	situation_collector_off(&situation, "capabilities");
	assert_false(judged("unused_privilege"));
	assert_int_equal(situation.diagnosis.findings.n, 0);
}

static void collectors_off(void **state)
{
	(void)state;
	sharing(MNT);
	situation_collector_off(&situation, "tasks");
	assert_false(judged("host_namespaces"));
	assert_false(judged("foreign_process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(foreign_process),
		situation_test(foreign_service),
		situation_test(foreign_meant),
		situation_test(host_namespaces),
		situation_test(host_files),
		situation_test(host_all),
		situation_test(host_near),
		situation_test(unused_privilege),
		situation_test(unused_privilege_near),
		situation_test(collectors_off),
	};

	return cmocka_run_group_tests_name("diagnose_foreign", tests, NULL, NULL);
}
