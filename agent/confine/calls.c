/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.c - see confine.h. The lists, and libseccomp that makes a program of them. Keeps no state. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "confine/confine.h"

/* A name that an architecture, or this libseccomp, does not have is passed over. */
static const char *const calls_allowed[] = {
	/* files */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"preadv",
	"pwritev",
	"preadv2",
	"pwritev2",
	"open",
	"openat",
	"openat2",
	"close",
	"close_range",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"lseek",
	"readlink",
	"readlinkat",
	"getdents",
	"getdents64",
	"statfs",
	"fstatfs",
	"getcwd",
	"fcntl",
	"ioctl",
	"flock",
	"dup",
	"dup2",
	"dup3",
	"pipe",
	"pipe2",
	"umask",
	"fadvise64",
	"name_to_handle_at",
	"open_by_handle_at",
	/* a recording */
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"mkdir",
	"mkdirat",
	"rmdir",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"utimensat",
	/* waiting */
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"restart_syscall",
	/* connections; socket is below */
	"socketpair",
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"setsockopt",
	"getsockopt",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"sendmmsg",
	"recvmmsg",
	"shutdown",
	"sendfile",
	/* memory */
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"brk",
	"mincore",
	"msync",
	"mlock",
	"munlock",
	"membarrier",
	/* threads, the child that asks for names of guests, signals; clone is below */
	"futex",
	"futex_waitv",
	"futex_wake",
	"futex_wait",
	"futex_requeue",
	"set_robust_list",
	"get_robust_list",
	"rseq",
	"fork",
	"vfork",
	"exit",
	"exit_group",
	"wait4",
	"waitid",
	"set_tid_address",
	"gettid",
	"getpid",
	"getppid",
	"getpgrp",
	"getpgid",
	"getsid",
	"tgkill",
	"tkill",
	"kill",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"rt_sigsuspend",
	"sigaltstack",
	"sched_yield",
	"sched_getaffinity",
	"sched_setaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"getcpu",
	"prctl",
	"arch_prctl",
	/* about itself and the machine */
	"getrandom",
	"getrusage",
	"getrlimit",
	"setrlimit",
	"prlimit64",
	"sysinfo",
	"uname",
	"times",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"capget",
	"capset",
	/* the kernel half: maps are read, iterators begun, programs of event loops attached and taken off at any time */
	"bpf",
	"perf_event_open",
};

/* Nothing here calls them, and no library for us: who does is not sysscope any more. */
static const char *const calls_deadly[] = {
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"reboot",
	"swapon",
	"swapoff",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"iopl",
	"ioperm",
	"userfaultfd",
	"acct",
	"settimeofday",
	"clock_settime",
};

static const int socket_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

#define CLONE_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
/* Numbers of calls that are newer than this libseccomp: C libraries try them, and do without after ENOSYS alone. */
#define CALLS_MAX   1024
#define CALLS_NEWER 64

static int names_add(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);

		if (call >= 0)
			r = seccomp_rule_add(filter, action, call, 0);
	}
	return r;
}

static int newer_add(scmp_filter_ctx filter)
{
	int last = 0, r = 0;

	for (int call = 0; call < CALLS_MAX; call++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

		if (name)
			last = call;
		free(name);
	}
	for (int call = last + 1; !r && call <= last + CALLS_NEWER; call++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
	return r;
}

/* `kill`: all that is not allowed ends the process anyway; libseccomp takes no rule that says so again. */
static int calls_add(scmp_filter_ctx filter, bool kill)
{
	int r = names_add(filter, SCMP_ACT_ALLOW, calls_allowed, ARRAY_SIZE(calls_allowed));

	if (!r && !kill)
		r = names_add(filter, SCMP_ACT_KILL_PROCESS, calls_deadly, ARRAY_SIZE(calls_deadly));
	for (size_t i = 0; !r && i < ARRAY_SIZE(socket_families); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)socket_families[i]));
	r = r
		    ?: seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NAMESPACES, 0));
	/* Its flags are in memory, where no filter looks; the C library takes clone then. */
	r = r ?: seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r ?: newer_add(filter);
}

static int attributes_set(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	r = r ?: seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r)
		return r;
	/* Each may be too new for the kernel. Before 5.16 a filter would slow down all speculation of its process. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return 0;
}

int confine_calls(struct buf *why)
{
	/* For tests: a call that was forgotten ends the process, so that it is seen. */
	const char *test = getenv("SYSSCOPE_TEST_SECCOMP");
	bool kill = test && strcmp(test, "kill") == 0;
	scmp_filter_ctx filter = seccomp_init(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int r = filter ? attributes_set(filter) : -ENOMEM;

	r = r ?: calls_add(filter, kill);
	r = r ?: seccomp_load(filter);
	seccomp_release(filter);
	if (r)
		buf_printf(why, "%s", strerror(-r));
	return r;
}
