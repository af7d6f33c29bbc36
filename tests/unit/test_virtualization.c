/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_virtualization.c - what a machine is, from the CPU's word and folders that look like machines; the one that the test
 * runs on, compared with systemd-detect-virt; and the time that a hypervisor stole.
 */
#include <math.h>

#include "lib/cgroupfs_tree.h"
#include "lib/model_scene.h"
#include "machine/virtualization.h"
#include "sample/host.h"

static const struct cpu_hypervisor bare = {.known = true}, silent = {};

static struct cpu_hypervisor cpu_of(const char *signature)
{
	struct cpu_hypervisor cpu = {.known = true, .present = true};

	strcpy(cpu.signature, signature);
	return cpu;
}

#define DMI "/sys/class/dmi/id/"

static void machine_is(const struct tree *t, const struct cpu_hypervisor *cpu, const char *want)
{
	struct sample_virtualization v;

	virtualization_find(t->root, cpu, &v);
	assert_string_equal(v.machine, want);
}

static void machines(void **state)
{
	const struct tree *t = *state;
	struct cpu_hypervisor kvm = cpu_of("KVMKVMKVM"), tcg = cpu_of("TCGTCGTCGTCG"), hyperv = cpu_of("Microsoft Hv"),
			      xen = cpu_of("XenVMMXenVMM"), other = cpu_of("?");

	machine_is(t, &bare, "none");
	machine_is(t, &silent, ""); /* neither CPU nor firmware says anything */
	machine_is(t, &kvm, "kvm");
	machine_is(t, &tcg, "qemu");
	machine_is(t, &hyperv, "microsoft");
	machine_is(t, &other, "vm-other");

	tree_file(t, DMI "sys_vendor", "QEMU\n");
	machine_is(t, &kvm, "kvm");
	machine_is(t, &silent, "qemu");
	tree_file(t, DMI "product_name", "KVM Virtual Machine\n");
	machine_is(t, &silent, "kvm");
	tree_file(t, DMI "product_name", "VirtualBox\n");
	machine_is(t, &kvm, "oracle"); /* which runs on KVM, too */
	tree_file(t, DMI "product_name", "PowerEdge\n");
	tree_file(t, DMI "sys_vendor", "Dell Inc.\n");
	machine_is(t, &silent, "none");
	machine_is(t, &bare, "none");

	/* Whole machines are rented out under the cloud's name. */
	tree_file(t, DMI "sys_vendor", "Amazon EC2\n");
	tree_file(t, DMI "product_name", "m5.large\n");
	machine_is(t, &kvm, "amazon");
	machine_is(t, &bare, "none");
	machine_is(t, &silent, "amazon");
	tree_file(t, DMI "product_name", "m6g.metal\n");
	machine_is(t, &silent, "none");
	tree_remove(t, "/sys");

	tree_file(t, "/sys/hypervisor/type", "xen\n");
	machine_is(t, &bare, "xen");
	tree_file(t, "/proc/xen/capabilities", "\n");
	machine_is(t, &hyperv, "xen"); /* disguised */
	tree_file(t, "/proc/xen/capabilities", "control_d\n");
	machine_is(t, &xen, "none");
	machine_is(t, &kvm, "kvm"); /* Xen's first domain, in a virtual machine */
	tree_remove(t, "/proc/xen");
	tree_remove(t, "/sys");
	tree_file(t, "/proc/device-tree/hypervisor/compatible", "linux,kvm");
	machine_is(t, &silent, "kvm");
}

static void container_is(const struct tree *t, const char *want)
{
	struct sample_virtualization v;

	virtualization_find(t->root, &bare, &v);
	assert_string_equal(v.container, want);
}

/* tree_file writes texts; an environment has NULs. */
static void environment(const struct tree *t, const char *data, size_t size)
{
	char path[512];
	FILE *f;

	tree_dir(t, "/proc/1");
	snprintf(path, sizeof(path), "%s/proc/1/environ", t->root);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void containers(void **state)
{
	const struct tree *t = *state;
	char path[512];

	container_is(t, "none");
	tree_file(t, "/.dockerenv", "");
	container_is(t, "docker");
	tree_file(t, "/run/.containerenv", "");
	container_is(t, "podman");
	environment(t, "PATH=/bin\0container=lxc\0X=1", 27);
	container_is(t, "lxc");
	environment(t, "PATH=/bin\0container=oci", 23);
	container_is(t, "podman");
	environment(t, "xcontainer=lxc\0container=", 25);
	container_is(t, "podman");
	environment(t, "container=\x1b[31mnew", 18);
	container_is(t, "container-other");
	tree_file(t, "/run/systemd/container", "systemd-nspawn\n");
	container_is(t, "systemd-nspawn");
	tree_file(t, "/run/host/container-manager", "rkt\n");
	container_is(t, "rkt");
	tree_file(t, "/proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n");
	container_is(t, "wsl");

	/* sysscope in a container, with the machine's first process in sight: the machine is none. */
	tree_remove(t, "/proc");
	tree_dir(t, "/proc/1/root/run");
	container_is(t, "none");
	tree_file(t, "/proc/1/root/run/systemd/container", "lxc\n");
	container_is(t, "lxc");

	tree_remove(t, "/proc");
	tree_remove(t, "/run");
	tree_remove(t, "/.dockerenv");
	tree_dir(t, "/proc/self/ns");
	snprintf(path, sizeof(path), "%s/proc/self/ns/pid", t->root);
	assert_int_equal(symlink("pid:[4026531836]", path), 0);
	container_is(t, "none");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("pid:[4026532171]", path), 0);
	container_is(t, "container-other");
}

/* NULL: it is not installed here, or says nothing. */
static char *second_source(const char *command, char *line, int size)
{
	FILE *f = popen(command, "r");

	line[0] = '\0';
	if (!f || !fgets(line, size, f))
		line[0] = '\0';
	if (f)
		pclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line[0] ? line : NULL;
}

static void this_machine(void **state)
{
	struct sample_virtualization v;
	struct cpu_hypervisor cpu;
	char line[64];

	(void)state;
	cpu_hypervisor_read(&cpu);
	virtualization_find("", &cpu, &v);
	if (!second_source("systemd-detect-virt --vm 2>/dev/null", line, sizeof(line))) {
		skip();
		return;
	}
	assert_string_equal(v.machine, line);
	/* It also takes a cgroup namespace for a container. */
	if (second_source("systemd-detect-virt --container 2>/dev/null", line, sizeof(line)) &&
	    strcmp(line, "container-other") != 0)
		assert_string_equal(v.container, line);
}

/* ---- steal ---- */

static struct sample_host host_of(const struct tree *t, const char *stat)
{
	struct sample_host h = {};

	tree_file(t, "/proc/stat", stat);
	tree_file(t, "/proc/meminfo", "MemTotal: 1 kB\n");
	assert_int_equal(host_read(t->root, &h), 0);
	return h;
}

static void steal_read(void **state)
{
	const struct tree *t = *state;
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	struct sample_host h = host_of(t, "cpu  101 7 53 1009 11 3 5 211 97 2\ncpu0 1 2\n");

	assert_int_equal(h.steal_ns, 211 * tick_ns);
	assert_int_equal(h.cpu_busy_ns, (101 + 7 + 53 + 3 + 5) * tick_ns);
	assert_int_equal(h.cpu_all_ns, (101 + 7 + 53 + 1009 + 11 + 3 + 5 + 211) * tick_ns);
	assert_int_equal(h.n_each, 0); /* a line that says too little */
	assert_true(host_of(t, "cpu  101 7 53 1009 11 3 5\n").steal_ns == SS_UNKNOWN);
	h = host_of(t, "cpu  101 7 53 1009 11 3 5 211\ncpu0 2 3 5 7 11 13 17 19 9 9\ncpu7 1 1 1 1 1 1 1\nintr 5\ncpu");
	assert_int_equal(h.n_each, 2);
	assert_int_equal(h.each[0].busy_ns, (2 + 3 + 5 + 13 + 17) * tick_ns);
	assert_int_equal(h.each[0].all_ns, (2 + 3 + 5 + 7 + 11 + 13 + 17 + 19) * tick_ns);
	assert_int_equal(h.each[1].number, 7);
	assert_int_equal(h.each[1].all_ns, 7 * tick_ns);
}

static const double *steal_update(struct model *m, struct scene *s, uint64_t steal_ns)
{
	s->sample.host.steal_ns = steal_ns;
	s->sample.host.cpu_all_ns += 2000000000;
	assert_int_equal(model_update(m, &s->sample), 0);
	scene_tick(s, 1);
	return model_snapshot(m)->v;
}

static void steal_values(void **state)
{
	static struct scene s;
	struct model *m = model_new();
	const double *v;

	(void)state;
	scene_init(&s);
	s.sample.virtualization.machine = "kvm";
	v = steal_update(m, &s, 0);
	assert_true(value_absent(v[HOST_STEAL]) && value_absent(v[HOST_STEAL_RATIO]));
	v = steal_update(m, &s, 500000000);
	assert_float_equal(v[HOST_STEAL], 500000000, 0);
	assert_float_equal(v[HOST_STEAL_RATIO], 0.25, 1e-9);
	v = steal_update(m, &s, 400000000); /* never falls */
	assert_float_equal(v[HOST_STEAL], 500000000, 0);
	assert_float_equal(v[HOST_STEAL_RATIO], 0, 0);
	v = steal_update(m, &s, SS_UNKNOWN);
	assert_true(value_absent(v[HOST_STEAL]));
	model_free(m);

	m = model_new();
	s.sample.virtualization.machine = "none";
	v = steal_update(m, &s, 0);
	assert_float_equal(v[HOST_STEAL], 0, 0);
	assert_true(value_absent(v[HOST_STEAL_RATIO])); /* of which time? */
	v = steal_update(m, &s, 0);
	assert_float_equal(v[HOST_STEAL_RATIO], 0, 0);
	assert_string_equal(model_snapshot(m)->machine, "none");
	assert_null(model_snapshot(m)->in_container);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(machines),
		TEST(containers),
		cmocka_unit_test(this_machine),
		TEST(steal_read),
		cmocka_unit_test(steal_values),
	};

	return cmocka_run_group_tests_name("virtualization", tests, NULL, NULL);
}
