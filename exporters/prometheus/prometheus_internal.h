/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prometheus_internal.h - what the files that put rows into series share. No other file includes it. */
#ifndef SYSSCOPE_PROMETHEUS_INTERNAL_H
#define SYSSCOPE_PROMETHEUS_INTERNAL_H

#include "base/util.h"
#include "exporters/prometheus/prometheus.h"
#include "exporters/prometheus/series.h"

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
	FORM_COUNT
};

struct prometheus {
	struct series_set *sets[FORM_COUNT];
	struct buf labels, key;
};

/* Adds name="value", sanitised; an empty value adds nothing. */
void label_add(struct buf *out, const char *name, const char *value);
/* Makes `out` the labels of a container in FORM_CADVISOR, FORM_OWN or FORM_INFO. */
void labels_container(struct buf *out, enum label_form form, const struct container_row *c);

/* ---- sets.c; these and the next 0 or -ENOMEM ---- */
int sets_add_containers(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_groups(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_neighbours(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_transitions(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_ports(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

/* ---- disks.c ---- */
int sets_add_disks(struct prometheus *p, const struct snapshot *s, enum label_form form, unsigned int max_series);
int sets_add_disk_pairs(struct prometheus *p, const struct snapshot *s, unsigned int max_series);
int sets_add_devices(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

/* ---- interfaces.c ---- */
int sets_add_interfaces(struct prometheus *p, const struct snapshot *s, unsigned int max_series);

#endif
