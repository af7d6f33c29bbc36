/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll.bpf.c - owner of both ends of a wait in epoll, of epoll_ctl and of accept: how long each event loop, in any
 * program, is in epoll, and what its iterations between two waits consist of. Each end of a wait costs one look-up of
 * the thread's own state. The parts of an iteration are differences of the totals that the scheduler hooks
 * (sched.bpf.c) keep for the thread; they are read only if the thread was switched at all.
 *
 * There are three ways to see both ends, from cheap to expensive: fentry and fexit of the kernel's do_epoll_wait;
 * kprobe and kretprobe of the same function; the tracepoints of the system calls. The last way slows down every system
 * call of every process on the machine, whether it uses epoll or not.
 */
#include "epoll.bpf.h"

static __always_inline int epoll_wait_begin(__u32 fd, bool poll)
{
	struct task_struct *task = bpf_get_current_task_btf();
	/* First: see task_cgroup_id_untyped. */
	__u64 instance = loop_instance(task, fd), now;
	struct ss_thread_state *state = NULL;
	struct loop_state *l;

	if (loops_watched != SS_LOOPS_WATCHED)
		return 0;
	l = bpf_task_storage_get(&loops, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!l) {
		loss_count(SS_LOSS_STATE_REFUSED);
		return 0;
	}
	now = loop_clock();
	if (cfg_sched)
		state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (l->loop.mark && ss_loop_mark_phase(l->loop.mark) != SS_LOOP_ITERATING && !l->adopted)
		loss_count(SS_LOSS_WAIT_UNSEEN);
	loop_close(task, l, state, now);
	l->adopted = 0;
	if (!l->loop.since_ns)
		l->loop.since_ns = now;
	loop_begin_copy(l, state);
	l->begin.switches = task->nvcsw;
	loop_enter_instance(l, instance, now);
	l->loop.mark = ss_loop_mark_make(now, poll ? SS_LOOP_POLLING : SS_LOOP_WAITING);
	return 0;
}

static __always_inline int epoll_wait_end(long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct loop_state *l = bpf_task_storage_get(&loops, task, 0, 0);
	struct ss_thread_state *state = NULL;
	__u64 now, phase, began, sleeps, waited = 0;

	/* NULL: the wait began before the hooks were loaded. */
	if (!l)
		return 0;
	phase = ss_loop_mark_phase(l->loop.mark);
	if (!phase)
		return 0;
	began = ss_loop_mark_began(l->loop.mark);
	now = loop_clock();
	if (cfg_sched)
		state = bpf_task_storage_get(&thread_state, task, 0, 0);
	if (phase == SS_LOOP_ITERATING) {
		/*
		 * The wait's beginning was not seen, so the length of the iteration before it is unknown: it is not
		 * counted.
		 */
		loss_count(SS_LOSS_WAIT_UNSEEN);
		loop_begin_copy(l, state);
		l->loop.mark = ss_loop_mark_make(now, SS_LOOP_ITERATING);
		return 0;
	}
	l->loop.waits++;
	l->alone = ret == 1;
	if (ret > 0) {
		l->loop.productive++;
		l->loop.events += ret;
	} else if (ret < 0) {
		l->loop.interrupted++;
	} else if (phase == SS_LOOP_WAITING) {
		l->loop.timeouts++;
	}
	if (state && state->mark != l->seen_mark)
		waited = waits_runqueue(&state->waits) - l->begin.runqueue_ns;
	if (phase == SS_LOOP_POLLING) {
		l->loop.polls++;
		l->loop.poll_ns += now > began ? now - began : 0;
		l->loop.poll_runqueue_ns += waited;
	} else {
		l->loop.wait_ns += now > began ? now - began : 0;
		l->loop.wait_runqueue_ns += waited;
		/*
		 * Each sleep is one voluntary switch. The last one ended with what the wait returned, earlier ones with
		 * nothing.
		 */
		sleeps = task->nvcsw - l->begin.switches;
		if (sleeps > 1)
			l->loop.empty_wakeups += sleeps - 1;
	}
	loop_begin_copy(l, state);
	if (state)
		state->longest_wait = state->longest_wait_runner = 0;
	l->loop.mark = ss_loop_mark_make(now, SS_LOOP_ITERATING);
	return 0;
}

static __always_inline int epoll_control(struct task_struct *task, int op, __u32 fd)
{
	struct loop_state *l;

	if (loops_watched != SS_LOOPS_WATCHED)
		return 0;
	l = bpf_task_storage_get(&loops, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!l) {
		loss_count(SS_LOSS_STATE_REFUSED);
		return 0;
	}
	if (op == EPOLL_CTL_ADD) {
		loop_adds(task, l, fd);
		l->loop.adds++;
	} else if (op == EPOLL_CTL_DEL) {
		l->loop.deletes++;
	} else if (op == EPOLL_CTL_MOD) {
		l->loop.modifies++;
	}
	return 0;
}

/*
 * A connection that several loops wait for may wake them all, and one of them accepts it. A loop that epoll had told
 * about the connection before has nothing to accept (taken). A loop that looks for events afterwards finds none, and
 * the kernel continues its wait (empty_wakeups).
 */
static __always_inline int epoll_accept_end(long ret)
{
	struct loop_state *l = bpf_task_storage_get(&loops, bpf_get_current_task_btf(), 0, 0);

	if (!l || !l->alone)
		return 0;
	if (ret == -EAGAIN)
		l->loop.taken++;
	l->alone = 0;
	return 0;
}

/* ---- fentry, fexit: since 5.11 the last argument is a time; NULL: no timeout ---- */

static __always_inline bool time_is_zero(struct timespec64 *to)
{
	return to && !BPF_CORE_READ(to, tv_sec) && !BPF_CORE_READ(to, tv_nsec);
}

SEC("?fentry/do_epoll_wait")
int BPF_PROG(epoll_wait_fentry, int fd, void *events, int max, struct timespec64 *to)
{
	return epoll_wait_begin(fd, time_is_zero(to));
}

SEC("?fexit/do_epoll_wait")
int BPF_PROG(epoll_wait_fexit, int fd, void *events, int max, struct timespec64 *to, int ret)
{
	return epoll_wait_end(ret);
}

/* The number of arguments changed in 6.10 (92ef0fd55ac8), so bpf_get_func_ret (5.17) reads the result. */
SEC("?fexit/inet_accept")
int epoll_accept_fexit(__u64 *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return epoll_accept_end((int)ret);
}

SEC("?fentry/do_epoll_ctl")
int epoll_ctl_fentry(__u64 *ctx)
{
	return epoll_control(bpf_get_current_task_btf(), ctx[1], compat_epoll_descriptor(ctx[2]));
}

/* ---- kprobe, kretprobe ---- */

SEC("?kprobe/do_epoll_wait")
int epoll_wait_kprobe(struct pt_regs *ctx)
{
	return epoll_wait_begin(PT_REGS_PARM1(ctx), time_is_zero((struct timespec64 *)PT_REGS_PARM4(ctx)));
}

SEC("?kretprobe/do_epoll_wait")
int epoll_wait_kretprobe(struct pt_regs *ctx)
{
	return epoll_wait_end((int)PT_REGS_RC(ctx));
}

SEC("?kretprobe/inet_accept")
int epoll_accept_kretprobe(struct pt_regs *ctx)
{
	return epoll_accept_end((int)PT_REGS_RC(ctx));
}

SEC("?kprobe/do_epoll_ctl")
int epoll_ctl_kprobe(struct pt_regs *ctx)
{
	return epoll_control(bpf_get_current_task_btf(), PT_REGS_PARM2(ctx),
			     compat_epoll_descriptor(PT_REGS_PARM3(ctx)));
}

/*
 * ---- tracepoints of the system calls: pointers are user-space addresses. One program is attached to all calls that it can tell
 * apart, or need not, because the verifier goes through each program ----
 */

/* Whether the time limit of epoll_pwait2 is 0. A failed read, of a page that is not present, must not be taken for that. */
static __always_inline bool user_time_is_zero(const void *to)
{
	__s64 time[2] = {1, 1};

	return to && !bpf_probe_read_user(time, sizeof(time), to) && !time[0] && !time[1];
}

/* epoll_wait, epoll_pwait, epoll_pwait2 */
SEC("?tracepoint/syscalls/sys_enter_epoll_wait")
int epoll_wait_enter(struct trace_event_raw_sys_enter *ctx)
{
	/* The kernel writes only the lower half of this one (struct syscall_tp_t in kernel/trace/trace_syscalls.c). */
	bool poll = (__u32)ctx->id == __NR_epoll_pwait2 ? user_time_is_zero((const void *)ctx->args[3])
							: (int)ctx->args[3] == 0;

	return epoll_wait_begin(ctx->args[0], poll);
}

/* The same. */
SEC("?tracepoint/syscalls/sys_exit_epoll_wait")
int epoll_wait_exit(struct trace_event_raw_sys_exit *ctx)
{
	return epoll_wait_end(ctx->ret);
}

SEC("?tracepoint/syscalls/sys_enter_epoll_ctl")
int epoll_ctl_enter(struct trace_event_raw_sys_enter *ctx)
{
	return epoll_control(bpf_get_current_task_btf(), ctx->args[1], ctx->args[2]);
}

/*
 * The same by io_uring, as Node 26 does it: called for each request that is submitted, when it is prepared. A ring that a thread
 * of the kernel polls has no other thread that submits: it is counted with the main thread.
 */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(epoll_ctl_uring, struct io_kiocb *req)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_epoll *request;

	if (req->opcode != IORING_OP_EPOLL_CTL)
		return 0;
	if (task->flags & PF_IO_WORKER)
		task = task->group_leader;
	request = (void *)req + bpf_core_field_offset(req->cmd);
	return epoll_control(task, BPF_CORE_READ(request, op), BPF_CORE_READ(request, fd));
}

/* accept, accept4 */
SEC("?tracepoint/syscalls/sys_exit_accept")
int epoll_accept_exit(struct trace_event_raw_sys_exit *ctx)
{
	return epoll_accept_end(ctx->ret);
}
