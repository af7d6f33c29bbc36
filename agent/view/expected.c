/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expected.c - see expected.h.
 */
#include <string.h>

#include "base/util.h"
#include "view/expected.h"

const char *namespace_how_name(uint32_t how)
{
	static const char *const names[SS_NS_HOWS] = {"unknown", "clone", "unshare", "setns", "exec"};

	return how < SS_NS_HOWS ? names[how] : "unknown";
}

const char *home_kind_name(enum home_kind kind)
{
	static const char *const names[] = {
		[HOME_HOST] = "host",	    [HOME_KERNEL] = "kernel",	[HOME_CONTAINER] = "container",
		[HOME_POD] = "pod",	    [HOME_VM] = "vm",		[HOME_SERVICE] = "service",
		[HOME_SESSION] = "session", [HOME_RUNTIME] = "runtime", [HOME_CGROUP] = "cgroup",
	};

	return (unsigned int)kind < HOME_KINDS ? names[kind] : "unknown";
}

/* Prefixes of names. */
static const struct {
	const char *name;
	bool whole;	   /* the whole name, not a prefix */
	bool in_container; /* these are already in the container's cgroup when they create its namespaces */
} expected[] = {
	{"runc:[", false, true}, /* runc's init, stages 0 to 2 */
	{"runc", true, true},	     {"crun", true, true},
	{"youki", false, true},	     {"containerd-shim", false, false},
	{"containerd", true, false}, {"dockerd", true, false}, /* sets up networks in its own threads */
	{"conmon", false, false},    {"netavark", true, false},
	{"crio", true, false},	     {"lxc-", false, false},
	{"systemd", false, false}, /* systemd-nspawn, systemd-udevd, ... */
	{"(", false, false}, /* systemd's child before it executes a unit's program: "(httpd)", with PrivateTmp= and similar */
};

bool runtime_named(const char *comm, enum home_kind kind)
{
	bool inside = kind == HOME_CONTAINER || kind == HOME_POD;
	size_t length = strnlen(comm, SS_COMM_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		size_t n = strlen(expected[i].name);

		if (inside && !expected[i].in_container)
			continue;
		if (length >= n && memcmp(comm, expected[i].name, n) == 0 && (!expected[i].whole || length == n))
			return true;
	}
	return false;
}

bool namespace_transition_expected(const char *comm, enum home_kind kind, uint32_t signs)
{
	bool inside = kind == HOME_CONTAINER || kind == HOME_POD;

	return signs & SS_RUNTIME_HIDDEN || signs & (inside ? SS_RUNTIME_EARLY : SS_RUNTIME_LINK) ||
	       runtime_named(comm, kind);
}
