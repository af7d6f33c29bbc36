/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name.bpf.h - the name of a process: that of its main thread (task->comm), or that of its program where the main
 * thread's name says less, as Node's "MainThread" does, or "exe" of a runtime that executes itself. It is kept with the
 * group leader, since a program's file is not known any more when its process has ended. lifecycle.bpf.c and the
 * iterator (snapshot.bpf.c) keep it; what is charged by name (gone.bpf.h) reads it.
 */
#ifndef SYSSCOPE_NAME_BPF_H
#define SYSSCOPE_NAME_BPF_H

#include "task.bpf.h"

/* Letters of a name as one number, and that number for the words that are no names of programs. */
#define WORD4(a, b, c, d) ((__u64)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define WORD_MAIN	  WORD4('m', 'a', 'i', 'n')
#define WORD_THREAD	  (WORD4(0, 0, 't', 'h') << 32 | WORD4('r', 'e', 'a', 'd'))
#define WORD_EXE	  WORD4(0, 'e', 'x', 'e')
/* "memfd:" as it is in memory. */
#define WORD_MEMFD ((WORD4(0, 0, ':', 'd') << 32) | WORD4('f', 'm', 'e', 'm'))

/* The first or the second eight bytes of a name. */
static __always_inline __u64 name_word(const char *name, int half)
{
	__u64 word;

	__builtin_memcpy(&word, name + 8 * half, sizeof(word));
	return word;
}

static __always_inline bool is_memfd(const char *name)
{
	return name_word(name, 0) << 16 == WORD_MEMFD << 16;
}

/*
 * 1 if the highest bit is set, else 0. Hidden from the compiler, so that it makes no branch: in a loop each branch would
 * double what the verifier has to follow. For the same reason a choice is a product here: the verifier makes a branch of
 * a mask.
 */
static __always_inline __u64 highest_bit(__u64 x)
{
	asm volatile("" : "+r"(x));
	x >>= 63;
	asm volatile("" : "+r"(x));
	return x;
}

/* 1 if it is a letter, also one beyond ASCII, else 0. */
static __always_inline __u64 is_letter(__u8 c)
{
	__u64 place = (__u64)(c | 0x20) - 'a';

	return highest_bit(((place - 26) & ~place) | (__u64)c << 56);
}

/* 1 if a and b differ, else 0. */
static __always_inline __u64 unlike(__u8 a, __u8 b)
{
	__u64 x = a ^ b;

	return highest_bit(x | -x);
}

/*
 * Whether the letters of a name are those of "main", "MainThread" or "exe", or none. Not static, so that the verifier
 * follows it once and not at each call.
 */
__weak __noinline int letters_say_less(__u64 first, __u64 second)
{
	/* The letters until the name's end as one number: the latest six, and all before them. */
	__u64 early = 0, late = 0, inside = 1, take;

	for (int i = 0; i < SS_COMM_LEN; i++) {
		__u8 c = first;

		first = first >> 8 | second << 56;
		second >>= 8;
		inside *= unlike(c, 0);
		take = inside * is_letter(c);
		early += take * ((early << 8 | late >> 40) - early);
		late += take * (((late << 8 | c | 0x20) & 0xffffffffffffULL) - late);
	}
	if (!early)
		return !late || late == WORD_MAIN || late == WORD_EXE;
	return early == WORD_MAIN && late == WORD_THREAD;
}

/*
 * Whether a main thread's name does not tell which program it is: "main" and "MainThread" in any spelling, "exe"
 * (/proc/self/exe), a number (/proc/self/fd/6), a file in memory, no letter at all.
 */
static __always_inline bool name_says_less(const char *name)
{
	__u8 first = name[0] | 0x20;

	/* Nearly every name ends here. */
	if (is_letter(first) && first != 'm' && first != 'e')
		return false;
	return is_memfd(name) || letters_say_less(name_word(name, 0), name_word(name, 1));
}

static __always_inline void name_store(char *to, __u64 first, __u64 second)
{
	__builtin_memcpy(to, &first, sizeof(first));
	__builtin_memcpy(to + sizeof(first), &second, sizeof(second));
}

/*
 * Half of the name of the program's file, of any task. Of a file in memory ("memfd:runc_cloned:/proc/self/exe") it is
 * what stands before the second colon, without "memfd:".
 */
__weak __noinline __u64 program_word(__u64 task, int half)
{
	const unsigned char *from = BPF_CORE_READ((struct task_struct *)task, mm, exe_file, f_path.dentry, d_name.name);
	char name[SS_COMM_LEN] = {};
	__u64 keep = 1;

	bpf_probe_read_kernel_str(name, sizeof(name), from);
	if (is_memfd(name)) {
		bpf_probe_read_kernel_str(name, sizeof(name), from + sizeof("memfd:") - 1);
#pragma unroll
		for (int i = 0; i < SS_COMM_LEN; i++) {
			keep *= unlike(name[i], ':');
			name[i] *= keep;
		}
	}
	return half ? name_word(name, 1) : name_word(name, 0);
}

/* A first argument that is not shorter than this is not looked at. */
#define ARGUMENT_LOOK 64

/*
 * Half of what the current task, which is in exec, is called by its first argument, without a folder. 0 unless its
 * program's file is in memory: other files have names that say more.
 */
__weak __noinline __u64 argument_word(__u64 task, int half)
{
	const unsigned char *file = BPF_CORE_READ((struct task_struct *)task, mm, exe_file, f_path.dentry, d_name.name);
	char text[ARGUMENT_LOOK] = {}, name[SS_COMM_LEN] = {};
	__u64 last = 0, same;
	long n;

	bpf_probe_read_kernel_str(name, sizeof(name), file);
	if (!is_memfd(name))
		return 0;
	/* This page was written just now: it is there. */
	n = bpf_probe_read_user_str(text, sizeof(text),
				    (void *)BPF_CORE_READ((struct task_struct *)task, mm, arg_start));
	if (n <= 0 || n == sizeof(text))
		return 0;
#pragma unroll
	for (__u32 i = 0; i < ARGUMENT_LOOK; i++) {
		same = 1 - unlike(text[i], '/');
		last += same * (i + 1 - last);
	}
	__builtin_memset(name, 0, sizeof(name));
	bpf_probe_read_kernel_str(name, sizeof(name), text + (last & (ARGUMENT_LOOK - 1)));
	return half ? name_word(name, 1) : name_word(name, 0);
}

/* Puts the name of the program's file in place of `name`. False: it has none. */
static __always_inline bool name_by_file(char *name, struct task_struct *leader)
{
	__u64 task = task_number(leader), first = program_word(task, 0);

	if (!first)
		return false;
	name_store(name, first, program_word(task, 1));
	return true;
}

/*
 * The main thread `leader` has got the name `comm`. Its process is called so if that says which program it is; else by
 * the name under which the program was executed, if that was seen, or that of the program's file.
 */
static __always_inline void name_settle(struct task_struct *leader, struct ss_thread_state *state, const char *comm)
{
	state->by_program = name_says_less(comm) && (state->program[0] || name_by_file(state->program, leader));
}

/* `leader` is new to us. Kernel threads have the names that the kernel gave them. */
static __noinline __attribute__((unused)) int name_begin(struct task_struct *leader, struct ss_thread_state *state)
{
	char comm[SS_COMM_LEN];

	if (leader->flags & PF_KTHREAD)
		return 0;
	BPF_CORE_READ_INTO(&comm, leader, comm);
	name_settle(leader, state, comm);
	return 0;
}

/*
 * `leader` executes another program, and has its name already. If the program's file is in memory, its name says little:
 * then the program is called by its first argument.
 */
static __noinline __attribute__((unused)) int name_execute(struct task_struct *leader, struct ss_thread_state *state)
{
	char comm[SS_COMM_LEN];
	__u64 task = task_number(leader), first, second;

	BPF_CORE_READ_INTO(&comm, leader, comm);
	state->by_program = name_says_less(comm);
	if (!state->by_program) {
		comm_copy(state->program, comm);
		return 0;
	}
	first = argument_word(task, 0);
	second = argument_word(task, 1);
	if (!letters_say_less(first, second)) {
		name_store(state->program, first, second);
	} else if (!name_by_file(state->program, leader)) {
		state->by_program = 0;
		state->program[0] = 0;
	}
	return 0;
}

/* The name of the process that `leader` leads. */
static __always_inline void process_name(char *to, struct task_struct *leader, struct ss_thread_state *state)
{
	if (state && state->by_program)
		comm_copy(to, state->program);
	else
		bpf_probe_read_kernel(to, SS_COMM_LEN, &leader->comm);
}

/* The same for the process of any thread. */
static __always_inline void process_name_of(char *to, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	process_name(to, leader, bpf_task_storage_get(&thread_state, leader, 0, 0));
}

#endif
