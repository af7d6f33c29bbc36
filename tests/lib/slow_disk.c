/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slow_disk.c - see slow_disk.h. The server speaks the kernel's protocol itself: a file system of one file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"
#include "slow_disk.h"

#define FILE_NODE   2
#define WRITE_MAX   (128 * 1024)
#define MESSAGE_MAX (WRITE_MAX + 4096)

static char folder[64];
static pid_t server, owner;
static char loops[4][32];
static int n_loops;

/* ---- the end ---- */

static void disks_remove(void)
{
	if (getpid() != owner)
		return;
	while (n_loops-- > 0) {
		_cleanup_close_ int fd = open(loops[n_loops], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			ioctl(fd, LOOP_CLR_FD);
	}
	if (server > 0)
		kill(server, SIGKILL);
	if (folder[0]) {
		umount2(folder, MNT_DETACH);
		rmdir(folder);
	}
}

/* ---- loop devices ---- */

static bool loop_attach(struct test_disk *ret, int file)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct stat st;

	for (int tries = 0; control >= 0 && tries < 20; tries++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), fd;
		bool done;

		snprintf(ret->path, sizeof(ret->path), "/dev/loop%d", number);
		snprintf(ret->name, sizeof(ret->name), "loop%d", number);
		if (number >= 0 && access(ret->path, F_OK) < 0)
			mknod(ret->path, S_IFBLK | 0600, makedev(7, (unsigned int)number));
		fd = open(ret->path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			break;
		done = ioctl(fd, LOOP_SET_FD, file) == 0 && fstat(fd, &st) == 0;
		close(fd);
		if (!done)
			continue; /* somebody else took it */
		ret->major = major(st.st_rdev);
		ret->minor = minor(st.st_rdev);
		if (!owner) {
			owner = getpid();
			atexit(disks_remove);
		}
		snprintf(loops[n_loops++], sizeof(loops[0]), "%s", ret->path);
		return true;
	}
	printf("# no loop device: %s\n", strerror(errno));
	return false;
}

bool test_disk_make(struct test_disk *ret, uint64_t bytes)
{
	_cleanup_close_ int file = memfd_create("sysscope-test-disk", MFD_CLOEXEC);

	return file >= 0 && ftruncate(file, (off_t)bytes) == 0 && loop_attach(ret, file);
}

struct test_disk_stat test_disk_stat(const struct test_disk *d)
{
	struct test_disk_stat s = {};
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/%s/stat", d->name);
	if (read_file(path, 4096, &text, NULL) < 0 ||
	    sscanf(text, "%lu %*u %lu %lu %lu %*u %lu %lu", &s.reads, &s.read_sectors, &s.read_ms, &s.writes,
		   &s.write_sectors, &s.write_ms) != 6)
		s.reads = UINT64_MAX;
	return s;
}

/* ---- the FUSE server ---- */

static void answer(int fd, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + size), .error = -error, .unique = unique};
	static char message[MESSAGE_MAX + sizeof(head)];

	memcpy(message, &head, sizeof(head));
	if (size)
		memcpy(message + sizeof(head), data, size);
	if (write(fd, message, sizeof(head) + size) < 0 && errno == ENODEV)
		_exit(0);
}

static struct fuse_attr attributes(uint64_t node, uint64_t bytes)
{
	bool file = node == FILE_NODE;

	return (struct fuse_attr){.ino = node,
				  .size = file ? bytes : 0,
				  .mode = file ? S_IFREG | 0600 : S_IFDIR | 0700,
				  .nlink = 1,
				  .blksize = 4096};
}

static void serve_init(int fd, const struct fuse_in_header *head)
{
	/* Without readahead each read of the disk is one of the server. */
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
				    .minor = 31,
				    .flags = FUSE_BIG_WRITES,
				    .max_background = 64,
				    .congestion_threshold = 64,
				    .max_write = WRITE_MAX,
				    .time_gran = 1};

	answer(fd, head->unique, 0, &out, sizeof(out));
}

static void serve_one(int fd, const struct fuse_in_header *head, uint64_t bytes, unsigned int us)
{
	static const char zeros[MESSAGE_MAX];
	const void *in = head + 1;
	struct fuse_attr_out attr = {.attr_valid = 3600, .attr = attributes(head->nodeid, bytes)};
	struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr_valid = 3600, .entry_valid = 3600};
	struct fuse_open_out opened = {.fh = 1};
	struct fuse_write_out written = {};
	uint32_t size;

	switch (head->opcode) {
	case FUSE_INIT:
		serve_init(fd, head);
		return;
	case FUSE_LOOKUP:
		entry.attr = attributes(FILE_NODE, bytes);
		answer(fd, head->unique, 0, &entry, sizeof(entry));
		return;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer(fd, head->unique, 0, &attr, sizeof(attr));
		return;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(fd, head->unique, 0, &opened, sizeof(opened));
		return;
	case FUSE_READ:
		size = ((const struct fuse_read_in *)in)->size;
		usleep(us);
		answer(fd, head->unique, 0, zeros, size < WRITE_MAX ? size : WRITE_MAX);
		return;
	case FUSE_WRITE:
		written.size = ((const struct fuse_write_in *)in)->size;
		usleep(us);
		answer(fd, head->unique, 0, &written, sizeof(written));
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(fd, head->unique, 0, NULL, 0);
		return;
	default:
		answer(fd, head->unique, ENOSYS, NULL, 0);
	}
}

static void serve(int fd, uint64_t bytes, unsigned int us)
{
	static char message[MESSAGE_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t n = read(fd, message, sizeof(message));

		if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			_exit(0);
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(fd, (const struct fuse_in_header *)message, bytes, us);
	}
}

static int server_mount(uint64_t bytes, unsigned int us)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[96], path[80];

	snprintf(folder, sizeof(folder), "/tmp/sysscope-test-fuse-XXXXXX");
	if (fd < 0 || !mkdtemp(folder))
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	owner = getpid();
	atexit(disks_remove);
	if (mount("sysscope-test", folder, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	fflush(NULL);
	server = fork();
	if (server == 0)
		serve(fd, bytes, us);
	snprintf(path, sizeof(path), "%s/disk", folder);
	return server < 0 ? -errno : open(path, O_RDWR | O_CLOEXEC);
}

bool test_disk_make_slow(struct test_disk *ret, uint64_t bytes, unsigned int us)
{
	_cleanup_close_ int file = server_mount(bytes, us);

	if (file < 0) {
		printf("# no FUSE: %s\n", strerror(file == -1 ? errno : -file));
		return false;
	}
	return loop_attach(ret, file);
}
