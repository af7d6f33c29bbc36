/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * concurrency/runtimes.h - which threads known runtimes make for themselves, and which for the program's work. Names are all
 * that tells these apart: compiler and garbage collector wait for work in futex as a pool does. Used by evidence.c alone.
 */
#ifndef SYSSCOPE_CONCURRENCY_RUNTIMES_H
#define SYSSCOPE_CONCURRENCY_RUNTIMES_H

#include <stdbool.h>
#include <stdint.h>

enum runtime_part {
	RUNTIME_UNKNOWN,
	RUNTIME_HELPER,	  /* the runtime's own: compiles, collects garbage, listens for signals */
	RUNTIME_PLATFORM, /* the same, and it says that this is Node.js, whose pool is made at its first use */
	RUNTIME_POOL,	  /* it does the program's work, even if it was never seen waiting for any */
};

/* By the thread's name, 16 bytes. */
enum runtime_part runtime_part_of(const char *comm);

/*
 * Node.js before 22 names no thread. Of a process of this name the first ones are the runtime's own: the thread of delayed
 * tasks, which lives in epoll, those of V8, and the one for signals. `rank`: of a thread without a name, 1 is the first; `loops`:
 * that one lives in epoll.
 */
enum runtime_part runtime_part_unnamed(const char *process, uint32_t rank, bool loops);

#endif
