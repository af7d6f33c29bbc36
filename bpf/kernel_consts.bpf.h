/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_consts.bpf.h - the kernel's constants under the kernel's own names, for programs that need a number which type
 * information (BTF) does not carry because it is a macro. Every program takes kernel numbers from here; the one other
 * place is the table of system calls in syscalls.bpf.h. Each group names the kernel header that defines it. All values
 * are the same on every kernel from 5.10 on, unless a comment says since when a value exists.
 */
#ifndef SYSSCOPE_KERNEL_CONSTS_BPF_H
#define SYSSCOPE_KERNEL_CONSTS_BPF_H

/* include/linux/sched.h: task_struct.flags */
#define PF_IO_WORKER  0x00000010
#define PF_FORKNOEXEC 0x00000040
#define PF_FROZEN     0x00010000 /* until 6.1; has been used for kernel threads only since then */
#define PF_KTHREAD    0x00200000

/* include/linux/sched.h: task_struct.__state */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define __TASK_STOPPED	     0x0004
#define __TASK_TRACED	     0x0008
#define TASK_PARKED	     0x0040
#define TASK_DEAD	     0x0080
#define TASK_WAKING	     0x0200
#define TASK_NOLOAD	     0x0400
#define TASK_RTLOCK_WAIT     0x1000 /* since 5.15 */
#define TASK_FROZEN	     0x8000 /* since 6.1; set by the v1 freezer (docker pause) */
#define TASK_IDLE	     (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)

/* include/linux/sched/jobctl.h: task_struct.jobctl */
#define JOBCTL_TRAP_FREEZE (1UL << 23)

/* include/linux/sched.h: task_struct.exit_state */
#define EXIT_DEAD 0x0010

/* is_global_init(), is_child_reaper(): the pid of the first process of a pid namespace, and so of init. */
#define INIT_PID 1

/* include/linux/sched/signal.h: signal_struct.flags */
#define SIGNAL_GROUP_EXIT 0x00000004

/* fs/kernfs/dir.c, kernfs_create_root(): the id of the root cgroup of each hierarchy, the first that is given. */
#define KERNFS_ROOT_ID 1

/* include/uapi/asm-generic/signal.h; sighand_struct.action[signal - 1].sa.sa_handler: SIG_DFL is 0, SIG_IGN is 1 */
#define SIGSTKFLT 16
#define SIGURG	  23
#define SIGIO	  29

/* include/uapi/linux/sched.h: flags of clone, unshare and setns */
#define CLONE_NEWTIME	0x00000080
#define CLONE_THREAD	0x00010000
#define CLONE_NEWNS	0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS	0x04000000
#define CLONE_NEWIPC	0x08000000
#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000

/* include/linux/proc_ns.h: the inode number of the initial pid namespace */
#define PROC_PID_INIT_INO 0xEFFFFFFCU

/* include/linux/err.h */
#define MAX_ERRNO 4095

/* include/linux/pid_namespace.h, include/linux/threads.h */
#define MAX_PID_NS_LEVEL 32
#define PID_MAX_LIMIT	 4194304

/* include/linux/mm_types_task.h: index into mm_struct.rss_stat */
#define MM_FILEPAGES  0
#define MM_ANONPAGES  1
#define MM_SWAPENTS   2
#define MM_SHMEMPAGES 3
#define MM_COUNTERS   4

/* include/linux/mmzone.h: index into zone.vm_stat */
#define NR_FREE_PAGES 0

/* linux/kernel_stat.h: enum cpu_usage_stat */
#define CPUTIME_USER	0
#define CPUTIME_NICE	1
#define CPUTIME_SYSTEM	2
#define CPUTIME_SOFTIRQ 3
#define CPUTIME_IRQ	4

/* Bits 63 to 47 of each address of the kernel on x86-64 with four levels of page tables. */
#define CANONICAL_47 0x1ffffULL

/* include/uapi/linux/stat.h: inode.i_mode */
#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFIFO	 0010000

/* include/uapi/linux/magic.h: super_block.s_magic */
#define ANON_INODE_FS_MAGIC 0x09041934

/* include/uapi/asm-generic/fcntl.h: file.f_flags; the same on x86 and arm64 */
#define O_NONBLOCK 00004000

/* include/uapi/linux/eventpoll.h: the op of epoll_ctl, and a bit of epoll_event.events */
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLET	      (1U << 31)

/* include/uapi/linux/io_uring.h: io_kiocb.opcode */
#define IORING_OP_EPOLL_CTL 29

/* include/linux/net.h, include/linux/socket.h, include/net/tcp_states.h */
#define SOCK_STREAM	 1
#define SOCK_DGRAM	 2
#define SOCK_SEQPACKET	 5
#define AF_UNIX		 1
#define AF_INET		 2
#define AF_INET6	 10
#define TCP_ESTABLISHED	 1
#define TCP_SYN_SENT	 2
#define TCP_TIME_WAIT	 6
#define TCP_CLOSE	 7 /* af_unix.c uses the same states */
#define TCP_CLOSE_WAIT	 8
#define TCP_LISTEN	 10
#define TCP_NEW_SYN_RECV 12
#define SHUTDOWN_MASK	 3

/* include/linux/socket.h */
#define MSG_PEEK 2

/* include/net/sock.h: a bit of sock.sk_flags: the other side has ended the stream */
#define SOCK_DONE 1

/* include/uapi/linux/in.h, ip.h, tcp.h: protocols in an IP header; lengths of headers, and where that of TCP is noted */
#define IPPROTO_TCP	   6
#define IPPROTO_UDP	   17
#define IPV6_HEADER_LENGTH 40
#define UDP_HEADER_LENGTH  8
#define TCP_LENGTH_OFFSET  12

/* include/net/sock.h: bits of sock.sk_userlocks: the program has bound it to an address, a port of its choice */
#define SOCK_BINDADDR_LOCK 4
#define SOCK_BINDPORT_LOCK 8

/* include/uapi/asm-generic/errno-base.h, errno.h */
#define EAGAIN	     11
#define EEXIST	     17
#define ENETUNREACH  101
#define ECONNRESET   104
#define ETIMEDOUT    110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

/* include/linux/blk_types.h: operations in the low bits of request.cmd_flags; above 31 are a driver's own */
#define REQ_OP_MASK	    0xff
#define REQ_OP_READ	    0
#define REQ_OP_WRITE	    1
#define REQ_OP_DISCARD	    3
#define REQ_OP_SECURE_ERASE 5
#define REQ_OP_ZONE_APPEND  7
#define REQ_OP_WRITE_ZEROES 9

/* include/linux/security.h, since 5.1: an option of cap_capable */
#define CAP_OPT_NOAUDIT 0x2
/* Bits of a kernel_cap_t; CAP_LAST_CAP is below it. */
#define CAPABILITY_BITS 64

/*
 * Numbers of the system calls that programs ask for by name. The __NR_compat_ ones are those of the 32-bit table.
 * arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl; include/uapi/asm-generic/unistd.h and
 * arch/arm64/include/asm/unistd32.h.
 *
 * And how a task says that it is in a system call of the 32-bit table: arch/x86/include/asm/thread_info.h, a bit of
 * thread_info.status; arch/arm64/include/asm/thread_info.h, the number of a bit of thread_info.flags.
 */
#define __NR_epoll_pwait2 441 /* in every table */
#if defined(__TARGET_ARCH_x86)
#define __NR_accept	     43
#define __NR_execve	     59
#define __NR_unshare	     272
#define __NR_accept4	     288
#define __NR_setns	     308
#define __NR_execveat	     322
#define __NR_compat_execve   11
#define __NR_compat_unshare  310
#define __NR_compat_setns    346
#define __NR_compat_execveat 358

#define TS_COMPAT 0x0002
#elif defined(__TARGET_ARCH_arm64)
#define __NR_unshare	     97
#define __NR_accept	     202
#define __NR_execve	     221
#define __NR_accept4	     242
#define __NR_setns	     268
#define __NR_execveat	     281
#define __NR_compat_execve   11
#define __NR_compat_unshare  337
#define __NR_compat_setns    375
#define __NR_compat_execveat 387

#define TIF_32BIT 22
#endif

#endif
