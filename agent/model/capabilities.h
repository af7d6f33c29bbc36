/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capabilities.h - what each container's processes have, and which capability checks its threads met. */
#ifndef SYSSCOPE_MODEL_CAPABILITIES_H
#define SYSSCOPE_MODEL_CAPABILITIES_H

#include "homes/homes.h"
#include "base/list.h"
#include "model/processes.h"

struct capabilities {
	LIST(struct check_row) checks;
	uint64_t all;		       /* that this kernel has */
	uint64_t standings, described; /* of processes and homes, when the homes' capabilities were collected */
};

/* After the rows of processes; completes those of containers. 0 or -ENOMEM. */
int capability_rows_fill(struct capabilities *caps, const struct homes *homes, const struct processes *processes,
			 const struct sample *s, struct container_row *containers, struct snapshot *snapshot);
void capabilities_free(struct capabilities *caps);

#endif
