/* SPDX-License-Identifier: GPL-2.0-or-later */
/* concurrency/runtimes.c - see runtimes.h. docs/runtimes.md shows these threads as they are. */
#include <stddef.h>
#include <string.h>

#include "base/util.h"
#include "concurrency/runtimes.h"

struct part {
	const char *prefix; /* names are at most 15 characters long */
	enum runtime_part part;
};

static const struct part parts[] = {
	/* Node.js, V8 */
	{"DelayedTaskSche", RUNTIME_PLATFORM},
	{"V8Worker", RUNTIME_HELPER},
	{"node-V8Worker", RUNTIME_HELPER},
	{"V8 DefaultWorke", RUNTIME_HELPER},
	{"SignalInspector", RUNTIME_HELPER},
	{"libuv-worker", RUNTIME_POOL},
	/* Bun, JavaScriptCore */
	{"HeapHelper", RUNTIME_HELPER},
	{"JITWorker", RUNTIME_HELPER},
	{"HTTP Client", RUNTIME_HELPER},
	{"mi-scavenger", RUNTIME_HELPER},
	{"Bun Pool", RUNTIME_POOL},
	/* HotSpot */
	{"C1 CompilerThre", RUNTIME_HELPER},
	{"C2 CompilerThre", RUNTIME_HELPER},
	{"GC Thread#", RUNTIME_HELPER},
	{"GC task thread#", RUNTIME_HELPER},
	{"ParGC Thread#", RUNTIME_HELPER},
	{"Gang worker#", RUNTIME_HELPER},
	{"G1 ", RUNTIME_HELPER},
	{"Concurrent Mark", RUNTIME_HELPER},
	{"Shenandoah ", RUNTIME_HELPER},
	{"ZWorker", RUNTIME_HELPER},
	{"XWorker", RUNTIME_HELPER},
	{"ZDriver", RUNTIME_HELPER},
	{"ZDirector", RUNTIME_HELPER},
	{"ZStat", RUNTIME_HELPER},
	{"ZUncommitter", RUNTIME_HELPER},
	{"ZUnmapper", RUNTIME_HELPER},
	{"RuntimeWorker#", RUNTIME_HELPER},
	{"StrDedup", RUNTIME_HELPER},
	{"VM Thread", RUNTIME_HELPER},
	{"VM Periodic Tas", RUNTIME_HELPER},
	{"Reference Handl", RUNTIME_HELPER},
	{"Finalizer", RUNTIME_HELPER},
	{"Signal Dispatch", RUNTIME_HELPER},
	{"Service Thread", RUNTIME_HELPER},
	{"Monitor Deflati", RUNTIME_HELPER},
	{"Sweeper thread", RUNTIME_HELPER},
	{"Common-Cleaner", RUNTIME_HELPER},
	{"Notification Th", RUNTIME_HELPER},
	{"Attach Listener", RUNTIME_HELPER},
	/* OpenJ9 */
	{"JIT Compilation", RUNTIME_HELPER},
	{"JIT Diagnostic", RUNTIME_HELPER},
	{"JIT Sampler", RUNTIME_HELPER},
	{"IProfiler", RUNTIME_HELPER},
	{"GC Worker", RUNTIME_HELPER},
	/* .NET */
	{".NET Server GC", RUNTIME_HELPER},
	{".NET BGC", RUNTIME_HELPER},
	{".NET Finalizer", RUNTIME_HELPER},
	{".NET Tiered", RUNTIME_HELPER},
	{".NET SynchManag", RUNTIME_HELPER},
	{".NET SigHandler", RUNTIME_HELPER},
	{".NET EventPipe", RUNTIME_HELPER},
	{".NET Timer", RUNTIME_HELPER},
	{".NET TP Gate", RUNTIME_HELPER},
	{".NET TP Wait", RUNTIME_HELPER},
	{".NET TP Worker", RUNTIME_POOL},
	/* allocators */
	{"jemalloc_bg_thd", RUNTIME_HELPER},
};

enum runtime_part runtime_part_of(const char *comm)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strncmp(comm, parts[i].prefix, strlen(parts[i].prefix)) == 0)
			return parts[i].part;
	return RUNTIME_UNKNOWN;
}

/* The thread of delayed tasks, four of V8, and the one for signals. */
#define NODE_HELPERS 6

enum runtime_part runtime_part_unnamed(const char *process, uint32_t rank, bool loops)
{
	if (strcmp(process, "node") != 0 && strcmp(process, "nodejs") != 0)
		return RUNTIME_UNKNOWN;
	if (rank == 1 && loops)
		return RUNTIME_PLATFORM;
	return rank <= NODE_HELPERS ? RUNTIME_HELPER : RUNTIME_POOL;
}
