/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expected.c - see namespaces.h.
 */
#include <string.h>

#include "base/util.h"
#include "view/expected.h"

const char *namespace_how_name(uint32_t how)
{
	static const char *const names[SS_NS_HOWS] = {"unknown", "clone", "unshare", "setns", "exec"};

	return how < SS_NS_HOWS ? names[how] : "unknown";
}

/* Beginnings of names. */
static const struct {
	const char *name;
	bool whole;	   /* the name is this and no more */
	bool in_container; /* also there: these are in the container's cgroup already when they make its namespaces */
} expected[] = {
	{"runc:[", false, true}, /* runc's init, stages 0 to 2 */
	{"runc", true, true},	     {"crun", true, true},
	{"youki", false, true},	     {"containerd-shim", false, false},
	{"containerd", true, false}, {"dockerd", true, false}, /* sets up networks in threads of its own */
	{"conmon", false, false},    {"netavark", true, false},
	{"crio", true, false},	     {"lxc-", false, false},
	{"systemd", false, false}, /* systemd-nspawn, systemd-udevd, ... */
	{"(", false, false}, /* systemd's child on its way to a unit's program: "(httpd)", with PrivateTmp= and its kin */
};

bool namespace_transition_expected(const char *comm, enum home_kind kind)
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
