/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdev.h - the text of /proc/PID/net/dev. Pure. Called by interfaces.c. */
#ifndef SYSSCOPE_NETWORK_NETDEV_H
#define SYSSCOPE_NETWORK_NETDEV_H

#include <stddef.h>

#include "sysscope/sample.h"

/*
 * Adds the interfaces of the text to `rows`: their names and counters. Leaves out what cAdvisor leaves out: lo, veth*, docker*.
 * Beyond `max` rows (at least 1), the last one is the sum of the rest, under the name INTERFACE_OTHER. Lines that are no
 * interface's are skipped. Returns the number of rows. `text` is modified.
 */
size_t netdev_parse(char *text, struct sample_interface *rows, size_t max);

#endif
