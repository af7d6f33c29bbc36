/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_machines.c - a virtual machine's CPU time, that of its virtual CPUs and the rest, beside /proc/PID/task/TID/schedstat: a
 * process with the names of Firecracker's threads; and, where there is KVM, a thread that runs a guest and has no name.
 */
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/kernel_test.h"

#define RUNS 3 /* threads that stay: two virtual CPUs, and the one that listens to the API */

static int told[2];

struct part {
	const char *name;
	double seconds;
	bool stays;
};

static void *part_run(void *ctx)
{
	const struct part *p = ctx;
	char c = 'r';

	prctl(PR_SET_NAME, p->name);
	burn(p->seconds);
	if (p->stays) {
		if (write(told[1], &c, 1) == 1)
			pause();
	}
	return NULL;
}

static void microvm(void *ctx)
{
	static const struct part parts[] = {
		{"fc_vcpu 0", 0.211, true},
		{"fc_vcpu 1", 0.101, true},
		{"fc_api", 0.053, true},
		{"worker", 0.031, false},
	};
	pthread_t threads[ARRAY_SIZE(parts)];
	char c = 'm';

	(void)ctx;
	prctl(PR_SET_NAME, "firecracker");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		pthread_create(&threads[i], NULL, part_run, (void *)&parts[i]);
	pthread_join(threads[RUNS], NULL);
	if (write(told[1], &c, 1) == 1)
		pause();
}

/* CPU time of the threads whose names begin so, in ns: the second source. */
static double threads_ns(pid_t pid, const char *prefix)
{
	char path[300], line[64] = "";
	double sum = 0;

	/* The numbers of a new process's threads follow its own, with others' between. */
	for (pid_t tid = pid; tid < pid + 4000; tid++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
		f = strncmp(line, prefix, strlen(prefix)) == 0 ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f))
			sum += strtod(line, NULL);
		fclose(f);
	}
	return sum;
}

static void named(void)
{
	const char *home = cgroup_make("machine");
	const struct container_row *row;
	const struct process_row *p;
	const struct snapshot *s;
	pid_t pid = run_in(home, microvm, NULL);
	double vcpu_ns, all_ns;
	char c[RUNS + 1];

	for (size_t n = 0; n < sizeof(c);) {
		ssize_t r = read(told[0], c, sizeof(c) - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	usleep(50000);
	s = snapshot_take();
	p = process_row_find(s, pid);
	row = row_find(s, home);
	vcpu_ns = threads_ns(pid, "fc_vcpu ");
	all_ns = threads_ns(pid, "");
	check(p && p->runs_machine, "the process runs a machine");
	check_equal("its virtual CPUs", p ? p->v[PROCESS_VCPUS] : -1, 2);
	check_within("what they used, beside /proc, in ms", p ? p->v[PROCESS_VCPU_CPU] / 1e6 : -1, vcpu_ns / 1e6, 0, 1);
	check(vcpu_ns >= 312e6, "which is what they burned: %.3f s", vcpu_ns / 1e9);
	check_equal("it and the rest are what the process used, the ended worker too, in ns",
		    p ? p->v[PROCESS_VCPU_CPU] + p->v[PROCESS_VM_IO_CPU] : -1, p ? p->v[PROCESS_CPU_USAGE] : -2);
	check(p && p->v[PROCESS_VM_IO_CPU] >= all_ns - vcpu_ns + 31e6 - 1e6, "the rest has the ended worker: %.3f s",
	      p ? p->v[PROCESS_VM_IO_CPU] / 1e9 : -1);
	check_equal("the home's virtual CPUs", row ? row->v[CONTAINER_VCPUS] : -1, 2);
	check_equal("what they used, in ns", row ? row->v[CONTAINER_VCPU_CPU] : -1, p ? p->v[PROCESS_VCPU_CPU] : -2);
	vcpu_ns = row ? row->v[CONTAINER_VCPU_CPU] : -1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check_equal("after its end the home still has that, in ns", container_value(home, CONTAINER_VCPU_CPU), vcpu_ns);
}

/* ---- KVM ---- */

static volatile bool guest_over;

static void on_signal(int number)
{
	(void)number;
	guest_over = true;
}

/* One virtual CPU in real mode, at an endless loop. */
static bool guest_run(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0), cpu;
	uint8_t *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = 0x1000, .memory_size = 4096, .userspace_addr = (uintptr_t)memory};
	struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
	struct kvm_sregs sregs;

	if (vm < 0 || memory == MAP_FAILED)
		return false;
	memcpy(memory, "\xeb\xfe", 2);
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0)
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(cpu, KVM_SET_REGS, &regs) < 0)
		return false;
	if (!mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0))
		return false;
	while (!guest_over)
		if (ioctl(cpu, KVM_RUN, 0) < 0 && errno != EINTR)
			return false;
	return true;
}

static void guest(void *ctx)
{
	struct sigaction a = {.sa_handler = on_signal};
	bool ran;
	char c;

	(void)ctx;
	sigaction(SIGALRM, &a, NULL);
	alarm(1);
	ran = guest_run();
	c = ran ? 'y' : 'n';
	if (write(told[1], &c, 1) == 1)
		pause();
}

/* Field 43 of /proc/PID/stat: what the kernel has counted as time in a guest. */
static unsigned long guest_time(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 4096, &text, NULL) < 0)
		return 0;
	p = strrchr(text, ')');
	for (int i = 0; i < 41 && p; i++)
		p = strchr(p + 1, ' ');
	return p ? strtoul(p, NULL, 10) : 0;
}

static void nameless(void)
{
	const char *home = cgroup_make("guest");
	const struct process_row *p;
	unsigned long ticks;
	char c = 'n';
	pid_t pid;

	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		printf("ok %d - # SKIP there is no KVM here\n", ++test_number);
		return;
	}
	pid = run_in(home, guest, NULL);
	if (read(told[0], &c, 1) == 1 && c == 'y') {
		ticks = guest_time(pid);
		p = process_row_find(snapshot_take(), pid);
		/* Some kinds of KVM count no guest time, and less than a tick is not in /proc. */
		check(p && (p->runs_machine || !ticks), "it runs a machine as the kernel says: %lu ticks in a guest",
		      ticks);
		check(p && (p->runs_machine ? p->v[PROCESS_VCPUS] == 1 : value_absent(p->v[PROCESS_VCPUS])),
		      "it has a virtual CPU if so");
	} else {
		printf("ok %d - # SKIP a guest cannot be run here\n", ++test_number);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(told) < 0)
		return 1;
	pipeline_start();
	named();
	nameless();
	return test_finish();
}
