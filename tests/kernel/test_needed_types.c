/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_needed_types.c - the programs are the same, to the instruction, whether libbpf finds their fields in all of this kernel's
 * types or in the few that the loader gives it.
 */
#include <bpf/bpf.h>

#include "lib/kernel_test.h"

#define PROGRAMS 128

static struct program {
	char name[BPF_OBJ_NAME_LEN];
	__u8 tag[BPF_TAG_SIZE]; /* hash of its instructions */
} all[PROGRAMS], few[PROGRAMS];

static bool is_program(int fd)
{
	char path[64], line[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strncmp(line, "prog_type:", 10) == 0;
	if (f)
		fclose(f);
	return found;
}

static int program_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct program));
}

/* The programs of this process, in an order that does not depend on descriptors. */
static size_t programs_read(struct program *list)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024 && n < PROGRAMS; fd++) {
		struct bpf_prog_info info = {};
		__u32 length = sizeof(info);

		if (!is_program(fd) || bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
			continue;
		memcpy(list[n].name, info.name, sizeof(list[n].name));
		memcpy(list[n++].tag, info.tag, sizeof(info.tag));
	}
	qsort(list, n, sizeof(*list), program_compare);
	return n;
}

/* Of a pipeline that is opened with this part broken; NULL: none. */
static size_t programs_of(const char *broken, struct program *list)
{
	_cleanup_buf_ struct buf said = {};
	struct pipeline_options o;
	struct pipeline *p;
	size_t n;

	pipeline_options_init(&o);
	o.break_collector = broken;
	if (pipeline_open(&p, &o, &said) < 0)
		return 0;
	n = programs_read(list);
	pipeline_close(p);
	return n;
}

int main(void)
{
	size_t n_all = programs_of("types", all), n_few = programs_of(NULL, few);

	check(n_all > 5, "programs with all types: %zu", n_all);
	check_equal("programs with those that they need", (double)n_few, (double)n_all);
	for (size_t i = 0; i < n_all && i < n_few; i++)
		if (program_compare(&all[i], &few[i]) != 0)
			check(false, "%s is the same", all[i].name);
	check(memcmp(all, few, sizeof(all)) == 0, "all of them are the same, to the instruction");
	return test_finish();
}
