/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pseudonyms.c - see pseudonyms.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/util.h"
#include "past/pseudonyms.h"

struct known_name {
	char *text, *stands; /* owned */
	uint64_t hash;
};

struct pseudonyms {
	LIST(struct known_name) names;
	uint32_t *slots; /* name + 1; twice as many as names, a power of two */
	size_t n_slots;
	struct hash_seed seed;
	struct buf path; /* the latest that was made */
	bool failed;
};

/* ---- what is kept ---- */

/* Fields that hold words of sysscope, of the kernel, or of the hardware. */
static const char *const kept_fields[] = {
	"host.kernel",
	"host.machine",
	"host.in_container",
	"host.attributed_reason",
	"host.pressure_reason",
	"host.rollup.reason",
	"containers.runtime",
	"containers.kind",
	"containers.state",
	"processes.model",
	"loops.last_stall.cause",
	"stalls.stall.cause",
	"transitions.how",
	"ports.direction",
	"births.state",
	"births.ready_by",
	"oom_kills.exhausted",
	"oom_kills.limit_scope",
	"losses.kind",
	"collectors.name",
	"event.how",
	"event.runtime",
	"event.container_kind",
	"oom.exhausted",
	"oom.limit_scope",
	"stall.cause",
};

/* What runs containers, and what sysscope calls things; also the parts of paths that every machine has. */
static const char *const kept_words[] = {
	"host",
	"kernel",
	"~other",
	"docker",
	"containerd",
	"containerd-shim",
	"dockerd",
	"runc",
	"crun",
	"crio",
	"conmon",
	"podman",
	"kubelet",
	"systemd",
	"sysscope",
	"kthreadd",
	"lo",
	"eth0",
	"system.slice",
	"user.slice",
	"machine.slice",
	"init.scope",
	"kubepods",
	"kubepods.slice",
	"besteffort",
	"burstable",
	"kubelet.slice",
	"lxc",
	"libpod_parent",
	"kubepods-besteffort.slice",
	"session",
	"kubepods-burstable.slice",
};

/* Around the part of a path that is a name or an id. */
static const char *const path_begins[] = {"cri-containerd-", "crio-", "docker-", "libpod-", "lxc.payload."};
static const char *const path_ends[] = {".scope", ".service", ".slice", ".mount", ".socket"};

/* What a name is called, by its field; the first that fits. */
static const struct {
	const char *field, *prefix;
} prefixes[] = {
	{"hostname", "host"},
	{"image", "image"},
	{"pod", "pod"},
	{"namespace_", "namespace"},
	{"id", "id"},
	{"device", "disk"},
	{"bridge", "net"},
	{"host_interface", "net"},
	{"thread", "thread"},
	{"comm", "process"},
	{"exit_comm", "process"},
	{"asker", "process"},
	{"guest", "machine"},
	{"evidence.pool_name", "thread"},
	{"name", "container"},
	{"container", "container"},
	{"container_name", "container"},
	{"runner", "container"},
	{"container_id", "id"},
	{"container_pod", "pod"},
};

static bool word_in(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

int pseudonym_is_kept(const char *table, const char *field)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", table, field);
	return word_in(kept_fields, ARRAY_SIZE(kept_fields), name);
}

/* Of a disk that the kernel named: sda1, vdb, nvme0n1p2, dm-3, loop7. */
static bool disk_is_plain(const char *name)
{
	static const char *const begins[] = {"sd",   "vd", "xvd", "hd",	    "nvme", "dm-",
					     "loop", "md", "sr",  "mmcblk", "zram", "nbd"};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		size_t n = strlen(begins[i]);
		const char *rest = name + n;

		if (strncmp(name, begins[i], n) == 0 && strlen(rest) <= 6 &&
		    strspn(rest, "abcdefghijkpn0123456789") == strlen(rest))
			return true;
	}
	return false;
}

static const char *prefix_of(const char *table, const char *field)
{
	if (strcmp(table, "devices") == 0)
		return "disk";
	if (strcmp(table, "interfaces") == 0)
		return "net";
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strcmp(prefixes[i].field, field) == 0)
			return prefixes[i].prefix;
	return "name";
}

/* ---- the names ---- */

static size_t name_slot(const struct pseudonyms *p, uint64_t hash, const char *text, size_t n)
{
	size_t i = hash & (p->n_slots - 1);

	for (; p->slots[i]; i = (i + 1) & (p->n_slots - 1)) {
		const struct known_name *one = &p->names.at[p->slots[i] - 1];

		if (one->hash == hash && strncmp(one->text, text, n) == 0 && !one->text[n])
			break;
	}
	return i;
}

static int name_slots_grow(struct pseudonyms *p)
{
	size_t n = p->n_slots ? p->n_slots * 2 : 256;
	uint32_t *slots;

	if (p->names.n * 2 < p->n_slots)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
	for (size_t i = 0; i < p->names.n; i++) {
		const struct known_name *one = &p->names.at[i];

		slots[name_slot(p, one->hash, one->text, strlen(one->text))] = (uint32_t)i + 1;
	}
	return 0;
}

/* What stands for the first n bytes of the text. */
static const char *name_stands(struct pseudonyms *p, const char *prefix, const char *text, size_t n)
{
	_cleanup_free_ char *copy = strndup(text, n);
	uint64_t hash;
	size_t slot;

	if (!copy || name_slots_grow(p) < 0 || list_reserve(&p->names, p->names.n + 1) < 0) {
		p->failed = true;
		return "?";
	}
	hash = hash_text(&p->seed, 0, copy);
	slot = name_slot(p, hash, text, n);
	if (!p->slots[slot]) {
		struct known_name one = {.hash = hash};

		if (asprintf(&one.stands, "%s-%zu", prefix, p->names.n + 1) < 0) {
			p->failed = true;
			return "?";
		}
		one.text = copy;
		copy = NULL;
		p->names.at[p->names.n++] = one;
		p->slots[slot] = (uint32_t)p->names.n;
	}
	return p->names.at[p->slots[slot] - 1].stands;
}

/* ---- paths ---- */

static void part_put(struct pseudonyms *p, const char *part, size_t n)
{
	const char *begin = "", *end = "";
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1), part);
	if (!n || (n < sizeof(word) && word_in(kept_words, ARRAY_SIZE(kept_words), word))) {
		buf_add(&p->path, part, n);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(path_begins); i++)
		if (n > strlen(path_begins[i]) && strncmp(part, path_begins[i], strlen(path_begins[i])) == 0)
			begin = path_begins[i];
	for (size_t i = 0; i < ARRAY_SIZE(path_ends); i++) {
		size_t length = strlen(path_ends[i]);

		if (n > strlen(begin) + length && strncmp(part + n - length, path_ends[i], length) == 0)
			end = path_ends[i];
	}
	buf_str(&p->path, begin);
	buf_str(&p->path, name_stands(p, "name", part + strlen(begin), n - strlen(begin) - strlen(end)));
	buf_str(&p->path, end);
}

/* Each of its parts for itself, so that what is below something stays below it. */
static const char *path_stands(struct pseudonyms *p, const char *path)
{
	buf_reset(&p->path);
	for (;;) {
		size_t n = strcspn(path, "/");

		part_put(p, path, n);
		path += n;
		if (!*path)
			break;
		buf_char(&p->path, *path++);
	}
	p->failed |= p->path.failed;
	return p->path.data && !p->path.failed ? p->path.data : "?";
}

/* ---- */

const char *pseudonym(void *pseudonyms, const char *table, const char *field, const char *text)
{
	struct pseudonyms *p = pseudonyms;
	const char *prefix;

	if (!*text || pseudonym_is_kept(table, field))
		return text;
	if (strcmp(field, "labels") == 0)
		return "";
	if (text[0] == '/')
		return path_stands(p, text);
	prefix = prefix_of(table, field);
	if (word_in(kept_words, ARRAY_SIZE(kept_words), text) || (strcmp(prefix, "disk") == 0 && disk_is_plain(text)))
		return text;
	return name_stands(p, prefix, text, strlen(text));
}

int pseudonyms_failed(const struct pseudonyms *p)
{
	return p->failed ? -ENOMEM : 0;
}

void pseudonyms_page(struct pseudonyms *p, struct buf *out, const char *page)
{
	static const char *const everywhere[] = {"/sys/fs/cgroup", "/proc/", "/sys/kernel/"};

	while (*page) {
		size_t n = strcspn(page, " \t\n,;:()'\"");
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(everywhere); i++)
			known |= strncmp(page, everywhere[i], strlen(everywhere[i])) == 0;
		if (*page == '/' && !known) {
			_cleanup_free_ char *path = strndup(page, n);

			buf_str(out, path ? path_stands(p, path) : "?");
		} else {
			buf_add(out, page, n);
		}
		page += n;
		if (*page)
			buf_char(out, *page++);
	}
}

struct pseudonyms *pseudonyms_new(void)
{
	struct pseudonyms *p = calloc(1, sizeof(*p));

	if (p)
		hash_seed_make(&p->seed);
	return p;
}

void pseudonyms_free(struct pseudonyms *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->names.n; i++) {
		free(p->names.at[i].text);
		free(p->names.at[i].stands);
	}
	list_free(&p->names);
	free(p->slots);
	buf_free(&p->path);
	free(p);
}
