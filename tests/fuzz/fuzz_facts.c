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
		must(strnlen(f.comm, sizeof(f.comm)) < sizeof(f.comm));
		switch (f.kind) {
		case SS_FACT_CGROUP_CREATE:
		case SS_FACT_CGROUP_REMOVE:
			must(strnlen(f.cgroup.name, sizeof(f.cgroup.name)) < sizeof(f.cgroup.name));
			break;
		case SS_FACT_LOOP_STALL:
			must(f.stall.cause < SS_STALL_CAUSES);
			break;
		case SS_FACT_EXEC:
			must(strnlen(f.exec.path, sizeof(f.exec.path)) < sizeof(f.exec.path));
			must(f.exec.arguments_bytes <= SS_ARGUMENTS_LEN);
			break;
		case SS_FACT_CGROUP_ENTER:
		case SS_FACT_PROCESS_START:
		case SS_FACT_THREAD_START:
		case SS_FACT_EXIT:
		case SS_FACT_OOM_KILL:
			must(f.tid);
			break;
		default:
			must(0);
		}
	}
	free(bytes);
	return 0;
}
