/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls.bpf.h - the wait class of each system call: what a thread that sleeps in it waits for. One table per
 * architecture. state.bpf.c defines the table, sched.bpf.h reads it. The numbers are those of
 * arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; they never change.
 */
#ifndef SYSSCOPE_SYSCALLS_BPF_H
#define SYSSCOPE_SYSCALLS_BPF_H

#include "sysscope/abi/common.h"

#define SYSCALLS 512
/* The wait class depends on the file behind the descriptor in the first argument. */
#define WAIT_BY_DESCRIPTOR SS_WAIT_CLASSES
/* An entry is the wait class plus 1; 0 means SS_WAIT_OTHER. */
extern const __u8 syscall_waits[SYSCALLS];

#ifdef SYSCALL_TABLE
#define E (SS_WAIT_EPOLL + 1)
#define P (SS_WAIT_POLL + 1)
#define L (SS_WAIT_FUTEX + 1)
#define T (SS_WAIT_SLEEP + 1)
#define F (SS_WAIT_FILE + 1)
#define N (SS_WAIT_NETWORK + 1)
#define C (SS_WAIT_CHILD + 1)
#define U (SS_WAIT_IO_URING + 1)
#define M (SS_WAIT_FAULT + 1)
#define D (WAIT_BY_DESCRIPTOR + 1)

#define NR(number, name, class) [number] = class,

/* clang-format off */
/* Calls that have the same number on every architecture (all that were added since 5.0). */
#define SYSCALLS_COMMON                                                                                          \
	NR(425, io_uring_setup, U) NR(426, io_uring_enter, U) NR(427, io_uring_register, U)                      \
	NR(428, open_tree, F) NR(429, move_mount, F) NR(430, fsopen, F) NR(432, fsmount, F) NR(435, clone3, C)   \
	NR(437, openat2, F) NR(439, faccessat2, F) NR(440, process_madvise, M) NR(441, epoll_pwait2, E)          \
	NR(449, futex_waitv, L) NR(452, fchmodat2, F) NR(455, futex_wait, L) NR(456, futex_requeue, L)

const __u8 syscall_waits[SYSCALLS] = {
	SYSCALLS_COMMON
#if defined(__TARGET_ARCH_x86)
	NR(0, read, D) NR(1, write, D) NR(2, open, F) NR(3, close, D) NR(4, stat, F) NR(5, fstat, F) NR(6, lstat, F)
	NR(7, poll, P) NR(9, mmap, M) NR(10, mprotect, M) NR(11, munmap, M) NR(12, brk, M)
	NR(17, pread64, D) NR(18, pwrite64, D) NR(19, readv, D) NR(20, writev, D) NR(21, access, F)
	NR(23, select, P) NR(25, mremap, M) NR(26, msync, F) NR(28, madvise, M) NR(35, nanosleep, T)
	NR(40, sendfile, D) NR(42, connect, N) NR(43, accept, N) NR(44, sendto, N) NR(45, recvfrom, N)
	NR(46, sendmsg, N) NR(47, recvmsg, N) NR(48, shutdown, N) NR(56, clone, C) NR(57, fork, C) NR(58, vfork, C)
	NR(59, execve, F) NR(61, wait4, C) NR(72, fcntl, F) NR(73, flock, F) NR(74, fsync, F) NR(75, fdatasync, F)
	NR(76, truncate, F) NR(77, ftruncate, F) NR(78, getdents, F) NR(80, chdir, F) NR(82, rename, F)
	NR(83, mkdir, F) NR(84, rmdir, F) NR(85, creat, F) NR(86, link, F) NR(87, unlink, F) NR(88, symlink, F)
	NR(89, readlink, F) NR(90, chmod, F) NR(92, chown, F) NR(137, statfs, F) NR(149, mlock, M) NR(151, mlockall, M)
	NR(162, sync, F) NR(165, mount, F) NR(166, umount2, F) NR(187, readahead, F) NR(188, setxattr, F)
	NR(191, getxattr, F) NR(202, futex, L) NR(208, io_getevents, U) NR(209, io_submit, U) NR(217, getdents64, F)
	NR(221, fadvise64, F) NR(230, clock_nanosleep, T) NR(232, epoll_wait, E) NR(247, waitid, C)
	NR(257, openat, F) NR(258, mkdirat, F) NR(260, fchownat, F) NR(262, newfstatat, F) NR(263, unlinkat, F)
	NR(264, renameat, F) NR(265, linkat, F) NR(266, symlinkat, F) NR(267, readlinkat, F) NR(268, fchmodat, F)
	NR(269, faccessat, F) NR(270, pselect6, P) NR(271, ppoll, P) NR(275, splice, D) NR(276, tee, D)
	NR(277, sync_file_range, F) NR(278, vmsplice, D) NR(281, epoll_pwait, E) NR(285, fallocate, F)
	NR(288, accept4, N) NR(295, preadv, D) NR(296, pwritev, D) NR(299, recvmmsg, N) NR(306, syncfs, F)
	NR(307, sendmmsg, N) NR(316, renameat2, F) NR(322, execveat, F) NR(326, copy_file_range, D) NR(327, preadv2, D)
	NR(328, pwritev2, D) NR(332, statx, F) NR(333, io_pgetevents, U)
#elif defined(__TARGET_ARCH_arm64)
	NR(2, io_submit, U) NR(4, io_getevents, U) NR(5, setxattr, F) NR(8, getxattr, F) NR(22, epoll_pwait, E)
	NR(25, fcntl, F) NR(32, flock, F) NR(34, mkdirat, F) NR(35, unlinkat, F) NR(36, symlinkat, F) NR(37, linkat, F)
	NR(38, renameat, F) NR(39, umount2, F) NR(40, mount, F) NR(43, statfs, F) NR(45, truncate, F)
	NR(46, ftruncate, F) NR(47, fallocate, F) NR(48, faccessat, F) NR(49, chdir, F) NR(53, fchmodat, F)
	NR(54, fchownat, F) NR(56, openat, F) NR(57, close, D) NR(61, getdents64, F) NR(63, read, D) NR(64, write, D)
	NR(65, readv, D) NR(66, writev, D) NR(67, pread64, D) NR(68, pwrite64, D) NR(69, preadv, D) NR(70, pwritev, D)
	NR(71, sendfile, D) NR(72, pselect6, P) NR(73, ppoll, P) NR(75, vmsplice, D) NR(76, splice, D) NR(77, tee, D)
	NR(78, readlinkat, F) NR(79, newfstatat, F) NR(80, fstat, F) NR(81, sync, F) NR(82, fsync, F)
	NR(83, fdatasync, F) NR(84, sync_file_range, F) NR(95, waitid, C) NR(98, futex, L) NR(101, nanosleep, T)
	NR(115, clock_nanosleep, T) NR(202, accept, N) NR(203, connect, N) NR(206, sendto, N) NR(207, recvfrom, N)
	NR(210, shutdown, N) NR(211, sendmsg, N) NR(212, recvmsg, N) NR(213, readahead, F) NR(214, brk, M)
	NR(215, munmap, M) NR(216, mremap, M) NR(220, clone, C) NR(221, execve, F) NR(222, mmap, M)
	NR(223, fadvise64, F) NR(226, mprotect, M) NR(227, msync, F) NR(228, mlock, M) NR(230, mlockall, M)
	NR(233, madvise, M)
	NR(242, accept4, N) NR(243, recvmmsg, N) NR(260, wait4, C) NR(267, syncfs, F) NR(269, sendmmsg, N)
	NR(276, renameat2, F) NR(281, execveat, F) NR(285, copy_file_range, D) NR(286, preadv2, D) NR(287, pwritev2, D)
	NR(291, statx, F) NR(292, io_pgetevents, U)
#else
#error "no table of system calls for this architecture"
#endif
};
/* clang-format on */
#endif

#endif
