/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prometheus_internal.h - what the files that put rows into series share. No other file includes it. */
#ifndef SYSSCOPE_PROMETHEUS_INTERNAL_H
#define SYSSCOPE_PROMETHEUS_INTERNAL_H

#include "base/hash.h"
#include "base/util.h"
#include "exporters/prometheus/exposition.h"
#include "exporters/prometheus/prometheus.h"
#include "exporters/series/series.h"

/* The forms in which the rows of a snapshot are labelled. */
enum label_form {
	FORM_CADVISOR,	    /* container_*: id, name, image, and what the kubelet adds */
	FORM_OWN,	    /* sysscope_container_*: container and id */
	FORM_INFO,	    /* sysscope_container_info: all labels, for joins */
	FORM_GROUP,	    /* container, id, comm */
	FORM_NEIGHBOUR,	    /* waiter and runner, each with its id */
	FORM_TRANSITION,    /* container, id, kind, how, expected */
	FORM_DISK_CADVISOR, /* as FORM_CADVISOR, and the device */
	FORM_DISK_BLKIO,    /* the same with the numbers of the device: container_blkio_* */
	FORM_DISK,	    /* container, id, device */
	FORM_DISK_PAIR,	    /* waiter and filler, each with its id, and the device */
	FORM_DEVICE,	    /* device */
	FORM_PORT,	    /* container, id, direction, port */
	FORM_INTERFACE,	    /* as FORM_CADVISOR, and the interface */
	FORM_FINDING,	    /* rule, severity, container, id */
	FORM_NAMED,	    /* groupname */
	FORM_COUNT
};

struct prometheus {
	struct series_set *sets[FORM_COUNT];
	struct buf labels, key;
	struct hash_seed seed;
	uint64_t *homes; /* hash of what the labels of each container are made from, in the order of the snapshot */
	size_t homes_room;
	bool minimal;		   /* no labels of a home but its id and name */
	const char *const *chosen; /* names of the labels of containers that are published */
	size_t n_chosen;
	uint32_t without;		    /* bits of collectors whose families are not written now */
	const struct prometheus_sink *sink; /* of the text that is being written; NULL: it stays in one piece */
};

/* The hash of a row so far, and a text that its labels or its key are made from. */
/* What a row of a container is ranked by. Two scrapes of two Prometheus servers have shown that it has ended: that is enough. */
#define ENDED_SCRAPES 2
static inline double home_rank(const struct snapshot *s, uint32_t container, double rank)
{
	const struct container_row *c = &s->containers[container];

	return c->dead && c->dead_seconds > ENDED_SCRAPES * s->interval ? SERIES_ENDED : rank;
}

static inline uint64_t row_text(const struct prometheus *p, uint64_t row, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return hash_number(&p->seed, hash_data(&p->seed, row, text, len), len + 1);
}

static inline uint64_t row_number(const struct prometheus *p, uint64_t row, uint64_t number)
{
	return hash_number(&p->seed, row, number);
}

/* ---- labels.c ---- */
/* Adds name="value", sanitised; an empty value adds nothing. */
void label_add(struct buf *out, const char *name, const char *value);
/* Makes p->labels those of a container in FORM_CADVISOR, FORM_OWN or FORM_INFO. */
void labels_container(struct prometheus *p, enum label_form form, const struct container_row *c);
/* Adds "container" and "id". */
void labels_home(struct prometheus *p, const struct container_row *c);
/* Adds "pod" and "namespace", of a pod's container. */
void labels_pod(struct prometheus *p, const struct container_row *c);

/* ---- families.c ---- */
/* 0: it is none. */
uint32_t collector_bit(const char *name);

/* ---- family.c ---- */
/* One family: the lines from `first` up to `end`. */
void write_family(struct prometheus *p, struct exposition *out, const struct series_set *set,
		  const struct metric_desc *lines, size_t first, size_t end);
/* Hands what is in `out` to the sink, if there is one. 0 or negative errno, and then `out` takes nothing more. */
#define PART_UNKEPT 0 /* text that is no part of a family */
int text_send(struct prometheus *p, struct buf *out, uint64_t part, uint64_t digest);

/* ---- prometheus.c ---- */
/* A sample with this label alone. */
void one_label_add(struct prometheus *p, struct family *f, const char *name, const char *value, double v);

/* ---- sets.c; these and the next 0 or -ENOMEM ---- */
/* First: hashes of the containers. */
int sets_begin(struct prometheus *p, const struct snapshot *s);
int sets_add_containers(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_groups(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_neighbours(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_transitions(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_ports(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_interfaces(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

/* ---- disks.c ---- */
int sets_add_disks(struct prometheus *p, const struct snapshot *s, enum label_form form, unsigned int max_series);
int sets_add_disk_pairs(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_devices(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

/* ---- named.c ---- */
int sets_add_named(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

/* ---- findings.c ---- */
int sets_add_findings(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
void write_findings(struct prometheus *p, struct exposition *out, const struct snapshot *s);

#endif
