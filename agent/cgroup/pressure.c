/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pressure.c - see pressure.h. Keeps no state. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "cgroup/cgroupfs.h"
#include "cgroup/files.h"
#include "cgroup/pressure.h"

#define NS_PER_US 1000

static bool line_begins(const char *line, size_t length, const char *word)
{
	size_t n = strlen(word);

	return length > n && memcmp(line, word, n) == 0 && line[n] == ' ';
}

/* " total=" is the last word of the line. */
static int total_parse(const char *line, size_t length, uint64_t *ret_ns)
{
	static const char word[] = " total=";
	const char *at = memmem(line, length, word, sizeof(word) - 1);
	uint64_t us;
	int r;

	if (!at)
		return -EINVAL;
	at += sizeof(word) - 1;
	r = cgroup_parse_number(at, (size_t)(line + length - at), &us);
	if (r < 0)
		return r;
	return __builtin_mul_overflow(us, NS_PER_US, ret_ns) ? -ERANGE : 0;
}

int pressure_parse(const char *text, size_t length, uint64_t *ret_some_ns, uint64_t *ret_full_ns)
{
	const char *end = text + length;
	int result = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		uint64_t *ret, ns = 0;
		size_t n;
		int r;

		if (!newline)
			return result < 0 ? result : -EINVAL;
		n = (size_t)(newline - text);
		ret = line_begins(text, n, "some") ? ret_some_ns : line_begins(text, n, "full") ? ret_full_ns : NULL;
		r = ret ? total_parse(text, n, &ns) : 0;
		if (r < 0)
			result = r;
		else if (ret)
			*ret = ns;
		text = newline + 1;
	}
	return result;
}

/* Of a file of /proc; NULL: it is not there, or says that it is not supported. */
static char *proc_text(const char *root, const char *name)
{
	_cleanup_buf_ struct buf path = {};
	char *text = NULL;

	buf_printf(&path, "%s/proc/%s", root, name);
	return !path.failed && read_file(path.data, 1 << 16, &text, NULL) >= 0 ? text : NULL;
}

const char *pressure_reason(const char *root, bool carrying_v2)
{
	_cleanup_free_ char *machine = proc_text(root, "pressure/cpu"), *options = proc_text(root, "cmdline");

	if (!carrying_v2)
		return "cgroup v1 has no pressure of cgroups";
	if (options && cgroup_turned_off(options, "pressure"))
		return "it is turned off for cgroups (boot option cgroup_disable=pressure)";
	if (machine)
		return NULL;
	if (options && (strstr(options, "psi=0") || strstr(options, "psi=n")))
		return "it is turned off (boot option psi=0)";
	return "this kernel does not keep it unless it is booted with psi=1, or not at all (CONFIG_PSI)";
}
