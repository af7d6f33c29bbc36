/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_capabilities.c - a process that uses, is denied and only asks for capabilities, a known number of times each:
 * exactly these are counted, by name of the thread; probes without audit are not; what is done in a user namespace of its
 * own stands apart. Its sets are those of /proc/PID/status.
 */
#include <arpa/inet.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"
#include "kernel/loader.h"

#define CHROOTS	  7  /* used: SYS_CHROOT, once for each */
#define HOSTNAMES 11 /* denied: SYS_ADMIN, which is taken away before */
#define NICES	  5  /* used: SYS_NICE */
#define MAPS	  50 /* each asks for SYS_ADMIN without audit */

static int to_subject[2], from_subject[2];

static void capabilities_get(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	syscall(SYS_capget, &header, data);
}

/* Out of the effective and the permitted set. */
static void capability_drop(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	capabilities_get(data);
	data[capability / 32].effective &= ~(1u << capability % 32);
	data[capability / 32].permitted &= ~(1u << capability % 32);
	syscall(SYS_capset, &header, data);
}

static void told(void)
{
	char c = 'x';

	if (write(from_subject[1], &c, 1) != 1 || read(to_subject[0], &c, 1) != 1)
		_exit(0);
}

/* Nobody else does these in the test's own cgroup. */
static void subject(void *ctx)
{
	char name[64];

	(void)ctx;
	prctl(PR_SET_NAME, "captest");
	gethostname(name, sizeof(name));
	for (int i = 0; i < CHROOTS; i++)
		if (chroot("/") < 0)
			_exit(1);
	/* A value below the one that it has needs the capability each time. */
	setpriority(PRIO_PROCESS, 0, 10);
	for (int i = 0; i < NICES; i++)
		if (setpriority(PRIO_PROCESS, 0, 9 - i) < 0)
			_exit(1);
	for (int i = 0; i < MAPS; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(1);
		munmap(p, 1 << 20);
	}
	told();
	prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT);
	capability_drop(CAP_SYS_ADMIN);
	for (int i = 0; i < HOSTNAMES; i++)
		if (sethostname(name, strlen(name)) == 0)
			_exit(1);
	told();
	pause();
}

/* In a user namespace of its own: all capabilities, and none of them granted by anybody. */
static void subject_elsewhere(void *ctx)
{
	(void)ctx;
	prctl(PR_SET_NAME, "elsewhere");
	if (unshare(CLONE_NEWUSER | CLONE_NEWUTS) < 0)
		_exit(1);
	for (int i = 0; i < HOSTNAMES; i++)
		if (sethostname("x", 1) < 0)
			_exit(1);
	told();
	pause();
}

static pid_t subject_start(const char *box, void (*work)(void *ctx))
{
	if (pipe(to_subject) < 0 || pipe(from_subject) < 0)
		exit(1);
	return run_in(box, work, NULL);
}

static bool subject_heard(void)
{
	char c;

	close(from_subject[1]);
	return read(from_subject[0], &c, 1) == 1;
}

static void subject_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(to_subject[0]);
	close(to_subject[1]);
	close(from_subject[0]);
}

/* Checks of threads of this name; user_namespace 0: in any. */
static uint64_t checks(const struct snapshot *s, const char *comm, unsigned int capability, bool denied,
		       uint32_t user_namespace)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n_checks; i++) {
		const struct check_row *c = &s->checks[i];

		if (c->capability == capability && c->denied == denied && strcmp(c->comm, comm) == 0 &&
		    (!user_namespace || c->user_namespace == user_namespace))
			sum += c->count;
	}
	return sum;
}

static uint64_t status_set(pid_t pid, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, 1 << 16, &text, NULL) < 0)
		return 0;
	line = strstr(text, key);
	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static void check_sets(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process_row *p = &s->processes[i];

		if (p->pid != (uint32_t)pid)
			continue;
		check(p->capabilities_effective == status_set(pid, "CapEff:"), "effective set: saw %#lx, true is %#lx",
		      p->capabilities_effective, status_set(pid, "CapEff:"));
		check(p->capabilities_permitted == status_set(pid, "CapPrm:"), "permitted set: saw %#lx, true is %#lx",
		      p->capabilities_permitted, status_set(pid, "CapPrm:"));
		check(p->capabilities_bounding == status_set(pid, "CapBnd:") &&
			      !(p->capabilities_bounding >> CAP_SYS_BOOT & 1),
		      "bounding set: saw %#lx, true is %#lx", p->capabilities_bounding, status_set(pid, "CapBnd:"));
		return;
	}
	check(false, "the process is in the snapshot");
}

static void test_subject(const char *box)
{
	pid_t pid = subject_start(box, subject);
	const struct snapshot *s;
	uint64_t used = 0;

	if (!subject_heard()) {
		check(false, "the subject could do all that it had to");
		subject_end(pid);
		return;
	}
	s = snapshot_take();
	check_equal("used: SYS_CHROOT", (double)checks(s, "captest", CAP_SYS_CHROOT, false, 0), CHROOTS);
	check_equal("used: SYS_NICE", (double)checks(s, "captest", CAP_SYS_NICE, false, 0), NICES);
	check_equal("probes without audit are no use of SYS_ADMIN",
		    (double)checks(s, "captest", CAP_SYS_ADMIN, false, 0), 0);
	for (unsigned int i = 0; i < 64; i++)
		used += i != CAP_SYS_CHROOT && i != CAP_SYS_NICE ? checks(s, "captest", i, false, 0) : 0;
	check_equal("nothing else is used", (double)used, 0);
	if (write(to_subject[1], "x", 1) != 1)
		exit(1);
	close(to_subject[0]);
	if (subject_heard()) {
		s = snapshot_take();
		check_equal("denied: SYS_ADMIN", (double)checks(s, "captest", CAP_SYS_ADMIN, true, 0), HOSTNAMES);
		check_equal("and not used", (double)checks(s, "captest", CAP_SYS_ADMIN, false, 0), 0);
		check_sets(s, pid);
	} else {
		check(false, "the subject is denied what it has given up");
	}
	subject_end(pid);
}

static void test_elsewhere(const char *box)
{
	pid_t pid = subject_start(box, subject_elsewhere);
	const struct snapshot *s;
	uint64_t inside, all;
	struct stat st;
	char path[64];

	if (!subject_heard()) {
		printf("ok %d - a user namespace of its own # SKIP none may be made here\n", ++test_number);
		subject_end(pid);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	s = snapshot_take();
	inside = stat(path, &st) == 0 ? checks(s, "elsewhere", CAP_SYS_ADMIN, false, (uint32_t)st.st_ino) : 0;
	all = checks(s, "elsewhere", CAP_SYS_ADMIN, false, 0);
	/* Those of unshare itself are in addition; each sethostname is one. */
	check(inside >= HOSTNAMES, "used in a user namespace of its own: saw %lu there of %lu, true is %d or more",
	      inside, all, HOSTNAMES);
	subject_end(pid);
}

int main(int argc, char **argv)
{
	const char *box = cgroup_make("capabilities");
	struct pipeline_options options;

	pipeline_options_init(&options);
	options.requested = 1u << COLLECTOR_CAPABILITIES;
	hook_ask(&options, argc, "capabilities:load-best");
	pipeline_start_with(&options);
	hook_check(argc, argv, "capabilities");
	if (!pipeline_hook(test_pipeline, "capabilities")[0]) {
		printf("ok %d - # SKIP capability checks cannot be seen on this kernel: %s\n", ++test_number,
		       pipeline_hook_reason(test_pipeline, "capabilities"));
		return test_finish();
	}
	snapshot_take();
	test_subject(box);
	test_elsewhere(box);
	printf("# checks lost on this machine: %.0f\n", loss_count("capability_lost"));
	return test_finish();
}
