/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_cgroup_files.c - texts of cgroup files, lines of mountinfo and of /proc/PID/cgroup. The first byte chooses which. */
#include "cgroup/census.h"
#include "cgroup/files.h"
#include "cgroup/io.h"
#include "cgroup/io_limits.h"
#include "fuzz.h"

static int io_check(void *ctx, const struct sample_io *io)
{
	(void)ctx;
	must(io->cgroup_id == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n;
	const struct cgroup_file *files = cgroup_files(&n);
	struct cgroup_mount_line line;
	cgroup_io_limit_list limits = {};
	struct cgroup_counters c;
	char *text;

	if (!size)
		return 0;
	text = fuzz_string(data + 1, size - 1);
	if (data[0] == 255) {
		struct cgroup_membership m;

		if (cgroup_membership_parse(text, &m) == 0)
			must(m.path >= text && m.path < text + size);
	} else if (data[0] == 254) {
		cgroup_io_parse(text, size - 1, io_check, NULL);
	} else if (data[0] < 2 * n) {
		cgroup_counters_clear(&c);
		cgroup_file_parse(&files[data[0] % n], text, size - 1, &c);
		if (cgroup_io_limits_parse(&files[data[0] % n], text, size - 1, &limits) == 0)
			must(limits.n <= size / 4);
		list_free(&limits);
	} else if (cgroup_mount_line_parse(text, &line) == 0) {
		must(line.point >= text && line.point < text + size && line.root >= text && line.root < text + size);
		cgroup_list_has(line.options, "cpu");
	}
	free(text);
	return 0;
}
