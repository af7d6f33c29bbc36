/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_facts.c - records of the ring: none is read past its end, and what is taken can be relied on. */
#include "facts.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);
	struct ss_fact f;

	must(bytes);
	memcpy(bytes, data, size);
	memset(&f, 0xa5, sizeof(f));
	if (fact_decode(bytes, size, &f) < 0) {
		for (size_t i = 0; i < sizeof(f); i++)
			must(((unsigned char *)&f)[i] == 0xa5);
	} else {
		must(f.size <= size);
		switch (f.kind) {
		case SS_FACT_CGROUP_CREATE:
		case SS_FACT_CGROUP_REMOVE:
			must(strnlen(f.cgroup.name, sizeof(f.cgroup.name)) < sizeof(f.cgroup.name));
			break;
		case SS_FACT_LOOP_STALL:
			must(strnlen(f.stall.comm, sizeof(f.stall.comm)) < sizeof(f.stall.comm));
			must(f.stall.cause < SS_STALL_CAUSES);
			break;
		default:
			must(0);
		}
	}
	free(bytes);
	return 0;
}
