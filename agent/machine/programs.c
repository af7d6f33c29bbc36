/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.c - see programs.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "machine/programs.h"

/* QEMU under its many names, Firecracker, Cloud Hypervisor, crosvm. */
bool program_runs_machines(const char *comm)
{
	static const char *const names[] = {"qemu-kvm", "kvm", "firecracker", "cloud-hyperviso", "crosvm"};

	if (!comm[0] || !strchr("qkfc", comm[0]))
		return false;
	if (strncmp(comm, "qemu-system-", strlen("qemu-system-")) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(comm, names[i]) == 0)
			return true;
	return false;
}

bool comm_is_numbered(const char *comm, const char *prefix, const char *end)
{
	size_t n = strlen(prefix), digits;

	if (strncmp(comm, prefix, n) != 0)
		return false;
	digits = strspn(comm + n, "0123456789");
	return digits && (*end ? strncmp(comm + n + digits, end, strlen(end)) == 0 : !comm[n + digits]);
}

/* QEMU: CPU 0/KVM; with one thread for all, ALL CPUs/TCG. Firecracker: fc_vcpu 0. Cloud Hypervisor: vcpu0. */
bool thread_is_vcpu(const char *comm)
{
	return comm_is_numbered(comm, "CPU ", "/") || strncmp(comm, "ALL CPUs/", strlen("ALL CPUs/")) == 0 ||
	       comm_is_numbered(comm, "fc_vcpu ", "") || comm_is_numbered(comm, "vcpu", "") ||
	       comm_is_numbered(comm, "crosvm_vcpu", "");
}

/* ---- the command line ---- */

/* One item of a list with commas, two of which stand for one; *at is NULL after the last. */
static void item_next(const char **at, char *to, size_t size)
{
	const char *p = *at;
	size_t n = 0;

	while (*p && (p[0] != ',' || p[1] == ',')) {
		if (n + 1 < size)
			to[n++] = *p;
		p += p[0] == ',' ? 2 : 1;
	}
	to[n] = '\0';
	*at = *p ? p + 1 : NULL;
}

/* QEMU's "web,process=x" or "guest=web,debug-threads=on": the first item may leave out what it is. */
static void name_of_qemu(const char *value, char ret[GUEST_NAME_MAX])
{
	static const char key[] = "guest=";
	char item[GUEST_NAME_MAX + sizeof(key)];

	for (const char *at = value; at;) {
		bool first = at == value;

		item_next(&at, item, sizeof(item));
		if (strncmp(item, key, strlen(key)) == 0)
			memmove(item, item + strlen(key), strlen(item + strlen(key)) + 1);
		else if (!first || strchr(item, '='))
			continue;
		item[GUEST_NAME_MAX - 1] = '\0';
		strcpy(ret, item);
	}
}

static void name_take(const char *value, char ret[GUEST_NAME_MAX])
{
	snprintf(ret, GUEST_NAME_MAX, "%.*s", GUEST_NAME_MAX - 1, value);
}

/* QEMU has -name or --name, Firecracker --id. */
void guest_name_find(const char *arguments, size_t len, char ret[GUEST_NAME_MAX])
{
	const char *end = arguments + len;
	bool name = false, id = false;

	ret[0] = '\0';
	for (const char *a = arguments; a < end && !ret[0]; a += strnlen(a, (size_t)(end - a)) + 1) {
		char value[4 * GUEST_NAME_MAX];

		snprintf(value, sizeof(value), "%.*s", (int)strnlen(a, (size_t)(end - a)), a);
		if (name)
			name_of_qemu(value, ret);
		else if (id)
			name_take(value, ret);
		else if (strncmp(value, "--id=", strlen("--id=")) == 0)
			name_take(value + strlen("--id="), ret);
		name = strcmp(value, "-name") == 0 || strcmp(value, "--name") == 0;
		id = strcmp(value, "--id") == 0;
	}
}
