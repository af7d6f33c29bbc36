/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtualization.c - see virtualization.h. The CPU is asked first where it tells, then what firmware and kernel have written
 * down. What none of them tells is not known, and is not "none".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/util.h"
#include "machine/virtualization.h"

#define FILE_MAX (64 * 1024)

/* What a text begins with, and what that means. */
struct sign {
	const char *text, *name;
};

/* Leaf 0x40000000 of CPUID. */
static const struct sign cpu_signs[] = {
	{"KVMKVMKVM", "kvm"},	       {"Linux KVM Hv", "kvm"}, {"TCGTCGTCGTCG", "qemu"},  {"VMwareVMware", "vmware"},
	{"Microsoft Hv", "microsoft"}, {"XenVMMXenVMM", "xen"}, {"bhyve bhyve ", "bhyve"}, {"QNXQVMBSQG", "qnx"},
	{"ACRNACRNACRN", "acrn"},      {"SRESRESRESRE", "sre"},
};

/* Fields of the firmware: DMI. */
static const struct sign firmware_signs[] = {
	{"KVM", "kvm"},
	{"OpenStack", "kvm"},
	{"KubeVirt", "kvm"},
	{"Amazon EC2", "amazon"},
	{"Google Compute Engine", "google"},
	{"QEMU", "qemu"},
	{"VMware", "vmware"},
	{"VMW", "vmware"},
	{"innotek GmbH", "oracle"},
	{"VirtualBox", "oracle"},
	{"Xen", "xen"},
	{"Bochs", "bochs"},
	{"Parallels", "parallels"},
	{"BHYVE", "bhyve"},
	{"Hyper-V", "microsoft"},
	{"Apple Virtualization", "apple"},
};

/* /proc/device-tree/hypervisor/compatible, on Arm. */
static const struct sign tree_signs[] = {{"linux,kvm", "kvm"}, {"xen", "xen"}, {"vmware", "vmware"}};

#define SIGN_OF(signs, text) sign_of(signs, ARRAY_SIZE(signs), text)
static const char *sign_of(const struct sign *signs, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, signs[i].text, strlen(signs[i].text)) == 0)
			return signs[i].name;
	return NULL;
}

/* A file's first line, up to a NUL; NULL: there is none. */
static char *line_read(const char *root, const char *path)
{
	_cleanup_buf_ struct buf whole = {};
	char *text = NULL;

	buf_printf(&whole, "%s%s", root, path);
	if (whole.failed || read_file(whole.data, FILE_MAX, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool is_there(const char *root, const char *path)
{
	_cleanup_buf_ struct buf whole = {};

	buf_printf(&whole, "%s%s", root, path);
	return !whole.failed && access(whole.data, F_OK) == 0;
}

/* ---- the machine ---- */

void cpu_hypervisor_read(struct cpu_hypervisor *ret)
{
	*ret = (struct cpu_hypervisor){};
#if defined(__x86_64__) || defined(__i386__)
	unsigned int a, b, c, d;

	ret->known = __get_cpuid(1, &a, &b, &c, &d) != 0;
	ret->present = ret->known && c >> 31;
	if (!ret->present)
		return;
	__cpuid(0x40000000U, a, b, c, d);
	memcpy(ret->signature, &b, 4);
	memcpy(ret->signature + 4, &c, 4);
	memcpy(ret->signature + 8, &d, 4);
#endif
}

/* *ret_read: the firmware says something, be it of a hypervisor or not. NULL: no hypervisor is named. */
static const char *firmware_read(const char *root, bool *ret_read)
{
	static const char *const fields[] = {"product_name", "sys_vendor", "board_vendor", "bios_vendor",
					     "product_version"};

	*ret_read = false;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_buf_ struct buf path = {};
		_cleanup_free_ char *text = NULL;
		const char *name;

		buf_printf(&path, "/sys/class/dmi/id/%s", fields[i]);
		text = path.failed ? NULL : line_read(root, path.data);
		if (!text)
			continue;
		*ret_read = true;
		name = SIGN_OF(firmware_signs, text);
		if (name)
			return name;
	}
	return NULL;
}

/* These clouds rent out whole machines, too, with the same names in the firmware: `amazon` has "m5.metal" as its product. */
static bool is_whole(const char *root, const char *name, const struct cpu_hypervisor *cpu)
{
	_cleanup_free_ char *product = NULL;
	size_t len;

	if (strcmp(name, "amazon") != 0 && strcmp(name, "google") != 0)
		return false;
	if (cpu->known)
		return !cpu->present;
	product = line_read(root, "/sys/class/dmi/id/product_name");
	len = product ? strlen(product) : 0;
	return len > strlen("metal") && strcmp(product + len - strlen("metal"), "metal") == 0;
}

/* Xen's first domain drives the hardware: it is not a guest of anybody but of what the CPU names. */
static bool xen_first(const char *root)
{
	_cleanup_free_ char *features = line_read(root, "/sys/hypervisor/properties/features");
	_cleanup_free_ char *capabilities = line_read(root, "/proc/xen/capabilities");

	if (features)
		return strtoul(features, NULL, 16) >> 11 & 1;
	return capabilities && strstr(capabilities, "control_d");
}

/* NULL: nothing was found. */
static const char *kernel_names(const char *root)
{
	_cleanup_free_ char *type = line_read(root, "/sys/hypervisor/type");
	_cleanup_free_ char *tree = line_read(root, "/proc/device-tree/hypervisor/compatible");

	if (type)
		return strcmp(type, "xen") == 0 ? "xen" : "vm-other";
	return tree ? SIGN_OF(tree_signs, tree) ?: "vm-other" : NULL;
}

/* These run on KVM or show themselves as another's: their own name says more. */
static bool goes_first(const char *firmware)
{
	static const char *const names[] = {"oracle", "xen", "amazon", "google", "parallels"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(firmware, names[i]) == 0)
			return true;
	return false;
}

/* "": not known. */
static const char *machine_find(const char *root, const struct cpu_hypervisor *cpu)
{
	const char *by_cpu = cpu->present ? SIGN_OF(cpu_signs, cpu->signature) : NULL, *by_kernel;
	bool xen = is_there(root, "/proc/xen"), first = xen && xen_first(root), read;
	const char *firmware = firmware_read(root, &read);

	if (firmware && is_whole(root, firmware, cpu))
		firmware = NULL;
	if (firmware && goes_first(firmware))
		return firmware;
	if (xen && !first)
		return "xen";
	if (by_cpu && !(first && strcmp(by_cpu, "xen") == 0))
		return by_cpu;
	if (first)
		return "none";
	if (firmware)
		return firmware;
	by_kernel = kernel_names(root);
	if (by_kernel)
		return by_kernel;
	if (cpu->present)
		return "vm-other";
	return cpu->known || read ? "none" : "";
}

/* ---- the container ---- */

static const struct sign managers[] = {
	{"lxc-libvirt", "lxc-libvirt"},
	{"lxc", "lxc"},
	{"systemd-nspawn", "systemd-nspawn"},
	{"docker", "docker"},
	{"podman", "podman"},
	{"rkt", "rkt"},
	{"wsl", "wsl"},
	{"proot", "proot"},
	{"pouch", "pouch"},
};

/* NULL: none. */
static const char *marks_find(const char *root)
{
	if (is_there(root, "/run/.containerenv"))
		return "podman";
	return is_there(root, "/.dockerenv") ? "docker" : NULL;
}

static const char *manager_named(const char *root, const char *name)
{
	/* Images say this of themselves, whoever runs them. */
	if (strcmp(name, "oci") == 0)
		return marks_find(root) ?: "container-other";
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if (strcmp(name, managers[i].text) == 0)
			return managers[i].name;
	return "container-other";
}

/* The variable `container` of the first process, malloc'ed; NULL: it has none, or its environment is not readable. */
static char *init_variable(const char *proc)
{
	static const char name[] = "container=";
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf path = {};
	size_t len = 0;

	buf_printf(&path, "%s/proc/1/environ", proc);
	if (path.failed || read_file(path.data, FILE_MAX, &text, &len) < 0)
		return NULL;
	for (const char *p = text, *end = text + len; p < end; p += strlen(p) + 1)
		if (strncmp(p, name, strlen(name)) == 0)
			return strdup(p + strlen(name));
	return NULL;
}

/* The first pid namespace of a kernel has this number: PROC_PID_INIT_INO. */
static bool in_pid_namespace(const char *root)
{
	_cleanup_buf_ struct buf path = {};
	char text[64];
	ssize_t n;

	buf_printf(&path, "%s/proc/self/ns/pid", root);
	n = path.failed ? -1 : readlink(path.data, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	return strcmp(text, "pid:[4026531836]") != 0;
}

/* Below `root` are the files of the first process, below `proc` is /proc. */
static const char *container_find(const char *root, const char *proc)
{
	static const char *const files[] = {"/run/host/container-manager", "/run/systemd/container"};
	_cleanup_free_ char *release = line_read(proc, "/proc/sys/kernel/osrelease");
	_cleanup_free_ char *variable = NULL;
	const char *mark;

	if (is_there(proc, "/proc/vz") && !is_there(proc, "/proc/bc"))
		return "openvz";
	if (release && (strstr(release, "Microsoft") || strstr(release, "WSL")))
		return "wsl";
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *name = line_read(root, files[i]);

		if (name && *name)
			return manager_named(root, name);
	}
	variable = init_variable(proc);
	if (variable && *variable)
		return manager_named(root, variable);
	mark = marks_find(root);
	if (mark)
		return mark;
	return in_pid_namespace(proc) ? "container-other" : "none";
}

void virtualization_find(const char *root, const struct cpu_hypervisor *cpu, struct sample_virtualization *ret)
{
	_cleanup_buf_ struct buf init = {};

	/* In a container that has the machine's pid namespace, the files are those of the machine, not those of sysscope. */
	buf_printf(&init, "%s/proc/1/root", root);
	*ret = (struct sample_virtualization){
		.machine = machine_find(root, cpu),
		.container = container_find(!init.failed && is_there(init.data, "/") ? init.data : root, root),
	};
}
