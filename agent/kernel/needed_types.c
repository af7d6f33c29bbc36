/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * needed_types.c - see needed_types.h. A program that reads a field says the name of the type and the way to the field; libbpf
 * finds the offset in the kernel's type. So a type is taken with all that is embedded in it. What a pointer points to is not: a
 * field behind it is named by a type of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <libelf.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/list.h"
#include "base/util.h"
#include "kernel/needed_types.h"

/* A name that the programs have; the text is that of the object's type information. */
struct needed_name {
	const char *text;
	UT_hash_handle hh;
};

struct needed {
	const struct btf *kernel;
	struct btf *made;
	struct needed_name *names;
	uint32_t *
		made_of; /* by number of a type of the kernel: its number among those that are made; 0: it is not taken */
	LIST(uint32_t) taken; /* by number of a type that is made, less 1: its number in the kernel */
};

/* ---- names ---- */

static bool can_be_named(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t);
}

/* "task_struct" of task_struct___state, as libbpf has it. */
static size_t essential_length(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour > name ? (size_t)(flavour - name) : strlen(name);
}

static int needed_name_add(struct needed *n, const char *text)
{
	size_t length = essential_length(text);
	struct needed_name *name;

	HASH_FIND(hh, n->names, text, length, name);
	if (!length || name)
		return 0;
	name = calloc(1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	name->text = text;
	HASH_ADD_KEYPTR(hh, n->names, name->text, length, name);
	if (name->hh.tbl)
		return 0;
	free(name);
	return -ENOMEM;
}

/* The type information in an ELF file, NULL: there is none. */
static struct btf *object_btf(const void *object, size_t size)
{
	Elf_Scn *section = NULL;
	struct btf *btf = NULL;
	size_t names;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	elf = elf_memory((char *)(uintptr_t)object, size);
	if (!elf || elf_getshdrstrndx(elf, &names) < 0)
		goto out;
	while (!btf && (section = elf_nextscn(elf, section))) {
		const Elf64_Shdr *header = elf64_getshdr(section);
		const char *name = header ? elf_strptr(elf, names, header->sh_name) : NULL;
		const Elf_Data *data = name && strcmp(name, BTF_ELF_SEC) == 0 ? elf_getdata(section, NULL) : NULL;

		if (data && data->d_size <= UINT32_MAX)
			btf = btf__new(data->d_buf, (__u32)data->d_size);
	}
out:
	elf_end(elf);
	return btf;
}

static int needed_names_take(struct needed *n, const struct btf *object)
{
	int r = 0;

	for (__u32 id = 1; id < btf__type_cnt(object) && r == 0; id++) {
		const struct btf_type *t = btf__type_by_id(object, id);

		if (can_be_named(t))
			r = needed_name_add(n, btf__name_by_offset(object, t->name_off));
	}
	return r;
}

/* ---- types ---- */

/* The number among those that are made of this type of the kernel; a new one is a copy that still refers to the kernel's. */
static int type_take(struct needed *n, __u32 id, __u32 *ret)
{
	int made;

	*ret = n->made_of[id];
	if (!id || *ret)
		return 0;
	if (list_reserve(&n->taken, n->taken.n + 1) < 0)
		return -ENOMEM;
	made = btf__add_type(n->made, n->kernel, btf__type_by_id(n->kernel, id));
	if (made < 0)
		return made;
	n->taken.at[n->taken.n++] = id;
	n->made_of[id] = *ret = (__u32)made;
	return 0;
}

static int fields_take(struct needed *n, __u32 made)
{
	int r = 0;

	for (__u16 i = 0; i < btf_vlen(btf__type_by_id(n->made, made)) && r == 0; i++) {
		__u32 type;

		r = type_take(n, btf_members(btf__type_by_id(n->made, made))[i].type, &type);
		/* What was added may have moved the others. */
		if (r == 0)
			btf_members(btf__type_by_id(n->made, made))[i].type = type;
	}
	return r;
}

static int array_take(struct needed *n, __u32 made)
{
	__u32 element, index;
	int r = type_take(n, btf_array(btf__type_by_id(n->made, made))->type, &element);

	if (r == 0)
		r = type_take(n, btf_array(btf__type_by_id(n->made, made))->index_type, &index);
	if (r < 0)
		return r;
	btf_array(btf__type_by_id(n->made, made))->type = element;
	btf_array(btf__type_by_id(n->made, made))->index_type = index;
	return 0;
}

/* Takes what lies in a type that is made, and has it refer to that. */
static int type_complete(struct needed *n, __u32 made)
{
	struct btf_type *t = (struct btf_type *)(uintptr_t)btf__type_by_id(n->made, made);
	__u32 type = 0;
	int r = 0;

	if (btf_is_composite(t))
		return fields_take(n, made);
	if (btf_is_array(t))
		return array_take(n, made);
	/* Only what a pointer points to is called. */
	if (btf_is_func_proto(t)) {
		t->type = 0;
		for (__u16 i = 0; i < btf_vlen(t); i++)
			btf_params(t)[i].type = 0;
		return 0;
	}
	if (!btf_is_ptr(t) && !btf_is_mod(t) && !btf_is_typedef(t) && btf_kind(t) != BTF_KIND_TYPE_TAG)
		return 0;
	if (!btf_is_ptr(t))
		r = type_take(n, t->type, &type);
	if (r == 0)
		((struct btf_type *)(uintptr_t)btf__type_by_id(n->made, made))->type = type;
	return r;
}

static int types_take(struct needed *n)
{
	int r = 0;

	for (__u32 id = 1; id < btf__type_cnt(n->kernel) && r == 0; id++) {
		const struct btf_type *t = btf__type_by_id(n->kernel, id);
		struct needed_name *name;
		const char *text;
		__u32 made;

		if (!can_be_named(t))
			continue;
		text = btf__name_by_offset(n->kernel, t->name_off);
		HASH_FIND(hh, n->names, text, essential_length(text), name);
		if (name)
			r = type_take(n, id, &made);
	}
	/* The list grows meanwhile. */
	for (size_t i = 0; i < n->taken.n && r == 0; i++)
		r = type_complete(n, (__u32)i + 1);
	return r;
}

/* ---- the file ---- */

static int file_write(const struct btf *btf, char path[NEEDED_TYPES_PATH])
{
	_cleanup_close_ int fd = memfd_create("sysscope-types", MFD_CLOEXEC), again = -1;
	const char *data;
	__u32 size, done = 0;
	int ret;

	data = btf__raw_data(btf, &size);
	if (!data)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0)
			return -errno;
		done += (__u32)n;
	}
	snprintf(path, NEEDED_TYPES_PATH, "/proc/self/fd/%d", fd);
	/* libbpf loads nothing if it cannot open the file: without /proc, or the right to see it, it shall do without. */
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return -errno;
	ret = fd;
	fd = -1;
	return ret;
}

int needed_types_make(const struct btf *kernel, const void *object, size_t size, char path[NEEDED_TYPES_PATH])
{
	struct btf *own = object_btf(object, size);
	struct needed n = {.kernel = kernel, .made = btf__new_empty()};
	struct needed_name *name, *next;
	int r = -ENOMEM;

	n.made_of = calloc(btf__type_cnt(kernel), sizeof(*n.made_of));
	if (own && n.made && n.made_of)
		r = needed_names_take(&n, own);
	if (r == 0)
		r = types_take(&n);
	if (r == 0)
		r = file_write(n.made, path);
	HASH_ITER (hh, n.names, name, next) {
		HASH_DEL(n.names, name);
		free(name);
	}
	list_free(&n.taken);
	free(n.made_of);
	btf__free(n.made);
	btf__free(own);
	return r;
}
