/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load_each.c - `load_each OBJECT FOLDER`: loads and attaches every program of the BPF object by itself on this kernel,
 * one line each: "ok NAME INSTRUCTIONS" or "refused NAME ERROR", and for the latter the verifier's words in
 * FOLDER/NAME.log. Says which single program a kernel refuses, whatever the loader made of it. Run by guest/run.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

static char verifier_log[1 << 20];
static bool task_storage;

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static bool probe_task_storage(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "bpf_map_type", BTF_KIND_ENUM) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	bool found = false;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), "BPF_MAP_TYPE_TASK_STORAGE") == 0)
			found = true;
	btf__free(btf);
	return found;
}

static void log_save(const char *folder, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.log", folder, name);
	f = fopen(path, "we");
	if (!f)
		return;
	fputs(verifier_log, f);
	fclose(f);
}

static struct bpf_object *object_open(const char *path)
{
	struct bpf_object *o = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!o) {
		fprintf(stderr, "load_each: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	bpf_object__for_each_map(map, o) if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE && !task_storage)
		bpf_map__set_autocreate(map, false);
	return o;
}

static void try_one(const char *path, const char *name, const char *folder)
{
	struct bpf_object *o = object_open(path);
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);
	struct bpf_prog_info info = {};
	unsigned int size = sizeof(info);
	struct bpf_link *link;
	int r;

	verifier_log[0] = '\0';
	bpf_program__set_autoload(p, true);
	bpf_program__set_log_buf(p, verifier_log, sizeof(verifier_log));
	r = bpf_object__load(o);
	if (r < 0) {
		printf("refused %s %s\n", name, strerror(-r));
		log_save(folder, name);
	} else {
		link = bpf_program__attach(p);
		if (!link)
			printf("refused %s attach: %s\n", name, strerror(errno));
		else if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) == 0)
			printf("ok %s %u\n", name, info.verified_insns);
		bpf_link__destroy(link);
	}
	bpf_object__close(o);
}

int main(int argc, char **argv)
{
	struct bpf_program *p;
	struct bpf_object *o;

	if (argc != 3) {
		fprintf(stderr, "usage: load_each OBJECT FOLDER\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(print_nothing);
	task_storage = probe_task_storage();
	o = object_open(argv[1]);
	bpf_object__for_each_program(p, o) try_one(argv[1], bpf_program__name(p), argv[2]);
	bpf_object__close(o);
	return 0;
}
